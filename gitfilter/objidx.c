/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/objidx.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bastion/base/err.h"

#define FIRST_BITS	8

struct slot {
	uint8_t		oid[20];
	uint32_t	value;		/* OBJIDX_NONE: free */
};

struct objidx {
	struct slot	*slots;		/* owned; 1 << bits */
	unsigned	 bits;
	size_t		 count;
	uint64_t	 key[3];
};

static int
objidx_alloc(struct slot **slotsp, unsigned bits)
{
	size_t n = (size_t)1 << bits;
	struct slot *slots = reallocarray(NULL, n, sizeof(*slots));

	if (slots == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		slots[i].value = OBJIDX_NONE;
	*slotsp = slots;
	return 0;
}

struct objidx *
objidx_new(void)
{
	struct objidx *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->bits = FIRST_BITS;
	if (getrandom(x->key, sizeof(x->key), 0) != sizeof(x->key) || objidx_alloc(&x->slots, x->bits) != 0) {
		free(x);
		return NULL;
	}
	return x;
}

void
objidx_free(struct objidx *x)
{
	if (x == NULL)
		return;
	free(x->slots);
	free(x);
}

/* The slot that holds oid, or the free one where it belongs. Multiply and shift with secret odd factors. */
static struct slot *
objidx_slot(const struct objidx *x, struct slot *slots, unsigned bits, const uint8_t oid[20])
{
	uint64_t a, b;
	uint32_t c;
	size_t i, mask = ((size_t)1 << bits) - 1;

	memcpy(&a, oid, 8);
	memcpy(&b, oid + 8, 8);
	memcpy(&c, oid + 16, 4);
	a = (a ^ x->key[2]) * (x->key[0] | 1) ^ (b + c) * (x->key[1] | 1);
	i = (size_t)((a ^ a >> 29) * (x->key[1] | 1) >> (64 - bits));
	while (slots[i].value != OBJIDX_NONE && memcmp(slots[i].oid, oid, 20) != 0)
		i = (i + 1) & mask;
	return &slots[i];
}

static int
objidx_grow(struct objidx *x)
{
	struct slot *bigger;
	int r;

	if ((r = objidx_alloc(&bigger, x->bits + 1)) != 0)
		return r;
	for (size_t i = 0; i < (size_t)1 << x->bits; i++)
		if (x->slots[i].value != OBJIDX_NONE)
			*objidx_slot(x, bigger, x->bits + 1, x->slots[i].oid) = x->slots[i];
	free(x->slots);
	x->slots = bigger;
	x->bits++;
	return 0;
}

int
objidx_add(struct objidx *x, const uint8_t oid[20], uint32_t value)
{
	struct slot *s;
	int r;

	if (x->count >= ((size_t)1 << x->bits) / 2 && (r = objidx_grow(x)) != 0)
		return r;
	s = objidx_slot(x, x->slots, x->bits, oid);
	if (s->value != OBJIDX_NONE)
		return ERR_EXISTS;
	memcpy(s->oid, oid, 20);
	s->value = value;
	x->count++;
	return 0;
}

uint32_t
objidx_find(const struct objidx *x, const uint8_t oid[20])
{
	return objidx_slot(x, x->slots, x->bits, oid)->value;
}

size_t
objidx_count(const struct objidx *x)
{
	return x->count;
}
