/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/findings.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/limits.h"

#define CLUSTER_MAX	256	/* overlapping findings that are weighed against each other */

struct kept {
	struct secretscan_finding	 f;
	struct findings_extra		 extra;
	size_t				 order;		/* in which they came: makes sorting stable */
	uint8_t				*copies;	/* of the secret and the texts */
	size_t				 copies_n;
	bool				 beaten;
};

static int
copy_texts(struct kept *k)
{
	struct secretscan_finding *f = &k->f;
	size_t decoded = strlen(f->decoded) + 1, member = strlen(f->member) + 1;
	uint8_t *p;

	k->copies_n = f->secret_len + decoded + member;
	if ((p = malloc(k->copies_n)) == NULL)
		return SECRETSCAN_NOMEM;
	k->copies = p;
	if (f->secret_len > 0)
		memcpy(p, f->secret, f->secret_len);
	f->secret = p;
	p += f->secret_len;
	f->decoded = memcpy(p, f->decoded, decoded);
	f->member = memcpy(p + decoded, f->member, member);
	return 0;
}

static void
forget(struct kept *k)
{
	if (k->copies != NULL)
		digest_wipe(k->copies, k->copies_n);
	free(k->copies);
}

int
findings_add(struct findings *s, const struct secretscan_finding *f, const struct findings_extra *extra)
{
	struct kept *grown, *k;
	size_t cap = s->cap > 0 ? s->cap * 2 : 16;

	if (s->n == s->cap) {
		if (s->n >= SS_MATCHES_MAX)
			return SECRETSCAN_LIMIT;
		if ((grown = reallocarray(s->v, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		s->v = grown;
		s->cap = cap;
	}
	k = &s->v[s->n];
	*k = (struct kept){ .f = *f, .extra = *extra, .order = s->n };
	if (extra->copy && copy_texts(k) != 0)
		return SECRETSCAN_NOMEM;
	s->n++;
	return 0;
}

static int
by_start(const void *va, const void *vb)
{
	const struct kept *a = va, *b = vb;

	if (a->f.start != b->f.start)
		return a->f.start < b->f.start ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Without the noise, against the plain text: right where that ends elsewhere, or holds what nobody typed. */
static bool
beats_plain(const struct kept *noise, const struct kept *plain)
{
	if (noise->f.start != plain->f.start || noise->f.end != plain->f.end)
		return true;
	return plain->f.secret_len > 0 && memchr(plain->f.secret, 0x1b, plain->f.secret_len) != NULL;
}

static bool
is_better(const struct kept *a, const struct kept *b)
{
	enum findings_form af = a->extra.form, bf = b->extra.form;

	if (a->extra.generic != b->extra.generic)
		return b->extra.generic;
	if ((af == FINDINGS_GUESS) != (bf == FINDINGS_GUESS))
		return bf == FINDINGS_GUESS;
	if (af == FINDINGS_NOISE && bf == FINDINGS_PLAIN)
		return beats_plain(a, b);
	if (af == FINDINGS_PLAIN && bf == FINDINGS_NOISE)
		return !beats_plain(b, a);
	if (af != bf)
		return af < bf;
	if (a->extra.depth != b->extra.depth)
		return a->extra.depth < b->extra.depth;
	if (a->f.end - a->f.start != b->f.end - b->f.start)
		return a->f.end - a->f.start > b->f.end - b->f.start;
	return a->f.start != b->f.start ? a->f.start < b->f.start : a->order < b->order;
}

/* What is in a container or about the content as a whole takes no part in this: its range is not that of a secret. */
static bool
has_range(const struct kept *k)
{
	return k->f.member[0] == '\0' && !k->f.notice;
}

static bool
overlap(const struct kept *a, const struct kept *b)
{
	return has_range(a) && has_range(b) && a->f.start < b->f.end && b->f.start < a->f.end;
}

/* One after the other the best that is left wins over all that overlap it. */
static void
weigh(struct kept *v, size_t n)
{
	for (size_t done = 0; done < n; done++) {
		struct kept *best = NULL;
		bool undecided = false;

		for (size_t i = 0; i < n; i++) {
			if (v[i].beaten || v[i].order == SIZE_MAX)
				continue;
			undecided = true;
			if (best == NULL || is_better(&v[i], best))
				best = &v[i];
		}
		if (!undecided)
			return;
		best->order = SIZE_MAX;		/* has won; the order is not needed any more */
		for (size_t i = 0; i < n; i++) {
			if (&v[i] != best && v[i].order != SIZE_MAX && overlap(&v[i], best))
				v[i].beaten = true;
		}
	}
}

/* So many from v[0] on overlap one another, at least one. */
static size_t
cluster(const struct kept *v, size_t n)
{
	size_t end = v[0].f.end, i;

	for (i = 1; i < n && i < CLUSTER_MAX && has_range(&v[0]) && v[i].f.start < end; i++) {
		if (has_range(&v[i]) && v[i].f.end > end)
			end = v[i].f.end;
	}
	return i;
}

int
findings_tell(struct findings *s, size_t below, secretscan_fn fn, void *arg)
{
	size_t i = 0, n, kept;
	int e = 0;

	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_start);
	while (i < s->n && s->v[i].f.start < below && e == 0) {
		n = cluster(s->v + i, s->n - i);
		if (n > 1)
			weigh(s->v + i, n);
		for (size_t k = i; k < i + n && e == 0; k++) {
			if (!s->v[k].beaten)
				e = fn(&s->v[k].f, arg);
		}
		i += n;
	}
	for (size_t k = 0; k < i; k++)
		forget(&s->v[k]);
	kept = s->n - i;
	if (i > 0)
		memmove(s->v, s->v + i, kept * sizeof(*s->v));
	s->n = kept;
	return e;
}

void
findings_release(struct findings *s)
{
	for (size_t i = 0; i < s->n; i++)
		forget(&s->v[i]);
	free(s->v);
	*s = (struct findings){ 0 };
}
