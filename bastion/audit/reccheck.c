/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/reccheck.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/audit/recfile.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/record/sha256.h"

struct reccheck {
	int		 dirfd;
	const char	*only;
	reccheck_fn	 problem;
	void		*arg;
	json_t		*open;		/* id -> array of marks, [bytes, sha256, seq] */
	json_t		*known;		/* ids that the log speaks of */
	uint64_t	 sealed, bytes;
	struct sha256	*hash;
	char		*space;
};

struct reccheck *
reccheck_new(int dirfd, const char *only, reccheck_fn problem, void *arg)
{
	struct reccheck *c = xcalloc(1, sizeof(*c));

	c->dirfd = dirfd;
	c->only = only;
	c->problem = problem;
	c->arg = arg;
	c->open = json_object();
	c->known = json_object();
	c->hash = sha256_new();
	c->space = xmalloc(RECFILE_CHUNK);
	return c;
}

void
reccheck_free(struct reccheck *c)
{
	if (c == NULL)
		return;
	json_decref(c->open);
	json_decref(c->known);
	sha256_free(c->hash);
	free(c->space);
	free(c);
}

static void __attribute__((format(printf, 2, 3)))
say(struct reccheck *c, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		text = NULL;
	va_end(ap);
	c->problem(text == NULL ? "out of memory" : text, c->arg);
	free(text);
}

/* A name that came out of the log is a file's only when it cannot leave the folder. */
static bool
id_is_plain(const char *id)
{
	return id[0] != '.' && id[0] != '\0' && strchr(id, '/') == NULL && strlen(id) < 64;
}

/* Hash want bytes; less than that at the end of the file. */
static uint64_t
hash_some(struct reccheck *c, int fd, uint64_t want)
{
	uint64_t got = 0;

	while (got < want) {
		size_t k = want - got < RECFILE_CHUNK ? (size_t)(want - got) : RECFILE_CHUNK;
		ssize_t n = read(fd, c->space, k);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		sha256_update(c->hash, c->space, (size_t)n);
		got += (uint64_t)n;
	}
	return got;
}

/* Compare the file with its marks in order; the last one is the seal, if there is one. */
static void
check_marks(struct reccheck *c, const char *id, int fd, const json_t *marks)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	uint64_t at = 0;
	const json_t *m;
	size_t i;

	sha256_reset(c->hash);
	json_array_foreach(marks, i, m) {
		uint64_t end = (uint64_t)json_integer_value(json_array_get(m, 0)), got;
		uint64_t seq = (uint64_t)json_integer_value(json_array_get(m, 2));
		const char *want = json_string_value(json_array_get(m, 1));

		if (end < at || (got = hash_some(c, fd, end - at)) < end - at) {
			say(c, "recordings/%s.cast: has %" PRIu64 " bytes, %" PRIu64 " are said by record %" PRIu64, id,
			    end < at ? at : at + got, end, seq);
			return;
		}
		sha256_peek(c->hash, digest);
		sha256_hex(digest, hex);
		if (want == NULL || strcmp(want, hex) != 0) {
			say(c, "recordings/%s.cast: bytes %" PRIu64 "-%" PRIu64 " differ from record %" PRIu64, id, at,
			    end > at ? end - 1 : at, seq);
			return;
		}
		at = end;
	}
	c->bytes += at;
}

static void
check_file(struct reccheck *c, const char *id, const json_t *marks, bool sealed)
{
	char *name = xasprintf("%s.cast", id);
	int fd = openat(c->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const json_t *last = json_array_get(marks, json_array_size(marks) - 1);
	uint64_t want = (uint64_t)json_integer_value(json_array_get(last, 0));
	struct stat st;

	free(name);
	if (fd == -1 && !sealed && json_array_size(marks) == 0)
		return;		/* its file is about to be made */
	if (fd == -1) {
		say(c, "recordings/%s.cast: missing", id);
		return;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		say(c, "recordings/%s.cast: not a file", id);
	else {
		check_marks(c, id, fd, marks);
		if (sealed && (uint64_t)st.st_size > want)
			say(c, "recordings/%s.cast: has %" PRIu64 " bytes, %" PRIu64 " were sealed by record %" PRIu64,
			    id, (uint64_t)st.st_size, want, (uint64_t)json_integer_value(json_array_get(last, 2)));
	}
	close(fd);
}

static void
mark(json_t *marks, const json_t *rec, uint64_t seq)
{
	const char *hex = json_string_value(json_object_get(rec, "sha256"));

	(void)json_array_append_new(marks, json_pack("[I, s, I]", json_integer_value(json_object_get(rec, "bytes")),
	    hex == NULL ? "" : hex, (json_int_t)seq));
}

void
reccheck_record(struct reccheck *c, const json_t *rec, uint64_t seq)
{
	const char *event = json_string_value(json_object_get(rec, "event"));
	const char *id = json_string_value(json_object_get(rec, "recording"));
	json_t *marks;

	if (event == NULL || id == NULL || strncmp(event, "recording.", 10) != 0 || !id_is_plain(id) ||
	    (c->only != NULL && strcmp(c->only, id) != 0))
		return;
	event += 10;
	if (strcmp(event, "open") == 0) {
		if (json_object_get(c->known, id) != NULL)
			say(c, "log.jsonl record %" PRIu64 ": opens recording %s a second time", seq, id);
		(void)json_object_set_new(c->known, id, json_true());
		(void)json_object_set_new(c->open, id, json_array());
		return;
	}
	if ((marks = json_object_get(c->open, id)) == NULL) {
		say(c, "log.jsonl record %" PRIu64 ": speaks of recording %s, which is not open", seq, id);
		return;
	}
	if (strcmp(event, "chunk") == 0)
		mark(marks, rec, seq);
	else if (strcmp(event, "close") == 0 || strcmp(event, "cut") == 0 ||
	    (strcmp(event, "recovered") == 0 && json_object_get(rec, "missing") == NULL)) {
		mark(marks, rec, seq);
		check_file(c, id, marks, true);
		c->sealed++;
	}
	if (strcmp(event, "chunk") != 0)
		(void)json_object_del(c->open, id);
}

void
reccheck_end(struct reccheck *c, const struct strvec *names)
{
	const char *id;
	json_t *marks;

	json_object_foreach(c->open, id, marks)
		check_file(c, id, marks, false);
	for (size_t i = 0; names != NULL && i < names->n; i++) {
		const char *name = names->v[i];
		size_t n = strlen(name);
		char *stem = xstrndup(name, n > 5 ? n - 5 : 0);

		if (n <= 5 || strcmp(name + n - 5, ".cast") != 0 || json_object_get(c->known, stem) == NULL)
			say(c, "recordings/%s: no record speaks of it", name);
		free(stem);
	}
}

void
reccheck_counts(const struct reccheck *c, uint64_t *sealed, uint64_t *open, uint64_t *bytes)
{
	*sealed = c->sealed;
	*open = json_object_size(c->open);
	*bytes = c->bytes;
}
