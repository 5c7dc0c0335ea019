/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox: what a process gives up once it has all it needs. See sandbox-seccomp.c for what each profile refuses. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>

enum sandbox_profile {
	SANDBOX_SESSION,	/* talks on the descriptors it has: no files, no new sockets, no programs */
	SANDBOX_INSPECTOR,	/* the same, and bounded memory and CPU */
	SANDBOX_STORE,		/* files yes; no sockets but those it has, no programs (audit, key) */
	SANDBOX_NETWORK,	/* files and sockets; no programs (approvals) */
};

/* First thing in every process: no core files, not dumpable (secrets), and SIGPIPE ignored. */
void	sandbox_prepare(void);
/* Ceilings: address space and CPU seconds, 0 = leave as is. 0 or ERR_SYSTEM. */
int	sandbox_limits(size_t address_space, unsigned cpu_seconds);
/* For good. 0, or ERR_SYSTEM: the caller must end. */
int	sandbox_enter(enum sandbox_profile);
/* As root: take this user's gid and uid for good, no groups. NULL or not root: nothing to do. 0, ERR_NOTFOUND, ERR_SYSTEM. */
int	sandbox_drop(const char *user);

#endif
