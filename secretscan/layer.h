/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: what a text says once an encoding is peeled off it, with a map back. It is made by adding bytes in order, each
 * with the bytes of the text around it that they came from.
 */
#ifndef SECRETSCAN_LAYER_H
#define SECRETSCAN_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layer_piece;

/* Of the caller, begun with layer_init. p[0 .. n) may be read. Neither it nor the text is longer than UINT32_MAX. */
struct layer {
	uint8_t			*p;
	size_t			 n, cap;
	size_t			 max;		/* more than so many bytes are SECRETSCAN_LIMIT */
	int			 error;		/* the first one; nothing is added after it */
	struct layer_piece	*pieces;	/* by their place in the layer */
	size_t			 npieces, pieces_cap;
};

void	layer_init(struct layer *, size_t max);
/* Wipes: a layer can hold secrets. */
void	layer_release(struct layer *);

/* Bytes that stand at in .. in + n in the text as they are. */
void	layer_copy(struct layer *, const uint8_t *p, size_t n, size_t in);
/*
 * n bytes that are written as in_n bytes at in, each with an equal share of them: three bytes as four characters of
 * base64, one byte as %41.
 */
void	layer_put(struct layer *, const uint8_t *p, size_t n, size_t in, size_t in_n);
/* The same of many groups side by side, n bytes altogether: each in_unit bytes of the text say out_unit of these. */
void	layer_put_groups(struct layer *, const uint8_t *p, size_t n, size_t in, size_t out_unit, size_t in_unit);
/* What follows does not belong to what stands here: a line ends. */
void	layer_break(struct layer *, size_t in);
/* Take back the last byte, if there is one. */
void	layer_erase(struct layer *);

/*
 * The bytes of the text that p[start .. end) of the layer is written in, for start < end <= n. False: every one of them
 * stands in the text as it is.
 */
bool	layer_map(const struct layer *, size_t start, size_t end, size_t *in_start, size_t *in_end);

#endif
