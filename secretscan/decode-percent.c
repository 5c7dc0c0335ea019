/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Percent-encoding of URLs (RFC 3986 section 2.1), with the %uXXXX that JavaScript's escape() made; and that of
 * forms, in which + is a space. Which of both a text is in it does not say.
 */
#include "secretscan/decode.h"
#include "secretscan/rewrite.h"

static bool
read_percent(const uint8_t *p, size_t n, size_t at, struct rewrite_step *step)
{
	bool wide = n - at > 5 && p[at + 1] == 'u';
	size_t skip = wide ? 2 : 1, want = wide ? 4 : 2;
	uint32_t c;

	if (decode_hex_number(p + at + skip, n - at - skip, want, &c) != want)
		return false;
	if (wide)
		step->n = decode_utf8(c, step->out);
	else {
		step->out[0] = (uint8_t)c;
		step->n = 1;
	}
	step->used = skip + want;
	step->telling = (c >= 0x20 && c < 0x7f) || c == '\n';
	return step->n > 0;
}

static bool
read_form(const uint8_t *p, size_t n, size_t at, struct rewrite_step *step)
{
	if (p[at] == '%')
		return read_percent(p, n, at, step);
	step->out[0] = ' ';
	step->n = 1;
	return true;
}

void
decode_percent(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_PERCENT, "%", NULL, false, read_percent };

	rewrite(&w, s, out);
}

void
decode_form(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_PERCENT, "%", "+", false, read_form };

	rewrite(&w, s, out);
}
