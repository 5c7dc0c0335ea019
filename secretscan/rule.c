/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/limits.h"
#include "secretscan/pattern.h"
#include "secretscan/regex.h"
#include "secretscan/secretscan.h"
#include "secretscan/tokens.h"

#define GIVEN(type, name)	{ #name, type, offsetof(struct rule, name) }
#define MADE(type, name)	{ NULL, type, offsetof(struct rule, name) }

static const struct rule_field fields[] = {
	GIVEN(FIELD_TEXT, id),
	GIVEN(FIELD_TEXT, description),
	GIVEN(FIELD_TEXT, before),
	GIVEN(FIELD_TEXT, lead),
	GIVEN(FIELD_TEXT, secret),
	GIVEN(FIELD_TEXT, after),
	GIVEN(FIELD_TEXT, tail),
	GIVEN(FIELD_TEXT, until),
	GIVEN(FIELD_BOOL, caseless),
	GIVEN(FIELD_BOOL, generic),
	GIVEN(FIELD_BOOL, proof),
	GIVEN(FIELD_NUMBER, entropy),
	GIVEN(FIELD_SIZE, window),
	GIVEN(FIELD_SIZE, near),
	GIVEN(FIELD_BOOL, bare),
	GIVEN(FIELD_SIZE, behind),
	GIVEN(FIELD_TEXTS, anchors),
	GIVEN(FIELD_TEXTS, stop),
	GIVEN(FIELD_TEXTS, pairs),
	GIVEN(FIELD_SAMPLES, good),
	GIVEN(FIELD_SAMPLES, bad),
	GIVEN(FIELD_CHECK, check),
	GIVEN(FIELD_VALUE, value),
	MADE(FIELD_TEXT, file),
	MADE(FIELD_TEXT, provider),
	MADE(FIELD_TEXT, lead_pattern),
	MADE(FIELD_TEXT, secret_pattern),
	MADE(FIELD_SET, first),
	MADE(FIELD_SIZE, shortest),
	MADE(FIELD_BOOL, token),
	MADE(FIELD_BOOL, run),
	MADE(FIELD_FOLLOW, follow),
	MADE(FIELD_SET, precede),
	MADE(FIELD_SET, tail_set),
};

const struct rule_field *
rule_field(size_t i)
{
	return i < sizeof(fields) / sizeof(fields[0]) ? &fields[i] : NULL;
}

static void
texts_release(struct rule_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].p);
	free(t->v);
}

void
rule_release(struct rule *r)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !r->packed; i++) {
		void *where = (char *)r + fields[i].offset;

		if (fields[i].type == FIELD_TEXT)
			free(*(char **)where);
		else if (fields[i].type == FIELD_TEXTS || fields[i].type == FIELD_SAMPLES)
			texts_release(where);
	}
	regex_free(r->lead_re);
	regex_free(r->secret_re);
	free(r->follow);
	memset(r, 0, sizeof(*r));
}

int
rule_error(char **errorp, const char *file, unsigned line, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	*errorp = NULL;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		return SECRETSCAN_NOMEM;
	if (asprintf(errorp, "%s:%u: %s", file, line, text) == -1)
		*errorp = NULL;
	free(text);
	return *errorp != NULL ? SECRETSCAN_RULES : SECRETSCAN_NOMEM;
}

/* What a stream's release decision and the speed of the whole set rest on. */
static int
check_complete(const struct rule *r, char **errorp)
{
	if (r->id == NULL || r->description == NULL || r->secret == NULL)
		return rule_error(errorp, r->file, r->line, "a rule needs id, description and secret");
	if (r->id[0] == '\0' || strlen(r->id) > 64 ||
	    strspn(r->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(r->id))
		return rule_error(errorp, r->file, r->line, "id: use a-z, 0-9 and -, at most 64");
	if (r->anchors.n == 0 || r->anchors.n > SS_ANCHORS_MAX)
		return rule_error(errorp, r->file, r->line, "%s: needs 1 to %d anchors", r->id, SS_ANCHORS_MAX);
	for (size_t i = 0; i < r->anchors.n; i++) {
		if (r->anchors.v[i].n < SS_ANCHOR_MIN || r->anchors.v[i].n > SS_ANCHOR_MAX)
			return rule_error(errorp, r->file, r->anchors.v[i].line,
			    "%s: an anchor has %d to %d bytes: shorter ones slow every scan down", r->id, SS_ANCHOR_MIN,
			    SS_ANCHOR_MAX);
	}
	if (r->window < 16 || r->window > SS_WINDOW_MAX)
		return rule_error(errorp, r->file, r->line, "%s: window is 16 to %d", r->id, SS_WINDOW_MAX);
	if (r->window > 2048 && r->before == NULL && r->lead == NULL)
		return rule_error(errorp, r->file, r->line, "%s: so large a window needs a `before` or a `lead`",
		    r->id);
	if (r->near > SS_NEAR_MAX)
		return rule_error(errorp, r->file, r->line, "%s: near is at most %d", r->id, SS_NEAR_MAX);
	if (r->near > 0 && (r->lead != NULL || r->before != NULL || r->tail != NULL))
		return rule_error(errorp, r->file, r->line, "%s: `near` goes with neither `before`, `lead` nor `tail`",
		    r->id);
	if (r->bare && r->near == 0)
		return rule_error(errorp, r->file, r->line, "%s: `bare` needs `near`", r->id);
	if (r->behind > SS_BEHIND_MAX)
		return rule_error(errorp, r->file, r->line, "%s: behind is at most %d", r->id, SS_BEHIND_MAX);
	if (r->behind > 0 && (r->lead != NULL || r->near > 0 || r->tail != NULL))
		return rule_error(errorp, r->file, r->line, "%s: `behind` goes with neither `lead`, `near` nor `tail`", r->id);
	if (r->until != NULL && r->tail == NULL)
		return rule_error(errorp, r->file, r->line, "%s: `until` needs a `tail`", r->id);
	if (r->proof && r->check == NULL)
		return rule_error(errorp, r->file, r->line, "%s: `proof` needs a `check`", r->id);
	if (r->good.n == 0 || r->bad.n == 0)
		return rule_error(errorp, r->file, r->line, "%s: needs good and bad samples", r->id);
	return 0;
}

static int
compile_one(const struct rule *r, const char *what, const char *pattern, struct regex **rep, char **errorp)
{
	char *why = NULL;
	int e;

	if ((*rep = regex_new(pattern, r->caseless)) == NULL)
		return SECRETSCAN_NOMEM;
	if ((e = regex_compile(*rep, &why)) == SECRETSCAN_RULES)
		e = rule_error(errorp, r->file, r->line, "%s: %s: %s", r->id, what, why);
	free(why);
	if (e != 0)
		return e;
	if (regex_lookbehind(*rep) > SS_CONTEXT)
		return rule_error(errorp, r->file, r->line, "%s: %s: looks back further than %d bytes", r->id, what,
		    SS_CONTEXT);
	return 0;
}

static int
compile_patterns(struct rule *r, char **errorp)
{
	const char *before = r->before != NULL ? r->before : r->behind > 0 ? "(?<![A-Za-z0-9_])" : "";
	const char *after = r->after != NULL ? r->after : r->near > 0 ? "(?![A-Za-z0-9_]|[?#!^*][A-Za-z0-9])" :
	    r->behind > 0 ? "(?![A-Za-z0-9_])" : "";
	int e;

	if (r->lead != NULL) {
		if (asprintf(&r->lead_pattern, "(?:%s)(?:%s)", before, r->lead) == -1) {
			r->lead_pattern = NULL;
			return SECRETSCAN_NOMEM;
		}
		if ((e = compile_one(r, "lead", r->lead_pattern, &r->lead_re, errorp)) != 0)
			return e;
		before = "";
	}
	if (asprintf(&r->secret_pattern, "(?:%s)(?<secret>%s)(?:%s)", before, r->secret, after) == -1) {
		r->secret_pattern = NULL;
		return SECRETSCAN_NOMEM;
	}
	return compile_one(r, "secret", r->secret_pattern, &r->secret_re, errorp);
}

int
rule_revive(struct rule *r)
{
	if ((r->lead_pattern != NULL && (r->lead_re = regex_new(r->lead_pattern, r->caseless)) == NULL) ||
	    (r->secret_re = regex_new(r->secret_pattern, r->caseless)) == NULL)
		return SECRETSCAN_NOMEM;
	return 0;
}

static int
compile_tail(struct rule *r, struct regex_scratch *s, char **errorp)
{
	struct regex *re = NULL;
	size_t end;
	int e;

	if (r->tail == NULL)
		return 0;
	if ((e = compile_one(r, "tail", r->tail, &re, errorp)) != 0)
		goto out;
	for (int c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;

		if (regex_exec(re, s, &byte, 1, 0, REGEX_END, &end) == REGEX_MATCH && end == 1)
			byteset_add(&r->tail_set, byte);
	}
out:
	regex_free(re);
	return e;
}

/* The bytes that can stand before an anchor, likewise; an expression that looks back further is not asked. */
static void
compile_precede(struct rule *r, const struct regex *re, struct regex_scratch *s)
{
	uint8_t text[SS_ANCHOR_MAX + 1];
	size_t end;

	if (regex_lookbehind(re) > 1)
		memset(&r->precede, 0xff, sizeof(r->precede));
	for (size_t i = 0; i < r->anchors.n; i++) {
		memcpy(text + 1, r->anchors.v[i].p, r->anchors.v[i].n);
		for (int c = 0; c < 256; c++) {
			text[0] = (uint8_t)c;
			if (regex_exec(re, s, text, r->anchors.v[i].n + 1, 1, REGEX_MORE, &end) != REGEX_NOMATCH)
				byteset_add(&r->precede, (uint8_t)c);
		}
	}
}

static bool
byteset_within(const struct byteset *s, const struct byteset *all)
{
	for (size_t i = 0; i < sizeof(s->bits) / sizeof(s->bits[0]); i++) {
		if ((s->bits[i] & ~all->bits[i]) != 0)
			return false;
	}
	return true;
}

/* A secret is at least so many bytes, and these are a token's. */
static bool
is_long(const struct rule *r, size_t least)
{
	struct byteset bytes;

	pattern_bytes(r->secret, r->caseless, &bytes);
	return regex_shortest(r->secret) >= least && byteset_within(&bytes, &tokens_set);
}

/*
 * For every anchor the bytes that can stand after it, found by asking the expression itself. Most hits of words like
 * "token" in source text end here, at the price of one look-up. A rule that looks behind its anchor for something
 * cannot be asked this way (there is nothing before the anchor here): then everything can follow.
 */
static int
compile_follow(struct rule *r, struct regex_scratch *s)
{
	const struct regex *re = r->lead_re != NULL ? r->lead_re : r->secret_re;
	uint8_t text[SS_ANCHOR_MAX + 1];
	size_t end;

	if ((r->follow = calloc(r->anchors.n, sizeof(*r->follow))) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < r->anchors.n; i++) {
		size_t n = r->anchors.v[i].n;
		bool any = false;

		memcpy(text, r->anchors.v[i].p, n);
		for (int c = 0; c < 256; c++) {
			text[n] = (uint8_t)c;
			if (regex_exec(re, s, text, n + 1, 0, REGEX_MORE, &end) == REGEX_NOMATCH)
				continue;
			byteset_add(&r->follow[i], (uint8_t)c);
			any = true;
		}
		if (!any)
			memset(&r->follow[i], 0xff, sizeof(r->follow[i]));
	}
	compile_precede(r, re, s);
	r->run = r->lead_re == NULL && is_long(r, SS_RUN_MIN);
	return 0;
}

static void
compile_first(struct rule *r, struct regex_scratch *s)
{
	size_t end;

	for (int c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;

		if (regex_exec(r->secret_re, s, &byte, 1, 0, REGEX_MORE, &end) != REGEX_NOMATCH)
			byteset_add(&r->first, byte);
	}
}

/* Nothing is known of what follows an anchor. */
static int
make_follow(struct rule *r)
{
	if ((r->follow = calloc(r->anchors.n, sizeof(*r->follow))) == NULL)
		return SECRETSCAN_NOMEM;
	memset(r->follow, 0xff, r->anchors.n * sizeof(*r->follow));
	return 0;
}

/* Before an anchor in a secret there is the secret. A stream has kept enough to see its beginning, and before it. */
static int
compile_behind(struct rule *r, struct regex_scratch *s, char **errorp)
{
	size_t longest = 0;

	for (size_t i = 0; i < r->anchors.n; i++) {
		if (r->anchors.v[i].n > longest)
			longest = r->anchors.v[i].n;
	}
	if (r->behind + longest + regex_lookbehind(r->secret_re) > SS_CONTEXT)
		return rule_error(errorp, r->file, r->line, "%s: behind, anchor and look-behind are more than %d bytes", r->id,
		    SS_CONTEXT);
	compile_first(r, s);
	pattern_bytes(r->secret, r->caseless, &r->precede);
	return make_follow(r);
}

/* What the secret of a keyword's rule can begin with, and how short it can be: most words are dismissed by these. */
static int
compile_near(struct rule *r, struct regex_scratch *s, char **errorp)
{
	r->shortest = regex_shortest(r->secret);
	if (r->shortest < SS_ANCHOR_MIN)
		return rule_error(errorp, r->file, r->line, "%s: the secret can be too short for a keyword's rule", r->id);
	compile_first(r, s);
	r->token = !r->bare && is_long(r, SS_TOKEN_MIN);
	r->run = r->bare && is_long(r, SS_RUN_MIN);
	if (r->entropy == 0)
		r->entropy = SS_NEAR_ENTROPY;
	memset(&r->precede, 0xff, sizeof(r->precede));
	return make_follow(r);
}

int
rule_compile(struct rule *r, char **errorp)
{
	struct regex_scratch *s = NULL;
	int e;

	*errorp = NULL;
	if (r->window == 0)
		r->window = SS_WINDOW;
	if ((e = check_complete(r, errorp)) != 0 || (e = compile_patterns(r, errorp)) != 0)
		return e;
	if ((s = regex_scratch_new()) == NULL)
		return SECRETSCAN_NOMEM;
	if ((e = compile_tail(r, s, errorp)) == 0)
		e = r->near > 0 ? compile_near(r, s, errorp) : r->behind > 0 ? compile_behind(r, s, errorp) :
		    compile_follow(r, s);
	regex_scratch_free(s);
	return e;
}
