/* SPDX-License-Identifier: Apache-2.0 */
/* inflate: zlib streams of known size; the one file that meets libdeflate (whole, fast) and zlib (piece by piece). */
#ifndef GITFILTER_INFLATE_H
#define GITFILTER_INFLATE_H

#include <stddef.h>
#include <stdint.h>

struct inflater;

struct inflater	*inflater_new(void);	/* NULL = no memory */
void		 inflater_free(struct inflater *);

/* How many bytes a sane encoder needs at most for n: when that many are at hand, the stream's end is among them. */
size_t	inflate_bound(size_t n);
/* The stream at in must give exactly nout bytes; *usedp is its length, which may be less than nin. 0 or ERR_FORMAT. */
int	inflate_whole(struct inflater *, const uint8_t *in, size_t nin, uint8_t *out, size_t nout, size_t *usedp);

/* The same piece by piece: out must have room for nout + 1 bytes until the stream has ended. 0 or ERR_NOMEM. */
int	inflate_begin(struct inflater *, uint8_t *out, size_t nout);
/* 0: ended, and exact. ERR_SHORT: all was used, more is needed. ERR_FORMAT. */
int	inflate_more(struct inflater *, const uint8_t *in, size_t nin, size_t *usedp);

#endif
