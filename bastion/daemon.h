/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: the parent process's state and the nouns it is made of. It reads the configuration, listens, starts the other
 * processes, passes descriptors between them and re-checks what each session asks for. It sees no agent bytes but the
 * certificate and the names that a session sends it, and holds no key but the host key.
 *
 *	sallyportd.c	options, signals, start and stop		helper.c	the key, audit and approvals processes
 *	door.c		from accept to a process of its own		peer.c		one connection: fork, grace, end
 *	monitor.c	what a session may ask, and the re-check	gitjob.c	the processes of one fetch or push
 *	dial.c		connecting to targets without waiting		control.c	the administrator's socket
 *	gitjob-judge.c	what it decides of them				lfsjob.c	the keepers of LFS objects
 *	hostkey.c	the bastion's own key, and the next one
 *	proxy.c		the programs that targets are reached by	way.c		which targets a session may open
 *	pool.c		SSH connections to upstreams
 *	approach.c	all that a session needs to reach a target	hostscan.c	host certificates of targets
 *	shelfjob.c	undoing pushes, and forgetting what was kept for it
 */
#ifndef BASTION_DAEMON_H
#define BASTION_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bastion/base/calls.h"
#include "bastion/base/id.h"
#include "bastion/base/link.h"
#include "bastion/monitor_msg.h"
#include "bastion/penalty.h"
#include "bastion/policy/decide.h"
#include "bastion/policy/profile.h"
#include "bastion/source.h"

struct buf;
struct cert;
struct conf;
struct daemon;
struct door;
struct event;
struct event_base;
struct evconnlistener;
struct evdns_base;
struct gitjob;
struct lfsjob;
struct hostscan;
struct krl;
struct pool;
struct secretscan;
struct sshserver;

/* A configuration in use; sessions keep the one they began with. */
struct conf_ref {
	struct conf	*conf;
	unsigned	 users;
};
struct conf_ref	*conf_ref_take(struct conf_ref *);
void		 conf_ref_drop(struct conf_ref *);

/* helper.c: the long-lived processes, started in this order; each needs the one before it. */
enum helper_kind { HELPER_KEYD, HELPER_AUDITD, HELPER_APPROVALD, HELPERS };

struct helper {
	pid_t		 pid;		/* 0 = not running */
	struct link	*link;
	bool		 up;		/* has said STARTED */
	bool		 stopping;	/* has been asked to finish */
};

/* Start whatever is not running, as far as what it needs is up. Calls daemon_is_up() once all are. */
void	helper_raise(struct daemon *);
/* A child has ended; true when it was one of these. */
bool	helper_ended(struct daemon *, pid_t, int status);
bool	helper_all_up(const struct daemon *);
/* Tell the approvals process the present rules. */
void	helper_configure_approvals(struct daemon *);
/* Ask the audit and approvals processes to finish. */
void	helper_stop(struct daemon *, enum helper_kind);
/* A request to one of them; fn gets the answer. False when it is not up. */
bool	helper_call(struct daemon *, enum helper_kind, uint16_t type, const struct buf *, call_fn, void *arg);
/* The same with a descriptor, which is used up. */
bool	helper_call_fd(struct daemon *, enum helper_kind, uint16_t type, const struct buf *, int fd, call_fn, void *arg);
/* An audit record of the parent's own; obj is taken over. */
bool	daemon_record(struct daemon *, const char *event, json_t *obj, call_fn fn, void *arg);

#define PEER_WHY	256
#define GRANTS	16	/* approvals of one session that were used and not spent yet */

#define DOOR_GUESTS_MAX	4096	/* connections without a process: a descriptor and some bytes each */
#define GITJOBS_MAX	256	/* pushes and fetches under way, all together: three processes each at most */

/* door.c: who may come in. */
void	door_open(struct daemon *);
/* Nobody is waiting at the door any more. */
void	door_close(struct daemon *);
/* The listener has connections; arg is the daemon. */
void	door_on_connection(int fd, short what, void *arg);
/* A connection from there came to nothing. */
void	door_left(struct daemon *, const struct source *, const char *address, enum penalty);
/* Somebody there has shown a good certificate. */
void	door_let_in(struct daemon *, const struct source *);

/* peer.c: one connection. */
enum peer_state { PEER_NEW, PEER_VOUCHING, PEER_OPEN };

struct proxy;

struct peer {
	struct peer	*next;
	struct daemon	*daemon;
	struct conf_ref	*conf;
	pid_t		 pid;
	enum peer_state	 state;
	char		 id[ID_TEXT];
	char		*source;	/* numeric address */
	struct source	 from;
	int64_t		 since_ms;	/* accepted */
	bool		 evicted, timed_out;	/* told to end before it had authenticated */
	struct link	*monitor;	/* NULL once it has gone */
	struct event	*grace;		/* login grace: over key exchange and authentication together */
	struct cert	*cert;		/* once vouched for */
	struct subject	 who;
	struct session_limits limits;
	char		*login, *target;
	char		*outer;		/* the session that this one came through (ssh -J), or NULL */
	char		*bound;		/* and the only identity it may have; target is set from the start */
	struct gitjob	*jobs;
	unsigned	 njobs;
	unsigned	 ndials;	/* under way */
	unsigned	 nfresh;	/* scans for host certificates that it wanted anew */
	int64_t		 jumps_ms;	/* up to this monotonic time its jumps have used up what is theirs */
	unsigned	 nloans;	/* of held keys and passwords, so far */
	uint32_t	 auth_id;	/* of MON_AUTH, for its answer */
	uint32_t	 shelf_id;	/* of MON_SHELF, for its answer */
	bool		 shelf_busy;
	struct event	*expiry;	/* the certificate ends */
	const char	*expired;	/* nothing new is let through, and why; or NULL */
	struct event	*length;	/* the session has lasted long enough */
	char		*lasted;	/* the words for that, once it has */
	/* approvals used in this session and not yet spent on a store */
	struct grant {
		char	*rule;		/* that asked; NULL = none, or spent */
		char	 request[ID_TEXT];
		uint8_t	 digest[32];
	}		 grants[GRANTS];
	unsigned	 ngrants;
};

/* A session process for an accepted socket, which is taken; since_ms: when the login grace began. */
void	peer_accept(struct daemon *, int fd, const char *address, const struct source *, int64_t since_ms);
/* One that has not authenticated makes room. */
void	peer_evict(struct peer *);
/* A session on one end of a stream that comes out of another session: same identity, this target. The other end, or -1 and why. */
int	peer_jump(struct peer *outer, const char *target, const char **whyp);
bool	peer_ended(struct daemon *, pid_t, int status);
struct peer *peer_find(struct daemon *, const char *id);
/* End a session: after what runs, or at once. */
void	peer_stop(struct peer *, const char *reason, enum monitor_stop how);
/* Tell the session to end when its certificate does, and when it has lasted as long as its profile lets it. */
void	peer_watch_expiry(struct peer *);
/* Whether its identity has as many sessions already as it may have; then why[] says so. */
bool	peer_is_one_too_many(const struct peer *, char why[PEER_WHY]);
/* Give a live session a link to an approvals process that was started again. */
void	peer_reconnect_approvals(struct peer *);
/* Tell the audit and approvals processes who a session is; both = false: the approvals process alone. */
void	peer_name(struct peer *, bool both);
/* Cut every session whose certificate is revoked by now. */
void	peer_apply_krl(struct daemon *);

/* monitor.c: the rows of a session's link. */
extern const struct link_row monitor_rows[];
void	monitor_gone(struct link *, int r, void *peer);
/* The answer to the message msg that asked for a store: why not, or NULL. */
void	monitor_storing(struct peer *, uint32_t msg, const char *why);

/* gitjob.c, gitjob-judge.c: the processes of one fetch or push of one session. */
bool	gitjob_open(struct peer *, uint32_t id, const char *upstream, const char *repo, bool push, const char **errorp);
/* The parent's own decision on opening a repository for this peer at all: NULL or why not. Uses an approval up, if it takes one. */
const char *gitjob_may_open(struct peer *, const char *upstream, const char *repo, bool push);
/* What a session wants done with a push. Borrowed strings. */
struct gitjob_order {
	const char	*request;	/* id under which old tips are kept, or the whole push is parked */
	bool		 park;
	const char	*rule, *text;	/* of a push that is parked: by which rule; what approvers are shown */
};
/*
 * Let the repository take the spool, if the inspector and, where policy asks, an approval say so. monitor_storing() answers the
 * message msg: now, or once inspector and leg have been heard.
 */
void	gitjob_store(struct peer *, uint32_t id, uint32_t msg, const struct gitjob_order *);
/* Take a job away. One that is storing goes on by itself, and its end is recorded. */
void	gitjob_end(struct peer *, uint32_t id);
void	gitjob_end_all(struct peer *);
bool	gitjob_ended(struct daemon *, pid_t);

/* dial.c: connect to host:port without blocking the loop; fn gets the socket, or -1 and why. */
typedef void	(*dial_fn)(int fd, const char *why, void *arg);
struct dial	*dial_start(struct daemon *, const char *host, uint16_t port, int64_t timeout_ms, dial_fn, void *arg);
void		 dial_cancel(struct dial *);

/* hostkey.c: take server and host_keys as this configuration says; false and *errorp (the caller frees): nothing changed. */
bool	hostkey_load(struct daemon *, const struct conf *, char **errorp);

/* control.c */
void	control_open(struct daemon *);
/* Commands wait in the socket's queue until this: what they ask for must be recorded. */
void	control_listen(struct daemon *);
void	control_close(struct daemon *);

struct daemon {
	struct event_base	*base;
	struct evdns_base	*dns;		/* made on first need */
	const char		*conf_path;
	struct conf_ref		*conf;
	struct secretscan	*scanner;
	struct sshserver	*server;
	struct door		*door;
	struct strvec		 host_keys;	/* "TYPE BASE64": the server's, and the next one if it is made */
	int			 listen_fd;
	struct event		*listen_ev;
	int			 control_fd;
	struct event		*control_ev;
	struct helper		 helper[HELPERS];
	unsigned		 falls;		/* helpers that ended without being asked, lately */
	int64_t			 fall_ms;
	uint8_t			*ca_key;
	size_t			 ca_key_len;
	struct krl		*krl;
	struct calls		*calls;
	struct peer		*peers;
	struct gitjob		*orphans;	/* storing, and their session has gone */
	struct lfsjob		*keepers;	/* of LFS objects, for sessions and for pushes */
	unsigned		 njobs;		/* all pushes and fetches together, and keepers */
	unsigned		 npeers;
	struct proxy		*proxies;	/* programs by which targets are reached */
	struct known		*known;		/* findings that approvers have said something about; NULL = none */
	struct shelfjob		*shelfjobs;	/* work on what is kept in repositories */
	struct event		*sweep_ev;
	struct pool		*pools;		/* SSH connections to upstreams */
	unsigned		 npools;	/* so far: their numbers */
	struct hostscan		*scans;		/* host certificates that are kept or asked for */
	bool			 said_up;
	bool			 no_room;	/* the log cannot be written: each try to is made by retry_ev */
	struct event		*retry_ev;
	bool			 stopping;
	struct event		*cut_ev;	/* a helper has not finished in time */
	struct event		*stop_ev;	/* sessions have had their time */
};

/* sallyportd.c */
void	daemon_is_up(struct daemon *);
void	daemon_peer_gone(struct daemon *);	/* a connection is over: perhaps the last one before stopping */
void	daemon_listen(struct daemon *, bool on);
/* False: what it read will not do, the present configuration and keys stay, and the log says why. */
bool	daemon_reload(struct daemon *);

#endif
