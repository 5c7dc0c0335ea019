/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: places where the target listens for the agent (ssh -R, RFC 4254 section 7.1). Granted by rules of the kind listen;
 * each connection that comes in there becomes a channel to the agent (channel-forward.c).
 *
 *	RECORD -> LEG -> ASK -> ON -> STOP -> OVER
 *
 * libssh 0.10 answers the agent at once, so a target that refuses later is told in a line on every running command, and in
 * the log; port 0 (any) is refused, for its number could not be told.
 */
#ifndef SSH_LISTEN_H
#define SSH_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#define LISTENS_MAX	8	/* of one session */

struct listen;
struct session;
struct sshchan;
struct sshchan_ops;

/* From handlers of the agent's connection: is it granted, is it taken back? */
bool	listen_admit(struct session *, const char *host, unsigned port);
bool	listen_withdraw(struct session *, const char *host, unsigned port);
/* From a handler of the target's: something came in there; as sshconn_client.incoming. */
bool	listen_incoming(struct session *, struct sshchan *, unsigned port, const char *from, unsigned from_port,
	    const struct sshchan_ops **opsp, void **argp);
/* Once a turn. */
void	listen_step_all(struct session *, int64_t now_us);
/* The session ends: so does all listening. */
void	listen_end_all(struct session *);
void	listen_free_all(struct session *);
/* As the agent wrote it: a channel to it must name it so. */
const char *listen_host(const struct listen *);
unsigned listen_port(const struct listen *);
const char *listen_at(const struct listen *);	/* "ADDRESS:PORT" in one spelling */

#endif
