/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/calls.h"

#include <stdlib.h>

#include "bastion/base/err.h"
#include "bastion/base/msgio.h"
#include "bastion/base/xmalloc.h"

struct call {
	uint32_t	 id;	/* 0 = free */
	call_fn		 fn;
	void		*arg;
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
calls_add(struct calls *c, call_fn fn, void *arg)
{
	if (c->n == c->max)
		return 0;
	if (++c->last == 0)
		c->last = 1;
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id == 0) {
			c->v[i] = (struct call){ .id = c->last, .fn = fn, .arg = arg };
			c->n++;
			return c->last;
		}
	return 0;
}

int
calls_answer(struct calls *c, struct msg *m)
{
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id == m->id && m->id != 0) {
			struct call call = c->v[i];

			c->v[i].id = 0;
			c->n--;
			return call.fn == NULL ? 0 : call.fn(m, call.arg);
		}
	return ERR_NOTFOUND;
}

void
calls_cancel(struct calls *c, const void *arg)
{
	for (size_t i = 0; i < c->max; i++)
		if (c->v[i].id != 0 && c->v[i].arg == arg)
			c->v[i].fn = NULL;
}

size_t
calls_waiting(const struct calls *c)
{
	return c->n;
}
