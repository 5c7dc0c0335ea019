/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: who may decide a request. Pure. The requester never; the human who owns the requester never, under whatever
 * identity; an agent never; the same human never twice. Who somebody is and whom they belong to is the parent's word.
 */
#ifndef APPROVALS_JUDGE_H
#define APPROVALS_JUDGE_H

#include <stdbool.h>

#include "approvals/request.h"
#include "bastion/base/strvec.h"

struct buf;

struct person {
	char		*identity;
	char		*owner;		/* "" = none */
	struct strvec	 groups;
	bool		 may_decide;	/* this connection is one that may decide at all */
	bool		 host;		/* an administrator on the host itself */
};

enum judgement {
	JUDGE_MAY,
	JUDGE_NOT_HERE,		/* this identity may decide nothing */
	JUDGE_AGENT,
	JUDGE_SELF,
	JUDGE_OWNER,		/* the requester's owner */
	JUDGE_SAME_HUMAN,	/* another identity of the human behind the requester */
	JUDGE_NOT_APPROVER,	/* the rule names others */
	JUDGE_TWICE,		/* this human has approved already */
};

struct person	*person_new(const char *identity, const char *owner);
struct person	*person_copy(const struct person *);
void		 person_free(struct person *);

/* Approve: all of the above. Deny: the same, but who has approved may still deny. */
enum judgement	 judge_vote(const struct request *, const struct person *, bool approve);
/* Words for the approver: what is wrong, what to do. */
const char	*judge_text(enum judgement);
/* Whether this person is the requester, or the human who owns the requester (not another agent of that human). */
bool		 judge_is_own(const struct request *, const struct person *);
/* May see the request at all: own, or one of the rule's approvers. */
bool		 judge_may_see(const struct request *, const struct person *);

#endif
