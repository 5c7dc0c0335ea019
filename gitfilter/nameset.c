/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/nameset.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bastion/base/err.h"

#define FIRST_BITS	10

struct nameset {
	uint64_t	*slots;		/* owned; 0 = free */
	unsigned	 bits;
	size_t		 count;
	uint64_t	 key[2];
};

struct nameset *
nameset_new(void)
{
	struct nameset *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->bits = FIRST_BITS;
	s->slots = calloc((size_t)1 << s->bits, sizeof(*s->slots));
	if (s->slots == NULL || getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key)) {
		nameset_free(s);
		return NULL;
	}
	return s;
}

void
nameset_free(struct nameset *s)
{
	if (s == NULL)
		return;
	free(s->slots);
	free(s);
}

static uint64_t
mix(uint64_t h, uint64_t v, uint64_t key)
{
	unsigned __int128 m = (unsigned __int128)(h ^ v) * (key | 1);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t
nameset_hash(const struct nameset *s, const uint8_t *p, size_t n)
{
	uint64_t h = s->key[1], v;

	h = mix(h, n, s->key[0]);
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&v, p, 8);
		h = mix(h, v, s->key[0]) + s->key[1];
	}
	v = 0;
	if (n > 0)
		memcpy(&v, p, n);
	h = mix(h, v, s->key[0]);
	h = mix(h, s->key[1], s->key[0]);
	return h == 0 ? 1 : h;
}

static void
slot_put(uint64_t *slots, unsigned bits, uint64_t h)
{
	size_t mask = ((size_t)1 << bits) - 1, i = (size_t)h & mask;

	while (slots[i] != 0)
		i = (i + 1) & mask;
	slots[i] = h;
}

static int
nameset_grow(struct nameset *s)
{
	uint64_t *bigger = calloc((size_t)2 << s->bits, sizeof(*bigger));

	if (bigger == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < (size_t)1 << s->bits; i++)
		if (s->slots[i] != 0)
			slot_put(bigger, s->bits + 1, s->slots[i]);
	free(s->slots);
	s->slots = bigger;
	s->bits++;
	return 0;
}

int
nameset_add(struct nameset *s, const uint8_t *p, size_t n)
{
	uint64_t h = nameset_hash(s, p, n);
	size_t mask, i;
	int r;

	if (s->count >= ((size_t)1 << s->bits) / 2 && (r = nameset_grow(s)) != 0)
		return r;
	mask = ((size_t)1 << s->bits) - 1;
	for (i = (size_t)h & mask; s->slots[i] != 0; i = (i + 1) & mask)
		if (s->slots[i] == h)
			return ERR_EXISTS;
	s->slots[i] = h;
	s->count++;
	return 0;
}
