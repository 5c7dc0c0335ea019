/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only rules that begin with their anchor matter: a lead, or what stands before an anchor, is released anyhow. Every
 * proper prefix of their anchors is filed under its last byte, longest first, so that a text that ends in a newline or a
 * blank is done with one look.
 */
#include "secretscan/begin.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/limits.h"
#include "secretscan/regex.h"
#include "secretscan/rule.h"
#include "secretscan/rulefile.h"

struct prefix {
	const struct rule	*rule;
	const uint8_t		*p;
	size_t			 n;
};

struct begin {
	struct prefix	*v;
	size_t		 first[257];	/* prefixes whose last byte is c: first[c] .. first[c + 1] */
};

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static int
prefix_cmp(const void *va, const void *vb)
{
	const struct prefix *a = va, *b = vb;
	int la = lower(a->p[a->n - 1]), lb = lower(b->p[b->n - 1]);

	if (la != lb)
		return la - lb;
	return a->n < b->n ? 1 : a->n > b->n ? -1 : 0;
}

static size_t
collect(struct begin *b, const struct rules *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->v[i];

		for (size_t k = 0; r->lead == NULL && r->near == 0 && r->behind == 0 && k < r->anchors.n; k++) {
			for (size_t len = 1; len < r->anchors.v[k].n; len++) {
				if (b->v != NULL)
					b->v[n] = (struct prefix){ r, (const uint8_t *)r->anchors.v[k].p, len };
				n++;
			}
		}
	}
	return n;
}

struct begin *
begin_new(const struct rules *rules)
{
	struct begin *b = calloc(1, sizeof(*b));
	size_t n, at = 0;

	if (b == NULL)
		return NULL;
	n = collect(b, rules);
	if ((b->v = calloc(n + 1, sizeof(*b->v))) == NULL) {
		free(b);
		return NULL;
	}
	collect(b, rules);
	if (n > 0)
		qsort(b->v, n, sizeof(*b->v), prefix_cmp);
	for (unsigned c = 0; c <= 256; c++) {
		while (at < n && lower(b->v[at].p[b->v[at].n - 1]) < c)
			at++;
		b->first[c] = at;
	}
	return b;
}

void
begin_free(struct begin *b)
{
	if (b == NULL)
		return;
	free(b->v);
	free(b);
}

static bool
ends_with(const uint8_t *p, size_t n, const struct prefix *x)
{
	const uint8_t *end;

	if (n < x->n)
		return false;
	end = p + n - x->n;
	if (!x->rule->caseless)
		return memcmp(end, x->p, x->n) == 0;
	for (size_t i = 0; i < x->n; i++) {
		if (lower(end[i]) != lower(x->p[i]))
			return false;
	}
	return true;
}

size_t
begin_length(const struct begin *b, struct regex_scratch *s, const uint8_t *p, size_t n)
{
	uint8_t last;
	size_t end, from;

	if (n == 0)
		return 0;
	last = lower(p[n - 1]);
	for (size_t i = b->first[last]; i < b->first[last + 1]; i++) {
		if (!ends_with(p, n, &b->v[i]))
			continue;
		/* The expression knows what must stand before: the "s" of "ls" does not begin an "sk_live_". */
		from = n - b->v[i].n > SS_CONTEXT ? n - b->v[i].n - SS_CONTEXT : 0;
		if (regex_exec(b->v[i].rule->secret_re, s, p + from, n - from, n - b->v[i].n - from, REGEX_MORE,
		    &end) != REGEX_NOMATCH)
			return b->v[i].n;
	}
	return 0;
}
