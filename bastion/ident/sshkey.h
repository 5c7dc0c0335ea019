/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sshkey: SSH public keys as they lie on the wire (RFC 4253 section 6.6, RFC 5656, RFC 8709, PROTOCOL.u2f): read,
 * judge, verify with. Private keys of ours live in keystore.c.
 */
#ifndef IDENT_SSHKEY_H
#define IDENT_SSHKEY_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct sshkey_type;

#define SSHKEY_BLOB_MAX		(4 * 1024)	/* a plain key; RSA of 8192 bits is 1 KiB */
#define SSHKEY_LINE_MAX		(32 * 1024)	/* a line of text with a certificate in it */
#define SSHKEY_ED25519_LEN	32

/* By the name of the plain key, or of its certificate. NULL = not one of ours. The result is static. */
const struct sshkey_type *sshkey_type_plain(const char *name);
const struct sshkey_type *sshkey_type_cert(const char *name);
/* The plain name of a type: "ssh-ed25519". */
const char	*sshkey_type_name(const struct sshkey_type *);
/* The name of its certificates: "ssh-ed25519-cert-v01@openssh.com". */
const char	*sshkey_type_cert_name(const struct sshkey_type *);

/*
 * Read the public fields of one key from in (what follows the type name), judge them (RSA 2048 to 8192 bits, points on
 * their curve, minimal integers) and append them unchanged to out. 0, ERR_SHORT, ERR_FORMAT, ERR_CRYPTO, ERR_TOOBIG.
 */
int	sshkey_copy_fields(const struct sshkey_type *, struct buf *in, struct buf *out);
/* Whether a blob is one whole plain key that we take. 0 and *typep (may be NULL), or as above. */
int	sshkey_check(const uint8_t *blob, size_t len, const struct sshkey_type **typep);

/*
 * Verify an SSH signature blob by a plain key over a message. Ed25519, ECDSA and RSA with SHA-2; never SHA-1, never a
 * security key (its flags would go unseen). 0, ERR_CRYPTO (it does not hold, or such keys do not sign here),
 * ERR_FORMAT.
 */
int	sshkey_verify(const uint8_t *key, size_t keylen, const uint8_t *msg, size_t msglen, const uint8_t *sig,
	    size_t siglen);

/*
 * One line "TYPE BASE64 [COMMENT]" as in a .pub file, of a plain key or a certificate: the blob, whose inner type is
 * the outer one. Judges nothing else. 0, ERR_FORMAT, ERR_TOOBIG. The caller frees.
 */
int	sshkey_from_line(const void *text, size_t n, uint8_t **blobp, size_t *lenp);
/* "TYPE BASE64 COMMENT", no line feed; comment may be NULL. NULL when the blob has no type. The caller frees. */
char	*sshkey_to_line(const uint8_t *blob, size_t len, const char *comment);
/* Append the blob of an Ed25519 key. */
int	sshkey_put_ed25519(struct buf *, const uint8_t pk[SSHKEY_ED25519_LEN]);

#endif
