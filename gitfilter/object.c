/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/object.h"

#include <stdbool.h>
#include <string.h>

#include "bastion/base/err.h"
#include "gitfilter/refcmd.h"

#define MODE_TREE	0040000u
#define MODE_FILE	0100644u
#define MODE_PROGRAM	0100755u
#define MODE_GROUP_FILE	0100664u	/* made by very old git; fsck lets it pass */
#define MODE_REGULAR	0100000u	/* and permissions */
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

/* Common to commits and tags: not too long. */
static int
text_check(size_t n, const char **whyp)
{
	if (n > HEADER_TEXT_MAX) {
		*whyp = "its text is too long";
		return ERR_TOOBIG;
	}
	return 0;
}

int
commit_parse(const uint8_t *p, size_t n, struct commit *c, const char **whyp)
{
	struct text t = { p, n };
	const uint8_t *rest;
	size_t nrest;
	int r;

	if ((r = text_check(n, whyp)) != 0)
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
	*whyp = "it has a parent that is no object's name, or in the wrong place";
	return text_header(&t, "parent", &rest, &nrest) || text_header(&t, "tree", &rest, &nrest) ? ERR_FORMAT : 0;
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

	if ((r = text_check(n, whyp)) != 0)
		return r;
	*whyp = "its headers are malformed";
	if (!text_oid(&t, "object", tag->target) || !text_header(&t, "type", &rest, &nrest) ||
	    (tag->type = type_of_word(rest, nrest)) == 0 || !text_header(&t, "tag", &rest, &nrest))
		return ERR_FORMAT;
	return 0;
}

enum object_type
mode_type(unsigned mode)
{
	if (mode == MODE_SUBMODULE)
		return 0;
	return mode == MODE_TREE ? OBJECT_TREE : OBJECT_BLOB;
}

bool
mode_is_file(unsigned mode)
{
	return (mode & ~07777u) == MODE_REGULAR;
}

/* What git would take for a folder, link, submodule, or file of some permissions. */
static bool
mode_is_valid(unsigned mode)
{
	return mode == MODE_TREE || mode == MODE_LINK || mode == MODE_SUBMODULE || mode_is_file(mode);
}

bool
mode_is_usual(unsigned mode)
{
	return mode_is_valid(mode) && (!mode_is_file(mode) || mode == MODE_FILE || mode == MODE_PROGRAM ||
	    mode == MODE_GROUP_FILE);
}

void
tree_begin(struct tree_cursor *c, const uint8_t *p, size_t n)
{
	*c = (struct tree_cursor){ .p = p, .n = n };
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
	c->n -= e->nwhole;
	c->p += e->nwhole;
	return 0;
}
