/* SPDX-License-Identifier: Apache-2.0 */
/* order: the commands that stand before the pack in a spool, read back: what git receive-pack will be told to do. */
#ifndef GITFILTER_ORDER_H
#define GITFILTER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/push.h"

struct order {
	struct push_command	*cmds;		/* owned */
	size_t			 n;
	uint64_t		 end;		/* where the pack begins, if there is one */
	bool			 pack;		/* a pack follows */
	bool			 atomic;	/* all references or none */
};

/* The first length bytes of fd. 0, ERR_FORMAT, ERR_TOOBIG, ERR_NOMEM, ERR_SYSTEM. */
int	order_read(int fd, uint64_t length, struct order *);
void	order_release(struct order *);
/*
 * Whether a git receive-pack report of n bytes says "ok" of this reference, after "unpack ok". An unreadable one says it of
 * none.
 */
bool	order_is_done(const uint8_t *report, size_t n, const char *name);

#endif
