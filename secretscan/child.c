/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secretscan/alloc.h"

#define ARGS_MAX	20

static const char *const fixed[] = {
	"git", "--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C",
};
#define NFIXED	(sizeof(fixed) / sizeof(fixed[0]))

/* Where git finds what, in a hook for the repository of the hook: not what another one is looked at by. */
static const char *const places[] = { "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX",
	"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES" };

static void
child_exec(const char *repo, char **argv, int in, int out)
{
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
		_exit(126);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && strcmp(repo, ".") != 0; i++)
		unsetenv(places[i]);
	setenv("GIT_OPTIONAL_LOCKS", "0", 1);
	setenv("GIT_ALLOW_PROTOCOL", "", 1);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	_exit(127);
}

int
child_start(const char *repo, const char *const *args, struct child *c)
{
	char *argv[NFIXED + 1 + ARGS_MAX + 1] = { NULL };
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < NFIXED; i++)
		argv[n++] = xstrdup(fixed[i]);
	argv[n++] = xstrdup(repo);
	for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++)
		argv[n++] = xstrdup(args[i]);
	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1 || (c->pid = fork()) == -1)
		e = errno;
	else if (c->pid == 0)
		child_exec(repo, argv, to[0], from[1]);
	for (size_t i = 0; i < n; i++)
		free(argv[i]);
	close(to[0]);
	close(from[1]);
	if (e == 0 && ((c->in = fdopen(to[1], "w")) == NULL || (c->out = fdopen(from[0], "r")) == NULL))
		e = errno;
	if (e != 0) {
		close(to[1]);
		close(from[0]);
	}
	return e;
}

void
child_close_in(struct child *c)
{
	if (c->in != NULL)
		fclose(c->in);
	c->in = NULL;
}

bool
child_end(struct child *c)
{
	int status = -1;

	if (c->pid <= 0)
		return true;
	child_close_in(c);
	if (c->out != NULL)
		fclose(c->out);
	c->out = NULL;
	while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
