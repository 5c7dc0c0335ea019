/* SPDX-License-Identifier: Apache-2.0 */
/* basecache: the contents of recently used objects, by index, least recently used out first. */
#ifndef GITFILTER_BASECACHE_H
#define GITFILTER_BASECACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct basecache;

struct basecache	*basecache_new(size_t max_bytes);	/* NULL = no memory */
void			 basecache_free(struct basecache *);
/*
 * Takes over p (malloc). The newest always stays, even when it alone is over the ceiling. 0, or ERR_NOMEM and p is freed.
 */
int	basecache_put(struct basecache *, uint32_t index, uint8_t *p, size_t n);
/* Borrowed until the next put. */
bool	basecache_get(struct basecache *, uint32_t index, const uint8_t **pp, size_t *np);

#endif
