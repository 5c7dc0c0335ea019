/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not libsodium's decoder: that one takes one alphabet and whole inputs, while a checker wants the first bytes of a run
 * that may mix both and may be cut.
 */
#include "secretscan/base64.h"

static int
digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

size_t
base64_decode(const uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int d = digit(p[i]);

		if (d < 0)
			break;
		acc = acc << 6 | (uint32_t)d;
		bits += 6;
		if (bits < 8)
			continue;
		if (len == cap)
			break;
		bits -= 8;
		out[len++] = (uint8_t)(acc >> bits);
	}
	return len;
}
