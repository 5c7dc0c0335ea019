/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/digest.h"

#include <sodium.h>
#include <stdlib.h>

#define FINGERPRINT_BYTES	8

struct digest {
	crypto_generichash_state	state;
};

struct digest_sha256 {
	crypto_hash_sha256_state	state;
};

int
digest_init(void)
{
	return sodium_init() < 0 ? -1 : 0;
}

struct digest *
digest_new(const uint8_t key[DIGEST_KEY])
{
	struct digest *d = aligned_alloc(_Alignof(struct digest), sizeof(*d));

	if (d == NULL)
		return NULL;
	crypto_generichash_init(&d->state, key, DIGEST_KEY, crypto_generichash_BYTES);
	return d;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	sodium_memzero(d, sizeof(*d));
	free(d);
}

void
digest_update(struct digest *d, const void *p, size_t n)
{
	crypto_generichash_update(&d->state, p, n);
}

void
digest_hex(struct digest *d, char hex[17])
{
	uint8_t out[crypto_generichash_BYTES];

	crypto_generichash_final(&d->state, out, sizeof(out));
	sodium_bin2hex(hex, 17, out, FINGERPRINT_BYTES);
}

struct digest_sha256 *
digest_sha256_new(void)
{
	struct digest_sha256 *d = malloc(sizeof(*d));

	if (d != NULL)
		crypto_hash_sha256_init(&d->state);
	return d;
}

void
digest_sha256_update(struct digest_sha256 *d, const void *p, size_t n)
{
	crypto_hash_sha256_update(&d->state, p, n);
}

void
digest_sha256_end(struct digest_sha256 *d, uint8_t hash[DIGEST_HASH])
{
	crypto_hash_sha256_final(&d->state, hash);
	free(d);
}

void
digest_wipe(void *p, size_t n)
{
	if (p != NULL)
		sodium_memzero(p, n);
}
