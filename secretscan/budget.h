/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget: how much may still be made out of one content by decoding and unpacking it. One budget is shared by everything
 * that comes out of a content, however deep, so that nothing in it can multiply the work.
 */
#ifndef SECRETSCAN_BUDGET_H
#define SECRETSCAN_BUDGET_H

#include <stddef.h>

#include "secretscan/secretscan.h"

struct budget {
	size_t		bytes;		/* that may still be made */
	unsigned	items;		/* members and decoded texts that may still be looked at */
	unsigned	depth;		/* layers that may still be opened below this one */
};

/* Take n bytes: 0, or SECRETSCAN_LIMIT when there are not as many; then none are left for anybody. */
static inline int
budget_take(struct budget *b, size_t n)
{
	if (n > b->bytes) {
		b->bytes = 0;
		return SECRETSCAN_LIMIT;
	}
	b->bytes -= n;
	return 0;
}

/* Take one item: 0, or SECRETSCAN_LIMIT when there is none. */
static inline int
budget_take_item(struct budget *b)
{
	if (b->items == 0)
		return SECRETSCAN_LIMIT;
	b->items--;
	return 0;
}

/* Go down a layer: 0, or SECRETSCAN_LIMIT when this is the deepest; then budget_leave must not be called. */
static inline int
budget_enter(struct budget *b)
{
	if (b->depth == 0)
		return SECRETSCAN_LIMIT;
	b->depth--;
	return 0;
}

static inline void
budget_leave(struct budget *b)
{
	b->depth++;
}

#endif
