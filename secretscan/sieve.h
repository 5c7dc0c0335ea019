/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sieve: where in a text can something be encoded? One pass over all bytes, in vectors, so that a decoder reads only
 * the few blocks where the bytes that it lives on stand.
 */
#ifndef SECRETSCAN_SIEVE_H
#define SECRETSCAN_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIEVE_BLOCK	1024

enum sieve_sign {
	SIEVE_BACKSLASH = 1,
	SIEVE_PERCENT = 2,
	SIEVE_AMPERSAND = 4,
	SIEVE_CONTROL = 8,		/* NUL to BS, SO to US: not TAB, LF, CR */
	SIEVE_HIGH = 16,		/* from 0x80 on */
	SIEVE_PLUS_MINUS = 32,		/* + or - at the beginning of a line */
	SIEVE_EQUALS = 64,		/* = at the end of a line, or =3; CR without LF */
};

struct layer;

/* Places, as they are found in one pass. */
enum sieve_kind {
	SIEVE_BASE64 = 1,		/* 16 digits of base64 begin, of which every fourth can be the first of a group of text */
	SIEVE_HEX = 2,			/* 16 hexadecimal digits begin */
	SIEVE_LONG = 4,			/* within 64 digits of base64 */
	SIEVE_BLOB = 16,		/* base64 or hexadecimal of the first bytes of a container */
	SIEVE_JOINT = 8,		/* a line feed right between two digits of base64 */
	SIEVE_LIST = 32,		/* numbers with something between them */
	SIEVE_QUOTE = 64,		/* a literal ends and another one begins, with no comma between them */
};

struct sieve_place {
	uint32_t	at;
	uint32_t	kinds;
};

/* A text and where to look in it. */
struct sieve {
	const uint8_t		*p;
	size_t			 n;
	uint8_t			*blocks;	/* the signs of each block */
	uint8_t			 signs;		/* of all blocks together */
	struct sieve_place	*places;	/* those of a kind in order */
	size_t			 nplaces, places_cap;
	unsigned		 kinds;		/* of all of them together */
	const struct layer	*fresh;		/* not NULL: the text is that of this layer, and only what it changed counts */
};

/* The text stays the caller's; it is at most UINT32_MAX bytes. 0 or SECRETSCAN_NOMEM. */
int	sieve_init(struct sieve *, const uint8_t *p, size_t n);
void	sieve_release(struct sieve *);
/* The first place from `at` on in a block that has the sign; n when there is none. */
size_t	sieve_next(const struct sieve *, enum sieve_sign, size_t at);
/* The end of the block that this place is in. */
size_t	sieve_block_end(const struct sieve *, size_t at);
/* The byte c, from `at` on, in blocks that have the sign; n when there is none. */
size_t	sieve_find(const struct sieve *, enum sieve_sign, uint8_t c, size_t at);
/* Whether what stands in these bytes is to be decoded. */
bool	sieve_counts(const struct sieve *, size_t start, size_t end);

#endif
