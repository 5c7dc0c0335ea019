/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/digest.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "bastion/base/log.h"

void
digest_sha256(const void *p, size_t n, uint8_t out[DIGEST_LEN])
{
	if (EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) != 1)
		fatal("SHA-256 is not available");
}

void
digest_to_hex(const uint8_t d[DIGEST_LEN], char out[DIGEST_HEX])
{
	sodium_bin2hex(out, DIGEST_HEX, d, DIGEST_LEN);
}
