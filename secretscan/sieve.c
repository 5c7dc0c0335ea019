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

#define WORD_BLOCK	128	/* bytes of which it is asked in vectors whether there is a word */

/* [A-Za-z0-9+/=_-] */
static const uint8_t is_word_byte[256] = {
	['+'] = 1, ['-'] = 1, ['/'] = 1, ['='] = 1, ['_'] = 1,
	['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

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
maybe_word(const uint8_t *p)
{
	bytes16 all = (load(p) > '*') & (load(p + 4) > '*') & (load(p + 8) > '*') & (load(p + 12) > '*');

	return (words16)all == -1;
}

static inline bytes16
word_bytes(const uint8_t *p)
{
	bytes16 v = load(p);

	return (bytes16)((ubytes16)((v | 0x20) - 'a') < 26) | (bytes16)((ubytes16)(v - '0') < 10) | (v == '+') | (v == '/') |
	    (v == '=') | (v == '_') | (v == '-');
}

/* The same of WORD_BLOCK bytes, exactly. */
static bool
has_long_word(const uint8_t *p)
{
	uint8_t is_word[WORD_BLOCK + AHEAD];
	words16 word = { 0 };

	for (size_t i = 0; i < sizeof(is_word); i += LANE) {
		bytes16 v = word_bytes(p + i);

		memcpy(is_word + i, &v, sizeof(v));
	}
	for (size_t i = 0; i < WORD_BLOCK; i += LANE) {
		bytes16 all = load(is_word + i) & load(is_word + i + 4) & load(is_word + i + 8) & load(is_word + i + 12);

		word |= (words16)all == -1;
	}
	return any((bytes16)word);
}

/* The signs of SIEVE_BLOCK bytes, of which AHEAD more may be read; bit i of *wordsp: the i-th WORD_BLOCK has a long word. */
static uint8_t
sift(const uint8_t *p, uint8_t *wordsp)
{
	bytes16 backslash = { 0 }, percent = { 0 }, amp = { 0 }, control = { 0 }, high = { 0 }, plus = { 0 }, equals = { 0 };
	bytes16 joint = { 0 };

	for (size_t w = 0; w < SIEVE_BLOCK / WORD_BLOCK; w++) {
		words16 word = { 0 };

		for (size_t i = 0; i < WORD_BLOCK; i += LANE, p += LANE) {
			bytes16 v = load(p), next = load(p + 1);

			backslash |= v == '\\';
			percent |= v == '%';
			amp |= v == '&';
			control |= (bytes16)((ubytes16)v < 9) | (bytes16)((ubytes16)v - 14 < 18);
			high |= v;
			plus |= (v == '\n') & ((next == '+') | (next == '-'));
			equals |= (v == '=') & ((next == '\n') | (next == '\r') | (next == '3'));
			joint |= (v > ' ') & (next == '\n') & (load(p + 2) > ' ');
			word |= maybe_word(p);
		}
		if (any((bytes16)word) && has_long_word(p - WORD_BLOCK))
			*wordsp |= (uint8_t)(1 << w);
	}
	return (uint8_t)((any(backslash) ? SIEVE_BACKSLASH : 0) | (any(percent) ? SIEVE_PERCENT : 0) |
	    (any(amp) ? SIEVE_AMPERSAND : 0) | (any(control) ? SIEVE_CONTROL : 0) | (any(high < 0) ? SIEVE_HIGH : 0) |
	    (any(plus) ? SIEVE_PLUS_MINUS : 0) | (any(equals) ? SIEVE_EQUALS : 0) |
	    (any(joint) ? SIEVE_JOINT : 0));
}

static int
add_word(struct sieve *s, size_t start, size_t end)
{
	size_t cap = s->words_cap > 0 ? s->words_cap * 2 : 32;
	struct sieve_word *grown;

	if (s->nwords == s->words_cap) {
		if ((grown = reallocarray(s->words, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		s->words = grown;
		s->words_cap = cap;
	}
	s->words[s->nwords++] = (struct sieve_word){ start, end };
	return 0;
}

/* The words that begin in [at, end), or began before and were not seen yet: looked for from their last byte back. */
static int
add_words(struct sieve *s, size_t at, size_t end)
{
	const uint8_t *p = s->p;
	int e;

	while (at < end && s->n - at >= SIEVE_WORD) {
		size_t least = s->nwords > 0 ? s->words[s->nwords - 1].end : 0, start = at, stop, back = at + SIEVE_WORD;

		while (back > at && is_word_byte[p[back - 1]])
			back--;
		if (back > at) {
			at = back;
			continue;
		}
		while (start > least && is_word_byte[p[start - 1]])
			start--;
		for (stop = at + SIEVE_WORD; stop < s->n && is_word_byte[p[stop]]; stop++)
			;
		if ((e = add_word(s, start, stop)) != 0)
			return e;
		at = stop;
	}
	return 0;
}

static int
sift_all(struct sieve *s)
{
	uint8_t rest[SIEVE_BLOCK + AHEAD], words;
	int e = 0;

	for (size_t at = 0; at < s->n && e == 0; at += SIEVE_BLOCK) {
		size_t left = s->n - at;
		const uint8_t *p = s->p + at;

		if (left < sizeof(rest)) {
			memset(rest, ' ', sizeof(rest));
			memcpy(rest, p, left);
			p = rest;
		}
		words = 0;
		s->blocks[at / SIEVE_BLOCK] = sift(p, &words);
		s->signs |= s->blocks[at / SIEVE_BLOCK];
		for (size_t from = at; words != 0 && e == 0; words >>= 1, from += WORD_BLOCK) {
			size_t seen = s->nwords > 0 ? s->words[s->nwords - 1].end : 0;

			if ((words & 1) != 0)
				e = add_words(s, from > seen ? from : seen, from + WORD_BLOCK);
		}
	}
	return e;
}

int
sieve_init(struct sieve *s, const uint8_t *p, size_t n)
{
	int e;

	*s = (struct sieve){ .p = p, .n = n };
	if (n == 0)
		return 0;
	if ((s->blocks = calloc(n / SIEVE_BLOCK + 1, sizeof(*s->blocks))) == NULL)
		return SECRETSCAN_NOMEM;
	if ((e = sift_all(s)) != 0) {
		sieve_release(s);
		return e;
	}
	/* The first line has no line feed before it. */
	if (p[0] == '+' || p[0] == '-') {
		s->blocks[0] |= SIEVE_PLUS_MINUS;
		s->signs |= SIEVE_PLUS_MINUS;
	}
	return 0;
}

void
sieve_release(struct sieve *s)
{
	free(s->blocks);
	free(s->words);
	*s = (struct sieve){ 0 };
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
	while (at < s->n && (s->blocks[at / SIEVE_BLOCK] & sign) == 0)
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
