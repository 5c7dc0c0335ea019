/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GitHub's and npm's tokens: PREFIX_ then random characters, of which the last six are the CRC-32 of those before them
 * in base 62 (0-9 A-Z a-z), filled with zeros on the left.
 */
#include <string.h>

#include "secretscan/check.h"

#define SUM_LEN	6

static uint32_t
crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320 & (0 - (crc & 1)));
	}
	return ~crc;
}

enum check_result
check_crc32_base62(const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const uint8_t *body = memrchr(p, '_', n);
	uint32_t sum;
	size_t len;

	if (body == NULL)
		return CHECK_UNKNOWN;
	body++;
	len = n - (size_t)(body - p);
	if (len <= SUM_LEN)
		return CHECK_UNKNOWN;
	sum = crc32_of(body, len - SUM_LEN);
	for (size_t i = 0; i < SUM_LEN; i++) {
		if (body[len - 1 - i] != (uint8_t)digits[sum % 62])
			return CHECK_REFUTED;
		sum /= 62;
	}
	return CHECK_PROVEN;
}
