/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML of office documents (docx, pptx, xlsx, odt): a word that was edited or spell-checked is several runs with tags
 * between them. Here tags are taken out, and where a paragraph or a cell ends, a line does.
 */
#include <string.h>

#include "secretscan/container_int.h"

#define TAG_MAX		24	/* bytes of a tag's name that are looked at */
#define ENTITY_MAX	10

/* After these a line ends. */
static const char *const breaks[] = {
	"/w:p", "/w:tc", "w:br", "w:tab", "/a:p", "a:br", "/si", "/c", "/v", "/row", "/text:p", "/text:h",
	"text:line-break", "text:tab", "/table:table-cell",
};

static const struct {
	const char	*name;
	uint8_t		 c;
} entities[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
};

static bool
is_break(const uint8_t *p, size_t n)
{
	size_t len = 0;

	while (len < n && len < TAG_MAX && (p[len] > ' ' && p[len] != '>') && (len == 0 || p[len] != '/'))
		len++;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		if (strlen(breaks[i]) == len && memcmp(p, breaks[i], len) == 0)
			return true;
	}
	return false;
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
		if ((e = add_text(&m, p, (size_t)((tag != NULL ? tag : end) - p))) != 0)
			goto out;
		if (tag == NULL || (close = memchr(tag, '>', (size_t)(end - tag))) == NULL)
			break;
		if (is_break(tag + 1, (size_t)(close - tag)) && (e = pour_text(&m, "\n")) != 0)
			goto out;
		p = close + 1;
	}
	e = pour_end(&m);
out:
	pour_release(&m);
	return e;
}
