/* SPDX-License-Identifier: Apache-2.0 */
/* Fields shared by sshloop.c, sshconn.c and sshchan.c, and libssh; nobody else includes it. */
#ifndef SSH_SSHCONN_INT_H
#define SSH_SSHCONN_INT_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "bastion/ssh/sshconn.h"

#define LOOP_FDS	512

struct buf;
struct watch;

struct sshloop {
	ssh_event	 event;
	struct watch	*watches[LOOP_FDS];
	size_t		 nwatches;
};

struct sshconn {
	struct sshloop			*loop;
	ssh_session			 ssh;
	int				 added;		/* the session is in the loop */
	int				 is_server;
	enum sshconn_state		 state;
	char				*why;
	size_t				 unsent;	/* bytes written since the output was last seen empty */
	size_t				 held;		/* of these, kept until a key exchange is over, .. */
	uint64_t			 held_from;	/* .. which shows when so many bytes have been made into packets since */
	/* server */
	struct ssh_server_callbacks_struct server_cb;
	struct sshserver_ops		 ops;
	void				*arg;
	unsigned			 asks;
	struct ssh_counter_struct	 in;		/* packets of either direction */
	struct ssh_counter_struct	 wire;		/* bytes of the socket */
	uint64_t			 settled, settled_wire;	/* out, when the output was last seen empty */
	/* client */
	bool				(*incoming)(struct sshchan *, unsigned, const char *, unsigned, const struct sshchan_ops **,
					    void **, void *);
	ssh_key				 key;
	enum { PROOF_NONE, PROOF_CERT, PROOF_AGENT, PROOF_PASSWORD, PROOF_ANSWER } proof;	/* ANSWER: keyboard-interactive */
	char				*password;
	unsigned			 questions;
	char				*user;
	const struct strvec		*host_keys;
	char				*wrong_key;
};

enum start_step { START_OPEN, START_ENV, START_PTY, START_RUN, START_DONE };

struct sshchan {
	struct sshconn			*conn;
	ssh_channel			 ch;
	struct ssh_channel_callbacks_struct cb;
	struct sshchan_ops		 ops;
	void				*arg;
	struct buf			*spill[2];	/* taken out of libssh, not yet taken by the owner */
	size_t				 unread[2];	/* still inside libssh */
	uint64_t			 moved;		/* bytes taken by the owner, and written */
	enum start_step			 step;		/* client role */
	size_t				 env_at;
};

/* The connection is over, for the first reason that is given. */
void	sshconn_die(struct sshconn *, const char *why);
/* A channel of the peer's that an owner may take: its handlers are set, or it is freed again. */
struct sshchan *sshchan_offered(struct sshconn *, ssh_channel);
void	sshchan_taken(struct sshchan *, const struct sshchan_ops *);

#endif
