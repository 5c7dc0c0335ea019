/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that are cut and belong together: literals that a program puts together ("a" "b", 'a' + 'b', "a" . "b", also over
 * lines), and a carriage return in the middle of a word, which terminals write where they break a line.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/layer.h"
#include "secretscan/limits.h"
#include "secretscan/rewrite.h"

#define JOIN_MAX	128	/* bytes from one literal to the next one */
#define PART_MAX	1024	/* of a literal */
#define AFTER		16	/* bytes behind the last one, for what must follow a secret */

static bool
is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* From a closing quote to behind the opening quote of the literal that it is put together with; 0 when there is none. */
static size_t
next_part(const struct sieve *s, size_t quote)
{
	size_t at = quote + 1, most = s->n - quote < JOIN_MAX ? s->n : quote + JOIN_MAX;

	while (at < most && s->p[at] != '\0' && strchr(" \t\r\n+.&|\\", s->p[at]) != NULL)
		at++;
	return at + 1 < most && is_quote(s->p[at]) && decode_base64_values[s->p[at + 1]] != 0 ? at + 1 : 0;
}

/* Where the literal ends that begins here, at its quote; 0 when that is not in this line. */
static size_t
part_end(const struct sieve *s, size_t at, uint8_t quote)
{
	size_t most = s->n - at < PART_MAX ? s->n : at + PART_MAX;

	for (; at < most && s->p[at] != '\n'; at++) {
		if (s->p[at] == quote)
			return at;
	}
	return 0;
}

/* All that is put together with the literal that ends at this quote; returns where that ends. */
static size_t
take_parts(const struct sieve *s, size_t quote, size_t done, struct layer *out)
{
	size_t from = quote - done > SS_AROUND ? quote - SS_AROUND : done, part, end = quote;

	layer_break(out, from);
	layer_copy(out, s->p + from, quote - from, from);
	while (out->error == 0 && (part = next_part(s, quote)) != 0) {
		end = part_end(s, part, s->p[part - 1]);
		if (end == 0) {
			end = part;
			break;
		}
		layer_copy(out, s->p + part, end - part, part);
		quote = end;
	}
	part = s->n - end < AFTER ? s->n - end : AFTER;
	layer_copy(out, s->p + end, part, end);
	return end;
}

void
decode_concat(const struct sieve *s, struct layer *out)
{
	size_t done = 0;

	for (size_t i = 0; i < s->nplaces && out->error == 0; i++) {
		size_t quote = s->places[i].at;

		if ((s->places[i].kinds & SIEVE_QUOTE) != 0 && quote >= done && next_part(s, quote) != 0 &&
		    sieve_counts(s, quote - 1, quote + 2))
			done = take_parts(s, quote, done, out);
	}
}

/* With a blank before it or not; between digits of a word. */
static bool
read_return(const uint8_t *p, size_t n, size_t at, struct rewrite_step *step)
{
	size_t before = at > 1 && p[at - 1] == ' ' ? at - 2 : at - 1;

	if (at == 0 || at + 1 >= n || decode_base64_values[p[before]] == 0 || decode_base64_values[p[at + 1]] == 0)
		return false;
	step->erase = before != at - 1;
	step->telling = true;
	return true;
}

void
decode_return(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_EQUALS, "\r", NULL, false, read_return };

	rewrite(&w, s, out);
}
