/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jupyter notebooks: a cell's text is an array of its lines, which are joined here; pictures are left out. Only the
 * strings and brackets of JSON (RFC 8259) are looked at, so there is nothing to hold in memory and no file too bent: what
 * is no JSON at all still is text for the caller.
 */
#include <string.h>

#include "secretscan/container_int.h"

#define DEEPEST	64

struct notebook {
	struct pour	*m;
	const uint8_t	*p;
	size_t		 n, at;
	uint64_t	 arrays;	/* a bit a level: it is an array */
	unsigned	 depth;
	unsigned	 skip;		/* what is at this level or deeper is a picture; 0: nothing is */
};

static bool
in_array(const struct notebook *b)
{
	return b->depth < DEEPEST && (b->arrays >> b->depth & 1) != 0;
}

/* Where the string that begins at b->at ends: its last quote, or the end of the text. */
static size_t
string_end(const struct notebook *b)
{
	size_t end = b->at + 1;

	while (end < b->n && b->p[end] != '"')
		end += b->p[end] == '\\' ? 2 : 1;
	return end < b->n ? end : b->n;
}

static bool
is_key(const struct notebook *b, size_t end)
{
	for (end++; end < b->n && strchr(" \t\r\n", b->p[end]) != NULL && b->p[end] != '\0'; end++)
		;
	return end < b->n && b->p[end] == ':';
}

/* The character of \uXXXX, '?' when it is not ASCII. */
static uint8_t
code(const uint8_t *p, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < 4 && i < n; i++) {
		unsigned c = p[i] | 0x20u;

		v = v << 4 | (c >= 'a' ? c - 'a' + 10 : c & 0xf);
	}
	return v < 0x80 ? (uint8_t)v : '?';
}

static int
add_string(struct notebook *b, const uint8_t *p, size_t n)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	const uint8_t *end = p + n, *esc;
	const char *plain;
	int e;

	while ((esc = memchr(p, '\\', (size_t)(end - p))) != NULL && end - esc > 1) {
		uint8_t c = esc[1];

		if ((e = pour_add(b->m, p, (size_t)(esc - p))) != 0)
			return e;
		p = esc + 2;
		if (c == 'u') {
			c = code(p, (size_t)(end - p));
			p += end - p < 4 ? end - p : 4;
		} else if (c != '\0' && (plain = strchr(from, c)) != NULL)
			c = (uint8_t)to[plain - from];
		if ((e = pour_add(b->m, &c, 1)) != 0)
			return e;
	}
	return pour_add(b->m, p, (size_t)(end - p));
}

static int
read_string(struct notebook *b)
{
	const uint8_t *s = b->p + b->at + 1;
	size_t end = string_end(b), len = end - b->at - 1;
	int e;

	b->at = end;
	if (is_key(b, end)) {
		if (b->depth <= b->skip)
			b->skip = 0;
		if (b->skip == 0 && len > 6 && memcmp(s, "image/", 6) == 0)
			b->skip = b->depth;
		return 0;
	}
	if (b->skip != 0)
		return 0;
	if ((e = add_string(b, s, len)) != 0 || in_array(b))
		return e;
	return pour_text(b->m, "\n");
}

static int
leave(struct notebook *b)
{
	bool array = in_array(b);

	if (b->depth > 0)
		b->depth--;
	if (b->depth < b->skip)
		b->skip = 0;
	return array ? pour_text(b->m, "\n") : 0;
}

static void
enter(struct notebook *b, bool array)
{
	b->depth++;
	if (b->depth < DEEPEST)
		b->arrays = (b->arrays & ~((uint64_t)1 << b->depth)) | (uint64_t)array << b->depth;
}

int
notebook_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pour m = { .in = in };
	struct notebook b = { .m = &m, .p = p, .n = n };
	int e = pour_begin(&m, "(text)");

	for (; e == 0 && b.at < n; b.at++) {
		switch (p[b.at]) {
		case '"':
			e = read_string(&b);
			break;
		case '[':
		case '{':
			enter(&b, p[b.at] == '[');
			break;
		case ']':
		case '}':
			e = leave(&b);
			break;
		default:
			break;
		}
	}
	if (e == 0)
		e = pour_end(&m);
	pour_release(&m);
	return e;
}
