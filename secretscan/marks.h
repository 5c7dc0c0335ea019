/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks: which bytes of a text are of a class, as bits, 64 bytes at a time: so runs, and what stands so many bytes apart,
 * are found by shifting.
 */
#ifndef SECRETSCAN_MARKS_H
#define SECRETSCAN_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKS_CHUNK	64
#define MARKS_CLASSES	8	/* the most at a time */

/* Bytes of ASCII: by the lower half of one, a bit for each of the eight upper halves that it has with it. */
struct marks_class {
	uint8_t	low[16];
};

extern const struct marks_class	marks_token;		/* [A-Za-z0-9_+/=.~-] */
extern const struct marks_class	marks_digit64;		/* of base64, of either alphabet */
extern const struct marks_class	marks_first64;		/* [A-Za-f]: the first of four such digits that say three of ASCII */
extern const struct marks_class	marks_digit16;		/* [0-9A-Fa-f] */
extern const struct marks_class	marks_separator;	/* digits of base64 that part words: [/+_-] */
extern const struct marks_class	marks_line_feed;

static inline bool
marks_has(const struct marks_class *c, uint8_t byte)
{
	return byte < 0x80 && (c->low[byte & 15] >> (byte >> 4) & 1) != 0;
}

/*
 * Marks of several classes, a row each: bit k of rows[c * stride + i] says that p[i * MARKS_CHUNK + k] is of classes[c]. n chunks
 * of p are read.
 */
void	marks_fill(const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n, uint64_t *rows,
	    size_t stride);

/* How many bytes of p stand before the first one that is of the class, or is not; n when there is none. */
size_t	marks_find(const struct marks_class *, bool in, const uint8_t *p, size_t n);

/* How to do it: in the widest vectors of the processor, unless a narrower way is asked for, to compare. */
enum marks_way {
	MARKS_PLAIN,		/* one byte after the other */
	MARKS_AVX2,
	MARKS_AVX512,
};

/* The best way of this processor. */
enum marks_way	marks_best(void);
/* marks_fill in one of the ways up to the best one. */
void	marks_fill_by(enum marks_way, const struct marks_class *const *classes, size_t nclasses, const uint8_t *p, size_t n,
	    uint64_t *rows, size_t stride);

#endif
