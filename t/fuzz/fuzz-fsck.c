/* SPDX-License-Identifier: Apache-2.0 */
/* The same bytes as a commit, a tag, a folder, and each file that git reads. */
#include <stdlib.h>

#include "gitfilter/fsck.h"
#include "gitfilter/object.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
on_fault(enum fsck_id id, void *arg)
{
	(void)arg;
	if (id >= FSCK_IDS || fsck_name(id) == NULL)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fsck_order *order = fsck_order_new();
	struct tree_cursor cursor;
	struct tree_entry e;
	const char *why;

	(void)fsck_commit(p, n, on_fault, NULL);
	(void)fsck_tag(p, n, on_fault, NULL);
	(void)fsck_content(FSCK_FILE_MODULES, p, n, on_fault, NULL);
	(void)fsck_content(FSCK_FILE_ATTRIBUTES, p, n, on_fault, NULL);
	tree_begin(&cursor, p, n);
	fsck_order_begin(order);
	while (tree_next(&cursor, &e, &why) == 0) {
		(void)fsck_order(order, &e, on_fault, NULL);
		(void)fsck_entry(&e, on_fault, NULL);
		(void)fsck_file(&e);
	}
	fsck_order_free(order);
	return 0;
}
