/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token of PyPI is a macaroon (binary format, version 2) in base64url after "pypi-": a location, an identifier, caveats of
 * one to three fields each, and at the very end a signature of 32 bytes. A field is its type, its length, its bytes.
 */
#include <stdbool.h>
#include <string.h>

#include "secretscan/base64.h"
#include "secretscan/check.h"

#define FORMAT		2
#define BYTES_MAX	2048
#define SIGNATURE	32

enum field {
	FIELD_END,
	FIELD_LOCATION,
	FIELD_IDENTIFIER,
	FIELD_VERIFIER = 4,
	FIELD_SIGNATURE = 6,
};

/* Pass over a field; what comes next is at *atp. Lengths are of one or two bytes, seven bits each, the low ones first. */
static bool
skip_field(const uint8_t *b, size_t n, size_t *atp)
{
	size_t at = *atp + 1, len;

	if (n - *atp < 3)
		return false;
	len = b[at++] & 0x7f;
	if (b[at - 1] >= 0x80)
		len |= (size_t)b[at++] << 7;
	if (len > n - at)
		return false;
	*atp = at + len;
	return true;
}

/* Fields of these types in any number, up to an end. */
static bool
skip_section(const uint8_t *b, size_t n, size_t *atp)
{
	while (*atp < n && b[*atp] != FIELD_END) {
		if (b[*atp] != FIELD_LOCATION && b[*atp] != FIELD_IDENTIFIER && b[*atp] != FIELD_VERIFIER)
			return false;
		if (!skip_field(b, n, atp))
			return false;
	}
	return *atp < n && b[(*atp)++] == FIELD_END;
}

enum check_result
check_macaroon(const uint8_t *p, size_t n)
{
	const uint8_t *dash = memchr(p, '-', n);
	uint8_t b[BYTES_MAX];
	size_t len, at = 1;

	if (dash == NULL)
		return CHECK_UNKNOWN;
	len = base64_decode(dash + 1, n - (size_t)(dash + 1 - p), b, sizeof(b));
	if (len < 2 || b[0] != FORMAT || b[1] != FIELD_LOCATION || !skip_section(b, len, &at))
		return CHECK_UNKNOWN;
	while (at < len && b[at] != FIELD_END) {
		if (!skip_section(b, len, &at))
			return CHECK_UNKNOWN;
	}
	if (len - at != 3 + SIGNATURE || b[at + 1] != FIELD_SIGNATURE || b[at + 2] != SIGNATURE)
		return CHECK_UNKNOWN;
	return CHECK_PROVEN;
}
