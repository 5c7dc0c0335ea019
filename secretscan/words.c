/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/words.h"

#include <stdbool.h>

#define DIGIT		26
#define BREAK		27	/* between words: _ - . / space, any other, and where an upper case letter begins one */
#define SYMBOLS		28

static const char table[] =
#include "secretscan/words-table.inc"
;

/* What a digit or a sign costs beside that it is one: which of them. */
#define BITS_DIGIT	3.3
#define BITS_COUNTED	0.5	/* the next of 1 2 3, or the same again */
#define BITS_USUAL	0.5	/* signs that join words */
#define BITS_SIGN	3.5
#define BITS_CASE	0.5	/* an upper case letter where one can be expected */

static bool
is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
joins_words(uint8_t c)
{
	return c == '_' || c == '-' || c == '.' || c == '/' || c == ' ' || c == ':' || c == ',';
}

struct reader {
	unsigned a, b;		/* the symbols before */
	double	 bits;
};

static void
take(struct reader *r, unsigned symbol)
{
	r->bits += (table[(r->a * SYMBOLS + r->b) * SYMBOLS + symbol] - 'A') / 2.0;
	r->a = r->b;
	r->b = symbol;
}

double
words_surprise(const uint8_t *p, size_t n)
{
	struct reader r = { BREAK, BREAK, 0 };

	for (size_t i = 0; i < n; i++) {
		if (is_digit(p[i])) {
			take(&r, DIGIT);
			r.bits += i > 0 && (p[i] == p[i - 1] || p[i] == p[i - 1] + 1) ? BITS_COUNTED : BITS_DIGIT;
		} else if (is_lower(p[i])) {
			take(&r, p[i] - 'a');
		} else if (is_upper(p[i])) {
			/* aB begins a word, and so does the last of ABc. */
			if (i > 0 && (!is_upper(p[i - 1]) || (i + 1 < n && is_lower(p[i + 1]))) && r.b != BREAK)
				take(&r, BREAK);
			r.bits += i > 0 && is_upper(p[i - 1]) ? 0 : BITS_CASE;
			take(&r, p[i] - 'A');
		} else {
			if (r.b != BREAK)
				take(&r, BREAK);
			r.bits += joins_words(p[i]) ? BITS_USUAL : i > 0 && p[i] == p[i - 1] ? BITS_COUNTED : BITS_SIGN;
		}
	}
	if (r.b != BREAK)
		take(&r, BREAK);
	return r.bits;
}
