/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML of office documents (docx, pptx, xlsx, odt): a word that was edited or spell-checked is several runs with tags
 * between them. Here tags are taken out, and where a paragraph or a cell ends, a line does.
 */
#include <string.h>

#include "secretscan/container_int.h"

#define TAG_MAX		24	/* bytes of a tag's name that are looked at */
#define ENTITY_MAX	10

/* What a tag says itself. */
static const struct {
	const char	*name, *text;
} said[] = {
	{ "/w:p", "\n" }, { "/w:tc", "\n" }, { "w:br", "\n" }, { "w:tab", "\n" }, { "w:noBreakHyphen", "-" },
	{ "/a:p", "\n" }, { "a:br", "\n" },
	{ "/si", "\n" }, { "/c", "\n" }, { "/v", "\n" }, { "/row", "\n" },
	{ "/text:p", "\n" }, { "/text:h", "\n" }, { "text:line-break", "\n" }, { "text:tab", "\n" }, { "text:s", " " },
	{ "/table:table-cell", "\n" },
};

static const struct {
	const char	*name;
	uint8_t		 c;
} entities[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
};

static const char *
text_of_tag(const uint8_t *p, size_t n)
{
	size_t len = 0;

	while (len < n && len < TAG_MAX && (p[len] > ' ' && p[len] != '>') && (len == 0 || p[len] != '/'))
		len++;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (strlen(said[i].name) == len && memcmp(p, said[i].name, len) == 0)
			return said[i].text;
	}
	return "";
}

/* Between tags that were written for people to read, not of the document. */
static bool
is_layout(const uint8_t *p, size_t n)
{
	bool line = false;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n')
			return false;
		line |= p[i] == '\n';
	}
	return line;
}

/* The character that &NAME; or &#NUMBER; stands for, if it is ASCII; 0 otherwise. n is without the & and the ;. */
static uint8_t
entity(const uint8_t *p, size_t n)
{
	unsigned value = 0, base = 10;
	size_t at = 1;

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (strlen(entities[i].name) == n && memcmp(p, entities[i].name, n) == 0)
			return entities[i].c;
	}
	if (n < 2 || p[0] != '#')
		return 0;
	if (p[1] == 'x') {
		base = 16;
		at = 2;
	}
	for (; at < n; at++) {
		unsigned digit = p[at] <= '9' ? (unsigned)p[at] - '0' : ((unsigned)p[at] | 0x20) - 'a' + 10;

		if (digit >= base || value > 0x7f)
			return 0;
		value = value * base + digit;
	}
	return value < 0x80 ? (uint8_t)value : 0;
}

/* Text up to the next tag, its entities resolved. */
static int
add_text(struct pour *m, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *amp, *semi;
	uint8_t c;
	int e;

	while (p < end) {
		if ((amp = memchr(p, '&', (size_t)(end - p))) == NULL)
			return pour_add(m, p, (size_t)(end - p));
		semi = memchr(amp, ';', (size_t)(end - amp) < ENTITY_MAX ? (size_t)(end - amp) : ENTITY_MAX);
		c = semi == NULL ? 0 : entity(amp + 1, (size_t)(semi - amp) - 1);
		if ((e = pour_add(m, p, (size_t)(amp - p))) != 0 || (e = pour_add(m, c != 0 ? &c : amp, 1)) != 0)
			return e;
		p = c != 0 ? semi + 1 : amp + 1;
	}
	return 0;
}

int
office_each(const struct inside *in, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *tag, *close;
	struct pour m = { .in = in };
	int e;

	if ((e = pour_begin(&m, "(text)")) != 0)
		goto out;
	while (p < end) {
		tag = memchr(p, '<', (size_t)(end - p));
		n = (size_t)((tag != NULL ? tag : end) - p);
		if (!is_layout(p, n) && (e = add_text(&m, p, n)) != 0)
			goto out;
		if (tag == NULL || (close = memchr(tag, '>', (size_t)(end - tag))) == NULL)
			break;
		if ((e = pour_text(&m, text_of_tag(tag + 1, (size_t)(close - tag)))) != 0)
			goto out;
		p = close + 1;
	}
	e = pour_end(&m);
out:
	pour_release(&m);
	return e;
}
