/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msgio: framed messages on a Unix stream socket, without blocking, with a ceiling each way.
 *
 * Frame: u32 length of what follows, u16 type, u16 flags (bit 0: a descriptor travels with this frame), u32 id, body.
 * The id pairs an answer with its request. Types are even for requests, odd for answers. At most one descriptor a
 * frame, by SCM_RIGHTS. The peer is not trusted: a frame over MSG_MAX, an unexpected descriptor or an unknown flag is
 * ERR_FORMAT, and the link is to be closed.
 */
#ifndef BASE_MSGIO_H
#define BASE_MSGIO_H

#include <stddef.h>
#include <stdint.h>

#include "bastion/base/buf.h"

#define MSG_MAX		(256 * 1024)		/* one frame's body: a 128 KiB data piece and room to spare */
#define MSG_OUT_MAX	(4 * 1024 * 1024)	/* queued for a slow peer; senders of bulk stop at MSG_OUT_HIGH */
#define MSG_OUT_HIGH	(1024 * 1024)

struct msgio;

struct msg {
	uint16_t	 type;
	uint32_t	 id;
	struct buf	*body;	/* owned by the msgio; valid until the next msgio_next */
	int		 fd;	/* -1, or a descriptor that is now the receiver's: msg_take_fd or msg_release */
};

/* Takes over fd (close-on-exec and non-blocking are set). NULL = no memory. */
struct msgio	*msgio_new(int fd);
void		 msgio_free(struct msgio *);	/* closes; NULL is fine */
int		 msgio_fd(const struct msgio *);

/*
 * Queue one frame and try to send it. body may be NULL; it is copied and left untouched. fd is -1 or a descriptor
 * that the call takes over (closed after it has been sent, and on failure). 0, ERR_TOOBIG, ERR_NOMEM, ERR_SYSTEM.
 */
int	msgio_send(struct msgio *, uint16_t type, uint32_t id, const struct buf *body, int fd);
/* As msgio_send, with n bytes at p after the body, and no descriptor. What the socket takes at once is not copied. */
int	msgio_send_long(struct msgio *, uint16_t type, uint32_t id, const struct buf *body, const void *p, size_t n);
/* Send what is queued. 0 all gone, ERR_AGAIN some left, ERR_SYSTEM. */
int	msgio_flush(struct msgio *);
size_t	msgio_queued(const struct msgio *);

/* Read once from the socket. 0, ERR_AGAIN, ERR_EOF, ERR_FORMAT, ERR_SYSTEM. */
int	msgio_read(struct msgio *);
/* Take the next whole frame: 0 and *m, ERR_AGAIN when there is none, ERR_FORMAT. */
int	msgio_next(struct msgio *, struct msg *m);
/* The descriptor becomes the caller's; the message forgets it. */
int	msg_take_fd(struct msg *);
/* Close a descriptor that nobody took. Whoever called msgio_next calls this last. */
void	msg_release(struct msg *);

/* For programs without a loop: block until a frame is there. ms is how long, -1 for ever. ERR_AGAIN = time is up. */
int	msgio_wait(struct msgio *, struct msg *m, int ms);

/* A connected pair, both ends close-on-exec. 0 or ERR_SYSTEM. */
int	msgio_pair(int sv[2]);

#endif
