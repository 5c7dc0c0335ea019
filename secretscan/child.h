/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: git's own programs, started without a shell. They read objects only: no hook, pager or file system monitor of
 * the repository runs, replacements do not hide objects, and nothing is fetched.
 */
#ifndef SECRETSCAN_CHILD_H
#define SECRETSCAN_CHILD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct child {
	pid_t	 pid;
	FILE	*in;		/* what it reads; NULL after child_close_in() */
	FILE	*out;		/* what it says */
};

/* args: after `git -C repo`, ended by NULL. 0, or an errno. */
int	child_start(const char *repo, const char *const *args, struct child *);
void	child_close_in(struct child *);
/* True when it ended with 0. One that was never started is nothing to end, and true. */
bool	child_end(struct child *);

#endif
