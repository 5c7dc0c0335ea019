/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of the compiler, not of one processor: it makes of them what there is. What is true of each of 64 bytes is a
 * number of 64 bits (marks.h), in which runs and what stands so many bytes apart are found by shifting.
 */
#include "secretscan/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/layer.h"
#include "secretscan/marks.h"
#include "secretscan/secretscan.h"

#define LANE		32
#define CHUNK		MARKS_CHUNK
#define CHUNKS		(SIEVE_BLOCK / CHUNK)
#define LAST		(CHUNK - 1)
#define RUN		16		/* digits */
#define LIST_MIN	16
#define LISTED_ALL	0xffffu		/* of LIST_MIN bytes */
#define LISTED_SOME	0x1842u		/* four of them */
#define JOIN_MAX	64		/* bytes between two literals that are put together */
#define AHEAD		CHUNK		/* bytes after a block that are looked at as well */

typedef int8_t bytes32 __attribute__((vector_size(LANE)));
typedef uint8_t ubytes32 __attribute__((vector_size(LANE)));
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

/* What is asked about every byte; a row each, for all chunks of a block and the one behind it. */
enum asked {
	DIGIT64,
	FIRST64,
	DIGIT16,
	SEPARATOR,
	LINE_FEED,
	BLOB,
	LISTED,
	QUOTE,
	ASKED,
};

typedef uint64_t marks[ASKED][CHUNKS + 1];

/* What the byte before a chunk is. */
struct before {
	uint64_t	digit64, digit16, separator, quote;
};

/* What begins in a chunk. */
struct runs {
	uint64_t	base64, hex;	/* 16 digits */
	uint64_t	blobs;		/* perhaps */
	uint64_t	after_quote;	/* 16 digits right behind one */
	uint64_t	before_quote;	/* the last 16 digits of a run, and right behind them one */
	bool		is_long;	/* it is of digits altogether */
};

/* The bytes that base64 of containers begins with: see is_blob. */
static const struct marks_class blob_first = { {
	0x00, 0x20, 0x00, 0x00, 0x00, 0x60, 0x00, 0x00, 0x10, 0x00, 0x10, 0x10, 0x00, 0x00, 0x10, 0x04,
} };

/* What a list of numbers is written with: [0-9A-Fa-fXx,:\\-] and white space. */
static const struct marks_class listed = { {
	0x0c, 0x58, 0x58, 0x58, 0x58, 0x58, 0x58, 0x08, 0xa8, 0x09, 0x09, 0x00, 0x24, 0x05, 0x00, 0x00,
} };
static const struct marks_class quotes = { { [0] = 0x40, [2] = 0x04, [7] = 0x04 } };

INLINE bool
any(const bytes32 *v)
{
	uint64_t part[4];

	memcpy(part, v, sizeof(part));
	return (part[0] | part[1] | part[2] | part[3]) != 0;
}

/* Where 16 bits in a row begin in a chunk; they may end in the next one. */
static inline uint64_t
runs16(uint64_t chunk, uint64_t next)
{
	bits128 b = (bits128)chunk | (bits128)next << CHUNK;

	b &= b >> 1;
	b &= b >> 2;
	b &= b >> 4;
	return (uint64_t)(b & b >> 8);
}

/* Where a bit stands, and one 4, 8 and 12 behind it: the first digits of four groups. */
static inline uint64_t
fourths(uint64_t chunk, uint64_t next)
{
	bits128 b = (bits128)chunk | (bits128)next << CHUNK;

	b &= b >> 4;
	return (uint64_t)(b & b >> 8);
}

/* Whether there can be such: then eight of the bits fill a byte of the chunk, or the first one of the next. */
static inline bool
may_hold_run16(uint64_t chunk, uint64_t next)
{
	uint64_t low = 0x0101010101010101, gaps = ~chunk;

	return ((gaps - low) & chunk & low << 7) != 0 || (next & 0xff) == 0xff;
}

/* The signs of SIEVE_BLOCK bytes, of which AHEAD more may be read. */
WIDE static uint8_t
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

	for (size_t i = 0; p[0] == 'e' && i < sizeof(zlib) / sizeof(zlib[0]); i++) {
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
	return marks_has(&quotes, c);
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
	return from > 0 && is_quote(s->p[from]) && marks_has(&marks_digit64, s->p[from - 1]) ? add_place(s, from, SIEVE_QUOTE) : 0;
}

static int
add_join_after(struct sieve *s, size_t at)
{
	size_t to = at + 1;

	while (to < s->n && to - at < JOIN_MAX && joins(s->p[to]))
		to++;
	return to < s->n && is_quote(s->p[to]) ? add_place(s, at, SIEVE_QUOTE) : 0;
}

/* Places in a chunk that begin with 16 digits. */
static int
add_runs(struct sieve *s, const uint8_t *p, size_t at, const struct runs *r)
{
	uint64_t blobs = 0;
	int e = 0;

	for (uint64_t left = r->after_quote; left != 0 && e == 0; left &= left - 1)
		e = add_join_before(s, at + (size_t)__builtin_ctzll(left) - 1);
	for (uint64_t left = r->before_quote; left != 0 && e == 0; left &= left - 1)
		e = add_join_after(s, at + (size_t)__builtin_ctzll(left) + RUN);
	for (uint64_t left = r->blobs; left != 0; left &= left - 1) {
		if (is_blob(p + __builtin_ctzll(left)))
			blobs |= left & -left;
	}
	for (uint64_t left = r->hex; left != 0; left &= left - 1) {
		if (is_hex_blob(p + __builtin_ctzll(left)))
			blobs |= left & -left;
	}
	for (uint64_t left = r->base64 | r->hex | blobs | r->is_long; left != 0 && e == 0; left &= left - 1) {
		uint64_t one = left & -left;

		e = add_place(s, at + (size_t)__builtin_ctzll(left), ((r->base64 & one) != 0 ? SIEVE_BASE64 : 0) |
		    ((r->hex & one) != 0 ? SIEVE_HEX : 0) | ((blobs & one) != 0 ? SIEVE_BLOB : 0) |
		    (r->is_long && one == 1 ? SIEVE_LONG : 0));
	}
	return e;
}

/* What begins in chunk i. */
static inline struct runs
find_runs(marks m, size_t i, const struct before *before)
{
	struct runs r = { 0 };
	uint64_t digits = m[DIGIT64][i], runs = runs16(digits, m[DIGIT64][i + 1]), starts;

	if (may_hold_run16(m[DIGIT16][i], m[DIGIT16][i + 1]))
		r.hex = runs16(m[DIGIT16][i], m[DIGIT16][i + 1]) & ~(m[DIGIT16][i] << 1 | before->digit16);
	starts = runs & ~(digits << 1 | before->digit64);
	r.base64 = (starts | (runs & (m[SEPARATOR][i] << 1 | before->separator))) & fourths(m[FIRST64][i], m[FIRST64][i + 1]);
	r.blobs = starts & m[BLOB][i];
	r.after_quote = starts & (m[QUOTE][i] << 1 | before->quote);
	r.before_quote = runs & ~(runs >> 1) & (m[QUOTE][i] >> RUN | m[QUOTE][i + 1] << (CHUNK - RUN));
	/* Lines of dashes are long, too, and say nothing. */
	r.is_long = digits == UINT64_MAX && m[FIRST64][i] != 0;
	return r;
}

/*
 * Numbers in a row: a list that is worth it spans one of the places that are looked at. Sixteen bytes of one: at least half
 * of them are digits, and not all.
 */
static int
add_lists(struct sieve *s, uint64_t list, uint64_t digits, size_t at)
{
	int e = 0;

	for (size_t i = 0; i < CHUNK && e == 0; i += LANE, list >>= LANE, digits >>= LANE) {
		int n = __builtin_popcountll(digits & LISTED_ALL);

		if ((list & LISTED_ALL) == LISTED_ALL && (digits & LISTED_SOME) != 0 && n >= LIST_MIN / 2 && n < LIST_MIN)
			e = add_place(s, at + i, SIEVE_LIST);
	}
	return e;
}

/* The places of a block, of which AHEAD more bytes may be read. */
static int
add_places(struct sieve *s, const uint8_t *p, size_t at)
{
	static const struct marks_class *const asked[ASKED] = {
		[DIGIT64] = &marks_digit64, [FIRST64] = &marks_first64, [DIGIT16] = &marks_digit16,
		[SEPARATOR] = &marks_separator, [LINE_FEED] = &marks_line_feed, [BLOB] = &blob_first, [LISTED] = &listed,
		[QUOTE] = &quotes,
	};
	uint8_t last = at > 0 ? s->p[at - 1] : ' ';
	struct before before = { marks_has(&marks_digit64, last), marks_has(&marks_digit16, last),
	    marks_has(&marks_separator, last), is_quote(last) };
	marks m;
	int e = 0;

	marks_fill(asked, ASKED, p, CHUNKS + 1, m[0], CHUNKS + 1);
	for (size_t i = 0; i < CHUNKS && e == 0; i++, p += CHUNK, at += CHUNK) {
		uint64_t digits = m[DIGIT64][i], joints;
		struct runs r = find_runs(m, i, &before);

		joints = m[LINE_FEED][i] & (digits << 1 | before.digit64) & (digits >> 1 | m[DIGIT64][i + 1] << LAST);
		for (; joints != 0 && e == 0; joints &= joints - 1)
			e = add_place(s, at + (size_t)__builtin_ctzll(joints), SIEVE_JOINT);
		if (e == 0 && ((r.base64 | r.hex | r.blobs | r.after_quote | r.before_quote) != 0 || r.is_long))
			e = add_runs(s, p, at, &r);
		if (e == 0)
			e = add_lists(s, m[LISTED][i], m[DIGIT16][i], at);
		before = (struct before){ digits >> LAST, m[DIGIT16][i] >> LAST, m[SEPARATOR][i] >> LAST, m[QUOTE][i] >> LAST };
	}
	return e;
}

int
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
