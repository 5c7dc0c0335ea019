/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/freeze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/clock.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"

#define MAX_FREEZES	200
#define DAY		86400
#define DAY_MINUTES	1440
#define ALL_DAYS	0x7fu
#define FAR		INT64_C(253402300800)	/* the year 10000 */
#define LOOK_AHEAD	9	/* days: a week, and the one that hours over midnight began on */

static const char *const day_words[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

/* What a window can stop. A finding stands and falls with its push. */
static const enum request_kind kinds[] = { REQUEST_EXEC, REQUEST_SHELL, REQUEST_SUBSYSTEM, REQUEST_FORWARD, REQUEST_LISTEN,
    REQUEST_SFTP, REQUEST_FETCH, REQUEST_PUSH };
#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* Time */

bool
freeze_is_on(const struct freeze *f, int64_t now)
{
	int64_t day = now / DAY;
	/* 1970 began on a Thursday. */
	bool today = (f->days & 1u << (day + 4) % 7) != 0, yesterday = (f->days & 1u << (day + 3) % 7) != 0;
	unsigned minute = (unsigned)(now % DAY / 60);

	if (now < f->from || now >= f->until)
		return false;
	if (f->begin < f->end)
		return today && minute >= f->begin && minute < f->end;
	return (today && minute >= f->begin) || (yesterday && minute < f->end);
}

int64_t
freeze_changes(const struct freeze *f, int64_t now)
{
	int64_t start = now < f->from ? f->from : now, best = -1;
	bool on = freeze_is_on(f, now);

	/* The first of the moments at which it can change that really changes it. */
	for (int day = 0; day < LOOK_AHEAD; day++) {
		int64_t midnight = (start / DAY + day) * DAY;
		int64_t at[] = { f->from, midnight, midnight + f->begin * 60, midnight + f->end * 60, f->until };

		for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
			if (at[i] > now && at[i] < FAR && (best == -1 || at[i] < best) && freeze_is_on(f, at[i]) != on)
				best = at[i];
		if (best != -1 && best < midnight + DAY)
			break;
	}
	return best;
}

/* Deciding */

static bool
freeze_meets(const struct freeze *f, const struct subject *s, const struct request *req)
{
	if ((f->kinds & 1u << req->kind) == 0 || !subject_matches(&f->rule.who, s) || !match_any(&f->rule.on, req->target))
		return false;
	/* Files are decided one by one, and to look at one changes nothing. */
	if (req->kind == REQUEST_EXEC)
		return !req->copies;
	if (req->kind == REQUEST_SUBSYSTEM)
		return req->detail == NULL || strcmp(req->detail, "sftp") != 0;
	return req->kind != REQUEST_SFTP ||
	    (req->file_op != FILE_READ && req->file_op != FILE_LIST && req->file_op != FILE_STAT);
}

static void
deny(struct verdict *out, const struct freeze *f, int64_t now)
{
	int64_t end = freeze_changes(f, now);
	char until[CLOCK_TEXT];

	out->what = DECISION_DENY;
	out->rule = f->rule.id;
	out->because = f->rule.because;
	if (end == -1)
		snprintf(out->detail, sizeof(out->detail), "this freeze has no end; ask whoever runs this bastion");
	else {
		clock_format_second(end, until);
		snprintf(out->detail, sizeof(out->detail), "frozen until %s; try again then", until);
	}
}

void
freezes_apply(const struct policy *p, const struct subject *s, const struct request *req, struct verdict *out)
{
	const struct freeze *best = NULL;

	for (size_t i = 0; i < p->nfreezes; i++) {
		const struct freeze *f = &p->freezes[i];

		if (!freeze_meets(f, s, req))
			continue;
		if (req->now <= 0) {	/* a request that was made without a clock must not slip through */
			*out = (struct verdict){ .what = DECISION_DENY, .rule = f->rule.id, .because =
			    "the time of the request is not known, and there is a freeze" };
			return;
		}
		if (freeze_is_on(f, req->now) && (best == NULL || f->rule.what > best->rule.what))
			best = f;
	}
	if (best == NULL)
		return;
	/* In the midst of SFTP nobody can be asked. */
	if (best->rule.what == DECISION_DENY || req->kind == REQUEST_SFTP)
		deny(out, best, req->now);
	else if (out->what == DECISION_ASK && strcmp(out->rule, best->rule.id) == 0)
		return;	/* a command that counts as a shell too */
	else if (out->what == DECISION_ASK) {
		snprintf(out->detail, sizeof(out->detail), "freeze %s and rule %s both ask, and one approval cannot "
		    "stand for two; wait for the end of the freeze", best->rule.id, out->rule);
		out->what = DECISION_DENY;
		out->rule = best->rule.id;
		out->because = best->rule.because;
	} else if (out->what != DECISION_PARK) {	/* which is stricter than to ask */
		out->what = DECISION_ASK;
		out->rule = best->rule.id;
		out->because = best->rule.because;
	}
}

char *
freezes_describe(const struct policy *p, const struct subject *s, int64_t now)
{
	struct strvec lines = STRVEC_INIT;
	char *out;

	for (size_t i = 0; i < p->nfreezes; i++) {
		const struct freeze *f = &p->freezes[i];
		int64_t change = freeze_changes(f, now);
		bool on = freeze_is_on(f, now);
		struct strvec names = STRVEC_INIT;
		char when[CLOCK_TEXT] = "for good", *where, *what;

		if (!subject_matches(&f->rule.who, s) || (!on && change == -1))
			continue;
		if (change != -1)
			clock_format_second(change, when);
		for (size_t k = 0; k < NKINDS; k++)
			if ((f->kinds & 1u << kinds[k]) != 0)
				strvec_push(&names, request_kind_word(kinds[k]));
		where = strvec_join(&f->rule.on, ", ");
		what = strvec_join(&names, ", ");
		strvec_pushf(&lines, "%s %s: %s %s on %s [%s] %s\n", !on ? "frozen from" : change == -1 ? "FROZEN NOW," :
		    "FROZEN NOW, until", when, f->rule.what == DECISION_ASK ? "ask about" : "no", what, where, f->rule.id,
		    f->rule.because);
		strvec_release(&names);
		free(where);
		free(what);
	}
	out = strvec_join(&lines, "");
	strvec_release(&lines);
	return out;
}

/* Reading */

static int
read_days(const struct tree *t, struct freeze *f, struct tree_error *e)
{
	struct strvec words = STRVEC_INIT;
	int rc = tree_strings(t, "days", 7, &words, e);

	f->days = 0;
	for (size_t i = 0; rc == 0 && i < words.n; i++) {
		unsigned d = 0;

		while (d < 7 && strcmp(day_words[d], words.v[i]) != 0)
			d++;
		if (d == 7)
			rc = tree_fail(e, t->line, "days are mon, tue, wed, thu, fri, sat and sun, not '%s'", words.v[i]);
		f->days |= 1u << d;
	}
	if (rc == 0 && words.n == 0)
		rc = tree_fail(e, t->line, "days is empty; leave it out for every day");
	strvec_release(&words);
	return rc;
}

/* "16:00-24:00" */
static int
read_hours(const struct tree *t, struct freeze *f, struct tree_error *e)
{
	static const char form[] = "dd:dd-dd:dd";
	char *s = NULL;
	unsigned m[4];
	size_t i = 0;
	int rc;

	if ((rc = tree_string(t, "hours", &s, e)) != 0)
		return rc;
	while (form[i] != '\0' && (form[i] == 'd' ? s[i] >= '0' && s[i] <= '9' : s[i] == form[i]))
		i++;
	if (form[i] == '\0' && s[i] == '\0') {
		for (i = 0; i < 4; i++)
			m[i] = (unsigned)(s[3 * i] - '0') * 10 + (unsigned)(s[3 * i + 1] - '0');
		f->begin = m[0] * 60 + m[1];
		f->end = m[2] * 60 + m[3];
		if (m[1] < 60 && m[3] < 60 && f->begin < DAY_MINUTES && f->end > 0 && f->end <= DAY_MINUTES &&
		    f->begin != f->end) {
			free(s);
			return 0;
		}
	}
	rc = tree_fail(e, t->line, "hours must be BEGIN-END of a day in UTC, such as \"16:00-24:00\" or \"22:00-06:00\", "
	    "not '%s'", s);
	free(s);
	return rc;
}

static int
read_time(const struct tree *t, const char *key, int64_t *sp, struct tree_error *e)
{
	const struct tree *v = tree_get(t, key);
	char *s;
	int rc;

	if (v == NULL)
		return 0;
	if ((rc = tree_string(v, key, &s, e)) != 0)
		return rc;
	if (clock_parse_time(s, sp) != 0)
		rc = tree_fail(e, v->line, "%s must be a time in UTC such as 2026-12-20T00:00Z, not '%s'", key, s);
	free(s);
	return rc;
}

static int
read_kinds(const struct tree *t, struct freeze *f, struct tree_error *e)
{
	struct strvec words = STRVEC_INIT;
	int rc = tree_strings(t, "kinds", 16, &words, e);

	f->kinds = 0;
	for (size_t i = 0; rc == 0 && i < words.n; i++) {
		size_t k = 0;

		while (k < NKINDS && strcmp(request_kind_word(kinds[k]), words.v[i]) != 0)
			k++;
		if (k == NKINDS)
			rc = tree_fail(e, t->line, "kinds of a freeze are exec, shell, subsystem, forward, sftp, fetch and "
			    "push, not '%s'", words.v[i]);
		else
			f->kinds |= 1u << kinds[k];
	}
	if (rc == 0 && words.n == 0)
		rc = tree_fail(e, t->line, "kinds is empty; leave it out for all but fetch");
	strvec_release(&words);
	return rc;
}

static int
read_freeze(const struct tree *t, struct freeze *f, struct tree_error *e)
{
	static const char *const known[] = { "id", "from", "until", "days", "hours", "kinds", "on", "who", "do", "because",
	    "approvers", "quorum", NULL };
	const struct tree *days, *hours, *what;
	int rc;

	f->until = FAR;
	f->days = ALL_DAYS;
	f->end = DAY_MINUTES;
	for (size_t k = 0; k < NKINDS; k++)
		if (kinds[k] != REQUEST_FETCH)
			f->kinds |= 1u << kinds[k];
	if ((rc = tree_keys(t, "a freeze", known, e)) != 0 || (rc = rule_read_head(t, "a freeze", &f->rule, e)) != 0 ||
	    (rc = read_time(t, "from", &f->from, e)) != 0 || (rc = read_time(t, "until", &f->until, e)) != 0)
		return rc;
	days = tree_get(t, "days");
	hours = tree_get(t, "hours");
	what = tree_get(t, "kinds");
	if ((days != NULL && (rc = read_days(days, f, e)) != 0) || (hours != NULL && (rc = read_hours(hours, f, e)) != 0) ||
	    (what != NULL && (rc = read_kinds(what, f, e)) != 0))
		return rc;
	if (f->rule.what == DECISION_ALLOW || f->rule.what == DECISION_PARK)
		return tree_fail(e, t->line, "freeze %s: a freeze denies or asks; what is allowed, rules say", f->rule.id);
	if (days == NULL && hours == NULL && tree_get(t, "from") == NULL && tree_get(t, "until") == NULL)
		return tree_fail(e, t->line, "freeze %s needs from, until, days or hours", f->rule.id);
	if (f->from >= f->until)
		return tree_fail(e, t->line, "freeze %s ends before it begins", f->rule.id);
	return 0;
}

int
freezes_read(const struct tree *t, struct freeze **fp, size_t *np, struct tree_error *e)
{
	int rc;

	if (t->kind != TREE_LIST)
		return tree_fail(e, t->line, "freeze must be a list of windows");
	if (t->n > MAX_FREEZES)
		return tree_fail(e, t->line, "more than %d freezes", MAX_FREEZES);
	*fp = xcalloc(t->n + 1, sizeof(**fp));
	for (size_t i = 0; i < t->n; i++)
		if ((rc = read_freeze(t->items[i], &(*fp)[(*np)++], e)) != 0)
			return rc;
	return 0;
}

void
freezes_free(struct freeze *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		policy_rule_release(&f[i].rule);
	free(f);
}
