/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON Web Token begins with a JSON object, in base64url, that names its algorithm (RFC 7515 section 4.1.1). */
#include <string.h>

#include "secretscan/base64.h"
#include "secretscan/check.h"

enum check_result
check_jwt(const uint8_t *p, size_t n)
{
	const uint8_t *dot = memchr(p, '.', n);
	uint8_t head[1024];
	size_t len;

	if (dot == NULL)
		return CHECK_REFUTED;
	len = base64_decode(p, (size_t)(dot - p), head, sizeof(head));
	if (len < 8 || head[0] != '{')
		return CHECK_REFUTED;
	if (len < sizeof(head) && head[len - 1] != '}')
		return CHECK_REFUTED;
	if (memmem(head, len, "\"alg\"", 5) == NULL && memmem(head, len, "\"enc\"", 5) == NULL)
		return CHECK_REFUTED;
	return CHECK_PROVEN;
}
