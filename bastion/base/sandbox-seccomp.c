/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of system calls. What a profile needs is listed; all else fails with EPERM, because libraries try things that
 * they can do without (a locale, a name service), and a process of ours must not die of that. What no process of ours has
 * any business with, in whatever library, ends it at once: that is an attack, and the parent logs the signal.
 * The lists come from running the whole test suite with every other call reported (plain and with sanitizers).
 */
#include "bastion/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "bastion/base/err.h"

#define N(list)		(sizeof(list) / sizeof((list)[0]))

/* Other programs, other processes' memory, the kernel itself, name spaces, identities. */
static const int hostile[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns),
	SCMP_SYS(unshare), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(open_by_handle_at), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(setuid),
	SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
	SCMP_SYS(setgroups), SCMP_SYS(capset), SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(personality),
};

/* For whoever reads hostile bytes, a new way to others is the same. */
static const int hostile_network[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
};

/* Libraries take another way when these are not there. */
static const int absent[] = {
	SCMP_SYS(clone3), SCMP_SYS(statx), SCMP_SYS(openat2), SCMP_SYS(faccessat2), SCMP_SYS(close_range),
};

/* Memory, time, waiting, and the descriptors that there are. */
static const int common[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(sendto),
	SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(pipe2), SCMP_SYS(eventfd2),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrandom), SCMP_SYS(getrusage),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(uname), SCMP_SYS(sysinfo),
};

static const int files[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(fadvise64), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(flock),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(fchmod), SCMP_SYS(fstatfs),
	SCMP_SYS(statfs), SCMP_SYS(umask),
};

/* Name look-ups and HTTP by libcurl, which makes threads for the former. */
static const int network[] = {
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(sendmmsg), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
};

static bool
allow(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(ctx, action, calls[i], 0) != 0)
			return false;
	return true;
}

/* A call with one argument that must be this. */
static bool
allow_with(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t value)
{
	const struct scmp_arg_cmp is = { .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value };

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &is) == 0;
}

/* A call with one argument of which these bits must be so. */
static bool
allow_masked(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp is = { .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value };

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &is) == 0;
}

/*
 * Calls that are ours as long as they concern ourselves and ask for nothing new: raise() and abort() are tgkill,
 * getrlimit() is prlimit64 without a new limit, F_SETOWN would send signals to others, a datagram would go to any address
 * that stands on it, and nothing that can be written may be run.
 */
static bool
allow_narrowly(scmp_filter_ctx ctx)
{
	static const int commands[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
	    F_OFD_SETLK, F_OFD_GETLK };
	static const unsigned long ioctls[] = { FIONREAD, FIONBIO, TCGETS };
	static const int options[] = { PR_GET_DUMPABLE, PR_SET_NAME, PR_SET_VMA };
	const struct scmp_arg_cmp own_limit[] = {
		{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = 0 }, { .arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0 },
	};
	const struct scmp_arg_cmp stream[] = {
		{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX },
		{ .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = (uint64_t)~(SOCK_CLOEXEC | SOCK_NONBLOCK), .datum_b = SOCK_STREAM },
	};
	bool ok = allow_with(ctx, SCMP_SYS(tgkill), 0, (uint64_t)getpid()) &&
	    seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, own_limit) == 0 &&
	    seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2, stream) == 0 &&
	    allow_masked(ctx, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);

	for (size_t i = 0; i < N(commands) && ok; i++)
		ok = allow_with(ctx, SCMP_SYS(fcntl), 1, (uint64_t)commands[i]);
	for (size_t i = 0; i < N(ioctls) && ok; i++)
		ok = allow_with(ctx, SCMP_SYS(ioctl), 1, ioctls[i]);
	for (size_t i = 0; i < N(options) && ok; i++)
		ok = allow_with(ctx, SCMP_SYS(prctl), 0, (uint64_t)options[i]);
	return ok;
}

/* Sockets of the kinds that name look-ups and HTTP take, threads but no processes, and libraries that name services load. */
static bool
allow_network(scmp_filter_ctx ctx)
{
	static const int domains[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	bool ok = allow(ctx, SCMP_ACT_ALLOW, network, N(network)) &&
	    allow_masked(ctx, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD) &&
	    allow_masked(ctx, SCMP_SYS(mmap), 2, PROT_WRITE, 0);

	for (size_t i = 0; i < N(domains) && ok; i++)
		ok = allow_with(ctx, SCMP_SYS(socket), 0, (uint64_t)domains[i]);
	return ok;
}

int
sandbox_enter(enum sandbox_profile profile)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool guarded = profile == SANDBOX_SESSION || profile == SANDBOX_INSPECTOR;
	bool ok = ctx != NULL && allow(ctx, SCMP_ACT_KILL_PROCESS, hostile, N(hostile)) &&
	    allow(ctx, SCMP_ACT_ERRNO(ENOSYS), absent, N(absent)) && allow(ctx, SCMP_ACT_ALLOW, common, N(common)) &&
	    allow_narrowly(ctx) && allow_masked(ctx, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	if (guarded)
		ok = ok && allow(ctx, SCMP_ACT_KILL_PROCESS, hostile_network, N(hostile_network));
	else
		ok = ok && allow(ctx, SCMP_ACT_ALLOW, files, N(files));
	if (profile == SANDBOX_NETWORK)
		ok = ok && allow_network(ctx);
	ok = ok && seccomp_load(ctx) == 0;	/* sets no-new-privs itself */
	if (ctx != NULL)
		seccomp_release(ctx);
	return ok ? 0 : ERR_SYSTEM;
}
