/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that somebody put something before (a diff) or broke for their length (a terminal's text that was copied). */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/layer.h"
#include "secretscan/limits.h"

#define WIDTH_MIN	40
#define WIDTH_MAX	255
#define TERMINAL	80
#define JOINT_MIN	16	/* bytes of a word that is put together */
#define JOINT_REACH	64	/* bytes of it that are looked at, either way */

static size_t
line_start(const struct sieve *s, size_t at, size_t most)
{
	size_t from = at > most ? at - most : 0;
	const uint8_t *nl = memrchr(s->p + from, '\n', at - from);

	return nl != NULL ? (size_t)(nl - s->p) + 1 : from;
}

static size_t
line_end(const struct sieve *s, size_t at)
{
	const uint8_t *nl = memchr(s->p + at, '\n', s->n - at);

	return nl != NULL ? (size_t)(nl - s->p) : s->n;
}

/* A line that was added or removed, not one of a list: `- one`. */
static bool
is_changed_line(const struct sieve *s, size_t at)
{
	const uint8_t *p = s->p + at;

	return s->n - at > 2 && (p[0] == '+' || p[0] == '-') && (p[1] != ' ' || p[2] == ' ');
}

/* All lines from here on that begin with the same sign; returns their end. */
static size_t
take_changed(const struct sieve *s, size_t at, struct layer *out)
{
	uint8_t sign = s->p[at];

	layer_break(out, at);
	while (at < s->n && s->p[at] == sign && out->error == 0) {
		size_t end = line_end(s, at);

		if (end < s->n)
			end++;
		layer_copy(out, s->p + at + 1, end - at - 1, at + 1);
		at = end;
	}
	return at;
}

void
decode_diff(const struct sieve *s, struct layer *out)
{
	size_t at = sieve_next(s, SIEVE_PLUS_MINUS, 0);

	/* Blocks begin anywhere; the first one of the text is a line. */
	while (at < s->n && out->error == 0) {
		if ((at == 0 || s->p[at - 1] == '\n') && is_changed_line(s, at) && sieve_counts(s, at, at + 1)) {
			at = take_changed(s, at, out);
			continue;
		}
		at = line_end(s, at);
		at = sieve_next(s, SIEVE_PLUS_MINUS, at < s->n ? at + 1 : at);
	}
}

/* The widths at which people and programs break lines. */
static bool
is_usual_width(size_t n)
{
	static const uint8_t usual[] = { 60, 64, 70, 72, 75, 76, 78, 79, 80, 90, 96, 98, 100, 110, 118, 119, 120, 128, 130,
	    132, 140, 150, 158, 160, 180, 200, 250, 254 };

	return memchr(usual, (int)n, sizeof(usual)) != NULL;
}

static bool
goes_on(uint8_t c)
{
	static const uint8_t closes[128] = {
		['"'] = 1, ['\''] = 1, ['`'] = 1, ['('] = 1, [')'] = 1, ['['] = 1, [']'] = 1, ['{'] = 1, ['}'] = 1, ['<'] = 1,
		['>'] = 1,
	};

	return c > ' ' && c < 0x7f && closes[c] == 0;
}

/*
 * Before and after the line feed stands what can be one token: long enough, of letters and digits. In a line as wide as
 * most terminals it can as well be the name of a key.
 */
static bool
is_joint(const struct sieve *s, size_t nl, size_t width)
{
	size_t from = nl, to = nl + 1;
	bool digit = false, letter = false;

	while (from > 0 && nl - from < JOINT_REACH && goes_on(s->p[from - 1]))
		from--;
	while (to < s->n && to - nl < JOINT_REACH && goes_on(s->p[to]))
		to++;
	for (size_t i = from; i < to; i++) {
		digit |= s->p[i] >= '0' && s->p[i] <= '9';
		letter |= (s->p[i] | 0x20) >= 'a' && (s->p[i] | 0x20) <= 'z';
	}
	return from < nl && to > nl + 1 && letter && (width == TERMINAL || (digit && to - from > JOINT_MIN));
}

/* The line that ends at nl was broken there for its length, not longer than the lines beside it. */
static bool
is_broken(const struct sieve *s, size_t nl, size_t *widthp)
{
	size_t start = line_start(s, nl, WIDTH_MAX + 1), width = nl - start, next = nl + 1, after;

	if (width < WIDTH_MIN || width > WIDTH_MAX || next >= s->n || !is_joint(s, nl, width))
		return false;
	*widthp = width;
	if (start > 0 && start - 1 - line_start(s, start - 1, WIDTH_MAX + 1) == width)
		return true;
	after = s->n - next > width ? next + width : s->n;
	if (memchr(s->p + next, '\n', after - next) == NULL && after < s->n)
		return s->p[after] == '\n';
	return is_usual_width(width);
}

/* The line that ends at nl, with all that it was broken into; returns where that ends. */
static size_t
take_joined(const struct sieve *s, size_t nl, size_t width, size_t done, struct layer *out)
{
	size_t from = nl - done > SS_AROUND ? nl - SS_AROUND : done, end;

	layer_break(out, from);
	layer_copy(out, s->p + from, nl - from, from);
	for (;;) {
		end = line_end(s, nl + 1);
		if (end - nl - 1 > width)
			end = nl + 1 + width;
		layer_copy(out, s->p + nl + 1, end - nl - 1, nl + 1);
		if (end - nl - 1 != width || end + 1 >= s->n || s->p[end] != '\n' || !goes_on(s->p[end + 1]))
			return end;
		nl = end;
	}
}

void
decode_wrap(const struct sieve *s, struct layer *out)
{
	size_t done = 0, width;

	for (size_t i = 0; i < s->nplaces && out->error == 0; i++) {
		size_t nl = s->places[i].at;

		if ((s->places[i].kinds & SIEVE_JOINT) != 0 && nl >= done && is_broken(s, nl, &width) &&
		    sieve_counts(s, nl - 1, nl + 2))
			done = take_joined(s, nl, width, done, out);
	}
}
