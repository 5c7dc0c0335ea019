/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/record/utf8.h"

#include <string.h>

enum { STEP_BAD = -1, STEP_MORE = 0 };

/* What must follow a lead byte: how long, and the range of the second byte (RFC 3629 section 4). */
static int
lead(uint8_t b, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (b < 0x80)
		return 1;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef) {
		if (b == 0xe0)
			*low = 0xa0;
		if (b == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (b >= 0xf0 && b <= 0xf4) {
		if (b == 0xf0)
			*low = 0x90;
		if (b == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return STEP_BAD;
}

/* Length of the character at p, STEP_BAD or STEP_MORE; n > 0. */
static int
step(const uint8_t *p, size_t n)
{
	uint8_t low, high;
	int len = lead(p[0], &low, &high);

	for (int i = 1; i < len; i++) {
		if ((size_t)i == n)
			return STEP_MORE;
		if (p[i] < low || p[i] > high)
			return STEP_BAD;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

size_t
utf8_valid(const uint8_t *p, size_t n)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	size_t i = 0;
	uint64_t w;
	int k;

	for (;;) {
		for (; i + 8 <= n; i += 8) {
			memcpy(&w, p + i, 8);
			if ((w & high) != 0)
				break;
		}
		while (i < n && p[i] < 0x80)
			i++;
		/* Most of what is not ASCII is three bytes long and comes in runs: no tables for those. */
		while (i + 3 <= n && p[i] > 0xe0 && p[i] < 0xf0 && p[i] != 0xed && (p[i + 1] & 0xc0) == 0x80 &&
		    (p[i + 2] & 0xc0) == 0x80)
			i += 3;
		if (i == n || (k = step(p + i, n - i)) <= 0)
			return i;
		i += (size_t)k;
	}
}

size_t
utf8_step(const uint8_t *p, size_t n)
{
	int k = n == 0 ? STEP_MORE : step(p, n);

	return k == STEP_BAD ? 1 : (size_t)k;
}

size_t
utf8_tail(const uint8_t *p, size_t n)
{
	for (size_t k = 1; k < UTF8_MAX && k <= n; k++) {
		if ((p[n - k] & 0xc0) == 0x80)
			continue;	/* inside a character: look for its lead */
		return step(p + n - k, k) == STEP_MORE ? k : 0;
	}
	return 0;
}
