/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 (FIPS 180-4, by OpenSSL) of a piece of memory. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN	32
#define DIGEST_HEX	65	/* with its NUL */

void	digest_sha256(const void *p, size_t n, uint8_t out[DIGEST_LEN]);
void	digest_to_hex(const uint8_t d[DIGEST_LEN], char out[DIGEST_HEX]);

#endif
