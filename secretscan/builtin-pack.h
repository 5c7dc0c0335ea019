/* SPDX-License-Identifier: Apache-2.0 */
/* builtin-pack: the rules of rules/ as a pack, made by mkbuiltin when this is built. */
#ifndef SECRETSCAN_BUILTIN_PACK_H
#define SECRETSCAN_BUILTIN_PACK_H

#include <stddef.h>
#include <stdint.h>

/* Lives as long as the program. */
const uint8_t	*builtin_pack(size_t *np);

#endif
