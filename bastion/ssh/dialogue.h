/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialogue: a protocol between agent and target that the bastion takes part in, in place of relaying its bytes: SFTP. It
 * lives in the running state of channel-exec.c, which has judged, asked, recorded and dialled before, and seals afterwards.
 * The target's stderr does not come here: it is masked and recorded as for any command.
 *
 * One that implements it puts a struct dialogue first into its own struct.
 */
#ifndef SSH_DIALOGUE_H
#define SSH_DIALOGUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;
struct dialogue;
struct sshchan;
struct tape;

struct dialogue_params {
	struct channel	*channel;	/* the agent's: in, and ssh to write to */
	const char	*request;	/* "REQ-..": what was decided for the channel as a whole */
	struct tape	*tape;
};

struct dialogue_ops {
	/* From a data handler: the target's stdout. How much was taken. */
	size_t	(*take)(struct dialogue *, const void *p, size_t n);
	bool	(*has_room)(const struct dialogue *);
	/*
	 * One turn, up being the target's channel. 1 = something moved, 0 = nothing, negative = it cannot go on: dialogue_why
	 * and the status for it.
	 */
	int	(*step)(struct dialogue *, struct sshchan *up, int64_t now_us);
	/* The target says nothing more. Once done, everything that it said is with the agent. */
	void	(*end)(struct dialogue *);
	bool	(*is_done)(const struct dialogue *);
	/* It waits for something that may come without a word. */
	bool	(*is_waiting)(const struct dialogue *);
	const char *(*why)(const struct dialogue *, int *statusp);
	/* It is over before its end: record what was under way. */
	void	(*stop)(struct dialogue *, const char *why);
	/* Members for exec.end. */
	void	(*report)(const struct dialogue *, json_t *);
	void	(*free)(struct dialogue *);
};

struct dialogue {
	const struct dialogue_ops *ops;
};

#endif
