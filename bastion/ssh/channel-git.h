/* SPDX-License-Identifier: Apache-2.0 */
/* channel-git: what fetch and push have in common: the command line, the request to the parent, the descriptors. */
#ifndef SSH_CHANNEL_GIT_H
#define SSH_CHANNEL_GIT_H

#include <stdbool.h>

#include "bastion/base/id.h"
#include "bastion/policy/decide.h"
#include "bastion/monitor_msg.h"

struct channel;
struct consent;

/* Asking a human for the whole of a repository. */
struct git_asking {
	struct consent	*consent;
	int64_t		 wait_until_us, alive_us;
};

/* First member of what a git channel owns. */
struct git_door {
	struct channel	*channel;
	char		*upstream, *repo;
	char		 request[ID_TEXT];
	bool		 complete;	/* the parent has sent all descriptors */
	char		*failed;	/* or says why not */
	int		 fd[MONITOR_FD_INSPECTOR + 1];	/* -1 = none, or taken */
};

/* Reads the channel's command. False: a refusal has been said and the channel ends. */
bool	git_door_init(struct git_door *, struct channel *);
void	git_door_release(struct git_door *);
/* Ask the parent for the repository. */
void	git_door_open(struct git_door *, enum monitor_git);
int	git_door_take(struct git_door *, enum monitor_git_fd);

enum git_asked { GIT_ASKED_WAIT, GIT_ASKED_YES, GIT_ASKED_OVER };
/*
 * Once a turn, when the verdict is to ask and its record is durable: YES once, when an approval was used up; OVER: the channel
 * has been told and ends. what: "git fetch from", say. The owner frees a->consent.
 */
enum git_asked	git_door_ask(struct git_door *, struct git_asking *a, const struct verdict *, const char *what, int64_t now_us);

#endif
