/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/contents.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"

struct contents {
	struct content	*v;		/* owned, by index */
	size_t		 room;
	uint64_t	 bytes;
};

struct contents *
contents_new(void)
{
	return calloc(1, sizeof(struct contents));
}

void
contents_free(struct contents *c)
{
	if (c == NULL)
		return;
	free(c->v);
	free(c);
}

int
contents_add(struct contents *c, uint32_t index, const uint8_t *p, size_t n, bool kind)
{
	size_t room = c->room == 0 ? 256 : c->room;
	struct content *more;

	c->bytes += n;
	if (!kind)
		return 0;
	while (room <= index)
		room *= 2;
	if (room > c->room) {
		if ((more = reallocarray(c->v, room, sizeof(*more))) == NULL)
			return ERR_NOMEM;
		memset(more + c->room, 0, (room - c->room) * sizeof(*more));
		c->v = more;
		c->room = room;
	}
	c->v[index] = (struct content){ .size = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX, .type = (uint8_t)filetype_of(p, n),
	    .known = 1 };
	return 0;
}

const struct content *
contents_find(const struct contents *c, uint32_t index)
{
	return index < c->room && c->v[index].known ? &c->v[index] : NULL;
}

uint64_t
contents_bytes(const struct contents *c)
{
	return c->bytes;
}
