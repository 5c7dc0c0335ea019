/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/commit.h"

#include <stdlib.h>

#include "bastion/audit/auditlog.h"
#include "bastion/audit/checkpoint.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

struct ack {
	commit_fn	 done;
	void		*arg;
	uint64_t	 seq;
	uint32_t	 id;
};

struct batch {
	struct buf	*lines;
	struct ack	*acks;
	size_t		 n, room;
};

struct commit {
	struct auditlog	*log;
	struct batch	 wait, flight;
	struct buf	*body;		/* text being signed */
	uint64_t	 next_seq;
	bool		 signing;
};

struct commit *
commit_new(struct auditlog *log)
{
	struct commit *c = xcalloc(1, sizeof(*c));

	c->log = log;
	c->next_seq = auditlog_size(log);
	c->wait.lines = buf_new(COMMIT_WAIT_MAX);
	c->flight.lines = buf_new(COMMIT_WAIT_MAX);
	c->body = buf_new(CHECKPOINT_MAX);
	if (c->wait.lines == NULL || c->flight.lines == NULL || c->body == NULL) {
		commit_free(c);
		return NULL;
	}
	return c;
}

void
commit_free(struct commit *c)
{
	if (c == NULL)
		return;
	buf_free(c->wait.lines);
	buf_free(c->flight.lines);
	buf_free(c->body);
	free(c->wait.acks);
	free(c->flight.acks);
	free(c);
}

int
commit_add(struct commit *c, const struct commit_params *p)
{
	struct record_stamp st = p->stamp;
	struct batch *b = &c->wait;
	int r;

	st.seq = c->next_seq;
	st.wall_ms = clock_wall_ms();
	if ((r = record_line(&st, p->sender, p->members, b->lines)) != 0)
		return r;
	c->next_seq++;
	if (p->done == NULL)
		return 0;
	if (b->n == b->room) {
		b->room = b->room == 0 ? 64 : b->room * 2;
		b->acks = xreallocarray(b->acks, b->room, sizeof(*b->acks));
	}
	b->acks[b->n++] = (struct ack){ .done = p->done, .arg = p->arg, .seq = st.seq, .id = p->id };
	return 0;
}

void
commit_forget(struct commit *c, const void *arg)
{
	struct batch *both[] = { &c->wait, &c->flight };

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->n; i++)
			if (both[k]->acks[i].arg == arg)
				both[k]->acks[i].done = NULL;
}

bool
commit_is_idle(const struct commit *c)
{
	return !c->signing && buf_len(c->wait.lines) == 0;
}

bool
commit_is_signing(const struct commit *c)
{
	return c->signing;
}

int
commit_start(struct commit *c, const struct buf **bodyp)
{
	struct batch b = c->flight;
	int r;

	*bodyp = NULL;
	if (c->signing || buf_len(c->wait.lines) == 0)
		return 0;
	c->flight = c->wait;
	c->wait = b;
	buf_clear(c->body);
	if ((r = auditlog_append(c->log, buf_ptr(c->flight.lines), buf_len(c->flight.lines))) != 0 ||
	    (r = auditlog_body(c->log, c->body)) != 0)
		return r;
	c->signing = true;
	*bodyp = c->body;
	return 0;
}

int
commit_signed(struct commit *c, const void *sigs, size_t n)
{
	int r;

	if (!c->signing)
		return ERR_FORMAT;
	if ((r = auditlog_publish(c->log, c->body, sigs, n)) != 0)
		return r;
	/* done may add records and forget others; those go to the waiting batch, this one does not move. */
	for (size_t i = 0; i < c->flight.n; i++) {
		struct ack *a = &c->flight.acks[i];

		if (a->done != NULL)
			a->done(a->arg, a->id, a->seq);
	}
	c->flight.n = 0;
	buf_clear(c->flight.lines);
	c->signing = false;
	return 0;
}
