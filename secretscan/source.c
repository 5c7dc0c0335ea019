/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/source.h"

#include <stdlib.h>

#include "secretscan/alloc.h"

struct source_item *
source_item_new(const char *file)
{
	struct source_item *it = xcalloc(1, sizeof(*it));

	it->file = xstrdup(file);
	return it;
}

void
source_item_free(struct source_item *it)
{
	if (it == NULL)
		return;
	free(it->file);
	free(it->commit);
	free(it->object);
	free(it->p);
	free(it->path);
	free(it);
}
