/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulse: whether the peer of a connection still lives. After interval_us without any packet from it, it is asked for a sign
 * of life (keepalive@openssh.com, to which every SSH peer answers, if only that it does not know it); after count
 * questions without any packet it is gone.
 */
#ifndef SSH_PULSE_H
#define SSH_PULSE_H

#include <stdbool.h>
#include <stdint.h>

struct sshconn;

struct pulse {
	uint64_t	 packets;	/* come so far */
	int64_t		 heard_us;	/* when the last one did, or when we last asked */
	unsigned	 asked;		/* since then */
};

/* Once a turn, while the connection is up. False: it is gone. interval_us = 0: nobody is asked, nobody is gone. */
bool	pulse_step(struct pulse *, struct sshconn *, int64_t interval_us, unsigned count, int64_t now_us);

#endif
