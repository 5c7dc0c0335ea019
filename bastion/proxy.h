/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy: the program that a target is reached by (proxy_command): started by argument vector, never a shell, its standard
 * input and output one end of a socket pair whose other end goes to the session. What it says on standard error goes to the
 * log, some of it. It does not outlive its session.
 */
#ifndef BASTION_PROXY_H
#define BASTION_PROXY_H

#include <stdbool.h>
#include <sys/types.h>

struct conf_target;
struct daemon;

#define PROXIES_MAX	4	/* of one session: those that were redialled, and do not end when they should */

/* The session's end of the socket pair, which is the caller's; or -1 and why. */
int	proxy_start(struct daemon *, const char *session, const struct conf_target *, const char *login, const char **whyp);
/* The session is over: they are asked to end, with all that they have started, and made to after a while. */
void	proxy_end_all(struct daemon *, const char *session);
/* The daemon is about to end: all at once. */
void	proxy_kill_all(struct daemon *);
/* A child has ended; true when it was one of these. */
bool	proxy_ended(struct daemon *, pid_t, int status);

#endif
