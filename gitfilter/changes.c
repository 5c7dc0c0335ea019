/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/changes.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "gitfilter/contents.h"
#include "gitfilter/limits.h"
#include "gitfilter/nameset.h"
#include "gitfilter/object.h"
#include "gitfilter/objidx.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/walk.h"

/* The empty folder: it need be in no repository to be known. */
static const uint8_t empty_tree[20] = { 0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92,
    0x88, 0xfb, 0xee, 0x49, 0x04 };

#define TREE_HEAD	46	/* "tree ", 40 digits, newline: how every commit begins */

struct held {			/* an object of the repository */
	uint8_t	*bytes;		/* owned */
	size_t	 n;
};

struct noted {
	size_t		 path;		/* offset in names */
	uint32_t	 step;		/* of the walk */
	uint32_t	 object;	/* of the pack: its content; PACK_NONE */
	bool		 plain;
	enum change_op	 op;
};

struct folder_pair {		/* still to be compared, both sides of one path */
	uint8_t		 old[20], new[20];
	bool		 has_old, has_new;
	size_t		 path;		/* offset in paths, NUL-ended; "" = the root */
	size_t		 npath;
	unsigned	 depth;
};

struct side {			/* one folder being read */
	uint8_t			*bytes;	/* owned */
	struct tree_cursor	 cursor;
	struct tree_entry	 e;
	bool			 over;
};

struct changes {
	const struct walk	*walk;	/* borrowed */
	struct pack		*pack;	/* borrowed */
	size_t			 next;	/* step to be compared */
	uint32_t		 parent;	/* of it, to be begun next */
	struct objidx		*have;	/* owned: name -> index in held */
	struct held		*held;	/* owned */
	size_t			 nheld, held_room, held_bytes;
	uint8_t			 wanted[20];
	bool			 wanted_commit;
	struct noted		*noted;	/* owned */
	size_t			 nnoted, noted_room;
	char			*names;	/* owned: paths of what is noted */
	size_t			 nnames, names_room;
	const struct contents	*contents;	/* borrowed */
	struct objidx		*index;	/* owned: hash of op, kind and path -> index in noted */
	struct nameset		*seen;	/* owned: paths */
	size_t			 ndistinct;
	struct folder_pair	*stack;	/* owned */
	size_t			 nstack, stack_room;
	char			*paths;	/* owned: of the stack */
	size_t			 npaths, paths_room;
	uint64_t		 work;
	char			 why[REASON_MAX];
};

static int	changes_fail(struct changes *, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
changes_fail(struct changes *c, int r, const char *fmt, ...)
{
	va_list ap;

	if (c->why[0] != '\0')
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return r;
}

struct changes *
changes_new(const struct walk *walk, struct pack *pack, const struct contents *contents)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->walk = walk;
	c->pack = pack;
	c->contents = contents;
	c->index = objidx_new();
	c->have = objidx_new();
	c->seen = nameset_new();
	if (c->have == NULL || c->seen == NULL || c->index == NULL) {
		changes_free(c);
		return NULL;
	}
	return c;
}

void
changes_free(struct changes *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nheld; i++)
		free(c->held[i].bytes);
	free(c->held);
	free(c->noted);
	free(c->names);
	free(c->stack);
	free(c->paths);
	objidx_free(c->have);
	objidx_free(c->index);
	nameset_free(c->seen);
	free(c);
}

/* Room for n more elements of one of the arrays; v points at its pointer. */
static int
changes_room(struct changes *c, void *v, size_t size, size_t used, size_t n, size_t *roomp)
{
	size_t room = *roomp == 0 ? 64 : *roomp;
	void *old, *more;

	if (used + n <= *roomp)
		return 0;
	while (room < used + n)
		room *= 2;
	memcpy(&old, v, sizeof(old));
	if ((more = reallocarray(old, room, size)) == NULL)
		return changes_fail(c, ERR_NOMEM, "out of memory");
	memcpy(v, &more, sizeof(more));
	*roomp = room;
	return 0;
}

#define ROOM(c, array, more) \
	changes_room(c, &(c)->array, sizeof((c)->array[0]), (c)->n##array, more, &(c)->array##_room)

static int
changes_want(struct changes *c, const uint8_t oid[20], bool commit)
{
	memcpy(c->wanted, oid, 20);
	c->wanted_commit = commit;
	return ERR_AGAIN;
}

static const struct held *
changes_held(const struct changes *c, const uint8_t oid[20])
{
	uint32_t i = objidx_find(c->have, oid);

	return i == OBJIDX_NONE ? NULL : &c->held[i];
}

/* The tree of a parent. One that the repository has needs no more than its first line to be understood. */
static int
parent_tree(struct changes *c, const uint8_t oid[20], uint8_t tree[20])
{
	uint32_t i = pack_find(c->pack, oid);
	const struct held *h;
	const uint8_t *p;
	char hex[OID_HEX + 1];
	size_t n;
	int r;

	if (i != PACK_NONE) {
		if ((r = pack_content(c->pack, i, &p, &n)) != 0)
			return changes_fail(c, r, "%s", pack_why(c->pack));
	} else if ((h = changes_held(c, oid)) == NULL)
		return changes_want(c, oid, true);
	else {
		p = h->bytes;
		n = h->n;
	}
	if (n < TREE_HEAD || memcmp(p, "tree ", 5) != 0 || !oid_is_hex(p + 5, OID_HEX))
		return changes_fail(c, ERR_FORMAT, "a commit's parent is not a commit");
	memcpy(hex, p + 5, OID_HEX);
	hex[OID_HEX] = '\0';
	oid_parse(hex, tree);
	return 0;
}

/* A folder's bytes, copied: the pack's own are gone with the next object of it. */
static int
side_begin(struct changes *c, const uint8_t oid[20], struct side *s)
{
	uint32_t i = pack_find(c->pack, oid);
	const struct held *h;
	const uint8_t *p = empty_tree;
	size_t n = 0;
	int r;

	if (i != PACK_NONE) {
		if (pack_type(c->pack, i) != OBJECT_TREE)
			return changes_fail(c, ERR_FORMAT, "a folder is not a tree");
		if ((r = pack_content(c->pack, i, &p, &n)) != 0)
			return changes_fail(c, r, "%s", pack_why(c->pack));
	} else if ((h = changes_held(c, oid)) != NULL) {
		p = h->bytes;
		n = h->n;
	} else if (memcmp(oid, empty_tree, 20) != 0)
		return changes_want(c, oid, false);
	if ((c->work += n) > COMPARE_WORK)
		return changes_fail(c, ERR_TOOBIG, "its commits change too much to be compared at once; push in steps");
	if ((s->bytes = malloc(n + 1)) == NULL)
		return changes_fail(c, ERR_NOMEM, "out of memory");
	if (n > 0)
		memcpy(s->bytes, p, n);
	tree_begin(&s->cursor, s->bytes, n);
	return 0;
}

static int
side_next(struct changes *c, struct side *s)
{
	const char *why;
	int r;

	if (s->over)
		return 0;
	if ((r = tree_next(&s->cursor, &s->e, &why)) == ERR_EOF) {
		s->over = true;
		return 0;
	}
	return r == 0 ? 0 : changes_fail(c, r, "a folder cannot be compared: %s", why);
}

static bool
is_folder(const struct tree_entry *e)
{
	return mode_type(e->mode) == OBJECT_TREE;
}

/* The order of trees: by bytes, folders as if their names ended in '/'. 0 = the same name, and both folders or neither. */
static int
entry_compare(const struct tree_entry *a, const struct tree_entry *b)
{
	size_t n = a->nname < b->nname ? a->nname : b->nname;
	int d = memcmp(a->name, b->name, n), x, y;

	if (d != 0)
		return d;
	x = a->nname > n ? a->name[n] : is_folder(a) ? '/' : 0;
	y = b->nname > n ? b->name[n] : is_folder(b) ? '/' : 0;
	return x != y ? x - y : a->nname != b->nname ? (a->nname > b->nname) - (a->nname < b->nname) : 0;
}

/* FOLDER/NAME at the end of an array of names, NUL-ended. */
static void
put_path(char *to, const char *folder, size_t nfolder, const struct tree_entry *e)
{
	memcpy(to, folder, nfolder);
	if (nfolder > 0)
		to[nfolder++] = '/';
	memcpy(to + nfolder, e->name, e->nname);
	to[nfolder + e->nname] = '\0';
}

/* The blob that stands there now; PACK_NONE: there is none, or the repository has it. */
static uint32_t
content_of(const struct changes *c, const struct tree_entry *e, enum change_op op)
{
	uint32_t i = op == CHANGE_DELETE || !mode_is_file(e->mode) ? PACK_NONE : pack_find(c->pack, e->oid);

	return i != PACK_NONE && contents_find(c->contents, i) != NULL ? i : PACK_NONE;
}

/* What is noted already under this key; otherwise OBJIDX_NONE, and id is what to add it by. */
static uint32_t
noted_find(const struct changes *c, const char *key, size_t n, uint8_t id[20])
{
	uint64_t h = nameset_hash(c->seen, (const uint8_t *)key, n);

	memset(id, 0, 20);
	memcpy(id, &h, sizeof(h));
	return objidx_find(c->index, id);
}

/* The same as before, only larger. */
static void
note_larger(struct changes *c, uint32_t i, uint32_t object)
{
	struct noted *n = &c->noted[i];

	if (object != PACK_NONE && contents_find(c->contents, object)->size > contents_find(c->contents, n->object)->size) {
		n->object = object;
		n->step = (uint32_t)c->next;
	}
}

static int
note(struct changes *c, const struct folder_pair *f, const struct tree_entry *e, enum change_op op)
{
	size_t n = f->npath + (f->npath > 0) + e->nname;
	bool plain = mode_is_file(e->mode);
	uint32_t object = content_of(c, e, op), before;
	uint8_t id[20];
	char *key;
	int r;

	if ((r = ROOM(c, names, n + 3)) != 0 || (r = ROOM(c, noted, 1)) != 0)
		return r;
	key = c->names + c->nnames;
	key[0] = (char)('0' + op + (plain ? 0 : 4));
	key[1] = object == PACK_NONE ? '0' : (char)('a' + contents_find(c->contents, object)->type);
	put_path(key + 2, c->paths + f->path, f->npath, e);
	if ((before = noted_find(c, key, n + 2, id)) != OBJIDX_NONE) {
		note_larger(c, before, object);
		return 0;
	}
	if (c->nnoted == CHANGES_MAX || c->nnames + n + 3 > CHANGES_BYTES)
		return changes_fail(c, ERR_TOOBIG, "it changes more paths than can be judged at once; push in steps");
	if ((r = nameset_add(c->seen, (const uint8_t *)key + 2, n)) == 0)
		c->ndistinct++;
	if ((r != 0 && r != ERR_EXISTS) || (r = objidx_add(c->index, id, (uint32_t)c->nnoted)) != 0)
		return changes_fail(c, r, "out of memory");
	c->noted[c->nnoted++] = (struct noted){ .path = c->nnames + 2, .step = (uint32_t)c->next, .object = object, .plain = plain,
	    .op = op };
	c->nnames += n + 3;
	return 0;
}

/* Both sides of a folder, or the one that there is. */
static int
push_pair(struct changes *c, const struct folder_pair *up, const struct tree_entry *old, const struct tree_entry *new)
{
	const struct tree_entry *e = old != NULL ? old : new;
	size_t n = up->npath + (up->npath > 0) + e->nname;
	struct folder_pair *f;
	int r;

	if (n > PATH_LEN_MAX || up->depth + 1 > TREE_DEPTH_MAX)
		return changes_fail(c, ERR_TOOBIG, "a path is longer or deeper than the limits");
	if ((r = ROOM(c, paths, n + 1)) != 0 || (r = ROOM(c, stack, 1)) != 0)
		return r;
	put_path(c->paths + c->npaths, c->paths + up->path, up->npath, e);
	f = &c->stack[c->nstack++];
	*f = (struct folder_pair){ .has_old = old != NULL, .has_new = new != NULL, .path = c->npaths, .npath = n,
	    .depth = up->depth + 1 };
	if (old != NULL)
		memcpy(f->old, old->oid, 20);
	if (new != NULL)
		memcpy(f->new, new->oid, 20);
	c->npaths += n + 1;
	return 0;
}

/* One name that is on one side, or on both. */
static int
compare_entry(struct changes *c, const struct folder_pair *f, const struct tree_entry *old, const struct tree_entry *new)
{
	if (old != NULL && new != NULL && old->mode == new->mode && memcmp(old->oid, new->oid, 20) == 0)
		return 0;
	if (is_folder(old != NULL ? old : new))
		return push_pair(c, f, old, new);
	return note(c, f, new != NULL ? new : old, old == NULL ? CHANGE_CREATE : new == NULL ? CHANGE_DELETE : CHANGE_MODIFY);
}

static int
compare_folder(struct changes *c, const struct folder_pair *f)
{
	struct side old = { .over = !f->has_old }, new = { .over = !f->has_new };
	int r = 0, d;

	if (f->has_old)
		r = side_begin(c, f->old, &old);
	if (r == 0 && f->has_new)
		r = side_begin(c, f->new, &new);
	if (r != 0 || (r = side_next(c, &old)) != 0 || (r = side_next(c, &new)) != 0)
		goto out;
	while (r == 0 && !(old.over && new.over)) {
		d = old.over ? 1 : new.over ? -1 : entry_compare(&old.e, &new.e);
		r = compare_entry(c, f, d <= 0 ? &old.e : NULL, d >= 0 ? &new.e : NULL);
		if (r == 0 && d <= 0)
			r = side_next(c, &old);
		if (r == 0 && d >= 0)
			r = side_next(c, &new);
	}
out:
	free(old.bytes);
	free(new.bytes);
	return r;
}

/* Two roots to be compared; old NULL: with nothing. */
static int
begin_roots(struct changes *c, const uint8_t *old, const uint8_t new[20])
{
	struct folder_pair *f;
	int r;

	c->nstack = 0;
	c->npaths = 0;
	if ((r = ROOM(c, paths, 1)) != 0 || (r = ROOM(c, stack, 1)) != 0)
		return r;
	c->paths[c->npaths++] = '\0';
	if (old != NULL && memcmp(old, new, 20) == 0)
		return 0;
	f = &c->stack[c->nstack++];
	*f = (struct folder_pair){ .has_old = old != NULL, .has_new = true };
	if (old != NULL)
		memcpy(f->old, old, 20);
	memcpy(f->new, new, 20);
	return 0;
}

/* What is on the stack. A pair whose folder is wanted goes back on it: nothing of it has been noted yet. */
static int
compare_stack(struct changes *c)
{
	while (c->nstack > 0) {
		struct folder_pair f = c->stack[--c->nstack];
		int r = compare_folder(c, &f);

		if (r == ERR_AGAIN)
			c->nstack++;
		if (r != 0)
			return r;
	}
	return 0;
}

/* One commit against each parent, going on where it stopped. */
static int
compare_step(struct changes *c)
{
	struct walk_step s = walk_step(c->walk, c->next);
	uint8_t tree[20];
	int r = 0;

	for (;;) {
		if ((r = compare_stack(c)) != 0)
			return r;
		if (c->parent == (s.nparents == 0 ? 1 : s.nparents))
			break;
		if (s.nparents > 0 && (r = parent_tree(c, s.parents[c->parent], tree)) != 0)
			return r;
		if ((r = begin_roots(c, s.nparents > 0 ? tree : NULL, s.tree)) != 0)
			return r;
		c->parent++;
	}
	c->parent = 0;
	return 0;
}

int
changes_run(struct changes *c)
{
	int r;

	for (; c->next < walk_nsteps(c->walk); c->next++)
		if ((r = compare_step(c)) != 0)
			return r;
	return 0;
}

const uint8_t *
changes_wanted(const struct changes *c)
{
	return c->wanted;
}

int
changes_give(struct changes *c, const uint8_t *p, size_t n)
{
	char head[32];
	int nhead = snprintf(head, sizeof(head), "%s %zu", c->wanted_commit ? "commit" : "tree", n) + 1, r;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE], *copy = NULL;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha1(), NULL) != 1 || EVP_DigestUpdate(md, head, (size_t)nhead) != 1 ||
	    EVP_DigestUpdate(md, p, n) != 1 || EVP_DigestFinal_ex(md, digest, NULL) != 1)
		r = changes_fail(c, ERR_NOMEM, "SHA-1 failed");
	else if (memcmp(digest, c->wanted, 20) != 0)
		r = changes_fail(c, ERR_FORMAT, "an object of the repository is not what its name says");
	else if (n > OUTSIDE_BYTES - c->held_bytes)
		r = changes_fail(c, ERR_TOOBIG, "it builds on more folders than can be compared at once; push in steps");
	else if ((copy = malloc(n + 1)) == NULL)
		r = changes_fail(c, ERR_NOMEM, "out of memory");
	else if ((r = ROOM(c, held, 1)) == 0 && (r = objidx_add(c->have, c->wanted, (uint32_t)c->nheld)) != 0)
		r = changes_fail(c, r, "%s", err_text(r));
	EVP_MD_CTX_free(md);
	if (r != 0) {
		free(copy);
		return r;
	}
	if (n > 0)
		memcpy(copy, p, n);
	c->held[c->nheld++] = (struct held){ .bytes = copy, .n = n };
	c->held_bytes += n;
	return 0;
}

const char *
changes_why(const struct changes *c)
{
	return c->why;
}

size_t
changes_count(const struct changes *c)
{
	return c->nnoted;
}

struct change
changes_nth(const struct changes *c, size_t i)
{
	const struct noted *n = &c->noted[i];

	return (struct change){ .op = n->op, .plain = n->plain, .commit = walk_step(c->walk, n->step).oid,
	    .path = c->names + n->path, .content = n->object == PACK_NONE ? NULL : contents_find(c->contents, n->object) };
}

size_t
changes_npaths(const struct changes *c)
{
	return c->ndistinct;
}
