/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/record/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

struct sha256 {
	EVP_MD		*md;
	EVP_MD_CTX	*ctx;
	EVP_MD_CTX	*spare;	/* where peek finishes a copy */
};

struct sha256 *
sha256_new(void)
{
	struct sha256 *h = xcalloc(1, sizeof(*h));

	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	h->spare = EVP_MD_CTX_new();
	if (h->md == NULL || h->ctx == NULL || h->spare == NULL)
		fatal("no SHA-256");
	sha256_reset(h);
	return h;
}

void
sha256_free(struct sha256 *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->spare);
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

void
sha256_reset(struct sha256 *h)
{
	if (EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		fatal("SHA-256 does not start");
}

void
sha256_update(struct sha256 *h, const void *p, size_t n)
{
	if (n > 0 && EVP_DigestUpdate(h->ctx, p, n) != 1)
		fatal("SHA-256 failed");
}

void
sha256_peek(const struct sha256 *h, uint8_t out[SHA256_LEN])
{
	if (EVP_MD_CTX_copy_ex(h->spare, h->ctx) != 1 || EVP_DigestFinal_ex(h->spare, out, NULL) != 1)
		fatal("SHA-256 failed");
}

void
sha256_final(struct sha256 *h, uint8_t out[SHA256_LEN])
{
	if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
		fatal("SHA-256 failed");
	sha256_reset(h);
}

void
sha256_hex(const uint8_t digest[SHA256_LEN], char out[SHA256_HEX])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_LEN; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[2 * SHA256_LEN] = '\0';
}
