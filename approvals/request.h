/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: one question to humans and what became of it. Pure: no I/O, clocks are arguments (wall milliseconds).
 *
 *	pending -> approved	the last approval that the quorum needs
 *	pending -> denied	one denial
 *	pending -> expired	its deadline, or the policy changed
 *	approved -> used	once, by the same identity, for the same digest, under the same policy
 *	used -> approved	what it was used for was not done after all
 *	approved -> expired	nobody used it in time, or the policy changed
 */
#ifndef APPROVALS_REQUEST_H
#define APPROVALS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/id.h"
#include "bastion/base/strvec.h"

struct vote {
	char	*identity;
	char	*owner;		/* "" = none */
	char	*reason;	/* "" = none given */
	bool	 host;		/* an administrator on the host: break-glass */
	bool	 approve;
	int64_t	 at_ms;
};

struct request {
	char			 id[ID_TEXT];
	char			*identity, *owner;	/* of the requester; owner "" = none */
	char			*session;
	char			*kind, *target, *login, *rule, *because;
	uint8_t			*text;
	size_t			 text_len;
	uint8_t			 digest[APPROVAL_DIGEST_LEN];
	uint8_t			 policy[APPROVAL_DIGEST_LEN];
	unsigned		 quorum;
	struct strvec		 approvers;	/* patterns of the rule when it was asked */
	int64_t			 asked_ms;
	int64_t			 deadline_ms;	/* of the question */
	int64_t			 grant_until_ms;	/* of the approval; 0 = none */
	enum approval_verdict	 state;
	int64_t			 decided_ms;	/* when it left pending; 0 = has not */
	int64_t			 used_ms;
	char			*why;		/* of a denial or an early end; "" */
	struct vote		*votes;
	size_t			 nvotes;
};

/* An empty pending request without an id; every string is "". The caller frees. */
struct request	*request_new(void);
void		 request_free(struct request *);
/* Replace one of the strings above: request_set(&r->kind, "exec"). */
void		 request_set(char **field, const char *value);

/* Whether a pending question or an unused approval is past its time. */
bool	request_is_due(const struct request *, int64_t now_ms);
/* When that will be; INT64_MAX for finished ones. */
int64_t	request_due_ms(const struct request *);
bool	request_is_open(const struct request *);

/* The state that this vote would lead to. */
enum approval_verdict	request_after_vote(const struct request *, const struct vote *);
/* Count a vote that the judge let pass (copied). 0, ERR_DENIED (not pending), ERR_EXPIRED, ERR_TOOBIG. */
int	request_vote(struct request *, const struct vote *, int64_t grant_ttl_ms);
/* 0, or ERR_DENIED for a finished one. */
int	request_expire(struct request *, int64_t now_ms, const char *why);
/* May this be used now? NULL, or why not. */
const char	*request_use_refused(const struct request *, const char *identity, const uint8_t *digest,
		    const uint8_t *policy, int64_t now_ms);
/* 0, or ERR_DENIED when request_use_refused had a reason. */
int	request_use(struct request *, const char *identity, const uint8_t *digest, const uint8_t *policy,
	    int64_t now_ms);

/* What it was used for was not done after all: it can be used again, in its time. */
void	request_return(struct request *);

/* How many approvals there are. */
unsigned	request_approvals(const struct request *);
/* "bob, carol": who decided it. The caller frees. */
char		*request_deciders(const struct request *);
/* "pending", "approved", .. */
const char	*verdict_text(enum approval_verdict);

#endif
