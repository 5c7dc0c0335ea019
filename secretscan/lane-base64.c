/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648, either alphabet, padded or not, wrapped) in a stream. Long words are everywhere, so a run of digits
 * counts only if its first SURE digits say text. It is decoded while it comes, digit by digit; one that is shorter so far is
 * decoded at the end of each piece, only to know what to hold.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/lane.h"
#include "secretscan/limits.h"

#define SURE		16	/* digits */
#define SAY		3	/* fewer, at the end of what is known, are before anything that could be held */
#define GAP_MAX		64	/* bytes between two lines: their end, an indent */
#define CHUNK		64
#define WIDTH		32

typedef int8_t bytes16 __attribute__((vector_size(16)));
typedef int8_t bytes32 __attribute__((vector_size(WIDTH)));
typedef uint8_t ubytes32 __attribute__((vector_size(WIDTH)));
typedef unsigned __int128 bits128;

/* Compiled for the processors with wide vectors as well, and chosen when the program starts. */
#if defined(__x86_64__)
#define WIDE	__attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif
#define INLINE	static inline __attribute__((always_inline))
/* An expression, not a function: how vectors are passed hangs on the processor. */
#define BETWEEN(v, low, high)	((bytes32)((ubytes32)(v) - (uint8_t)(low) <= (uint8_t)((high) - (low))))

/* A digit's value, or -1. */
static inline int
value_of(uint8_t c)
{
	return decode_base64_values[c] - 1;
}

void
base64_init(struct base64 *b, const struct secretscan *ss, secretscan_fn fn, void *arg)
{
	*b = (struct base64){ .hold = LANE_FREE };
	lane_init(&b->lane, ss, "base64", fn, arg);
}

/* The first digits of a run say text, as far as they go. */
static bool
is_text(const uint8_t *p, size_t n)
{
	uint32_t acc = 0;

	for (size_t i = 0; i < n && i < SURE; i++) {
		acc = acc << 6 | (uint32_t)value_of(p[i]);
		/* The byte that ends in this digit: 6, 4 and 2 of its bits are of later ones. */
		if (i % 4 != 0 && !decode_is_text((uint8_t)(acc >> (6 - 2 * (i % 4)))))
			return false;
	}
	return true;
}

bool
base64_is_digit(uint8_t c)
{
	return value_of(c) >= 0;
}

/* A bit for each byte that is -1, of bytes that are 0 or -1. */
INLINE uint64_t
bits(const bytes32 *v)
{
	bytes16 half[2];
	uint64_t r = 0;

	memcpy(half, v, sizeof(half));
#ifdef __SSE2__
	r = (uint32_t)__builtin_ia32_pmovmskb128((char __attribute__((vector_size(16))))half[0]);
	r |= (uint64_t)(uint32_t)__builtin_ia32_pmovmskb128((char __attribute__((vector_size(16))))half[1]) << 16;
#else
	for (size_t i = 0; i < WIDTH; i++)
		r |= (uint64_t)(half[i / 16][i % 16] & 1) << i;
#endif
	return r;
}

/* Of the CHUNK bytes at p: the digits. */
INLINE uint64_t
digit_bits(const uint8_t *p)
{
	uint64_t r = 0;

	for (size_t i = 0; i < CHUNK; i += WIDTH) {
		bytes32 v, low, is;

		memcpy(&v, p + i, sizeof(v));
		low = v | 0x20;
		is = BETWEEN(low, 'a', 'z') | BETWEEN(v, '/', '9') | (bytes32)(v == '+') | (bytes32)(v == '-') | (bytes32)(v == '_');
		r |= bits(&is) << i;
	}
	return r;
}

/* The digits that four digits of text begin with. */
INLINE uint64_t
first_bits(const uint8_t *p)
{
	uint64_t r = 0;

	for (size_t i = 0; i < CHUNK; i += WIDTH) {
		bytes32 v, is;

		memcpy(&v, p + i, sizeof(v));
		is = BETWEEN(v, 'A', 'Z') | BETWEEN(v, 'a', 'f');
		r |= bits(&is) << i;
	}
	return r;
}

/* A bit for each place of the first CHUNK where SURE bits begin. */
INLINE uint64_t
runs(uint64_t r, uint64_t after)
{
	bits128 b = (bits128)after << CHUNK | r;

	for (unsigned k = 1; k < SURE; k *= 2)
		b &= b >> k;
	return (uint64_t)b;
}

/* As digit_bits, and some bytes too many: asked of every byte of a stream. */
INLINE uint64_t
likely_bits(const uint8_t *p)
{
	uint64_t r = 0;

	for (size_t i = 0; i < CHUNK; i += WIDTH) {
		bytes32 v, is;

		memcpy(&v, p + i, sizeof(v));
		is = BETWEEN(v | 0x20, 'a', 'z' + 5) | BETWEEN(v, '+', '9');	/* '_' | 0x20 is 'z' + 5 */
		r |= bits(&is) << i;
	}
	return r;
}

/* Where among the CHUNK bytes at p, which another CHUNK follows, such a run begins; CHUNK for nowhere. */
INLINE size_t
run_in_chunk(const uint8_t *p, bool goes_on)
{
	uint64_t digits = digit_bits(p), begin = runs(digits, digit_bits(p + CHUNK)) & ~(digits << 1 | goes_on);
	bits128 first;

	if (begin == 0)
		return CHUNK;
	first = (bits128)first_bits(p + CHUNK) << CHUNK | first_bits(p);
	begin &= (uint64_t)(first & first >> 4 & first >> 8 & first >> 12);
	return begin == 0 ? CHUNK : (size_t)__builtin_ctzll(begin);
}

/* Where a run of SURE digits begins that could say text, at or after `at`, or so far as whole chunks go. */
WIDE static size_t
next_run(const uint8_t *p, size_t n, size_t at)
{
	uint64_t likely, after;
	size_t from = at, k;

	if (n - at < 2 * CHUNK)
		return at;
	for (likely = likely_bits(p + at); n - at >= 2 * CHUNK; at += CHUNK) {
		after = likely_bits(p + at + CHUNK);
		if (likely != 0 && runs(likely, after) != 0 &&
		    (k = run_in_chunk(p + at, at > from && value_of(p[at - 1]) >= 0)) < CHUNK)
			return at + k;
		likely = after;
	}
	return at;
}

size_t
base64_find(const uint8_t *p, size_t n, size_t at, size_t *endp)
{
	size_t from = at, start, end;

	while (at < n) {
		start = next_run(p, n, at);
		/* In the middle of one that was looked at. */
		while (start > from && start < n && value_of(p[start]) >= 0 && value_of(p[start - 1]) >= 0)
			start++;
		for (end = start; end < n && value_of(p[end]) >= 0; end++)
			;
		if (end > start && (end - start >= SURE || (end == n && end - start >= SAY)) && is_text(p + start, end - start)) {
			*endp = end;
			return start;
		}
		at = end < n ? end + 1 : n;
	}
	*endp = n;
	return n;
}

/* False: the run does not go on with this. */
static bool
read_digit(struct base64 *b, uint8_t c, uint64_t pos)
{
	int v = value_of(c);

	if (v < 0) {
		if (b->ndigits > 0 || b->gap == GAP_MAX || (c != '\r' && c != '\n' && (b->gap == 0 || (c != ' ' && c != '\t'))))
			return false;
		b->gap++;
		return true;
	}
	b->gap = 0;
	b->acc = b->acc << 6 | (uint32_t)v;
	/* A byte begins with the digit that makes it known, as those before may be out already. */
	if (b->ndigits == 0)
		b->first = pos;
	else
		lane_put(&b->lane, (uint8_t)(b->acc >> (6 - 2 * b->ndigits)), b->ndigits == 1 ? b->first : pos, pos + 1);
	b->ndigits = (b->ndigits + 1) % 4;
	return true;
}

/* The text before is that of the key. */
static int
open_at(struct base64 *b, const struct lane_view *v, size_t at)
{
	size_t around = at < SS_AROUND ? at : SS_AROUND;

	lane_open(&b->lane);
	lane_copy(&b->lane, v->p + at - around, around, v->base + at - around);
	b->ndigits = b->gap = 0;
	return lane_catch_up(&b->lane);
}

static uint64_t
hold_of(const struct base64 *b)
{
	uint64_t hold = lane_hold(&b->lane);

	if (hold == LANE_FREE && b->lane.open && b->ndigits == 1 && !lane_is_idle(&b->lane))
		return b->first;
	return hold;
}

/* A run that is too short to count, at the end of what is known: what would be held if it went on? */
static int
look_ahead(struct base64 *b, const struct lane_view *v, size_t at)
{
	int e = open_at(b, v, at);

	for (; at < v->n; at++)
		(void)read_digit(b, v->p[at], v->base + at);
	if (e == 0)
		e = lane_catch_up(&b->lane);
	if (e == 0)
		b->hold = hold_of(b);
	lane_shut(&b->lane);
	return e;
}

/* Where the run begins that goes on at `at`; where it ends if it was looked at before. */
static size_t
run_start(const struct lane_view *v, size_t at)
{
	size_t start = at;

	while (start > 0 && at - start < SURE && value_of(v->p[start - 1]) >= 0)
		start--;
	if (at - start < SURE)
		return start;
	while (at < v->n && value_of(v->p[at]) >= 0)
		at++;
	return at;
}

int
base64_feed(struct base64 *b, const struct lane_view *v)
{
	size_t at = v->n - v->fresh, end;
	int e;

	b->hold = LANE_FREE;
	if (!b->lane.open)
		at = run_start(v, at);
	while (at < v->n) {
		if (!b->lane.open) {
			at = base64_find(v->p, v->n, at, &end);
			if (at < v->n && end - at < SURE)
				return look_ahead(b, v, at);
			if (at < v->n && (e = open_at(b, v, at)) != 0)
				return e;
		}
		for (; at < v->n && read_digit(b, v->p[at], v->base + at); at++)
			;
		if (at < v->n && (e = base64_end(b)) != 0)
			return e;
	}
	if (!b->lane.open)
		return 0;
	e = lane_settle(&b->lane, false);
	b->hold = hold_of(b);
	return e;
}

int
base64_end(struct base64 *b)
{
	int e = b->lane.open ? lane_settle(&b->lane, true) : 0;

	b->hold = LANE_FREE;
	lane_shut(&b->lane);
	return e;
}

bool
base64_may_flush(const struct base64 *b, size_t most)
{
	return b->hold == LANE_FREE || lane_may_flush(&b->lane, most);
}
