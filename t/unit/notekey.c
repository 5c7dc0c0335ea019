/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/notekey.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

void
notekey_make(struct notekey *k, const char *name)
{
	uint8_t typed[33] = { 1 }, digest[32];
	char b64[64], hex[9];
	crypto_hash_sha256_state h;

	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	crypto_sign_keypair(k->pk, k->sk);
	memcpy(typed + 1, k->pk, 32);
	crypto_hash_sha256_init(&h);
	crypto_hash_sha256_update(&h, (const uint8_t *)name, strlen(name));
	crypto_hash_sha256_update(&h, (const uint8_t *)"\n", 1);
	crypto_hash_sha256_update(&h, typed, sizeof(typed));
	crypto_hash_sha256_final(&h, digest);
	memcpy(k->id, digest, 4);
	sodium_bin2hex(hex, sizeof(hex), k->id, 4);
	sodium_bin2base64(b64, sizeof(b64), typed, sizeof(typed), sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(k->line, sizeof(k->line), "%s+%s+%s\n", name, hex, b64);
}

void
notekey_sign(const struct notekey *k, const void *text, size_t n, char out[512])
{
	uint8_t sig[68];
	char b64[128];

	memcpy(sig, k->id, 4);
	crypto_sign_detached(sig + 4, NULL, text, n, k->sk);
	sodium_bin2base64(b64, sizeof(b64), sig, sizeof(sig), sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(out, 512, "\xe2\x80\x94 %s %s\n", k->name, b64);
}
