/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/msgio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"

#define MSG_HEAD	12		/* length, type, flags, id */
#define MSG_HAS_FD	1u
#define MSG_FDS		16		/* descriptors that may be on their way, each direction */
#define MSG_READ	(64 * 1024)	/* one read */

struct fd_queue {
	struct {
		int	 fd;
		uint64_t pos;	/* stream offset of the frame that carries it (outgoing) */
	}	 q[MSG_FDS];
	size_t	 n;
};

struct msgio {
	int		 fd;
	struct buf	*in, *out;
	struct buf	*body;		/* view handed out by msgio_next, or NULL */
	size_t		 spent;		/* bytes of in that the last frame used */
	struct fd_queue	 rx, tx;
	uint64_t	 sent, queued;	/* stream offsets */
};

static int
fd_push(struct fd_queue *q, int fd, uint64_t pos)
{
	if (q->n == MSG_FDS)
		return ERR_TOOBIG;
	q->q[q->n].fd = fd;
	q->q[q->n++].pos = pos;
	return 0;
}

static int
fd_pop(struct fd_queue *q)
{
	int fd = q->q[0].fd;

	memmove(&q->q[0], &q->q[1], --q->n * sizeof(q->q[0]));
	return fd;
}

struct msgio *
msgio_new(int fd)
{
	struct msgio *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->fd = fd;
	m->in = buf_new(MSG_MAX + MSG_HEAD + MSG_READ);
	m->out = buf_new(MSG_OUT_MAX);
	if (m->in == NULL || m->out == NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1) {
		m->fd = -1;
		msgio_free(m);
		return NULL;
	}
	return m;
}

void
msgio_free(struct msgio *m)
{
	if (m == NULL)
		return;
	while (m->rx.n > 0)
		close(fd_pop(&m->rx));
	while (m->tx.n > 0)
		close(fd_pop(&m->tx));
	if (m->fd != -1)
		close(m->fd);
	buf_free(m->body);
	buf_free(m->in);
	buf_free(m->out);
	free(m);
}

int
msgio_fd(const struct msgio *m)
{
	return m->fd;
}

size_t
msgio_queued(const struct msgio *m)
{
	return buf_len(m->out);
}

/* The frame around n bytes of body. */
static void
put_head(uint8_t *p, uint16_t type, uint32_t id, size_t n, bool has_fd)
{
	p[0] = (uint8_t)((n + 8) >> 24);
	p[1] = (uint8_t)((n + 8) >> 16);
	p[2] = (uint8_t)((n + 8) >> 8);
	p[3] = (uint8_t)(n + 8);
	p[4] = (uint8_t)(type >> 8);
	p[5] = (uint8_t)type;
	p[6] = 0;
	p[7] = has_fd ? MSG_HAS_FD : 0;
	p[8] = (uint8_t)(id >> 24);
	p[9] = (uint8_t)(id >> 16);
	p[10] = (uint8_t)(id >> 8);
	p[11] = (uint8_t)id;
}

int
msgio_send(struct msgio *m, uint16_t type, uint32_t id, const struct buf *body, int fd)
{
	size_t n = body == NULL ? 0 : buf_len(body);
	uint8_t *p;
	int r;

	if (n > MSG_MAX)
		r = ERR_TOOBIG;
	else if (fd != -1 && (r = fd_push(&m->tx, fd, m->queued)) != 0)
		;
	else if ((r = buf_reserve(m->out, MSG_HEAD + n, &p)) != 0) {
		if (fd != -1)
			m->tx.n--;
	}
	if (n > MSG_MAX || r != 0) {
		if (fd != -1)
			close(fd);
		return r;
	}
	put_head(p, type, id, n, fd != -1);
	if (n > 0)
		memcpy(p + MSG_HEAD, buf_ptr(body), n);
	m->queued += MSG_HEAD + n;
	r = msgio_flush(m);
	return r == ERR_AGAIN ? 0 : r;
}

/* Queue the three parts of a frame but for their first bytes, which have been sent. */
static int
queue_rest(struct msgio *m, const struct iovec parts[3], size_t sent)
{
	size_t all = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
	uint8_t *to;
	int r = buf_reserve(m->out, all - sent, &to);

	for (size_t i = 0; i < 3 && r == 0; i++) {
		size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len, n = parts[i].iov_len - skip;

		if (n > 0)
			memcpy(to, (const uint8_t *)parts[i].iov_base + skip, n);
		to += n;
		sent -= skip;
	}
	return r;
}

int
msgio_send_long(struct msgio *m, uint16_t type, uint32_t id, const struct buf *body, const void *p, size_t n)
{
	uint8_t head[MSG_HEAD];
	struct iovec parts[3] = {
		{ .iov_base = head, .iov_len = MSG_HEAD },
		{ .iov_base = (void *)(uintptr_t)buf_ptr(body), .iov_len = buf_len(body) },
		{ .iov_base = (void *)(uintptr_t)p, .iov_len = n },
	};
	struct msghdr mh = { .msg_iov = parts, .msg_iovlen = 3 };
	size_t all = MSG_HEAD + buf_len(body) + n;
	ssize_t sent = 0;
	int r;

	if (n > MSG_MAX || buf_len(body) > MSG_MAX - n || buf_room(m->out) < all)
		return ERR_TOOBIG;
	put_head(head, type, id, buf_len(body) + n, false);
	if (buf_len(m->out) == 0) {
		do
			sent = sendmsg(m->fd, &mh, MSG_NOSIGNAL);
		while (sent == -1 && errno == EINTR);
		if (sent == -1 && errno != EAGAIN && errno != EWOULDBLOCK)
			return ERR_SYSTEM;
		sent = sent == -1 ? 0 : sent;
	}
	if ((r = queue_rest(m, parts, (size_t)sent)) != 0)
		return r;
	m->queued += all;
	m->sent += (size_t)sent;
	if (sent > 0)
		return 0;	/* the socket has what it takes */
	r = msgio_flush(m);
	return r == ERR_AGAIN ? 0 : r;
}

/* One sendmsg; a descriptor goes with the first byte of its own frame and never with another's. */
static ssize_t
msgio_sendmsg(struct msgio *m)
{
	union {
		struct cmsghdr	h;
		char		space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf_ptr(m->out), .iov_len = buf_len(m->out) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (m->tx.n > 0 && m->tx.q[0].pos == m->sent) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.space;
		mh.msg_controllen = sizeof(ctl.space);
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &m->tx.q[0].fd, sizeof(int));
		if (m->tx.n > 1 && m->tx.q[1].pos - m->sent < iov.iov_len)
			iov.iov_len = m->tx.q[1].pos - m->sent;
	} else if (m->tx.n > 0 && m->tx.q[0].pos - m->sent < iov.iov_len)
		iov.iov_len = m->tx.q[0].pos - m->sent;
	do
		n = sendmsg(m->fd, &mh, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n > 0 && mh.msg_control != NULL)
		close(fd_pop(&m->tx));
	return n;
}

int
msgio_flush(struct msgio *m)
{
	while (buf_len(m->out) > 0) {
		ssize_t n = msgio_sendmsg(m);

		if (n == -1)
			return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_AGAIN : ERR_SYSTEM;
		(void)buf_consume(m->out, (size_t)n);
		m->sent += (size_t)n;
	}
	return 0;
}

static int
msgio_keep_fds(struct msgio *m, struct msghdr *mh)
{
	int r = mh->msg_flags & MSG_CTRUNC ? ERR_FORMAT : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (fd_push(&m->rx, fd, 0) != 0) {
				close(fd);
				r = ERR_FORMAT;
			}
		}
	}
	return r;
}

int
msgio_read(struct msgio *m)
{
	union {
		struct cmsghdr	h;
		char		space[CMSG_SPACE(4 * sizeof(int))];
	} ctl;
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.space,
	    .msg_controllen = sizeof(ctl.space) };
	uint8_t *p;
	ssize_t n;
	size_t want = buf_room(m->in) < MSG_READ ? buf_room(m->in) : MSG_READ;
	int r;

	if (m->spent > 0) {
		(void)buf_consume(m->in, m->spent);
		m->spent = 0;
		want = buf_room(m->in) < MSG_READ ? buf_room(m->in) : MSG_READ;
	}
	if (want == 0)
		return 0;	/* a whole frame waits to be taken */
	if ((r = buf_reserve(m->in, want, &p)) != 0)
		return r;
	iov.iov_base = p;
	iov.iov_len = want;
	do
		n = recvmsg(m->fd, &mh, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	buf_trim(m->in, want - (n > 0 ? (size_t)n : 0));
	if (n == 0)
		return ERR_EOF;
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_AGAIN :
		    errno == ECONNRESET ? ERR_EOF : ERR_SYSTEM;
	return msgio_keep_fds(m, &mh);
}

int
msgio_next(struct msgio *m, struct msg *msg)
{
	const uint8_t *p;
	size_t n;
	unsigned flags;

	if (m->spent > 0) {
		(void)buf_consume(m->in, m->spent);
		m->spent = 0;
	}
	buf_free(m->body);
	m->body = NULL;
	/* A descriptor comes with the first byte of its frame: one that is left when no byte is left belongs to none. */
	if (buf_len(m->in) == 0 && m->rx.n > 0)
		return ERR_FORMAT;
	if (buf_len(m->in) < 4)
		return ERR_AGAIN;
	p = buf_ptr(m->in);
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n < 8 || n > MSG_MAX + 8)
		return ERR_FORMAT;
	if (buf_len(m->in) < n + 4)
		return ERR_AGAIN;
	flags = (unsigned)(p[6] << 8 | p[7]);
	if ((flags & ~MSG_HAS_FD) != 0 || ((flags & MSG_HAS_FD) && m->rx.n == 0))
		return ERR_FORMAT;
	msg->type = (uint16_t)(p[4] << 8 | p[5]);
	msg->id = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
	if ((m->body = buf_view(p + MSG_HEAD, n - 8)) == NULL)
		return ERR_NOMEM;
	msg->body = m->body;
	msg->fd = flags & MSG_HAS_FD ? fd_pop(&m->rx) : -1;
	m->spent = n + 4;
	return 0;
}

int
msg_take_fd(struct msg *m)
{
	int fd = m->fd;

	m->fd = -1;
	return fd;
}

void
msg_release(struct msg *m)
{
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
}

int
msgio_wait(struct msgio *m, struct msg *msg, int ms)
{
	int64_t until = ms < 0 ? INT64_MAX : clock_mono_ms() + ms;

	for (;;) {
		struct pollfd pfd = { .fd = m->fd, .events = POLLIN };
		int64_t left;
		int r = msgio_next(m, msg);

		if (r != ERR_AGAIN)
			return r;
		if (buf_len(m->out) > 0)
			pfd.events |= POLLOUT;
		left = until == INT64_MAX ? -1 : until - clock_mono_ms();
		if (until != INT64_MAX && left <= 0)
			return ERR_AGAIN;
		if (poll(&pfd, 1, left < 0 ? -1 : (int)left) == -1 && errno != EINTR)
			return ERR_SYSTEM;
		if ((pfd.revents & POLLOUT) && (r = msgio_flush(m)) != 0 && r != ERR_AGAIN)
			return r;
		if ((pfd.revents & ~POLLOUT) && (r = msgio_read(m)) != 0 && r != ERR_AGAIN)
			return r;
	}
}

int
msgio_pair(int sv[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1 ? ERR_SYSTEM : 0;
}
