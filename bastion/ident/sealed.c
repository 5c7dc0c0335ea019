/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/sealed.h"

#include <sodium.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"

#define MAGIC		"SPSEALED"
#define SEAL_VERSION	1
#define HEADER_MAX	256
#define NONCE_LEN	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN		crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SEALED_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key is the cipher's");

/* What stands before the nonce. */
static int
put_header(struct buf *b, const char *name)
{
	int r;

	if ((r = buf_put(b, MAGIC, strlen(MAGIC))) != 0 || (r = buf_put_u32(b, SEAL_VERSION)) != 0)
		return r;
	return buf_put_cstring(b, name);
}

int
sealed_put(struct buf *out, const uint8_t key[SEALED_KEY_LEN], const char *name, const void *secret, size_t n)
{
	uint8_t nonce[NONCE_LEN], *p;
	size_t header;
	int r;

	randombytes_buf(nonce, sizeof(nonce));
	if ((r = put_header(out, name)) != 0 || (r = buf_put(out, nonce, sizeof(nonce))) != 0)
		return r;
	header = buf_len(out);
	if ((r = buf_reserve(out, n + TAG_LEN, &p)) != 0)
		return r;
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(p, NULL, secret, n, buf_ptr(out), header, NULL, nonce, key);
	return 0;
}

int
sealed_open(const struct buf *in, const uint8_t key[SEALED_KEY_LEN], const char *name, struct buf *out)
{
	struct buf *h = buf_new(HEADER_MAX);
	const uint8_t *p = buf_ptr(in);
	size_t header, n;
	uint8_t *secret;
	int r = ERR_NOMEM;

	if (h == NULL || (r = put_header(h, name)) != 0)
		goto out;
	header = buf_len(h);
	r = ERR_FORMAT;
	if (buf_len(in) < header + NONCE_LEN + TAG_LEN || memcmp(p, buf_ptr(h), header) != 0)
		goto out;
	n = buf_len(in) - header - NONCE_LEN - TAG_LEN;
	if ((r = buf_reserve(out, n, &secret)) != 0)
		goto out;
	r = crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, p + header + NONCE_LEN, n + TAG_LEN, p,
	    header + NONCE_LEN, p + header, key) == 0 ? 0 : ERR_CRYPTO;
	if (r != 0)
		buf_trim(out, n);
out:
	buf_free(h);
	return r;
}
