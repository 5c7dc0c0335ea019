/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leg: the inner SSH connection to one target with one login. Dialled by the parent, pinned host key, and opened by a fresh
 * key whose certificate the key process mints for exactly this identity, target and login, or by a key that never leaves
 * the key process, or by a password from there. Shared by the channels of one connection.
 */
#ifndef SSH_LEG_H
#define SSH_LEG_H

#include <stdbool.h>
#include <stdint.h>

struct leg;
struct secretscan_known;
struct session;
struct sshchan;
struct sshchan_ops;

/* Begins to dial. Target and login are borrowed from the session. */
struct leg	*leg_new(struct session *, const char *target, const char *login, int64_t now_us);
void		 leg_free(struct leg *);	/* NULL is fine; channels on it must be gone */

enum leg_state { LEG_DIALLING, LEG_KEX, LEG_MINTING, LEG_AUTH, LEG_UP, LEG_DEAD };

enum leg_state	 leg_step(struct leg *, int64_t now_us);
enum leg_state	 leg_state(const struct leg *);
const char	*leg_why(const struct leg *);	/* one line for the agent, when dead */
/* Dead for a reason that dialling again does not cure: the host key is not the one it must be, the password is wrong. */
bool		 leg_is_hopeless(const struct leg *);
/* The leg of the session: a new one where there is none, or where the last one died and nobody uses it any more. */
struct leg	*leg_get(struct session *, int64_t now_us);
/* A channel on it; NULL when it is not up. Given back, and closed, by leg_release (NULL is fine). */
struct sshchan	*leg_channel(struct leg *, const struct sshchan_ops *, void *arg);
void		 leg_release(struct leg *, struct sshchan *);
/* Count a channel that came in on it as one of leg_channel's. */
void		 leg_adopt(struct leg *);
/* The password that it was opened with, to be masked; NULL when there was none. */
struct secretscan_known	*leg_known(const struct leg *);
unsigned	 leg_users(const struct leg *);	/* channels held on it */
struct sshconn	*leg_conn(struct leg *);	/* NULL unless up */

#endif
