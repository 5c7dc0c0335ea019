/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privkey: a private key that the key process holds for targets that know no CA: read from OpenSSH's private key format
 * (PROTOCOL.key, not encrypted), and signing as an SSH agent does. Ed25519, ECDSA on the NIST curves, RSA with SHA-2.
 */
#ifndef IDENT_PRIVKEY_H
#define IDENT_PRIVKEY_H

#include <stddef.h>
#include <stdint.h>

#define PRIVKEY_TEXT_MAX	(16 * 1024)	/* RSA of 8192 bits is 6.5 KiB of text */

struct buf;
struct privkey;

/*
 * Read the text of a key file. The two halves are tried on each other. 0 and *kp; else a code and *whyp: one static line
 * for the administrator. The caller frees.
 */
int	privkey_parse(const void *text, size_t n, struct privkey **kp, const char **whyp);
/* A fresh Ed25519 key that exists in this process alone. NULL: no memory, or no randomness. */
struct privkey	*privkey_new(void);
void	privkey_free(struct privkey *);		/* overwrites; NULL is fine */

/* The public half as a wire blob; lives as long as the key. */
const uint8_t	*privkey_blob(const struct privkey *, size_t *lenp);
/*
 * Append a signature blob (string algorithm, string signature) over a message. algorithm is the name in the client's
 * request: for RSA keys rsa-sha2-256 or rsa-sha2-512, for others the key's type. 0, ERR_DENIED (not one of this key's),
 * ERR_CRYPTO, ERR_TOOBIG.
 */
int	privkey_sign(const struct privkey *, const char *algorithm, const void *msg, size_t n, struct buf *out);

#endif
