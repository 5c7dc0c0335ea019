/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consent: one thing that a human is asked about, from the question to the used-up approval. Bound to a digest of exactly
 * what will happen; the approvals process keeps the record, this is the session's end of it.
 */
#ifndef SSH_CONSENT_H
#define SSH_CONSENT_H

#include <stdint.h>

#include "bastion/base/digest.h"

struct consent;
struct msg;
struct session;

struct consent_params {
	const char	*kind;		/* "exec", "push" */
	const char	*target;
	const char	*login;		/* or the repository */
	const char	*rule, *because;
	const char	*text;		/* everything that is decided, masked, for the human */
	uint8_t		 digest[DIGEST_LEN];
};

struct consent	*consent_new(struct session *, const struct consent_params *);
void		 consent_free(struct consent *);	/* NULL is fine; the request itself stays open */

enum consent_state {
	CONSENT_ASKING,		/* no request id yet */
	CONSENT_PENDING,	/* a human is being asked */
	CONSENT_GIVEN,		/* approved: consent_use() it */
	CONSENT_USING,
	CONSENT_USED,		/* may happen now, once */
	CONSENT_REFUSED,	/* denied by a human: consent_why */
	CONSENT_LATER,		/* expired, or the approvals process failed: try again */
};

enum consent_state consent_state(const struct consent *);
const char	*consent_id(const struct consent *);	/* "REQ-..", "" while asking */
const char	*consent_why(const struct consent *);	/* who decided and the reason, or what failed */
int64_t		 consent_deadline(const struct consent *);	/* wall ms, of the request */
/* Uses the approval up; becomes CONSENT_USED when that is durable. */
void		 consent_use(struct consent *);

/* The approvals process has gone: whatever waits for it must ask again later. */
void		 consent_fail_all(struct session *);
/* What the approvals process said unasked (APPROVALS_DECISION); the session hands it to all its consents. */
int		 consent_decision(struct session *, struct msg *);

#endif
