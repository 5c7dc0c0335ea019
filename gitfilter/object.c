/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/object.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "bastion/base/err.h"
#include "gitfilter/refcmd.h"

#define MODE_TREE	0040000u
#define MODE_FILE	0100644u
#define MODE_PROGRAM	0100755u
#define MODE_GROUP_FILE	0100664u	/* made by very old git; fsck lets it pass */
#define MODE_LINK	0120000u
#define MODE_SUBMODULE	0160000u

struct text {			/* what is left of a commit or tag */
	const uint8_t	*p;
	size_t		 n;
};

/* Take "WORD REST\n"; *restp and *nrestp are REST. false when the next line has another word. */
static bool
text_header(struct text *t, const char *word, const uint8_t **restp, size_t *nrestp)
{
	size_t len = strlen(word);
	const uint8_t *end;

	if (t->n <= len || memcmp(t->p, word, len) != 0 || t->p[len] != ' ' ||
	    (end = memchr(t->p, '\n', t->n)) == NULL)
		return false;
	*restp = t->p + len + 1;
	*nrestp = (size_t)(end - *restp);
	t->n -= (size_t)(end - t->p) + 1;
	t->p = end + 1;
	return true;
}

static bool
text_oid(struct text *t, const char *word, uint8_t oid[20])
{
	struct text before = *t;
	const uint8_t *rest;
	size_t n;

	if (!text_header(t, word, &rest, &n))
		return false;
	if (!oid_is_hex(rest, n)) {
		*t = before;
		return false;
	}
	oid_parse((const char *)rest, oid);
	return true;
}

/* Common to commits and tags: not too long, no NUL (what follows one is invisible to git log), and a body. */
static int
text_check(const uint8_t *p, size_t n, const char **whyp)
{
	if (n > HEADER_TEXT_MAX) {
		*whyp = "its text is too long";
		return ERR_TOOBIG;
	}
	*whyp = "there is a NUL in it";
	return n > 0 && memchr(p, '\0', n) != NULL ? ERR_FORMAT : 0;
}

/* The rest of the headers: "word text" lines and continuation lines, which start with a space, up to an empty line. */
static bool
text_rest(struct text *t)
{
	while (t->n > 0 && t->p[0] != '\n') {
		const uint8_t *end = memchr(t->p, '\n', t->n);
		const uint8_t *space = memchr(t->p, ' ', t->n);

		if (end == NULL || space == NULL || space > end)
			return false;
		t->n -= (size_t)(end - t->p) + 1;
		t->p = end + 1;
	}
	return true;
}

int
commit_parse(const uint8_t *p, size_t n, struct commit *c, const char **whyp)
{
	struct text t = { p, n };
	const uint8_t *rest;
	size_t nrest;
	int r;

	if ((r = text_check(p, n, whyp)) != 0)
		return r;
	c->nparents = 0;
	*whyp = "it has no tree";
	if (!text_oid(&t, "tree", c->tree))
		return ERR_FORMAT;
	*whyp = "it has too many parents";
	for (uint8_t oid[20]; text_oid(&t, "parent", oid); c->nparents++) {
		if (c->nparents == COMMIT_PARENTS_MAX)
			return ERR_TOOBIG;
		memcpy(c->parents[c->nparents], oid, 20);
	}
	*whyp = "its author or committer is missing or out of order";
	if (!text_header(&t, "author", &rest, &nrest) || !text_header(&t, "committer", &rest, &nrest))
		return ERR_FORMAT;
	*whyp = "its headers are malformed";
	return text_rest(&t) ? 0 : ERR_FORMAT;
}

static enum object_type
type_of_word(const uint8_t *p, size_t n)
{
	static const char *const words[] = { "", "commit", "tree", "blob", "tag" };

	for (int i = OBJECT_COMMIT; i <= OBJECT_TAG; i++)
		if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
			return (enum object_type)i;
	return 0;
}

int
tag_parse(const uint8_t *p, size_t n, struct tag *tag, const char **whyp)
{
	struct text t = { p, n };
	const uint8_t *rest;
	size_t nrest;
	int r;

	if ((r = text_check(p, n, whyp)) != 0)
		return r;
	*whyp = "its headers are malformed";
	if (!text_oid(&t, "object", tag->target) || !text_header(&t, "type", &rest, &nrest) ||
	    (tag->type = type_of_word(rest, nrest)) == 0 || !text_header(&t, "tag", &rest, &nrest))
		return ERR_FORMAT;
	return text_rest(&t) ? 0 : ERR_FORMAT;
}

enum object_type
mode_type(unsigned mode)
{
	if (mode == MODE_SUBMODULE)
		return 0;
	return mode == MODE_TREE ? OBJECT_TREE : OBJECT_BLOB;
}

static bool
mode_is_valid(unsigned mode)
{
	return mode == MODE_TREE || mode == MODE_FILE || mode == MODE_PROGRAM || mode == MODE_GROUP_FILE ||
	    mode == MODE_LINK || mode == MODE_SUBMODULE;
}

/* Characters that HFS+ leaves out when it compares names: U+200C..U+200F, U+202A..U+202E, U+206A..U+206F, U+FEFF. */
static size_t
hfs_ignored(const uint8_t *p, size_t n)
{
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 &&
	    ((p[2] >= 0x8c && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
		return 3;
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xaa && p[2] <= 0xaf)
		return 3;
	return n >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

/* ".git" as a Mac would read it. */
static bool
is_hfs_dotgit(const uint8_t *p, size_t n)
{
	char plain[5];
	size_t len = 0;

	for (size_t i = 0, skip; i < n; i += skip) {
		if ((skip = hfs_ignored(p + i, n - i)) > 0)
			continue;
		skip = 1;
		if (len == sizeof(plain))
			return false;
		plain[len++] = (char)p[i];
	}
	return len == 4 && strncasecmp(plain, ".git", 4) == 0;
}

/* ".git" or its short name as Windows reads it: trailing dots and spaces drop off, and so does what follows a ':'. */
static bool
is_ntfs_dotgit(const uint8_t *p, size_t n)
{
	size_t len = 0;

	if (n >= 4 && strncasecmp((const char *)p, ".git", 4) == 0)
		len = 4;
	else if (n >= 5 && strncasecmp((const char *)p, "git~1", 5) == 0)
		len = 5;
	else
		return false;
	while (len < n && (p[len] == ' ' || p[len] == '.'))
		len++;
	return len == n || p[len] == ':' || p[len] == '\\';
}

bool
mode_is_file(unsigned mode)
{
	return mode == MODE_FILE || mode == MODE_PROGRAM || mode == MODE_GROUP_FILE;
}

const char *
tree_name_fault(const uint8_t *p, size_t n)
{
	if (n == 0)
		return "a file without a name";
	if (n > NAME_LEN_MAX)
		return "a file name that is too long";
	if (memchr(p, '/', n) != NULL)
		return "a file name with a slash";
	if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
		return "a file named . or ..";
	/* Windows takes a backslash for a slash: every part counts as a name. */
	for (size_t i = 0; i < n;) {
		const uint8_t *cut = memchr(p + i, '\\', n - i);
		size_t len = cut == NULL ? n - i : (size_t)(cut - (p + i));

		if (is_ntfs_dotgit(p + i, len))
			return "a file that some system reads as .git";
		i += len + 1;
	}
	return is_hfs_dotgit(p, n) ? "a file that some system reads as .git" : NULL;
}

void
tree_begin(struct tree_cursor *c, const uint8_t *p, size_t n)
{
	*c = (struct tree_cursor){ .p = p, .n = n };
}

/* Git's order: a folder's name counts as if it ended in a slash. */
static bool
is_in_order(const struct tree_entry *a, const struct tree_entry *b)
{
	size_t n = a->nname < b->nname ? a->nname : b->nname;
	int c = memcmp(a->name, b->name, n);
	uint8_t x, y;

	if (c != 0)
		return c < 0;
	if (a->nname == b->nname)
		return false;
	x = a->nname > n ? a->name[n] : a->mode == MODE_TREE ? '/' : '\0';
	y = b->nname > n ? b->name[n] : b->mode == MODE_TREE ? '/' : '\0';
	return x < y;
}

int
tree_next(struct tree_cursor *c, struct tree_entry *e, const char **whyp)
{
	const uint8_t *nul;
	size_t i;

	if (c->n == 0)
		return ERR_EOF;
	*whyp = "an entry with a malformed mode";
	e->mode = 0;
	for (i = 0; i < c->n && i < 8 && c->p[i] >= '0' && c->p[i] <= '7'; i++)
		e->mode = e->mode << 3 | (unsigned)(c->p[i] - '0');
	if (i == 0 || i >= c->n || c->p[i] != ' ' || !mode_is_valid(e->mode))
		return ERR_FORMAT;
	e->name = c->p + i + 1;
	*whyp = "an entry that is cut short";
	if ((nul = memchr(e->name, '\0', c->n - i - 1)) == NULL || (size_t)(c->p + c->n - nul) < 21)
		return ERR_FORMAT;
	e->nname = (size_t)(nul - e->name);
	e->oid = nul + 1;
	e->whole = c->p;
	e->nwhole = (size_t)(nul + 21 - c->p);
	if ((*whyp = tree_name_fault(e->name, e->nname)) != NULL)
		return ERR_FORMAT;
	*whyp = "entries out of order, or twice";
	if (c->last.name != NULL && !is_in_order(&c->last, e))
		return ERR_FORMAT;
	c->last = *e;
	c->n -= e->nwhole;
	c->p += e->nwhole;
	return 0;
}
