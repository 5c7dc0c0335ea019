/* SPDX-License-Identifier: Apache-2.0 */
/* sha256: one running SHA-256 (libcrypto, with the processor's own instructions). A failing library is fatal. */
#ifndef RECORD_SHA256_H
#define RECORD_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN	32
#define SHA256_HEX	65	/* room for the hexadecimal form and its NUL */

struct sha256;

struct sha256	*sha256_new(void);
void		 sha256_free(struct sha256 *);	/* NULL is fine */
void		 sha256_reset(struct sha256 *);
void		 sha256_update(struct sha256 *, const void *p, size_t n);
/* The digest of all bytes so far; more may follow. */
void		 sha256_peek(const struct sha256 *, uint8_t out[SHA256_LEN]);
/* The digest, and start anew. */
void		 sha256_final(struct sha256 *, uint8_t out[SHA256_LEN]);
void		 sha256_hex(const uint8_t digest[SHA256_LEN], char out[SHA256_HEX]);

#endif
