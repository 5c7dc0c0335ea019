/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hop: the way to a target through another one: a leg of its own to that one, with its own host key and proof, a
 * direct-tcpip channel from there, and a socket at the end of which the next SSH connection begins.
 */
#ifndef SSH_HOP_H
#define SSH_HOP_H

#include <stdbool.h>
#include <stdint.h>

struct conf_target;
struct hop;
struct session;

enum hop_state { HOP_OPENING, HOP_OPEN, HOP_DEAD };

/* To this target, which has a via. Begins at once. */
struct hop	*hop_new(struct session *, const struct conf_target *, int64_t now_us);
/* The connection over it must be gone. NULL is fine. */
void		 hop_free(struct hop *);
/* Once a turn, as long as it is used. */
enum hop_state	 hop_step(struct hop *, int64_t now_us);
/* Once, when it is open: the socket. The caller's from then on. */
int		 hop_take_fd(struct hop *);
const char	*hop_why(const struct hop *);	/* when dead */
/* Dead for a reason that trying again does not cure, as leg_is_hopeless. */
bool		 hop_is_hopeless(const struct hop *);

#endif
