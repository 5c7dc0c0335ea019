/* SPDX-License-Identifier: Apache-2.0 */
/* Character references of HTML and XML. Of HTML's two thousand names those that stand for ASCII are enough here. */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/rewrite.h"

static const struct {
	const char	*name;
	size_t		 len;
	uint8_t		 c;
} names[] = {
#define NAME(text, c)	{ text, sizeof(text) - 1, c }
	NAME("quot;", '"'), NAME("amp;", '&'), NAME("apos;", '\''), NAME("lt;", '<'), NAME("gt;", '>'), NAME("nbsp;", ' '),
	NAME("equals;", '='), NAME("colon;", ':'), NAME("sol;", '/'), NAME("bsol;", '\\'), NAME("plus;", '+'), NAME("lowbar;", '_'),
	NAME("period;", '.'), NAME("comma;", ','), NAME("commat;", '@'), NAME("num;", '#'), NAME("percnt;", '%'), NAME("excl;", '!'),
	NAME("dollar;", '$'), NAME("semi;", ';'), NAME("Tab;", '\t'), NAME("NewLine;", '\n'), NAME("grave;", '`'),
};

/* &#65; and &#x41; */
static bool
read_number(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	size_t from = 2, len = 0;
	uint32_t c = 0;

	if (n > 3 && (p[2] | 0x20) == 'x') {
		from = 3;
		len = decode_hex_number(p + from, n - from, 6, &c);
	} else {
		for (; from + len < n && len < 7 && p[from + len] >= '0' && p[from + len] <= '9'; len++)
			c = c * 10 + (uint32_t)(p[from + len] - '0');
	}
	if (len == 0 || from + len >= n || p[from + len] != ';')
		return false;
	step->n = decode_utf8(c, step->out);
	step->used = from + len + 1;
	step->telling = c < 0x80;
	return step->n > 0;
}

static bool
read_entity(const uint8_t *whole, size_t whole_n, size_t at, struct rewrite_step *step)
{
	const uint8_t *p = whole + at;
	size_t n = whole_n - at;

	if (n > 1 && p[1] == '#')
		return read_number(p, n, step);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = names[i].len;

		if (n > len && p[1] == (uint8_t)names[i].name[0] && memcmp(p + 1, names[i].name, len) == 0) {
			step->out[0] = names[i].c;
			step->n = 1;
			step->used = 1 + len;
			step->telling = true;
			return true;
		}
	}
	return false;
}

void
decode_entity(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_AMPERSAND, "&", NULL, false, read_entity };

	rewrite(&w, s, out);
}
