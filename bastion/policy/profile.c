/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"

#define MAX_PROFILES	500
#define YEAR_MS		(INT64_C(366) * 24 * 3600 * 1000)
#define MAX_IDENTITY	1000000

static const struct {
	const char	*word, *rule, *text, *because;
} profiles[PROFILES] = {
	[PROFILE_EXEC_GATED] = { "exec-gated", "profile-exec-gated",
	    "commands, file transfers and Git, as the rules say; no terminal, no shell, no forwarding",
	    "your profile exec-gated has no terminal, shell or forwarding" },
	[PROFILE_SHELL_AUDITED] = { "shell-audited", "profile-shell-audited",
	    "everything that the rules allow, recorded", "" },
	[PROFILE_TRANSFER_ONLY] = { "transfer-only", "profile-transfer-only",
	    "file transfers and Git alone, as the rules say; no commands, no terminal, no shell, no forwarding",
	    "your profile transfer-only has file transfers and Git alone" },
};

const char *
profile_word(enum profile p)
{
	return profiles[p].word;
}

const char *
profile_text(enum profile p)
{
	return profiles[p].text;
}

static const struct profile_rule *
profile_rule_of(const struct policy *p, const struct subject *s)
{
	for (size_t i = 0; i < p->nprofiles; i++)
		if (subject_matches(&p->profiles[i].who, s))
			return &p->profiles[i];
	return NULL;
}

enum profile
policy_profile(const struct policy *p, const struct subject *s)
{
	const struct profile_rule *r = profile_rule_of(p, s);

	if (r != NULL)
		return r->use;
	return strncmp(s->identity, "human/", 6) == 0 ? PROFILE_SHELL_AUDITED : PROFILE_EXEC_GATED;
}

void
policy_limits(const struct policy *p, const struct subject *s, struct session_limits *l)
{
	const struct profile_rule *r = profile_rule_of(p, s);

	if (r == NULL)
		return;
	if (r->limits.max_session_ms != -1)
		l->max_session_ms = r->limits.max_session_ms;
	if (r->limits.idle_ms != -1)
		l->idle_ms = r->limits.idle_ms;
	if (r->limits.idle_command_ms != -1)
		l->idle_command_ms = r->limits.idle_command_ms;
	if (r->limits.per_identity != -1)
		l->per_identity = r->limits.per_identity;
}

/* A list of what passes, not of what does not: a kind that is new is refused until somebody has thought about it. */
static bool
lets_through(enum profile p, const struct request *req)
{
	switch (req->kind) {
	case REQUEST_SFTP:
	case REQUEST_FETCH:
	case REQUEST_PUSH:
	case REQUEST_FINDING:
	case REQUEST_COMMIT:
	case REQUEST_CHANGE:
		return true;
	case REQUEST_EXEC:
		return !req->pty && (p == PROFILE_EXEC_GATED || req->copies);
	case REQUEST_SUBSYSTEM:
		return !req->pty && (p == PROFILE_EXEC_GATED || (req->detail != NULL && strcmp(req->detail, "sftp") == 0));
	default:
		return false;
	}
}

bool
profile_permits(enum profile p, const struct request *req, struct verdict *out)
{
	if (p == PROFILE_SHELL_AUDITED || lets_through(p, req))
		return true;
	out->what = DECISION_DENY;
	out->rule = profiles[p].rule;
	out->because = profiles[p].because;
	snprintf(out->detail, sizeof(out->detail), "%s", p == PROFILE_TRANSFER_ONLY ? "use sftp, scp, rsync or git" :
	    req->kind == REQUEST_SHELL ? "run one command instead: ssh -T .. 'COMMAND'" :
	    req->pty ? "run it without a terminal: ssh -T .. 'COMMAND'" :
	    "ask whoever runs this bastion for another profile");
	return false;
}

/* Reading */

static int
read_use(const struct tree *t, enum profile *usep, struct tree_error *e)
{
	static const char *const words[] = { "exec-gated", "shell-audited", "transfer-only", NULL };
	const char *near;
	char *s;
	int rc;

	if ((rc = tree_string(t, "use", &s, e)) != 0)
		return rc;
	near = tree_nearest(s, words);
	for (int i = 0; i < PROFILES; i++)
		if (strcmp(s, profiles[i].word) == 0) {
			*usep = (enum profile)i;
			free(s);
			return 0;
		}
	rc = tree_fail(e, t->line, "use must be exec-gated, shell-audited or transfer-only, not '%s'%s%s%s", s,
	    near != NULL ? "; do you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
	free(s);
	return rc;
}

static int
read_limits(const struct tree *t, struct session_limits *l, struct tree_error *e)
{
	const struct { const char *key; int64_t *msp; } durations[] = {
		{ "max_session", &l->max_session_ms }, { "idle", &l->idle_ms }, { "idle_command", &l->idle_command_ms },
	};
	const struct tree *v;
	int rc;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		if ((v = tree_get(t, durations[i].key)) != NULL &&
		    (rc = tree_duration(v, durations[i].key, 0, YEAR_MS, durations[i].msp, e)) != 0)
			return rc;
	if ((v = tree_get(t, "sessions_per_identity")) != NULL)
		return tree_number(v, "sessions_per_identity", 0, MAX_IDENTITY, &l->per_identity, e);
	return 0;
}

static int
read_profile(const struct tree *t, struct profile_rule *r, struct tree_error *e)
{
	static const char *const known[] = { "who", "use", "max_session", "idle", "idle_command", "sessions_per_identity",
	    NULL };
	const struct tree *who, *use;
	int rc;

	r->limits = (struct session_limits){ -1, -1, -1, -1 };
	if ((rc = tree_keys(t, "a profile", known, e)) != 0)
		return rc;
	who = tree_get(t, "who");
	use = tree_get(t, "use");
	if (who == NULL || use == NULL)
		return tree_fail(e, t->line, "a profile needs %s", who == NULL ? "who" :
		    "use: exec-gated, shell-audited or transfer-only");
	if ((rc = tree_strings(who, "who", POLICY_MAX_WORDS, &r->who, e)) != 0 ||
	    (rc = rule_check_who(&r->who, who->line, "who", true, e)) != 0 || (rc = read_use(use, &r->use, e)) != 0)
		return rc;
	return read_limits(t, &r->limits, e);
}

int
profiles_read(const struct tree *t, struct profile_rule **rp, size_t *np, struct tree_error *e)
{
	int rc;

	if (t->kind != TREE_LIST)
		return tree_fail(e, t->line, "profiles must be a list of {who: [..], use: ..}");
	if (t->n > MAX_PROFILES)
		return tree_fail(e, t->line, "more than %d profiles", MAX_PROFILES);
	*rp = xcalloc(t->n + 1, sizeof(**rp));
	for (size_t i = 0; i < t->n; i++)
		if ((rc = read_profile(t->items[i], &(*rp)[(*np)++], e)) != 0)
			return rc;
	return 0;
}

void
profiles_free(struct profile_rule *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strvec_release(&r[i].who);
	free(r);
}
