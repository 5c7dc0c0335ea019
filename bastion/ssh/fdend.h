/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdend: a stream socket in the loop of a session, with the habits of an sshchan: handlers only mark, what they do not take
 * is kept (bounded) and offered again, and nobody reads on meanwhile.
 */
#ifndef SSH_FDEND_H
#define SSH_FDEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fdend;
struct sshloop;

struct fdend_ops {
	/* How many of n bytes were taken; the rest is offered again after fdend_pull. */
	size_t	(*data)(const void *p, size_t n, void *arg);
	/* Nothing more will come. */
	void	(*eof)(void *arg);
	/* It can be written to again. */
	void	(*room)(void *arg);
};

/* fd is taken over. */
struct fdend	*fdend_new(struct sshloop *, int fd, const struct fdend_ops *, void *arg);
void		 fdend_free(struct fdend *);	/* closes. NULL is fine */

/* How many bytes went out (0: not now), or ERR_EOF when nobody reads any more. */
ssize_t		 fdend_write(struct fdend *, const void *p, size_t n);
void		 fdend_send_eof(struct fdend *);
/* The owner has room again. */
void		 fdend_pull(struct fdend *);

#endif
