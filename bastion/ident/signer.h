/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer: signs checkpoints of the audit log, and nothing else, and only forward: a log that became smaller, or has
 * another root at the same size, was altered, and gets no signature. What was signed last outlives the process
 * (ca/signed).
 */
#ifndef IDENT_SIGNER_H
#define IDENT_SIGNER_H

#include <stddef.h>
#include <stdint.h>

struct signer;

/*
 * dir is ca/, or "." from inside it; name is of the key and of the log. 0 and *sp; ERR_SYSTEM, ERR_FORMAT
 * (ca/signed).
 */
int	signer_open(const char *dir, const char *name, const uint8_t seed[32], struct signer **sp);
void	signer_free(struct signer *);	/* NULL is fine */
/* The signature line over a checkpoint text; the caller frees *linep. Or a code, and *whyp: one static line. */
int	signer_sign(struct signer *, const void *text, size_t n, char **linep, const char **whyp);
/* The public key, 32 bytes; lives as long as the signer. */
const uint8_t	*signer_key(const struct signer *);

#endif
