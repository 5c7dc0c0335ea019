/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bastion/base/err.h"

/* Calls that no process of ours needs once it runs; each is a known way out. */
static const int never[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(kexec_load), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(io_uring_setup), SCMP_SYS(open_by_handle_at), SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setresuid),
	SCMP_SYS(setresgid), SCMP_SYS(swapon), SCMP_SYS(reboot), SCMP_SYS(sethostname), SCMP_SYS(personality),
	SCMP_SYS(memfd_create), SCMP_SYS(setpriority), SCMP_SYS(sched_setaffinity),
};

static const int network[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
};

static const int files[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(link),
	SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(truncate), SCMP_SYS(chmod), SCMP_SYS(fchmodat),
	SCMP_SYS(chown), SCMP_SYS(fchownat), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(rmdir),
	SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(utimensat), SCMP_SYS(chdir),
};

/* Signals to others, by every way there is, and new processes; see also sandbox_refuse_others. */
static const int others[] = {
	SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(fork), SCMP_SYS(vfork),
};

#ifdef SALLYPORT_SANITIZE
/*
 * The sanitizer looks for leaks by ptrace, which no sandboxed process may use; it would then fail every one of them at its
 * end. The unit tests, which have no sandbox, look for leaks.
 */
int	__lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return prctl(PR_GET_DUMPABLE) == 0;
}
#endif

void
sandbox_prepare(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
sandbox_limits(size_t address_space, unsigned cpu_seconds)
{
	struct rlimit as = { address_space, address_space }, cpu = { cpu_seconds, cpu_seconds };

#ifdef SALLYPORT_SANITIZE
	address_space = 0;	/* the sanitizer's shadow memory is terabytes of address space */
#endif
	if (address_space != 0 && setrlimit(RLIMIT_AS, &as) == -1)
		return ERR_SYSTEM;
	if (cpu_seconds != 0 && setrlimit(RLIMIT_CPU, &cpu) == -1)
		return ERR_SYSTEM;
	return 0;
}

static bool
sandbox_refuse(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0) != 0)
			return false;
	return true;
}

/*
 * Calls that are ours as long as they concern ourselves: raise() and abort() are tgkill, getrlimit() is prlimit64, a thread
 * is made by clone. What clone3 is for lies in memory, where no filter sees it: libraries take clone when it is not there.
 */
static bool
sandbox_refuse_others(scmp_filter_ctx ctx)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	const struct scmp_arg_cmp not_self = { .arg = 0, .op = SCMP_CMP_NE, .datum_a = (scmp_datum_t)getpid() };
	const struct scmp_arg_cmp not_zero = { .arg = 0, .op = SCMP_CMP_NE, .datum_a = 0 };
	const struct scmp_arg_cmp no_thread = { .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = 0 };

	return seccomp_rule_add_array(ctx, no, SCMP_SYS(tgkill), 1, &not_self) == 0 &&
	    seccomp_rule_add_array(ctx, no, SCMP_SYS(prlimit64), 1, &not_zero) == 0 &&
	    seccomp_rule_add_array(ctx, no, SCMP_SYS(clone), 1, &no_thread) == 0 &&
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

#define REFUSE(ctx, list)	sandbox_refuse(ctx, list, sizeof(list) / sizeof((list)[0]))

int
sandbox_enter(enum sandbox_profile profile)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = ctx != NULL && REFUSE(ctx, never) && REFUSE(ctx, others) && sandbox_refuse_others(ctx);

	if (profile != SANDBOX_NETWORK)
		ok = ok && REFUSE(ctx, network);
	if (profile == SANDBOX_SESSION || profile == SANDBOX_INSPECTOR)
		ok = ok && REFUSE(ctx, files);
	ok = ok && seccomp_load(ctx) == 0;	/* sets no-new-privs itself */
	if (ctx != NULL)
		seccomp_release(ctx);
	return ok ? 0 : ERR_SYSTEM;
}

int
sandbox_drop(const char *user)
{
	const struct passwd *pw;

	if (user == NULL || geteuid() != 0)
		return 0;
	if ((pw = getpwnam(user)) == NULL)
		return ERR_NOTFOUND;
	if (setgroups(0, NULL) == -1 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return ERR_SYSTEM;
	return 0;
}
