/* SPDX-License-Identifier: Apache-2.0 */
/* utf16: texts of two bytes a character, as Windows tools write them. */
#ifndef SECRETSCAN_UTF16_H
#define SECRETSCAN_UTF16_H

#include <stddef.h>
#include <stdint.h>

enum utf16 {
	UTF16_NONE,
	UTF16_LE,
	UTF16_BE,
};

/* By its byte order mark, or by zeros in every second byte of its beginning. */
enum utf16	utf16_guess(const uint8_t *p, size_t n);
/* n / 2 characters to out; what is not ASCII becomes 0xff, which is in no secret. */
void		utf16_narrow(enum utf16, const uint8_t *p, size_t n, uint8_t *out);

#endif
