/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/child.h"

/* What is asked for and not answered: as many lines as a pipe takes, or we and git would wait for each other. */
#define ASKED_MAX	256

/* A tree is taken as a whole; one of a million names is some 40 MB. */
#define TREE_MAX	((size_t)64 << 20)

enum objects_type {
	OBJECTS_BLOB,
	OBJECTS_TREE,
	OBJECTS_COMMIT,
	OBJECTS_TAG,
	OBJECTS_NONE,		/* missing */
	OBJECTS_DEAD,		/* not an answer */
};

struct objects {
	struct child			 cat;
	const struct source_sink	*sink;
	struct source_item		*asked[ASKED_MAX];	/* a ring; these only grow */
	size_t				 head, tail;
};

static const struct {
	const char		*name;
	enum objects_type	 type;
	const char		*file;		/* where the object itself has no name */
} types[] = {
	{ "blob", OBJECTS_BLOB, "(blob)" },
	{ "tree", OBJECTS_TREE, "(names)" },
	{ "commit", OBJECTS_COMMIT, "(commit)" },
	{ "tag", OBJECTS_TAG, "(tag)" },
};

struct objects *
objects_new(const char *repo, const struct source_sink *sink)
{
	static const char *const args[] = { "cat-file", "--batch", NULL };
	struct objects *o = xcalloc(1, sizeof(*o));
	int e;

	o->sink = sink;
	if ((e = child_start(repo, args, &o->cat)) == 0)
		return o;
	sink->error("git", strerror(e), sink->arg);
	free(o);
	return NULL;
}

/* "OID TYPE SIZE" or "OID missing". */
static enum objects_type
parse_header(const char *line, size_t *sizep, const char **filep)
{
	const char *type = strchr(line, ' '), *size;
	char *end = NULL;

	if (type == NULL)
		return OBJECTS_DEAD;
	if (strcmp(++type, "missing\n") == 0)
		return OBJECTS_NONE;
	if ((size = strchr(type, ' ')) == NULL)
		return OBJECTS_DEAD;
	errno = 0;
	*sizep = strtoul(size + 1, &end, 10);
	if (errno != 0 || end == size + 1 || *end != '\n')
		return OBJECTS_DEAD;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		*filep = types[i].file;
		if (strlen(types[i].name) == (size_t)(size - type) &&
		    strncmp(types[i].name, type, (size_t)(size - type)) == 0)
			return types[i].type;
	}
	return OBJECTS_DEAD;
}

/* "MODE NAME\0HASH" over and over becomes the names, one a line, in place. False when it is something else. */
static bool
names_of_tree(uint8_t *p, size_t *np, size_t hash)
{
	size_t out = 0, at = 0, n = *np;

	while (at < n) {
		uint8_t *sp = memchr(p + at, ' ', n - at), *nul;
		size_t len;

		if (sp == NULL || (nul = memchr(sp, '\0', n - (size_t)(sp - p))) == NULL ||
		    n - (size_t)(nul - p) - 1 < hash)
			return false;
		len = (size_t)(nul - sp) - 1;
		at = (size_t)(nul - p) + 1 + hash;
		memmove(p + out, sp + 1, len);
		out += len;
		p[out++] = '\n';
	}
	*np = out;
	return true;
}

/* What is small enough is read here, so that it can be scanned elsewhere while git goes on. */
static bool
hand_on(struct objects *o, struct source_item *it, enum objects_type type)
{
	size_t hash = strlen(it->object) / 2;

	if (it->n > TREE_MAX && type == OBJECTS_TREE) {
		o->sink->error(it->file, "a tree that is too large", o->sink->arg);
		source_item_free(it);
		return false;
	}
	if (it->n <= SOURCE_WHOLE || type == OBJECTS_TREE) {
		it->p = xcalloc(it->n + 1, 1);
		if (fread(it->p, 1, it->n, o->cat.out) != it->n) {
			source_item_free(it);
			return false;
		}
		if (type == OBJECTS_TREE && !names_of_tree(it->p, &it->n, hash))
			o->sink->error(it->object, "not a tree", o->sink->arg);
	} else
		it->stream = o->cat.out;
	o->sink->item(it, o->sink->arg);
	/* The answer ends with a line end. */
	return getc(o->cat.out) == '\n';
}

/* The answer to the oldest question. */
static bool
receive(struct objects *o)
{
	struct source_item *it = o->asked[o->head++ % ASKED_MAX];
	enum objects_type type = OBJECTS_DEAD;
	const char *file = "";
	char line[256];

	if (fgets(line, sizeof(line), o->cat.out) != NULL)
		type = parse_header(line, &it->n, &file);
	if (type == OBJECTS_NONE)
		o->sink->error(it->object, "an object that is missing", o->sink->arg);
	if (type == OBJECTS_NONE || type == OBJECTS_DEAD) {
		source_item_free(it);
		return type == OBJECTS_NONE;
	}
	if (type == OBJECTS_COMMIT && it->commit == NULL)
		it->commit = xstrdup(it->object);
	/* A tag's own name comes with it; the text is a tag's all the same, and of no commit. */
	if (type == OBJECTS_TAG) {
		free(it->commit);
		it->commit = NULL;
	}
	if (it->file[0] == '\0' || type == OBJECTS_TAG) {
		free(it->file);
		it->file = xstrdup(file);
	}
	return hand_on(o, it, type);
}

bool
objects_put(struct objects *o, const char *oid, struct source_item *it)
{
	it->object = xstrdup(oid);
	o->asked[o->tail++ % ASKED_MAX] = it;
	if (fprintf(o->cat.in, "%s\n", oid) < 0)
		return false;
	if (o->tail - o->head < ASKED_MAX)
		return true;
	if (fflush(o->cat.in) != 0)
		return false;
	while (o->tail - o->head > ASKED_MAX / 2) {
		if (!receive(o))
			return false;
	}
	return true;
}

bool
objects_flush(struct objects *o)
{
	if (fflush(o->cat.in) != 0)
		return false;
	while (o->head < o->tail) {
		if (!receive(o))
			return false;
	}
	return true;
}

bool
objects_free(struct objects *o)
{
	bool ok = child_end(&o->cat);

	for (; o->head < o->tail; o->head++)
		source_item_free(o->asked[o->head % ASKED_MAX]);
	free(o);
	return ok;
}
