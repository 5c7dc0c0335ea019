/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a page. Its content shows strings and says where each goes (ISO 32000-1, 9.4); a word is often several
 * strings. Strings are joined unless something says that a space or a line is between them.
 */
#include <stdlib.h>
#include <string.h>

#include "secretscan/ascii.h"
#include "secretscan/container_int.h"
#include "secretscan/pdf.h"

#define NUMBERS_MAX	6
#define GAP		(-180)	/* thousandths of the font's size: a wider one is a space */
#define STRING_MAX	8192

struct page {
	const struct pdf_fonts	*fonts;
	const struct pdf_font	*font;
	struct pour		*out;
	double			 numbers[NUMBERS_MAX];
	size_t			 n;
	struct pdf_span		 name;
	double			 y;		/* of the last Tm */
	size_t			 glyphs;	/* of the last string */
	bool			 in_text, in_array;
};

static bool
is_word(struct pdf_span s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0;
}

static size_t
string_end(struct pdf_span s, size_t at)
{
	size_t depth = 0;

	for (; at < s.n; at++) {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == '(')
			depth++;
		else if (s.p[at] == ')' && --depth == 0)
			return at + 1;
	}
	return s.n;
}

struct pdf_span
pdf_token(struct pdf_span s, size_t *atp)
{
	size_t at = *atp, from;

	if (s.n == 0)
		return s;
	while (at < s.n && (is_space(s.p[at]) || s.p[at] == '%')) {
		if (s.p[at] == '%') {
			while (at < s.n && s.p[at] != '\n' && s.p[at] != '\r')
				at++;
		} else
			at++;
	}
	from = at;
	if (at == s.n)
		;
	else if (s.p[at] == '(')
		at = string_end(s, at);
	else if (s.p[at] == '<' && at + 1 < s.n && s.p[at + 1] != '<') {
		while (at < s.n && s.p[at] != '>')
			at++;
		at += at < s.n;
	} else if (strchr("[]<>{})", s.p[at]) != NULL)
		at++;
	else {
		at++;
		while (at < s.n && !is_space(s.p[at]) && strchr("()<>[]{}/%", s.p[at]) == NULL)
			at++;
	}
	*atp = at;
	return (struct pdf_span){ s.p + from, at - from };
}

/* A string in brackets without its escapes: how many bytes it is. */
static size_t
literal(struct pdf_span t, uint8_t *out)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	size_t n = 0;

	for (size_t i = 1; i + 1 < t.n && n < STRING_MAX; i++) {
		uint8_t c = t.p[i];
		const char *esc;

		if (c != '\\') {
			out[n++] = c;
			continue;
		}
		c = t.p[++i];
		if (c >= '0' && c <= '7') {
			unsigned v = 0;

			for (unsigned d = 0; d < 3 && i < t.n && t.p[i] >= '0' && t.p[i] <= '7'; d++, i++)
				v = v * 8 + (unsigned)(t.p[i] - '0');
			i--;
			out[n++] = (uint8_t)v;
		} else if (c == '\n' || c == '\r')
			continue;
		else if (c != 0 && (esc = strchr(from, c)) != NULL)
			out[n++] = (uint8_t)to[esc - from];
		else
			out[n++] = c;
	}
	return n;
}

static size_t
hexadecimal(struct pdf_span t, uint8_t *out)
{
	size_t n = 0, digits = 0;

	for (size_t i = 1; i < t.n && t.p[i] != '>' && n < STRING_MAX; i++) {
		uint8_t c = t.p[i], v;

		if (c >= '0' && c <= '9')
			v = (uint8_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = (uint8_t)((c | 0x20) - 'a' + 10);
		else
			continue;
		if (digits++ % 2 == 0)
			out[n] = (uint8_t)(v << 4);
		else
			out[n++] |= v;
	}
	return n + digits % 2;
}

static int
show(struct page *pg, struct pdf_span t)
{
	uint8_t bytes[STRING_MAX + 1];
	size_t n = t.p[0] == '(' ? literal(t, bytes) : hexadecimal(t, bytes), at = 0, size, made = 0;

	pg->glyphs = n;
	if (pg->font == NULL)
		return pour_add(pg->out, bytes, n);
	/* In place: a letter is never longer than its code. */
	for (pg->glyphs = 0; at < n; at += size, pg->glyphs++) {
		uint8_t c = pdf_font_letter(pg->font, bytes + at, n - at, &size);

		bytes[made++] = c != 0 ? c : '?';
	}
	return pour_add(pg->out, bytes, made);
}

static double
number(const struct page *pg, size_t from_last)
{
	return from_last < pg->n ? pg->numbers[pg->n - 1 - from_last] : 0;
}

static int
operate(struct page *pg, struct pdf_span op)
{
	if (is_word(op, "BT")) {
		pg->in_text = true;
		pg->glyphs = 0;
	} else if (is_word(op, "Tf"))
		pg->font = pdf_fonts_get(pg->fonts, pg->name);
	else if (!pg->in_text)
		return 0;
	else if (is_word(op, "ET")) {
		pg->in_text = false;
		return pour_text(pg->out, "\n");
	} else if (is_word(op, "T*") || is_word(op, "'") || is_word(op, "\""))
		return pour_text(pg->out, "\n");
	else if (is_word(op, "Td") || is_word(op, "TD")) {
		/* Who places each glyph by itself also places the spaces. */
		if (number(pg, 0) != 0)
			return pour_text(pg->out, "\n");
		return pg->glyphs > 1 ? pour_text(pg->out, " ") : 0;
	} else if (is_word(op, "Tm")) {
		bool same = number(pg, 0) == pg->y;

		pg->y = number(pg, 0);
		if (!same)
			return pour_text(pg->out, "\n");
		return pg->glyphs > 1 ? pour_text(pg->out, " ") : 0;
	}
	return 0;
}

static double
to_number(struct pdf_span t)
{
	const char *end;
	char text[32];
	size_t n = t.n < sizeof(text) - 1 ? t.n : sizeof(text) - 1;

	memcpy(text, t.p, n);
	text[n] = '\0';
	return ascii_number(text, &end);
}

int
pdf_text(const struct pdf_fonts *fonts, struct pdf_span content, struct pour *out)
{
	struct page pg = { .fonts = fonts, .out = out };
	struct pdf_span t;
	size_t at = 0;
	int e = 0;

	while (e == 0 && (t = pdf_token(content, &at)).n > 0) {
		uint8_t c = t.p[0];

		if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') {
			if (pg.in_array && pg.in_text && to_number(t) < GAP)
				e = pour_text(out, " ");
			if (pg.n == NUMBERS_MAX)
				memmove(pg.numbers, pg.numbers + 1, sizeof(pg.numbers[0]) * --pg.n);
			pg.numbers[pg.n++] = to_number(t);
		} else if (c == '(' || (c == '<' && t.n > 1)) {
			if (pg.in_text)
				e = show(&pg, t);
		} else if (c == '[' || c == ']')
			pg.in_array = c == '[';
		else if (c == '/')
			pg.name = t;
		else {
			e = operate(&pg, t);
			pg.n = 0;
		}
	}
	return e;
}
