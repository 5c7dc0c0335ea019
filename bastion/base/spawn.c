/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"

static char	 env_path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
static char	 env_locale[] = "LC_ALL=C.UTF-8";
static char *const plain_env[] = { env_path, env_locale, NULL };

pid_t
spawn_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &before) == -1)
		return -1;
	if ((pid = fork()) == 0)
		for (int s = 1; s < NSIG; s++)
			(void)signal(s, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* After fork: only async-signal-safe calls from here to exec. */
static void
spawn_child(const struct spawn_params *p, pid_t parent)
{
	int high[SPAWN_FDS];
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (p->die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent))
		_exit(127);
	if (p->own_group && setpgid(0, 0) == -1)
		_exit(127);
	/* Lift all out of the way first, so that no dup2 closes one that is still to be placed. */
	for (int i = 0; i < p->nfds; i++) {
		int fd = p->fds[i] == -1 ? open("/dev/null", O_RDWR) : p->fds[i];

		if (fd == -1 || (high[i] = fcntl(fd, F_DUPFD, 100)) == -1)
			_exit(127);
	}
	for (int i = 0; i < p->nfds; i++)
		if (dup2(high[i], i) == -1)
			_exit(127);
	if (close_range((unsigned)p->nfds, ~0U, 0) == -1 || chdir(p->chdir == NULL ? "/" : p->chdir) == -1)
		_exit(127);
	execve(p->path, p->argv, p->envp == NULL ? plain_env : p->envp);
	_exit(127);
}

pid_t
spawn(const struct spawn_params *p)
{
	pid_t parent = getpid(), pid;

	if (p->path[0] != '/' || p->nfds < 3 || p->nfds > SPAWN_FDS)
		return ERR_FORMAT;
	pid = spawn_fork();
	if (pid == 0)
		spawn_child(p, parent);
	return pid == -1 ? ERR_SYSTEM : pid;
}

char *
spawn_helper_path(const char *name)
{
	char self[4096], *dir, *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		dir = file_dir(self);
		path = file_join(dir, name);
		free(dir);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return file_join(LIBEXECDIR, name);
}
