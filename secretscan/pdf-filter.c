/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of PDF streams, ISO 32000-1, 7.4. */
#include <string.h>

#include "secretscan/container_int.h"
#include "secretscan/pdf.h"
#include "secretscan/secretscan.h"

#define FILTERS_MAX	4
#define LZW_CODES	4096
#define LZW_CLEAR	256
#define LZW_END		257

typedef int	(*filter_fn)(struct pdf_span, struct pour *);

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
ascii_hex(struct pdf_span s, struct pour *out)
{
	int high = -1, v, e;

	for (size_t i = 0; i < s.n && s.p[i] != '>'; i++) {
		uint8_t byte;

		if ((v = hex_value(s.p[i])) == -1)
			continue;
		if (high == -1) {
			high = v;
			continue;
		}
		byte = (uint8_t)(high << 4 | v);
		high = -1;
		if ((e = pour_add(out, &byte, 1)) != 0)
			return e;
	}
	return 0;
}

/* Five characters are four bytes; n characters at the end are n - 1. */
static int
ascii85(struct pdf_span s, struct pour *out)
{
	static const uint8_t zeros[4];
	uint32_t value = 0;
	unsigned have = 0;
	int e = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '~' && e == 0; i++) {
		if (s.p[i] == 'z' && have == 0)
			e = pour_add(out, zeros, 4);
		if (s.p[i] < '!' || s.p[i] > 'u')
			continue;
		value = value * 85 + (s.p[i] - (uint32_t)'!');
		if (++have == 5) {
			const uint8_t b[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			    (uint8_t)value };

			e = pour_add(out, b, 4);
			value = 0;
			have = 0;
		}
	}
	if (have > 1 && e == 0) {
		uint8_t b[4];

		for (unsigned i = have; i < 5; i++)
			value = value * 85 + 84;
		for (unsigned i = 0; i < 4; i++)
			b[i] = (uint8_t)(value >> (24 - 8 * i));
		e = pour_add(out, b, have - 1);
	}
	return e;
}

static int
run_length(struct pdf_span s, struct pour *out)
{
	uint8_t run[128];
	size_t at = 0;
	int e = 0;

	while (at < s.n && s.p[at] != 128 && e == 0) {
		size_t n = s.p[at++];

		if (n < 128) {
			n = n + 1 < s.n - at ? n + 1 : s.n - at;
			e = pour_add(out, s.p + at, n);
			at += n;
		} else if (at < s.n) {
			memset(run, s.p[at++], sizeof(run));
			e = pour_add(out, run, 257 - n);
		}
	}
	return e;
}

struct lzw {
	uint16_t	before[LZW_CODES];
	uint8_t		last[LZW_CODES];
	uint8_t		text[LZW_CODES];
	unsigned	next;		/* code to be given */
};

/* What a code stands for, written from the end of text; how long it is. */
static size_t
lzw_expand(struct lzw *l, unsigned code)
{
	size_t n = 0;

	while (code > LZW_END && n < LZW_CODES - 1) {
		l->text[LZW_CODES - ++n] = l->last[code];
		code = l->before[code];
	}
	l->text[LZW_CODES - ++n] = (uint8_t)code;
	return n;
}

static int
lzw_code(struct lzw *l, unsigned previous, unsigned code, struct pour *out)
{
	size_t n;
	int e;

	if (code < l->next)
		n = lzw_expand(l, code);
	else {
		/* A code that is made by what it stands for: what came before, and its first byte again. */
		n = lzw_expand(l, previous);
		if (n == LZW_CODES)
			return 0;
		memmove(l->text + LZW_CODES - n - 1, l->text + LZW_CODES - n, n);
		l->text[LZW_CODES - 1] = l->text[LZW_CODES - n - 1];
		n++;
	}
	if (previous < LZW_CODES && l->next < LZW_CODES) {
		l->before[l->next] = (uint16_t)previous;
		l->last[l->next++] = l->text[LZW_CODES - n];
	}
	if ((e = pour_add(out, l->text + LZW_CODES - n, n)) != 0)
		return e;
	return 0;
}

/* Codes of 9 to 12 bits, which grow one code early. */
static int
lzw(struct pdf_span s, struct pour *out)
{
	struct lzw l = { .next = LZW_END + 1 };
	unsigned bits = 0, have = 0, width = 9, previous = LZW_CODES, code;
	int e;

	for (size_t at = 0; at < s.n;) {
		for (; have < width && at < s.n; have += 8)
			bits = bits << 8 | s.p[at++];
		if (have < width)
			break;
		code = bits >> (have - width) & ((1u << width) - 1);
		have -= width;
		bits &= (1u << have) - 1;
		if (code == LZW_END)
			break;
		if (code == LZW_CLEAR) {
			l.next = LZW_END + 1;
			width = 9;
			previous = LZW_CODES;
			continue;
		}
		if (code > l.next || (code == l.next && previous == LZW_CODES))
			break;
		if ((e = lzw_code(&l, previous, code, out)) != 0)
			return e;
		previous = code;
		width = l.next + 1 >= 2048 ? 12 : l.next + 1 >= 1024 ? 11 : l.next + 1 >= 512 ? 10 : 9;
	}
	return 0;
}

static int
flate(struct pdf_span s, struct pour *out)
{
	enum inflate_end end;
	size_t used;

	return pour_inflate(out, INFLATE_ZLIB, s.p, s.n, &used, &end);
}

static const struct {
	const char	*name, *abbreviated;
	filter_fn	 fn;
} filters[] = {
	{ "/FlateDecode", "/Fl", flate },
	{ "/LZWDecode", "/LZW", lzw },
	{ "/ASCII85Decode", "/A85", ascii85 },
	{ "/ASCIIHexDecode", "/AHx", ascii_hex },
	{ "/RunLengthDecode", "/RL", run_length },
};

static bool
is_word(struct pdf_span s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static filter_fn
filter_get(struct pdf_span name)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		if (is_word(name, filters[i].name) || is_word(name, filters[i].abbreviated))
			return filters[i].fn;
	}
	return NULL;
}

int
pdf_decode(struct pdf_span dict, struct pdf_span data, struct pour *out, bool *readp)
{
	struct pour between = { .in = out->in, .hold = true };
	struct pdf_span value = pdf_value(dict, "/Filter"), token, from = data;
	filter_fn fns[FILTERS_MAX];
	size_t n = 0, at = 0;
	int e = 0;

	*readp = false;
	while ((token = pdf_token(value, &at)).n > 0 && !is_word(token, "]")) {
		if (is_word(token, "["))
			continue;
		if (token.p[0] != '/' || n == FILTERS_MAX || (fns[n] = filter_get(token)) == NULL)
			return 0;
		n++;
		if (value.p[0] != '[')
			break;
	}
	*readp = true;
	if (n == 0)
		return pour_add(out, data.p, data.n);
	for (size_t i = 0; i < n && e == 0; i++) {
		struct pour made = { .in = out->in, .hold = true };

		e = fns[i](from, &made);
		pour_release(&between);
		between = made;
		from = (struct pdf_span){ between.p, between.n };
	}
	pour_release(out);
	*out = between;
	return e;
}
