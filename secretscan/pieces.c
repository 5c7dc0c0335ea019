/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/lines.h"

struct pieces {
	struct pieces_window	 w;
	uint8_t			*p;
	pieces_fn		 fn;
	void			*arg;
};

struct pieces *
pieces_new(uint8_t *p, pieces_fn fn, void *arg)
{
	struct pieces *ps = xcalloc(1, sizeof(*ps));

	ps->p = p;
	ps->w.p = p;
	ps->fn = fn;
	ps->arg = arg;
	return ps;
}

void
pieces_free(struct pieces *ps)
{
	free(ps);
}

uint8_t *
pieces_room(struct pieces *ps, size_t *roomp)
{
	*roomp = PIECES_WINDOW - ps->w.n;
	return ps->p + ps->w.n;
}

/* Leave out the first n bytes of the window; they are counted. */
static void
forget(struct pieces *ps, size_t n)
{
	const uint8_t *last = memrchr(ps->p, '\n', n);

	ps->w.lines += lines_count(ps->p, n);
	ps->w.column = last != NULL ? (uint64_t)(ps->p + n - last) - 1 : ps->w.column + n;
	ps->w.offset += n;
	ps->w.n -= n;
	memmove(ps->p, ps->p + n, ps->w.n);
}

int
pieces_added(struct pieces *ps, size_t n)
{
	int e;

	ps->w.n += n;
	if (ps->w.n < PIECES_WINDOW)
		return 0;
	ps->w.to = ps->w.n - PIECES_OVERLAP;
	if ((e = ps->fn(&ps->w, ps->arg)) != 0)
		return e;
	/* In twos and fours, so that wide characters stand as they stood. */
	forget(ps, ps->w.n - 2 * PIECES_OVERLAP);
	ps->w.from = PIECES_OVERLAP;
	return 0;
}

int
pieces_end(struct pieces *ps)
{
	if (ps->w.n == ps->w.from && ps->w.offset > 0)
		return 0;
	ps->w.to = ps->w.n;
	return ps->fn(&ps->w, ps->arg);
}

int
pieces_skip(struct pieces *ps, uint64_t n)
{
	int e;

	if ((e = pieces_end(ps)) != 0)
		return e;
	forget(ps, ps->w.n);
	ps->w.from = 0;
	ps->w.offset += n;
	ps->w.column += n;
	return 0;
}
