/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of HTTP Basic authentication are base64 of user:password (RFC 7617). */
#include <string.h>

#include "secretscan/base64.h"
#include "secretscan/check.h"
#include "secretscan/value.h"

#define TEXT_MAX	512

/* The password in text, which has TEXT_MAX bytes; NULL when this is something else. */
static const uint8_t *
decode(const uint8_t *p, size_t n, uint8_t *text, size_t *lenp)
{
	size_t len = base64_decode(p, n, text, TEXT_MAX);
	const uint8_t *colon;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return NULL;
	}
	colon = memchr(text, ':', len);
	if (colon == NULL || colon + 3 > text + len)
		return NULL;
	*lenp = (size_t)(text + len - colon) - 1;
	return colon + 1;
}

enum check_result
check_basic(const uint8_t *p, size_t n)
{
	uint8_t text[TEXT_MAX];
	size_t len;

	return decode(p, n, text, &len) != NULL ? CHECK_PROVEN : CHECK_REFUTED;
}

/* The same where examples abound: user:password is none, nor Aladdin's. */
enum check_result
check_basic_password(const uint8_t *p, size_t n)
{
	uint8_t text[TEXT_MAX];
	size_t len;
	const uint8_t *password = decode(p, n, text, &len);

	if (value_is_placeholder(p, n))
		return CHECK_REFUTED;
	return password != NULL && value_is_credible(VALUE_PASSWORD, password, len) ? CHECK_PROVEN : CHECK_REFUTED;
}

static bool
is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((p[i] < 0x20 && p[i] != '\n' && p[i] != '\t') || p[i] > 0x7e)
			return false;
	}
	return true;
}

/* In a header that says Authorization, what is no text at all counts as well: somebody's own encoding. */
enum check_result
check_basic_header(const uint8_t *p, size_t n)
{
	uint8_t text[TEXT_MAX];

	if (is_text(text, base64_decode(p, n, text, sizeof(text))))
		return check_basic_password(p, n);
	return value_is_credible(VALUE_TOKEN, p, n) ? CHECK_PROVEN : CHECK_REFUTED;
}
