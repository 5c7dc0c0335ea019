/* SPDX-License-Identifier: Apache-2.0 */
/* channel-git: what fetch and push have in common: the command line, the request to the parent, the descriptors. */
#ifndef SSH_CHANNEL_GIT_H
#define SSH_CHANNEL_GIT_H

#include <stdbool.h>

#include "bastion/base/id.h"
#include "bastion/monitor_msg.h"

struct channel;

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

#endif
