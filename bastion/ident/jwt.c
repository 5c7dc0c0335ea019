/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/jwt.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/ident/privkey.h"

#define PAYLOAD_MAX	256
#define SIGNATURE_MAX	1100	/* RSA of 8192 bits */

static int
put_base64url(struct buf *out, const void *p, size_t n)
{
	char text[2 * SIGNATURE_MAX];

	if (sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING) > sizeof(text))
		return ERR_TOOBIG;
	(void)sodium_bin2base64(text, sizeof(text), p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return buf_put(out, text, strlen(text));
}

/* SSH's rsa-sha2-256 and JWT's RS256 are one signature, RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8332, RFC 7518 section 3.3). */
static int
put_signature(const struct privkey *k, struct buf *out, size_t from)
{
	struct buf *blob = buf_new(SIGNATURE_MAX + 64);
	const uint8_t *p;
	size_t n;
	int r = ERR_NOMEM;

	if (blob != NULL && (r = privkey_sign(k, "rsa-sha2-256", buf_ptr(out) + from, buf_len(out) - from, blob)) == 0 &&
	    (r = buf_peek_string(blob, &p, &n)) == 0 && (r = buf_peek_string(blob, &p, &n)) == 0 && (r = buf_put_u8(out, '.')) == 0)
		r = put_base64url(out, p, n);
	buf_free(blob);
	return r;
}

int
jwt_make(const struct privkey *k, const char *issuer, int64_t now, struct buf *out)
{
	static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	char payload[PAYLOAD_MAX];
	size_t from = buf_len(out);
	int n, r;

	n = snprintf(payload, sizeof(payload), "{\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"iss\":\"%s\"}", now - JWT_SKEW, now + JWT_SECONDS,
	    issuer);
	if (n < 0 || (size_t)n >= sizeof(payload))
		return ERR_TOOBIG;
	if ((r = put_base64url(out, header, strlen(header))) != 0 || (r = buf_put_u8(out, '.')) != 0 ||
	    (r = put_base64url(out, payload, (size_t)n)) != 0)
		return r;
	return put_signature(k, out, from);
}
