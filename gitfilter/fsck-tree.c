/* SPDX-License-Identifier: Apache-2.0 */
/* The half of fsck.h that is about folders, and about the files in them that git reads itself. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "gitfilter/dotgit.h"
#include "gitfilter/fsck.h"
#include "gitfilter/modules.h"
#include "gitfilter/object.h"

#define ATTRIBUTES_LINE	2048	/* git leaves out longer lines */

static bool
has_control(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return true;
	return false;
}

/* Whether one part between backslashes, as Windows divides it, is "..". */
static bool
has_dotdot(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		const uint8_t *cut = memchr(p + i, '\\', n - i);
		size_t len = cut == NULL ? n - i : (size_t)(cut - (p + i));

		if (len == 2 && p[i] == '.' && p[i + 1] == '.')
			return true;
		i += len + 1;
	}
	return false;
}

/* Most names cannot be one of git's own: those begin with a dot, "gi", "ma", or an invisible character, or hold a backslash. */
static bool
may_be_dotgit(const uint8_t *p, size_t n)
{
	uint8_t c = n > 0 ? p[0] : 0;

	return c == '.' || c == 'g' || c == 'G' || c == 'm' || c == 'M' || c >= 0x80 || memchr(p, '\\', n) != NULL;
}

static bool
is_link(const struct tree_entry *e)
{
	return mode_type(e->mode) == OBJECT_BLOB && !mode_is_file(e->mode);
}

static int
check_links(const struct tree_entry *e, fsck_fn fn, void *arg)
{
	static const struct { enum dotgit file; enum fsck_id link, other; } rows[] = {
		{ DOTGIT_MODULES, FSCK_GITMODULES_SYMLINK, FSCK_GITMODULES_BLOB },
		{ DOTGIT_ATTRIBUTES, FSCK_GITATTRIBUTES_SYMLINK, FSCK_GITATTRIBUTES_BLOB },
		{ DOTGIT_IGNORE, FSCK_GITIGNORE_SYMLINK, FSCK_IDS },
		{ DOTGIT_MAILMAP, FSCK_MAILMAP_SYMLINK, FSCK_IDS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (mode_is_file(e->mode) || !dotgit_is(rows[i].file, e->name, e->nname))
			continue;
		if (is_link(e))
			return fn(rows[i].link, arg);
		return rows[i].other == FSCK_IDS ? 0 : fn(rows[i].other, arg);
	}
	return 0;
}

static int
check_name(const uint8_t *p, size_t n, fsck_fn fn, void *arg)
{
	if (n == 0)
		return fn(FSCK_EMPTY_NAME, arg);
	if (n > NAME_LEN_MAX)
		return fn(FSCK_LONG_NAME, arg);
	if (memchr(p, '/', n) != NULL)
		return fn(FSCK_FULL_PATHNAME, arg);
	if (n == 1 && p[0] == '.')
		return fn(FSCK_HAS_DOT, arg);
	if (has_dotdot(p, n))
		return fn(FSCK_HAS_DOTDOT, arg);
	if (may_be_dotgit(p, n) && dotgit_is(DOTGIT, p, n))
		return fn(FSCK_HAS_DOTGIT, arg);
	return has_control(p, n) ? fn(FSCK_CONTROL_CHAR_IN_NAME, arg) : 0;
}

int
fsck_entry(const struct tree_entry *e, fsck_fn fn, void *arg)
{
	static const uint8_t zeros[20];
	int r;

	if ((r = check_name(e->name, e->nname, fn, arg)) != 0)
		return r;
	if (memcmp(e->oid, zeros, sizeof(zeros)) == 0 && (r = fn(FSCK_NULL_SHA1, arg)) != 0)
		return r;
	if (e->whole[0] == '0' && (r = fn(FSCK_ZERO_PADDED_FILEMODE, arg)) != 0)
		return r;
	if (!mode_is_usual(e->mode) && (r = fn(FSCK_BAD_FILEMODE, arg)) != 0)
		return r;
	return may_be_dotgit(e->name, e->nname) ? check_links(e, fn, arg) : 0;
}

enum fsck_file
fsck_file(const struct tree_entry *e)
{
	if (!mode_is_file(e->mode) || !may_be_dotgit(e->name, e->nname))
		return FSCK_FILE_NONE;
	return dotgit_is(DOTGIT_MODULES, e->name, e->nname) ? FSCK_FILE_MODULES :
	    dotgit_is(DOTGIT_ATTRIBUTES, e->name, e->nname) ? FSCK_FILE_ATTRIBUTES : FSCK_FILE_NONE;
}

/*
 * Names that may still be those of a later folder: a file "a" may be followed by "a.b", and that by the folder "a", which is
 * the same name again. Each is the beginning of the next, so there are never more of them than a name has bytes.
 */
struct fsck_order {
	struct tree_entry	 last;
	struct { const uint8_t *p; size_t n; } open[NAME_LEN_MAX + 1];
	size_t			 nopen;
};

struct fsck_order *
fsck_order_new(void)
{
	return calloc(1, sizeof(struct fsck_order));
}

void
fsck_order_free(struct fsck_order *o)
{
	free(o);
}

void
fsck_order_begin(struct fsck_order *o)
{
	o->last.name = NULL;
	o->nopen = 0;
}

/* Git's order: a folder's name counts as if it ended in a slash. */
static int
compare_names(const struct tree_entry *a, const struct tree_entry *b)
{
	size_t n = a->nname < b->nname ? a->nname : b->nname;
	int c = memcmp(a->name, b->name, n), x, y;

	if (c != 0)
		return c;
	x = a->nname > n ? a->name[n] : mode_type(a->mode) == OBJECT_TREE ? '/' : 0;
	y = b->nname > n ? b->name[n] : mode_type(b->mode) == OBJECT_TREE ? '/' : 0;
	return x - y;
}

/* Whether the folder's name was a file's before. */
static bool
is_open(struct fsck_order *o, const struct tree_entry *e)
{
	bool folder = mode_type(e->mode) == OBJECT_TREE;

	while (o->nopen > 0 && (o->open[o->nopen - 1].n > e->nname ||
	    memcmp(o->open[o->nopen - 1].p, e->name, o->open[o->nopen - 1].n) != 0))
		o->nopen--;
	if (folder && o->nopen > 0 && o->open[o->nopen - 1].n == e->nname)
		return true;
	if (!folder && e->nname <= NAME_LEN_MAX && o->nopen <= NAME_LEN_MAX) {
		o->open[o->nopen].p = e->name;
		o->open[o->nopen++].n = e->nname;
	}
	return false;
}

int
fsck_order(struct fsck_order *o, const struct tree_entry *e, fsck_fn fn, void *arg)
{
	int c = o->last.name == NULL ? -1 : compare_names(&o->last, e), r;
	bool same = o->last.name != NULL && o->last.nname == e->nname && memcmp(o->last.name, e->name, e->nname) == 0;

	o->last = *e;
	if (same || is_open(o, e))
		return fn(FSCK_DUPLICATE_ENTRIES, arg);
	if (c >= 0 && (r = fn(FSCK_TREE_NOT_SORTED, arg)) != 0)
		return r;
	return 0;
}

static int
check_attributes(const uint8_t *p, size_t n, fsck_fn fn, void *arg)
{
	while (n > 0) {
		const uint8_t *end = memchr(p, '\n', n);
		size_t len = end == NULL ? n : (size_t)(end - p);

		if (len > ATTRIBUTES_LINE)
			return fn(FSCK_GITATTRIBUTES_LINE_LENGTH, arg);
		len += end != NULL;
		p += len;
		n -= len;
	}
	return 0;
}

int
fsck_content(enum fsck_file file, const uint8_t *p, size_t n, fsck_fn fn, void *arg)
{
	if (n > FSCK_FILE_MAX)
		return fn(file == FSCK_FILE_MODULES ? FSCK_GITMODULES_LARGE : FSCK_GITATTRIBUTES_LARGE, arg);
	return file == FSCK_FILE_MODULES ? modules_check(p, n, fn, arg) : check_attributes(p, n, fn, arg);
}
