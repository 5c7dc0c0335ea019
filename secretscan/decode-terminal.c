/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a text and is not seen: control sequences of terminals (ECMA-48), overstrikes, and characters of no
 * width. Each can stand in the middle of a token: `grep --color` puts them there.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/rewrite.h"

#define STRING_MAX	4096	/* of an operating system command (a title, a link) */

static size_t
skip(const uint8_t *p, size_t n, size_t at, uint8_t low, uint8_t high)
{
	while (at < n && p[at] >= low && p[at] <= high)
		at++;
	return at;
}

/* ESC [ parameters, intermediate bytes, final byte. Movements of the cursor are blanks. */
static bool
read_csi(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	size_t end = skip(p, n, skip(p, n, 2, 0x30, 0x3f), 0x20, 0x2f);

	if (end >= n || p[end] < 0x40 || p[end] > 0x7e)
		return false;
	step->used = end + 1;
	step->telling = true;
	if (strchr("BCEGHdf", p[end]) != NULL) {
		step->out[0] = p[end] == 'C' || p[end] == 'G' ? ' ' : '\n';
		step->n = 1;
	}
	return true;
}

/* ESC ] text BEL, or ESC \ at its end; no control characters in it. */
static bool
read_osc(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	for (size_t i = 2; i < n && i < STRING_MAX; i++) {
		if (p[i] >= ' ')
			continue;
		if (p[i] != '\a' && !(p[i] == 0x1b && i + 1 < n && p[i + 1] == '\\'))
			return false;
		step->used = p[i] == '\a' ? i + 1 : i + 2;
		step->telling = true;
		return true;
	}
	return false;
}

static bool
read_escape_sequence(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	size_t end;

	if (n < 2)
		return false;
	if (p[1] == '[')
		return read_csi(p, n, step);
	if (p[1] == ']')
		return read_osc(p, n, step);
	end = skip(p, n, 1, 0x20, 0x2f);
	if (end >= n || p[end] < 0x30 || p[end] > 0x7e)
		return false;
	step->used = end + 1;
	step->telling = true;
	return true;
}

/*
 * Characters that are not seen: spaces and joiners without width, marks of direction and of byte order, soft hyphens,
 * selectors of variants, fillers, tags; and those that stand over the one before them (U+0300 to U+036F).
 */
static const struct {
	uint32_t	from, to;
} unseen[] = {
	{ 0xad, 0xad }, { 0x300, 0x36f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xe0000, 0xe01ef },
};

static bool
read_invisible(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	uint32_t c = 0;
	size_t len = decode_utf8_at(p, n, &c);

	for (size_t i = 0; len > 1 && i < sizeof(unseen) / sizeof(unseen[0]); i++) {
		if (c >= unseen[i].from && c <= unseen[i].to) {
			step->used = len;
			step->telling = true;
			return true;
		}
	}
	return false;
}

static bool
read_noise(const uint8_t *whole, size_t whole_n, size_t at, struct rewrite_step *step)
{
	const uint8_t *p = whole + at;
	size_t n = whole_n - at;

	switch (p[0]) {
	case 0x1b:
		return read_escape_sequence(p, n, step);
	case '\b':
		step->erase = step->telling = true;
		return true;
	case '\a':
		step->telling = true;
		return true;
	default:
		if (read_invisible(p, n, step))
			return true;
		step->used = 1;
		return false;
	}
}

void
decode_terminal(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = {
		SIEVE_CONTROL | SIEVE_HIGH, "\033\b\a\xc2\xcc\xcd\xd8\xe1\xe2\xe3\xef\xf3", NULL, true, read_noise,
	};

	rewrite(&w, s, out);
}
