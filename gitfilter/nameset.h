/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nameset: which names have been seen, by a keyed 64-bit hash: eight bytes a name whatever its length. Nobody outside knows
 * the key, so a name that is taken for another by its hash cannot be made.
 */
#ifndef GITFILTER_NAMESET_H
#define GITFILTER_NAMESET_H

#include <stddef.h>
#include <stdint.h>

struct nameset;

struct nameset	*nameset_new(void);	/* NULL = no memory, or no randomness */
void		 nameset_free(struct nameset *);
/* 0 = new, and added; ERR_EXISTS; ERR_NOMEM. */
int		 nameset_add(struct nameset *, const uint8_t *p, size_t n);
/* The keyed hash itself; never 0. */
uint64_t	nameset_hash(const struct nameset *, const uint8_t *p, size_t n);

#endif
