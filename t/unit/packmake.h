/* SPDX-License-Identifier: Apache-2.0 */
/* packmake: packs for tests, good ones and evil ones, put together entry by entry. Out of memory ends the test. */
#ifndef UNIT_PACKMAKE_H
#define UNIT_PACKMAKE_H

#include <stddef.h>
#include <stdint.h>

struct packmake;

struct packmake	*packmake_new(uint32_t count);	/* what the head says */
void		 packmake_free(struct packmake *);
/* Each returns the entry's offset. size is what the head says, n what is there. */
size_t	packmake_object(struct packmake *, int type, const void *p, size_t n);
size_t	packmake_lying(struct packmake *, int type, uint64_t size, const void *p, size_t n);
size_t	packmake_ofs(struct packmake *, size_t base, const void *delta, size_t n);
size_t	packmake_ref(struct packmake *, const uint8_t base[20], const void *delta, size_t n);
void	packmake_end(struct packmake *);	/* the trailer */
const uint8_t	*packmake_bytes(const struct packmake *, size_t *np);

/* The name of an object. */
void	packmake_name(const char *type, const void *p, size_t n, uint8_t oid[20]);
/* A delta that copies all of a base of nbase bytes (below 16 MiB) times times, then adds one byte. Returns its length. */
size_t	packmake_delta(size_t nbase, size_t times, uint8_t add, uint8_t *out, size_t room);

#endif
