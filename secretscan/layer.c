/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/layer.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/secretscan.h"

#define FIRST_BYTES	1024
#define FIRST_PIECES	16

/* A stretch of bytes of which each group of out_unit is written as in_unit bytes of the text. */
struct layer_piece {
	uint32_t	out;
	uint32_t	in;
	uint16_t	out_unit, in_unit;
};

void
layer_init(struct layer *l, size_t max)
{
	*l = (struct layer){ .max = max };
}

void
layer_release(struct layer *l)
{
	if (l->p != NULL)
		digest_wipe(l->p, l->cap);
	free(l->p);
	free(l->pieces);
	*l = (struct layer){ 0 };
}

/* Not realloc: the old memory may hold a secret. Most bytes find room and do not come here. */
static __attribute__((noinline)) int
grow_bytes(struct layer *l, size_t n)
{
	size_t cap = l->cap > 0 ? l->cap : FIRST_BYTES;
	uint8_t *p;

	if (n > l->max || l->n > l->max - n)
		return SECRETSCAN_LIMIT;
	while (cap - l->n < n)
		cap *= 2;
	/* So that there is room only where there may be more. */
	if (cap > l->max)
		cap = l->max;
	if ((p = malloc(cap)) == NULL)
		return SECRETSCAN_NOMEM;
	if (l->p != NULL) {
		memcpy(p, l->p, l->n);
		digest_wipe(l->p, l->n);
	}
	free(l->p);
	l->p = p;
	l->cap = cap;
	return 0;
}

/* A group that goes on where the last one ended. Most are one byte, which needs no division. */
static bool
goes_on(const struct layer_piece *last, size_t out, size_t in)
{
	size_t n = out - last->out;

	if (last->out_unit == 1)
		return last->in + n * last->in_unit == in;
	return n % last->out_unit == 0 && last->in + n / last->out_unit * last->in_unit == in;
}

static __attribute__((noinline)) int
grow_pieces(struct layer *l)
{
	size_t cap = l->pieces_cap > 0 ? l->pieces_cap * 2 : FIRST_PIECES;
	struct layer_piece *grown;

	if ((grown = reallocarray(l->pieces, cap, sizeof(*grown))) == NULL)
		return SECRETSCAN_NOMEM;
	l->pieces = grown;
	l->pieces_cap = cap;
	return 0;
}

static inline int
add_piece(struct layer *l, size_t in, uint16_t out_unit, uint16_t in_unit)
{
	const struct layer_piece *last = l->npieces > 0 ? &l->pieces[l->npieces - 1] : NULL;
	int e;

	if (last != NULL && last->out_unit == out_unit && last->in_unit == in_unit && goes_on(last, l->n, in))
		return 0;
	if (l->npieces == l->pieces_cap && (e = grow_pieces(l)) != 0)
		return e;
	l->pieces[l->npieces++] = (struct layer_piece){ (uint32_t)l->n, (uint32_t)in, out_unit, in_unit };
	return 0;
}

static inline void
add(struct layer *l, const uint8_t *p, size_t n, size_t in, uint16_t out_unit, uint16_t in_unit)
{
	if (l->error != 0 || n == 0)
		return;
	if (l->cap - l->n < n && (l->error = grow_bytes(l, n)) != 0)
		return;
	if ((l->error = add_piece(l, in, out_unit, in_unit)) != 0)
		return;
	if (n == 1)
		l->p[l->n] = *p;
	else
		memcpy(l->p + l->n, p, n);
	l->n += n;
}

void
layer_copy(struct layer *l, const uint8_t *p, size_t n, size_t in)
{
	add(l, p, n, in, 1, 1);
}

void
layer_put(struct layer *l, const uint8_t *p, size_t n, size_t in, size_t in_n)
{
	add(l, p, n, in, (uint16_t)n, (uint16_t)(in_n < UINT16_MAX ? in_n : UINT16_MAX));
}

void
layer_put_groups(struct layer *l, const uint8_t *p, size_t n, size_t in, size_t out_unit, size_t in_unit)
{
	add(l, p, n, in, (uint16_t)out_unit, (uint16_t)in_unit);
}

void
layer_break(struct layer *l, size_t in)
{
	add(l, (const uint8_t *)"\n", 1, in, 1, 0);
}

void
layer_erase(struct layer *l)
{
	if (l->n == 0)
		return;
	l->n--;
	if (l->pieces[l->npieces - 1].out == l->n)
		l->npieces--;
}

/* The piece that the byte at this place of the layer is of. */
static const struct layer_piece *
piece_at(const struct layer *l, size_t at)
{
	size_t low = 0, high = l->npieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (l->pieces[middle].out <= at)
			low = middle;
		else
			high = middle;
	}
	return &l->pieces[low];
}

bool
layer_map(const struct layer *l, size_t start, size_t end, size_t *in_start, size_t *in_end)
{
	const struct layer_piece *first = piece_at(l, start), *last = piece_at(l, end - 1);
	size_t i = start - first->out, k = end - 1 - last->out;

	*in_start = (size_t)first->in + i / first->out_unit * first->in_unit +
	    i % first->out_unit * first->in_unit / first->out_unit;
	*in_end = (size_t)last->in + k / last->out_unit * last->in_unit +
	    ((k % last->out_unit + 1) * last->in_unit + last->out_unit - 1) / last->out_unit;
	if (*in_end < *in_start)
		*in_end = *in_start;
	return first != last || first->out_unit != 1 || first->in_unit != 1;
}
