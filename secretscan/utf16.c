/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/utf16.h"

#define GUESS_BYTES	512

enum utf16
utf16_guess(const uint8_t *p, size_t n)
{
	size_t zero[2] = { 0, 0 };

	if (n >= 2 && p[0] == 0xff && p[1] == 0xfe)
		return UTF16_LE;
	if (n >= 2 && p[0] == 0xfe && p[1] == 0xff)
		return UTF16_BE;
	if (n > GUESS_BYTES)
		n = GUESS_BYTES;
	n &= ~(size_t)1;
	if (n < 16)
		return UTF16_NONE;
	for (size_t i = 0; i < n; i++)
		zero[i & 1] += p[i] == 0;
	/* Mostly ASCII: the one byte is nearly always zero, the other one hardly ever. */
	if (zero[1] > n / 4 && zero[0] < n / 32)
		return UTF16_LE;
	if (zero[0] > n / 4 && zero[1] < n / 32)
		return UTF16_BE;
	return UTF16_NONE;
}

void
utf16_narrow(enum utf16 kind, const uint8_t *p, size_t n, uint8_t *out)
{
	size_t high = kind == UTF16_LE ? 1 : 0, low = 1 - high;

	for (size_t i = 0; i + 1 < n; i += 2)
		out[i / 2] = p[i + high] == 0 && p[i + low] < 0x80 ? p[i + low] : 0xff;
}
