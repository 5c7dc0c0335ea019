/* SPDX-License-Identifier: Apache-2.0 */
/* delta: git's deltas (gitformat-pack, "Deltified representation"): copy and insert instructions against a base. */
#ifndef GITFILTER_DELTA_H
#define GITFILTER_DELTA_H

#include <stddef.h>
#include <stdint.h>

/* What the delta says it needs and makes; *usedp is where the instructions start. 0 or ERR_FORMAT. */
int	delta_sizes(const uint8_t *p, size_t n, uint64_t *basep, uint64_t *resultp, size_t *usedp);
/*
 * Apply p to base; the result must be exactly nout bytes, for which out has room, and every instruction must stay
 * inside the base and the result. 0 or ERR_FORMAT.
 */
int	delta_apply(const uint8_t *base, size_t nbase, const uint8_t *p, size_t n, uint8_t *out, size_t nout);

#endif
