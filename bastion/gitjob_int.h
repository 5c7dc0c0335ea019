/* SPDX-License-Identifier: Apache-2.0 */
/* gitjob: one fetch or push of one session, as the parent has it. gitjob.c is its course, gitjob-judge.c what is decided. */
#ifndef BASTION_GITJOB_INT_H
#define BASTION_GITJOB_INT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bastion/base/digest.h"
#include "bastion/base/id.h"
#include "bastion/base/strvec.h"
#include "bastion/daemon.h"
#include "bastion/policy/decide.h"
#include "bastion/pool.h"
#include "gitfilter/push.h"

struct lfsjob;

struct gitjob {
	struct gitjob	*next;
	struct daemon	*daemon;
	struct peer	*peer;			/* NULL: its session has gone while it was storing */
	char		 session[ID_TEXT];
	char		*identity;
	uint32_t	 id;
	bool		 push;
	char		*upstream, *repo;
	const struct conf_upstream *place;	/* belongs to conf */
	struct conf_ref	*conf;
	struct pool_hold hold;		/* of an upstream elsewhere */
	pid_t		 leg, inspector;	/* 0 = ended */
	struct link	*leg_link, *inspector_link;
	int		 spool;			/* -1 once handed over */
	struct lfsjob	*keeper;		/* of the LFS objects that it names, or NULL */
	/* the inspector's own word */
	bool		 have_result;
	uint8_t		 status;
	struct push_extent extent;
	bool		 judged;		/* its verdicts have come: these */
	uint8_t		 digest[DIGEST_LEN];	/* of what was approved */
	struct strvec	 spent;		/* approvals that were used for it, by request */
	struct strvec	 denials, asks, parks;	/* rules, by id; parks: those on references too */
	uint64_t	 length;
	bool		 needs;			/* it builds on objects of the repository */
	bool		 needs_heard, may_need;	/* the leg says whether those are shown */
	uint8_t		 met[DIGEST_LEN];	/* over what policy does not simply allow */
	uint8_t		 needs_digest[DIGEST_LEN], may_need_digest[DIGEST_LEN];	/* over their names, by either */
	struct push_command *cmds;
	uint8_t		*ops;			/* enum inspect_op */
	uint32_t	 ncmds;
	bool		 force, deletes;	/* what git may do when it stores */
	bool		 promoting;		/* approved; its LFS objects go before it */
	bool		 approved;		/* to be stored as soon as the inspector has ended */
	bool		 storing;
	bool		 ordered;		/* the session wants it stored, by a message that has no answer yet: */
	uint32_t	 order_msg;
	char		 request[ID_TEXT];	/* under which old tips are kept */
	bool		 keep, park;
	char		*rule, *text;		/* that has it parked; what approvers are shown; or NULL */
	bool		 reported;		/* the leg has said how it went */
};

/*
 * Whether what was inspected may be stored (or parked, when that is the order): NULL, or why not. Sets the digest, and what git
 * may do when it stores.
 */
const char	*gitjob_judge(struct gitjob *);
/* The approvals of exactly this are used up; given back when the upstream took nothing. */
void		 gitjob_take_grants(struct gitjob *);
void		 gitjob_return_grants(struct gitjob *);

#endif
