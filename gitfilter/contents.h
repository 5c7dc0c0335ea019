/* SPDX-License-Identifier: Apache-2.0 */
/* contents: size and kind of each blob of a pack, by its index, for rules on what files are. */
#ifndef GITFILTER_CONTENTS_H
#define GITFILTER_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/filetype.h"

struct contents;

struct content {
	uint32_t	size;		/* bytes; UINT32_MAX stands for more as well */
	uint8_t		type;		/* enum filetype */
	uint8_t		known;		/* 0: no blob has this index */
};

struct contents	*contents_new(void);	/* NULL = no memory */
void		 contents_free(struct contents *);
/* The blob of this index; where nobody wants its kind, its bytes are counted and no more is kept. 0 or ERR_NOMEM. */
int		 contents_add(struct contents *, uint32_t index, const uint8_t *p, size_t n, bool kind);
/* NULL: no such blob was added. Valid until the next contents_add. */
const struct content *contents_find(const struct contents *, uint32_t index);
/* Of all that were added. */
uint64_t	 contents_bytes(const struct contents *);

#endif
