/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: which bytes are UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF, no overlong forms). */
#ifndef RECORD_UTF8_H
#define RECORD_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX		4
#define UTF8_REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD */

/* How many bytes at the front are whole, valid characters. */
size_t	utf8_valid(const uint8_t *p, size_t n);
/*
 * The first step: 1..4 = a whole character, 1 also = one bad byte, 0 = a good start of a character, and more is
 * needed.
 */
size_t	utf8_step(const uint8_t *p, size_t n);
/* How many bytes at the end are a good start of a character that is not all there: 0..3. */
size_t	utf8_tail(const uint8_t *p, size_t n);

#endif
