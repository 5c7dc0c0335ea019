/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox-probe: enters each profile of bastion/base/sandbox.h in a process of its own and tries what a taken-over one
 * would try. One line each: PROFILE WHAT allowed|refused. The test compares the table with what must hold.
 */
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bastion/base/sandbox.h"

static int	inet_fd = -1;	/* made before the sandbox, as one that was left open would be */
static pid_t	other;		/* a process of the same user */

static bool
try_open(void)
{
	return open("/etc/hostname", O_RDONLY | O_CLOEXEC) != -1;
}

static bool
try_create(void)
{
	return open("probe.created", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) != -1;
}

static bool
try_unlink(void)
{
	return unlink("probe.victim") == 0 || errno == ENOENT;
}

static bool
try_socket_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) != -1;
}

static bool
try_socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) != -1;
}

/* Nothing listens on the discard port: refused by the peer is allowed by the kernel. */
static bool
try_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9) };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(inet_fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 || errno != EPERM;
}

static bool
try_listen(void)
{
	return listen(inet_fd, 1) == 0 || errno != EPERM;
}

static bool
try_execve(void)
{
	char *argv[] = { NULL }, *envp[] = { NULL };

	(void)execve("/nonexistent", argv, envp);
	return errno != EPERM;
}

/* The calls below make a process, or would: the child leaves at once. */
static bool
child_came(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid > 0;
}

static bool
try_fork(void)
{
	return child_came(fork());
}

static bool
try_clone(void)
{
	return child_came(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static bool
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
try_kill(void)
{
	return kill(other, 0) == 0;
}

static bool
try_tgkill(void)
{
	return syscall(SYS_tgkill, other, other, 0) == 0;
}

static bool
try_tkill(void)
{
	return syscall(SYS_tkill, other, 0) == 0;
}

static bool
try_sigqueue(void)
{
	union sigval v = { .sival_int = 0 };

	return sigqueue(other, 0, v) == 0;
}

static bool
try_pidfd(void)
{
	return syscall(SYS_pidfd_open, other, 0) != -1;
}

static bool
try_prlimit(void)
{
	struct rlimit r;

	return prlimit(other, RLIMIT_NOFILE, NULL, &r) == 0;
}

static bool
try_own_limit(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) == 0;
}

/* What abort() and an assertion need: an end that is seen as one. */
static bool
try_raise(void)
{
	return raise(SIGURG) == 0;
}

static bool
try_dump(void)
{
	return prctl(PR_GET_DUMPABLE) != 0;
}

static bool
try_unshare(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
try_pair(void)
{
	int sv[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0;
}

static const struct {
	const char	*name;
	bool		(*fn)(void);
} attempts[] = {
	{ "open", try_open }, { "create", try_create }, { "unlink", try_unlink }, { "socket-inet", try_socket_inet },
	{ "socket-unix", try_socket_unix }, { "connect", try_connect }, { "listen", try_listen }, { "execve", try_execve },
	{ "fork", try_fork }, { "clone", try_clone }, { "ptrace", try_ptrace }, { "kill", try_kill },
	{ "tgkill", try_tgkill }, { "tkill", try_tkill }, { "sigqueue", try_sigqueue }, { "pidfd", try_pidfd },
	{ "prlimit", try_prlimit }, { "unshare", try_unshare }, { "dump", try_dump }, { "own-limit", try_own_limit },
	{ "raise", try_raise }, { "socketpair", try_pair },
};

static const struct {
	const char		*name;
	enum sandbox_profile	 profile;
} profiles[] = {
	{ "session", SANDBOX_SESSION }, { "inspector", SANDBOX_INSPECTOR }, { "store", SANDBOX_STORE },
	{ "network", SANDBOX_NETWORK },
};

/* Does not return. */
static void
probe(const char *name, enum sandbox_profile profile)
{
	sandbox_prepare();
	(void)signal(SIGURG, SIG_IGN);
	if (sandbox_enter(profile) != 0) {
		fprintf(stderr, "sandbox-probe: %s: no sandbox\n", name);
		_exit(1);
	}
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		printf("%s %s %s\n", name, attempts[i].name, attempts[i].fn() ? "allowed" : "refused");
		fflush(stdout);
	}
	_exit(0);
}

int
main(void)
{
	int failed = 0, status;

	other = getpid();
	if ((inet_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1) {
		perror("socket");
		return 1;
	}
	fflush(stdout);
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		pid_t pid = fork();

		if (pid == 0)
			probe(profiles[i].name, profiles[i].profile);
		if (pid == -1 || waitpid(pid, &status, 0) == -1 || status != 0)
			failed = 1;
	}
	return failed;
}
