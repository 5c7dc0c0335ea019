/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/trie.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/secretscan.h"

#define NODES_MAX	(1u << 20)

struct node {
	uint32_t	child;		/* first, or TRIE_NONE */
	uint32_t	sibling;
	uint32_t	fail;		/* the longest other text's beginning that these bytes end in */
	uint32_t	depth;
	uint32_t	match;		/* length of the longest text that ends here, 0 = none */
	uint32_t	label;
	uint8_t		c;
};

struct trie {
	struct node	*v;
	uint32_t	 n, cap;
	uint32_t	 longest;
	uint32_t	 first[256];	/* child of the root */
};

struct trie *
trie_new(void)
{
	struct trie *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->v = calloc(1, sizeof(*t->v))) == NULL) {
		free(t);
		return NULL;
	}
	t->n = t->cap = 1;
	t->v[TRIE_ROOT].child = t->v[TRIE_ROOT].sibling = TRIE_NONE;
	memset(t->first, 0xff, sizeof(t->first));
	return t;
}

void
trie_free(struct trie *t)
{
	if (t == NULL)
		return;
	digest_wipe(t->v, t->cap * sizeof(*t->v));
	free(t->v);
	free(t);
}

static uint32_t
child_of(const struct trie *t, uint32_t at, uint8_t c)
{
	if (at == TRIE_ROOT)
		return t->first[c];
	for (at = t->v[at].child; at != TRIE_NONE && t->v[at].c != c; at = t->v[at].sibling)
		;
	return at;
}

static int
grow(struct trie *t)
{
	uint32_t cap = t->cap * 2;
	struct node *v;

	if (t->n < t->cap)
		return 0;
	if (cap > NODES_MAX)
		return SECRETSCAN_LIMIT;
	if ((v = malloc(cap * sizeof(*v))) == NULL)
		return SECRETSCAN_NOMEM;
	memcpy(v, t->v, t->n * sizeof(*v));
	digest_wipe(t->v, t->n * sizeof(*v));
	free(t->v);
	t->v = v;
	t->cap = cap;
	return 0;
}

int
trie_add(struct trie *t, const uint8_t *p, size_t n, uint32_t label)
{
	uint32_t at = TRIE_ROOT, next;
	int e;

	for (size_t i = 0; i < n; i++, at = next) {
		if ((next = child_of(t, at, p[i])) != TRIE_NONE)
			continue;
		if ((e = grow(t)) != 0)
			return e;
		next = t->n++;
		t->v[next] = (struct node){ .child = TRIE_NONE, .sibling = t->v[at].child, .depth = (uint32_t)i + 1, .c = p[i] };
		t->v[at].child = next;
		if (at == TRIE_ROOT)
			t->first[p[i]] = next;
	}
	if (t->v[at].match == 0) {
		t->v[at].match = t->v[at].depth;
		t->v[at].label = label;
	}
	if (n > t->longest)
		t->longest = (uint32_t)n;
	return 0;
}

/* By depth: a node's fail is shorter than itself, so it is known when the node's turn comes. */
int
trie_finish(struct trie *t)
{
	uint32_t *queue, head = 0, tail = 0;

	if ((queue = calloc(t->n, sizeof(*queue))) == NULL)
		return SECRETSCAN_NOMEM;
	queue[tail++] = TRIE_ROOT;
	while (head < tail) {
		uint32_t at = queue[head++];

		for (uint32_t k = t->v[at].child; k != TRIE_NONE; k = t->v[k].sibling) {
			struct node *node = &t->v[k];

			node->fail = at == TRIE_ROOT ? TRIE_ROOT : trie_step(t, t->v[at].fail, node->c);
			if (node->match == 0) {
				node->match = t->v[node->fail].match;
				node->label = t->v[node->fail].label;
			}
			queue[tail++] = k;
		}
	}
	free(queue);
	return 0;
}

uint32_t
trie_step(const struct trie *t, uint32_t state, uint8_t c)
{
	uint32_t next;

	while ((next = child_of(t, state, c)) == TRIE_NONE) {
		if (state == TRIE_ROOT)
			return TRIE_ROOT;
		state = t->v[state].fail;
	}
	return next;
}

uint32_t
trie_depth(const struct trie *t, uint32_t state)
{
	return t->v[state].depth;
}

uint32_t
trie_match(const struct trie *t, uint32_t state, uint32_t *labelp)
{
	*labelp = t->v[state].label;
	return t->v[state].match;
}

uint32_t
trie_longest(const struct trie *t)
{
	return t->longest;
}

bool
trie_begins(const struct trie *t, uint8_t c)
{
	return t->first[c] != TRIE_NONE;
}
