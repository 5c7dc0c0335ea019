/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secretscan/source.h"

#define READ_FIRST	65536

/* All of a descriptor. 0, or an errno. */
static int
read_all(int fd, size_t expected, uint8_t **pp, size_t *np)
{
	size_t cap = expected > 0 ? expected + 1 : READ_FIRST, n = 0;
	uint8_t *p = NULL, *grown;
	ssize_t r;

	if (expected >= SOURCE_MAX)
		return EFBIG;
	for (;;) {
		if (p == NULL || n == cap) {
			cap = p == NULL ? cap : cap * 2;
			if (cap > SOURCE_MAX + 1)
				cap = SOURCE_MAX + 1;
			if ((grown = realloc(p, cap)) == NULL) {
				free(p);
				return ENOMEM;
			}
			p = grown;
		}
		r = read(fd, p + n, cap - n);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		n += (size_t)r;
		if (n > SOURCE_MAX) {
			free(p);
			return EFBIG;
		}
	}
	if (r == -1) {
		free(p);
		return errno;
	}
	*pp = p;
	*np = n;
	return 0;
}

static int
scan_fd(int fd, const char *name, size_t expected, const struct source_sink *sink)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int e;

	if ((e = read_all(fd, expected, &p, &n)) != 0) {
		sink->error(name, strerror(e), sink->arg);
		return 0;
	}
	e = sink->content(name, p, n, sink->arg);
	free(p);
	return e;
}

static int
scan_file(const char *path, const char *name, const struct source_sink *sink)
{
	struct stat st;
	int fd, e;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)) == -1 || fstat(fd, &st) == -1) {
		sink->error(name, strerror(errno), sink->arg);
		if (fd != -1)
			close(fd);
		return 0;
	}
	e = scan_fd(fd, name, st.st_size > 0 ? (size_t)st.st_size : 0, sink);
	close(fd);
	return e;
}

/* Where a link points to is text in a repository like any other. */
static int
scan_link(const char *path, const struct source_sink *sink)
{
	char text[4096];
	ssize_t n = readlink(path, text, sizeof(text));

	if (n == -1) {
		sink->error(path, strerror(errno), sink->arg);
		return 0;
	}
	return sink->content(path, (const uint8_t *)text, (size_t)n, sink->arg);
}

static int
visit(FTS *fts, FTSENT *e, const struct source_sink *sink)
{
	switch (e->fts_info) {
	case FTS_D:
		if (e->fts_level > 0 && strcmp(e->fts_name, ".git") == 0)
			fts_set(fts, e, FTS_SKIP);
		return 0;
	case FTS_F:
		return scan_file(e->fts_accpath, e->fts_path, sink);
	case FTS_SL:
	case FTS_SLNONE:
		return scan_link(e->fts_path, sink);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		sink->error(e->fts_path, strerror(e->fts_errno), sink->arg);
		return 0;
	default:
		return 0;
	}
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int
source_path(const char *path, const struct source_sink *sink)
{
	char *copy, *paths[2];
	FTSENT *e;
	FTS *fts;
	int r = 0;

	if (strcmp(path, "-") == 0)
		return scan_fd(STDIN_FILENO, "-", 0, sink);
	if ((copy = strdup(path)) == NULL)
		return -1;
	paths[0] = copy;
	paths[1] = NULL;
	/* A link that is named on the command line is meant; links below are not followed. */
	if ((fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name)) == NULL) {
		sink->error(path, strerror(errno), sink->arg);
		free(copy);
		return 0;
	}
	while (r == 0 && (e = fts_read(fts)) != NULL) {
		if (e->fts_level == 0 && e->fts_info == FTS_F) {
			char *real = realpath(path, NULL);

			r = scan_file(real != NULL ? real : path, path, sink);
			free(real);
			continue;
		}
		r = visit(fts, e, sink);
	}
	fts_close(fts);
	free(copy);
	return r;
}
