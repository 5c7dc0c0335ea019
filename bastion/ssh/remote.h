/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote: what one channel of the agent's runs on the target: its record and its recording first, then its place on the
 * leg, its channel there, and its end. What goes through that channel is the owner's.
 *
 *	r = remote_new(&params);				exec.start is on its way to the log, the recording opens
 *	switch (remote_step(r, now_us)) {			once a turn
 *	case REMOTE_READY:	remote_begin(r, now_us);	all of that is durable and the target is there: start it
 *	case REMOTE_UP:		.. bytes ..			until remote_has_ended(r), then remote_end(r, ..)
 *	case REMOTE_OVER:	.. nothing is left to do ..
 *	}
 */
#ifndef SSH_REMOTE_H
#define SSH_REMOTE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bastion/base/digest.h"
#include "bastion/ssh/sshconn.h"

struct channel;
struct consent;
struct remote;
struct tape;
struct verdict;

/* All borrowed; must outlive the remote. */
struct remote_params {
	struct channel		*c;
	const char		*request;	/* "REQ-..": names the decision */
	const char		*kind;		/* "exec", "shell", "subsystem", "scp", "rsync" */
	const char		*shown;		/* the command, masked and printable */
	const uint8_t		*digest;	/* of what was decided, remote_digest() */
	const struct verdict	*verdict;
	const struct consent	*consent;	/* the approval that was used, or NULL */
	/* What the target sends; as in struct sshchan_ops. Only notes it. */
	size_t			(*data)(enum sshchan_stream, const void *p, size_t n, void *arg);
	void			*arg;
};

/*
 * What an approval is bound to: identity, target, login, kind, the exact command, its environment, the terminal and the
 * standard input (in) that goes with it.
 */
void		 remote_digest(const struct channel *, const char *kind, const void *in, size_t nin, uint8_t digest[DIGEST_LEN]);
/* The members that all records about it have in common; the caller adds and records. */
json_t		*remote_record(const struct remote_params *);

enum remote_state {
	REMOTE_RECORD,	/* until exec.start is durable and the recording open: nothing crosses */
	REMOTE_LEG,	/* until the target is there */
	REMOTE_READY,	/* the owner says when */
	REMOTE_START,
	REMOTE_UP,	/* started; or failed, and then it has ended already */
	REMOTE_SEAL,
	REMOTE_OVER,
};

struct remote	*remote_new(const struct remote_params *, int64_t now_us);
void		 remote_free(struct remote *);	/* NULL is fine */
/* The next step, as far as it can be taken now. */
enum remote_state remote_step(struct remote *, int64_t now_us);
enum remote_state remote_state(const struct remote *);
/* READY: open the channel and make the request of the agent's own channel. */
void		 remote_begin(struct remote *, int64_t now_us);

/* NULL before it starts, and where it never did. */
struct sshchan	*remote_chan(struct remote *);
struct tape	*remote_tape(struct remote *);
/* Exit status or signal has come. */
bool		 remote_has_status(const struct remote *);
/* The target will take nothing more. */
bool		 remote_is_closed(const struct remote *);
/* Nothing more will be printed, though it may still run: what was has been taken. */
bool		 remote_is_silent(const struct remote *);
/* Nothing more will come either: what came has been taken. */
bool		 remote_has_ended(const struct remote *);

/* It cannot go on, for this reason: a line to the agent, a marker, this status; UP, and ended. */
void		 remote_fail(struct remote *, int status, const char *why, int64_t now_us);
/* The agent has gone or the session ends: hang up. Takes as much as was possible in its state; step goes on to its end. */
void		 remote_stop(struct remote *, const char *why);
/*
 * Everything is with the agent: seal the recording, record exec.end with these further members (taken over), and end the
 * agent's channel with the target's status. OVER once that is durable.
 */
void		 remote_end(struct remote *, json_t *more, int64_t now_us);

#endif
