/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sshread: what libssh reads, read ahead. libssh 0.10 to 0.12 asks the kernel for 4096 bytes at a time and polls before each,
 * which in bulk is most of what a session does. In programs that link this, recv(), poll() and close() are these, for libssh
 * as for everybody (a symbol of the program comes before one of the C library): of a descriptor that has been taken on, up
 * to SSHREAD_AHEAD bytes more are read in the same call and handed out from memory, and poll() says at once that they are
 * there. All other descriptors, and all that is no plain recv(), are the kernel's as ever. Not for threads.
 *
 * Bounded: SSHREAD_FDS descriptors, SSHREAD_AHEAD bytes each; more of them are read as libssh does. What lies here is
 * encrypted still.
 */
#ifndef SSH_SSHREAD_H
#define SSH_SSHREAD_H

#include <stdbool.h>

#define SSHREAD_FDS	4
#define SSHREAD_AHEAD	(64 * 1024)

/* Take a stream socket on, until it is closed. It must be non-blocking. */
void	sshread_begin(int fd);
/* Whether bytes wait that a poll() has not to ask the kernel for. */
bool	sshread_waits(void);

#endif
