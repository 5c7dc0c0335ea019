/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge: moves bytes between a channel on one SSH connection and a stream socket, both ways, bounded: so that a second
 * connection can be made to what the channel leads to.
 *
 *	b = bridge_new(loop, fd, &moved);  ch = sshchan_new(conn, bridge_ops(), b);  .. once the channel is open, each turn:
 *	bridge_step(b, ch);
 */
#ifndef SSH_BRIDGE_H
#define SSH_BRIDGE_H

#include <stdbool.h>

struct bridge;
struct sshchan;
struct sshchan_ops;
struct sshloop;

/* fd is taken over. *movedp is set by whatever happens, so that the owner's next turn comes at once. NULL = no memory. */
struct bridge	*bridge_new(struct sshloop *, int fd, bool *movedp);
/* For the channel, with the bridge as their argument. The channel must be gone before the bridge. */
const struct sshchan_ops *bridge_ops(void);
/* Move what can be moved now. False once the far end has gone and all that it had sent is delivered. */
bool		 bridge_step(struct bridge *, struct sshchan *);
void		 bridge_free(struct bridge *);	/* closes the socket. NULL is fine */

#endif
