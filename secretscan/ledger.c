/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/ledger.h"

#include <stdlib.h>

#include "secretscan/alloc.h"
#include "secretscan/record.h"
#include "secretscan/report.h"

struct ledger {
	struct report	 *report;
	struct record	**v;
	size_t		  n, cap;
	bool		  was_full;
};

struct ledger *
ledger_new(struct report *report)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->report = report;
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		record_free(l->v[i]);
	free(l->v);
	free(l);
}

int
ledger_add(struct ledger *l, struct record *r)
{
	int e = 0;

	if (l->n == LEDGER_MAX) {
		l->was_full = true;
		e = ledger_flush(l);
	}
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(struct record *));
	}
	l->v[l->n++] = r;
	return e;
}

int
ledger_flush(struct ledger *l)
{
	int e = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(struct record *), record_compare);
	for (size_t i = 0; i < l->n && e == 0; i++)
		e = report_add(l->report, l->v[i]);
	for (size_t i = 0; i < l->n; i++)
		record_free(l->v[i]);
	l->n = 0;
	return e;
}

bool
ledger_was_full(const struct ledger *l)
{
	return l->was_full;
}
