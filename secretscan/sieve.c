/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of the compiler, not of one processor: it makes of them what there is. A word of 20 bytes covers four whole
 * groups of four bytes somewhere, so looking at groups that are in line finds it.
 */
#include "secretscan/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/layer.h"
#include "secretscan/secretscan.h"

#define LANE		16
#define AHEAD		16	/* bytes after a block that are looked at as well */

typedef int8_t bytes16 __attribute__((vector_size(LANE)));
typedef uint8_t ubytes16 __attribute__((vector_size(LANE)));
typedef int32_t words16 __attribute__((vector_size(LANE)));

/* [A-Za-z0-9+/=_-] */
static const uint32_t word_set[8] = { 0, 0x23ffa800, 0x87fffffe, 0x07fffffe };

static inline bool
is_word_byte(uint8_t c)
{
	return (word_set[c >> 5] >> (c & 31)) & 1;
}

static inline bytes16
load(const uint8_t *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool
any(bytes16 v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] | half[1]) != 0;
}

/* Four groups of four bytes in a row, each byte beyond '*': where a long word is, and where others are, too. */
static inline words16
long_word(const uint8_t *p)
{
	bytes16 all = (load(p) > '*') & (load(p + 4) > '*') & (load(p + 8) > '*') & (load(p + 12) > '*');

	return (words16)all == -1;
}

/* SIEVE_BLOCK bytes, and AHEAD more that may be read. */
static void
sift(const uint8_t *p, struct sieve_block *b)
{
	bytes16 backslash = { 0 }, percent = { 0 }, amp = { 0 }, control = { 0 }, high = { 0 }, plus = { 0 }, equals = { 0 };

	for (size_t w = 0; w < SIEVE_BLOCK / SIEVE_WORD_BLOCK; w++) {
		words16 word = { 0 };

		for (size_t i = 0; i < SIEVE_WORD_BLOCK; i += LANE, p += LANE) {
			bytes16 v = load(p), next = load(p + 1);

			backslash |= v == '\\';
			percent |= v == '%';
			amp |= v == '&';
			control |= (bytes16)((ubytes16)v < 9) | (bytes16)((ubytes16)v - 14 < 18);
			high |= v;
			plus |= (v == '\n') & ((next == '+') | (next == '-'));
			equals |= (v == '=') & ((next == '\n') | (next == '\r') | (next == '3'));
			word |= long_word(p);
		}
		if (any((bytes16)word))
			b->words |= (uint8_t)(1 << w);
	}
	b->signs = (uint8_t)((any(backslash) ? SIEVE_BACKSLASH : 0) | (any(percent) ? SIEVE_PERCENT : 0) |
	    (any(amp) ? SIEVE_AMPERSAND : 0) | (any(control) ? SIEVE_CONTROL : 0) | (any(high < 0) ? SIEVE_HIGH : 0) |
	    (any(plus) ? SIEVE_PLUS_MINUS : 0) | (any(equals) ? SIEVE_EQUALS : 0));
}

int
sieve_init(struct sieve *s, const uint8_t *p, size_t n)
{
	size_t nblocks = (n + SIEVE_BLOCK - 1) / SIEVE_BLOCK;
	uint8_t rest[SIEVE_BLOCK + AHEAD];

	*s = (struct sieve){ .p = p, .n = n };
	if (n == 0)
		return 0;
	if ((s->blocks = calloc(nblocks, sizeof(*s->blocks))) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < nblocks; i++) {
		size_t at = i * SIEVE_BLOCK, left = n - at;

		if (left >= SIEVE_BLOCK + AHEAD)
			sift(p + at, &s->blocks[i]);
		else {
			memset(rest, ' ', sizeof(rest));
			memcpy(rest, p + at, left < sizeof(rest) ? left : sizeof(rest));
			sift(rest, &s->blocks[i]);
		}
		s->signs |= s->blocks[i].signs;
		s->words |= s->blocks[i].words;
	}
	/* The first line has no line feed before it. */
	if (p[0] == '+' || p[0] == '-') {
		s->blocks[0].signs |= SIEVE_PLUS_MINUS;
		s->signs |= SIEVE_PLUS_MINUS;
	}
	return 0;
}

void
sieve_release(struct sieve *s)
{
	free(s->blocks);
	s->blocks = NULL;
}

size_t
sieve_block_end(const struct sieve *s, size_t at)
{
	size_t end = (at / SIEVE_BLOCK + 1) * SIEVE_BLOCK;

	return end < s->n ? end : s->n;
}

size_t
sieve_next(const struct sieve *s, enum sieve_sign sign, size_t at)
{
	if ((s->signs & sign) == 0)
		return s->n;
	while (at < s->n && (s->blocks[at / SIEVE_BLOCK].signs & sign) == 0)
		at = sieve_block_end(s, at);
	return at;
}

size_t
sieve_find(const struct sieve *s, enum sieve_sign sign, uint8_t c, size_t at)
{
	const uint8_t *hit;

	for (at = sieve_next(s, sign, at); at < s->n; at = sieve_next(s, sign, sieve_block_end(s, at))) {
		if ((hit = memchr(s->p + at, c, sieve_block_end(s, at) - at)) != NULL)
			return (size_t)(hit - s->p);
	}
	return s->n;
}

bool
sieve_counts(const struct sieve *s, size_t start, size_t end)
{
	size_t in_start, in_end;

	return s->fresh == NULL || layer_map(s->fresh, start, end, &in_start, &in_end);
}

static bool
has_word(const struct sieve *s, size_t at)
{
	return (s->blocks[at / SIEVE_BLOCK].words >> at % SIEVE_BLOCK / SIEVE_WORD_BLOCK) & 1;
}

int
sieve_word(const struct sieve *s, size_t at, size_t least, size_t *startp, size_t *endp)
{
	size_t from = at;

	while (at < s->n) {
		size_t end = (at / SIEVE_WORD_BLOCK + 1) * SIEVE_WORD_BLOCK, start, stop;

		if (!has_word(s, at)) {
			at = end;
			continue;
		}
		while (at < end && at < s->n) {
			if (!is_word_byte(s->p[at])) {
				at++;
				continue;
			}
			for (start = at; start > from && is_word_byte(s->p[start - 1]); start--)
				;
			for (stop = at + 1; stop < s->n && is_word_byte(s->p[stop]); stop++)
				;
			if (stop - start >= least) {
				*startp = start;
				*endp = stop;
				return 1;
			}
			at = stop;
		}
	}
	return 0;
}
