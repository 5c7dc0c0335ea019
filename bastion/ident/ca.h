/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ca: build and sign OpenSSH user certificates with the Ed25519 key of the user CA. Decides nothing: the issuer does.
 */
#ifndef IDENT_CA_H
#define IDENT_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

struct buf;
struct ca;

#define CA_SEED_LEN	32

/* What one certificate is to say. Pointers stay the caller's. */
struct ca_params {
	const uint8_t	*key;		/* plain public key blob of the subject, checked here */
	size_t		 keylen;
	uint64_t	 serial;
	const char	*key_id;
	const char	*principal;
	uint64_t	 valid_after, valid_before;	/* seconds since 1970 */
	const char	*force_command;		/* NULL = whatever is asked for */
	const char	*source_address;	/* NULL = any */
	bool		 permit_pty, permit_port_forwarding;
	const char	*owner, *session;	/* NULL = none */
	const struct strvec *groups;		/* NULL or empty = none */
};

/* The seed is copied. NULL = no memory. */
struct ca	*ca_new(const uint8_t seed[CA_SEED_LEN]);
void		 ca_free(struct ca *);	/* overwrites the key; NULL is fine */
/* The CA's public key blob; lives as long as the ca. */
const uint8_t	*ca_key(const struct ca *, size_t *lenp);
/*
 * Append a signed certificate blob. 0, ERR_FORMAT, ERR_CRYPTO (the subject's key is not one we take), ERR_TOOBIG,
 * ERR_NOMEM.
 */
int		 ca_sign(const struct ca *, const struct ca_params *, struct buf *out);

#endif
