/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of HTTP Basic authentication are base64 of user:password (RFC 7617). */
#include <string.h>

#include "secretscan/base64.h"
#include "secretscan/check.h"

enum check_result
check_basic(const uint8_t *p, size_t n)
{
	uint8_t text[512];
	const uint8_t *colon;
	size_t len = base64_decode(p, n, text, sizeof(text));

	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return CHECK_REFUTED;
	}
	colon = memchr(text, ':', len);
	if (colon == NULL || colon + 3 > text + len)
		return CHECK_REFUTED;
	return CHECK_PROVEN;
}
