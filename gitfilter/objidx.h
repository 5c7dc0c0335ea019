/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objidx: from an object's name (20 bytes) to a small number, for the objects of one pack. Keyed by chance, so that names
 * made to collide in a table do not.
 */
#ifndef GITFILTER_OBJIDX_H
#define GITFILTER_OBJIDX_H

#include <stddef.h>
#include <stdint.h>

struct objidx;

#define OBJIDX_NONE	UINT32_MAX

struct objidx	*objidx_new(void);	/* NULL = no memory, or no randomness */
void		 objidx_free(struct objidx *);
/* 0, ERR_EXISTS, ERR_NOMEM. value is not OBJIDX_NONE. */
int		 objidx_add(struct objidx *, const uint8_t oid[20], uint32_t value);
/* The number, or OBJIDX_NONE. */
uint32_t	 objidx_find(const struct objidx *, const uint8_t oid[20]);
size_t		 objidx_count(const struct objidx *);

#endif
