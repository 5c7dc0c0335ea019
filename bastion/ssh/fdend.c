/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/fdend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/sshconn.h"

#define PIECE	(32 * 1024)

struct fdend {
	struct sshloop		*loop;
	int			 fd;
	struct fdend_ops	 ops;
	void			*arg;
	uint8_t			 kept[PIECE];	/* read, not taken yet */
	size_t			 nkept;
	bool			 full;		/* the last write did not go in whole */
	bool			 ended;		/* eof was told */
};

static void	fdend_ready(int revents, void *);

static void
fdend_watch(struct fdend *e)
{
	short events = (short)((e->ended || e->nkept > 0 ? 0 : POLLIN) | (e->full ? POLLOUT : 0));

	if (sshloop_watch(e->loop, e->fd, events, fdend_ready, e) != 0)
		fatal("too many descriptors in one session");
}

static void
fdend_read(struct fdend *e)
{
	ssize_t n = read(e->fd, e->kept, sizeof(e->kept));
	size_t took;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		e->ended = true;
		e->ops.eof(e->arg);
		return;
	}
	took = e->ops.data(e->kept, (size_t)n, e->arg);
	e->nkept = (size_t)n - took;
	memmove(e->kept, e->kept + took, e->nkept);
}

static void
fdend_ready(int revents, void *arg)
{
	struct fdend *e = arg;

	if ((revents & POLLOUT) != 0) {
		e->full = false;
		e->ops.room(e->arg);
	}
	if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !e->ended && e->nkept == 0)
		fdend_read(e);
	/* The loop is walking its list: what is watched changes in the owner's next turn, in fdend_pull. */
	e->ops.room(e->arg);
}

struct fdend *
fdend_new(struct sshloop *l, int fd, const struct fdend_ops *ops, void *arg)
{
	struct fdend *e = xcalloc(1, sizeof(*e));
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		fatal("a descriptor cannot be made non-blocking");
	e->loop = l;
	e->fd = fd;
	e->ops = *ops;
	e->arg = arg;
	fdend_watch(e);
	return e;
}

void
fdend_free(struct fdend *e)
{
	if (e == NULL)
		return;
	sshloop_forget(e->loop, e->fd);
	close(e->fd);
	free(e);
}

ssize_t
fdend_write(struct fdend *e, const void *p, size_t n)
{
	ssize_t w = send(e->fd, p, n, MSG_NOSIGNAL);

	if (w == -1 && errno != EAGAIN && errno != EINTR)
		return ERR_EOF;
	e->full = w < (ssize_t)n;
	fdend_watch(e);
	return w == -1 ? 0 : w;
}

void
fdend_send_eof(struct fdend *e)
{
	(void)shutdown(e->fd, SHUT_WR);
}

void
fdend_pull(struct fdend *e)
{
	if (e->nkept > 0) {
		size_t took = e->ops.data(e->kept, e->nkept, e->arg);

		e->nkept -= took;
		memmove(e->kept, e->kept + took, e->nkept);
	}
	fdend_watch(e);
}
