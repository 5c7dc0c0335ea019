/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing of messages between processes, fed with hostile bytes. The first byte of the input says how large the
 * pieces are in which the rest arrives, and whether a descriptor nobody announced comes with the first of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/msgio.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
piece_send(int fd, const uint8_t *p, size_t n, int extra)
{
	union {
		struct cmsghdr	h;
		char		space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (extra != -1) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.space;
		mh.msg_controllen = sizeof(ctl.space);
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &extra, sizeof(int));
	}
	return sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

/* Take all frames that are there and read every body to its end. */
static int
drain(struct msgio *io)
{
	struct msg m;
	int r;

	while ((r = msgio_next(io, &m)) == 0) {
		const uint8_t *s;
		uint8_t c;
		size_t len;

		if (buf_peek_string(m.body, &s, &len) == 0 && len > 0)
			c = s[len - 1];
		while (buf_get_u8(m.body, &c) == 0)
			;
		if (buf_end(m.body) != 0)
			abort();
		msg_release(&m);
	}
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct msgio *io;
	int sv[2], r = 0, extra;
	size_t piece;

	if (n < 2 || n > 400000 || msgio_pair(sv) != 0)
		return 0;
	if ((io = msgio_new(sv[0])) == NULL)
		abort();
	piece = (p[0] & 0x7f) == 0 ? 65536 : (size_t)(p[0] & 0x7f);
	extra = p[0] & 0x80 ? sv[1] : -1;
	for (p++, n--; n > 0 && (r == 0 || r == ERR_AGAIN);) {
		size_t k = n < piece ? n : piece;

		if (piece_send(sv[1], p, k, extra) != 0)
			break;
		extra = -1;
		p += k;
		n -= k;
		r = msgio_read(io);
		if (r == 0 || r == ERR_AGAIN)
			r = drain(io);
	}
	msgio_free(io);
	close(sv[1]);
	return 0;
}
