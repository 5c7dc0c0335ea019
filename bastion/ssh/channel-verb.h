/* SPDX-License-Identifier: Apache-2.0 */
/* The bastion's own commands that have a file of their own. words[0] is the command; each ends the channel. */
#ifndef SSH_CHANNEL_VERB_H
#define SSH_CHANNEL_VERB_H

struct channel;
struct strvec;

/* verb-join.c: scripts for the agent's machine, and the bastion's host keys. */
void	verb_join(struct channel *, const struct strvec *words);
void	verb_leave(struct channel *, const struct strvec *words);
void	verb_host_keys(struct channel *, const struct strvec *words);

#endif
