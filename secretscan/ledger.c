/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/ledger.h"

#include <stdlib.h>

#include "secretscan/alloc.h"
#include "secretscan/record.h"
#include "secretscan/report.h"
#include "secretscan/secretscan.h"

struct ledger {
	struct report		*report;
	const struct secretscan	*ss;
	struct record		**v;
	size_t			 n, cap;
	bool			 was_full;
};

struct ledger *
ledger_new(struct report *report, const struct secretscan *ss)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->report = report;
	l->ss = ss;
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

/* The other halves, which live as long as the pairs. */
static struct secretscan_pairs *
pair_up(struct ledger *l)
{
	struct secretscan_pairs *pairs = l->ss != NULL ? secretscan_pairs_new(l->ss) : NULL;
	int e = pairs == NULL ? SECRETSCAN_NOMEM : 0;

	for (size_t i = 0; i < l->n && e == 0; i++) {
		const struct record *r = l->v[i];

		e = secretscan_pairs_add(pairs, &(struct secretscan_half){ r->rule, r->content, r->start,
		    r->fingerprint });
	}
	if (e == 0)
		e = secretscan_pairs_find(pairs);
	for (size_t i = 0; i < l->n && e == 0; i++)
		l->v[i]->pair = secretscan_pairs_other(pairs, i);
	return pairs;
}

int
ledger_flush(struct ledger *l)
{
	struct secretscan_pairs *pairs;
	int e = 0;

	if (l->n == 0)
		return 0;
	qsort(l->v, l->n, sizeof(struct record *), record_compare);
	pairs = pair_up(l);
	for (size_t i = 0; i < l->n && e == 0; i++)
		e = report_add(l->report, l->v[i]);
	secretscan_pairs_free(pairs);
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
