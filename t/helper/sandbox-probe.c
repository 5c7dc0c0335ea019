/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox-probe: tries, in each profile of bastion/base/sandbox.h, what a taken-over process would try, each attempt in a
 * process of its own. One line each: PROFILE WHAT allowed|refused|killed. The test compares the table with what must hold.
 *
 * sandbox-probe paths: makes the folders all, some, names and none, keeps to the first three and tries them; exit status 3
 * when the kernel has no Landlock.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
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
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bastion/base/sandbox.h"

static int	inet_fd = -1;	/* made before the sandbox, as one that was left open would be */
static struct sockaddr_un mailbox = { .sun_family = AF_UNIX };	/* where datagrams are taken, by a name that is no file's */
static socklen_t mailbox_len = sizeof(mailbox.sun_family);
static pid_t	other;		/* a process of the same user */

/* Whether the kernel got as far as looking at what was asked. */
static bool
reached(long r)
{
	return r != -1 || (errno != EPERM && errno != ENOSYS);
}

static bool
try_open(void)
{
	return reached(open("/etc/hostname", O_RDONLY | O_CLOEXEC));
}

static bool
try_create(void)
{
	return reached(open("probe.created", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static bool
try_unlink(void)
{
	return reached(unlink("probe.victim"));
}

static bool
try_symlink(void)
{
	return reached(symlink("/etc/passwd", "probe.link"));
}

static bool
try_mknod(void)
{
	return reached(mknod("probe.fifo", S_IFIFO | 0600, 0));
}

static bool
try_chdir(void)
{
	return reached(chdir("/"));
}

static bool
try_socket_inet(void)
{
	return reached(socket(AF_INET, SOCK_STREAM, 0));
}

static bool
try_socket_unix(void)
{
	return reached(socket(AF_UNIX, SOCK_STREAM, 0));
}

static bool
try_socket_packet(void)
{
	return reached(socket(AF_PACKET, SOCK_DGRAM, 0));
}

/* Nothing listens on the discard port: refused by the peer is allowed by the kernel. */
static bool
try_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9) };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return reached(connect(inet_fd, (struct sockaddr *)&sin, sizeof(sin)));
}

static bool
try_listen(void)
{
	return reached(listen(inet_fd, 1));
}

static bool
try_execve(void)
{
	char *argv[] = { NULL }, *envp[] = { NULL };

	return reached(execve("/nonexistent", argv, envp));
}

static bool
try_execveat(void)
{
	char *argv[] = { NULL }, *envp[] = { NULL };

	return reached(syscall(SYS_execveat, inet_fd, "", argv, envp, 0));
}

static bool
try_memfd(void)
{
	return reached(syscall(SYS_memfd_create, "probe", 0));
}

/* Code that was written at run time. */
static bool
try_write_and_run(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
try_make_runnable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool
try_load_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
try_memory(void)
{
	void *p = mmap(NULL, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ) == 0 && munmap(p, 1 << 22) == 0;
}

/* The calls below make a process, or would: the child leaves at once. */
static bool
child_came(long pid)
{
	if (pid == 0)
		_exit(0);
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
try_clone3(void)
{
	return reached(syscall(SYS_clone3, NULL, 0));
}

/* A thread that would need a stack: the kernel looks at the flags and refuses their combination. */
static bool
try_thread(void)
{
	return reached(syscall(SYS_clone, CLONE_THREAD, NULL, NULL, NULL, NULL));
}

static bool
try_ptrace(void)
{
	return reached(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static bool
try_read_memory(void)
{
	return reached(syscall(SYS_process_vm_readv, other, NULL, 0, NULL, 0, 0));
}

static bool
try_kill(void)
{
	return reached(kill(other, 0));
}

static bool
try_tgkill(void)
{
	return reached(syscall(SYS_tgkill, other, other, 0));
}

static bool
try_tkill(void)
{
	return reached(syscall(SYS_tkill, other, 0));
}

static bool
try_sigqueue(void)
{
	union sigval v = { .sival_int = 0 };

	return reached(sigqueue(other, 0, v));
}

/* A signal to another by way of a descriptor that becomes ready. */
static bool
try_setown(void)
{
	return reached(fcntl(inet_fd, F_SETOWN, other));
}

static bool
try_pidfd(void)
{
	return reached(syscall(SYS_pidfd_open, other, 0));
}

static bool
try_prlimit(void)
{
	struct rlimit r;

	return reached(prlimit(other, RLIMIT_NOFILE, NULL, &r));
}

static bool
try_own_limit(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) == 0;
}

static bool
try_raise_limit(void)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

	return reached(setrlimit(RLIMIT_CORE, &r));
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
	return prctl(PR_SET_DUMPABLE, 1) == 0 || prctl(PR_GET_DUMPABLE) != 0;
}

static bool
try_unshare(void)
{
	return reached(unshare(CLONE_NEWUSER));
}

static bool
try_mount(void)
{
	return reached(mount("none", "/nonexistent", "tmpfs", 0, NULL));
}

static bool
try_chroot(void)
{
	return reached(chroot("/nonexistent"));
}

static bool
try_bpf(void)
{
	return reached(syscall(SYS_bpf, 0, NULL, 0));
}

static bool
try_io_uring(void)
{
	return reached(syscall(SYS_io_uring_setup, 1, NULL));
}

static bool
try_userfaultfd(void)
{
	return reached(syscall(SYS_userfaultfd, 0));
}

static bool
try_perf(void)
{
	return reached(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static bool
try_keyring(void)
{
	return reached(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static bool
try_setuid(void)
{
	return reached(syscall(SYS_setuid, getuid()));
}

static bool
try_shared_memory(void)
{
	return reached(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
}

/* Words typed on behalf of whoever has the terminal. */
static bool
try_terminal(void)
{
	return reached(ioctl(inet_fd, TIOCSTI, "x"));
}

static bool
try_pair(void)
{
	int sv[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0;
}

/* A datagram goes to whatever address stands on it, without a socket of its own: here to one that somebody else waits at. */
static bool
try_datagram(void)
{
	int sv[2];

	return socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == 0 &&
	    sendto(sv[0], "x", 1, 0, (struct sockaddr *)&mailbox, mailbox_len) == 1;
}

static bool
try_clock(void)
{
	struct timespec ts;

	return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0;
}

static const struct {
	const char	*name;
	bool		(*fn)(void);
} attempts[] = {
	{ "open", try_open }, { "create", try_create }, { "unlink", try_unlink }, { "symlink", try_symlink },
	{ "mknod", try_mknod }, { "chdir", try_chdir }, { "socket-inet", try_socket_inet }, { "socket-unix", try_socket_unix },
	{ "socket-packet", try_socket_packet }, { "connect", try_connect }, { "listen", try_listen },
	{ "execve", try_execve }, { "execveat", try_execveat }, { "memfd", try_memfd }, { "write-and-run", try_write_and_run },
	{ "make-runnable", try_make_runnable }, { "load-code", try_load_code }, { "memory", try_memory }, { "fork", try_fork },
	{ "clone", try_clone }, { "clone3", try_clone3 }, { "thread", try_thread }, { "ptrace", try_ptrace },
	{ "read-memory", try_read_memory }, { "kill", try_kill }, { "tgkill", try_tgkill }, { "tkill", try_tkill },
	{ "sigqueue", try_sigqueue }, { "setown", try_setown }, { "pidfd", try_pidfd }, { "prlimit", try_prlimit },
	{ "own-limit", try_own_limit }, { "raise-limit", try_raise_limit }, { "raise", try_raise }, { "dump", try_dump },
	{ "unshare", try_unshare }, { "mount", try_mount }, { "chroot", try_chroot }, { "bpf", try_bpf },
	{ "io-uring", try_io_uring }, { "userfaultfd", try_userfaultfd }, { "perf", try_perf }, { "keyring", try_keyring },
	{ "setuid", try_setuid }, { "shared-memory", try_shared_memory }, { "terminal", try_terminal },
	{ "socketpair", try_pair }, { "datagram", try_datagram }, { "clock", try_clock },
};

static const struct {
	const char		*name;
	enum sandbox_profile	 profile;
} profiles[] = {
	{ "session", SANDBOX_SESSION }, { "inspector", SANDBOX_INSPECTOR }, { "store", SANDBOX_STORE },
	{ "network", SANDBOX_NETWORK },
};

enum { ALLOWED, REFUSED, NO_SANDBOX };

/* One attempt, in a process that has entered the profile. */
static const char *
probe(enum sandbox_profile profile, bool (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sandbox_prepare();
		(void)signal(SIGURG, SIG_IGN);
		_exit(sandbox_enter(profile) != 0 ? NO_SANDBOX : fn() ? ALLOWED : REFUSED);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return "lost";
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? "killed" : "crashed";
	return WEXITSTATUS(status) == ALLOWED ? "allowed" : WEXITSTATUS(status) == REFUSED ? "refused" : "no-sandbox";
}

static bool
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static void
say(const char *what, bool yes)
{
	printf("%s %s\n", what, yes ? "allowed" : "refused");
}

static int
probe_paths(void)
{
	static const char *const dirs[] = { "all", "some", "names", "none" };
	static const char *const names[] = { "all/file", "some/file", "names/file", "none/file" };
	const struct sandbox_path paths[] = {
		{ "all", SANDBOX_WRITE }, { "some", SANDBOX_READ }, { "names", SANDBOX_NAMES }, { "missing", SANDBOX_WRITE },
	};

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1)
		return 3;
	for (size_t i = 0; i < 4; i++)
		if (mkdir(dirs[i], 0700) == -1 || !can_open(names[i], O_WRONLY | O_CREAT))
			return 1;
	if (sandbox_paths(paths, sizeof(paths) / sizeof(paths[0])) != 0)
		return 1;
	say("all read", can_open("all/file", O_RDONLY));
	say("all write", can_open("all/file", O_RDWR));
	say("all create", can_open("all/new", O_WRONLY | O_CREAT));
	say("some read", can_open("some/file", O_RDONLY));
	say("some write", can_open("some/file", O_WRONLY));
	say("some create", can_open("some/new", O_WRONLY | O_CREAT));
	say("some remove", unlink("some/file") == 0);
	say("names read", can_open("names/file", O_RDONLY));
	say("names write", can_open("names/file", O_WRONLY));
	say("names remove", unlink("names/file") == 0);
	say("none read", can_open("none/file", O_RDONLY));
	say("none by another way", can_open("all/../none/file", O_RDONLY));
	say("none create", can_open("none/new", O_WRONLY | O_CREAT));
	say("none rename", rename("all/file", "none/file") == 0);
	say("none link", link("none/file", "all/link") == 0);
	say("system read", can_open("/etc/passwd", O_RDONLY));
	return 0;
}

/* Somebody who takes datagrams; the kernel finds the name. */
static bool
open_mailbox(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&mailbox, mailbox_len) == -1)
		return false;
	mailbox_len = sizeof(mailbox);
	return getsockname(fd, (struct sockaddr *)&mailbox, &mailbox_len) == 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "paths") == 0) {
		int r = probe_paths();

		fflush(stdout);
		_exit(r);	/* a sanitizer would want to look at /proc on the way out */
	}
	other = getpid();
	if ((inet_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 || !open_mailbox()) {
		perror("socket");
		return 1;
	}
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		for (size_t k = 0; k < sizeof(attempts) / sizeof(attempts[0]); k++) {
			printf("%s %s %s\n", profiles[i].name, attempts[k].name, probe(profiles[i].profile, attempts[k].fn));
			fflush(stdout);
		}
	return 0;
}
