/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MASK_PREFIX_MAX	16
#define MASK_LONG	24	/* two of so many characters tell nothing */

double
measure_entropy(const uint8_t *p, size_t n)
{
	size_t count[256] = { 0 };
	double bits = 0;

	for (size_t i = 0; i < n; i++)
		count[p[i]]++;
	for (int c = 0; c < 256; c++) {
		double share = n > 0 ? (double)count[c] / (double)n : 0;

		if (count[c] > 0)
			bits -= share * log2(share);
	}
	return bits;
}

static int
is_plain(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] <= 0x20 || p[i] > 0x7e)
			return 0;
	}
	return 1;
}

void
measure_mask(const uint8_t *p, size_t n, size_t shown, char *out, size_t cap)
{
	size_t end = 0;

	if (shown > MASK_PREFIX_MAX)
		shown = MASK_PREFIX_MAX;
	if (n < MASK_LONG && shown > 4)
		shown = 4;
	if (shown * 2 > n || !is_plain(p, shown))
		shown = 0;
	if (n >= MASK_LONG && is_plain(p + n - 2, 2))
		end = 2;
	snprintf(out, cap, "%.*s************%.*s", (int)shown, (const char *)p, (int)end, (const char *)p + n - end);
}
