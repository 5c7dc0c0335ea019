/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer: what the key process does with the CA: certificates for the outer door, certificates for one session on one
 * target, and revocations. Holds the CA, the ledger and the list of revocations, and judges every request by itself,
 * as if nobody had before. Refusals are one static line in *whyp.
 */
#ifndef IDENT_ISSUER_H
#define IDENT_ISSUER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

struct buf;
struct issuer;
struct krl;
struct ledger;

#define ISSUER_SKEW_S		60		/* certificates are valid from this long before now: clocks differ */
#define ISSUER_TTL_MS		(15 * 60 * 1000)	/* when nobody says */
#define ISSUER_MINT_MAX_MS	(60 * 60 * 1000)	/* longest life of a certificate for a target */
#define ISSUER_GROUPS_MAX	16

/* A certificate for the outer door. Pointers stay the caller's. */
struct issuer_request {
	const char	*by;			/* "host/root" */
	const char	*identity;
	const uint8_t	*key;			/* plain public key blob */
	size_t		 keylen;
	int64_t		 ttl_ms;		/* 0 = ISSUER_TTL_MS, or the longest allowed if that is less */
	const char	*owner, *session, *source_address;	/* NULL = none */
	struct strvec	 groups;
	bool		 no_pty, no_port_forwarding;
};

/* A certificate for one session on one target. */
struct issuer_mint {
	const char	*identity, *session, *target, *login;
	const uint8_t	*key;
	size_t		 keylen;
	int64_t		 ttl_ms;
	bool		 way_only;		/* it opens connections through the target, and runs nothing there */
	bool		 forward;		/* policy lets this identity forward connections from there */
	bool		 pty;			/* its own certificate lets it have a terminal */
};

/* What came out. */
struct issuer_result {
	uint64_t	 serial;
	uint64_t	 before;	/* seconds since 1970 */
	char		*key_id;	/* the caller frees */
};

/*
 * dir is ca/, or "." from inside it. 0 and *ip; else *whyp names the file at fault (the caller frees): a damaged list
 * of revocations is no list, so nothing is issued then.
 */
int	issuer_open(const char *dir, const uint8_t seed[32], int64_t max_ttl_ms, struct issuer **ip, char **whyp);
void	issuer_free(struct issuer *);	/* NULL is fine */

/* Append the certificate's blob to out. 0, ERR_DENIED and *whyp, or another code and *whyp. */
int	issuer_issue(struct issuer *, const struct issuer_request *, int64_t now_ms, struct buf *out,
	    struct issuer_result *, const char **whyp);
int	issuer_mint(struct issuer *, const struct issuer_mint *, int64_t now_ms, struct buf *out,
	    struct issuer_result *, const char **whyp);

/* Revoke and write ca/krl. ERR_NOTFOUND: no such certificate was ever made. */
int	issuer_revoke_serial(struct issuer *, uint64_t serial, int64_t now_ms);
int	issuer_revoke_key_id(struct issuer *, const char *key_id, int64_t now_ms);
int	issuer_revoke_key(struct issuer *, const uint8_t *key, size_t keylen, int64_t now_ms);

/* The list as it is on disk; belongs to the issuer, valid until the next revocation. */
const struct buf	*issuer_krl_bytes(const struct issuer *);
const struct krl	*issuer_krl(const struct issuer *);
struct ledger		*issuer_ledger(struct issuer *);
const uint8_t		*issuer_ca_key(const struct issuer *, size_t *lenp);

#endif
