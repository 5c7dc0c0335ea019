/* SPDX-License-Identifier: Apache-2.0 */
/* digest: keyed fingerprints and the hash of a rule set. The one file that includes libsodium. */
#ifndef SECRETSCAN_DIGEST_H
#define SECRETSCAN_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_KEY	32
#define DIGEST_HASH	32

struct digest;

/* Once before anything else here. 0, or -1 when the library cannot start. */
int		 digest_init(void);
/* A fingerprint in the making; NULL when there is no memory. */
struct digest	*digest_new(const uint8_t key[DIGEST_KEY]);
void		 digest_free(struct digest *);
void		 digest_update(struct digest *, const void *p, size_t n);
/* 16 hexadecimal digits and a NUL. */
void		 digest_hex(struct digest *, char hex[17]);

/* SHA-256 of several pieces. */
struct digest_sha256;
struct digest_sha256	*digest_sha256_new(void);
void			 digest_sha256_update(struct digest_sha256 *, const void *p, size_t n);
/* Also frees. */
void			 digest_sha256_end(struct digest_sha256 *, uint8_t hash[DIGEST_HASH]);

void		 digest_wipe(void *p, size_t n);

#endif
