/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/bridge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/fdend.h"
#include "bastion/ssh/sshconn.h"

#define WAY_MAX	(256 * 1024)	/* on the way in one direction */
#define ROUNDS	16		/* pieces a turn: others have theirs */

struct bridge {
	struct fdend	*end;
	struct buf	*in, *out;	/* to the socket, to the channel */
	bool		 near_eof, far_eof, far_closed, near_eof_sent, far_eof_sent;
	bool		*movedp;
};

static size_t
take(struct bridge *b, struct buf *to, const void *p, size_t n)
{
	size_t room = buf_room(to);

	*b->movedp = true;
	if (n > room)
		n = room;
	return n > 0 && buf_put(to, p, n) == 0 ? n : 0;
}

static size_t
far_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	struct bridge *b = arg;

	return st == SSHCHAN_OUT ? take(b, b->in, p, n) : n;	/* such a channel has no stderr */
}

static void
far_eof(void *arg)
{
	struct bridge *b = arg;

	b->far_eof = *b->movedp = true;
}

static void
far_closed(void *arg)
{
	struct bridge *b = arg;

	b->far_closed = b->far_eof = *b->movedp = true;
}

static size_t
near_data(const void *p, size_t n, void *arg)
{
	struct bridge *b = arg;

	return take(b, b->out, p, n);
}

static void
near_eof(void *arg)
{
	struct bridge *b = arg;

	b->near_eof = *b->movedp = true;
}

static void
near_room(void *arg)
{
	struct bridge *b = arg;

	*b->movedp = true;
}

const struct sshchan_ops *
bridge_ops(void)
{
	static const struct sshchan_ops ops = { .data = far_data, .eof = far_eof, .closed = far_closed };

	return &ops;
}

struct bridge *
bridge_new(struct sshloop *l, int fd, bool *movedp)
{
	static const struct fdend_ops ops = { .data = near_data, .eof = near_eof, .room = near_room };
	struct bridge *b = xcalloc(1, sizeof(*b));

	b->movedp = movedp;
	b->in = buf_new(WAY_MAX);
	b->out = buf_new(WAY_MAX);
	if (b->in == NULL || b->out == NULL) {
		close(fd);
		bridge_free(b);
		return NULL;
	}
	b->end = fdend_new(l, fd, &ops, b);
	return b;
}

static void
step_in(struct bridge *b)
{
	ssize_t w = 0;

	if (buf_len(b->in) > 0) {
		w = fdend_write(b->end, buf_ptr(b->in), buf_len(b->in));
		if (w < 0)
			buf_clear(b->in);	/* nobody reads any more */
		else
			(void)buf_consume(b->in, (size_t)w);
		*b->movedp = *b->movedp || w != 0;
	}
	if (b->far_eof && buf_len(b->in) == 0 && !b->far_eof_sent) {
		fdend_send_eof(b->end);
		b->far_eof_sent = *b->movedp = true;
	}
}

static void
step_out(struct bridge *b, struct sshchan *ch)
{
	uint8_t piece[SSHCHAN_PIECE] SSHCHAN_UNCLEARED;

	for (int i = 0; i < ROUNDS && buf_len(b->out) > 0 && !b->far_closed; i++) {
		size_t n = buf_len(b->out) < sizeof(piece) ? buf_len(b->out) : sizeof(piece);
		ssize_t w;

		/* A copy: writing may run handlers, which may move the buffer. */
		memcpy(piece, buf_ptr(b->out), n);
		if ((w = sshchan_write(ch, SSHCHAN_OUT, piece, n)) <= 0)
			break;
		(void)buf_consume(b->out, (size_t)w);
		*b->movedp = true;
	}
	if (b->near_eof && buf_len(b->out) == 0 && !b->near_eof_sent && !b->far_closed) {
		(void)sshchan_send_eof(ch);
		b->near_eof_sent = *b->movedp = true;
	}
}

bool
bridge_step(struct bridge *b, struct sshchan *ch)
{
	step_in(b);
	if (buf_room(b->in) > 0)
		sshchan_pull(ch);
	step_in(b);
	step_out(b, ch);
	if (buf_room(b->out) > 0)
		fdend_pull(b->end);
	return !(b->far_closed && buf_len(b->in) == 0 && !sshchan_has_unread(ch));
}

void
bridge_free(struct bridge *b)
{
	if (b == NULL)
		return;
	fdend_free(b->end);
	buf_free(b->in);
	buf_free(b->out);
	free(b);
}
