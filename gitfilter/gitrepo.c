/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/gitrepo_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/push.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/shelf.h"

static void
gitrepo_forget_configuration(void)
{
	static const int levels[] = {
		GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_PROGRAMDATA,
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		(void)git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	/* Which repositories are served is the operator's configuration, not the folder's owner. */
	(void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

int
gitrepo_open(struct gitrepo **repop, char *why, size_t size)
{
	struct gitrepo *repo = calloc(1, sizeof(*repo));
	const git_error *error;

	if (repo == NULL)
		return ERR_NOMEM;
	(void)git_libgit2_init();
	gitrepo_forget_configuration();
	if (git_repository_open_ext(&repo->git, ".", GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT,
	    NULL) != 0) {
		error = git_error_last();
		(void)snprintf(why, size, "the repository cannot be opened: %s", error == NULL ? "?" : error->message);
	} else if (!git_repository_is_bare(repo->git))
		(void)snprintf(why, size, "the repository is not bare");
	else {
		*repop = repo;
		return 0;
	}
	gitrepo_close(repo);
	return ERR_DENIED;
}

void
gitrepo_close(struct gitrepo *repo)
{
	if (repo == NULL)
		return;
	git_repository_free(repo->git);
	(void)git_libgit2_shutdown();
	free(repo);
}

int
gitrepo_make(char *why, size_t size)
{
	git_repository_init_options o;
	git_repository *git = NULL;
	const git_error *error;
	int r = 0;

	(void)git_libgit2_init();
	gitrepo_forget_configuration();
	(void)git_repository_init_options_init(&o, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	o.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_DOTGIT_DIR;
	o.initial_head = "refs/heads/main";
	if (git_repository_init_ext(&git, ".", &o) != 0) {
		error = git_error_last();
		(void)snprintf(why, size, "the mirror cannot be made: %s", error == NULL ? "?" : error->message);
		r = ERR_DENIED;
	}
	git_repository_free(git);
	(void)git_libgit2_shutdown();
	return r;
}

int
gitrepo_set_ref(struct gitrepo *repo, const char *name, const char *oid)
{
	git_reference *ref = NULL;
	git_oid id;
	int g;

	if (git_oid_fromstr(&id, oid) != 0)
		return ERR_DENIED;
	if (git_oid_is_zero(&id))
		return gitrepo_drop_ref(repo, name);
	g = git_reference_create(&ref, repo->git, name, &id, 1, NULL);
	git_reference_free(ref);
	return g == 0 ? 0 : ERR_DENIED;
}

int
gitrepo_set_head(struct gitrepo *repo, const char *name)
{
	return git_repository_set_head(repo->git, name) == 0 ? 0 : ERR_DENIED;
}

bool
gitrepo_has(struct gitrepo *repo, const char *oid)
{
	git_odb *odb = NULL;
	git_oid id;
	bool yes = git_oid_fromstr(&id, oid) == 0 && git_repository_odb(&odb, repo->git) == 0 && git_odb_exists(odb, &id) == 1;

	git_odb_free(odb);
	return yes;
}

int
gitrepo_add_objects(struct gitrepo *repo, const char *dir)
{
	git_odb *odb = NULL;
	int r = git_repository_odb(&odb, repo->git) == 0 && git_odb_add_disk_alternate(odb, dir) == 0 &&
	    git_odb_refresh(odb) == 0 ? 0 : ERR_DENIED;

	git_odb_free(odb);
	return r;
}

/* One reference, resolved when it is symbolic. One that leads nowhere does not exist for a client. */
static int
gitrepo_put_ref(git_reference *ref, struct buf *out, uint32_t *np)
{
	const char *name = git_reference_name(ref);
	char hex[OID_HEX + 1];
	git_reference *direct;
	int r;

	if (strlen(name) >= REF_NAME_MAX || strncmp(name, SHELF_REFS, strlen(SHELF_REFS)) == 0 ||
	    git_reference_resolve(&direct, ref) != 0)
		return 0;
	(void)git_oid_tostr(hex, sizeof(hex), git_reference_target(direct));
	git_reference_free(direct);
	if ((r = buf_put_cstring(out, hex)) == 0 && (r = buf_put_cstring(out, name)) == 0)
		(*np)++;
	return r;
}

int
gitrepo_put_refs(struct gitrepo *repo, struct buf *out)
{
	git_reference_iterator *it = NULL;
	struct buf *list = buf_new(buf_room(out));
	git_reference *ref;
	uint32_t n = 0;
	int r = 0, g;

	if (list == NULL)
		return ERR_NOMEM;
	if (git_reference_iterator_new(&it, repo->git) != 0) {
		r = ERR_DENIED;
		goto out;
	}
	while (r == 0 && (g = git_reference_next(&ref, it)) == 0) {
		r = gitrepo_put_ref(ref, list, &n);
		git_reference_free(ref);
	}
	if (r == 0 && g != GIT_ITEROVER)
		r = ERR_DENIED;
	if (r == 0 && (r = buf_put_u32(out, n)) == 0)
		r = buf_put(out, buf_ptr(list), buf_len(list));
out:
	git_reference_iterator_free(it);
	buf_free(list);
	return r;
}

static bool
is_commit(struct gitrepo *repo, const git_oid *oid)
{
	git_commit *commit = NULL;
	bool yes = git_commit_lookup(&commit, repo->git, oid) == 0;

	git_commit_free(commit);
	return yes;
}

bool
gitrepo_is_ancestor(struct gitrepo *repo, const char *old, const char *tip)
{
	git_oid a, d;

	if (git_oid_fromstr(&a, old) != 0 || git_oid_fromstr(&d, tip) != 0)
		return false;
	/* Looked up first: libgit2 1.5 leaks when the walk meets a commit that is not there. */
	return is_commit(repo, &a) && is_commit(repo, &d) &&
	    (git_oid_equal(&a, &d) || git_graph_descendant_of(repo->git, &d, &a) == 1);
}

int
gitrepo_put_object(struct gitrepo *repo, const char *oid, uint64_t offset, struct buf *out)
{
	git_odb_object *object = NULL;
	const uint8_t *p = NULL;
	git_odb *odb = NULL;
	size_t size = 0, n = 0;
	git_object_t type;
	git_oid id;
	int r;

	if (git_oid_fromstr(&id, oid) == 0 && git_repository_odb(&odb, repo->git) == 0 &&
	    git_odb_read_header(&size, &type, odb, &id) == 0 && (type == GIT_OBJECT_COMMIT || type == GIT_OBJECT_TREE) &&
	    offset < size && git_odb_read(&object, odb, &id) == 0) {
		p = (const uint8_t *)git_odb_object_data(object) + offset;
		n = size - offset < OBJECT_PIECE ? size - offset : OBJECT_PIECE;
	} else
		size = 0;
	if ((r = buf_put_u64(out, size)) == 0)
		r = buf_put_string(out, p, n);
	git_odb_object_free(object);
	git_odb_free(odb);
	return r;
}

int
gitrepo_ref(struct gitrepo *repo, const char *name, char oid[OID_HEX + 1])
{
	git_oid id;

	if (git_reference_name_to_id(&id, repo->git, name) != 0)
		return ERR_NOTFOUND;
	(void)git_oid_tostr(oid, OID_HEX + 1, &id);
	return 0;
}

int
gitrepo_add_ref(struct gitrepo *repo, const char *name, const char *oid)
{
	git_reference *ref = NULL;
	git_oid id;
	int r;

	if (git_oid_fromstr(&id, oid) != 0)
		return ERR_DENIED;
	r = git_reference_create(&ref, repo->git, name, &id, 0, NULL);
	git_reference_free(ref);
	return r == 0 ? 0 : r == GIT_EEXISTS ? ERR_EXISTS : ERR_DENIED;
}

int
gitrepo_drop_ref(struct gitrepo *repo, const char *name)
{
	return git_reference_remove(repo->git, name) == 0 ? 0 : ERR_DENIED;
}

int
gitrepo_each_ref(struct gitrepo *repo, const char *glob, int (*take)(const char *name, const char *oid, void *arg), void *arg)
{
	git_reference_iterator *it = NULL;
	char oid[OID_HEX + 1];
	git_reference *ref;
	int r = 0, g;

	if (git_reference_iterator_glob_new(&it, repo->git, glob) != 0)
		return ERR_DENIED;
	while (r == 0 && (g = git_reference_next(&ref, it)) == 0) {
		if (git_reference_type(ref) == GIT_REFERENCE_DIRECT) {
			(void)git_oid_tostr(oid, sizeof(oid), git_reference_target(ref));
			r = take(git_reference_name(ref), oid, arg);
		}
		git_reference_free(ref);
	}
	if (r == 0 && g != GIT_ITEROVER)
		r = ERR_DENIED;
	git_reference_iterator_free(it);
	return r;
}

int
gitrepo_put_blob(struct gitrepo *repo, const void *p, size_t n, char oid[OID_HEX + 1])
{
	git_oid id;

	if (git_blob_create_from_buffer(&id, repo->git, p, n) != 0)
		return ERR_DENIED;
	(void)git_oid_tostr(oid, OID_HEX + 1, &id);
	return 0;
}

int
gitrepo_get_blob(struct gitrepo *repo, const char *oid, struct buf *out)
{
	git_blob *blob = NULL;
	git_oid id;
	int r;

	if (git_oid_fromstr(&id, oid) != 0 || git_blob_lookup(&blob, repo->git, &id) != 0)
		return ERR_NOTFOUND;
	r = buf_put(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return r;
}
