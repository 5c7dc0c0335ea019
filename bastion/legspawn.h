/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legspawn: a git leg for one repository of one upstream: its words, and by HTTPS the end of a loan by which the key process
 * gives it the token or password, which the parent never sees.
 */
#ifndef BASTION_LEGSPAWN_H
#define BASTION_LEGSPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct conf;
struct conf_upstream;
struct peer;

#define LEGSPAWN_FDS	5

/* The loan was refused: nothing else comes of this leg. The peer may have gone meanwhile: look it up. */
typedef void	(*legspawn_lost)(const char *session, unsigned id, const char *why, void *arg);

struct legspawn_params {
	struct peer			*peer;
	unsigned			 id;		/* of the transfer, for lost */
	const struct conf		*conf;
	const struct conf_upstream	*upstream;
	const char			*repo;
	const char			*mode;		/* the leg's first word; gitleg_msg.h */
	char				*socket;	/* of the connection (SSH); NULL otherwise */
	int				 fds[LEGSPAWN_FDS];	/* descriptors of the leg from 0 on, which stay the caller's */
	int				 nfds;
	legspawn_lost			 lost;
	void				*arg;
};

/* The leg's pid, or ERR_SYSTEM. */
pid_t	legspawn(const struct legspawn_params *);
/* Where the mirror of a repository is; the caller frees. */
char	*legspawn_mirror(const struct conf *, const struct conf_upstream *, const char *repo);

#endif
