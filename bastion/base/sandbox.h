/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what a process gives up once it has all it needs. Each profile has a list of system calls that it may make
 * (sandbox-seccomp.c); a process that needs files may have its part of the file system named (sandbox-landlock.c).
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>

enum sandbox_profile {
	SANDBOX_SESSION,	/* talks on the descriptors it has: no files, no new sockets, no programs */
	SANDBOX_INSPECTOR,	/* the same, and bounded memory and CPU */
	SANDBOX_STORE,		/* files yes; no sockets but those it has, no programs (audit, key) */
	SANDBOX_NETWORK,	/* files and sockets; no programs (approvals) */
};

/* First thing in every process: no core files, not dumpable (secrets), no new privileges, and SIGPIPE ignored. */
void	sandbox_prepare(void);
/* Ceilings: address space and CPU seconds, 0 = leave as is. 0 or ERR_SYSTEM. */
int	sandbox_limits(size_t address_space, unsigned cpu_seconds);
enum sandbox_access {
	SANDBOX_READ,		/* and run */
	SANDBOX_WRITE,		/* everything */
	SANDBOX_NAMES,		/* of a folder: make and remove files, without opening any that is not named itself */
};

struct sandbox_path {
	const char		*path;	/* a folder with all below it, or a file; one that does not exist is passed over */
	enum sandbox_access	 access;
};

/*
 * Of the file system only these, for this process and the programs that it starts. What is open stays open. Before
 * sandbox_enter(). 0, also where the kernel has no Landlock; or ERR_SYSTEM: the caller must end.
 */
int	sandbox_paths(const struct sandbox_path *, size_t n);
/* For good. 0, or ERR_SYSTEM: the caller must end. */
int	sandbox_enter(enum sandbox_profile);
/* As root: take this user's gid and uid for good, no groups. NULL or not root: nothing to do. 0, ERR_NOTFOUND, ERR_SYSTEM. */
int	sandbox_drop(const char *user);

#endif
