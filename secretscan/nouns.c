/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asked about every long token of a text, so it has to be quick: the first three bytes of all nouns are compared at once
 * with 16 places, by the halves of each byte. Every noun sets the bit of its group in six tables; where the same bit is
 * left at the end, a noun may stand, and is then compared in full.
 */
#include "secretscan/nouns.h"

#include <string.h>
#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

#include "secretscan/limits.h"

/* Group from 0 to 7, three letters, the rest. */
#define NOUNS(X, n) \
	X(n, 0, 'k', 'e', 'y', "") \
	X(n, 1, 't', 'o', 'k', "en") \
	X(n, 2, 's', 'e', 'c', "ret") \
	X(n, 3, 'a', 'u', 't', "h") \
	X(n, 4, 'p', 'a', 's', "s") \
	X(n, 4, 'p', 'a', 't', "") \
	X(n, 5, 'p', 'w', 'd', "") \
	X(n, 6, 'c', 'r', 'e', "d") \
	X(n, 6, 'c', 'l', 'i', "ent") \
	X(n, 7, 'a', 'p', 'i', "") \
	X(n, 3, 'a', 'c', 'c', "ess") \
	X(n, 2, 's', 'i', 'd', "") \
	X(n, 1, 'b', 'e', 'a', "rer")

#define FIRST	3	/* letters that are given one by one */

static const struct noun {
	char	first[FIRST];
	char	rest[4];
} nouns[] = {
#define NOUN(n, group, a, b, c, rest)	{ { a, b, c }, rest },
	NOUNS(NOUN, 0)
};

static bool
is_noun(const uint8_t *low, size_t n)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		size_t rest = strlen(nouns[i].rest);

		if (n >= FIRST + rest && memcmp(low, nouns[i].first, FIRST) == 0 &&
		    memcmp(low + FIRST, nouns[i].rest, rest) == 0)
			return true;
	}
	return false;
}

#if defined(__x86_64__)
/* Vectorscan does not run without SSSE3, so this is never reached there. */
#define TARGET	__attribute__((target("ssse3")))

#define LOW(n, group, c)		| (((c) & 15) == (n)) << (group)
#define HIGH(n, group, c)		| ((c) >> 4 == (n)) << (group)
#define LOW_1(n, group, a, b, c, rest)	LOW(n, group, a)
#define LOW_2(n, group, a, b, c, rest)	LOW(n, group, b)
#define LOW_3(n, group, a, b, c, rest)	LOW(n, group, c)
#define HIGH_1(n, group, a, b, c, rest)	HIGH(n, group, a)
#define HIGH_2(n, group, a, b, c, rest)	HIGH(n, group, b)
#define HIGH_3(n, group, a, b, c, rest)	HIGH(n, group, c)
#define TABLE(X) { \
	0 NOUNS(X, 0), 0 NOUNS(X, 1), 0 NOUNS(X, 2), 0 NOUNS(X, 3), 0 NOUNS(X, 4), 0 NOUNS(X, 5), 0 NOUNS(X, 6), \
	0 NOUNS(X, 7), 0 NOUNS(X, 8), 0 NOUNS(X, 9), 0 NOUNS(X, 10), 0 NOUNS(X, 11), 0 NOUNS(X, 12), 0 NOUNS(X, 13), \
	0 NOUNS(X, 14), 0 NOUNS(X, 15) }

static const uint8_t by_low[FIRST][16] __attribute__((aligned(16))) = { TABLE(LOW_1), TABLE(LOW_2), TABLE(LOW_3) };
static const uint8_t by_high[FIRST][16] __attribute__((aligned(16))) = { TABLE(HIGH_1), TABLE(HIGH_2), TABLE(HIGH_3) };

/* The groups of which letter k may stand at each of 16 places. */
TARGET static inline __m128i
groups(const uint8_t *p, int k)
{
	__m128i low = _mm_load_si128((const __m128i *)(const void *)by_low[k]);
	__m128i high = _mm_load_si128((const __m128i *)(const void *)by_high[k]);
	__m128i half = _mm_set1_epi8(0x0f), c = _mm_loadu_si128((const __m128i *)(const void *)(p + k));

	return _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(c, half)),
	    _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(c, 4), half)));
}

/* Bit i: a noun may stand at p[i]. 18 bytes are read. */
TARGET static inline unsigned
candidates(const uint8_t *p)
{
	__m128i all = _mm_and_si128(_mm_and_si128(groups(p, 0), groups(p, 1)), groups(p, 2));

	return 0xffff ^ (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_setzero_si128()));
}
#else
#define TARGET

static inline unsigned
candidates(const uint8_t *p)
{
	(void)p;
	return 0xffff;
}
#endif

TARGET bool
nouns_within(const uint8_t *p, size_t n)
{
	uint8_t low[SS_CONTEXT + FIRST - 1] = { 0 };
	unsigned m;

	memcpy(low, p, n);
	for (size_t i = 0; i < SS_CONTEXT; i++)
		low[i] |= 0x20;
	for (size_t at = 0; at < SS_CONTEXT; at += 16) {
		for (m = candidates(low + at); m != 0; m &= m - 1) {
			size_t i = at + (unsigned)__builtin_ctz(m);

			if (i < n && is_noun(low + i, n - i))
				return true;
		}
	}
	return false;
}
