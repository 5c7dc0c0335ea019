/* SPDX-License-Identifier: Apache-2.0 */
/* Fields shared by the files of this room; nobody else includes it. */
#ifndef SSH_SESSION_INT_H
#define SSH_SESSION_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bastion/base/calls.h"
#include "bastion/base/id.h"
#include "bastion/base/link.h"
#include "bastion/base/strvec.h"
#include "bastion/policy/decide.h"
#include "bastion/policy/profile.h"
#include "bastion/ssh/pulse.h"
#include "bastion/ssh/refusal.h"
#include "bastion/ssh/session.h"
#include "bastion/ssh/sshconn.h"

#define EXIT_DENIED	77	/* refused by policy */
#define EXIT_LATER	75	/* pending, or try again */
#define EXIT_UNREACHED	69	/* target or upstream cannot be reached */

struct buf;
struct channel;
struct consent;
struct leg;

enum session_state {
	SESSION_AUTH,		/* key exchange and authentication; the parent holds the clock */
	SESSION_VOUCH,		/* key proven, certificate good: the parent decides whether it is so */
	SESSION_REFUSED,	/* the parent says no: each channel is told why, for a moment */
	SESSION_OPEN,
	SESSION_ENDING,		/* nothing new; what is recorded must be sealed */
};

#define EARLY_RECORDS	16	/* more than that are recorded at once, without an identity */

struct session {
	const struct session_params *p;
	enum session_state	 state;
	struct sshloop		*loop;
	struct sshconn		*agent;
	struct link		*monitor, *audit, *approvals;
	struct calls		*calls;		/* answers of all three, by one numbering */
	struct cert		*cert;
	uint8_t			*cert_blob;
	size_t			 cert_len;
	char			*user;		/* as typed */
	char			*login, *target;	/* LOGIN@TARGET, or NULL: the bastion itself */
	struct subject		 who;
	struct session_limits	 limits;
	unsigned		 tries, offers;
	bool			 greeted, advised;
	struct channel		*channels;
	unsigned		 nchannels;
	uint32_t		 last_channel;
	struct leg		*leg;		/* to this connection's target */
	/* what was decided before the parent had named the identity: recorded under it, when it has */
	struct early_record {
		char	*event;
		json_t	*obj;
	}			 early[EARLY_RECORDS];
	unsigned		 nearly;
	bool			 approvals_gone, audit_gone, monitor_gone;
	struct listen		*listens;	/* where the target listens for the agent */
	struct consent		*consents;	/* what humans are being asked */
	char			*broken;	/* why the session cannot go on, or NULL */
	int			 cut_status;	/* of what is cut off then: EXIT_LATER, or EXIT_DENIED */
	int64_t			 cut_at;	/* ENDING: leave at this monotonic time at the latest */
	bool			 stopping;	/* nothing new; end when the running channels have */
	char			*stop_why;	/* REFUSED, or stopping: for the agent */
	int64_t			 active_us;	/* something ran or moved at this monotonic time */
	int			 new_approvals;	/* descriptor of a link that replaces the one that went, or -1 */
	bool			 soon;		/* something may have moved inside libssh without a word: look again soon */
	struct refusals		 refusals;
	size_t			 gathered;	/* bytes of files that wait to be scanned whole */
	struct pulse		 pulse;		/* of the agent's connection */
	unsigned		 still;		/* turns in a row in which nothing moved */
	bool			 moved;		/* something happened in this turn: do not wait */
};

/* Send a request and remember who waits; false when the link is gone or too much is unanswered (then the session is broken). */
bool	session_call(struct session *, struct link *, uint16_t type, const struct buf *body, call_fn, void *arg);
/* An audit record. obj is taken over. fn is called once it is durable; NULL = nobody waits. */
bool	session_record(struct session *, const char *event, json_t *obj, call_fn fn, void *arg);
/* When keys are renewed, on both legs. */
struct sshrekey session_rekey(const struct session *);
/* The connection cannot go on. Text goes to the log and, where possible, to the agent. */
void	session_break(struct session *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Text with every secret masked and every control character visible; the caller frees. */
char	*session_mask(struct session *, const void *p, size_t n);
/* False when that text only says that it could not be scanned: nobody may be asked to approve it. */
bool	session_is_masked(const char *text);

/* What a channel does, by its first request (exec, shell, subsystem). */
struct channel_type {
	const char	*name;
	/* Once, when the request has come. */
	void		(*start)(struct channel *);
	/* The work: once a turn, outside all handlers. */
	void		(*step)(struct channel *, int64_t now_us);
	/* The agent has gone or the session ends: stop what runs. step() goes on until channel_is_over. */
	void		(*stop)(struct channel *, const char *why);
	/* True once everything is durable and nothing needs the channel any more. */
	bool		(*settled)(const struct channel *);
	void		(*free)(struct channel *);
	/* The audit process said something about a recording of this channel (tape.h); NULL for types without one. */
	struct tape	*(*tape)(const struct channel *);
	/* The approvals process has gone, or NULL: what waits for it must end. */
	void		(*lost)(struct channel *);
	/* A request was decided that this channel may have been watching, or NULL. Only notes it. */
	void		(*decided)(struct channel *, const char *request, unsigned verdict, const char *by, const char *reason);
};

enum channel_state { CHANNEL_NEW, CHANNEL_RUN, CHANNEL_FLUSH, CHANNEL_CLOSED };

/* A channel of the agent's. Until its first request its type is NULL. */
struct channel {
	struct channel		*next;
	struct session		*session;
	uint32_t		 number;
	struct sshchan		*ssh;
	uint64_t		 moved;		/* bytes both ways, as of the last turn */
	int64_t			 active_us;	/* when that was last another number */
	enum channel_state	 state;
	const struct channel_type *type;
	void			*own;		/* the type's */
	/* what the agent asked for */
	char			*command;	/* exec; NULL = shell or subsystem */
	char			*subsystem;
	char			*forward;	/* direct-tcpip: "HOST:PORT"; such a channel has no requests, no stderr, no status */
	bool			 too_long;	/* the command was over CHANNEL_COMMAND_MAX and is not kept */
	struct strvec		 env;		/* accepted "NAME=VALUE" for the target */
	struct strvec		 claims;	/* what the agent says of itself: never trusted, only recorded */
	bool			 json;		/* SALLYPORT_FORMAT=json */
	bool			 no_wait;	/* SALLYPORT_WAIT=0 */
	size_t			 env_bytes;
	bool			 pty;
	char			*term;
	unsigned		 cols, rows;
	bool			 resized;
	char			*signal;	/* to be passed on */
	/* from the agent */
	struct buf		*in;
	size_t			 in_max;	/* how much the handler takes */
	bool			 in_eof;
	bool			 gone;		/* the agent closed the channel */
	/* to the agent, besides what a target prints */
	struct buf		*out, *say;
	bool			 out_ended;	/* EOF is sent: not a byte may follow, on either stream */
	int			 status;
	char			*exit_signal;
	bool			 status_sent;
};

#define CHANNEL_IN_MAX		(256 * 1024)
#define CHANNEL_IN_APPROVAL	(1024 * 1024)	/* standard input that an approval can cover */
#define CHANNEL_TEXT_MAX	(1024 * 1024)
#define CHANNEL_COMMAND_MAX	(32 * 1024)
#define CHANNEL_ENV_MAX		(32 * 1024)

/* Ops for a new session channel of the agent's; see sshserver_ops.open. */
bool	channel_open(struct session *, struct sshchan *, const struct sshchan_ops **opsp, void **argp);
/* The same for a direct-tcpip channel: false when it is denied, which is recorded. */
bool	channel_forward(struct session *, struct sshchan *, const char *host, unsigned port, const struct sshchan_ops **opsp,
	    void **argp);
/* A channel to the agent for what came in at a listen of its, on up; as sshconn_client.incoming. In channel-forward.c. */
struct listen;
bool	channel_reverse(struct session *, struct sshchan *up, const struct listen *, const char *from, unsigned from_port,
	    const struct sshchan_ops **opsp, void **argp);
/* Its half of it: NULL = there may be no more, or no memory. forward is taken over. */
struct channel *channel_back(struct session *, char *forward);
void	channel_step(struct channel *, int64_t now_us);
void	channel_stop(struct channel *, const char *why);
bool	channel_is_over(const struct channel *);
void	channel_free(struct channel *);
struct channel *channel_find(struct session *, uint32_t number);

/* One line to the agent's stderr, "sallyport: " before it. */
void	channel_sayf(struct channel *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The line of a refusal, in the one form of DESIGN section 1, and the exit status 77. */
void	channel_deny(struct channel *, const char *request, const char *rule, const char *because, const char *hint);
/* Everything is said: exit status, EOF, CLOSE once the text is gone. */
void	channel_end(struct channel *, int status);
/* Nothing more will be said on either stream; once what is queued has gone. The status may come much later. */
void	channel_send_eof(struct channel *);
/* Move queued text to the agent. */
void	channel_flush(struct channel *);
/* JSON of what the agent claims about itself, for records; NULL when it claims nothing. */
json_t	*channel_claims(const struct channel *);

extern const struct channel_type channel_forward_type;
extern const struct channel_type channel_exec_type, channel_verb_type, channel_fetch_type, channel_push_type,
	channel_lfs_type;
/*
 * channel-forward: whether to take one at all; what is taken waits in channel_forward_type. Pure but for the record of a
 * denial: it is called from inside a handler.
 */
bool	forward_admit(struct session *, const char *host, unsigned port, char **forwardp);
/* MON_GIT_FD for the git channels. */
int	git_on_fd(struct link *, struct msg *, void *session);
/* exec: what a git command line asks for. False: not one of git's. Outputs are the caller's to free. */
enum git_service { GIT_FETCH, GIT_PUSH, GIT_LFS, GIT_LFS_UPLOAD, GIT_LFS_DOWNLOAD, GIT_OTHER };
bool	git_command_parse(const char *command, enum git_service *servicep, char **upstreamp, char **repop, const char **errorp);

#endif
