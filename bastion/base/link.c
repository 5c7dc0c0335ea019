/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/link.h"

#include <event2/event.h>
#include <stdlib.h>

#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

#define LINK_LAST_READS	16	/* of 64 KiB each */

struct link {
	struct msgio		*io;
	struct event		*rd, *wr;	/* NULL without an event_base */
	const char		*name;
	const struct link_row	*rows;
	uint32_t		 permitted, used;	/* bit per row */
	uint32_t		 next_id;
	link_gone_fn		 gone;
	void			*arg;
	int			 busy;		/* inside dispatch: free later */
	int			 dead;		/* gone() has been called */
	int			 freed;
	int			 failed;	/* a send's error: the next turn ends the link with it */
};

static void	link_ready(evutil_socket_t, short, void *);

static int
link_row_of(const struct link *l, uint16_t type)
{
	for (int i = 0; l->rows[i].name != NULL; i++)
		if (l->rows[i].type == type)
			return i;
	return -1;
}

struct link *
link_new(const struct link_params *p)
{
	struct link *l = xcalloc(1, sizeof(*l));
	int i;

	l->name = p->name;
	l->rows = p->rows;
	l->gone = p->gone;
	l->arg = p->arg;
	if ((l->io = msgio_new(p->fd)) == NULL) {
		free(l);
		return NULL;
	}
	for (i = 0; l->rows[i].name != NULL && i < LINK_ROWS_MAX; i++)
		if (l->rows[i].flags & LINK_PERMIT)
			l->permitted |= (uint32_t)1 << i;
	if (l->rows[i].name != NULL)
		fatal("link %s: more than %d rows", l->name, LINK_ROWS_MAX);
	if (p->base != NULL) {
		l->rd = event_new(p->base, p->fd, EV_READ | EV_PERSIST, link_ready, l);
		l->wr = event_new(p->base, p->fd, EV_WRITE, link_ready, l);
		if (l->rd == NULL || l->wr == NULL || event_add(l->rd, NULL) == -1)
			fatal("link %s: no event", l->name);
	}
	return l;
}

static void
link_destroy(struct link *l)
{
	if (l->rd != NULL)
		event_free(l->rd);
	if (l->wr != NULL)
		event_free(l->wr);
	msgio_free(l->io);
	free(l);
}

void
link_free(struct link *l)
{
	if (l == NULL || l->freed)
		return;
	l->freed = l->dead = 1;
	if (!l->busy)
		link_destroy(l);
}

int
link_fd(const struct link *l)
{
	return msgio_fd(l->io);
}

const char *
link_name(const struct link *l)
{
	return l->name;
}

void
link_permit(struct link *l, uint16_t type)
{
	int i = link_row_of(l, type);

	if (i != -1)
		l->permitted |= (uint32_t)1 << i;
}

void
link_forbid(struct link *l, uint16_t type)
{
	int i = link_row_of(l, type);

	if (i != -1)
		l->permitted &= ~((uint32_t)1 << i);
}

uint32_t
link_next_id(struct link *l)
{
	if (++l->next_id == 0)
		l->next_id = 1;
	return l->next_id;
}

size_t
link_queued(const struct link *l)
{
	return msgio_queued(l->io);
}

/* A message was queued, or r says why not. */
static int
link_sent(struct link *l, int r)
{
	if (r == 0 && l->wr != NULL && msgio_queued(l->io) > 0 && event_add(l->wr, NULL) == -1)
		r = ERR_NOMEM;
	if (r != 0 && l->failed == 0) {
		l->failed = r;
		if (l->rd != NULL && !l->dead)
			event_active(l->rd, EV_READ, 0);
	}
	return r;
}

int
link_send(struct link *l, uint16_t type, uint32_t id, const struct buf *body, int fd)
{
	return link_sent(l, msgio_send(l->io, type, id, body, fd));
}

int
link_send_long(struct link *l, uint16_t type, uint32_t id, const struct buf *body, const void *p, size_t n)
{
	return link_sent(l, msgio_send_long(l->io, type, id, body, p, n));
}

/* Judge one message by the table and hand it on. */
static int
link_dispatch(struct link *l, struct msg *m)
{
	int i = link_row_of(l, m->type), r;

	if (i == -1) {
		log_warn("%s sent unknown message %u", l->name, m->type);
		return ERR_FORMAT;
	}
	if (!(l->permitted >> i & 1) || ((l->rows[i].flags & LINK_ONCE) && (l->used >> i & 1))) {
		log_warn("%s sent message %s which is not permitted now", l->name, l->rows[i].name);
		return ERR_DENIED;
	}
	l->used |= (uint32_t)1 << i;
	r = l->rows[i].handle(l, m, l->arg);
	if (r != 0 && r != ERR_EOF)
		log_warn("%s: message %s: %s", l->name, l->rows[i].name, err_text(r));
	return r;
}

/* Read once, dispatch all that is whole. 0 = more may come, or why nothing will. */
static int
link_receive(struct link *l)
{
	struct msg m;
	int r = 0, rd;

	if ((rd = msgio_read(l->io)) != 0 && rd != ERR_AGAIN && rd != ERR_EOF)
		return rd;
	while (!l->dead && (r = msgio_next(l->io, &m)) == 0) {
		r = link_dispatch(l, &m);
		msg_release(&m);
		if (r != 0)
			return r;
	}
	return l->dead || r == ERR_AGAIN ? rd : r;
}

/*
 * A peer that has said its last words and gone is still heard out when writing to it fails: as much as a socket holds,
 * and no more, should it only pretend.
 */
static int
link_turn(struct link *l)
{
	int r;

	if ((r = msgio_flush(l->io)) != 0 && r != ERR_AGAIN && l->failed == 0)
		l->failed = r;
	r = link_receive(l);
	for (int i = 0; i < LINK_LAST_READS && l->failed != 0 && r == 0 && !l->dead; i++)
		r = link_receive(l);
	if (l->dead)
		return 0;
	if (r == ERR_AGAIN)
		r = 0;
	return r != 0 ? r : l->failed;
}

int
link_pump(struct link *l)
{
	int r;

	if (l->dead)
		return ERR_EOF;
	l->busy++;
	r = link_turn(l);
	if (r != 0 && !l->dead) {
		l->dead = 1;
		if (l->rd != NULL)
			(void)event_del(l->rd);
		if (l->wr != NULL)
			(void)event_del(l->wr);
		if (l->gone != NULL)
			l->gone(l, r, l->arg);
	}
	if (!l->dead && l->wr != NULL && msgio_queued(l->io) > 0)
		(void)event_add(l->wr, NULL);
	l->busy--;
	if (l->freed && !l->busy)
		link_destroy(l);
	return r;
}

static void
link_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)link_pump(arg);
}
