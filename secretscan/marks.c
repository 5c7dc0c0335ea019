/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/marks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define NEAR	16	/* bytes that are looked at one by one */

const struct marks_class marks_token = { {
	0xa8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf0, 0x54, 0x50, 0x5c, 0xd4, 0x74,
} };
const struct marks_class marks_digit64 = { {
	0xa8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf0, 0x54, 0x50, 0x54, 0x50, 0x74,
} };
const struct marks_class marks_first64 = { {
	0x20, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x30, 0x30, 0x30, 0x30, 0x10, 0x10, 0x10, 0x10, 0x10,
} };
const struct marks_class marks_digit16 = { {
	0x08, 0x58, 0x58, 0x58, 0x58, 0x58, 0x58, 0x08, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
} };
const struct marks_class marks_separator = { {
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x04, 0x00, 0x24,
} };
const struct marks_class marks_line_feed = { {
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
} };

static void
fill_plainly(const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n, uint64_t *rows,
    size_t stride)
{
	for (size_t i = 0; i < n; i++, p += MARKS_CHUNK) {
		for (size_t c = 0; c < nclasses; c++) {
			uint64_t m = 0;

			for (size_t k = 0; k < MARKS_CHUNK; k++)
				m |= (uint64_t)marks_has(classes[c], p[k]) << k;
			rows[c * stride + i] = m;
		}
	}
}

#if defined(__x86_64__)
#define LANE		32
#define AVX2		__attribute__((target("avx2")))
#define AVX512		__attribute__((target("avx512f,avx512bw")))
#define INLINE		static inline __attribute__((always_inline))
/* For each upper half its bit; those of what is no ASCII have none. */
#define UPPER		0x8040201008040201

/* Bit i: low and upper half of byte i meet in a class. */
AVX2 INLINE uint32_t
meet(__m256i low, __m256i v, __m256i upper)
{
	/* Looked up by the whole byte, of which only the lower half counts, and the first bit: that is no ASCII. */
	__m256i in = _mm256_and_si256(_mm256_shuffle_epi8(low, v), upper);

	return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(in, _mm256_setzero_si256()));
}

AVX2 INLINE void
fill_avx2(const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n, uint64_t *rows,
    size_t stride)
{
	__m256i half = _mm256_set1_epi8(0x0f), table = _mm256_setr_epi64x((int64_t)UPPER, 0, (int64_t)UPPER, 0);
	__m256i low[MARKS_CLASSES];

	for (size_t c = 0; c < nclasses; c++)
		low[c] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)classes[c]->low));
	for (size_t i = 0; i < n; i++, p += MARKS_CHUNK) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
		__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + LANE));
		__m256i up_a = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(a, 4), half));
		__m256i up_b = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(b, 4), half));

		for (size_t c = 0; c < nclasses; c++)
			rows[c * stride + i] = meet(low[c], a, up_a) | (uint64_t)meet(low[c], b, up_b) << LANE;
	}
}

AVX512 INLINE void
fill_avx512(const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n, uint64_t *rows,
    size_t stride)
{
	__m512i half = _mm512_set1_epi8(0x0f), table = _mm512_set4_epi64(0, (int64_t)UPPER, 0, (int64_t)UPPER);
	__m512i low[MARKS_CLASSES];

	for (size_t c = 0; c < nclasses; c++)
		low[c] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)classes[c]->low));
	for (size_t i = 0; i < n; i++, p += MARKS_CHUNK) {
		__m512i v = _mm512_loadu_si512(p);
		__m512i upper = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), half));

		for (size_t c = 0; c < nclasses; c++)
			rows[c * stride + i] = _mm512_test_epi8_mask(_mm512_shuffle_epi8(low[c], v), upper);
	}
}

/* Of the usual numbers of classes each has code of its own, with all of them in registers. */
#define FILL(target, name) \
target static void \
name##_any(const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n, uint64_t *rows, \
    size_t stride) \
{ \
	switch (nclasses) { \
	case 1: \
		name(classes, 1, p, n, rows, stride); \
		break; \
	case 8: \
		name(classes, 8, p, n, rows, stride); \
		break; \
	default: \
		name(classes, nclasses, p, n, rows, stride); \
		break; \
	} \
}

FILL(AVX2, fill_avx2)
FILL(AVX512, fill_avx512)

enum marks_way
marks_best(void)
{
	if (__builtin_cpu_supports("avx512bw"))
		return MARKS_AVX512;
	return __builtin_cpu_supports("avx2") ? MARKS_AVX2 : MARKS_PLAIN;
}

void
marks_fill_by(enum marks_way way, const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n,
    uint64_t *rows, size_t stride)
{
	if (way == MARKS_AVX512)
		fill_avx512_any(classes, nclasses, p, n, rows, stride);
	else if (way == MARKS_AVX2)
		fill_avx2_any(classes, nclasses, p, n, rows, stride);
	else
		fill_plainly(classes, nclasses, p, n, rows, stride);
}
#else
enum marks_way
marks_best(void)
{
	return MARKS_PLAIN;
}

void
marks_fill_by(enum marks_way way, const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n,
    uint64_t *rows, size_t stride)
{
	(void)way;
	fill_plainly(classes, nclasses, p, n, rows, stride);
}
#endif

void
marks_fill(const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n, uint64_t *rows,
    size_t stride)
{
	marks_fill_by(marks_best(), classes, nclasses, p, n, rows, stride);
}

size_t
marks_find(const struct marks_class *c, bool in, const uint8_t *p, size_t n)
{
	size_t at = 0;
	uint64_t m;

	/* Most are near. */
	for (; at < n && at < NEAR; at++) {
		if (marks_has(c, p[at]) == in)
			return at;
	}
	for (; n - at >= MARKS_CHUNK; at += MARKS_CHUNK) {
		marks_fill(&c, 1, p + at, 1, &m, 1);
		if (!in)
			m = ~m;
		if (m != 0)
			return at + (size_t)__builtin_ctzll(m);
	}
	while (at < n && marks_has(c, p[at]) != in)
		at++;
	return at;
}
