/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that end in the CRC-32 of what stands before it. GitHub's and npm's: PREFIX_ then random characters, of which
 * the last six are the CRC of those between, in base 62 (0-9 A-Z a-z), filled with zeros on the left. GitLab's routable
 * ones: the last seven are the CRC of all before them, in base 36. Grafana's: after the last _ the CRC of all before
 * that _, its bytes little end first, in hexadecimal.
 *
 * A sum that is wrong refutes nothing: old tokens of these forms have none.
 */
#include <string.h>

#include "secretscan/check.h"

#define SUM_LEN		6
#define SUM36_LEN	7
#define SUM16_LEN	8

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

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char lower_digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

enum check_result
check_crc32_base62(const uint8_t *p, size_t n)
{
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
			return CHECK_UNKNOWN;
		sum /= 62;
	}
	return CHECK_PROVEN;
}

enum check_result
check_crc32_base36(const uint8_t *p, size_t n)
{
	uint32_t sum;

	if (n <= SUM36_LEN || memchr(p, '.', n) == NULL)
		return CHECK_UNKNOWN;
	sum = crc32_of(p, n - SUM36_LEN);
	for (size_t i = 0; i < SUM36_LEN; i++) {
		if (p[n - 1 - i] != (uint8_t)lower_digits[sum % 36])
			return CHECK_UNKNOWN;
		sum /= 36;
	}
	return CHECK_PROVEN;
}

enum check_result
check_crc32_hex(const uint8_t *p, size_t n)
{
	const uint8_t *end = memrchr(p, '_', n);
	uint32_t sum;

	if (end == NULL || n - (size_t)(end - p) != SUM16_LEN + 1)
		return CHECK_UNKNOWN;
	sum = crc32_of(p, (size_t)(end - p));
	for (size_t i = 0; i < SUM16_LEN; i++) {
		unsigned nibble = (sum >> (i / 2 * 8 + (i % 2 == 0 ? 4 : 0))) & 0xf;

		if (end[1 + i] != (uint8_t)lower_digits[nibble])
			return CHECK_UNKNOWN;
	}
	return CHECK_PROVEN;
}
