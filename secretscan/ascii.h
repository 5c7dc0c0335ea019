/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ascii: letters and digits of ASCII whatever the locale of the program is. In that of Turkey, for one, I is not the
 * capital of i, and elsewhere numbers have a comma: what is a secret does not hang on it.
 */
#ifndef SECRETSCAN_ASCII_H
#define SECRETSCAN_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
ascii_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool
ascii_is_alnum(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

static inline bool
ascii_is_hex(uint8_t c)
{
	return ascii_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static inline uint8_t
ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* n bytes, letters in any case. */
static inline bool
ascii_same(const void *va, const void *vb, size_t n)
{
	const uint8_t *a = va, *b = vb;

	for (size_t i = 0; i < n; i++) {
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	}
	return true;
}

/* Digits, perhaps with a point and more digits, after a sign or none; *endp is where it ends, text when it is none. */
static inline double
ascii_number(const char *text, const char **endp)
{
	const char *p = text + (*text == '-' || *text == '+');
	double value = 0, unit = 1;
	bool any = false;

	for (; ascii_is_digit((uint8_t)*p); p++, any = true)
		value = value * 10 + (*p - '0');
	if (*p == '.') {
		for (p++; ascii_is_digit((uint8_t)*p); p++, any = true)
			value += (*p - '0') * (unit /= 10);
	}
	*endp = any ? p : text;
	return !any ? 0 : *text == '-' ? -value : value;
}

#endif
