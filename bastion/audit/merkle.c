/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/merkle.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"
#include "bastion/record/sha256.h"

struct merkle {
	struct sha256	*h;
	merkle_full_fn	 full;
	void		*arg;
	uint64_t	 size;
	uint8_t		 peak[64][MERKLE_LEN];	/* peak[b]: root of the perfect subtree for bit b of size */
	uint8_t		 edge[MERKLE_LEVELS][MERKLE_TILE][MERKLE_LEN];
};

struct merkle *
merkle_new(merkle_full_fn full, void *arg)
{
	struct merkle *m = xcalloc(1, sizeof(*m));

	m->h = sha256_new();
	m->full = full;
	m->arg = arg;
	return m;
}

void
merkle_free(struct merkle *m)
{
	if (m == NULL)
		return;
	sha256_free(m->h);
	free(m);
}

uint64_t
merkle_size(const struct merkle *m)
{
	return m->size;
}

/* RFC 6962 section 2.1: a leaf's hash starts with a zero byte, a node's with a one, so neither passes for the other. */
void
merkle_leaf(struct merkle *m, const void *p, size_t n, uint8_t out[MERKLE_LEN])
{
	sha256_update(m->h, "\0", 1);
	sha256_update(m->h, p, n);
	sha256_final(m->h, out);
}

static void
merkle_node(struct merkle *m, const uint8_t *left, const uint8_t *right, uint8_t out[MERKLE_LEN])
{
	uint8_t in[1 + 2 * MERKLE_LEN];

	in[0] = 1;
	memcpy(in + 1, left, MERKLE_LEN);
	memcpy(in + 1 + MERKLE_LEN, right, MERKLE_LEN);
	sha256_update(m->h, in, sizeof(in));
	sha256_final(m->h, out);
}

/* A hash for a level of tiles; m->size is still without the new leaf. */
static int
merkle_tile(struct merkle *m, unsigned level, const uint8_t *hash)
{
	uint64_t at = level >= MERKLE_LEVELS ? 0 : m->size >> (8 * level);

	if (level >= MERKLE_LEVELS)
		return 0;
	memcpy(m->edge[level][at % MERKLE_TILE], hash, MERKLE_LEN);
	if (at % MERKLE_TILE != MERKLE_TILE - 1 || m->full == NULL)
		return 0;
	return m->full(level, at / MERKLE_TILE, m->edge[level][0], m->arg);
}

int
merkle_append(struct merkle *m, const uint8_t leaf[MERKLE_LEN])
{
	uint8_t hash[MERKLE_LEN];
	unsigned b;
	int r;

	memcpy(hash, leaf, sizeof(hash));
	if ((r = merkle_tile(m, 0, hash)) != 0)
		return r;
	for (b = 0; m->size >> b & 1; b++) {
		merkle_node(m, m->peak[b], hash, hash);
		if ((b + 1) % 8 == 0 && (r = merkle_tile(m, (b + 1) / 8, hash)) != 0)
			return r;
	}
	memcpy(m->peak[b], hash, sizeof(hash));
	m->size++;
	return 0;
}

void
merkle_root(struct merkle *m, uint8_t out[MERKLE_LEN])
{
	unsigned b;

	if (m->size == 0) {
		sha256_final(m->h, out);	/* of nothing */
		return;
	}
	for (b = 0; !(m->size >> b & 1); b++)
		;
	memcpy(out, m->peak[b], MERKLE_LEN);
	for (b++; b < 64; b++)
		if (m->size >> b & 1)
			merkle_node(m, m->peak[b], out, out);
}

const uint8_t *
merkle_edge(const struct merkle *m, unsigned level, unsigned *np)
{
	*np = (unsigned)(m->size >> (8 * level) & (MERKLE_TILE - 1));
	return m->edge[level][0];
}
