/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/spawn.h"

/* Run sh -c SCRIPT with its output in *outp. Returns the wait status. */
static int
run(const char *script, char *const *envp, const char *dir, char **outp)
{
	char sh[] = "sh", c[] = "-c", *copy = strdup(script);
	char *argv[] = { sh, c, copy, NULL };
	struct buf *b = buf_new(65536);
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = spawn(&(struct spawn_params){ .path = "/bin/sh", .argv = argv, .envp = envp, .chdir = dir,
	    .fds = { -1, p[1], p[1] }, .nfds = 3 });
	assert_true(pid > 0);
	close(p[1]);
	while (buf_read(b, p[0], 4096) == 0)
		;
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*outp = strndup((const char *)buf_ptr(b), buf_len(b));
	buf_free(b);
	free(copy);
	return status;
}

static void
exactly_the_named_descriptors(void **state)
{
	int leak = open("/dev/null", O_RDONLY);	/* without close-on-exec, on purpose */
	char *out;

	(void)state;
	assert_true(leak > 2);
	assert_int_equal(run("for fd in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/self/fd/$fd && printf %s $fd; done; true", NULL,
	    NULL, &out), 0);
	/* The shell itself holds nothing else open for a -c script. */
	assert_string_equal(out, "012");
	free(out);
	close(leak);
}

static void
descriptors_may_change_places(void **state)
{
	char sh[] = "sh", c[] = "-c", script[] = "read x; printf %s \"$x\" >&3";
	char *argv[] = { sh, c, script, NULL }, got[8] = "";
	int in[2], out[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(in[1], "swap\n", 5), 5);
	pid = spawn(&(struct spawn_params){ .path = "/bin/sh", .argv = argv, .fds = { in[0], -1, -1, out[1] }, .nfds = 4 });
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(out[0], got, 7), 4);
	assert_string_equal(got, "swap");
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static void
a_fresh_environment_and_folder(void **state)
{
	char only[] = "ONLY=this", *env[] = { only, NULL }, *out;

	(void)state;
	assert_int_equal(setenv("LEAK", "secret", 1), 0);
	assert_int_equal(run("printf '%s %s %s' \"${LEAK-none}\" \"$LC_ALL\" \"$(pwd)\"", NULL, NULL, &out), 0);
	assert_string_equal(out, "none C.UTF-8 /");
	free(out);
	assert_int_equal(run("printf '%s %s %s' \"${LEAK-none}\" \"$ONLY\" \"$(pwd)\"", env, "/tmp", &out), 0);
	assert_string_equal(out, "none this /tmp");
	free(out);
}

static void
signals_are_as_at_birth(void **state)
{
	sigset_t set, old;
	char *out;
	int status;

	(void)state;
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
	status = run("kill -TERM $$; printf alive", NULL, NULL, &out);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_string_equal(out, "");
	free(out);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	status = run("kill -PIPE $$; printf alive", NULL, NULL, &out);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	free(out);
}

static void
what_cannot_be_started(void **state)
{
	char none[] = "none", *argv[] = { none, NULL };
	struct spawn_params p = { .path = "/no/such/program", .argv = argv, .fds = { -1, -1, -1 }, .nfds = 3 };
	int status;
	pid_t pid = spawn(&p);

	(void)state;
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
	p.path = "sh";
	assert_true(spawn(&p) < 0);
	p.path = "/bin/sh";
	p.nfds = SPAWN_FDS + 1;
	assert_true(spawn(&p) < 0);
	p.nfds = 2;
	assert_true(spawn(&p) < 0);
}

static void
helpers_lie_beside_the_program(void **state)
{
	char *s = spawn_helper_path("unit-spawn");

	(void)state;
	assert_int_equal(access(s, X_OK), 0);
	free(s);
	s = spawn_helper_path("no-such-helper");
	assert_int_equal(s[0], '/');
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_named_descriptors),
		cmocka_unit_test(descriptors_may_change_places),
		cmocka_unit_test(a_fresh_environment_and_folder),
		cmocka_unit_test(signals_are_as_at_birth),
		cmocka_unit_test(what_cannot_be_started),
		cmocka_unit_test(helpers_lie_beside_the_program),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
