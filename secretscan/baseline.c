/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/baseline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/digest.h"
#include "secretscan/given.h"
#include "secretscan/secretscan.h"

#define ENTRIES_MAX	1000000		/* some 100 MB; a tree with more has no use for a baseline */
#define LINE_MAX_LEN	(64 * 1024)	/* a path of 4096 bytes, each escaped, and more */

static const char head[] = "# secretscan baseline 1, key ";

struct entry {
	char	*rule;			/* "*" for any */
	char	*path;			/* NULL for any */
	char	 fingerprint[SECRETSCAN_FINGERPRINT + 1];
};

struct baseline {
	char		 key[SECRETSCAN_FINGERPRINT + 1];	/* what tells keys apart, and does not tell the key */
	struct entry	*v;
	size_t		 n, cap;
	bool		 sorted;
};

struct baseline *
baseline_new(const uint8_t key[BASELINE_KEY])
{
	struct digest *d = digest_init() == 0 ? digest_new(key) : NULL;
	struct baseline *b;

	if (d == NULL)
		return NULL;
	b = xcalloc(1, sizeof(*b));
	digest_update(d, head, sizeof(head));
	digest_hex(d, b->key);
	digest_free(d);
	b->sorted = true;
	return b;
}

void
baseline_free(struct baseline *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i].rule);
		free(b->v[i].path);
	}
	free(b->v);
	free(b);
}

/* "./a", "a" and ".//a" are one file. */
static const char *
plain_path(const char *path)
{
	while (strncmp(path, "./", 2) == 0) {
		path += 2;
		path += strspn(path, "/");
	}
	return path;
}

static void
append(struct baseline *b, const char *rule, const char *fingerprint, char *path)
{
	struct entry *e;

	if (b->n == b->cap) {
		b->cap = b->cap > 0 ? b->cap * 2 : 64;
		b->v = xreallocarray(b->v, b->cap, sizeof(*b->v));
	}
	e = &b->v[b->n++];
	*e = (struct entry){ .rule = xstrdup(rule), .path = path };
	memcpy(e->fingerprint, fingerprint, SECRETSCAN_FINGERPRINT);
	b->sorted = false;
}

void
baseline_add(struct baseline *b, const char *rule, const char *fingerprint, const char *path)
{
	append(b, rule, fingerprint, path != NULL ? xstrdup(plain_path(path)) : NULL);
}

static int
by_fingerprint(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;

	return strcmp(a->fingerprint, b->fingerprint);
}

static int
by_line(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int c;

	if ((c = by_fingerprint(a, b)) != 0 || (c = strcmp(a->rule, b->rule)) != 0)
		return c;
	return strcmp(a->path != NULL ? a->path : "", b->path != NULL ? b->path : "");
}

bool
baseline_has(struct baseline *b, const char *rule, const char *fingerprint, const char *path)
{
	struct entry key = { 0 };
	const struct entry *e;

	if (!b->sorted && b->n > 0)
		qsort(b->v, b->n, sizeof(*b->v), by_fingerprint);
	b->sorted = true;
	memcpy(key.fingerprint, fingerprint, SECRETSCAN_FINGERPRINT);
	e = b->n > 0 ? bsearch(&key, b->v, b->n, sizeof(*b->v), by_fingerprint) : NULL;
	if (e == NULL)
		return false;
	while (e > b->v && by_fingerprint(e - 1, &key) == 0)
		e--;
	for (; e < b->v + b->n && by_fingerprint(e, &key) == 0; e++) {
		if ((strcmp(e->rule, "*") == 0 || strcmp(e->rule, rule) == 0) &&
		    (e->path == NULL || strcmp(e->path, plain_path(path)) == 0))
			return true;
	}
	return false;
}

/* Undo \xNN and \\, in place. False when there is something else behind a backslash. */
static bool
unescape(char *text)
{
	char *out = text;
	unsigned byte;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p != '\\') {
			*out++ = *p;
		} else if (p[1] == '\\') {
			*out++ = *++p;
		} else if (p[1] == 'x' && strspn(p + 2, "0123456789abcdef") >= 2 && sscanf(p + 2, "%2x", &byte) == 1 &&
		    byte != 0) {
			*out++ = (char)byte;
			p += 3;
		} else
			return false;
	}
	*out = '\0';
	return true;
}

/* One line without its end; NULL when it is well, otherwise what is wrong. */
static const char *
read_line(struct baseline *b, char *line)
{
	char *rule, *path;

	if (strncmp(line, head, sizeof(head) - 1) == 0)
		return strcmp(line + sizeof(head) - 1, b->key) == 0 ? NULL :
		    "made with another key: fingerprints cannot be compared (--key)";
	if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
		return NULL;
	if (strspn(line, "0123456789abcdef") != SECRETSCAN_FINGERPRINT || line[SECRETSCAN_FINGERPRINT] != ' ')
		return "expected FINGERPRINT RULE [PATH], the fingerprint of 16 hexadecimal digits";
	rule = line + SECRETSCAN_FINGERPRINT + 1;
	if ((path = strchr(rule, ' ')) != NULL)
		*path++ = '\0';
	if (strcmp(rule, "*") != 0 && (rule[0] == '\0' ||
	    strspn(rule, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != strlen(rule)))
		return "expected the id of a rule, or *";
	if (path != NULL && (path[0] == '\0' || !unescape(path)))
		return "expected a path";
	if (b->n >= ENTRIES_MAX)
		return "too many entries";
	append(b, rule, line, path != NULL ? xstrdup(plain_path(path)) : NULL);
	return NULL;
}

/* A line without its end, of at most LINE_MAX_LEN bytes. Its length, SIZE_MAX for one that is longer, or 0 at the end. */
static size_t
next_line(FILE *f, char *line, bool *endp)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (n == LINE_MAX_LEN)
			return SIZE_MAX;
		line[n++] = (char)c;
	}
	line[n] = '\0';
	*endp = c == EOF;
	return n;
}

int
baseline_read(struct baseline *b, const char *path, char **errorp)
{
	const char *why = NULL;
	char *line = xcalloc(LINE_MAX_LEN + 1, 1);
	size_t number = 0, n;
	bool end = false;
	FILE *f = NULL;
	int fd;

	*errorp = NULL;
	if ((fd = given_open(path, &why)) == -1 || (f = fdopen(fd, "r")) == NULL) {
		*errorp = xasprintf("%s:0: %s", path, why != NULL ? why : strerror(errno));
		if (fd != -1)
			close(fd);
		free(line);
		return -1;
	}
	for (why = NULL; why == NULL && !end; ) {
		number++;
		n = next_line(f, line, &end);
		why = n == SIZE_MAX || strlen(line) != n ? "not a line of a baseline" : read_line(b, line);
	}
	if (why == NULL && ferror(f))
		why = strerror(errno);
	free(line);
	fclose(f);
	if (why != NULL)
		*errorp = xasprintf("%s:%zu: %s", path, number, why);
	return why == NULL ? 0 : -1;
}

static void
put_entry(FILE *out, const struct entry *e)
{
	fprintf(out, "%s %s", e->fingerprint, e->rule);
	if (e->path != NULL)
		putc(' ', out);
	for (const char *p = e->path != NULL ? e->path : ""; *p != '\0'; p++) {
		if (*p == '\\')
			fputs("\\\\", out);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*p);
		else
			putc(*p, out);
	}
	putc('\n', out);
}

/* Each entry once: one for every file makes those for single files needless. */
static size_t
put_entries(FILE *out, const struct baseline *b)
{
	const struct entry *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct entry *e = &b->v[i];

		if (last != NULL && strcmp(last->rule, e->rule) == 0 && by_fingerprint(last, e) == 0 &&
		    (last->path == NULL || (e->path != NULL && strcmp(last->path, e->path) == 0)))
			continue;
		put_entry(out, e);
		last = e;
		n++;
	}
	return n;
}

int
baseline_write(struct baseline *b, const char *path, size_t *np)
{
	char *temporary = xasprintf("%s.XXXXXX", path);
	mode_t mask = umask(077);
	int fd = mkstemp(temporary), e = 0;
	FILE *out = NULL;

	umask(mask);
	if (b->n > 0)
		qsort(b->v, b->n, sizeof(*b->v), by_line);
	b->sorted = false;
	if (fd == -1 || fchmod(fd, 0666 & ~mask) == -1 || (out = fdopen(fd, "w")) == NULL) {
		e = errno;
		goto out;
	}
	fd = -1;
	fprintf(out, "%s%s\n", head, b->key);
	*np = put_entries(out, b);
	if (ferror(out))
		e = EIO;
	if (fclose(out) != 0 && e == 0)
		e = errno;
	if (e == 0 && rename(temporary, path) == -1)
		e = errno;
out:
	if (fd != -1)
		close(fd);
	if (e != 0)
		unlink(temporary);
	free(temporary);
	return e;
}
