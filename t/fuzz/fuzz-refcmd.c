/* SPDX-License-Identifier: Apache-2.0 */
/* One command line; a name that passes must be one line of visible text. */
#include <stdlib.h>
#include <string.h>

#include "gitfilter/object.h"
#include "gitfilter/refcmd.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct push_command c;
	const uint8_t *caps;
	const char *why;
	size_t ncaps;
	struct tree_cursor cursor;
	struct tree_entry e;
	struct commit commit;
	struct tag tag;

	if (refcmd_parse(p, n, &c, &caps, &ncaps, &why) == 0)
		for (const char *s = c.name; *s != '\0'; s++)
			if ((uint8_t)*s <= 0x20 || *s == 0x7f)
				abort();
	(void)commit_parse(p, n, &commit, &why);
	(void)tag_parse(p, n, &tag, &why);
	tree_begin(&cursor, p, n);
	while (tree_next(&cursor, &e, &why) == 0)
		if (e.oid < p || e.oid + 20 > p + n)
			abort();
	return 0;
}
