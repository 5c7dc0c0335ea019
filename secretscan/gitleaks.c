/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/gitleaks.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/ascii.h"
#include "secretscan/digest.h"
#include "secretscan/gitleaks_int.h"
#include "secretscan/measure.h"
#include "secretscan/prefilter.h"
#include "secretscan/rule.h"
#include "secretscan/search.h"

#define LINE_REACH	((size_t)4096)		/* bytes of a line on either side of a match that an allow list sees */
#define RULE_NS		((int64_t)2000000000)	/* for one expression on one content */

struct gitleaks_scratch {
	struct search_scratch		*search;
	struct prefilter_scratch	*prefilter;
	bool				*seen;		/* an entry's keyword stands in this content */
};

/* What an allow list looks at. */
struct subject {
	const char			*rule;
	const struct gitleaks_content	*content;
	size_t				 start, end;		/* the secret */
	size_t				 match_start, match_end;
	const uint8_t			*secret;		/* decoded, perhaps */
	size_t				 secret_len;
};

struct gitleaks *
gitleaks_new(const uint8_t key[32])
{
	struct gitleaks *g = xcalloc(1, sizeof(*g));

	memcpy(g->key, key, sizeof(g->key));
	return g;
}

static void
texts_release(struct gitleaks_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
}

static void
searches_release(struct gitleaks_searches *t)
{
	for (size_t i = 0; i < t->n; i++)
		search_free(t->v[i]);
	free(t->v);
}

static void
allows_release(struct gitleaks_allows *t)
{
	for (size_t i = 0; i < t->n; i++) {
		searches_release(&t->v[i].regexes);
		searches_release(&t->v[i].paths);
		texts_release(&t->v[i].commits);
		texts_release(&t->v[i].stopwords);
		texts_release(&t->v[i].rules);
	}
	free(t->v);
}

void
gitleaks_free(struct gitleaks *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++) {
		free(g->v[i].id);
		free(g->v[i].description);
		free(g->v[i].file);
		free(g->v[i].pattern);
		search_free(g->v[i].regex);
		search_free(g->v[i].path);
		texts_release(&g->v[i].keywords);
		allows_release(&g->v[i].allows);
	}
	free(g->v);
	allows_release(&g->allows);
	texts_release(&g->disabled);
	prefilter_free(g->prefilter);
	rules_release(&g->keywords);
	free(g->entry_of);
	explicit_bzero(g->key, sizeof(g->key));
	free(g);
}

static bool
is_disabled(const struct gitleaks *g, const char *id)
{
	for (size_t i = 0; i < g->disabled.n; i++) {
		if (strcmp(g->disabled.v[i], id) == 0)
			return true;
	}
	return false;
}

/* Keywords in the form of anchors of a rule, which stand anywhere. */
static void
add_keywords(struct gitleaks *g, size_t entry)
{
	const struct gitleaks_texts *words = &g->v[entry].keywords;
	struct rule *r;

	g->keywords.v = xreallocarray(g->keywords.v, g->keywords.n + 1, sizeof(*g->keywords.v));
	g->entry_of = xreallocarray(g->entry_of, g->keywords.n + 1, sizeof(*g->entry_of));
	g->entry_of[g->keywords.n] = entry;
	r = &g->keywords.v[g->keywords.n++];
	*r = (struct rule){ .caseless = true };
	memset(&r->precede, 0xff, sizeof(r->precede));
	r->anchors.v = xcalloc(words->n, sizeof(*r->anchors.v));
	for (size_t i = 0; i < words->n; i++) {
		if (words->v[i][0] != '\0')
			r->anchors.v[r->anchors.n++] = (struct rule_text){ .p = xstrdup(words->v[i]),
			    .n = strlen(words->v[i]) };
	}
	r->follow = xcalloc(words->n, sizeof(*r->follow));
	memset(r->follow, 0xff, words->n * sizeof(*r->follow));
}

int
gitleaks_compile(struct gitleaks *g)
{
	const struct prefilter_saved none = { 0 };

	if (digest_init() != 0)
		return SECRETSCAN_ENGINE;
	for (size_t i = 0; i < g->n; i++) {
		struct gitleaks_entry *en = &g->v[i];

		/* An empty keyword stands everywhere. */
		for (size_t k = 0; k < en->keywords.n; k++) {
			if (en->keywords.v[k][0] == '\0') {
				texts_release(&en->keywords);
				en->keywords = (struct gitleaks_texts){ 0 };
			}
		}
		if (en->regex != NULL && en->keywords.n > 0 && !is_disabled(g, en->id))
			add_keywords(g, i);
	}
	return g->keywords.n > 0 ? prefilter_new(&g->keywords, &none, &g->prefilter) : 0;
}

const char *
gitleaks_without(const struct gitleaks *g, size_t i)
{
	if (i < g->disabled.n)
		return g->disabled.v[i];
	/* An entry that has allow lists alone leaves the rule as it is. */
	for (size_t k = 0; k < g->n; k++) {
		if ((g->v[k].regex != NULL || g->v[k].path != NULL) && i-- == g->disabled.n)
			return g->v[k].id;
	}
	return NULL;
}

bool
gitleaks_rule(const struct gitleaks *g, size_t i, struct secretscan_rule *rulep)
{
	if (i >= g->n)
		return false;
	*rulep = (struct secretscan_rule){ .id = g->v[i].id, .provider = "", .description = g->v[i].description,
	    .file = g->v[i].file, .secret = g->v[i].pattern, .entropy = g->v[i].entropy };
	return true;
}

struct gitleaks_scratch *
gitleaks_scratch_new(const struct gitleaks *g)
{
	struct gitleaks_scratch *s = xcalloc(1, sizeof(*s));

	s->search = search_scratch_new();
	s->prefilter = g->prefilter != NULL ? prefilter_scratch_new(g->prefilter) : NULL;
	s->seen = xcalloc(g->n, sizeof(*s->seen));
	if (s->search != NULL && (g->prefilter == NULL || s->prefilter != NULL))
		return s;
	gitleaks_scratch_free(s);
	return NULL;
}

void
gitleaks_scratch_free(struct gitleaks_scratch *s)
{
	if (s == NULL)
		return;
	search_scratch_free(s->search);
	prefilter_scratch_free(s->prefilter);
	free(s->seen);
	free(s);
}

static const char *
plain_path(const char *path)
{
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	return path;
}

static bool
any_search(const struct gitleaks_searches *t, struct gitleaks_scratch *s, const void *p, size_t n)
{
	for (size_t i = 0; i < t->n; i++) {
		if (search_matches(t->v[i], s->search, p, n))
			return true;
	}
	return false;
}

static bool
path_is_in(const struct gitleaks_allow *a, struct gitleaks_scratch *s, const struct gitleaks_content *c)
{
	const char *path = plain_path(c->path);

	return any_search(&a->paths, s, path, strlen(path));
}

static bool
commit_is_in(const struct gitleaks_allow *a, const struct gitleaks_content *c)
{
	for (size_t i = 0; i < a->commits.n && c->commit != NULL; i++) {
		if (strcmp(a->commits.v[i], c->commit) == 0)
			return true;
	}
	return false;
}

static bool
has_stop_word(const struct gitleaks_allow *a, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < a->stopwords.n; i++) {
		size_t len = strlen(a->stopwords.v[i]);

		for (size_t at = 0; at + len <= n; at++) {
			if (ascii_same(p + at, a->stopwords.v[i], len))
				return true;
		}
	}
	return false;
}

static bool
target_is_in(const struct gitleaks_allow *a, struct gitleaks_scratch *s, const struct subject *sub)
{
	const struct gitleaks_content *c = sub->content;
	size_t from = sub->match_start, to = sub->match_end, least, most;
	const uint8_t *nl;

	if (a->target == TARGET_SECRET)
		return any_search(&a->regexes, s, sub->secret, sub->secret_len);
	if (a->target == TARGET_LINE) {
		least = from > LINE_REACH ? from - LINE_REACH : 0;
		most = c->n - to > LINE_REACH ? to + LINE_REACH : c->n;
		nl = memrchr(c->p + least, '\n', from - least);
		from = nl != NULL ? (size_t)(nl - c->p) + 1 : least;
		nl = memchr(c->p + to, '\n', most - to);
		to = nl != NULL ? (size_t)(nl - c->p) : most;
	}
	return any_search(&a->regexes, s, c->p + from, to - from);
}

static bool
speaks_of(const struct gitleaks_allow *a, const char *rule)
{
	for (size_t i = 0; i < a->rules.n; i++) {
		if (strcmp(a->rules.v[i], rule) == 0)
			return true;
	}
	return a->rules.n == 0;
}

static bool
allowed_by(const struct gitleaks_allow *a, struct gitleaks_scratch *s, const struct subject *sub)
{
	const struct {
		bool	given, holds;
	} conditions[] = {
		{ a->commits.n > 0, commit_is_in(a, sub->content) },
		{ a->paths.n > 0, path_is_in(a, s, sub->content) },
		{ a->stopwords.n > 0, has_stop_word(a, sub->secret, sub->secret_len) },
		{ a->regexes.n > 0, target_is_in(a, s, sub) },
	};

	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (conditions[i].given && conditions[i].holds != a->all)
			return !a->all;
	}
	return a->all;
}

static bool
allowed_by_any(const struct gitleaks_allows *allows, struct gitleaks_scratch *s, const struct subject *sub)
{
	for (size_t i = 0; i < allows->n; i++) {
		if (speaks_of(&allows->v[i], sub->rule) && allowed_by(&allows->v[i], s, sub))
			return true;
	}
	return false;
}

bool
gitleaks_skips(const struct gitleaks *g, struct gitleaks_scratch *s, const struct gitleaks_content *c)
{
	for (size_t i = 0; i < g->allows.n; i++) {
		const struct gitleaks_allow *a = &g->allows.v[i];

		if (!a->all && a->rules.n == 0 && (commit_is_in(a, c) || path_is_in(a, s, c)))
			return true;
	}
	return false;
}

bool
gitleaks_allows(const struct gitleaks *g, struct gitleaks_scratch *s, const struct gitleaks_content *c,
    const struct secretscan_finding *f)
{
	const struct subject sub = { .rule = f->rule, .content = c, .start = f->start, .end = f->end,
	    .match_start = f->start, .match_end = f->end, .secret = f->secret, .secret_len = f->secret_len };

	if (allowed_by_any(&g->allows, s, &sub))
		return true;
	for (size_t i = 0; i < g->n; i++) {
		if (strcmp(g->v[i].id, f->rule) == 0)
			return allowed_by_any(&g->v[i].allows, s, &sub);
	}
	return false;
}

struct keyword_pass {
	const struct gitleaks	*g;
	bool			*seen;
};

static int
on_keyword(const struct rule *rule, size_t start, size_t end, void *arg)
{
	const struct keyword_pass *pass = arg;

	(void)start;
	(void)end;
	pass->seen[pass->g->entry_of[rule - pass->g->keywords.v]] = true;
	return 0;
}

/* How far the lines are counted. */
struct place {
	const uint8_t	*p;
	size_t		 at, line, start;
};

static void
move_to(struct place *pl, size_t at)
{
	const uint8_t *nl;

	while (pl->at < at && (nl = memchr(pl->p + pl->at, '\n', at - pl->at)) != NULL) {
		pl->at = pl->start = (size_t)(nl - pl->p) + 1;
		pl->line++;
	}
	pl->at = at;
}

/* The secret of a match: its group, or the first group that took part, or all of it but the line ends around. */
static void
find_secret(const struct gitleaks_entry *en, const uint8_t *p, const struct search_match *m, struct subject *sub)
{
	size_t from = m->start[0], to = m->end[0];

	while (from < to && p[from] == '\n')
		from++;
	while (to > from && p[to - 1] == '\n')
		to--;
	sub->match_start = from;
	sub->match_end = to;
	for (size_t i = 1; i < m->n; i++) {
		if ((en->group > 0 && i != en->group) || m->start[i] == SIZE_MAX || m->end[i] == m->start[i])
			continue;
		from = m->start[i];
		to = m->end[i];
		break;
	}
	sub->start = from;
	sub->end = to;
	sub->secret = p + from;
	sub->secret_len = to - from;
}

/* The finding is complete when this returns true. */
static bool
make_finding(const struct gitleaks *g, const struct gitleaks_entry *en, const struct subject *sub, struct place *pl,
    struct secretscan_finding *f)
{
	struct digest *d = digest_new(g->key);

	if (d == NULL)
		return false;
	*f = (struct secretscan_finding){ .rule = en->id, .description = en->description, .start = sub->start,
	    .end = sub->end, .decoded = "", .member = "", .secret = sub->secret, .secret_len = sub->secret_len,
	    .entropy = measure_entropy(sub->secret, sub->secret_len) };
	digest_update(d, sub->secret, sub->secret_len);
	digest_hex(d, f->fingerprint);
	digest_free(d);
	measure_mask(sub->secret, sub->secret_len, 0, f->masked, sizeof(f->masked));
	move_to(pl, f->start);
	f->line = pl->line;
	f->column = f->start - pl->start + 1;
	move_to(pl, f->end - 1);
	f->end_line = pl->line;
	f->end_column = f->end - 1 - pl->start + 1;
	return true;
}

static int
scan_entry(const struct gitleaks *g, struct gitleaks_scratch *s, const struct gitleaks_entry *en,
    const struct gitleaks_content *c, secretscan_fn fn, void *arg)
{
	int64_t deadline = search_clock() + RULE_NS;
	struct place pl = { c->p, 0, 1, 0 };
	struct secretscan_finding f;
	enum search_result r = SEARCH_FOUND;
	struct search_match m;
	int e;

	for (size_t from = 0; from < c->n; from = m.end[0] > m.start[0] ? m.end[0] : m.end[0] + 1) {
		struct subject sub = { .rule = en->id, .content = c };

		if ((r = search_next(en->regex, s->search, c->p, c->n, from, deadline, &m)) != SEARCH_FOUND)
			break;
		find_secret(en, c->p, &m, &sub);
		if (sub.secret_len == 0 ||
		    (en->entropy > 0 && measure_entropy(sub.secret, sub.secret_len) <= en->entropy) || allowed_by_any(&g->allows, s, &sub) || allowed_by_any(&en->allows, s, &sub))
			continue;
		if (!make_finding(g, en, &sub, &pl, &f))
			return SECRETSCAN_NOMEM;
		if ((e = fn(&f, arg)) != 0)
			return e;
	}
	return r == SEARCH_LIMIT ? SECRETSCAN_LIMIT : 0;
}

/* A file whose name alone is the finding. */
static int
scan_name(const struct gitleaks *g, struct gitleaks_scratch *s, const struct gitleaks_entry *en,
    const struct gitleaks_content *c, secretscan_fn fn, void *arg)
{
	const char *path = plain_path(c->path);
	const struct gitleaks_content name = { .path = c->path, .commit = c->commit, .p = (const uint8_t *)path,
	    .n = strlen(path) };
	const struct subject sub = { .rule = en->id, .content = &name, .end = name.n, .match_end = name.n,
	    .secret = name.p, .secret_len = name.n };
	struct place pl = { name.p, 0, 1, 0 };
	struct secretscan_finding f;

	if (name.n == 0 || allowed_by_any(&g->allows, s, &sub) || allowed_by_any(&en->allows, s, &sub))
		return 0;
	if (!make_finding(g, en, &sub, &pl, &f))
		return SECRETSCAN_NOMEM;
	f.start = f.end = 0;
	f.line = f.column = f.end_line = f.end_column = 1;
	return fn(&f, arg);
}

int
gitleaks_scan(const struct gitleaks *g, struct gitleaks_scratch *s, const struct gitleaks_content *c, secretscan_fn fn,
    void *arg, const char **slowp)
{
	struct keyword_pass pass = { g, s->seen };
	const char *path = plain_path(c->path);
	int e = 0, worst = 0;

	memset(s->seen, 0, g->n * sizeof(*s->seen));
	if (g->prefilter != NULL)
		e = prefilter_scan(g->prefilter, s->prefilter, c->p, c->n, on_keyword, &pass);
	if (e != 0)
		return e;
	for (size_t i = 0; i < g->n; i++) {
		const struct gitleaks_entry *en = &g->v[i];

		if ((en->regex == NULL && en->path == NULL) || is_disabled(g, en->id) ||
		    (en->regex != NULL && en->keywords.n > 0 && !s->seen[i]) ||
		    (en->path != NULL && !search_matches(en->path, s->search, path, strlen(path))))
			continue;
		e = en->regex != NULL ? scan_entry(g, s, en, c, fn, arg) : scan_name(g, s, en, c, fn, arg);
		if (e == SECRETSCAN_LIMIT) {
			*slowp = en->id;
			worst = e;
		} else if (e != 0)
			return e;
	}
	return worst;
}
