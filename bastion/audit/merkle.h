/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merkle: the growing edge of an RFC 6962 tree (SHA-256): append leaves, ask for the root, and get the hash tiles of
 * C2SP tlog-tiles as they fill. It keeps the peaks and the right-most tile of each level, not the tree.
 */
#ifndef AUDIT_MERKLE_H
#define AUDIT_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#define MERKLE_LEN	32
#define MERKLE_TILE	256	/* hashes in a full tile; a tile stands for 8 levels of the tree */
#define MERKLE_LEVELS	8	/* levels of tiles: enough for every 64-bit size */

struct merkle;

/* A tile is full: its 256 hashes, which live until the call returns. Not 0 stops the append and is returned by it. */
typedef int	(*merkle_full_fn)(unsigned level, uint64_t index, const uint8_t *hashes, void *arg);

struct merkle	*merkle_new(merkle_full_fn full, void *arg);	/* full may be NULL */
void		 merkle_free(struct merkle *);	/* NULL is fine */
uint64_t	 merkle_size(const struct merkle *);

/* The leaf hash of an entry's bytes. */
void	merkle_leaf(struct merkle *, const void *p, size_t n, uint8_t out[MERKLE_LEN]);
/* Add one leaf hash. 0, or what full returned. */
int	merkle_append(struct merkle *, const uint8_t leaf[MERKLE_LEN]);
void	merkle_root(struct merkle *, uint8_t out[MERKLE_LEN]);
/* The hashes of the unfinished tile of a level and how many there are; valid until the next append. */
const uint8_t	*merkle_edge(const struct merkle *, unsigned level, unsigned *np);

#endif
