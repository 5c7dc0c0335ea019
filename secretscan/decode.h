/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: the encodings and the noise that texts come in, one row each. A decoder looks for what it knows in a text and
 * adds what that says to a layer, with some of the plain text around it, so that `password: ` still stands before what
 * was the encoded password. A new one is a decode-NAME.c, a row in decode.c and a test.
 */
#ifndef SECRETSCAN_DECODE_H
#define SECRETSCAN_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/sieve.h"

struct layer;

enum decode_kind {
	DECODE_ENCODING,	/* what is plainer wins when both say something */
	DECODE_NOISE,		/* the text was meant to be read without it */
	DECODE_GUESS,		/* lines that may belong together: plain text wins */
};

struct decoder {
	const char		*name;
	enum decode_kind	 kind;
	int			 signs;		/* runs only where one of these enum sieve_sign stands */
	int			 kinds;		/* or where there are such enum sieve_kind */
	void			 (*run)(const struct sieve *, struct layer *);
};

/* The decoder of this number, from 0; NULL past the last. */
const struct decoder	*decode_get(size_t i);

void	decode_base64(const struct sieve *, struct layer *);
void	decode_concat(const struct sieve *, struct layer *);
void	decode_decimal_list(const struct sieve *, struct layer *);
void	decode_diff(const struct sieve *, struct layer *);
void	decode_dump(const struct sieve *, struct layer *);
void	decode_entity(const struct sieve *, struct layer *);
void	decode_escape(const struct sieve *, struct layer *);
void	decode_folded(const struct sieve *, struct layer *);
void	decode_form(const struct sieve *, struct layer *);
void	decode_hex(const struct sieve *, struct layer *);
void	decode_hex_list(const struct sieve *, struct layer *);
void	decode_percent(const struct sieve *, struct layer *);
void	decode_quoted(const struct sieve *, struct layer *);
void	decode_return(const struct sieve *, struct layer *);
void	decode_terminal(const struct sieve *, struct layer *);
void	decode_utf16(const struct sieve *, struct layer *);
void	decode_utf32(const struct sieve *, struct layer *);
void	decode_wrap(const struct sieve *, struct layer *);

/* Base64 or hexadecimal of what its first bytes say is a container. */
struct decode_blob {
	size_t	start, end;
	bool	is_hex;
};

/*
 * The first of them from place number *placep on, which is moved on; false when there is none. decode_blob adds the
 * bytes of it to a layer.
 */
bool	decode_blob_find(const struct sieve *, size_t *placep, struct decode_blob *);
void	decode_blob(const struct sieve *, const struct decode_blob *, struct layer *);

/* Bytes that text is made of: printable ASCII, tab, line feed, carriage return. */
static inline bool
decode_is_text(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

/* The length of the character of UTF-8 that begins at p, and which it is; 0 when there is none. */
size_t	decode_utf8_at(const uint8_t *p, size_t n, uint32_t *cp);

/* What a digit of base64 says, and one; 0 for what is none. */
extern const uint8_t decode_base64_values[256];

/* 0 to 15, or -1. */
static inline int
decode_hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to `most` hexadecimal digits at p: how many, and what they say. */
size_t	decode_hex_number(const uint8_t *p, size_t n, size_t most, uint32_t *valuep);
/* UTF-8 of a character to out: its length, 0 when there is no such character. */
size_t	decode_utf8(uint32_t c, uint8_t out[4]);

#endif
