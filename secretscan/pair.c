/* SPDX-License-Identifier: Apache-2.0 */
/* pair: halves of credentials, see secretscan.h. */
#include <stdlib.h>
#include <string.h>

#include "secretscan/limits.h"
#include "secretscan/rule.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"

struct half {
	const struct rule	*rule;		/* NULL: of a rule that has no pairs, or is unknown */
	size_t			 content;
	uint64_t		 start;
	const struct half	*other;
	char			 fingerprint[SECRETSCAN_FINGERPRINT + 1];
};

/* Two halves that could go together. */
struct match {
	struct half	*a, *b;
	uint64_t	 distance;
};

struct secretscan_pairs {
	const struct secretscan	*ss;
	struct half		*v;
	size_t			 n, cap;
	struct half		**order;	/* those with a rule, by content and start */
	size_t			 norder;
	struct match		*matches;
	size_t			 nmatches, matches_cap;
};

struct secretscan_pairs *
secretscan_pairs_new(const struct secretscan *ss)
{
	struct secretscan_pairs *ps = calloc(1, sizeof(*ps));

	if (ps != NULL)
		ps->ss = ss;
	return ps;
}

void
secretscan_pairs_free(struct secretscan_pairs *ps)
{
	if (ps == NULL)
		return;
	free(ps->v);
	free(ps->order);
	free(ps->matches);
	free(ps);
}

static bool
names(const struct rule *r, const char *id)
{
	for (size_t i = 0; i < r->pairs.n; i++) {
		if (strcmp(r->pairs.v[i].p, id) == 0)
			return true;
	}
	return false;
}

/* It is enough that one of them names the other. */
static bool
go_together(const struct half *a, const struct half *b)
{
	return names(a->rule, b->rule->id) || names(b->rule, a->rule->id);
}

/* The rule of this id, if it can be half of anything. */
static const struct rule *
pairing_rule(const struct secretscan *ss, const char *id)
{
	const struct rule *found = NULL;
	bool named = false;

	for (size_t i = 0; i < ss->rules.n; i++) {
		const struct rule *r = &ss->rules.v[i];

		if (strcmp(r->id, id) == 0)
			found = r;
		else if (r->pairs.n > 0 && names(r, id))
			named = true;
	}
	return found != NULL && (named || found->pairs.n > 0) ? found : NULL;
}

int
secretscan_pairs_add(struct secretscan_pairs *ps, const struct secretscan_half *half)
{
	size_t cap = ps->cap > 0 ? ps->cap * 2 : 64;
	struct half *grown;

	if (ps->n == ps->cap) {
		if ((grown = reallocarray(ps->v, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		ps->v = grown;
		ps->cap = cap;
	}
	ps->v[ps->n] = (struct half){ .rule = pairing_rule(ps->ss, half->rule), .content = half->content,
	    .start = half->start };
	memcpy(ps->v[ps->n].fingerprint, half->fingerprint, SECRETSCAN_FINGERPRINT);
	ps->n++;
	return 0;
}

static int
by_place(const void *va, const void *vb)
{
	const struct half *a = *(struct half *const *)va, *b = *(struct half *const *)vb;

	if (a->content != b->content)
		return a->content < b->content ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static int
by_distance(const void *va, const void *vb)
{
	const struct match *a = va, *b = vb;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return by_place(&a->a, &b->a);
}

static int
add_match(struct secretscan_pairs *ps, struct half *a, struct half *b)
{
	size_t cap = ps->matches_cap > 0 ? ps->matches_cap * 2 : 64;
	struct match *grown;

	if (ps->nmatches == ps->matches_cap) {
		if ((grown = reallocarray(ps->matches, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		ps->matches = grown;
		ps->matches_cap = cap;
	}
	ps->matches[ps->nmatches++] = (struct match){ a, b, b->start - a->start };
	return 0;
}

static void
join(struct half *a, struct half *b)
{
	if (a->other != NULL || b->other != NULL)
		return;
	a->other = b;
	b->other = a;
}

/* In one content, the nearest first. */
static int
find_near(struct secretscan_pairs *ps)
{
	int e;

	for (size_t i = 0; i < ps->norder; i++) {
		struct half *a = ps->order[i];

		for (size_t k = i + 1; k < ps->norder && k <= i + SS_PAIR_NEIGHBOURS; k++) {
			struct half *b = ps->order[k];

			if (b->content != a->content || b->start - a->start > SS_PAIR_WINDOW)
				break;
			if (go_together(a, b) && (e = add_match(ps, a, b)) != 0)
				return e;
		}
	}
	if (ps->nmatches > 0)
		qsort(ps->matches, ps->nmatches, sizeof(*ps->matches), by_distance);
	for (size_t i = 0; i < ps->nmatches; i++)
		join(ps->matches[i].a, ps->matches[i].b);
	return 0;
}

static int
by_secret(const void *va, const void *vb)
{
	const struct half *a = *(struct half *const *)va, *b = *(struct half *const *)vb;
	int c = strcmp(a->rule->id, b->rule->id);

	if (c == 0)
		c = strcmp(a->fingerprint, b->fingerprint);
	/* One that has its other half comes first. */
	return c != 0 ? c : (a->other == NULL) - (b->other == NULL);
}

static bool
same_secret(const struct half *a, const struct half *b)
{
	return a->rule == b->rule && strcmp(a->fingerprint, b->fingerprint) == 0;
}

/* Leave one half of each secret that is still alone; the others are what they are. Returns how many. */
static size_t
keep_single(const struct secretscan_pairs *ps, struct half **singles)
{
	size_t n = 0;

	for (size_t i = 0; i < ps->norder; i++) {
		if (ps->order[i]->other == NULL && (i == 0 || !same_secret(ps->order[i - 1], ps->order[i])))
			singles[n++] = ps->order[i];
	}
	return n;
}

/* The one secret that this one can belong to; NULL when there is none, or more than one. */
static struct half *
only_partner(struct half **singles, size_t n, const struct half *h)
{
	struct half *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (singles[i] == h || !go_together(singles[i], h))
			continue;
		if (found != NULL)
			return NULL;
		found = singles[i];
	}
	return found;
}

/* Over contents. Sorted by secret. */
static int
find_far(struct secretscan_pairs *ps)
{
	struct half **singles = calloc(ps->norder + 1, sizeof(*singles)), *other;
	size_t n;

	if (singles == NULL)
		return SECRETSCAN_NOMEM;
	/* With more than a few there is no telling, nor time to try. */
	n = keep_single(ps, singles);
	for (size_t i = 0; i < n && n <= SS_PAIR_NEIGHBOURS; i++) {
		other = only_partner(singles, n, singles[i]);
		if (other != NULL && only_partner(singles, n, other) == singles[i])
			join(singles[i], other);
	}
	free(singles);
	for (size_t i = 1; i < ps->norder; i++) {
		if (ps->order[i]->other == NULL && same_secret(ps->order[i - 1], ps->order[i]))
			ps->order[i]->other = ps->order[i - 1]->other;
	}
	return 0;
}

int
secretscan_pairs_find(struct secretscan_pairs *ps)
{
	int e;

	if ((ps->order = calloc(ps->n + 1, sizeof(struct half *))) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].rule != NULL)
			ps->order[ps->norder++] = &ps->v[i];
	}
	if (ps->norder == 0)
		return 0;
	qsort(ps->order, ps->norder, sizeof(struct half *), by_place);
	if ((e = find_near(ps)) != 0)
		return e;
	qsort(ps->order, ps->norder, sizeof(struct half *), by_secret);
	return find_far(ps);
}

const char *
secretscan_pairs_other(const struct secretscan_pairs *ps, size_t i)
{
	return i < ps->n && ps->v[i].other != NULL ? ps->v[i].other->fingerprint : NULL;
}
