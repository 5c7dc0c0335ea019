/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: one connection of an agent or engineer, in a process of its own. session_run() is that process: it takes the
 * accepted socket and the links the parent made for it, gives up everything else, and runs both SSH legs in one loop.
 */
#ifndef SSH_SESSION_H
#define SSH_SESSION_H

#include <stddef.h>
#include <stdint.h>

struct conf;
struct krl;
struct secretscan;
struct sshserver;
struct strvec;

struct session_params {
	const struct conf	*conf;
	const struct secretscan	*scanner;
	struct sshserver	*server;
	const struct strvec	*host_keys;	/* of ours, for those who ask: the present one first */
	const uint8_t		*ca_key;	/* blob */
	size_t			 ca_key_len;
	const struct krl	*krl;		/* as of now; the parent cuts sessions that are revoked later */
	const char		*id;		/* "S-.." */
	const char		*source;	/* numeric address of the peer */
	uint16_t		 port;		/* our own, for hints in messages */
	const char		*jump_target;	/* came through another session (ssh -J): the user name is the login on this; or NULL */
	int			 fd;		/* accepted */
	int			 monitor_fd, audit_fd, approvals_fd;
};

/* The exit status of its process. */
enum session_exit {
	SESSION_EXIT_WELL,
	SESSION_EXIT_BROKEN,	/* something of ours failed, or it was cut */
	SESSION_EXIT_REFUSED,	/* nobody was let in, though somebody tried */
	SESSION_EXIT_NOTHING,	/* nobody tried */
};

/* Until the connection is over. Returns a session_exit. */
int	session_run(const struct session_params *);

#endif
