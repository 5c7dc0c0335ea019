/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: a msgio with a gate before it: which messages this peer may send now, and which only once. Every process judges
 * what it receives by such a table; a message that is not in it, not permitted at this moment, sent twice, too short or
 * too long ends the link. The peer is always treated as if it were the attacker.
 *
 *	static const struct link_row session_rows[] = {
 *		{ MON_AUTH, "auth", LINK_PERMIT | LINK_ONCE, mon_auth },
 *		{ MON_DIAL, "dial", 0, mon_dial },		permitted later, by link_permit()
 *		{ 0, NULL, 0, NULL }
 *	};
 *
 * With an event_base the link reads, writes and dispatches by itself; without one (the session process has libssh's
 * loop) the owner calls link_pump() when the descriptor is ready.
 */
#ifndef BASE_LINK_H
#define BASE_LINK_H

#include <stdint.h>

#include "bastion/base/msgio.h"

struct event_base;
struct link;

enum {
	LINK_PERMIT = 1,	/* may be sent from the start */
	LINK_ONCE = 2,		/* at most once in the life of the link */
};

struct link_row {
	uint16_t	 type;
	const char	*name;
	unsigned	 flags;
	/* Reads all fields and insists on buf_end(m->body). Anything but 0 ends the link. */
	int		(*handle)(struct link *, struct msg *m, void *arg);
};

/* Called once, when the link is over; r says why (ERR_EOF when the peer just went). The owner frees the link, in here or later. */
typedef void	(*link_gone_fn)(struct link *, int r, void *arg);

#define LINK_ROWS_MAX	32

struct link_params {
	struct event_base	*base;	/* NULL: the owner calls link_pump */
	int			 fd;	/* taken over */
	const char		*name;	/* of the peer, for logs; kept by pointer */
	const struct link_row	*rows;	/* ended by a NULL name, at most LINK_ROWS_MAX */
	link_gone_fn		 gone;
	void			*arg;
};

/* NULL when memory or descriptors are short. */
struct link	*link_new(const struct link_params *);
void		 link_free(struct link *);	/* NULL is fine; safe inside a handler and inside gone() */
int		 link_fd(const struct link *);
const char	*link_name(const struct link *);

/* Open or shut one message type from now on. */
void	link_permit(struct link *, uint16_t type);
void	link_forbid(struct link *, uint16_t type);

/* Queue a message; see msgio_send. A failure ends the link by itself, soon. */
int	link_send(struct link *, uint16_t type, uint32_t id, const struct buf *body, int fd);
/* The same for much; see msgio_send_long. */
int	link_send_long(struct link *, uint16_t type, uint32_t id, const struct buf *body, const void *p, size_t n);
size_t	link_queued(const struct link *);
/* A fresh request number, never 0. */
uint32_t link_next_id(struct link *);

/* Read once and dispatch all that is whole; write what is queued. 0, or why the link is over (gone() has been called). */
int	link_pump(struct link *);

#endif
