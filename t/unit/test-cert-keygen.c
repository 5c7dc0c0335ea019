/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/test-cert-keygen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/file.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/sshkey.h"

static int
run(const char *path, const char *dir, const struct strvec *argv)
{
	struct spawn_params p = { .path = path, .argv = argv->v, .chdir = dir, .fds = { -1, -1, -1 }, .nfds = 3,
		.die_with_parent = 1 };
	pid_t pid = spawn(&p);
	int status = -1;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

char *
keygen_dir_make(void)
{
	char *dir = xstrdup("/tmp/sallyport-test-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

void
keygen_dir_remove(char *dir)
{
	struct strvec argv = STRVEC_INIT;

	strvec_push(&argv, "rm");
	strvec_push(&argv, "-rf");
	strvec_push(&argv, dir);
	assert_int_equal(run("/bin/rm", "/", &argv), 0);
	strvec_release(&argv);
	free(dir);
}

int
keygen(const char *dir, const char *words)
{
	struct strvec argv = STRVEC_INIT;
	char *copy = xstrdup(words), *rest = copy, *word;
	int status;

	strvec_push(&argv, "ssh-keygen");
	while ((word = strsep(&rest, " ")) != NULL)
		strvec_push(&argv, strcmp(word, "~") == 0 ? "" : word);
	status = run("/usr/bin/ssh-keygen", dir, &argv);
	strvec_release(&argv);
	free(copy);
	return status;
}

uint8_t *
keygen_blob(const char *dir, const char *name, size_t *lenp)
{
	char *path = file_join(dir, name);
	struct buf *b = buf_new(SSHKEY_LINE_MAX);
	uint8_t *blob = NULL;

	assert_int_equal(file_read(path, b), 0);
	assert_int_equal(sshkey_from_line(buf_ptr(b), buf_len(b), &blob, lenp), 0);
	buf_free(b);
	free(path);
	return blob;
}
