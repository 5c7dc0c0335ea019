/* SPDX-License-Identifier: Apache-2.0 */
/* Quoted-printable, of mails (RFC 2045 section 6.7): =3D, and = where a line is broken for its length. */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/rewrite.h"

#define LINE_MIN	60
#define LINE_MAX	76

/* A line of mail ends here; others end in = for other reasons. */
static bool
is_long_line(const uint8_t *p, size_t at)
{
	size_t from = at > LINE_MAX ? at - LINE_MAX : 0;

	return at - from >= LINE_MIN && memrchr(p + at - LINE_MIN, '\n', LINE_MIN) == NULL &&
	    (from == 0 || memrchr(p + from - 1, '\n', LINE_MAX - LINE_MIN + 1) != NULL);
}

static bool
read_quoted(const uint8_t *p, size_t n, size_t at, struct rewrite_step *step)
{
	size_t skip = n - at > 2 && p[at + 1] == '\r' ? 2 : 1;
	uint32_t c;

	if (n - at > skip && p[at + skip] == '\n') {
		step->used = skip + 1;
		step->telling = is_long_line(p, at);
		return step->telling;
	}
	/* Capital digits only. */
	if (n - at < 3 || p[at + 1] >= 'a' || p[at + 2] >= 'a' || decode_hex_number(p + at + 1, 2, 2, &c) != 2)
		return false;
	step->out[0] = (uint8_t)c;
	step->n = 1;
	step->used = 3;
	step->telling = c == '=';
	return true;
}

void
decode_quoted(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_EQUALS, "=", NULL, true, read_quoted };

	rewrite(&w, s, out);
}
