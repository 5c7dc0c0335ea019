/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of the compiler, not of one processor: it makes of them what there is. What is true of each of 64 bytes
 * becomes a number of 64 bits, in which runs and what stands so many bytes apart are found by shifting.
 */
#include "secretscan/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/layer.h"
#include "secretscan/secretscan.h"

#define LANE		32
#define HALF		16
#define CHUNK		64
#define CHUNKS		(SIEVE_BLOCK / CHUNK)
#define LIST_MIN	16
#define JOIN_MAX	64		/* bytes between two literals that are put together */
#define AHEAD		(CHUNK + LANE)	/* bytes after a block that are looked at as well */

typedef int8_t bytes32 __attribute__((vector_size(LANE)));
typedef uint8_t ubytes32 __attribute__((vector_size(LANE)));
typedef int8_t bytes16 __attribute__((vector_size(HALF)));
typedef unsigned __int128 bits128;

/* Compiled for the processors with wide vectors as well, and chosen when the program starts. */
#if defined(__x86_64__)
#define WIDE	__attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif
#define INLINE	static inline __attribute__((always_inline))

/* Expressions, not functions: how vectors are passed hangs on the processor. */
#define BETWEEN(v, low, high)	((bytes32)((ubytes32)(v) - (uint8_t)(low) <= (uint8_t)((high) - (low))))

enum class {
	DIGIT64,		/* of base64, of either alphabet */
	SEPARATOR,		/* not a digit within a word, such as a file name: base64 can begin after it */
	FIRST64,		/* of four digits that say three characters of ASCII the first one is one of these */
	DIGIT16,
	LINE_FEED,
};

/* A bit for each byte that is -1, of bytes that are 0 or -1. */
INLINE uint32_t
bits(const bytes32 *v)
{
	bytes16 half[2];
	uint32_t r = 0;

	memcpy(half, v, sizeof(half));
#ifdef __SSE2__
	r = (uint32_t)__builtin_ia32_pmovmskb128((char __attribute__((vector_size(HALF))))half[0]);
	r |= (uint32_t)__builtin_ia32_pmovmskb128((char __attribute__((vector_size(HALF))))half[1]) << HALF;
#else
	for (size_t i = 0; i < LANE; i++)
		r |= (uint32_t)(half[i / HALF][i % HALF] & 1) << i;
#endif
	return r;
}

INLINE bool
any(const bytes32 *v)
{
	uint64_t part[4];

	memcpy(part, v, sizeof(part));
	return (part[0] | part[1] | part[2] | part[3]) != 0;
}

/* Bit i: p[i] is of the class. LANE bytes are read. */
INLINE uint32_t
lane(const uint8_t *p, enum class c)
{
	bytes32 v, in = { 0 };

	memcpy(&v, p, sizeof(v));
	switch (c) {
	case DIGIT64:
		in = BETWEEN(v | 0x20, 'a', 'z') | BETWEEN(v, '/', '9') | (v == '+') | (v == '-') | (v == '_');
		break;
	case SEPARATOR:
		in = (v == '/') | (v == '+') | (v == '-') | (v == '_');
		break;
	case FIRST64:
		in = BETWEEN(v, 'A', 'Z') | BETWEEN(v, 'a', 'f');
		break;
	case DIGIT16:
		in = BETWEEN(v, '0', '9') | BETWEEN(v | 0x20, 'a', 'f');
		break;
	case LINE_FEED:
		in = v == '\n';
		break;
	}
	return bits(&in);
}

INLINE uint64_t
chunk(const uint8_t *p, enum class c)
{
	return lane(p, c) | (uint64_t)lane(p + LANE, c) << LANE;
}

static bool
is_separator(uint8_t c)
{
	return c == '/' || c == '+' || c == '-' || c == '_';
}

static bool
is_digit16(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool
is_digit64(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || is_separator(c);
}

/* Where 16 bits in a row begin. */
INLINE bits128
runs16(bits128 b)
{
	b &= b >> 1;
	b &= b >> 2;
	b &= b >> 4;
	return b & b >> 8;
}

/* The signs of SIEVE_BLOCK bytes, of which AHEAD more may be read. */
INLINE uint8_t
signs_of(const uint8_t *p)
{
	bytes32 backslash = { 0 }, percent = { 0 }, amp = { 0 }, control = { 0 }, high = { 0 }, plus = { 0 }, equals = { 0 };

	for (size_t i = 0; i < SIEVE_BLOCK; i += LANE) {
		bytes32 v, next;

		memcpy(&v, p + i, sizeof(v));
		memcpy(&next, p + i + 1, sizeof(next));
		backslash |= v == '\\';
		percent |= v == '%';
		amp |= v == '&';
		control |= BETWEEN(v, 0, 8) | BETWEEN(v, 14, 31);
		high |= v;
		plus |= (v == '\n') & ((next == '+') | (next == '-'));
		equals |= (v == '\r') & (next != '\n');
		equals |= (v == '=') & ((next == '\n') | (next == '\r') | (next == '3'));
	}
	high = high < 0;
	return (uint8_t)((any(&backslash) ? SIEVE_BACKSLASH : 0) | (any(&percent) ? SIEVE_PERCENT : 0) |
	    (any(&amp) ? SIEVE_AMPERSAND : 0) | (any(&control) ? SIEVE_CONTROL : 0) | (any(&high) ? SIEVE_HIGH : 0) |
	    (any(&plus) ? SIEVE_PLUS_MINUS : 0) | (any(&equals) ? SIEVE_EQUALS : 0));
}

static int
add_place(struct sieve *s, size_t at, unsigned kinds)
{
	size_t cap = s->places_cap > 0 ? s->places_cap * 2 : 32;
	struct sieve_place *grown;

	if (s->nplaces == s->places_cap) {
		if ((grown = reallocarray(s->places, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		s->places = grown;
		s->places_cap = cap;
	}
	s->places[s->nplaces++] = (struct sieve_place){ (uint32_t)at, kinds };
	s->kinds |= kinds;
	return 0;
}

/* Of the bytes that containers begin with: zip, gzip, 7z, xz, bzip2, zstd, PDF, SQLite; zlib, of four levels. */
static bool
is_blob(const uint8_t *p)
{
	static const char *const heads[] = { "UEsD", "H4sI", "N3q8", "/Td6", "Qlpo", "KLUv", "JVBE", "U1FM" };
	static const char *const zlib[] = { "JwJz", "NoNr", "AEAH", "F4F7" };
	static const uint8_t first[256] = {
		['U'] = 1, ['H'] = 1, ['N'] = 1, ['/'] = 1, ['Q'] = 1, ['K'] = 1, ['J'] = 1, ['e'] = 2,
	};

	if (first[p[0]] == 0)
		return false;
	for (size_t i = 0; first[p[0]] == 2 && i < sizeof(zlib) / sizeof(zlib[0]); i++) {
		if (p[1] == (uint8_t)zlib[i][0] && p[2] >= (uint8_t)zlib[i][1] && p[2] <= (uint8_t)zlib[i][3])
			return true;
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (p[0] == (uint8_t)heads[i][0] && memcmp(p, heads[i], 4) == 0)
			return true;
	}
	return false;
}

/* The same in hexadecimal, by two bytes of it. */
static bool
is_hex_blob(const uint8_t *p)
{
	uint32_t head = 0;

	for (size_t i = 0; i < 4; i++)
		head = head << 4 | (uint32_t)((p[i] & 0x0f) + (p[i] > '9' ? 9 : 0));
	switch (head) {
	case 0x504b: case 0x1f8b: case 0x377a: case 0xfd37: case 0x425a: case 0x28b5: case 0x2550: case 0x5351:
	case 0x789c: case 0x78da: case 0x7801: case 0x785e:
		return true;
	default:
		return false;
	}
}

static bool
is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* What stands between two literals that are put together. */
static bool
joins(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '+' || c == '.' || c == '&' || c == '|' || c == '\r' || c == '\\';
}

/* A literal begins with the quote at `at`, or ends: the quote at which it is put together with another one. */
static int
add_join_before(struct sieve *s, size_t at)
{
	size_t from = at > 0 ? at - 1 : 0;

	while (from > 0 && at - from < JOIN_MAX && joins(s->p[from]))
		from--;
	return from > 0 && is_quote(s->p[from]) && is_digit64(s->p[from - 1]) ? add_place(s, from, SIEVE_QUOTE) : 0;
}

static int
add_join_after(struct sieve *s, size_t at)
{
	size_t to = at + 1;

	while (to < s->n && to - at < JOIN_MAX && joins(s->p[to]))
		to++;
	return to < s->n && is_quote(s->p[to]) ? add_place(s, at, SIEVE_QUOTE) : 0;
}

/* Places in a chunk in which 16 digits begin; its digits, and those of the next one, are known. */
INLINE int
add_runs(struct sieve *s, const uint8_t *p, size_t at, bits128 digits)
{
	uint8_t last = at > 0 ? s->p[at - 1] : ' ';
	bits128 first = (bits128)chunk(p, FIRST64) | (bits128)lane(p + CHUNK, FIRST64) << CHUNK;
	bits128 digit16 = (bits128)chunk(p, DIGIT16) | (bits128)lane(p + CHUNK, DIGIT16) << CHUNK;
	uint64_t runs = (uint64_t)runs16(digits), blobs = 0, base64, hex, starts;
	/* Lines of dashes are long, too, and say nothing. */
	bool is_long = (uint64_t)digits == UINT64_MAX && (uint64_t)first != 0;
	int e = 0;

	starts = ~((uint64_t)digits << 1 | is_digit64(last));
	base64 = runs & (uint64_t)(first & first >> 4 & first >> 8 & first >> 12);
	if (base64 != 0)
		base64 &= starts | chunk(p, SEPARATOR) << 1 | is_separator(last);
	hex = (uint64_t)runs16(digit16) & ~((uint64_t)digit16 << 1 | is_digit16(last));
	for (uint64_t left = runs & starts; left != 0 && e == 0; left &= left - 1) {
		if (is_blob(p + __builtin_ctzll(left)))
			blobs |= left & -left;
		if (at + (size_t)__builtin_ctzll(left) > 0 && is_quote(s->p[at + (size_t)__builtin_ctzll(left) - 1]))
			e = add_join_before(s, at + (size_t)__builtin_ctzll(left) - 1);
	}
	for (uint64_t left = runs & ~(runs >> 1); left != 0 && e == 0; left &= left - 1) {
		if (is_quote(p[__builtin_ctzll(left) + 16]))
			e = add_join_after(s, at + (size_t)__builtin_ctzll(left) + 16);
	}
	for (uint64_t left = hex; left != 0; left &= left - 1) {
		if (is_hex_blob(p + __builtin_ctzll(left)))
			blobs |= left & -left;
	}
	for (uint64_t left = base64 | hex | blobs | is_long; left != 0 && e == 0; left &= left - 1) {
		uint64_t one = left & -left;

		e = add_place(s, at + (size_t)__builtin_ctzll(left), ((base64 & one) != 0 ? SIEVE_BASE64 : 0) |
		    ((hex & one) != 0 ? SIEVE_HEX : 0) | ((blobs & one) != 0 ? SIEVE_BLOB : 0) |
		    (is_long && one == 1 ? SIEVE_LONG : 0));
	}
	return e;
}

/* What a list of numbers is written with: digits are both. */
enum {
	LISTED = 1,
	DIGIT = 2,
	BOTH = 3,
};

static const uint8_t listed[256] = {
	['\t'] = LISTED, ['\n'] = LISTED, ['\r'] = LISTED, [' '] = LISTED, [','] = LISTED, ['-'] = LISTED, [':'] = LISTED,
	['\\'] = LISTED, ['X'] = LISTED, ['x'] = LISTED,
	['0'] = BOTH, ['1'] = BOTH, ['2'] = BOTH, ['3'] = BOTH, ['4'] = BOTH, ['5'] = BOTH, ['6'] = BOTH, ['7'] = BOTH,
	['8'] = BOTH, ['9'] = BOTH, ['A'] = BOTH, ['B'] = BOTH, ['C'] = BOTH, ['D'] = BOTH, ['E'] = BOTH, ['F'] = BOTH,
	['a'] = BOTH, ['b'] = BOTH, ['c'] = BOTH, ['d'] = BOTH, ['e'] = BOTH, ['f'] = BOTH,
};

/* Sixteen bytes of a list: at least half of them are digits, and not all. */
static bool
is_listed(const uint8_t *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < LIST_MIN; i++) {
		if (listed[p[i]] == 0)
			return false;
		n += listed[p[i]] == BOTH;
	}
	return n >= LIST_MIN / 2 && n < LIST_MIN;
}

/* Numbers in a row: a list that is worth it spans one of the places that are looked at. */
INLINE int
add_lists(struct sieve *s, const uint8_t *p, size_t at)
{
	int e = 0;

	for (size_t i = 0; i < CHUNK && e == 0; i += LANE) {
		uint8_t a = listed[p[i + 1]], b = listed[p[i + 6]], c = listed[p[i + 11]], d = listed[p[i + 12]];

		/* Most indentation is told from a list by four bytes. */
		if ((a & b & c & d) != 0 && ((a | b | c | d) & DIGIT) != 0 && is_listed(p + i))
			e = add_place(s, at + i, SIEVE_LIST);
	}
	return e;
}

/* The places of a block, of which AHEAD more bytes may be read. */
INLINE int
add_places(struct sieve *s, const uint8_t *p, size_t at)
{
	uint64_t digits = chunk(p, DIGIT64), next, joints, carry;
	int e = 0;

	carry = at > 0 && is_digit64(s->p[at - 1]);
	for (size_t i = 0; i < CHUNKS && e == 0; i++, p += CHUNK, at += CHUNK) {
		bits128 both;

		next = chunk(p + CHUNK, DIGIT64);
		both = (bits128)digits | (bits128)next << CHUNK;
		joints = chunk(p, LINE_FEED) & (digits << 1 | carry) & (uint64_t)(both >> 1);
		for (; joints != 0 && e == 0; joints &= joints - 1)
			e = add_place(s, at + (size_t)__builtin_ctzll(joints), SIEVE_JOINT);
		if (e == 0 && (uint64_t)runs16(both) != 0)
			e = add_runs(s, p, at, both);
		if (e == 0)
			e = add_lists(s, p, at);
		carry = digits >> 63;
		digits = next;
	}
	return e;
}

WIDE int
sieve_init(struct sieve *s, const uint8_t *p, size_t n)
{
	uint8_t rest[SIEVE_BLOCK + AHEAD];
	int e = 0;

	*s = (struct sieve){ .p = p, .n = n };
	if (n == 0)
		return 0;
	if ((s->blocks = calloc(n / SIEVE_BLOCK + 1, sizeof(*s->blocks))) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t at = 0; at < n && e == 0; at += SIEVE_BLOCK) {
		const uint8_t *from = p + at;

		if (n - at < sizeof(rest)) {
			memset(rest, ' ', sizeof(rest));
			memcpy(rest, from, n - at);
			from = rest;
		}
		s->blocks[at / SIEVE_BLOCK] = signs_of(from);
		s->signs |= s->blocks[at / SIEVE_BLOCK];
		e = add_places(s, from, at);
	}
	if (e != 0) {
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
	free(s->places);
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
