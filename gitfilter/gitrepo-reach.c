/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gitrepo-reach: whether the references that clients are shown lead to objects. From the newest commits down, folders that
 * were seen are not read again, and files not at all: what a push builds on is nearly always found within a few commits.
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "gitfilter/gitrepo_int.h"
#include "gitfilter/object.h"
#include "gitfilter/objidx.h"
#include "gitfilter/shelf.h"

#define TAGS_DEEP	16	/* tags of tags; more than that leads to nothing here */

struct reach {
	struct gitrepo	*repo;
	git_odb		*odb;		/* owned */
	git_revwalk	*walk;		/* owned */
	struct objidx	*asked;		/* owned: name -> 0 */
	struct objidx	*found;		/* owned: those of the asked that were met */
	struct objidx	*folders;	/* owned: read already */
	uint8_t		(*stack)[20];	/* owned: folders to be read */
	size_t		 nstack, room;
};

static bool
reach_is_over(const struct reach *h)
{
	return objidx_count(h->found) == objidx_count(h->asked);
}

static int
reach_met(struct reach *h, const uint8_t oid[20])
{
	int r;

	if (objidx_find(h->asked, oid) == OBJIDX_NONE)
		return 0;
	return (r = objidx_add(h->found, oid, 0)) == ERR_EXISTS ? 0 : r;
}

static int
reach_push(struct reach *h, const uint8_t oid[20])
{
	uint8_t (*more)[20];
	size_t room;
	int r;

	if ((r = objidx_add(h->folders, oid, 0)) != 0)
		return r == ERR_EXISTS ? 0 : r;
	if (h->nstack == h->room) {
		room = h->room == 0 ? 256 : h->room * 2;
		if ((more = reallocarray(h->stack, room, sizeof(*more))) == NULL)
			return ERR_NOMEM;
		h->stack = more;
		h->room = room;
	}
	memcpy(h->stack[h->nstack++], oid, 20);
	return 0;
}

/* One folder. What cannot be read leads nowhere: nothing that is only in it is found. */
static int
reach_folder(struct reach *h, const uint8_t oid[20])
{
	git_odb_object *object = NULL;
	struct tree_cursor cursor;
	struct tree_entry e;
	const char *why;
	git_oid id;
	int r = 0;

	(void)git_oid_fromraw(&id, oid);
	if (git_odb_read(&object, h->odb, &id) != 0 || git_odb_object_type(object) != GIT_OBJECT_TREE)
		goto out;
	tree_begin(&cursor, git_odb_object_data(object), git_odb_object_size(object));
	while (r == 0 && tree_next(&cursor, &e, &why) == 0)
		if (mode_type(e.mode) != 0 && (r = reach_met(h, e.oid)) == 0 && mode_type(e.mode) == OBJECT_TREE)
			r = reach_push(h, e.oid);
out:
	git_odb_object_free(object);
	return r;
}

static int
reach_folders(struct reach *h, const uint8_t root[20])
{
	int r;

	if ((r = reach_met(h, root)) == 0)
		r = reach_push(h, root);
	while (r == 0 && h->nstack > 0 && !reach_is_over(h)) {
		uint8_t oid[20];

		memcpy(oid, h->stack[--h->nstack], 20);
		r = reach_folder(h, oid);
	}
	return r;
}

/* What a reference names, through tags: each of them is met; a commit is where the walk begins. */
static int
reach_begin_at(struct reach *h, const git_oid *start)
{
	git_object *object = NULL, *target;
	git_oid oid = *start;
	int r = 0;

	for (int i = 0; r == 0 && i < TAGS_DEEP && git_object_lookup(&object, h->repo->git, &oid, GIT_OBJECT_ANY) == 0; i++) {
		git_object_t type = git_object_type(object);

		if ((r = reach_met(h, oid.id)) == 0 && type == GIT_OBJECT_COMMIT)
			r = git_revwalk_push(h->walk, &oid) == 0 ? 0 : ERR_SYSTEM;
		else if (r == 0 && type == GIT_OBJECT_TREE)
			r = reach_folders(h, oid.id);
		if (r != 0 || type != GIT_OBJECT_TAG || git_tag_target(&target, (git_tag *)object) != 0)
			break;
		git_object_free(object);
		object = NULL;
		oid = *git_object_id(target);
		git_object_free(target);
	}
	git_object_free(object);
	return r;
}

static int
reach_begin(struct reach *h)
{
	git_reference_iterator *it = NULL;
	git_reference *ref, *direct;
	int r = 0;

	if (git_reference_iterator_new(&it, h->repo->git) != 0)
		return ERR_SYSTEM;
	while (r == 0 && git_reference_next(&ref, it) == 0) {
		if (strncmp(git_reference_name(ref), SHELF_REFS, strlen(SHELF_REFS)) != 0 &&
		    git_reference_resolve(&direct, ref) == 0) {
			r = reach_begin_at(h, git_reference_target(direct));
			git_reference_free(direct);
		}
		git_reference_free(ref);
	}
	git_reference_iterator_free(it);
	return r;
}

static int
reach_commits(struct reach *h)
{
	git_oid oid;
	int r = 0;

	while (r == 0 && !reach_is_over(h) && git_revwalk_next(&oid, h->walk) == 0) {
		git_commit *commit;

		if ((r = reach_met(h, oid.id)) != 0 || git_commit_lookup(&commit, h->repo->git, &oid) != 0)
			continue;
		r = reach_folders(h, git_commit_tree_id(commit)->id);
		git_commit_free(commit);
	}
	return r;
}

static int
reach_ask(struct reach *h, const uint8_t *oids, size_t n)
{
	int r = 0;

	h->asked = objidx_new();
	h->found = objidx_new();
	h->folders = objidx_new();
	if (h->asked == NULL || h->found == NULL || h->folders == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((r = objidx_add(h->asked, oids + i * 20, 0)) == ERR_EXISTS)
			r = 0;
	return r;
}

int
gitrepo_reaches(struct gitrepo *repo, const uint8_t *oids, size_t n, const uint8_t **missingp)
{
	struct reach h = { .repo = repo };
	int r = ERR_SYSTEM;

	*missingp = NULL;
	if (git_repository_odb(&h.odb, repo->git) == 0 && git_revwalk_new(&h.walk, repo->git) == 0 &&
	    git_revwalk_sorting(h.walk, GIT_SORT_TIME) == 0 && (r = reach_ask(&h, oids, n)) == 0 && (r = reach_begin(&h)) == 0)
		r = reach_commits(&h);
	for (size_t i = 0; r == 0 && i < n && *missingp == NULL; i++)
		if (objidx_find(h.found, oids + i * 20) == OBJIDX_NONE)
			*missingp = oids + i * 20;
	objidx_free(h.asked);
	objidx_free(h.found);
	objidx_free(h.folders);
	free(h.stack);
	git_revwalk_free(h.walk);
	git_odb_free(h.odb);
	return r;
}
