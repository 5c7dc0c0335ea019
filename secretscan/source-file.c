/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/source.h"

static void
put_file(const char *path, const char *name, const struct source_sink *sink)
{
	struct source_item *it = source_item_new(name);

	it->path = xstrdup(path);
	it->named = true;
	sink->item(it, sink->arg);
}

/* Where a link points to is text in a repository like any other. */
static void
put_link(const char *path, const struct source_sink *sink)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text));
	struct source_item *it;

	if (n == -1) {
		sink->error(path, strerror(errno), sink->arg);
		return;
	}
	it = source_item_new(path);
	it->p = xmemdup(text, (size_t)n);
	it->n = (size_t)n;
	it->named = true;
	sink->item(it, sink->arg);
}

/* The name of a folder. */
static void
put_folder(const FTSENT *e, const struct source_sink *sink)
{
	struct source_item *it = source_item_new(e->fts_path);

	it->n = e->fts_namelen;
	it->p = xmemdup(e->fts_name, it->n);
	sink->item(it, sink->arg);
}

/* So many bytes of a stream, read by whoever takes it, now. */
static void
put_stream(FILE *stream, const char *name, const struct source_sink *sink)
{
	struct source_item *it = source_item_new(name);

	it->stream = stream;
	it->n = SIZE_MAX;
	sink->item(it, sink->arg);
}

/* What a command line names itself: a link to a file, or a pipe as in <(command). */
static void
put_named(const char *path, const struct source_sink *sink)
{
	struct stat st;
	char *real;
	FILE *pipe;

	if (stat(path, &st) == -1) {
		sink->error(path, strerror(errno), sink->arg);
	} else if (S_ISREG(st.st_mode)) {
		real = realpath(path, NULL);
		put_file(real != NULL ? real : path, path, sink);
		free(real);
	} else if (!S_ISFIFO(st.st_mode)) {
		sink->error(path, "not a file, a folder or a pipe: skipped", sink->arg);
	} else if ((pipe = fopen(path, "re")) == NULL) {
		sink->error(path, strerror(errno), sink->arg);
	} else {
		put_stream(pipe, path, sink);
		fclose(pipe);
	}
}

static void
visit(FTS *fts, FTSENT *e, const struct source_sink *sink)
{
	switch (e->fts_info) {
	case FTS_D:
		if (e->fts_level > 0 && strcmp(e->fts_name, ".git") == 0)
			fts_set(fts, e, FTS_SKIP);
		else if (e->fts_level > 0)
			put_folder(e, sink);
		return;
	case FTS_F:
		put_file(e->fts_accpath, e->fts_path, sink);
		return;
	case FTS_SL:
	case FTS_SLNONE:
		put_link(e->fts_path, sink);
		return;
	case FTS_DEFAULT:
		sink->error(e->fts_path, "a pipe, socket or device: skipped", sink->arg);
		return;
	case FTS_DC:
		sink->error(e->fts_path, "a folder within itself: skipped", sink->arg);
		return;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		sink->error(e->fts_path, strerror(e->fts_errno), sink->arg);
		return;
	default:
		return;
	}
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

void
source_path(const char *path, const struct source_sink *sink)
{
	char *copy, *paths[2];
	FTSENT *e;
	FTS *fts;

	if (strcmp(path, "-") == 0) {
		put_stream(stdin, "-", sink);
		return;
	}
	copy = xstrdup(path);
	paths[0] = copy;
	paths[1] = NULL;
	/* A link that is named on the command line is meant; links below are not followed. */
	if ((fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name)) == NULL) {
		sink->error(path, strerror(errno), sink->arg);
		free(copy);
		return;
	}
	errno = 0;
	while ((e = fts_read(fts)) != NULL) {
		if (e->fts_level == 0 && e->fts_info != FTS_D && e->fts_info != FTS_DP && e->fts_info != FTS_DNR)
			put_named(path, sink);
		else
			visit(fts, e, sink);
		errno = 0;
	}
	if (errno != 0)
		sink->error(path, strerror(errno), sink->arg);
	fts_close(fts);
	free(copy);
}
