/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn: start a program. Absolute path, argument vector, fresh environment, default signals, exactly the descriptors
 * that are named, no shell ever.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <sys/types.h>

#include "bastion/base/strvec.h"

#define SPAWN_FDS	8

struct spawn_params {
	const char		*path;		/* absolute */
	char *const		*argv;		/* NULL-ended */
	char *const		*envp;		/* NULL-ended; NULL = PATH and LC_ALL=C.UTF-8 alone */
	const char		*chdir;		/* NULL = / */
	/* fds[i] becomes descriptor i in the program; -1 = /dev/null. All others are closed. */
	int			 fds[SPAWN_FDS];
	int			 nfds;		/* at least 3 */
	int			 own_group;	/* the program leads a process group of its own */
	int			 die_with_parent;	/* SIGKILL when the starting process goes */
};

/*
 * fork(), for a process that has handlers: no signal comes to the child before every one has its default action there. A handler
 * that the child has inherited would speak to the parent's loop, which would take the child's signal for its own.
 */
pid_t	spawn_fork(void);

/* The child's pid, or ERR_SYSTEM. The caller's descriptors stay open and the caller's. exec failing = exit status 127. */
pid_t	spawn(const struct spawn_params *);

/*
 * Where this project's own helper programs are: the folder of the running program when name is there (a build tree),
 * otherwise the installed libexec folder. The caller frees.
 */
char	*spawn_helper_path(const char *name);

#endif
