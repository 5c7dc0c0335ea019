/* SPDX-License-Identifier: Apache-2.0 */
/* sealed: bytes under a key and a name, as they lie on disk; see FORMAT. What was renamed or altered does not open. */
#ifndef IDENT_SEALED_H
#define IDENT_SEALED_H

#include <stddef.h>
#include <stdint.h>

#define SEALED_KEY_LEN	32
#define SEALED_EXTRA	128	/* what a sealed file is longer than its secret, at most, with a name of up to 32 bytes */

struct buf;

/* Append the sealed form of a secret to out. 0 or ERR_TOOBIG. */
int	sealed_put(struct buf *out, const uint8_t key[SEALED_KEY_LEN], const char *name, const void *secret, size_t n);
/* Append the secret to out. 0, ERR_FORMAT (no such file), ERR_CRYPTO (altered, or another key), ERR_TOOBIG. */
int	sealed_open(const struct buf *in, const uint8_t key[SEALED_KEY_LEN], const char *name, struct buf *out);

#endif
