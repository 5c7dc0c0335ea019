/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/lines.h"

#include <string.h>

#include "secretscan/secretscan.h"

#define COUNT_BLOCK	128	/* of which a byte can count every one */

void
lines_init(struct lines *l, const uint8_t *p)
{
	*l = (struct lines){ .p = p, .line = 1 };
}

/* In blocks of a fixed size and in bytes, which compilers turn into vector code. */
size_t
lines_count(const uint8_t *p, size_t n)
{
	size_t total = 0, i = 0;

	for (; i + COUNT_BLOCK <= n; i += COUNT_BLOCK) {
		uint8_t some = 0;

		for (size_t k = 0; k < COUNT_BLOCK; k++)
			some = (uint8_t)(some + (p[i + k] == '\n'));
		total += some;
	}
	for (; i < n; i++)
		total += p[i] == '\n';
	return total;
}

void
lines_place(struct lines *l, struct secretscan_finding *f)
{
	size_t rest = f->end > f->start ? f->end - f->start - 1 : 0;
	const uint8_t *nl;

	if (f->start < l->at)
		lines_init(l, l->p);
	l->line += lines_count(l->p + l->at, f->start - l->at);
	nl = memrchr(l->p + l->at, '\n', f->start - l->at);
	if (nl != NULL)
		l->start = (size_t)(nl - l->p) + 1;
	l->at = f->start;
	f->line = l->line;
	f->column = f->start - l->start + 1;
	f->end_line = f->line;
	f->end_column = f->column + rest;
	if ((nl = memrchr(l->p + f->start, '\n', rest)) != NULL) {
		f->end_line += lines_count(l->p + f->start, rest);
		f->end_column = f->end - 1 - (size_t)(nl - l->p);
	}
}
