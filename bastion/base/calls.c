/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/calls.h"

#include <stdlib.h>

#include "bastion/base/err.h"
#include "bastion/base/msgio.h"
#include "bastion/base/xmalloc.h"

struct call {
	uint32_t		 id;	/* 0 = free */
	struct call_params	 p;
};

struct calls {
	struct call	*v;
	size_t		 max, n;
	uint32_t	 last;
};

struct calls *
calls_new(size_t max)
{
	struct calls *c = xcalloc(1, sizeof(*c));

	c->v = xcalloc(max, sizeof(*c->v));
	c->max = max;
	return c;
}

void
calls_free(struct calls *c)
{
	if (c == NULL)
		return;
	free(c->v);
	free(c);
}

uint32_t
calls_add(struct calls *c, const struct call_params *p)
{
	if (c->n == c->max)
		return 0;
	if (++c->last == 0)
		c->last = 1;
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id == 0) {
			c->v[i].id = c->last;
			c->v[i].p = *p;
			c->n++;
			return c->last;
		}
	return 0;
}

static void
call_release(struct calls *c, struct call *call)
{
	call->id = 0;
	c->n--;
}

void
calls_take_back(struct calls *c, uint32_t id)
{
	for (size_t i = 0; i < c->max; i++)
		if (id != 0 && c->v[i].id == id)
			call_release(c, &c->v[i]);
}

int
calls_answer(struct calls *c, const void *peer, struct msg *m)
{
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id == m->id && m->id != 0) {
			struct call_params p = c->v[i].p;

			if (p.peer != peer || p.answer != m->type)
				return ERR_FORMAT;
			call_release(c, &c->v[i]);
			return p.fn == NULL ? 0 : p.fn(m, p.arg);
		}
	return ERR_NOTFOUND;
}

void
calls_lost(struct calls *c, const void *peer)
{
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id != 0 && c->v[i].p.peer == peer) {
			struct call_params p = c->v[i].p;

			call_release(c, &c->v[i]);
			if (p.fn != NULL)
				(void)p.fn(NULL, p.arg);
		}
}

void
calls_cancel(struct calls *c, const void *arg)
{
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id != 0 && c->v[i].p.arg == arg)
			c->v[i].p.fn = NULL;
}

size_t
calls_waiting(const struct calls *c)
{
	return c->n;
}
