/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes written in digits: base64 (RFC 4648, either alphabet, padded or not) and hexadecimal, also wrapped over lines.
 * Long words are everywhere, so a word counts only where some groups in a row say text. Where one begins is not always
 * known (`files/Z2hw..`): reading starts anew after each character that could be a separator.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/layer.h"
#include "secretscan/limits.h"
#include "secretscan/marks.h"

#define WRAP_MIN	32	/* a line that is broken for its length has so many */
#define INDENT_MAX	64
#define LONG_RUN	64	/* digits */
#define GROUP_MAX	4	/* digits */
#define LEAST64		4	/* groups of text in a row */
#define LEAST16		12
#define PENDING_MAX	12	/* groups */
#define MANY		288	/* bytes that are read at once: whole groups of either kind */
#define INLINE		static inline __attribute__((always_inline))

struct digits {
	unsigned			 kind;		/* of the places where they begin */
	const uint8_t			*values;
	const struct marks_class	*class;		/* the bytes that have one */
	unsigned			 bits;		/* of a digit */
	size_t				 in, out;	/* digits and bytes of a group */
	size_t				 least;		/* groups of text in a row */
};

struct group {
	size_t	pos[GROUP_MAX];
	uint8_t	byte[GROUP_MAX];
	size_t	n;		/* digits that there are; fewer than a group has at the end */
};

/* Reading digit by digit. */
struct reader {
	const struct digits	*digits;
	const struct sieve	*s;
	size_t			 at, end;	/* in this line */
	size_t			 width;		/* of the first line */
};

/* A digit is its value and one; 0 is no digit. */
const uint8_t decode_base64_values[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 63, 0, 63, 0, 64,
	53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0, 0, 0, 0, 0, 0,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 0, 0, 0, 0, 64,
	0, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 0, 0, 0, 0, 0,
};
static const uint8_t hex_values[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0, 0,
	0, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

static const struct digits base64 = { SIEVE_BASE64, decode_base64_values, &marks_digit64, 6, 4, 3, LEAST64 };
static const struct digits hex = { SIEVE_HEX, hex_values, &marks_digit16, 4, 2, 1, LEAST16 };

/* Bytes that text is made of, as decode_is_text says. Zeros too: it may be UTF-16. */
static const bool texts[256] = {
	[0] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true,
#define SEVEN(c)	[c] = true, [c + 1] = true, [c + 2] = true, [c + 3] = true, [c + 4] = true, [c + 5] = true, \
			[c + 6] = true
	SEVEN(0x20), [0x27] = true, SEVEN(0x28), [0x2f] = true, SEVEN(0x30), [0x37] = true, SEVEN(0x38), [0x3f] = true,
	SEVEN(0x40), [0x47] = true, SEVEN(0x48), [0x4f] = true, SEVEN(0x50), [0x57] = true, SEVEN(0x58), [0x5f] = true,
	SEVEN(0x60), [0x67] = true, SEVEN(0x68), [0x6f] = true, SEVEN(0x70), [0x77] = true, SEVEN(0x78),
};

static size_t
skip_set(const struct sieve *s, size_t at, const char *set, size_t most)
{
	for (size_t i = 0; i < most && at < s->n && s->p[at] != '\0' && strchr(set, s->p[at]) != NULL; i++)
		at++;
	return at;
}

static size_t
run_end(const struct digits *d, const struct sieve *s, size_t at)
{
	return at + marks_find(d->class, false, s->p + at, s->n - at);
}

/* To the next line, if this one was broken for its length; also inside literals that are put together. */
static bool
next_line(struct reader *r)
{
	const struct sieve *s = r->s;
	size_t at, end;

	if (r->width < WRAP_MIN)
		return false;
	at = skip_set(s, r->end, " \t\"'`+,\\\r", 8);
	if (at >= s->n || s->p[at] != '\n')
		return false;
	at = skip_set(s, at + 1, " \t\"'`>|*#", INDENT_MAX);
	end = run_end(r->digits, s, at);
	if (end == at || end - at > r->width || s->p[at] == '-')
		return false;
	if (end < s->n && (s->p[end] == '\0' || strchr("\r\n\"'`=<,\\);", s->p[end]) == NULL))
		return false;
	r->at = at;
	r->end = end;
	return true;
}

static void
set_bytes(const struct digits *d, struct group *g, uint32_t acc)
{
	for (size_t i = 0; i < d->out; i++)
		g->byte[i] = (uint8_t)(acc >> (8 * (d->out - 1 - i)));
}

/* The next group; false when there is not a digit more. */
static bool
next_group(struct reader *r, struct group *g)
{
	const struct digits *d = r->digits;
	uint32_t acc = 0;

	g->n = 0;
	while (g->n < d->in && (r->at < r->end || next_line(r))) {
		acc = acc << d->bits | (uint32_t)(d->values[r->s->p[r->at]] - 1);
		g->pos[g->n++] = r->at++;
	}
	set_bytes(d, g, acc << d->bits * (d->in - g->n));
	return g->n > 0;
}

/* Whole bytes of a group. */
static size_t
group_bytes(const struct digits *d, const struct group *g)
{
	return g->n * d->bits / 8;
}

static bool
is_text(const struct digits *d, const struct group *g)
{
	for (size_t i = 0; i < group_bytes(d, g); i++) {
		if (!texts[g->byte[i]])
			return false;
	}
	return true;
}

/* Of so many groups at least half are characters. */
static bool
are_text(const struct digits *d, const struct group *g, size_t n)
{
	size_t zeros = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < group_bytes(d, &g[i]); k++)
			zeros += g[i].byte[k] == 0;
	}
	return zeros * 2 <= n * d->out;
}

static void
put_group(const struct digits *d, const struct group *g, struct layer *out)
{
	if (g->n == d->in && g->pos[d->in - 1] - g->pos[0] == d->in - 1) {
		layer_put(out, g->byte, d->out, g->pos[0], d->in);
		return;
	}
	/* A line ends in it, or it is not whole: each byte from its first digit to its last. */
	for (size_t i = 0; i < group_bytes(d, g); i++) {
		size_t first = i * 8 / d->bits, last = (i * 8 + 7) / d->bits;

		layer_put(out, &g->byte[i], 1, g->pos[first], g->pos[last] + 1 - g->pos[first]);
	}
}

/* The bytes of a whole group; false: not all of them are text. Of constant shape, or this is a loop. */
INLINE bool
whole_group(const uint8_t *values, unsigned bits, size_t in, size_t out, const uint8_t *p, uint8_t *to)
{
	uint32_t acc = 0;
	bool text = true;

#pragma GCC unroll 4
	for (size_t k = 0; k < in; k++)
		acc = acc << bits | (uint32_t)(values[p[k]] - 1);
#pragma GCC unroll 3
	for (size_t k = 0; k < out; k++) {
		to[k] = (uint8_t)(acc >> (8 * (out - 1 - k)));
		text &= texts[to[k]];
	}
	return text;
}

/* As many whole groups of text as there are, up to `most` bytes of them; returns how many bytes. */
INLINE size_t
read_text(const uint8_t *values, unsigned bits, size_t in, size_t out, struct reader *r, uint8_t *to, size_t most)
{
	const uint8_t *p = r->s->p;
	size_t n = 0;

	for (; most - n >= out && r->end - r->at >= in && whole_group(values, bits, in, out, p + r->at, to + n); n += out)
		r->at += in;
	return n;
}

INLINE void
skip_noise(const uint8_t *values, unsigned bits, size_t in, size_t out, struct reader *r)
{
	const uint8_t *p = r->s->p;
	uint8_t bytes[GROUP_MAX];

	while (r->end - r->at >= in && !whole_group(values, bits, in, out, p + r->at, bytes))
		r->at += in;
}

/* Whole groups of text in this line, many at once, up to the first one that is none. */
static void
put_groups(struct reader *r, struct layer *out)
{
	const struct digits *d = r->digits;
	uint8_t bytes[MANY];
	size_t start, n = sizeof(bytes);

	while (n == sizeof(bytes) && out->error == 0) {
		start = r->at;
		n = d == &base64 ? read_text(decode_base64_values, 6, 4, 3, r, bytes, sizeof(bytes)) :
		    read_text(hex_values, 4, 2, 1, r, bytes, sizeof(bytes));
		layer_put_groups(out, bytes, n, start, d->out, d->in);
	}
}

/* Pass over whole groups in this line that are no text. */
static void
skip_groups(struct reader *r)
{
	if (r->digits == &base64)
		skip_noise(decode_base64_values, 6, 4, 3, r);
	else
		skip_noise(hex_values, 4, 2, 1, r);
}

/* All text among the groups from here on; true if there was any. *donep: up to where the plain text was used up. */
static bool
read_groups(struct reader *r, size_t *donep, struct layer *out)
{
	const struct digits *d = r->digits;
	size_t start = r->at, npending = 0, from = start - *donep > SS_AROUND ? start - SS_AROUND : *donep, end;
	struct group pending[PENDING_MAX], g;
	bool open = false, any = false;

	while (out->error == 0 && next_group(r, &g)) {
		if (!is_text(d, &g)) {
			open = false;
			npending = 0;
			skip_groups(r);
		} else if (open) {
			put_group(d, &g, out);
			put_groups(r, out);
		} else {
			pending[npending++] = g;
			if (npending < d->least)
				continue;
			if (!are_text(d, pending, npending)) {
				memmove(pending, pending + 1, --npending * sizeof(*pending));
				continue;
			}
			layer_break(out, from);
			if (pending[0].pos[0] == start)
				layer_copy(out, r->s->p + from, start - from, from);
			for (size_t i = 0; i < npending; i++)
				put_group(d, &pending[i], out);
			open = any = true;
		}
	}
	if (!open)
		return any;
	*donep = skip_set(r->s, r->end, "=", 2);
	end = skip_set(r->s, *donep, "\"'`\\,;)}] \t", 4);
	layer_copy(out, r->s->p + *donep, end - *donep, *donep);
	return true;
}

/* So many groups begin here, of text. */
INLINE bool
are_groups(const uint8_t *values, unsigned bits, size_t in, size_t out, size_t least, const uint8_t *p)
{
	uint8_t bytes[PENDING_MAX * GROUP_MAX];
	size_t zeros = 0;

	for (size_t i = 0; i < least; i++) {
		for (size_t k = 0; k < in; k++) {
			if (values[p[i * in + k]] == 0)
				return false;
		}
		if (!whole_group(values, bits, in, out, p + i * in, bytes + i * out))
			return false;
	}
	for (size_t i = 0; i < least * out; i++)
		zeros += bytes[i] == 0;
	return zeros * 2 <= least * out;
}

/* The first groups from here on, in one line, are text. Nearly all others are refused at the first one. */
static bool
begins_text(const struct digits *d, const struct sieve *s, size_t at)
{
	if (s->n - at < d->least * d->in)
		return false;
	return d == &base64 ? are_groups(decode_base64_values, 6, 4, 3, LEAST64, s->p + at) :
	    are_groups(hex_values, 4, 2, 1, LEAST16, s->p + at);
}

static bool
read_from(const struct digits *d, const struct sieve *s, size_t at, size_t *endp, size_t *donep, struct layer *out)
{
	struct reader r = { d, s, at, *endp, *endp - at };
	bool found = read_groups(&r, donep, out);

	*endp = r.end;
	return found;
}

/*
 * Text begins where the sieve says that it may; in a long run also after other bytes, so that one is read from its own
 * beginning.
 */
static void
decode_digits(const struct digits *d, const struct sieve *s, struct layer *out)
{
	size_t done = 0, seen = 0, long_seen = 0, start, end;

	for (size_t i = 0; i < s->nplaces && out->error == 0; i++) {
		const struct sieve_place *place = &s->places[i];

		start = place->at;
		if ((place->kinds & SIEVE_LONG) != 0 && start >= long_seen && start >= seen) {
			while (start > seen && d->values[s->p[start - 1]] != 0)
				start--;
			end = run_end(d, s, start);
			if (end - start >= LONG_RUN && sieve_counts(s, start, end) &&
			    read_from(d, s, start, &end, &done, out))
				seen = end;
			long_seen = end;
		}
		start = place->at;
		if ((place->kinds & d->kind) == 0 || start < seen || !begins_text(d, s, start))
			continue;
		end = run_end(d, s, start);
		if (sieve_counts(s, start, end) && read_from(d, s, start, &end, &done, out))
			seen = end;
	}
}

void
decode_base64(const struct sieve *s, struct layer *out)
{
	decode_digits(&base64, s, out);
}

void
decode_hex(const struct sieve *s, struct layer *out)
{
	decode_digits(&hex, s, out);
}

static struct reader
blob_reader(const struct digits *d, const struct sieve *s, size_t start)
{
	size_t end = run_end(d, s, start);

	return (struct reader){ d, s, start, end, end - start };
}

bool
decode_blob_find(const struct sieve *s, size_t *placep, struct decode_blob *b)
{
	while (*placep < s->nplaces) {
		const struct sieve_place *place = &s->places[(*placep)++];
		struct reader r;
		struct group g;

		if ((place->kinds & SIEVE_BLOB) == 0)
			continue;
		b->is_hex = (place->kinds & SIEVE_HEX) != 0;
		r = blob_reader(b->is_hex ? &hex : &base64, s, place->at);
		while (next_group(&r, &g))
			;
		while (*placep < s->nplaces && s->places[*placep].at < r.end)
			++*placep;
		if (r.end - place->at < LONG_RUN || !sieve_counts(s, place->at, r.end))
			continue;
		b->start = place->at;
		b->end = r.end;
		return true;
	}
	return false;
}

void
decode_blob(const struct sieve *s, const struct decode_blob *b, struct layer *out)
{
	const struct digits *d = b->is_hex ? &hex : &base64;
	struct reader r = blob_reader(d, s, b->start);
	struct group g;

	while (out->error == 0 && r.at < b->end && next_group(&r, &g))
		put_group(d, &g, out);
}
