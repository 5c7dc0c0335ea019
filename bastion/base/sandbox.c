/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bastion/base/err.h"

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
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
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
