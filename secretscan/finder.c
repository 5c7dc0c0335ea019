/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/finder.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/ascii.h"
#include "secretscan/begin.h"
#include "secretscan/check.h"
#include "secretscan/context.h"
#include "secretscan/limits.h"
#include "secretscan/measure.h"
#include "secretscan/prefilter.h"
#include "secretscan/regex.h"
#include "secretscan/rule.h"
#include "secretscan/scanner.h"

#define NOT_YET		UINT64_MAX
#define OWN_BEGINNING	2	/* bytes that a token can begin with, when it has a literal of its own there, in either case */

/* An anchor that was seen, of which it is not known yet whether a secret follows. */
struct cand {
	const struct rule	*rule;
	uint64_t		 anchor;
	uint64_t		 anchor_end;
	/* where it begins, NOT_YET while in the lead; near a keyword: the earliest place; behind: what a stream masks of it */
	uint64_t		 secret;
};

struct match {
	const struct rule		*rule;
	uint64_t			 begin;		/* of the secret */
	uint64_t			 start;		/* the same, or what is left of it in a stream */
	uint64_t			 end;
	unsigned			 anchor;	/* length of the literal that speaks for it */
	bool				 proven;
	struct digest			*digest;	/* of a match that still grows, otherwise NULL */
	const struct byteset		*tail;		/* what it grows by */
	struct secretscan_finding	 finding;
};

struct finder {
	const struct secretscan		*ss;
	struct prefilter_scratch	*prefilter;
	struct regex_scratch		*regex;
	struct cand			*cands;
	size_t				 ncands, cands_cap;
	struct match			*matches;	/* by start */
	size_t				 nmatches, matches_cap;
	size_t				 first;		/* matches before it are settled */
	size_t				 cluster;	/* so many from there on overlap and are being masked */
	uint64_t			 cluster_end;
	uint64_t			 released;
};

/* What a token that is longer than its rule's window goes on with: [A-Za-z0-9_+/=.~%-] */
static const struct byteset token_set = { { 0, 0x23ffe820, 0x87fffffe, 0x47fffffe } };

struct finder *
finder_new(const struct secretscan *ss)
{
	struct finder *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->ss = ss;
	f->prefilter = prefilter_scratch_new(ss->prefilter);
	f->regex = regex_scratch_new();
	if (f->prefilter == NULL || f->regex == NULL) {
		finder_free(f);
		return NULL;
	}
	return f;
}

void
finder_free(struct finder *f)
{
	if (f == NULL)
		return;
	finder_reset(f);
	prefilter_scratch_free(f->prefilter);
	regex_scratch_free(f->regex);
	free(f->cands);
	free(f->matches);
	free(f);
}

void
finder_reset(struct finder *f)
{
	for (size_t i = 0; i < f->nmatches; i++)
		digest_free(f->matches[i].digest);
	f->ncands = 0;
	f->nmatches = 0;
	f->first = 0;
	f->cluster = 0;
	f->cluster_end = 0;
	f->released = 0;
}

struct look {
	struct finder	*f;
	uint64_t	 pos;
	size_t		 old;
	size_t		 below;
};

static int
on_anchor(const struct rule *rule, size_t start, size_t end, void *arg)
{
	const struct look *look = arg;
	struct finder *f = look->f;
	struct cand *grown;
	size_t cap;

	if (end <= look->old || start >= look->below)
		return 0;
	if (f->ncands == f->cands_cap) {
		cap = f->cands_cap > 0 ? f->cands_cap * 2 : 32;
		if (f->ncands >= SS_CANDS_MAX)
			return SECRETSCAN_LIMIT;
		if ((grown = reallocarray(f->cands, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		f->cands = grown;
		f->cands_cap = cap;
	}
	f->cands[f->ncands++] = (struct cand){
		.rule = rule,
		.anchor = look->pos + start,
		.anchor_end = look->pos + end,
		.secret = rule->near > 0 || rule->behind > 0 ? look->pos + end :
		    rule->lead_re == NULL ? look->pos + start : NOT_YET,
	};
	return 0;
}

int
finder_look(struct finder *f, const uint8_t *p, size_t n, uint64_t pos, size_t old, size_t below)
{
	struct look look = { f, pos, old, below };

	return prefilter_scan(f->ss->prefilter, f->prefilter, p, n, on_anchor, &look);
}

/* Try an expression at a position of the view, on at most `window` bytes. */
static enum regex_result
try_at(struct finder *f, const struct view *v, const struct regex *re, uint64_t at, size_t window, enum regex_more more,
    uint64_t *endp)
{
	uint64_t from = at - v->base > SS_CONTEXT ? at - SS_CONTEXT : v->base;
	uint64_t to = v->end - at > window ? at + window : v->end;
	enum regex_result r;
	size_t end = 0;

	r = regex_exec(re, f->regex, v->p + (from - v->base), (size_t)(to - from), (size_t)(at - from), more, &end);
	*endp = from + end;
	return r;
}

static bool
has_stop_word(const struct rule *rule, const uint8_t *p, size_t n)
{
	for (size_t w = 0; w < rule->stop.n; w++) {
		const struct rule_text *word = &rule->stop.v[w];

		for (size_t i = 0; i + word->n <= n; i++) {
			if (ascii_same(p + i, word->p, word->n))
				return true;
		}
	}
	return false;
}

/* The conditions that an expression cannot state. */
static bool
is_plausible(const struct rule *rule, const uint8_t *p, size_t n, double entropy, bool *provenp)
{
	enum check_result r = rule->check != NULL ? rule->check->run(p, n) : CHECK_UNKNOWN;

	*provenp = r == CHECK_PROVEN;
	if (r == CHECK_PROVEN)
		return true;
	if (r == CHECK_REFUTED || rule->proof)
		return false;
	if (rule->near > 0 && value_is_wordy(p, n))
		return false;
	return entropy >= rule->entropy && !value_is_placeholder(p, n) && value_is_credible(rule->value, p, n) &&
	    !has_stop_word(rule, p, n);
}

static int
finish_match(struct match *m, const struct secretscan *ss, const struct view *v)
{
	struct digest *d = m->digest;

	if (d == NULL) {
		if ((d = digest_new(ss->key)) == NULL)
			return SECRETSCAN_NOMEM;
		digest_update(d, v->p + (m->begin - v->base), (size_t)(m->end - m->begin));
	}
	digest_hex(d, m->finding.fingerprint);
	digest_free(d);
	m->digest = NULL;
	m->finding.end = (size_t)m->end;
	return 0;
}

/* Put m in its place by start. It is the finder's from then on. */
static int
insert_match(struct finder *f, const struct match *m)
{
	struct match *grown;
	size_t i, cap;

	if (f->nmatches == f->matches_cap) {
		cap = f->matches_cap > 0 ? f->matches_cap * 2 : 8;
		if (f->nmatches >= SS_MATCHES_MAX)
			return SECRETSCAN_LIMIT;
		if ((grown = reallocarray(f->matches, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		f->matches = grown;
		f->matches_cap = cap;
	}
	for (i = f->nmatches; i > f->cluster && f->matches[i - 1].start > m->start; i--)
		f->matches[i] = f->matches[i - 1];
	f->matches[i] = *m;
	f->nmatches++;
	return 0;
}

/* The public beginning of a token, which people may see: as long as the shortest of its anchors. */
static size_t
public_length(const struct rule *rule)
{
	size_t n = rule->anchors.v[0].n;

	for (size_t i = 1; i < rule->anchors.n; i++) {
		if (rule->anchors.v[i].n < n)
			n = rule->anchors.v[i].n;
	}
	return rule->lead == NULL && rule->near == 0 && rule->behind == 0 ? n : 0;
}

/* So much context is there in a stream: a secret that begins before its anchor has less. */
static bool
is_in_blob(const struct rule *rule, const struct view *v, uint64_t at)
{
	return rule->lead == NULL && rule->behind == 0 && rule->check == NULL && context_is_blob(v->p, (size_t)(at - v->base));
}

/* A secret from `at` to `end`. */
static int
accept(struct finder *f, const struct view *v, const struct cand *c, uint64_t at, uint64_t end, bool overlong)
{
	const struct rule *rule = c->rule;
	const uint8_t *p = v->p + (at - v->base);
	size_t n = (size_t)(end - at);
	struct match m = { .rule = rule, .begin = at, .start = at, .end = end };
	int e;

	if (rule->behind > 0 && !v->whole)
		m.start = c->secret;
	if (m.start >= end)
		return 0;
	m.anchor = (unsigned)(c->anchor_end - c->anchor);
	m.finding.entropy = measure_entropy(p, n);
	if (!overlong && !is_plausible(rule, p, n, m.finding.entropy, &m.proven))
		return 0;
	if (is_in_blob(rule, v, at))
		return 0;
	m.finding.rule = rule->id;
	m.finding.description = rule->description;
	m.finding.decoded = m.finding.member = "";
	m.finding.start = (size_t)m.start;
	measure_mask(p, rule->tail != NULL || overlong ? 0 : n, public_length(rule), m.finding.masked,
	    sizeof(m.finding.masked));
	if (overlong || rule->tail != NULL) {
		m.tail = rule->tail != NULL ? &rule->tail_set : &token_set;
		if ((m.digest = digest_new(f->ss->key)) == NULL)
			return SECRETSCAN_NOMEM;
		digest_update(m.digest, p, n);
	} else if ((e = finish_match(&m, f->ss, v)) != 0)
		return e;
	if ((e = insert_match(f, &m)) != 0)
		digest_free(m.digest);
	return e;
}

static const struct rule *
rule_of(const struct finder *f, const struct secretscan_finding *finding)
{
	const struct rule *v = f->ss->rules.v;
	size_t i = 0;

	while (v[i].id != finding->rule)
		i++;
	return &v[i];
}

int
finder_add(struct finder *f, const struct secretscan_finding *finding)
{
	struct match m = { .rule = rule_of(f, finding), .begin = finding->start, .start = finding->start,
	    .end = finding->end, .finding = *finding };

	/* Settled already, by what this finder found itself. */
	if (m.end <= f->released && f->cluster == 0)
		return 0;
	return insert_match(f, &m);
}

bool
finder_is_public(const struct finder *f, const struct secretscan_finding *finding)
{
	const struct rule *rule = rule_of(f, finding);

	return rule->lead == NULL && rule->near == 0;
}

enum fate {
	FATE_WAITS,
	FATE_DONE,
	FATE_NO,		/* nothing begins here */
};

/* The lead: on a match the secret begins right after it. */
static int
resolve_lead(struct finder *f, const struct view *v, struct cand *c, enum fate *fatep)
{
	bool whole = v->eof || v->end - c->anchor >= SS_LEAD_WINDOW;
	uint64_t end;

	*fatep = FATE_DONE;
	switch (try_at(f, v, c->rule->lead_re, c->anchor, SS_LEAD_WINDOW, whole ? REGEX_END : REGEX_MORE, &end)) {
	case REGEX_MATCH:
		/* A part of the anchor may be out already, so it is never secret. */
		c->secret = end > c->anchor_end ? end : c->anchor_end;
		*fatep = FATE_WAITS;
		return 0;
	case REGEX_PARTIAL:
		*fatep = FATE_WAITS;
		return 0;
	case REGEX_LIMIT:
		return SECRETSCAN_LIMIT;
	case REGEX_NOMEM:
		return SECRETSCAN_NOMEM;
	case REGEX_NOMATCH:
		break;
	}
	return 0;
}

/*
 * The secret, if it begins at `at`. A text of a full window is asked as if more came: if the answer then hangs on what comes, this is a token
 * longer than any that the rule knows, and it is masked as far as it runs rather than shown.
 */
static int
resolve_secret(struct finder *f, const struct view *v, const struct cand *c, uint64_t at, enum fate *fatep)
{
	bool full = v->end - at >= c->rule->window;
	enum regex_more more = full || !v->eof ? REGEX_MORE : REGEX_END;
	uint64_t end;

	*fatep = FATE_WAITS;
	if (at == v->end && !v->eof)
		return 0;
	*fatep = FATE_DONE;
	switch (try_at(f, v, c->rule->secret_re, at, c->rule->window, more, &end)) {
	case REGEX_MATCH:
		if (c->rule->behind == 0 || end >= c->anchor_end)
			return accept(f, v, c, at, end, false);
		*fatep = FATE_NO;
		return 0;
	case REGEX_PARTIAL:
		if (full)
			return accept(f, v, c, at, at + c->rule->window, true);
		*fatep = FATE_WAITS;
		return 0;
	case REGEX_LIMIT:
		return SECRETSCAN_LIMIT;
	case REGEX_NOMEM:
		return SECRETSCAN_NOMEM;
	case REGEX_NOMATCH:
		*fatep = FATE_NO;
		break;
	}
	return 0;
}

/* A secret around its anchor, or that ends with it: it begins in the run of its bytes before the anchor. */
static int
resolve_behind(struct finder *f, const struct view *v, const struct cand *c, enum fate *fatep)
{
	const struct rule *rule = c->rule;
	uint64_t at = c->anchor;
	int e;

	*fatep = FATE_NO;
	while (at > v->base && c->anchor - at < rule->behind && byteset_has(&rule->precede, v->p[at - 1 - v->base]))
		at--;
	for (; at < c->anchor && *fatep == FATE_NO; at++) {
		if (byteset_has(&rule->first, v->p[at - v->base]) && (e = resolve_secret(f, v, c, at, fatep)) != 0)
			return e;
	}
	return 0;
}

/* The length of the token at p, if it can be the secret of a keyword's rule; 0 if not. It may go on after n bytes. */
static bool
is_token(const struct rule *rule, const uint8_t *p, size_t n, bool more)
{
	size_t want = rule->shortest < n ? rule->shortest : n, i;

	for (i = 0; i < want && p[i] > ' '; i++)
		;
	return i == rule->shortest || (i == n && more);
}

/* The token at v->p[at] is given as a value: to the keyword itself, or to a word that speaks of secrets. */
static bool
is_announced(const struct cand *c, const struct view *v, size_t at)
{
	return (c->anchor_end >= v->base && context_is_given(v->p, (size_t)(c->anchor_end - v->base), at)) ||
	    context_is_value(v->p, at);
}

/* Further from its keyword the secret stands on the keyword's line: what follows a sentence about a provider is not its. */
static bool
is_in_reach(const struct cand *c, const struct view *v, size_t at)
{
	uint64_t secret = v->base + at, from;

	if (secret - c->anchor_end <= SS_NEAR_LINES)
		return true;
	from = secret - c->anchor_end > SS_CONTEXT ? secret - SS_CONTEXT : c->anchor_end;
	return memchr(v->p + (from - v->base), '\n', (size_t)(secret - from)) == NULL;
}

/* Secrets near a keyword: every token in reach, in order. The first that may still grow is waited for. */
static int
resolve_near(struct finder *f, const struct view *v, struct cand *c, enum fate *fatep)
{
	const struct rule *rule = c->rule;
	uint64_t last = c->anchor_end + rule->near;
	int e;

	*fatep = FATE_DONE;
	if (c->anchor >= v->base && !context_is_word(v->p, (size_t)(c->anchor - v->base)))
		return 0;
	for (; c->secret <= last; c->secret++) {
		size_t at = (size_t)(c->secret - v->base);

		if (c->secret == v->end) {
			*fatep = v->eof ? FATE_DONE : FATE_WAITS;
			return 0;
		}
		if (!byteset_has(&rule->first, v->p[at]) || !context_is_start(v->p, at) ||
		    !is_token(rule, v->p + at, (size_t)(v->end - c->secret), !v->eof) || !is_in_reach(c, v, at) || (!rule->bare && !is_announced(c, v, at)))
			continue;
		if ((e = resolve_secret(f, v, c, c->secret, fatep)) != 0 || *fatep == FATE_WAITS)
			return e;
	}
	return 0;
}

static int
resolve(struct finder *f, const struct view *v, struct cand *c, enum fate *fatep)
{
	int e;

	if (c->rule->near > 0)
		return resolve_near(f, v, c, fatep);
	if (c->rule->behind > 0)
		return resolve_behind(f, v, c, fatep);
	if (c->secret == NOT_YET && ((e = resolve_lead(f, v, c, fatep)) != 0 || c->secret == NOT_YET))
		return e;
	return resolve_secret(f, v, c, c->secret, fatep);
}

enum until {
	UNTIL_NO,
	UNTIL_HERE,
	UNTIL_PERHAPS,		/* the text ends within it */
};

static enum until
until_at(const struct rule *rule, const uint8_t *p, size_t n)
{
	size_t len;

	if (rule->until == NULL || n == 0 || p[0] != (uint8_t)rule->until[0])
		return UNTIL_NO;
	len = strlen(rule->until);
	if (memcmp(p, rule->until, n < len ? n : len) != 0)
		return UNTIL_NO;
	return n < len ? UNTIL_PERHAPS : UNTIL_HERE;
}

/* Let a match grow by its tail. */
static int
extend_match(struct finder *f, const struct view *v, struct match *m)
{
	const uint8_t *p = v->p + (m->end - v->base);
	size_t n = (size_t)(v->end - m->end), i;
	bool done = false;

	for (i = 0; i < n && !done; i++) {
		enum until u = until_at(m->rule, p + i, n - i);

		if (u == UNTIL_PERHAPS && !v->eof)
			break;
		done = u == UNTIL_HERE || !byteset_has(m->tail, p[i]) || m->end + i - m->start >= SS_TAIL_MAX;
		if (done)
			break;
	}
	digest_update(m->digest, p, i);
	m->end += i;
	if (done || (v->eof && i == n))
		return finish_match(m, f->ss, v);
	return 0;
}

int
finder_resolve(struct finder *f, const struct view *v)
{
	size_t kept = 0;
	int e;

	for (size_t i = 0; i < f->ncands; i++) {
		struct cand *c = &f->cands[i];
		enum fate fate = FATE_WAITS;

		if ((e = resolve(f, v, c, &fate)) != 0)
			return e;
		if (fate == FATE_WAITS)
			f->cands[kept++] = *c;
	}
	f->ncands = kept;
	for (size_t i = 0; i < f->nmatches; i++) {
		if (f->matches[i].digest != NULL && (e = extend_match(f, v, &f->matches[i])) != 0)
			return e;
	}
	return 0;
}

/* From little to much. */
enum evidence {
	EVIDENCE_WITHIN,	/* a literal in the token, at which a stream begins to mask */
	EVIDENCE_KEYWORD,	/* a keyword beside any token */
	EVIDENCE_LITERAL,	/* a literal before the token, or at its beginning */
	EVIDENCE_BOTH,
	EVIDENCE_PROOF,
};

static enum evidence
evidence(const struct match *m)
{
	const struct rule *rule = m->rule;

	if (m->proven)
		return EVIDENCE_PROOF;
	if (rule->behind > 0)
		return EVIDENCE_WITHIN;
	if (rule->near == 0)
		return EVIDENCE_LITERAL;
	/* Where names of all kinds are looked for, a keyword knows more than they do. */
	return rule->generic || byteset_count(&rule->first) <= OWN_BEGINNING ? EVIDENCE_BOTH : EVIDENCE_KEYWORD;
}

/* Which of two overlapping matches gives the finding its name; does not depend on the order they were found in. */
static bool
is_better(const struct match *a, const struct match *b)
{
	if (a->rule->generic != b->rule->generic)
		return b->rule->generic;
	if (a->begin != b->begin)
		return a->begin < b->begin;
	if (a->end != b->end)
		return a->end > b->end;
	if (evidence(a) != evidence(b))
		return evidence(a) > evidence(b);
	if (a->anchor != b->anchor)
		return a->anchor > b->anchor;
	if (a->rule != b->rule)
		return a->rule < b->rule;
	/* As it stands, rather than what it may be decoded to. */
	return strcmp(a->finding.decoded, b->finding.decoded) < 0;
}

/* Take in every match that overlaps; true while one of them still grows. */
static bool
absorb(struct finder *f)
{
	const struct match *m = f->matches + f->first;
	bool grows = false;

	for (size_t i = 0; i < f->nmatches - f->first; i++) {
		if (i >= f->cluster) {
			if (i > 0 && m[i].start >= f->cluster_end)
				break;
			f->cluster = i + 1;
		}
		if (m[i].end > f->cluster_end)
			f->cluster_end = m[i].end;
		if (m[i].digest != NULL)
			grows = true;
	}
	return grows;
}

static int
close_cluster(struct finder *f, const struct finder_out *out)
{
	const struct match *m = f->matches + f->first, *best = m;

	for (size_t i = 1; i < f->cluster; i++) {
		if (is_better(&m[i], best))
			best = &m[i];
	}
	f->first += f->cluster;
	f->cluster = 0;
	f->cluster_end = 0;
	return out->found != NULL ? out->found(&best->finding, out->arg) : 0;
}

/* Forget what is settled. */
static void
compact(struct finder *f)
{
	f->nmatches -= f->first;
	memmove(f->matches, f->matches + f->first, f->nmatches * sizeof(*f->matches));
	f->first = 0;
}

static int
release(struct finder *f, uint64_t to, const struct finder_out *out)
{
	uint64_t from = f->released;

	if (to <= from)
		return 0;
	f->released = to;
	return out->raw != NULL ? out->raw(from, to, out->arg) : 0;
}

static int
settle_matches(struct finder *f, uint64_t frontier, const struct finder_out *out)
{
	bool grows;
	int e;

	while (f->first < f->nmatches && (f->cluster > 0 || f->matches[f->first].start <= frontier)) {
		if (f->cluster == 0 && (e = release(f, f->matches[f->first].start, out)) != 0)
			return e;
		grows = absorb(f);
		/* Known to be secret: gone, whatever its name will be. */
		if (f->cluster_end > f->released)
			f->released = f->cluster_end;
		if (grows || frontier < f->cluster_end)
			return 0;
		if ((e = close_cluster(f, out)) != 0)
			return e;
	}
	if (f->first < f->nmatches && f->matches[f->first].start < frontier)
		frontier = f->matches[f->first].start;
	return release(f, frontier, out);
}

int
finder_settle(struct finder *f, uint64_t frontier, const struct finder_out *out)
{
	int e;

	for (size_t i = 0; i < f->ncands; i++) {
		if (f->cands[i].secret < frontier)
			frontier = f->cands[i].secret;
	}
	e = settle_matches(f, frontier, out);
	if (f->first > 0)
		compact(f);
	return e;
}

bool
finder_may_flush(const struct finder *f, uint64_t end, size_t most)
{
	if (f->nmatches > 0)
		return false;
	for (size_t i = 0; i < f->ncands; i++) {
		if (f->cands[i].secret != NOT_YET && end - f->cands[i].secret > most)
			return false;
	}
	return true;
}

bool
finder_is_idle(const struct finder *f)
{
	return f->ncands == 0 && f->nmatches == 0;
}

uint64_t
finder_released(const struct finder *f)
{
	return f->released;
}

uint64_t
finder_hold(const struct finder *f)
{
	return f->nmatches > 0 && f->matches[0].start < f->released ? f->matches[0].start : f->released;
}

void
finder_set_released(struct finder *f, uint64_t pos)
{
	f->released = pos;
}

uint64_t
finder_needs(const struct finder *f, const struct view *v)
{
	uint64_t from = f->released < v->end ? f->released : v->end;

	for (size_t i = 0; i < f->ncands; i++) {
		uint64_t at = f->cands[i].secret != NOT_YET ? f->cands[i].secret : f->cands[i].anchor;

		if (at < from)
			from = at;
	}
	for (size_t i = 0; i < f->nmatches; i++) {
		if (f->matches[i].end < from)
			from = f->matches[i].end;
	}
	return from - v->base > SS_CONTEXT ? from - SS_CONTEXT : v->base;
}

size_t
finder_begin_length(struct finder *f, const uint8_t *p, size_t n)
{
	return begin_length(f->ss->begin, f->regex, p, n);
}
