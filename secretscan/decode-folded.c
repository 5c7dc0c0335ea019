/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters that look like ASCII and are not: full-width forms (U+FF01 to U+FF5E), as input methods of East Asia make
 * them, and the letters and digits of mathematics (U+1D400 to U+1D7FF), which people write for bold.
 */
#include "secretscan/decode.h"
#include "secretscan/rewrite.h"

#define FULL_FIRST	0xff01
#define FULL_LAST	0xff5e
#define MATH_FIRST	0x1d400
#define MATH_LETTERS	(0x1d6a4 - MATH_FIRST)	/* thirteen alphabets, capital and small */
#define MATH_DIGITS	0x1d7ce
#define MATH_LAST	0x1d7ff
#define ALPHABET	26

/* 0: none of ours. */
static uint8_t
fold(uint32_t c)
{
	uint32_t letter;

	if (c >= FULL_FIRST && c <= FULL_LAST)
		return (uint8_t)(c - FULL_FIRST + '!');
	if (c >= MATH_DIGITS && c <= MATH_LAST)
		return (uint8_t)('0' + (c - MATH_DIGITS) % 10);
	if (c < MATH_FIRST || c - MATH_FIRST >= MATH_LETTERS)
		return 0;
	letter = (c - MATH_FIRST) % (2 * ALPHABET);
	return (uint8_t)(letter < ALPHABET ? 'A' + letter : 'a' + letter - ALPHABET);
}

/* Punctuation is full-width wherever text is Chinese or Japanese: letters and digits tell. */
static bool
read_folded(const uint8_t *p, size_t n, size_t at, struct rewrite_step *step)
{
	uint32_t cp = 0;
	size_t len = decode_utf8_at(p + at, n - at, &cp);
	uint8_t c = len > 2 ? fold(cp) : 0;

	if (c == 0)
		return false;
	step->out[0] = c;
	step->n = 1;
	step->used = len;
	step->telling = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	return true;
}

void
decode_folded(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_HIGH, "\xef\xf0", NULL, false, read_folded };

	rewrite(&w, s, out);
}
