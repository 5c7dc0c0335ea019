/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/rulepack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/check.h"
#include "secretscan/limits.h"
#include "secretscan/rule.h"
#include "secretscan/rulefile.h"
#include "secretscan/secretscan.h"

static const char magic[16] = "secretscan pack1";

enum part {
	PART_RULES,
	PART_LISTS,
	PART_TEXTS,
	PART_TABLES,
	PART_N = PART_TABLES + PREFILTER_TABLES,
};

struct header {
	char		magic[sizeof(magic)];
	uint8_t		hash[DIGEST_HASH];
	uint64_t	rules, lists;
	uint64_t	len[PART_N];
};

/* Writing */

struct out {
	uint8_t	*p;
	size_t	 n, cap;
};

struct writer {
	struct out			 part[PART_N];
	const struct rule_texts		**lists;
	size_t				 nlists;
	bool				 failed;	/* no memory */
};

static void
put(struct writer *w, enum part part, const void *p, size_t n)
{
	struct out *o = &w->part[part];
	size_t cap = o->cap > 0 ? o->cap : 4096;
	uint8_t *grown;

	while (cap - o->n < n)
		cap *= 2;
	if (cap > o->cap) {
		if ((grown = realloc(o->p, cap)) == NULL) {
			w->failed = true;
			return;
		}
		o->p = grown;
		o->cap = cap;
	}
	if (n > 0)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void
put_number(struct writer *w, enum part part, size_t n)
{
	uint32_t v = (uint32_t)n;

	put(w, part, &v, sizeof(v));
}

static size_t
put_text(struct writer *w, const char *p, size_t n)
{
	size_t at = w->part[PART_TEXTS].n;

	put(w, PART_TEXTS, p, n);
	put(w, PART_TEXTS, "", 1);
	return at;
}

static bool
same_texts(const struct rule_texts *a, const struct rule_texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].n != b->v[i].n || memcmp(a->v[i].p, b->v[i].p, a->v[i].n) != 0)
			return false;
	}
	return true;
}

/* Many rules have the same list of stop words: it is written once. */
static void
put_list(struct writer *w, const struct rule_texts *t)
{
	size_t i = 0;

	while (t->n > 0 && i < w->nlists && !same_texts(t, w->lists[i]))
		i++;
	put_number(w, PART_RULES, t->n > 0 ? i + 1 : 0);
	if (t->n == 0 || i < w->nlists)
		return;
	w->lists[w->nlists++] = t;
	put_number(w, PART_LISTS, t->n);
	for (size_t k = 0; k < t->n; k++) {
		put_number(w, PART_LISTS, put_text(w, t->v[k].p, t->v[k].n));
		put_number(w, PART_LISTS, t->v[k].n);
	}
}

static void
put_field(struct writer *w, const struct rule *r, const struct rule_field *f)
{
	const void *where = (const char *)r + f->offset;
	const char *text;

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_CHECK:
		text = f->type == FIELD_TEXT ? *(char *const *)where : r->check != NULL ? r->check->name : NULL;
		put_number(w, PART_RULES, text != NULL ? put_text(w, text, strlen(text)) + 1 : 0);
		return;
	case FIELD_BOOL:
		put(w, PART_RULES, *(const bool *)where ? "\1" : "", 1);
		return;
	case FIELD_VALUE:
		put(w, PART_RULES, where, sizeof(enum value_kind));
		return;
	case FIELD_NUMBER:
		put(w, PART_RULES, where, sizeof(double));
		return;
	case FIELD_SIZE:
		put(w, PART_RULES, where, sizeof(size_t));
		return;
	case FIELD_TEXTS:
		put_list(w, where);
		return;
	case FIELD_SAMPLES:
		return;
	case FIELD_SET:
		put(w, PART_RULES, where, sizeof(struct byteset));
		return;
	case FIELD_FOLLOW:
		put(w, PART_RULES, r->follow, r->anchors.n * sizeof(*r->follow));
		return;
	}
}

int
rulepack_write(const struct rules *rules, const struct rulepack_extra *extra, uint8_t **pp, size_t *np)
{
	struct writer w = { 0 };
	struct header h = { .rules = rules->n };
	const struct rule_field *f;
	int e = SECRETSCAN_NOMEM;
	uint8_t *p;

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.hash, extra->hash, sizeof(h.hash));
	/* No rule has more lists than fields. */
	for (h.lists = 0; rule_field(h.lists) != NULL; h.lists++)
		;
	if ((w.lists = calloc(rules->n * h.lists + 1, sizeof(struct rule_texts *))) == NULL)
		goto out;
	for (size_t i = 0; i < rules->n; i++) {
		for (size_t k = 0; (f = rule_field(k)) != NULL; k++)
			put_field(&w, &rules->v[i], f);
	}
	for (unsigned i = 0; i < PREFILTER_TABLES; i++)
		put(&w, PART_TABLES + i, extra->prefilter.db[i], extra->prefilter.len[i]);
	h.lists = w.nlists;
	*np = sizeof(h);
	for (int i = 0; i < PART_N; i++) {
		h.len[i] = w.part[i].n;
		*np += w.part[i].n;
	}
	if (w.failed || (p = *pp = malloc(*np)) == NULL)
		goto out;
	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	for (int i = 0; i < PART_N; p += w.part[i].n, i++)
		memcpy(p, w.part[i].p, w.part[i].n);
	e = 0;
out:
	for (int i = 0; i < PART_N; i++)
		free(w.part[i].p);
	free(w.lists);
	return e;
}

/* Reading */

struct in {
	const uint8_t	*p;
	size_t		 n;
};

struct reader {
	struct in		 part[PART_N];
	const char		*texts;		/* all of them, as offsets count */
	size_t			 texts_len;
	struct rule_texts	*lists;
	size_t			 nlists;
};

static int
get(struct in *in, void *p, size_t n)
{
	if (n > in->n)
		return SECRETSCAN_RULES;
	memcpy(p, in->p, n);
	in->p += n;
	in->n -= n;
	return 0;
}

static int
get_text(const struct reader *rd, uint32_t at, char **pp)
{
	if (at >= rd->texts_len || memchr(rd->texts + at, '\0', rd->texts_len - at) == NULL)
		return SECRETSCAN_RULES;
	*pp = (char *)(uintptr_t)(rd->texts + at);
	return 0;
}

static int
read_lists(struct reader *rd, size_t nlists, struct rule_text **textsp)
{
	struct in *in = &rd->part[PART_LISTS];
	struct rule_text *t;
	uint32_t n, at, len;
	int e;

	/* Every text has eight bytes of its own, every list four. */
	if (nlists > in->n / 4)
		return SECRETSCAN_RULES;
	if ((rd->lists = calloc(nlists + 1, sizeof(*rd->lists))) == NULL ||
	    (t = *textsp = calloc(in->n / 8 + 1, sizeof(*t))) == NULL)
		return SECRETSCAN_NOMEM;
	for (rd->nlists = 0; rd->nlists < nlists; rd->nlists++) {
		if ((e = get(in, &n, sizeof(n))) != 0)
			return e;
		if (n > in->n / 8)
			return SECRETSCAN_RULES;
		rd->lists[rd->nlists] = (struct rule_texts){ t, n };
		for (; n > 0; n--, t++) {
			if ((e = get(in, &at, sizeof(at))) != 0 || (e = get(in, &len, sizeof(len))) != 0 ||
			    (e = get_text(rd, at, &t->p)) != 0)
				return e;
			if ((t->n = len) != strlen(t->p))
				return SECRETSCAN_RULES;
		}
	}
	return 0;
}

static int
read_named(struct reader *rd, const struct rule_field *f, void *where)
{
	uint32_t number;
	char *text;
	int e;

	if ((e = get(&rd->part[PART_RULES], &number, sizeof(number))) != 0 || number == 0)
		return e;
	number--;
	if (f->type == FIELD_TEXT)
		return get_text(rd, number, where);
	if (f->type == FIELD_TEXTS) {
		if (number >= rd->nlists)
			return SECRETSCAN_RULES;
		*(struct rule_texts *)where = rd->lists[number];
		return 0;
	}
	if ((e = get_text(rd, number, &text)) != 0)
		return e;
	*(const struct check **)where = check_find(text);
	return *(const struct check **)where != NULL ? 0 : SECRETSCAN_RULES;
}

static int
read_field(struct reader *rd, struct rule *r, const struct rule_field *f)
{
	void *where = (char *)r + f->offset;
	struct in *in = &rd->part[PART_RULES];
	uint8_t byte;
	int e;

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_TEXTS:
	case FIELD_CHECK:
		return read_named(rd, f, where);
	case FIELD_BOOL:
		if ((e = get(in, &byte, sizeof(byte))) != 0)
			return e;
		*(bool *)where = byte == 1;
		return byte <= 1 ? 0 : SECRETSCAN_RULES;
	case FIELD_VALUE:
		return get(in, where, sizeof(enum value_kind)) == 0 && r->value <= VALUE_KEY ? 0 : SECRETSCAN_RULES;
	case FIELD_NUMBER:
		return get(in, where, sizeof(double));
	case FIELD_SIZE:
		return get(in, where, sizeof(size_t));
	case FIELD_SET:
		return get(in, where, sizeof(struct byteset));
	case FIELD_FOLLOW:
		if ((r->follow = calloc(r->anchors.n, sizeof(*r->follow))) == NULL)
			return SECRETSCAN_NOMEM;
		return get(in, r->follow, r->anchors.n * sizeof(*r->follow));
	case FIELD_SAMPLES:
		break;
	}
	return 0;
}

static int
read_rules(struct reader *rd, struct rules *rules, size_t n)
{
	const struct rule_field *f;
	struct rule *r;
	int e;

	if (n > SS_RULES_MAX)
		return SECRETSCAN_RULES;
	if ((rules->v = calloc(n + 1, sizeof(*rules->v))) == NULL)
		return SECRETSCAN_NOMEM;
	while (rules->n < n) {
		r = &rules->v[rules->n++];
		r->packed = true;
		for (size_t k = 0; (f = rule_field(k)) != NULL; k++) {
			if ((e = read_field(rd, r, f)) != 0)
				return e;
		}
		if (r->id == NULL || r->secret_pattern == NULL || r->anchors.n == 0)
			return SECRETSCAN_RULES;
		if ((e = rule_revive(r)) != 0)
			return e;
	}
	return 0;
}

int
rulepack_read(const uint8_t *p, size_t n, struct rules *rules, struct rulepack_extra *extrap)
{
	struct reader rd = { 0 };
	struct in in = { p, n };
	struct header h;
	int e;

	if (get(&in, &h, sizeof(h)) != 0 || memcmp(h.magic, magic, sizeof(magic)) != 0)
		return SECRETSCAN_RULES;
	for (int i = 0; i < PART_N; i++) {
		if (h.len[i] > in.n)
			return SECRETSCAN_RULES;
		rd.part[i] = (struct in){ in.p, h.len[i] };
		in.p += h.len[i];
		in.n -= h.len[i];
	}
	rd.texts = (const char *)rd.part[PART_TEXTS].p;
	rd.texts_len = rd.part[PART_TEXTS].n;
	memcpy(extrap->hash, h.hash, sizeof(h.hash));
	for (int i = 0; i < PREFILTER_TABLES; i++) {
		extrap->prefilter.db[i] = rd.part[PART_TABLES + i].p;
		extrap->prefilter.len[i] = rd.part[PART_TABLES + i].n;
	}
	if ((e = read_lists(&rd, h.lists, &rules->texts)) == 0)
		e = read_rules(&rd, rules, h.rules);
	free(rd.lists);
	return e;
}
