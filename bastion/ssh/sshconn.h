/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sshconn: SSH connections and channels as the rest of the house sees them. sshloop.c, sshconn.c and sshchan.c know libssh,
 * nobody else does. They are the place of the guards against what libssh 0.10 does by itself:
 *
 *   A  its read calls top the receive window up without counting what is unread	-> data callbacks only; see sshchan_pull
 *   B  it accepts data beyond the window						-> SSHCHAN_UNREAD_MAX ends the connection
 *   C  its output buffer has no ceiling						-> sshchan_write stops at SSHCONN_UNSENT_MAX; a peer
 *	whose requests want more answers than it reads is cut off at SSHCONN_BACKLOG_MAX
 *   D  it leaves its descriptors blocking						-> non-blocking before it sees them
 *   E  any call may run callbacks of any session in the same loop			-> handlers only mark; work is done in turns
 *   F  it counts no authentication tries						-> on_auth counts, sshconn_cut ends
 *   G  it has no login grace							-> the parent's clock; nothing here to rely on
 *   H  it reads 4096 bytes at a time, and polls before each			-> sshread.h
 *
 * All handlers are called from inside sshloop_turn() or any sshconn/sshchan call, so they must only note what happened.
 */
#ifndef SSH_SSHCONN_H
#define SSH_SSHCONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SSHCHAN_UNREAD_MAX	(3 * 1024 * 1024)
#define SSHCONN_UNSENT_MAX	(256 * 1024)
#define SSHCONN_BACKLOG_MAX	(1024 * 1024)	/* with what libssh answers by itself */
#define SSHCHAN_PIECE		(32 * 1024)
/* For a piece on the stack: -ftrivial-auto-var-init would clear all of it each time, also where a byte or none follows. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define SSHCHAN_UNCLEARED	__attribute__((uninitialized))
#else
#define SSHCHAN_UNCLEARED
#endif

struct sshloop;
struct sshserver;
struct buf;
struct sshconn;
struct sshchan;
struct strvec;

/* The loop of one process: connections and plain descriptors. */
struct sshloop	*sshloop_new(void);
void		 sshloop_free(struct sshloop *);
typedef void	(*sshloop_fd_fn)(int revents, void *arg);
/* events as in poll(2). Adding a descriptor again changes its events. 0 or ERR_NOMEM. */
int		 sshloop_watch(struct sshloop *, int fd, short events, sshloop_fd_fn, void *arg);
void		 sshloop_forget(struct sshloop *, int fd);
/* Wait up to ms for anything, and run the handlers. 0 or ERR_SYSTEM. */
int		 sshloop_turn(struct sshloop *, int ms);

/* Host key and algorithms, made once by the parent; shared by fork. NULL and *errorp (static text) on failure. */
struct sshserver *sshserver_new(const char *host_key_path, const char **errorp);
/* The public half of a private key file, "TYPE BASE64"; NULL when it is none. The caller frees. */
char		*sshserver_public_key(const char *path);
/*
 * One handshake with ourselves, before the first fork: what the libraries set up on first use (OpenSSL looks up each
 * algorithm once a process) is then shared by all sessions, in memory and in time.
 */
void		 sshserver_warm(struct sshserver *);
void		 sshserver_free(struct sshserver *);
/* When new keys are agreed on; for server connections from then on, and for one client connection by sshconn_client. */
struct sshrekey {
	uint64_t	 bytes;		/* 0 = as libssh has it */
	unsigned	 seconds;
};
void		 sshserver_rekey(struct sshserver *, const struct sshrekey *);

enum sshchan_stream { SSHCHAN_OUT, SSHCHAN_ERR };	/* data, extended data 1 */

/* What may come from the peer on one channel. NULL members refuse (requests) or ignore (events). */
struct sshchan_ops {
	/* How many of n bytes were taken; the rest is offered again after sshchan_pull. */
	size_t	(*data)(enum sshchan_stream, const void *p, size_t n, void *arg);
	void	(*eof)(void *arg);
	void	(*closed)(void *arg);
	void	(*exit_status)(int status, void *arg);
	void	(*exit_signal)(const char *name, bool core, void *arg);
	/* server role: requests; false refuses */
	bool	(*exec)(const char *command, void *arg);
	bool	(*shell)(void *arg);
	bool	(*subsystem)(const char *name, void *arg);
	bool	(*pty)(const char *term, unsigned cols, unsigned rows, void *arg);
	bool	(*env)(const char *name, const char *value, void *arg);
	bool	(*resize)(unsigned cols, unsigned rows, void *arg);
	void	(*signal)(const char *name, void *arg);
	/* asked for, and always refused here: "agent forwarding", "X11 forwarding" */
	void	(*unwanted)(const char *what, void *arg);
};

/* What may come on a server connection. */
struct sshserver_ops {
	/*
	 * A public key or certificate (plain wire blob) for this user name. proven: the signature was good; only then may true
	 * mean "let in". Otherwise true means "this key would do".
	 */
	bool	(*auth)(const char *user, const uint8_t *blob, size_t len, bool proven, void *arg);
	/* Any other method was tried. */
	void	(*auth_other)(const char *user, void *arg);
	/* A session channel. The handler gives ops and argument for it, or refuses. */
	bool	(*open)(struct sshchan *, const struct sshchan_ops **opsp, void **chan_argp, void *arg);
	/* Another channel type or a global request was refused; what in words. */
	void	(*refused)(const char *what, void *arg);
	/*
	 * A direct-tcpip channel (RFC 4254 section 7.2). As open; what is taken is confirmed at once, libssh 0.10 has no later.
	 */
	bool	(*forward)(struct sshchan *, const char *host, unsigned port, const struct sshchan_ops **opsp, void **chan_argp,
		    void *arg);
	/* The other side shall listen there (7.1), and no longer. Answered at once, for the same reason; NULL refuses. */
	bool	(*listen)(const char *host, unsigned port, void *arg);
	bool	(*unlisten)(const char *host, unsigned port, void *arg);
};

/* Server role on an accepted socket (taken over). NULL on failure. */
struct sshconn	*sshconn_serve(struct sshloop *, struct sshserver *, int fd, const struct sshserver_ops *, void *arg);

struct sshconn_client {
	/*
	 * forwarded-tcpip, for a listen of ours; NULL refuses. from and from_port: where it came from. As sshserver_ops.open.
	 */
	bool	(*incoming)(struct sshchan *, unsigned to_port, const char *from, unsigned from_port,
		    const struct sshchan_ops **opsp, void **chan_argp, void *arg);
	void			*arg;
	int			 fd;		/* connected; taken over */
	const char		*user;
	const struct strvec	*host_keys;	/* "ssh-ed25519 AAAA.."; the peer must have one of these */
	struct sshrekey		 rekey;
};

/* Client role. NULL on failure. Call sshconn_step each turn until it is up. */
struct sshconn	*sshconn_client(struct sshloop *, const struct sshconn_client *);
/* Server role, before authentication is over: a line that clients show their user (RFC 4252 section 5.4). */
void		 sshconn_banner(struct sshconn *, const char *text);
/* A fresh Ed25519 key for this connection; its public half goes to the key process. Base64 blob, the caller frees. */
char		*sshconn_new_key(struct sshconn *);
/* The certificate over that key (wire blob). 0 or ERR_CRYPTO. */
int		 sshconn_set_cert(struct sshconn *, const uint8_t *blob, size_t len);
/*
 * Instead of a certificate: an SSH agent at the other end of fd (taken over) that has the key. libssh talks to it without
 * the loop: the agent must answer or hang up by itself, as the key process does. 0 or ERR_SYSTEM.
 */
int		 sshconn_set_agent(struct sshconn *, int fd);
/* Or a password, for the methods password and keyboard-interactive with one hidden question. Copied, wiped after use. */
void		 sshconn_set_password(struct sshconn *, const char *password);

enum sshconn_state {
	SSHCONN_KEX,		/* key exchange under way */
	SSHCONN_AUTH,		/* server: authenticating; client: host key is right, waiting for a certificate or for the answer */
	SSHCONN_UP,
	SSHCONN_DEAD,		/* see sshconn_why */
};

/* Advance what can be advanced without blocking. */
enum sshconn_state sshconn_step(struct sshconn *);
enum sshconn_state sshconn_state(const struct sshconn *);
/* Why it is dead: static or owned text, never NULL. */
const char	*sshconn_why(const struct sshconn *);
/*
 * Client role, dead because the peer's host key is none of host_keys: "SHA256:.." of what it showed, or "" when it has no key
 * of a wanted type at all; otherwise NULL. The connection's. Nothing was sent to that peer but the key exchange.
 */
const char	*sshconn_wrong_key(const struct sshconn *);
/* Says goodbye and closes; channels on it are dead. */
void		 sshconn_cut(struct sshconn *, const char *why);
/*
 * A sign of life that asks for one (keepalive@openssh.com), and how many packets have come in so far: a peer from which
 * nothing comes after several of these is gone.
 */
void		 sshconn_keepalive(struct sshconn *);
uint64_t	 sshconn_packets_in(const struct sshconn *);
/* Only outside handlers. NULL is fine. Channels must have been freed. */
void		 sshconn_free(struct sshconn *);

/* A new channel, to be started by one of the sshchan_start calls; ops as above. NULL = no memory. */
struct sshchan	*sshchan_new(struct sshconn *, const struct sshchan_ops *, void *arg);

struct sshchan_request {
	const char	*command;	/* exec */
	const char	*subsystem;	/* or a subsystem; both NULL = shell */
	bool		 pty;
	const char	*term;
	unsigned	 cols, rows;
	const struct strvec *env;	/* "NAME=VALUE" */
};
/*
 * Drives open, env, pty and the request. 0 = runs, ERR_AGAIN = call again next turn, ERR_DENIED = the target refused the
 * request, ERR_TOOBIG = it opens no channel (MaxSessions of sshd).
 */
int		 sshchan_start(struct sshchan *, const struct sshchan_request *);
/* Instead of it: a direct-tcpip channel, to where the peer can reach host:port. Results alike. */
int		 sshchan_start_forward(struct sshchan *, const char *host, unsigned port);

/*
 * Client role: ask the peer to listen at host:port (RFC 4254 section 7.1) or to stop. 0, ERR_AGAIN = call again next turn,
 * ERR_DENIED. One at a time.
 */
int		 sshconn_listen(struct sshconn *, const char *host, unsigned port);
int		 sshconn_unlisten(struct sshconn *, const char *host, unsigned port);
/* Server role, instead of sshchan_start: a channel to the peer for what came in there. Results alike. */
int		 sshchan_start_reverse(struct sshchan *, const char *host, unsigned port, const char *from, unsigned from_port);

/* How many bytes can be written now: window, and what the connection has not sent yet. */
size_t		 sshchan_room(struct sshchan *);
/*
 * Write one piece, at most SSHCHAN_PIECE and sshchan_room bytes. How many went in (0: not now), or ERR_EOF when the channel
 * is over. Handlers may run meanwhile: take pointers and lengths anew before the next call.
 */
ssize_t		 sshchan_write(struct sshchan *, enum sshchan_stream, const void *p, size_t n);
/*
 * Write what can be of b and take it out; what nobody will take any more is dropped. True once b is empty. *movedp becomes
 * true when anything went, and stays as it is otherwise.
 */
bool		 sshchan_flush(struct sshchan *, enum sshchan_stream, struct buf *b, bool *movedp);
/* The owner has room again: offer what the handler did not take. */
void		 sshchan_pull(struct sshchan *);
/* Bytes that have come and gone on it so far: to tell a silent channel from a busy one. */
uint64_t	 sshchan_moved(const struct sshchan *);
/* Whether received bytes have not been taken by the handler yet. */
bool		 sshchan_has_unread(const struct sshchan *);
int		 sshchan_send_eof(struct sshchan *);
int		 sshchan_send_exit_status(struct sshchan *, int status);
int		 sshchan_send_exit_signal(struct sshchan *, const char *name, bool core);
int		 sshchan_send_signal(struct sshchan *, const char *name);
int		 sshchan_resize(struct sshchan *, unsigned cols, unsigned rows);
/* Send CLOSE. */
void		 sshchan_close(struct sshchan *);
bool		 sshchan_is_open(const struct sshchan *);
/* Only outside handlers. NULL is fine. */
void		 sshchan_free(struct sshchan *);

#endif
