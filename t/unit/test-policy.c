/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: how they are read, what they decide, and what the files that init writes say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/strvec.h"
#include "bastion/conf_template.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"

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

static struct verdict
judge(const struct policy *p, const char *identity, const char *command)
{
	struct subject who = { .identity = identity };
	struct request req = { .kind = REQUEST_EXEC, .target = "web1", .login = "deploy" };
	struct verdict v;

	req.command = (const uint8_t *)command;
	req.command_len = strlen(command);
	decide(p, &who, &req, &v);
	return v;
}

static struct verdict
push(const struct policy *p, const char *identity, const char *ref, enum ref_op op)
{
	struct subject who = { .identity = identity };
	struct request req = { .kind = REQUEST_PUSH, .target = "hosted", .repo = "app", .ref = ref, .op = op };
	struct verdict v;

	decide(p, &who, &req, &v);
	return v;
}

static void
test_template(void **state)
{
	static const struct { const char *command; enum decision what; const char *rule; } rows[] = {
		{ "make test", DECISION_ALLOW, "build-and-test" },
		{ "cd /srv/app && git status && make", DECISION_ALLOW, "read" },
		{ "rm -rf /", DECISION_DENY, "no-root-delete" },
		{ "rm -rf tests/ patches/ plan/ ~/", DECISION_DENY, "no-root-delete" },
		{ "rm -rf //", DECISION_DENY, "no-root-delete" },
		{ "rm -rf /srv/..", DECISION_DENY, "no-root-delete" },
		{ "cd /; rm -rf *", DECISION_DENY, "no-root-delete" },
		{ "cd /srv && rm -rf ..", DECISION_DENY, "no-root-delete" },
		{ "cd /srv || cd /tmp && rm -rf ../*", DECISION_DENY, "no-root-delete" },
		{ "nohup cd /tmp/x && rm -rf *", DECISION_DENY, "no-root-delete" },
		{ "rm -rf \"$X\"/*", DECISION_DENY, "no-root-delete" },
		{ "rm --recur --force /etc/ssh", DECISION_DENY, "no-root-delete" },
		{ "find / -delete", DECISION_DENY, "no-root-delete" },
		{ "rm -rf build", DECISION_ASK, "delete-files" },
		{ "ls && systemctl --no-block restart nginx", DECISION_ASK, "change-services" },
		{ "sh -c 'cd x && terraform destroy'", DECISION_ASK, "change-services" },
		{ "curl example.org", DECISION_DENY, "default" },
		{ "ls > /tmp/x/y", DECISION_ALLOW, "read" },
		{ "ls > /tmp/../etc/x", DECISION_DENY, "default" },
		{ "ls > /etc/x", DECISION_DENY, "default" },
	};
	struct policy *p = load(conf_template_policy());

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict v = judge(p, "agent/ci", rows[i].command);

		if (v.what != rows[i].what || strcmp(v.rule, rows[i].rule) != 0)
			fail_msg("'%s': %s by %s (%s)", rows[i].command, decision_word(v.what), v.rule, v.detail);
	}
	assert_int_equal(push(p, "agent/ci", "refs/heads/agent/ci/x", REF_CREATE).what, DECISION_ALLOW);
	assert_int_equal(push(p, "agent/ci", "refs/heads/agent/cd/x", REF_CREATE).what, DECISION_ASK);
	assert_int_equal(push(p, "agent/ci", "refs/heads/agent/ci", REF_CREATE).what, DECISION_ASK);
	assert_int_equal(push(p, "agent/ci", "refs/heads/main", REF_UPDATE).what, DECISION_ASK);
	assert_int_equal(push(p, "agent/ci", "refs/heads/agent/ci/x", REF_FORCE).what, DECISION_DENY);
	assert_int_equal(push(p, "agent/ci", "refs/x", REF_CREATE).what, DECISION_DENY);
	assert_int_equal(push(p, "human/eva", "refs/heads/main", REF_UPDATE).what, DECISION_DENY);
	policy_free(p);
}

static void
test_findings(void **state)
{
	struct policy *p = load("rules:\n - {id: a, who: [x], on: [h], finding: {paths: [\"t/**\"]}, do: ask, because: b,"
	    " approvers: [\"group:g\"]}\n");
	struct subject who = { .identity = "x" };
	struct request req = { .kind = REQUEST_FINDING, .target = "h", .detail = "github-pat", .path = "src/a.c" };
	struct verdict v;

	(void)state;
	decide(p, &who, &req, &v);
	assert_string_equal(v.rule, "secret-in-file");
	assert_int_equal(v.what, DECISION_DENY);
	req.repo = "demo";
	decide(p, &who, &req, &v);
	assert_string_equal(v.rule, "secret-in-push");
	assert_int_equal(v.what, DECISION_DENY);
	req.path = "t/x/y";
	decide(p, &who, &req, &v);
	assert_int_equal(v.what, DECISION_ASK);
	assert_false(policy_reaches(p, &who, "h", NULL));
	policy_free(p);
}

struct file_row {
	enum file_op	 op;
	const char	*path;
	enum decision	 what;
	const char	*rule;
};

static void
expect_files(const struct policy *p, const struct file_row *rows, size_t n, bool tree)
{
	struct subject who = { .identity = "x" };
	struct request req = { .kind = REQUEST_SFTP, .target = "web1", .login = "deploy", .home = "/home/deploy", .tree = tree };
	struct verdict v;

	for (size_t i = 0; i < n; i++) {
		req.file_op = rows[i].op;
		req.path = rows[i].path;
		decide(p, &who, &req, &v);
		if (v.what != rows[i].what || strcmp(v.rule, rows[i].rule) != 0)
			fail_msg("%s %s: %s by %s", file_op_word(req.file_op), req.path == NULL ? "(none)" : req.path,
			    decision_word(v.what), v.rule);
	}
}

static const char file_rules[] = "rules:\n"
    " - {id: all, who: [x], on: [w*], sftp: {paths: [\"/srv/**\", \"~/in/**\"], not_paths: [\"/srv/x/y/**\"]}, do: allow,\n"
    "    match: [\"read /srv/a\", \"write ~/in/a\"], not_match: [\"read /srv/x/y/z\", \"read /etc/a\"]}\n"
    " - {id: look, who: [x], on: [w*], sftp: {ops: [list, stat]}, do: allow, match: [\"list /\"], not_match: [\"read /a\"]}\n"
    " - {id: no, who: [x], on: [w*], sftp: {paths: [\"/srv/s/**\", \"**/.env\"], not_paths: [\"/srv/s/ok/**\"]}, do: deny,\n"
    "    because: b}\n";

static void
test_files(void **state)
{
	static const struct file_row rows[] = {
		{ FILE_READ, "/srv/a", DECISION_ALLOW, "all" }, { FILE_WRITE, "/srv/a/b/c", DECISION_ALLOW, "all" },
		{ FILE_READ, "/srv", DECISION_DENY, "default" }, { FILE_LIST, "/srv", DECISION_ALLOW, "all" },
		{ FILE_RMDIR, "/srv", DECISION_DENY, "default" }, { FILE_STAT, "/etc/passwd", DECISION_ALLOW, "look" },
		{ FILE_READ, "/etc/passwd", DECISION_DENY, "default" }, { FILE_READ, "/srv/x/y/z", DECISION_DENY, "default" },
		{ FILE_READ, "/home/deploy/in/a", DECISION_ALLOW, "all" }, { FILE_READ, "/home/deployer/in/a", DECISION_DENY, "default" },
		{ FILE_READ, "/srv/s/a", DECISION_DENY, "no" }, { FILE_LIST, "/srv/s", DECISION_DENY, "no" },
		{ FILE_REMOVE, "/srv/s", DECISION_ALLOW, "all" }, { FILE_READ, "/srv/s/ok/a", DECISION_ALLOW, "all" },
		{ FILE_READ, "/srv/a/.env", DECISION_DENY, "no" }, { FILE_READ, "/home/deploy/in/.env", DECISION_DENY, "no" },
		{ FILE_READ, NULL, DECISION_DENY, "no" },
	};
	/* A folder that moves takes along what is in it. */
	static const struct file_row trees[] = {
		{ FILE_RENAME, "/srv/s", DECISION_DENY, "no" }, { FILE_RENAME, "/srv/a", DECISION_DENY, "no" },
		{ FILE_RENAME, "/srv/x", DECISION_DENY, "no" }, { FILE_RENAME, "/srv/s/ok", DECISION_ALLOW, "all" },
	};
	static const struct file_row moves[] = {
		{ FILE_RENAME, "/srv/x", DECISION_DENY, "default" }, { FILE_RENAME, "/srv/a", DECISION_ALLOW, "all" },
		{ FILE_RENAME, "/srv/s/ok", DECISION_ALLOW, "all" }, { FILE_RENAME, "/srv/s", DECISION_DENY, "no" },
	};
	struct policy *p = load(file_rules), *without;
	char *env = strdup(file_rules);
	char *hole = strstr(env, ", \"**/.env\"");

	(void)state;
	expect_files(p, rows, sizeof(rows) / sizeof(rows[0]), false);
	expect_files(p, trees, sizeof(trees) / sizeof(trees[0]), true);
	memset(hole, ' ', strlen(", \"**/.env\""));
	without = load(env);
	expect_files(without, moves, sizeof(moves) / sizeof(moves[0]), true);
	assert_true(policy_reaches(p, &(struct subject){ .identity = "x" }, "web1", "deploy"));
	policy_free(without);
	policy_free(p);
	free(env);
}

static void
test_who(void **state)
{
	struct policy *p = load("profiles: [{who: [\"*\"], use: shell-audited}]\nrules:\n"
	    " - {id: a, who: [\"group:ops\"], on: [web*], login: [deploy], shell: true, do: ask, because: b,"
	    "    approvers: [\"human/*\"], quorum: 2}\n"
	    " - {id: b, who: [\"owner:human/eva\"], on: [web1], exec: [ls], do: allow}\n");
	struct strvec groups = STRVEC_INIT;
	struct subject ops = { .identity = "agent/x", .groups = &groups }, owned = { .identity = "agent/y",
	    .owner = "human/eva" }, liar = { .identity = "group:ops" };
	struct request req = { .kind = REQUEST_APPROVE, .detail = "a" };
	struct verdict v;
	char *text;

	(void)state;
	strvec_push(&groups, "ops");
	assert_true(policy_reaches(p, &ops, "web7", "deploy"));
	assert_false(policy_reaches(p, &ops, "web7", "root"));
	assert_true(policy_reaches(p, &owned, "web1", "root"));
	assert_false(policy_reaches(p, &liar, "web1", NULL));
	assert_int_equal(policy_approvers(p, 0)->quorum, 2);
	assert_null(policy_approvers(p, 1));
	decide(p, &ops, &req, &v);
	assert_int_equal(v.what, DECISION_DENY);
	decide(p, &(struct subject){ .identity = "human/eva" }, &req, &v);
	assert_int_equal(v.what, DECISION_ALLOW);
	text = policy_describe(p, &owned);
	assert_non_null(strstr(text, "'ls'"));
	assert_null(strstr(text, "[a]"));
	free(text);
	strvec_release(&groups);
	policy_free(p);
}

/* An allow rule with operands holds for every operand, an ask for any; unknown words never help. */
static void
test_operands(void **state)
{
	struct policy *p = load("rules:\n"
	    " - {id: a, who: [x], on: [web1], exec: {program: cat, operands: [\"/srv/**\"]}, do: allow}\n"
	    " - {id: u, who: [u], on: [web1], exec: {unresolved: true}, do: ask, because: b, approvers: [z]}\n"
	    " - {id: f, who: [x], on: [web1], exec: {program: cp, not_flags: [-f]}, do: allow}\n"
	    " - {id: r, who: [x], on: [web1], exec: [/srv/app/run], do: allow}\n"
	    " - {id: n, who: [n], on: [web1], exec: [cat], do: allow}\n"
	    " - {id: k, who: [n], on: [web1], exec: {program: [cat], operands: [\"/keys/**\"]}, do: deny, because: b}\n"
	    " - {id: q, who: [x], on: [web1], exec: {program: tac, operands: [\"/srv/log?\", \"/srv/x*\"]}, do: allow}\n");

	(void)state;
	assert_int_equal(judge(p, "x", "tac /srv/log1 /srv/log? /srv/x*.c").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "tac /srv/log*").what, DECISION_DENY);	/* may be /srv/logins */
	assert_int_equal(judge(p, "x", "cat /srv/a /srv/b/*.c").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cd /srv && cat a").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cd /srv; cat a").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cat /srv/a /etc/passwd").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cat /srv/../etc/passwd").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cat /srv/.?/etc/passwd").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cat /srv/$X").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cat a").what, DECISION_DENY);
	/* what comes in by < is an operand, too, also where a group's commands share it */
	assert_int_equal(judge(p, "x", "cat </srv/a").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cat </dev/null").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cat </etc/passwd").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cat /srv/a </srv/b </srv/../etc/passwd").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "sudo cat </etc/passwd").what, DECISION_DENY);
	assert_int_equal(judge(p, "n", "cat </etc/passwd").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "n", "cat </keys/a").what, DECISION_DENY);
	assert_int_equal(judge(p, "n", "cd /keys && cat 0<a").what, DECISION_DENY);
	assert_int_equal(judge(p, "n", "{ true; cat; } </keys/a").what, DECISION_DENY);
	assert_int_equal(judge(p, "n", "sh -c cat </keys/a").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "/srv/app/run").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cd /srv/app && ./run").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cd /tmp && ./run").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "run").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cd /etc && cat srv").what, DECISION_DENY);
	assert_int_equal(judge(p, "u", "eval ls").what, DECISION_ASK);
	assert_int_equal(judge(p, "u", "ls").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cp a b").what, DECISION_ALLOW);
	assert_int_equal(judge(p, "x", "cp -af a b").what, DECISION_DENY);
	assert_int_equal(judge(p, "x", "cp $X b").what, DECISION_DENY);
	policy_free(p);
}

static void
test_errors(void **state)
{
	static const struct { const char *text, *part; } rows[] = {
		{ "rule: []\n", "F:1: unknown key 'rule' in the policy; did you mean 'rules'?" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls]}\n", "F:2: a rule needs do" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], do: maybe}\n", "do must be" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], do: deny}\n", "needs because" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], do: ask, because: b}\n", "needs approvers" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], do: allow, quorum: 2}\n", "does not ask" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], shell: true, do: allow}\n", "two rules" },
		{ "rules:\n - {id: a, who: [x], on: [y], do: allow}\n", "says nothing about" },
		{ "rules:\n - {id: default, who: [x], on: [y], exec: [ls], do: allow}\n", "own" },
		{ "rules:\n - {id: a, who: [], on: [y], exec: [ls], do: allow}\n", "who is empty" },
		{ "rules:\n - {id: a, who: [\"grp:x\"], on: [y], exec: [ls], do: allow}\n", "group:NAME" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: {unresolved: true}, do: allow}\n", "never allowed" },
		{ "rules:\n - {id: a, who: [x], on: [y], finding: {}, do: allow}\n", "never allowed unseen" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [\"ls; rm\"], do: allow}\n", "plain words" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], do: allow, match: [rm]}\n", "does not match" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: [ls], do: allow, not_match: [ls]}\n", "must not" },
		{ "rules:\n - {id: a, who: [x], on: [y], push: {ops: [merge]}, do: allow}\n", "not 'merge'" },
		{ "rules:\n - {id: a, who: [x], on: [y], push: {refs: []}, do: allow}\n", "refs is empty" },
		{ "rules:\n - {id: a, who: [x], on: [y], push: {}, login: [z], do: allow}\n", "no login" },
		{ "rules:\n - {id: a, who: [x], on: [y], exec: {args: [x]}, do: allow}\n", "exec needs" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {}, do: ask, because: b, approvers: [\"group:g\"]}\n", "cannot wait" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {}, do: allow, match: [\"sync /x\"]}\n", "does not match" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {}, do: deny, because: b, not_match: [\"sync /x\"]}\n", "matches, and must not" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {ops: [fly]}, do: allow}\n", "read, write, list" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {paths: [srv/x]}, do: allow}\n", "a path begins with" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {not_paths: [/srv/../x]}, do: allow}\n", "a path begins with" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: {}, do: allow, match: [\"fly /x\"]}\n", "'read /srv/x'" },
		{ "rules:\n - {id: a, who: [x], on: [y], sftp: [/x], do: allow}\n", "must be a map" },
		{ "rules:\n - &a {id: a}\n", "anchors" },
		{ "rules: !x []\n", "tags" },
		{ "rules: []\n---\nrules: []\n", "second document" },
		{ "rules: []\nrules: []\n", "F:2: 'rules' is given twice" },
		{ "rules: [\n", "F:" },
		{ "", "no rules" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_error(rows[i].text, rows[i].part);
}

/* `ssh HOST bash` is a shell by another name: the rules about shells decide it, and nothing else frees it. */
static void
test_bare_shell(void **state)
{
	static const char *const bare[] = { "bash", "sh", "/bin/bash", "/usr/bin/zsh -l", "bash --login -s", " sh " };
	static const char *const not[] = { "bash -c ls", "bash x", "bash; ls", "bash\n", "./bash", "/tmp/bash", "bash -i -x", "python3",
	    "bash -s x", "ba sh", "", "bash|sh" };
	struct policy *p = load("profiles: [{who: [\"*\"], use: shell-audited}]\nrules:\n"
	    " - {id: any, who: [\"*\"], on: [\"*\"], exec: {any: true}, do: allow}\n"
	    " - {id: sh, who: [human/a, human/no], on: [web1], shell: true, do: allow}\n"
	    " - {id: no, who: [human/no], on: [web1], exec: [bash], do: deny, because: b}\n");
	struct policy *gated = load("profiles: [{who: [\"*\"], use: exec-gated}]\nrules:\n"
	    " - {id: sh, who: [human/a], on: [web1], shell: true, do: allow}\n");
	struct subject a = { .identity = "human/a" }, other = { .identity = "human/b" }, no = { .identity = "human/no" };
	struct request req = { .kind = REQUEST_EXEC, .target = "web1", .login = "x" };
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		req.command = (const uint8_t *)bare[i];
		req.command_len = strlen(bare[i]);
		decide(p, &a, &req, &v);
		if (v.what != DECISION_ALLOW || strcmp(v.rule, "sh") != 0)
			fail_msg("'%s': %s", bare[i], v.rule);
		decide(p, &other, &req, &v);
		assert_int_equal(v.what, DECISION_DENY);
		decide(gated, &a, &req, &v);
		assert_int_equal(v.what, DECISION_DENY);
	}
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++) {
		req.command = (const uint8_t *)not[i];
		req.command_len = strlen(not[i]);
		decide(p, &a, &req, &v);
		if (v.what == DECISION_ALLOW && strcmp(v.rule, "sh") == 0)
			fail_msg("'%s' is taken for a bare shell", not[i]);
	}
	req.command = (const uint8_t *)"bash";
	req.command_len = 4;
	decide(p, &no, &req, &v);
	assert_string_equal(v.rule, "no");
	policy_free(p);
	policy_free(gated);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_bare_shell),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_errors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
