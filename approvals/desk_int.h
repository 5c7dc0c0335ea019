/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the desk share: desk.c (state), peer.c (a session's link), op.c and op-*.c (what is being done). */
#ifndef APPROVALS_DESK_INT_H
#define APPROVALS_DESK_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "approvals/desk.h"
#include "approvals/judge.h"
#include "approvals/limits.h"
#include "approvals/request.h"
#include "approvals/settings.h"
#include "approvals/store.h"
#include "bastion/base/buf.h"
#include "bastion/base/strvec.h"

struct ask;
struct event;
struct op;
struct provider;
struct verb;

/* An open request in memory. */
struct held {
	TAILQ_ENTRY(held)	 entry;
	struct request		*r;
	struct op		*busy;		/* the one step that is being recorded; others wait for it */
	bool			 recorded;	/* asking for it is in the audit log and it is in the store */
};

/* A session. */
struct peer {
	TAILQ_ENTRY(peer)	 entry;
	struct desk		*desk;
	int			 fd;		/* until the parent has said who it is, else -1 */
	struct event		*early_end;	/* likewise, else NULL */
	struct link		*link;		/* from then on */
	struct person		*who;		/* likewise */
	char			*session;
	struct strvec		 watches;	/* ids of requests it waits on */
	unsigned		 nops;
};

struct desk {
	struct desk_params	 p;
	struct settings		*settings;	/* NULL until the first APPROVALS_CONF */
	struct provider		*providers[HOOKS_MAX];
	size_t			 nproviders;
	TAILQ_HEAD(, held)	 open;
	size_t			 nopen;
	TAILQ_HEAD(, peer)	 peers;
	TAILQ_HEAD(, op)	 ops;
	struct event		*timer;
	bool			 remembers;	/* the parent knows of findings that are remembered */
};

enum op_step {
	OP_DONE,	/* answered */
	OP_WAIT,	/* the request is busy: start again later */
	OP_RECORD,	/* op_record has been called: finish() when the audit log has it */
};

struct op_kind {
	const char	*name;
	enum op_step	(*start)(struct op *);
	void		(*finish)(struct op *);
};

/* One message that is being worked on, or one request that expires. */
struct op {
	TAILQ_ENTRY(op)		 entry;
	struct desk		*desk;
	const struct op_kind	*kind;
	struct peer		*peer;		/* who is answered; NULL = has gone, or nobody, or the parent */
	bool			 admin;		/* the parent is answered */
	uint32_t		 id;		/* of the message that is answered */
	uint32_t		 audit_id;	/* 0 = not being recorded */
	struct held		*held;		/* busy with this */
	struct person		*who;		/* as of when it came; NULL when time itself acts */
	char			*session;	/* theirs; "" = none */
	int64_t			 now_ms;	/* when it started: what is recorded and what is done agree */
	/* what it is about, owned; by kind */
	struct ask		*ask;
	struct verb		*verb;
	char			*req;
	uint8_t			 digest[APPROVAL_DIGEST_LEN];
	char			*text;		/* what is to be said when it is done */
	bool			 refused;
};

extern const struct op_kind op_ask, op_verb, op_use, op_expire, op_return;

/* op.c. A new operation for a peer (or NULL), not yet started. */
struct op	*op_new(struct desk *, const struct op_kind *, struct peer *);
/* Start it; it frees itself when it is over. */
void		 op_run(struct op *);
/* The audit process is far behind: nothing is started now. */
bool		 op_must_wait(const struct desk *);
/* Have an event recorded about a request; busy it. Members are taken over. */
enum op_step	 op_record(struct op *, struct held *, const char *event, json_t *members);
void		 op_free(struct op *);
/* Start again whatever waited. */
void		 op_retry(struct desk *);
/* A peer has gone: nobody is to be answered. */
void		 op_forget_peer(struct desk *, struct peer *);
/* Members for an audit record: the request, and who acts (op->who) when somebody does. */
json_t		*op_members(const struct op *, const struct request *);

/* desk.c */
struct held	*desk_hold(struct desk *, struct request *);	/* takes over */
void		 desk_drop(struct desk *, struct held *);	/* out of memory, not out of the store */
struct held	*desk_find(struct desk *, const char *id);
/* The sessions that wait on it hear what became of it; providers too. */
void		 desk_tell(struct desk *, const struct request *);
void		 desk_announce(struct desk *, const struct request *);
/* The parent hears which findings are remembered now. */
void		 desk_tell_memory(struct desk *);
/* Let expire what is over, set the timer for what comes next. */
void		 desk_sweep(struct desk *);

/* peer.c. fd is taken over unless NULL comes back; who is, in any case. */
struct peer	*peer_new(struct desk *, const char *session, int fd);
void		 peer_free(struct peer *);
int		 peer_identify(struct peer *, struct person *);
void		 peer_watch(struct peer *, const char *id);
void		 peer_tell(struct peer *, const struct request *);

/* An encoded message for link_send; never NULL. */
struct buf	*desk_body(void);

#endif
