/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History through git's own programs: rev-list names the objects, each after the commit that brought it and with one
 * path of it, cat-file hands them out. Trees are among them, so that no name is missed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/child.h"
#include "secretscan/objects.h"
#include "secretscan/source.h"

struct history {
	const char			*repo;
	const struct source_sink	*sink;
	struct objects			*objects;
	char				*commit;	/* of the objects that come; NULL before the first */
	char				*shallow;	/* commits whose parents are left out, a line each; "" for none */
	bool				 cut;		/* one of them is among those that come */
	bool				 dead;
};

static size_t
oid_length(const char *line)
{
	size_t n = strspn(line, "0123456789abcdef");

	return n == 40 || n == OBJECTS_OID_MAX ? n : 0;
}

/* "OID", "OID PATH" or "?OID" for one that is not here. */
static void
take_line(struct history *h, char *line)
{
	struct source_item *it;
	size_t n;

	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '?') {
		h->sink->error(line + 1, "an object that is missing", h->sink->arg);
		return;
	}
	if ((n = oid_length(line)) == 0 || (line[n] != ' ' && line[n] != '\0')) {
		h->dead = true;
		return;
	}
	it = source_item_new(line[n] == ' ' ? line + n + 1 : "");
	/* A line without a path is a commit, and what it brought follows; a tree at the top has an empty path. */
	if (line[n] == '\0') {
		free(h->commit);
		h->commit = xstrdup(line);
		h->cut |= h->shallow != NULL && strstr(h->shallow, line) != NULL;
	}
	it->commit = xstrdup(h->commit);
	line[n] = '\0';
	h->dead = !objects_put(h->objects, line, it);
}

/* Run git and take its lines. */
static void
each_line(struct history *h, const char *const *args, const char *input, void (*take)(struct history *, char *))
{
	struct child c = { 0 };
	char *line = NULL;
	size_t cap = 0;

	if ((errno = child_start(h->repo, args, &c)) != 0) {
		h->sink->error("git", strerror(errno), h->sink->arg);
		return;
	}
	if (input != NULL)
		fputs(input, c.in);
	child_close_in(&c);
	while (!h->dead && getline(&line, &cap, c.out) > 0)
		take(h, line);
	free(line);
	if (!child_end(&c))
		h->sink->error(h->repo, "git failed", h->sink->arg);
}

/* "unreachable TYPE OID" */
static void
take_unreachable(struct history *h, char *line)
{
	const char *oid;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "unreachable ", 12) != 0 || (oid = strchr(line + 12, ' ')) == NULL ||
	    oid_length(oid + 1) == 0)
		return;
	h->dead = !objects_put(h->objects, oid + 1, source_item_new(""));
}

struct text {
	char	*p;
	size_t	 n;
};

static void
text_add(struct text *t, const char *line)
{
	size_t len = strlen(line);

	t->p = xreallocarray(t->p, t->n + len + 1, 1);
	memcpy(t->p + t->n, line, len + 1);
	t->n += len;
}

/* All that a git command says; the command may fail, as it does without a stash. */
static struct text
output_of(const char *repo, const char *const *args)
{
	struct child c = { 0 };
	struct text t = { xstrdup(""), 0 };
	char *line = NULL;
	size_t cap = 0;

	if (child_start(repo, args, &c) != 0)
		return t;
	while (getline(&line, &cap, c.out) > 0)
		text_add(&t, line);
	free(line);
	(void)child_end(&c);
	return t;
}

static void
put_references(const struct history *h)
{
	static const char *const args[] = { "for-each-ref", "--format=%(refname)", NULL };
	struct text t = output_of(h->repo, args);
	struct source_item *it = source_item_new("(references)");

	it->p = (uint8_t *)t.p;
	it->n = t.n;
	h->sink->item(it, h->sink->arg);
}

/* Older entries of the stash are in its log alone. */
static char *
stash_entries(const char *repo)
{
	static const char *const exists[] = { "for-each-ref", "refs/stash", NULL };
	static const char *const list[] = { "rev-list", "-g", "refs/stash", "--", NULL };
	struct text t = output_of(repo, exists);

	if (t.n == 0)
		return t.p;
	free(t.p);
	return output_of(repo, list).p;
}

/* What a shallow clone (git-clone(1), --depth) knows to be its end. */
static char *
shallow_commits(const char *repo)
{
	static const char *const args[] = { "rev-parse", "--path-format=absolute", "--git-path", "shallow", NULL };
	struct text path = output_of(repo, args), commits = { xstrdup(""), 0 };
	char *line = NULL;
	size_t cap = 0;
	FILE *f;

	path.p[strcspn(path.p, "\n")] = '\0';
	if ((f = fopen(path.p, "re")) != NULL) {
		while (getline(&line, &cap, f) > 0)
			text_add(&commits, line);
		fclose(f);
	}
	free(line);
	free(path.p);
	return commits.p;
}

void
source_git(const char *repo, const char *range, enum source_reach reach, const struct source_sink *sink)
{
	struct history h = { .repo = repo, .sink = sink };
	const char *const some[] = { "rev-list", "--objects", "--in-commit-order", "--reverse", "--missing=print",
	    range, "--", NULL };
	const char *const all[] = { "rev-list", "--objects", "--in-commit-order", "--reverse", "--missing=print",
	    "--all", reach == SOURCE_UNREACHABLE ? "--reflog" : "--stdin", NULL };
	static const char *const lost[] = { "fsck", "--unreachable", "--connectivity-only", "--no-dangling",
	    "--no-progress", NULL };
	char *stash;

	if (range != NULL && range[0] == '-') {
		sink->error(range, "not a range", sink->arg);
		return;
	}
	if ((h.objects = objects_new(repo, sink)) == NULL)
		return;
	h.shallow = shallow_commits(repo);
	if (range != NULL) {
		each_line(&h, some, NULL, take_line);
	} else {
		put_references(&h);
		stash = reach == SOURCE_UNREACHABLE ? NULL : stash_entries(repo);
		each_line(&h, all, stash, take_line);
		free(stash);
		if (reach == SOURCE_UNREACHABLE && !h.dead)
			each_line(&h, lost, NULL, take_unreachable);
	}
	if (h.cut)
		sink->error(repo, "a shallow clone: older history is not here and was not scanned (git fetch --unshallow)",
		    sink->arg);
	h.dead = h.dead || !objects_flush(h.objects);
	if (h.dead)
		sink->error(repo, "git gave something that cannot be scanned: the rest is not scanned", sink->arg);
	else if (!objects_free(h.objects))
		sink->error(repo, "git failed", sink->arg);
	if (h.dead)
		(void)objects_free(h.objects);
	free(h.commit);
	free(h.shallow);
}
