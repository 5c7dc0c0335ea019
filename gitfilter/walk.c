/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/nameset.h"
#include "gitfilter/object.h"
#include "gitfilter/objidx.h"
#include "gitfilter/refcmd.h"

#define NONE		UINT32_MAX
#define TICK_OBJECTS	512
#define DESCENT_STEPS	20000000	/* parents looked at for all updates of one push, a second or so */
#define ENTRIES_KNOWN	(1u << 17)	/* one commit's folders are nearly all another's: a MiB of memory for a third of the walk */

/* The empty folder: git knows it without having it. */
static const uint8_t empty_tree[20] = { 0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92,
    0x88, 0xfb, 0xee, 0x49, 0x04 };

struct place {			/* of one object of the pack, by its index */
	uint32_t	commit;		/* index in commits; NONE */
	uint32_t	parent;		/* object index of the tree it is in; NONE at the root */
	uint32_t	detail;		/* of a commit or tag: index in commits or tags. of others: its name's offset */
	uint32_t	paths;		/* of a tree: how many lead from it, itself included; 0 = not counted yet */
	uint16_t	nname, depth, npath;
	bool		reached;
};

struct walk_commit {
	uint32_t	object;
	uint32_t	parents;	/* first of nparents in walk.parents */
	uint32_t	nparents;
	uint32_t	next;		/* how far the descent has got */
	uint32_t	mark;		/* of the last walk_descends */
	uint8_t		tree[20];
	uint8_t		oid[20];
};

struct walk_file {		/* one that git itself reads */
	uint32_t	 index;
	uint8_t		 file;		/* enum fsck_file */
};

struct walk_fault {		/* what is wrong in small ways: how often, and where first */
	uint32_t	 n;
	uint8_t		 oid[20];
	const char	*kind;		/* of object */
};

struct walk_frame {		/* a tree whose folders are being walked */
	uint32_t	tree;
	uint32_t	first, next;	/* of its folders, in walk.folders */
	uint64_t	paths;
};

struct walk_tag {
	struct tag	tag;
};

/* Arrays that grow; all owned. */
struct walk {
	struct walk_params	 params;
	struct place		*places;
	size_t			 nplaces, places_room;
	struct walk_commit	*commits;
	size_t			 ncommits, commits_room;
	uint8_t			(*parents)[20];
	size_t			 nparents, parents_room;
	struct walk_tag		*tags;
	size_t			 ntags, tags_room;
	uint8_t			(*outside)[20];
	size_t			 noutside, outside_room;
	uint8_t			(*needs)[20];
	size_t			 nneeds, needs_room;
	char			*names;
	size_t			 nnames, names_room;
	uint32_t		*stack;
	size_t			 nstack, stack_room;
	uint32_t		*order;		/* commits, parents first */
	size_t			 norder, order_room;
	struct walk_frame	*frames;
	size_t			 nframes, frames_room;
	uint32_t		*folders;	/* of all frames, one after another */
	size_t			 nfolders, folders_room;
	struct walk_file	*files;
	size_t			 nfiles, files_room;
	struct fsck_order	*sorted;	/* owned */
	struct walk_fault	 faults[FSCK_IDS];
	/* What is being looked at for faults. */
	const char		*kind;
	const uint8_t		*oid;
	struct objidx		*outside_seen, *needs_seen;	/* owned */
	struct nameset		*names_seen;	/* owned */
	uint64_t		*entries_known;	/* owned: hashes of whole tree entries, a later one in place of an earlier */
	struct pack		*pack;		/* borrowed, during walk_run and after */
	uint32_t		 placed, mark;
	uint64_t		 steps;
	char			 path[PATH_LEN_MAX + 1];
	char			 why[REASON_MAX];
};

static int	walk_fail(struct walk *, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
walk_fail(struct walk *w, int r, const char *fmt, ...)
{
	va_list ap;

	if (w->why[0] != '\0')
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return r;
}

struct walk *
walk_new(const struct walk_params *params)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->params = *params;
	w->outside_seen = objidx_new();
	w->needs_seen = objidx_new();
	w->names_seen = nameset_new();
	w->sorted = fsck_order_new();
	w->entries_known = calloc(ENTRIES_KNOWN, sizeof(*w->entries_known));
	if (w->outside_seen == NULL || w->needs_seen == NULL || w->sorted == NULL || w->names_seen == NULL || w->entries_known == NULL) {
		walk_free(w);
		return NULL;
	}
	return w;
}

void
walk_free(struct walk *w)
{
	if (w == NULL)
		return;
	free(w->places);
	free(w->commits);
	free(w->parents);
	free(w->tags);
	free(w->outside);
	free(w->needs);
	free(w->files);
	free(w->frames);
	free(w->folders);
	fsck_order_free(w->sorted);
	free(w->names);
	free(w->stack);
	free(w->order);
	objidx_free(w->outside_seen);
	objidx_free(w->needs_seen);
	nameset_free(w->names_seen);
	free(w->entries_known);
	free(w);
}

/* Room for n more elements of one of the arrays; v points at its pointer. */
static int
walk_room(struct walk *w, void *v, size_t size, size_t used, size_t n, size_t *roomp)
{
	size_t room = *roomp == 0 ? 64 : *roomp;
	void *old, *more;

	if (used + n <= *roomp)
		return 0;
	while (room < used + n)
		room *= 2;
	if (room > UINT32_MAX - 1)
		return walk_fail(w, ERR_TOOBIG, "the history is too large");
	memcpy(&old, v, sizeof(old));
	if ((more = reallocarray(old, room, size)) == NULL)
		return walk_fail(w, ERR_NOMEM, "out of memory");
	memcpy(v, &more, sizeof(more));
	*roomp = room;
	return 0;
}

#define ROOM(w, array, more) \
	walk_room(w, &(w)->array, sizeof((w)->array[0]), (w)->n##array, more, &(w)->array##_room)

static int
walk_add_commit(struct walk *w, uint32_t index, const uint8_t oid[20], const struct commit *c)
{
	struct walk_commit *wc;
	int r;

	if ((r = ROOM(w, commits, 1)) != 0 || (r = ROOM(w, parents, c->nparents)) != 0)
		return r;
	wc = &w->commits[w->ncommits];
	*wc = (struct walk_commit){ .object = index, .parents = (uint32_t)w->nparents, .nparents = (uint32_t)c->nparents };
	memcpy(wc->tree, c->tree, 20);
	memcpy(wc->oid, oid, 20);
	if (c->nparents > 0)
		memcpy(w->parents[w->nparents], c->parents, c->nparents * 20);
	w->nparents += c->nparents;
	w->places[index].detail = (uint32_t)w->ncommits++;
	return 0;
}

/* fsck_fn. What is an error ends the walk; what is a warning is counted. */
static int
walk_fault(enum fsck_id id, void *arg)
{
	struct walk *w = arg;
	struct walk_fault *f = &w->faults[id];
	char hex[OID_HEX + 1];

	if (w->params.fsck->severity[id] == FSCK_IGNORE)
		return 0;
	if (w->params.fsck->severity[id] == FSCK_ERROR) {
		oid_format(w->oid, hex);
		return walk_fail(w, ERR_FORMAT, "%s %s: %s: %s", w->kind, hex, fsck_name(id), fsck_text(id));
	}
	if (f->n == 0) {
		f->kind = w->kind;
		memcpy(f->oid, w->oid, 20);
	}
	if (f->n < UINT32_MAX)
		f->n++;
	return 0;
}

static void
walk_look(struct walk *w, const char *kind, const uint8_t oid[20])
{
	w->kind = kind;
	w->oid = oid;
}

int
walk_object(struct walk *w, uint32_t index, enum object_type type, const uint8_t oid[20], const uint8_t *p, size_t n)
{
	char hex[OID_HEX + 1];
	const char *why;
	struct commit c;
	struct tag t;
	int r;

	if (index >= w->nplaces) {
		if ((r = ROOM(w, places, index + 1 - w->nplaces)) != 0)
			return r;
		for (; w->nplaces <= index; w->nplaces++)
			w->places[w->nplaces] = (struct place){ .commit = NONE, .parent = NONE, .detail = NONE };
	}
	oid_format(oid, hex);
	if (type == OBJECT_COMMIT) {
		if ((r = commit_parse(p, n, &c, &why)) != 0)
			return walk_fail(w, r, "commit %s: %s", hex, why);
		walk_look(w, "commit", oid);
		if ((r = fsck_commit(p, n, walk_fault, w)) != 0)
			return r;
		return walk_add_commit(w, index, oid, &c);
	}
	if (type == OBJECT_TAG) {
		if ((r = tag_parse(p, n, &t, &why)) != 0)
			return walk_fail(w, r, "tag %s: %s", hex, why);
		walk_look(w, "tag", oid);
		if ((r = fsck_tag(p, n, walk_fault, w)) != 0)
			return r;
		if ((r = ROOM(w, tags, 1)) != 0)
			return r;
		w->tags[w->ntags].tag = t;
		w->places[index].detail = (uint32_t)w->ntags++;
	}
	return 0;
}

static int
walk_push(struct walk *w, uint32_t v)
{
	int r;

	if ((r = ROOM(w, stack, 1)) == 0)
		w->stack[w->nstack++] = v;
	return r;
}

static int
walk_reach(struct walk *w, uint32_t index, uint32_t commit)
{
	w->places[index].reached = true;
	w->places[index].commit = commit;
	if (++w->placed % TICK_OBJECTS == 0 && w->params.tick != NULL)
		return w->params.tick(w->placed, w->params.arg);
	return 0;
}

/* An object that is not in the pack is referred to. */
static int
walk_add_need(struct walk *w, const uint8_t oid[20])
{
	int r;

	if (memcmp(oid, empty_tree, 20) == 0 || (r = objidx_add(w->needs_seen, oid, 0)) == ERR_EXISTS)
		return 0;
	if (r != 0)
		return walk_fail(w, r, "out of memory");
	if (w->nneeds == NEEDS_MAX)
		return walk_fail(w, ERR_TOOBIG, "the push refers to more than %d objects that it does not bring; push in steps",
		    NEEDS_MAX);
	if ((r = ROOM(w, needs, 1)) == 0)
		memcpy(w->needs[w->nneeds++], oid, 20);
	return r;
}

static int
walk_add_outside(struct walk *w, const uint8_t oid[20])
{
	int r;

	if ((r = walk_add_need(w, oid)) != 0)
		return r;
	if ((r = objidx_add(w->outside_seen, oid, 0)) == ERR_EXISTS)
		return 0;
	if (r != 0)
		return walk_fail(w, r, "out of memory");
	if (w->noutside == OUTSIDE_MAX)
		return walk_fail(w, ERR_TOOBIG, "the push builds on more than %d commits; push in steps", OUTSIDE_MAX);
	if ((r = ROOM(w, outside, 1)) == 0)
		memcpy(w->outside[w->noutside++], oid, 20);
	return r;
}

/* Down from one commit, each commit put into order after all its parents. */
static int
walk_commits(struct walk *w, uint32_t first)
{
	int r;

	if (w->places[first].reached)
		return 0;
	if ((r = walk_reach(w, first, w->places[first].detail)) != 0 || (r = walk_push(w, w->places[first].detail)) != 0)
		return r;
	while (w->nstack > 0) {
		struct walk_commit *c = &w->commits[w->stack[w->nstack - 1]];
		const uint8_t *oid;
		uint32_t parent;

		if (c->next == c->nparents) {
			if ((r = ROOM(w, order, 1)) != 0)
				return r;
			w->order[w->norder++] = w->stack[--w->nstack];
			continue;
		}
		oid = w->parents[c->parents + c->next++];
		if ((parent = pack_find(w->pack, oid)) == PACK_NONE)
			r = walk_add_outside(w, oid);
		else if (pack_type(w->pack, parent) != OBJECT_COMMIT)
			r = walk_fail(w, ERR_FORMAT, "a commit's parent is not a commit");
		else if (!w->places[parent].reached && (r = walk_reach(w, parent, w->places[parent].detail)) == 0)
			r = walk_push(w, w->places[parent].detail);
		if (r != 0)
			return r;
	}
	return 0;
}

void
walk_commit(const struct walk *w, uint32_t index, char out[41])
{
	uint32_t c = index < w->nplaces ? w->places[index].commit : NONE;

	out[0] = '\0';
	if (c != NONE)
		oid_format(w->commits[c].oid, out);
}

/* The names from the root down, written from the end. */
void
walk_path(const struct walk *w, uint32_t index, char *out, size_t size)
{
	size_t at;

	out[0] = '\0';
	if (index >= w->nplaces || w->places[index].npath == 0)
		return;
	at = w->places[index].npath;
	for (uint32_t i = index; i != NONE && w->places[i].nname > 0; i = w->places[i].parent) {
		const struct place *p = &w->places[i];

		at -= p->nname;
		for (size_t j = 0; j < p->nname && at + j + 1 < size; j++)
			out[at + j] = w->names[p->detail + j];
		if (at > 0 && --at + 1 < size)
			out[at] = '/';
	}
	out[w->places[index].npath < size ? w->places[index].npath : size - 1] = '\0';
}

/* An object of the pack is found in a tree for the first time. */
static int
walk_place(struct walk *w, uint32_t tree, const struct tree_entry *e, uint32_t index)
{
	const struct place *up = &w->places[tree];
	struct place *p = &w->places[index];
	char commit[OID_HEX + 1];
	size_t npath = up->npath + (up->npath > 0) + e->nname;
	int r;

	if (npath > PATH_LEN_MAX || up->depth + 1 > TREE_DEPTH_MAX)
		return walk_fail(w, ERR_TOOBIG, "a path is longer or deeper than the limits (%d bytes, %d folders)",
		    PATH_LEN_MAX, TREE_DEPTH_MAX);
	if ((r = ROOM(w, names, e->nname)) != 0)
		return r;
	memcpy(w->names + w->nnames, e->name, e->nname);
	p->parent = tree;
	p->detail = (uint32_t)w->nnames;
	p->nname = (uint16_t)e->nname;
	p->depth = (uint16_t)(up->depth + 1);
	p->npath = (uint16_t)npath;
	w->nnames += e->nname;
	if ((r = walk_reach(w, index, up->commit)) != 0)
		return r;
	(void)nameset_add(w->names_seen, e->name, e->nname);
	walk_path(w, index, w->path, sizeof(w->path));
	walk_commit(w, index, commit);
	return w->params.path(w->path, npath, commit, w->params.arg);
}

/* A name for something that has its place already or is not in the pack: look at the name alone, once. */
static int
walk_name(struct walk *w, uint32_t tree, const struct tree_entry *e)
{
	char commit[OID_HEX + 1];
	size_t n = w->places[tree].npath;
	int r;

	if ((r = nameset_add(w->names_seen, e->name, e->nname)) == ERR_EXISTS)
		return 0;
	if (r != 0)
		return walk_fail(w, r, "out of memory");
	if (n + 1 + e->nname > PATH_LEN_MAX)
		return walk_fail(w, ERR_TOOBIG, "a path is longer than %d bytes", PATH_LEN_MAX);
	walk_path(w, tree, w->path, sizeof(w->path));
	if (n > 0)
		w->path[n++] = '/';
	memcpy(w->path + n, e->name, e->nname);
	w->path[n + e->nname] = '\0';
	walk_commit(w, tree, commit);
	return w->params.path(w->path, n + e->nname, commit, w->params.arg);
}

static int
walk_entry(struct walk *w, uint32_t tree, const struct tree_entry *e)
{
	enum object_type type = mode_type(e->mode);
	uint32_t index = type == 0 ? PACK_NONE : pack_find(w->pack, e->oid);
	int r;

	if (index == PACK_NONE && type != 0 && (r = walk_add_need(w, e->oid)) != 0)
		return r;
	if (index == PACK_NONE)
		return walk_name(w, tree, e);
	if (pack_type(w->pack, index) != type)
		return walk_fail(w, ERR_FORMAT, "a tree has an entry whose mode is not that of its object");
	if (w->places[index].reached)
		return walk_name(w, tree, e);
	return walk_place(w, tree, e, index);
}

/* An entry that was not met before: its faults, then its place. Files that git reads are looked into when all is placed. */
static int
walk_new_entry(struct walk *w, uint32_t tree, const struct tree_entry *e)
{
	enum fsck_file file;
	int r;

	if ((r = fsck_entry(e, walk_fault, w)) != 0)
		return r;
	if ((file = fsck_file(e)) != FSCK_FILE_NONE && pack_find(w->pack, e->oid) != PACK_NONE) {
		if ((r = ROOM(w, files, 1)) != 0)
			return r;
		w->files[w->nfiles++] = (struct walk_file){ .index = pack_find(w->pack, e->oid), .file = (uint8_t)file };
	}
	return walk_entry(w, tree, e);
}

/* Whether this very entry, mode, name and object, was met before: then its object has its place, and its name was told. */
static bool
walk_knows(struct walk *w, const struct tree_entry *e)
{
	uint64_t h = nameset_hash(w->names_seen, e->whole, e->nwhole), *slot = &w->entries_known[h % ENTRIES_KNOWN];

	if (*slot == h)
		return true;
	*slot = h;
	return false;
}

/* A folder of the pack in another: it is walked, and its paths count, wherever it was met before. */
static int
walk_add_folder(struct walk *w, const struct tree_entry *e)
{
	uint32_t index = pack_find(w->pack, e->oid);
	int r;

	if (index == PACK_NONE)
		return 0;
	if ((r = ROOM(w, folders, 1)) == 0)
		w->folders[w->nfolders++] = index;
	return r;
}

/* Read a tree; a frame for its folders. */
static int
walk_tree(struct walk *w, uint32_t tree)
{
	struct walk_frame f = { .tree = tree, .first = (uint32_t)w->nfolders, .next = (uint32_t)w->nfolders };
	char hex[OID_HEX + 1];
	struct tree_cursor cursor;
	struct tree_entry e;
	const uint8_t *p;
	const char *why;
	size_t n, count = 0;
	int r;

	if ((r = pack_content(w->pack, tree, &p, &n)) != 0)
		return walk_fail(w, r, "%s", pack_why(w->pack));
	walk_look(w, "tree", pack_oid(w->pack, tree));
	fsck_order_begin(w->sorted);
	tree_begin(&cursor, p, n);
	while ((r = tree_next(&cursor, &e, &why)) == 0) {
		if (++count > TREE_ENTRIES_MAX)
			return walk_fail(w, ERR_TOOBIG, "a folder has more than %d entries", TREE_ENTRIES_MAX);
		if ((r = fsck_order(w->sorted, &e, walk_fault, w)) != 0 ||
		    (!walk_knows(w, &e) && (r = walk_new_entry(w, tree, &e)) != 0) ||
		    (mode_type(e.mode) == OBJECT_TREE && (r = walk_add_folder(w, &e)) != 0))
			return r;
	}
	oid_format(pack_oid(w->pack, tree), hex);
	if (r != ERR_EOF)
		return walk_fail(w, r, "tree %s: %s", hex, why);
	if ((r = ROOM(w, frames, 1)) == 0) {
		f.paths = count + 1 - (w->nfolders - f.first);
		w->frames[w->nframes++] = f;
	}
	return r;
}

/* One step down or up from the frame on top. */
static int
walk_step_down(struct walk *w)
{
	struct walk_frame *f = &w->frames[w->nframes - 1];

	for (; f->next < w->nfolders; f->next++) {
		uint32_t folder = w->folders[f->next];

		if (w->places[folder].paths == 0)
			return walk_tree(w, folder);
		f->paths += w->places[folder].paths;
	}
	w->places[f->tree].paths = f->paths < UINT32_MAX ? (uint32_t)f->paths : UINT32_MAX;
	w->nfolders = f->first;
	w->nframes--;
	return 0;
}

/* Everything under a tree that has just been reached. What a few objects name over and over would fill a disk. */
static int
walk_trees(struct walk *w, uint32_t root)
{
	int r = w->places[root].paths == 0 ? walk_tree(w, root) : 0;

	while (r == 0 && w->nframes > 0)
		r = walk_step_down(w);
	if (r == 0 && w->places[root].paths > PATHS_FREE && w->places[root].paths / PATHS_AN_OBJECT > pack_count(w->pack))
		r = walk_fail(w, ERR_TOOBIG, "%u paths lead through the %u objects of the pack: checked out they would fill the disk",
		    w->places[root].paths, pack_count(w->pack));
	return r;
}

static int
walk_root(struct walk *w, uint32_t c)
{
	uint32_t root = pack_find(w->pack, w->commits[c].tree);
	int r;

	if (root == PACK_NONE)
		return walk_add_need(w, w->commits[c].tree);
	if (pack_type(w->pack, root) != OBJECT_TREE)
		return walk_fail(w, ERR_FORMAT, "a commit's tree is not a tree");
	if (w->places[root].reached)
		return 0;
	return (r = walk_reach(w, root, c)) != 0 ? r : walk_trees(w, root);
}

/* One tip: through its tags to what they stand for. Commits first: trees wait until all commits are in order. */
static int
walk_tip(struct walk *w, const uint8_t oid[20], bool commits)
{
	uint32_t i = pack_find(w->pack, oid);
	enum object_type want = 0;
	const struct tag *t;
	int r;

	for (;;) {
		if (i == PACK_NONE)
			return commits ? walk_add_outside(w, oid) : 0;
		if (want != 0 && pack_type(w->pack, i) != want)
			return walk_fail(w, ERR_FORMAT, "a tag's target is not of the kind that it says");
		if (pack_type(w->pack, i) != OBJECT_TAG)
			break;
		if (!w->places[i].reached && (r = walk_reach(w, i, NONE)) != 0)
			return r;
		t = &w->tags[w->places[i].detail].tag;
		want = t->type;
		oid = t->target;
		i = pack_find(w->pack, oid);
	}
	if (pack_type(w->pack, i) == OBJECT_COMMIT)
		return commits ? walk_commits(w, i) : 0;
	if (commits || w->places[i].reached)
		return 0;
	if ((r = walk_reach(w, i, NONE)) != 0)
		return r;
	return pack_type(w->pack, i) == OBJECT_TREE ? walk_trees(w, i) : 0;
}

/* The content of files that git itself reads. */
static int
walk_files(struct walk *w)
{
	const uint8_t *p;
	size_t n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->nfiles; i++) {
		if ((r = pack_content(w->pack, w->files[i].index, &p, &n)) != 0)
			return walk_fail(w, r, "%s", pack_why(w->pack));
		walk_look(w, "blob", pack_oid(w->pack, w->files[i].index));
		r = fsck_content((enum fsck_file)w->files[i].file, p, n, walk_fault, w);
	}
	return r;
}

int
walk_run(struct walk *w, struct pack *pack, const char *const *tips, size_t n)
{
	uint8_t oid[20];
	int r = 0;

	w->pack = pack;
	for (size_t i = 0; r == 0 && i < n; i++) {
		oid_parse(tips[i], oid);
		r = walk_tip(w, oid, true);
	}
	for (size_t i = 0; r == 0 && i < w->norder; i++)
		r = walk_root(w, w->order[i]);
	for (size_t i = 0; r == 0 && i < n; i++) {
		oid_parse(tips[i], oid);
		r = walk_tip(w, oid, false);
	}
	if (r == 0)
		r = walk_files(w);
	return r == 0 ? 0 : walk_fail(w, r, "%s", err_text(r));
}

const char *
walk_why(const struct walk *w)
{
	return w->why;
}

size_t
walk_nsteps(const struct walk *w)
{
	return w->norder;
}

struct walk_step
walk_step(const struct walk *w, size_t i)
{
	const struct walk_commit *c = &w->commits[w->order[i]];

	return (struct walk_step){ .oid = c->oid, .tree = c->tree, .parents = (const uint8_t (*)[20])(w->parents + c->parents),
	    .nparents = c->nparents };
}

uint32_t
walk_unreached(const struct walk *w)
{
	uint32_t n = 0;

	for (size_t i = 0; i < w->nplaces; i++)
		n += !w->places[i].reached;
	return n;
}

bool
walk_descends(struct walk *w, const char *tip, const char *ancestor)
{
	uint8_t from[20], to[20];
	uint32_t i;

	oid_parse(tip, from);
	oid_parse(ancestor, to);
	if (w->pack == NULL || (i = pack_find(w->pack, from)) == PACK_NONE || pack_type(w->pack, i) != OBJECT_COMMIT)
		return false;
	w->nstack = 0;
	w->mark++;
	if (walk_push(w, w->places[i].detail) != 0)
		return false;
	while (w->nstack > 0) {
		const struct walk_commit *c = &w->commits[w->stack[--w->nstack]];

		for (uint32_t j = 0; j < c->nparents; j++) {
			const uint8_t *oid = w->parents[c->parents + j];

			if (memcmp(oid, to, 20) == 0)
				return true;
			if (++w->steps > DESCENT_STEPS)
				return false;
			if ((i = pack_find(w->pack, oid)) == PACK_NONE || w->commits[w->places[i].detail].mark == w->mark)
				continue;
			w->commits[w->places[i].detail].mark = w->mark;
			if (walk_push(w, w->places[i].detail) != 0)
				return false;
		}
	}
	return false;
}

uint32_t
walk_faults(const struct walk *w, enum fsck_id id, char *first, size_t size)
{
	const struct walk_fault *f = &w->faults[id];
	char hex[OID_HEX + 1];

	if (f->n > 0) {
		oid_format(f->oid, hex);
		(void)snprintf(first, size, "%s %s: %s: %s", f->kind, hex, fsck_name(id), fsck_text(id));
	}
	return f->n;
}

const uint8_t *
walk_needs(const struct walk *w, size_t *np)
{
	*np = w->nneeds;
	return w->nneeds == 0 ? NULL : w->needs[0];
}

size_t
walk_noutside(const struct walk *w)
{
	return w->noutside;
}

const uint8_t *
walk_outside(const struct walk *w, size_t i)
{
	return w->outside[i];
}
