/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals only: their cost per byte grows slowly with their number (a few expressions without a good literal would cost
 * more than thousands of literals), and a literal's start is known, which expressions do not tell for free.
 *
 * Most keywords of `near` rules matter around long tokens that stand as a value only, and those are few in text: they have
 * a table of their own, which is asked about these places, and about the end of the text, where a token may follow. So
 * have the anchors of secrets that are long runs of token bytes themselves, whatever they stand for.
 */
#include "secretscan/prefilter.h"

#include <hs/hs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/context.h"
#include "secretscan/limits.h"
#include "secretscan/rule.h"
#include "secretscan/rulefile.h"
#include "secretscan/secretscan.h"
#include "secretscan/tokens.h"

/*
 * Vectorscan compares so many bytes at once. Of longer anchors it is given these, and the rest is compared here, which
 * happens to be a tenth faster.
 */
#define HEAD	8

enum table_id {
	TABLE_ALL,		/* looked for everywhere */
	TABLE_TOKENS,		/* looked for around tokens that stand as a value */
	TABLE_RUNS,		/* looked for in and around longer ones */
	TABLE_N = PREFILTER_TABLES,
};

/* An anchor of one rule. Those of the same text stand together. */
struct anchor {
	const struct rule	*rule;
	const struct byteset	*follow;
	const struct rule_text	*text;
	bool			 caseless;
};

struct table {
	struct anchor	*anchors;
	size_t		 n;
	size_t		*first;		/* anchors of text i are first[i] .. first[i + 1] */
	unsigned	 ntexts;
	hs_database_t	*db;		/* NULL: there are no anchors */
	size_t		 reach;		/* a token's keyword begins no further before it */
};

struct prefilter {
	struct table	 table[TABLE_N];
	hs_scratch_t	*scratch;	/* never scanned with; cloned */
	size_t		 longest;
};

struct prefilter_scratch {
	hs_scratch_t	*hs;
};

struct place {
	size_t	from, to;
};

struct scan {
	const struct prefilter	*pf;
	hs_scratch_t		*hs;
	const uint8_t		*p;
	size_t			 n;
	prefilter_fn		 fn;
	void			*arg;
	int			 result;
	/* what the hits of this moment are of */
	const struct table	*table;
	size_t			 at, to;
	/* around tokens: the places that are being put together */
	struct place		 place[TABLE_N];
};

/* The form in which Vectorscan wants them. */
struct literals {
	const char	**v;
	unsigned	 *flags;
	unsigned	 *ids;
	size_t		 *lens;
};

static void
literals_release(struct literals *l)
{
	free(l->v);
	free(l->flags);
	free(l->ids);
	free(l->lens);
}

static bool
is_caseless(const struct rule *r)
{
	return r->caseless || r->near > 0;
}

static uint8_t
fold_byte(const struct anchor *a, uint8_t c)
{
	return a->caseless && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static uint8_t
fold(const struct anchor *a, size_t i)
{
	return fold_byte(a, (uint8_t)a->text->p[i]);
}

static int
text_cmp(const struct anchor *a, const struct anchor *b)
{
	size_t n = a->text->n < b->text->n ? a->text->n : b->text->n;

	if (a->caseless != b->caseless)
		return a->caseless - b->caseless;
	for (size_t i = 0; i < n; i++) {
		if (fold(a, i) != fold(b, i))
			return fold(a, i) - fold(b, i);
	}
	return a->text->n < b->text->n ? -1 : a->text->n > b->text->n;
}

static int
anchor_cmp(const void *va, const void *vb)
{
	const struct anchor *a = va, *b = vb;
	int d = text_cmp(a, b);

	return d != 0 ? d : a->rule < b->rule ? -1 : a->rule > b->rule;
}

static enum table_id
table_of(const struct rule *r)
{
	return r->run ? TABLE_RUNS : r->token ? TABLE_TOKENS : TABLE_ALL;
}

/* The anchors of a table, in an order that depends on the rules alone. */
static int
collect(struct prefilter *pf, enum table_id id, const struct rules *rules)
{
	struct table *t = &pf->table[id];
	size_t total = 0;

	for (size_t i = 0; i < rules->n; i++)
		total += rules->v[i].anchors.n;
	t->anchors = calloc(total + 1, sizeof(*t->anchors));
	t->first = calloc(total + 1, sizeof(*t->first));
	if (t->anchors == NULL || t->first == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->v[i];

		for (size_t k = 0; table_of(r) == id && k < r->anchors.n; k++) {
			const struct rule_text *text = &r->anchors.v[k];

			t->anchors[t->n++] = (struct anchor){ r, &r->follow[k], text, is_caseless(r) };
			if (text->n > pf->longest)
				pf->longest = text->n;
			if (r->near > 0 && text->n + r->near > t->reach)
				t->reach = text->n + r->near;
		}
	}
	if (t->n > 0)
		qsort(t->anchors, t->n, sizeof(*t->anchors), anchor_cmp);
	for (size_t i = 0; i < t->n; i++) {
		if (i == 0 || text_cmp(&t->anchors[i - 1], &t->anchors[i]) != 0)
			t->first[t->ntexts++] = i;
	}
	t->first[t->ntexts] = t->n;
	return 0;
}

static size_t
head_of(const struct anchor *a)
{
	return a->text->n < HEAD ? a->text->n : HEAD;
}

static int
compile(struct table *t)
{
	hs_compile_error_t *error = NULL;
	struct literals l = { 0 };
	unsigned n = t->ntexts + 1;
	int e = SECRETSCAN_NOMEM;
	hs_error_t r;

	l.v = calloc(n, sizeof(*l.v));
	l.flags = calloc(n, sizeof(*l.flags));
	l.ids = calloc(n, sizeof(*l.ids));
	l.lens = calloc(n, sizeof(*l.lens));
	if (l.v == NULL || l.flags == NULL || l.ids == NULL || l.lens == NULL)
		goto out;
	for (unsigned i = 0; i < t->ntexts; i++) {
		const struct anchor *a = &t->anchors[t->first[i]];

		l.v[i] = a->text->p;
		l.flags[i] = a->caseless ? HS_FLAG_CASELESS : 0;
		l.ids[i] = i;
		l.lens[i] = head_of(a);
	}
	/*
	 * When all literals are longer, Vectorscan hashes at every second or fourth place only, and verifies so much more that
	 * thousands of literals take twice the time. These two bytes no text holds.
	 */
	l.v[n - 1] = "\xc1\xfe";
	l.ids[n - 1] = n - 1;
	l.lens[n - 1] = 2;
	r = hs_compile_lit_multi(l.v, l.flags, l.ids, l.lens, n, HS_MODE_BLOCK, NULL, &t->db, &error);
	hs_free_compile_error(error);
	e = r == HS_SUCCESS ? 0 : r == HS_NOMEM ? SECRETSCAN_NOMEM : SECRETSCAN_ENGINE;
out:
	literals_release(&l);
	return e;
}

/* A database that cannot be read is another processor's, and is compiled anew. */
static int
open_database(struct table *t, const uint8_t *p, size_t n)
{
	hs_error_t r;

	if (t->n == 0)
		return 0;
	if (n > 0) {
		r = hs_deserialize_database((const char *)p, n, &t->db);
		if (r == HS_SUCCESS || r == HS_NOMEM)
			return r == HS_SUCCESS ? 0 : SECRETSCAN_NOMEM;
	}
	return compile(t);
}

int
prefilter_new(const struct rules *rules, const struct prefilter_saved *saved, struct prefilter **pfp)
{
	struct prefilter *pf;
	int e;

	if ((pf = calloc(1, sizeof(*pf))) == NULL)
		return SECRETSCAN_NOMEM;
	for (int i = 0; i < TABLE_N; i++) {
		if ((e = collect(pf, i, rules)) != 0 || (e = open_database(&pf->table[i], saved->db[i], saved->len[i])) != 0)
			goto out;
		if (pf->table[i].db != NULL && hs_alloc_scratch(pf->table[i].db, &pf->scratch) != HS_SUCCESS) {
			e = SECRETSCAN_NOMEM;
			goto out;
		}
	}
	e = SECRETSCAN_RULES;
	if (pf->longest == 0)
		goto out;
	*pfp = pf;
	pf = NULL;
	e = 0;
out:
	prefilter_free(pf);
	return e;
}

int
prefilter_save(const struct prefilter *pf, struct prefilter_saved *saved)
{
	char *p;

	*saved = (struct prefilter_saved){ 0 };
	for (int i = 0; i < TABLE_N; i++) {
		if (pf->table[i].db == NULL)
			continue;
		if (hs_serialize_database(pf->table[i].db, &p, &saved->len[i]) != HS_SUCCESS) {
			prefilter_saved_release(saved);
			return SECRETSCAN_NOMEM;
		}
		saved->db[i] = (uint8_t *)p;
	}
	return 0;
}

void
prefilter_saved_release(struct prefilter_saved *saved)
{
	for (int i = 0; i < TABLE_N; i++)
		free((void *)(uintptr_t)saved->db[i]);
}

void
prefilter_free(struct prefilter *pf)
{
	if (pf == NULL)
		return;
	hs_free_scratch(pf->scratch);
	for (int i = 0; i < TABLE_N; i++) {
		hs_free_database(pf->table[i].db);
		free(pf->table[i].anchors);
		free(pf->table[i].first);
	}
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

/* What Vectorscan does not compare; p is where the anchor begins. */
static bool
goes_on(const struct anchor *a, const uint8_t *p)
{
	for (size_t i = HEAD; i < a->text->n; i++) {
		if (fold_byte(a, p[i]) != fold(a, i))
			return false;
	}
	return true;
}

static int
on_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct scan *scan = arg;
	const struct table *t = scan->table;
	const struct anchor *text;
	size_t start, end;

	(void)from;
	(void)flags;
	if (id >= t->ntexts)
		return 0;
	text = &t->anchors[t->first[id]];
	start = scan->at + (size_t)to - head_of(text);
	end = start + text->text->n;
	if (end > scan->to || !goes_on(text, scan->p + start))
		return 0;
	for (size_t i = t->first[id]; i < t->first[id + 1] && scan->result == 0; i++) {
		const struct anchor *a = &t->anchors[i];

		if ((end == scan->n || byteset_has(a->follow, scan->p[end])) &&
		    (start == 0 || byteset_has(&a->rule->precede, scan->p[start - 1])))
			scan->result = scan->fn(a->rule, start, end, scan->arg);
	}
	return scan->result != 0;
}

static void
scan_range(struct scan *s, enum table_id id, size_t from, size_t to)
{
	hs_error_t r;

	s->table = &s->pf->table[id];
	s->at = from;
	s->to = to;
	if (s->result != 0 || s->table->db == NULL || from >= to)
		return;
	r = hs_scan(s->table->db, (const char *)s->p + from, (unsigned)(to - from), 0, s->hs, on_hit, s);
	if (s->result == 0 && r != HS_SUCCESS)
		s->result = SECRETSCAN_ENGINE;
}

/* Around a token. Places that overlap are one, so that no anchor is reported twice. */
static void
add_place(struct scan *s, enum table_id id, size_t start, size_t end)
{
	struct place *place = &s->place[id];
	size_t reach = s->pf->table[id].reach, from = start > reach ? start - reach : 0;

	if (from > place->to) {
		scan_range(s, id, place->from, place->to);
		place->from = from;
	}
	place->to = end;
}

/* Whether it stands as a value hangs on what is before it; that may be out of sight. So may the rest of it. */
static void
on_token(size_t start, size_t end, void *arg)
{
	struct scan *s = arg;

	if (end == s->n || start < SS_CONTEXT || context_may_hold_value(s->p, start, end))
		add_place(s, TABLE_TOKENS, start, end);
	if (end == s->n || start == 0 || end - start >= SS_RUN_MIN)
		add_place(s, TABLE_RUNS, start, end);
}

int
prefilter_scan(const struct prefilter *pf, struct prefilter_scratch *scratch, const uint8_t *p, size_t n,
    prefilter_fn fn, void *arg)
{
	struct scan s = { .pf = pf, .hs = scratch->hs, .p = p, .n = n, .fn = fn, .arg = arg };

	scan_range(&s, TABLE_ALL, 0, n);
	if (s.result != 0 || (pf->table[TABLE_TOKENS].db == NULL && pf->table[TABLE_RUNS].db == NULL))
		return s.result;
	tokens_each(p, n, on_token, &s);
	for (enum table_id id = TABLE_TOKENS; id <= TABLE_RUNS; id++) {
		add_place(&s, id, n, n);
		scan_range(&s, id, s.place[id].from, s.place[id].to);
	}
	return s.result;
}
