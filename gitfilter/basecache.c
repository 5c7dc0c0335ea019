/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/basecache.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "bastion/base/err.h"

struct node {
	TAILQ_ENTRY(node)	 link;
	uint32_t		 index;
	size_t			 n;
	uint8_t			*p;	/* owned */
};

TAILQ_HEAD(node_list, node);

struct basecache {
	struct node_list	 used;		/* the most recently used first */
	struct node		**by_index;	/* owned array, borrowed nodes */
	size_t			 nindex;
	size_t			 bytes, max;
};

struct basecache *
basecache_new(size_t max_bytes)
{
	struct basecache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	TAILQ_INIT(&c->used);
	c->max = max_bytes;
	return c;
}

static void
basecache_drop(struct basecache *c, struct node *node)
{
	TAILQ_REMOVE(&c->used, node, link);
	c->by_index[node->index] = NULL;
	c->bytes -= node->n;
	free(node->p);
	free(node);
}

void
basecache_free(struct basecache *c)
{
	struct node *node;

	if (c == NULL)
		return;
	while ((node = TAILQ_FIRST(&c->used)) != NULL)
		basecache_drop(c, node);
	free(c->by_index);
	free(c);
}

static int
basecache_grow(struct basecache *c, uint32_t index)
{
	size_t n = c->nindex == 0 ? 256 : c->nindex;
	struct node **more;

	if (index < c->nindex)
		return 0;
	while (n <= index)
		n *= 2;
	if ((more = reallocarray(c->by_index, n, sizeof(struct node *))) == NULL)
		return ERR_NOMEM;
	for (size_t i = c->nindex; i < n; i++)
		more[i] = NULL;
	c->by_index = more;
	c->nindex = n;
	return 0;
}

int
basecache_put(struct basecache *c, uint32_t index, uint8_t *p, size_t n)
{
	struct node *node = NULL;

	if (basecache_grow(c, index) != 0 || (node = calloc(1, sizeof(*node))) == NULL) {
		free(p);
		return ERR_NOMEM;
	}
	if (c->by_index[index] != NULL)
		basecache_drop(c, c->by_index[index]);
	node->index = index;
	node->n = n;
	node->p = p;
	while (c->bytes > 0 && (n > c->max || c->bytes > c->max - n) && !TAILQ_EMPTY(&c->used))
		basecache_drop(c, TAILQ_LAST(&c->used, node_list));
	TAILQ_INSERT_HEAD(&c->used, node, link);
	c->by_index[index] = node;
	c->bytes += n;
	return 0;
}

bool
basecache_get(struct basecache *c, uint32_t index, const uint8_t **pp, size_t *np)
{
	struct node *node = index < c->nindex ? c->by_index[index] : NULL;

	if (node == NULL)
		return false;
	if (TAILQ_FIRST(&c->used) != node) {
		TAILQ_REMOVE(&c->used, node, link);
		TAILQ_INSERT_HEAD(&c->used, node, link);
	}
	*pp = node->p;
	*np = node->n;
	return true;
}
