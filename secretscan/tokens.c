/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/tokens.h"

#include <string.h>
#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

#include "secretscan/limits.h"
#include "secretscan/rule.h"

#define BLOCK	64

const struct byteset tokens_set = { { 0, 0x23ffe800, 0x87fffffe, 0x47fffffe } };

#if defined(__x86_64__)
/* Vectorscan does not run without SSSE3, so this is never reached there. */
#define TARGET	__attribute__((target("ssse3")))

/* By halves of a byte: one bit for each upper half from 2 to 7. */
static const uint8_t by_low[16] = {
	0x2a, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3c, 0x15, 0x14, 0x17, 0x35, 0x1d
};
static const uint8_t by_high[16] = {
	0x00, 0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
};

TARGET static inline unsigned
mask16(const uint8_t *p)
{
	__m128i low = _mm_loadu_si128((const __m128i *)(const void *)by_low);
	__m128i high = _mm_loadu_si128((const __m128i *)(const void *)by_high);
	__m128i half = _mm_set1_epi8(0x0f), c = _mm_loadu_si128((const __m128i *)(const void *)p), in;

	in = _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(c, half)),
	    _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(c, 4), half)));
	return 0xffff ^ (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(in, _mm_setzero_si128()));
}
#else
#define TARGET

static inline unsigned
mask16(const uint8_t *p)
{
	unsigned m = 0;

	for (unsigned i = 0; i < 16; i++)
		m |= (unsigned)byteset_has(&tokens_set, p[i]) << i;
	return m;
}
#endif

/* Bit i: p[i] is a token byte. */
TARGET static inline uint64_t
mask_block(const uint8_t *p)
{
	return mask16(p) | (uint64_t)mask16(p + 16) << 16 | (uint64_t)mask16(p + 32) << 32 |
	    (uint64_t)mask16(p + 48) << 48;
}

static inline unsigned
ones_below(uint64_t m)
{
	return m == UINT64_MAX ? BLOCK : (unsigned)__builtin_ctzll(~m);
}

static inline unsigned
ones_above(uint64_t m)
{
	return m == UINT64_MAX ? BLOCK : (unsigned)__builtin_clzll(~m);
}

/* Bit i: so many ones begin there. */
static inline uint64_t
long_runs(uint64_t m)
{
	_Static_assert(SS_TOKEN_MIN == 20, "these shifts");
	m &= m >> 1;
	m &= m >> 2;
	m &= m >> 4;
	m &= m >> 8;
	return m & m >> 4;
}

TARGET void
tokens_each(const uint8_t *p, size_t n, tokens_fn fn, void *arg)
{
	uint8_t last[BLOCK];
	size_t open = 0;	/* bytes of a run that reaches the block */
	size_t at;

	/* What the last block lacks is as if a run went on. */
	memset(last, '0', sizeof(last));
	for (at = 0; at < n; at += BLOCK) {
		const uint8_t *block = p + at;
		uint64_t m, r;
		unsigned k;

		if (n - at < BLOCK)
			block = memcpy(last, p + at, n - at);
		m = mask_block(block);
		k = ones_below(m);
		if (open > 0 || at == 0) {
			open += k;
			if (k == BLOCK)
				continue;
			if (open >= SS_TOKEN_MIN || (open > 0 && at + k == open))
				fn(at + k - open, at + k, arg);
			m &= UINT64_MAX << k;
		}
		open = ones_above(m);
		m &= open == BLOCK ? 0 : UINT64_MAX >> open;
		for (r = long_runs(m); r != 0; r &= UINT64_MAX << k) {
			unsigned from = (unsigned)__builtin_ctzll(r);

			k = from + ones_below(m >> from);
			fn(at + from, at + k, arg);
		}
	}
	if (at - open < n)
		fn(at - open, n, arg);
}
