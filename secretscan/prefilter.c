/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals only: their cost per byte hardly grows with their number (a few expressions without a good literal would
 * cost more than thousands of literals), and a literal's start is known, which expressions do not tell for free.
 */
#include "secretscan/prefilter.h"

#include <hs/hs.h>
#include <stdlib.h>

#include "secretscan/rule.h"
#include "secretscan/rulefile.h"
#include "secretscan/secretscan.h"

struct anchor {
	const struct rule	*rule;
	const struct byteset	*follow;
	size_t			 len;
};

struct prefilter {
	hs_database_t	*db;
	hs_scratch_t	*scratch;	/* never scanned with; cloned */
	struct anchor	*anchors;
	size_t		 longest;
};

struct prefilter_scratch {
	hs_scratch_t	*hs;
};

struct scan {
	const struct prefilter	*pf;
	const uint8_t		*p;
	size_t			 n;
	prefilter_fn		 fn;
	void			*arg;
	int			 result;
};

/* The form in which Vectorscan wants them. */
struct literals {
	const char	**v;
	unsigned	 *flags;
	unsigned	 *ids;
	size_t		 *lens;
	unsigned	  n;
};

static void
literals_release(struct literals *l)
{
	free(l->v);
	free(l->flags);
	free(l->ids);
	free(l->lens);
}

static int
collect(struct prefilter *pf, const struct rules *rules, struct literals *l)
{
	size_t total = 0;

	for (size_t i = 0; i < rules->n; i++)
		total += rules->v[i].anchors.n;
	if (total == 0)
		return SECRETSCAN_RULES;
	pf->anchors = calloc(total, sizeof(*pf->anchors));
	l->v = calloc(total, sizeof(*l->v));
	l->flags = calloc(total, sizeof(*l->flags));
	l->ids = calloc(total, sizeof(*l->ids));
	l->lens = calloc(total, sizeof(*l->lens));
	if (pf->anchors == NULL || l->v == NULL || l->flags == NULL || l->ids == NULL || l->lens == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->v[i];

		for (size_t k = 0; k < r->anchors.n; k++, l->n++) {
			pf->anchors[l->n] = (struct anchor){ r, &r->follow[k], r->anchors.v[k].n };
			l->v[l->n] = r->anchors.v[k].p;
			l->flags[l->n] = r->caseless || r->near > 0 ? HS_FLAG_CASELESS : 0;
			l->ids[l->n] = l->n;
			l->lens[l->n] = r->anchors.v[k].n;
			if (r->anchors.v[k].n > pf->longest)
				pf->longest = r->anchors.v[k].n;
		}
	}
	return 0;
}

/* Most trouble that a database can make is that there is none yet, or that it is another processor's. */
static int
open_database(struct prefilter *pf, const struct literals *l, const uint8_t *p, size_t n)
{
	hs_compile_error_t *error = NULL;
	hs_error_t r;

	if (n > 0 && (r = hs_deserialize_database((const char *)p, n, &pf->db)) == HS_SUCCESS)
		return 0;
	if (n > 0 && r == HS_NOMEM)
		return SECRETSCAN_NOMEM;
	r = hs_compile_lit_multi(l->v, l->flags, l->ids, l->lens, l->n, HS_MODE_BLOCK, NULL, &pf->db, &error);
	hs_free_compile_error(error);
	return r == HS_SUCCESS ? 0 : r == HS_NOMEM ? SECRETSCAN_NOMEM : SECRETSCAN_ENGINE;
}

int
prefilter_new(const struct rules *rules, const uint8_t *db, size_t db_len, struct prefilter **pfp)
{
	struct literals l = { 0 };
	struct prefilter *pf;
	int e;

	if ((pf = calloc(1, sizeof(*pf))) == NULL)
		return SECRETSCAN_NOMEM;
	if ((e = collect(pf, rules, &l)) != 0 || (e = open_database(pf, &l, db, db_len)) != 0)
		goto out;
	if (hs_alloc_scratch(pf->db, &pf->scratch) != HS_SUCCESS) {
		e = SECRETSCAN_NOMEM;
		goto out;
	}
	*pfp = pf;
	pf = NULL;
out:
	literals_release(&l);
	prefilter_free(pf);
	return e;
}

int
prefilter_save(const struct prefilter *pf, uint8_t **pp, size_t *np)
{
	char *p;

	if (hs_serialize_database(pf->db, &p, np) != HS_SUCCESS)
		return SECRETSCAN_NOMEM;
	*pp = (uint8_t *)p;
	return 0;
}

void
prefilter_free(struct prefilter *pf)
{
	if (pf == NULL)
		return;
	hs_free_scratch(pf->scratch);
	hs_free_database(pf->db);
	free(pf->anchors);
	free(pf);
}

size_t
prefilter_longest(const struct prefilter *pf)
{
	return pf->longest;
}

struct prefilter_scratch *
prefilter_scratch_new(const struct prefilter *pf)
{
	struct prefilter_scratch *s = calloc(1, sizeof(*s));

	if (s != NULL && hs_clone_scratch(pf->scratch, &s->hs) != HS_SUCCESS) {
		free(s);
		return NULL;
	}
	return s;
}

void
prefilter_scratch_free(struct prefilter_scratch *s)
{
	if (s == NULL)
		return;
	hs_free_scratch(s->hs);
	free(s);
}

static int
on_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct scan *scan = arg;
	const struct anchor *a = &scan->pf->anchors[id];

	(void)from;
	(void)flags;
	if (to < scan->n && !byteset_has(a->follow, scan->p[to]))
		return 0;
	scan->result = scan->fn(a->rule, (size_t)to - a->len, (size_t)to, scan->arg);
	return scan->result != 0;
}

int
prefilter_scan(const struct prefilter *pf, struct prefilter_scratch *s, const uint8_t *p, size_t n, prefilter_fn fn,
    void *arg)
{
	struct scan scan = { pf, p, n, fn, arg, 0 };
	hs_error_t r;

	if (n == 0)
		return 0;
	r = hs_scan(pf->db, (const char *)p, (unsigned)n, 0, s->hs, on_hit, &scan);
	if (scan.result != 0)
		return scan.result;
	return r == HS_SUCCESS ? 0 : SECRETSCAN_ENGINE;
}
