/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/record.h"

#include <stdlib.h>
#include <string.h>

void
record_free(struct record *r)
{
	if (r == NULL)
		return;
	free(r->file);
	free(r->commit);
	free(r->object);
	free(r->member);
	free(r->decoded);
	if (r->secret != NULL)
		explicit_bzero(r->secret, r->secret_len);
	free(r->secret);
	free(r);
}

static int
compare_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int
compare_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int
record_compare(const void *va, const void *vb)
{
	const struct record *a = *(const struct record *const *)va, *b = *(const struct record *const *)vb;
	int c;

	if ((c = compare_text(a->file, b->file)) != 0 || (c = compare_text(a->commit, b->commit)) != 0 ||
	    (c = compare_text(a->object, b->object)) != 0 || (c = compare_number(a->content, b->content)) != 0 ||
	    (c = compare_number(a->start, b->start)) != 0 || (c = compare_text(a->member, b->member)) != 0 ||
	    (c = compare_number(a->line, b->line)) != 0 || (c = compare_number(a->column, b->column)) != 0 ||
	    (c = compare_text(a->rule, b->rule)) != 0)
		return c;
	return compare_text(a->fingerprint, b->fingerprint);
}
