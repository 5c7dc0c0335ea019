/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-16 and UTF-32, either way round: whole texts, and runs of them inside something else. ASCII is all that counts.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/layer.h"

#define LEAST	12	/* characters; fewer are in any binary */

/* A character at p of so many bytes, of which the one at `lane` is not zero. */
static bool
is_character(const uint8_t *p, size_t n, size_t unit, size_t lane)
{
	if (n < unit || !decode_is_text(p[lane]))
		return false;
	for (size_t i = 0; i < unit; i++) {
		if (i != lane && p[i] != 0)
			return false;
	}
	return true;
}

/* The end of the run that begins at `at`. One character that is not ASCII does not end it. */
static size_t
run_end(const struct sieve *s, size_t at, size_t unit, size_t lane)
{
	size_t end = at;

	for (;; at += unit) {
		if (at <= s->n && is_character(s->p + at, s->n - at, unit, lane))
			end = at + unit;
		else if (at > end || at + unit > s->n)
			return end;
	}
}

static void
take(const struct sieve *s, size_t at, size_t end, size_t unit, size_t lane, struct layer *out)
{
	static const uint8_t other = 0xff;

	layer_break(out, at);
	for (; at < end; at += unit)
		layer_put(out, is_character(s->p + at, s->n - at, unit, lane) ? s->p + at + lane : &other, 1, at, unit);
}

/*
 * From zero to zero. Little end first, the character before the first zero is one; else the first zero is of one. Zeros
 * that stand for nothing are passed all at once.
 */
static void
decode_wide(const struct sieve *s, size_t unit, struct layer *out)
{
	size_t done = 0, end;

	for (size_t at = sieve_find(s, SIEVE_CONTROL, 0, 0); at < s->n; at = sieve_find(s, SIEVE_CONTROL, 0, at)) {
		size_t lane = 0, from = at - 1;

		if (at == done || !is_character(s->p + from, s->n - from, unit, 0)) {
			from = at;
			lane = unit - 1;
		}
		end = run_end(s, from, unit, lane);
		if (end - from >= LEAST * unit && sieve_counts(s, from, end)) {
			take(s, from, end, unit, lane, out);
			at = done = end;
			continue;
		}
		for (at++; at < s->n && s->p[at] == 0 && at + unit < s->n && s->p[at + unit - 1] == 0; at++)
			;
	}
}

void
decode_utf16(const struct sieve *s, struct layer *out)
{
	decode_wide(s, 2, out);
}

void
decode_utf32(const struct sieve *s, struct layer *out)
{
	decode_wide(s, 4, out);
}
