/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: SSH connections to upstreams, each a process of its own (sallyport-gitleg master), opened when the first needs it
 * and kept for the next. One that a held key opens serves everybody, one that a certificate opens only the identity that
 * the certificate names.
 */
#ifndef BASTION_POOL_H
#define BASTION_POOL_H

#include <stdbool.h>
#include <sys/types.h>

struct conf_upstream;
struct daemon;
struct peer;
struct pool;
struct pool_hold;

/* The connection is there (why NULL), or not to be had: then nothing is held. */
typedef void	(*pool_fn)(struct pool_hold *, const char *why);

/* A place on a connection. Zero it, set fn. It must stay where it is while it holds something. */
struct pool_hold {
	struct pool_hold	*next;
	struct pool		*pool;		/* NULL = nothing is held, or the connection has been lost */
	bool			 waiting;
	pool_fn			 fn;
};

/* fn is called once, perhaps before this returns, unless pool_drop() comes first. */
void	pool_take(struct pool_hold *, struct peer *, const struct conf_upstream *);
/* Give back what is held, if anything is. */
void	pool_drop(struct pool_hold *);
/* The control socket of what is held, as seen from a mirror's folder; the caller frees. */
char	*pool_socket(const struct pool_hold *);
/* A child has ended; true when it was one of these. */
bool	pool_ended(struct daemon *, pid_t);
/* The daemon is about to end: all at once. */
void	pool_kill_all(struct daemon *);

#endif
