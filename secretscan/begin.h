/* SPDX-License-Identifier: Apache-2.0 */
/* begin: does a text end with the beginning of an anchor that is part of a secret? Asked for each piece of a stream. */
#ifndef SECRETSCAN_BEGIN_H
#define SECRETSCAN_BEGIN_H

#include <stddef.h>
#include <stdint.h>

struct begin;
struct regex_scratch;
struct rules;

/* NULL: no memory. The rules must outlive it. */
struct begin	*begin_new(const struct rules *);
void		 begin_free(struct begin *);
/* How many bytes at the end of p could be the beginning of a secret; 0 almost always. */
size_t		 begin_length(const struct begin *, struct regex_scratch *, const uint8_t *p, size_t n);

#endif
