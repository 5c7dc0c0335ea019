/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's client against a daemon that answers well, badly, or not at all. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/file.h"
#include "bastion/base/msgio.h"
#include "bastion/ctl.h"
#include "bastion/ctl_msg.h"
#include "t/unit/test-cert-keygen.h"

#define WAIT_MS	20000

enum answer { ANSWER_WELL, ANSWER_STRANGE, ANSWER_HALF, ANSWER_BAD_STREAM };

static void
put(struct msgio *io, uint16_t type, uint8_t byte, const char *text)
{
	struct buf *b = buf_new(256);

	buf_put_u8(b, byte);
	if (text != NULL)
		buf_put_cstring(b, text);
	(void)msgio_send(io, type, 1, b, -1);
	buf_free(b);
}

/* Whether the request is the one that the tests send. */
static int
request_is_right(struct msg *m)
{
	char *a = NULL, *b = NULL, *in = NULL;
	uint32_t n;
	int ok = m->type == CTL_REQUEST && buf_get_u32(m->body, &n) == 0 && n == 2 &&
	    buf_get_cstring(m->body, &a) == 0 && buf_get_cstring(m->body, &b) == 0 &&
	    buf_get_cstring(m->body, &in) == 0 && buf_end(m->body) == 0 && strcmp(a, "cert") == 0 &&
	    strcmp(b, "list") == 0 && strcmp(in, "input") == 0;

	free(a);
	free(b);
	free(in);
	return ok;
}

static void
serve(int listener, enum answer how)
{
	struct msgio *io = msgio_new(accept(listener, NULL, NULL));
	struct msg m;

	if (io == NULL || msgio_wait(io, &m, WAIT_MS) != 0 || !request_is_right(&m))
		_exit(9);
	put(io, CTL_OUTPUT, how == ANSWER_BAD_STREAM ? 3 : CTL_STDERR, "# from the daemon\n");
	if (how == ANSWER_WELL)
		put(io, CTL_DONE, 75, NULL);
	else if (how == ANSWER_STRANGE)
		put(io, 605, 0, NULL);
	msgio_free(io);
	_exit(0);
}

/* What ctl_run returns with such a daemon. */
static int
run_against(const char *dir, enum answer how)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *run = file_join(dir, "run"), *path = file_join(dir, CTL_SOCKET);
	struct strvec argv = STRVEC_INIT;
	struct buf *in = buf_new(64);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status, r;
	pid_t pid;

	(void)mkdir(run, 0700);
	(void)unlink(path);
	assert_true(strlen(path) < sizeof(sun.sun_path));
	memcpy(sun.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	if ((pid = fork()) == 0)
		serve(fd, how);
	close(fd);
	strvec_push(&argv, "cert");
	strvec_push(&argv, "list");
	buf_put(in, "input", 5);
	r = ctl_run(dir, &argv, in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	strvec_release(&argv);
	buf_free(in);
	free(run);
	free(path);
	return r;
}

static void
the_daemon_s_status_is_ours(void **state)
{
	char *dir = keygen_dir_make();

	(void)state;
	assert_int_equal(run_against(dir, ANSWER_WELL), 75);
	keygen_dir_remove(dir);
}

static void
an_answer_that_is_none_is_a_failure(void **state)
{
	char *dir = keygen_dir_make();

	(void)state;
	assert_int_equal(run_against(dir, ANSWER_STRANGE), 1);
	assert_int_equal(run_against(dir, ANSWER_HALF), 1);
	assert_int_equal(run_against(dir, ANSWER_BAD_STREAM), 1);
	keygen_dir_remove(dir);
}

static void
without_a_daemon_it_says_so(void **state)
{
	struct strvec argv = STRVEC_INIT;
	char *dir = keygen_dir_make();

	(void)state;
	strvec_push(&argv, "cert");
	assert_int_equal(ctl_run(dir, &argv, NULL), 1);
	strvec_release(&argv);
	keygen_dir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daemon_s_status_is_ours),
		cmocka_unit_test(an_answer_that_is_none_is_a_failure),
		cmocka_unit_test(without_a_daemon_it_says_so),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
