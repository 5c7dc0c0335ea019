/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles and freezes: what they let through to the rules, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/clock.h"
#include "bastion/base/strvec.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/freeze.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/profile.h"

#define RULES \
	"rules:\n" \
	" - {id: run, who: [\"*\"], on: [t], exec: {any: true}, do: allow}\n" \
	" - {id: log-in, who: [\"*\"], on: [t], shell: true, do: allow}\n" \
	" - {id: sub, who: [\"*\"], on: [t], subsystem: [\"*\"], do: allow}\n" \
	" - {id: fwd, who: [\"*\"], on: [t], forward: [\"*\"], do: allow}\n" \
	" - {id: lis, who: [\"*\"], on: [t], listen: [\"*\"], do: allow}\n" \
	" - {id: file, who: [\"*\"], on: [t], sftp: {}, do: allow}\n" \
	" - {id: read, who: [\"*\"], on: [t], fetch: {}, do: allow}\n" \
	" - {id: write, who: [\"*\"], on: [t], push: {}, do: allow}\n" \
	" - {id: risky, who: [\"*\"], on: [t], exec: [risky], do: ask, because: r, approvers: [\"human/*\"]}\n"

static struct policy *
load(const char *text)
{
	struct tree_error e = { .file = "test" };
	struct policy *p = NULL;

	if (policy_load("test", text, strlen(text), &p, &e) != 0)
		fail_msg("%s", e.text);
	free(e.text);
	return p;
}

static void
expect_error(const char *text, const char *part)
{
	struct tree_error e = { .file = "F" };
	struct policy *p = NULL;

	assert_int_not_equal(policy_load("F", text, strlen(text), &p, &e), 0);
	assert_null(p);
	if (e.text == NULL || strstr(e.text, part) == NULL)
		fail_msg("wanted '%s', got '%s'", part, e.text);
	free(e.text);
}

static int64_t
at(const char *text)
{
	int64_t s = 0;

	if (clock_parse_time(text, &s) != 0)
		fail_msg("bad time %s", text);
	return s;
}

static const struct request exec_ls = { .kind = REQUEST_EXEC, .command = (const uint8_t *)"ls", .command_len = 2 };
static const struct request exec_risky = { .kind = REQUEST_EXEC, .command = (const uint8_t *)"risky", .command_len = 5 };
static const struct request push_main = { .kind = REQUEST_PUSH, .repo = "r", .ref = "refs/heads/main" };
static const struct request bare_shell = { .kind = REQUEST_EXEC, .command = (const uint8_t *)"sh", .command_len = 2 };
static const struct request scp = { .kind = REQUEST_EXEC, .command = (const uint8_t *)"scp -f x", .command_len = 8,
    .copies = true };
static const struct request sftp = { .kind = REQUEST_SUBSYSTEM, .detail = "sftp" };
static const struct request read_x = { .kind = REQUEST_SFTP, .file_op = FILE_READ, .path = "/x" };
static const struct request write_x = { .kind = REQUEST_SFTP, .file_op = FILE_WRITE, .path = "/x" };
static const struct request fetch = { .kind = REQUEST_FETCH, .repo = "r", .ref = "" };

static struct verdict
judge(const struct policy *p, const char *identity, struct request req, const char *when)
{
	struct subject who = { .identity = identity };
	struct verdict v;

	req.target = "t";
	req.now = when == NULL ? 0 : at(when);
	decide(p, &who, &req, &v);
	return v;
}

/* Each kind under each profile, the rules allowing all of them. */
static void
test_kinds(void **state)
{
	static const struct { const char *name; struct request req; bool gated, transfer; } rows[] = {
		{ "exec", { .kind = REQUEST_EXEC }, true, false },
		{ "exec with a terminal", { .kind = REQUEST_EXEC, .pty = true }, false, false },
		{ "scp", { .kind = REQUEST_EXEC, .copies = true }, true, true },
		{ "scp with a terminal", { .kind = REQUEST_EXEC, .copies = true, .pty = true }, false, false },
		{ "shell", { .kind = REQUEST_SHELL }, false, false },
		{ "shell with a terminal", { .kind = REQUEST_SHELL, .pty = true }, false, false },
		{ "sftp", { .kind = REQUEST_SUBSYSTEM, .detail = "sftp" }, true, true },
		{ "sftp with a terminal", { .kind = REQUEST_SUBSYSTEM, .detail = "sftp", .pty = true }, false, false },
		{ "netconf", { .kind = REQUEST_SUBSYSTEM, .detail = "netconf" }, true, false },
		{ "forward", { .kind = REQUEST_FORWARD, .detail = "h:1" }, false, false },
		{ "listen", { .kind = REQUEST_LISTEN, .detail = "h:1" }, false, false },
		{ "a file", { .kind = REQUEST_SFTP, .path = "/x" }, true, true },
		{ "fetch", { .kind = REQUEST_FETCH, .repo = "r", .ref = "" }, true, true },
		{ "push", { .kind = REQUEST_PUSH, .repo = "r", .ref = "refs/heads/x" }, true, true },
	};
	struct policy *p = load("profiles:\n - {who: [\"*/transfer\"], use: transfer-only}\n"
	    " - {who: [\"agent/audited\"], use: shell-audited}\n" RULES);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct request r = rows[i].req;

		r.command = (const uint8_t *)"ls";
		r.command_len = 2;
		if (judge(p, "human/x", r, NULL).what != DECISION_ALLOW || judge(p, "agent/audited", r, NULL).what != DECISION_ALLOW)
			fail_msg("%s: shell-audited refuses it", rows[i].name);
		for (int k = 0; k < 2; k++) {
			struct verdict v = judge(p, k == 0 ? "agent/x" : "human/transfer", r, NULL);
			bool want = k == 0 ? rows[i].gated : rows[i].transfer;

			if ((v.what == DECISION_ALLOW) != want || (!want &&
			    strcmp(v.rule, k == 0 ? "profile-exec-gated" : "profile-transfer-only") != 0))
				fail_msg("%s: %s by %s", rows[i].name, decision_word(v.what), v.rule);
		}
	}
	assert_string_equal(judge(p, "service/x", (struct request){ .kind = REQUEST_SHELL }, NULL).rule, "profile-exec-gated");
	policy_free(p);
}

/* A rule that the profile makes void opens no target. */
static void
test_reaches(void **state)
{
	struct policy *p = load("rules:\n - {id: s, who: [\"*\"], on: [t], shell: true, do: allow}\n"
	    " - {id: e, who: [\"*\"], on: [u], exec: [ls], do: allow}\n");

	(void)state;
	assert_false(policy_reaches(p, &(struct subject){ .identity = "agent/x" }, "t", "root"));
	assert_true(policy_reaches(p, &(struct subject){ .identity = "agent/x" }, "u", "root"));
	assert_true(policy_reaches(p, &(struct subject){ .identity = "human/x" }, "t", "root"));
	policy_free(p);
}

/* Nor does it put the right to forward into a certificate. */
static void
test_may_forward(void **state)
{
	struct policy *p = load("rules:\n - {id: f, who: [\"*\"], on: [t], forward: {to: [\"db:5432\"]}, do: allow}\n"
	    " - {id: l, who: [\"*\"], on: [u], listen: [\"localhost:8080\"], do: allow}\n");

	(void)state;
	for (const char *t = "tu"; *t != '\0'; t++) {
		const char target[] = { *t, '\0' };

		assert_false(policy_may_forward(p, &(struct subject){ .identity = "agent/x" }, target, "root"));
		assert_true(policy_may_forward(p, &(struct subject){ .identity = "human/x" }, target, "root"));
	}
	policy_free(p);
}

static void
test_limits(void **state)
{
	struct policy *p = load("profiles:\n - {who: [\"agent/a\"], use: exec-gated, max_session: 2s, idle_command: 0}\n"
	    " - {who: [\"group:g\"], use: transfer-only, idle: 1m, sessions_per_identity: 3}\n"
	    " - {who: [\"agent/*\"], use: shell-audited}\nrules: []\n");
	struct strvec groups = STRVEC_INIT;
	struct session_limits l = { 10, 20, 30, 40 };

	(void)state;
	strvec_push(&groups, "g");
	policy_limits(p, &(struct subject){ .identity = "agent/z" }, &l);
	assert_true(l.max_session_ms == 10 && l.idle_ms == 20 && l.idle_command_ms == 30 && l.per_identity == 40);
	policy_limits(p, &(struct subject){ .identity = "agent/b", .groups = &groups }, &l);
	assert_true(l.max_session_ms == 10 && l.idle_ms == 60000 && l.idle_command_ms == 30 && l.per_identity == 3);
	/* The first that fits, whatever comes later. */
	policy_limits(p, &(struct subject){ .identity = "agent/a", .groups = &groups }, &l);
	assert_true(l.max_session_ms == 2000 && l.idle_ms == 60000 && l.idle_command_ms == 0);
	assert_int_equal(policy_profile(p, &(struct subject){ .identity = "agent/a", .groups = &groups }), PROFILE_EXEC_GATED);
	assert_int_equal(policy_profile(p, &(struct subject){ .identity = "agent/z" }), PROFILE_SHELL_AUDITED);
	strvec_release(&groups);
	policy_free(p);
}

/* When windows are on, and when that changes. 2026-12-25 is a Friday. */
static void
test_windows(void **state)
{
	static const struct { const char *window, *now; bool on; const char *change; } rows[] = {
		{ "from: 2026-12-20T00:00Z, until: 2027-01-04T08:00Z", "2026-12-19T23:59:59Z", false, "2026-12-20T00:00Z" },
		{ "from: 2026-12-20T00:00Z, until: 2027-01-04T08:00Z", "2026-12-20T00:00Z", true, "2027-01-04T08:00Z" },
		{ "from: 2026-12-20T00:00Z, until: 2027-01-04T08:00Z", "2027-01-04T07:59:59Z", true, "2027-01-04T08:00Z" },
		{ "from: 2026-12-20T00:00Z, until: 2027-01-04T08:00Z", "2027-01-04T08:00Z", false, NULL },
		{ "from: 2026-12-20T00:00Z", "2040-01-01T00:00Z", true, NULL },
		{ "until: 2026-12-20T00:00Z", "2026-01-01T00:00Z", true, "2026-12-20T00:00Z" },
		{ "days: [fri]", "2026-12-25T12:00Z", true, "2026-12-26T00:00Z" },
		{ "days: [fri]", "2026-12-26T00:00Z", false, "2027-01-01T00:00Z" },
		{ "days: [fri, sat, sun]", "2026-12-25T00:00Z", true, "2026-12-28T00:00Z" },
		{ "days: [fri], hours: \"16:00-24:00\"", "2026-12-25T15:59:59Z", false, "2026-12-25T16:00Z" },
		{ "days: [fri], hours: \"16:00-24:00\"", "2026-12-25T23:59:59Z", true, "2026-12-26T00:00Z" },
		{ "days: [fri], hours: \"16:00-24:00\"", "2026-12-26T00:00Z", false, "2027-01-01T16:00Z" },
		{ "hours: \"22:00-06:00\"", "2026-12-25T23:00Z", true, "2026-12-26T06:00Z" },
		{ "hours: \"22:00-06:00\"", "2026-12-25T06:00Z", false, "2026-12-25T22:00Z" },
		{ "days: [fri], hours: \"22:00-06:00\"", "2026-12-26T05:59Z", true, "2026-12-26T06:00Z" },
		{ "days: [fri], hours: \"22:00-06:00\"", "2026-12-25T05:59Z", false, "2026-12-25T22:00Z" },
		{ "days: [fri], hours: \"22:00-06:00\"", "2026-12-26T22:00Z", false, "2027-01-01T22:00Z" },
		{ "days: [mon, tue, wed, thu, fri, sat, sun]", "2026-12-26T22:00Z", true, NULL },
		{ "from: 2027-01-01T20:00Z, days: [mon]", "2026-12-25T00:00Z", false, "2027-01-04T00:00Z" },
		{ "days: [sat], hours: \"10:00-12:00\", until: 2026-12-26T11:00Z", "2026-12-26T10:30Z", true, "2026-12-26T11:00Z" },
		{ "days: [sat], hours: \"10:00-12:00\", until: 2026-12-26T11:00Z", "2026-12-26T11:00Z", false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		struct policy *p;
		int64_t change;

		snprintf(text, sizeof(text), "freeze: [{id: f, who: [\"*\"], on: [t], do: deny, because: b, %s}]\nrules: []\n",
		    rows[i].window);
		p = load(text);
		if (freeze_is_on(&p->freezes[0], at(rows[i].now)) != rows[i].on)
			fail_msg("%s at %s", rows[i].window, rows[i].now);
		change = freeze_changes(&p->freezes[0], at(rows[i].now));
		if (change != (rows[i].change == NULL ? -1 : at(rows[i].change)))
			fail_msg("%s at %s: changes at %lld", rows[i].window, rows[i].now, (long long)change);
		policy_free(p);
	}
}

static void
test_frozen(void **state)
{
	static const char on[] = "2026-12-25T10:00Z", off[] = "2027-02-01T10:00Z";
	struct policy *p = load("freeze:\n"
	    " - {id: hold, who: [\"*\"], on: [t], until: 2027-01-04T08:00Z, do: ask, because: h, approvers: [\"human/boss\"], quorum: 2}\n"
	    " - {id: no-push, who: [\"agent/*\"], on: [\"*\"], until: 2027-01-05T08:00Z, kinds: [push], do: deny, because: n}\n" RULES);
	struct subject boss = { .identity = "human/boss" };
	struct request approve = { .kind = REQUEST_APPROVE, .detail = "hold" };
	struct verdict v;
	char *text;

	(void)state;
	assert_int_equal(judge(p, "agent/x", exec_ls, off).what, DECISION_ALLOW);
	v = judge(p, "agent/x", exec_ls, on);
	assert_int_equal(v.what, DECISION_ASK);
	assert_string_equal(v.rule, "hold");
	v = judge(p, "agent/x", push_main, on);	/* the strictest window */
	assert_int_equal(v.what, DECISION_DENY);
	assert_string_equal(v.rule, "no-push");
	assert_string_equal(v.detail, "frozen until 2027-01-05T08:00Z; try again then");
	assert_int_equal(judge(p, "human/x", push_main, on).what, DECISION_ASK);
	assert_int_equal(judge(p, "agent/x", fetch, on).what, DECISION_ALLOW);
	v = judge(p, "agent/x", exec_risky, on);	/* one approval cannot stand for two */
	assert_int_equal(v.what, DECISION_DENY);
	assert_non_null(strstr(v.detail, "freeze hold and rule risky both ask"));
	assert_int_equal(judge(p, "agent/x", exec_risky, off).what, DECISION_ASK);
	assert_int_equal(judge(p, "agent/x", exec_ls, NULL).what, DECISION_DENY);	/* without a clock */
	/* A shell by another name is frozen as a shell too, and asked about once. */
	assert_int_equal(judge(p, "human/x", bare_shell, off).what, DECISION_ALLOW);
	v = judge(p, "human/x", bare_shell, on);
	assert_int_equal(v.what, DECISION_ASK);
	assert_string_equal(v.rule, "hold");
	/* Files: looked at as ever, changed not at all, since nobody can be asked. */
	assert_int_equal(judge(p, "agent/x", sftp, on).what, DECISION_ALLOW);
	assert_int_equal(judge(p, "agent/x", read_x, on).what, DECISION_ALLOW);
	assert_int_equal(judge(p, "agent/x", write_x, off).what, DECISION_ALLOW);
	assert_int_equal(judge(p, "agent/x", write_x, on).what, DECISION_DENY);
	assert_int_equal(judge(p, "agent/x", scp, on).what, DECISION_ALLOW);
	/* The approvers of a freeze are found like those of a rule, and deciding is never frozen. */
	approve.now = at(on);
	decide(p, &boss, &approve, &v);
	assert_int_equal(v.what, DECISION_ALLOW);
	assert_int_equal(policy_approvers(p, 1)->quorum, 2);
	assert_null(policy_approvers(p, 2));
	text = freezes_describe(p, &(struct subject){ .identity = "human/x" }, at(on));
	assert_non_null(strstr(text, "FROZEN NOW, until 2027-01-04T08:00Z: ask about exec, shell, subsystem, forward, listen, sftp, push on t [hold] h"));
	assert_null(strstr(text, "no-push"));
	free(text);
	text = freezes_describe(p, &(struct subject){ .identity = "agent/x" }, at(off));
	assert_string_equal(text, "");
	free(text);
	policy_free(p);
}

static void
test_errors(void **state)
{
	static const struct { const char *text, *part; } rows[] = {
		{ "profiles: {}\nrules: []\n", "profiles must be a list" },
		{ "profiles: [{use: exec-gated}]\nrules: []\n", "F:1: a profile needs who" },
		{ "profiles: [{who: [a]}]\nrules: []\n", "a profile needs use" },
		{ "profiles: [{who: [], use: exec-gated}]\nrules: []\n", "who is empty" },
		{ "profiles: [{who: [a], use: exec-gate}]\nrules: []\n", "do you mean 'exec-gated'?" },
		{ "profiles: [{who: [a], use: exec-gated, idle: 5}]\nrules: []\n", "idle must be a duration" },
		{ "profiles: [{who: [a], use: exec-gated, sessions_per_identity: -1}]\nrules: []\n", "sessions_per_identity" },
		{ "profiles: [{who: [a], use: exec-gated, max_sessions: 1}]\nrules: []\n", "max_session" },
		{ "freeze: {}\nrules: []\n", "freeze must be a list" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b}]\nrules: []\n", "needs from, until, days or hours" },
		{ "freeze: [{id: f, who: [a], on: [t], do: allow, days: [fri]}]\nrules: []\n", "a freeze denies or asks" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, days: [fri]}]\nrules: []\n", "needs because" },
		{ "freeze: [{id: f, who: [a], on: [t], do: ask, because: b, days: [fri]}]\nrules: []\n", "needs approvers" },
		{ "freeze: [{id: f, on: [t], do: deny, because: b, days: [fri]}]\nrules: []\n", "needs who" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, days: [friday]}]\nrules: []\n", "not 'friday'" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, hours: \"9-17\"}]\nrules: []\n", "hours must be" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, hours: \"10:00-10:00\"}]\nrules: []\n", "hours must be" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, hours: \"24:00-10:00\"}]\nrules: []\n", "hours must be" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, hours: \"22:00-00:00\"}]\nrules: []\n", "hours must be" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, from: 2026-12-20}]\nrules: []\n", "a time in UTC" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, from: 2026-12-20T00:00Z, until: 2026-12-19T00:00Z}]\n"
		    "rules: []\n", "ends before it begins" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, days: [fri], kinds: [finding]}]\nrules: []\n",
		    "not 'finding'" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, days: [fri], zone: CET}]\nrules: []\n", "zone" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, days: [fri]}, {id: f, who: [a], on: [t], do: deny,"
		    " because: b, days: [sat]}]\nrules: []\n", "used already" },
		{ "freeze: [{id: f, who: [a], on: [t], do: deny, because: b, days: [fri]}]\n"
		    "rules: [{id: f, who: [x], on: [y], exec: [ls], do: allow}]\n", "used already" },
		{ "rules: [{id: profile-exec-gated, who: [x], on: [y], exec: [ls], do: allow}]\n", "the bastion's own" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_error(rows[i].text, rows[i].part);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_reaches),
		cmocka_unit_test(test_may_forward),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_errors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
