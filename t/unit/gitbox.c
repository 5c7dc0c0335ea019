/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/gitbox.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/file.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"

#define OUTPUT_MAX	(64u * 1024 * 1024)

static char	box[64];	/* the folder of the running test program */

static void
must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "gitbox: %s: %s\n", what, strerror(errno));
		abort();
	}
}

void
gitbox_begin(void)
{
	(void)snprintf(box, sizeof(box), "/tmp/sallyport-test.XXXXXX");
	must(mkdtemp(box) != NULL && chdir(box) == 0, "scratch folder");
}

static int
gitbox_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
gitbox_end(void)
{
	must(chdir("/") == 0 && nftw(box, gitbox_remove, 16, FTW_DEPTH | FTW_PHYS) == 0, box);
}

const char *
gitbox_path(void)
{
	return box;
}

static int
gitbox_run(struct strvec *argv, const char *input, struct buf *out)
{
	static char *const env[] = {
		(char *)(uintptr_t)"PATH=/usr/bin:/bin", (char *)(uintptr_t)"HOME=/nonexistent",
		(char *)(uintptr_t)"GIT_CONFIG_NOSYSTEM=1", (char *)(uintptr_t)"GIT_AUTHOR_NAME=A",
		(char *)(uintptr_t)"GIT_AUTHOR_EMAIL=a@example.org", (char *)(uintptr_t)"GIT_COMMITTER_NAME=C",
		(char *)(uintptr_t)"GIT_COMMITTER_EMAIL=c@example.org", NULL,
	};
	int in = memfd_create("in", MFD_CLOEXEC), o = memfd_create("out", MFD_CLOEXEC), status;
	struct spawn_params p = { .path = GIT_PROGRAM, .argv = argv->v, .envp = env, .chdir = box, .fds = { in, o, 2 },
	    .nfds = 3 };
	pid_t pid;
	int r;

	if (input != NULL)
		must(file_write_all(in, input, strlen(input)) == 0 && lseek(in, 0, SEEK_SET) == 0, "input");
	must((pid = spawn(&p)) > 0 && waitpid(pid, &status, 0) == pid, "git");
	must(lseek(o, 0, SEEK_SET) == 0, "output");
	while (out != NULL && (r = buf_read(out, o, 65536)) == 0)
		;
	close(in);
	close(o);
	strvec_release(argv);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void
gitbox_words(struct strvec *argv, va_list ap)
{
	const char *word;

	strvec_push(argv, "git");
	while ((word = va_arg(ap, const char *)) != NULL)
		strvec_push(argv, word);
}

char *
gitbox_git(const char *input, ...)
{
	struct buf *b = buf_new(OUTPUT_MAX);
	struct strvec argv = STRVEC_INIT;
	va_list ap;
	char *text;
	size_t n;

	va_start(ap, input);
	gitbox_words(&argv, ap);
	va_end(ap);
	must(b != NULL && gitbox_run(&argv, input, b) == 0, "git failed");
	n = buf_len(b);
	text = xstrndup(n == 0 ? "" : (const char *)buf_ptr(b), n);
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	buf_free(b);
	return text;
}

void
gitbox_git_bytes(struct buf *b, const char *input, ...)
{
	struct strvec argv = STRVEC_INIT;
	va_list ap;

	va_start(ap, input);
	gitbox_words(&argv, ap);
	va_end(ap);
	must(gitbox_run(&argv, input, b) == 0, "git failed");
}

int
gitbox_try(const char *word, ...)
{
	struct strvec argv = STRVEC_INIT;
	va_list ap;

	strvec_push(&argv, "git");
	strvec_push(&argv, word);
	va_start(ap, word);
	while ((word = va_arg(ap, const char *)) != NULL)
		strvec_push(&argv, word);
	va_end(ap);
	return gitbox_run(&argv, NULL, NULL);
}

char *
gitbox_commit(const char *repo, const char *file, const char *text, const char *message)
{
	char *path = xasprintf("%s/%s/%s", box, repo, file), *dir = file_dir(path);

	must(file_mkdirs(dir, 0755) == 0 && file_write(path, text, strlen(text), 0644) == 0, path);
	free(gitbox_git(NULL, "-C", repo, "add", "--", file, NULL));
	free(gitbox_git(NULL, "-C", repo, "commit", "-q", "-m", message, NULL));
	free(path);
	free(dir);
	return gitbox_git(NULL, "-C", repo, "rev-parse", "HEAD", NULL);
}
