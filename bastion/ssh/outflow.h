/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outflow: what a target prints, on its way to the agent: taken in bounded pieces, masked, recorded, and released when the
 * recording has it. Full means that the target is not read any more, so a slow agent slows the target and nobody else.
 */
#ifndef SSH_OUTFLOW_H
#define SSH_OUTFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/ssh/sshconn.h"

struct masking_rule;
struct outflow;
struct secretscan;
struct secretscan_finding;
struct secretscan_known;
struct tape;

struct outflow_params {
	const struct secretscan	*scanner;
	const struct masking_rule *masking;	/* what else to mask, or NULL; borrowed */
	/* What this target was opened with, to be masked as well, or NULL. Asked once, when the target first prints. */
	struct secretscan_known	*(*known)(void *arg);
	bool			 terminal;	/* a PTY: hold as little as possible */
	struct tape		*tape;		/* borrowed */
	struct sshchan		*to;		/* the agent's channel, borrowed */
	/* Called for each masked secret. */
	void			(*on_mask)(const struct secretscan_finding *, void *arg);
	void			*arg;
};

struct outflow	*outflow_new(const struct outflow_params *);
void		 outflow_free(struct outflow *);	/* NULL is fine */

/* From a data handler: takes what there is room for and says how much. */
size_t	outflow_take(struct outflow *, enum sshchan_stream, const void *p, size_t n);
/* The target will send nothing more: what the masking still holds may go. */
void	outflow_end(struct outflow *);
/* Nobody takes it any more: what is recorded from now on is released to nobody. */
void	outflow_drop(struct outflow *);
/* Mask, record, release what can be. 1 = something moved, 0 = nothing, negative = the session must stop. */
int	outflow_step(struct outflow *, int64_t now_us);
/* True once outflow_end was called and every byte is with the agent's connection. */
bool	outflow_is_done(const struct outflow *);
/* True while something waits for the agent, the recording or the delay of a terminal. */
bool	outflow_is_waiting(const struct outflow *);
/* True when outflow_take would take something. */
bool	outflow_has_room(const struct outflow *);
uint64_t outflow_bytes(const struct outflow *);		/* released so far */

#endif
