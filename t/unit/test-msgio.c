/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/msgio.h"

/* A msgio on one end, and the bare socket that plays the attacker on the other. */
struct pair {
	struct msgio	*io;
	int		 raw;
};

static struct pair
pair_new(void)
{
	struct pair p;
	int sv[2];

	assert_int_equal(msgio_pair(sv), 0);
	p.io = msgio_new(sv[0]);
	assert_non_null(p.io);
	p.raw = sv[1];
	return p;
}

static void
pair_free(struct pair *p)
{
	msgio_free(p->io);
	if (p->raw != -1)
		close(p->raw);
}

/* Write bytes, with n descriptors beside the first of them. */
static void
raw_send(int fd, const void *p, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr	h;
		char		space[CMSG_SPACE(8 * sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.space;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), fds, n * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &mh, 0), (ssize_t)len);
}

static int
open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
frames_go_through_in_order(void **state)
{
	struct pair p = pair_new();
	struct msgio *peer = msgio_new(p.raw);
	struct buf *body = buf_new(100);
	struct msg m;
	char *s;

	(void)state;
	p.raw = -1;
	assert_int_equal(buf_put_cstring(body, "hello"), 0);
	assert_int_equal(msgio_send(p.io, 10, 1, body, -1), 0);
	assert_int_equal(msgio_send(p.io, 11, 0xfffffffe, NULL, -1), 0);
	assert_int_equal(buf_len(body), 9);
	assert_int_equal(msgio_wait(peer, &m, 1000), 0);
	assert_int_equal(m.type, 10);
	assert_int_equal(m.id, 1);
	assert_int_equal(m.fd, -1);
	assert_int_equal(buf_get_cstring(m.body, &s), 0);
	assert_string_equal(s, "hello");
	free(s);
	assert_int_equal(msgio_wait(peer, &m, 1000), 0);
	assert_int_equal(m.type, 11);
	assert_true(m.id == 0xfffffffe);
	assert_int_equal(buf_len(m.body), 0);
	assert_int_equal(msgio_wait(peer, &m, 0), ERR_AGAIN);
	msgio_free(peer);
	assert_int_equal(msgio_wait(p.io, &m, 1000), ERR_EOF);
	buf_free(body);
	pair_free(&p);
}

/* Many descriptors and frames larger than the socket's buffer: each arrives with its own frame. */
static void
descriptors_stay_with_their_frames(void **state)
{
	struct pair p = pair_new();
	struct msgio *peer = msgio_new(p.raw);
	struct buf *body = buf_new(MSG_MAX);
	int before = open_fds(), pipes[8][2], sent = 0, got = 0;
	uint8_t *fill;
	struct msg m;

	(void)state;
	p.raw = -1;
	assert_int_equal(buf_reserve(body, 100000, &fill), 0);
	memset(fill, 'x', 100000);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		assert_int_equal(msgio_send(p.io, 2, (uint32_t)sent++, body, -1), 0);
		assert_int_equal(msgio_send(p.io, 4, (uint32_t)sent++, NULL, pipes[i][1]), 0);
	}
	while (got < sent) {
		(void)msgio_flush(p.io);
		assert_int_equal(msgio_wait(peer, &m, 1000), 0);
		assert_int_equal(m.id, got);
		if (m.type == 4) {
			char c = (char)('a' + got / 2), d = 0;
			int fd = msg_take_fd(&m);

			assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
			assert_int_equal(write(fd, &c, 1), 1);
			assert_int_equal(read(pipes[got / 2][0], &d, 1), 1);
			assert_int_equal(d, c);
			close(fd);
			close(pipes[got / 2][0]);
		} else
			assert_int_equal(m.fd, -1);
		msg_release(&m);
		got++;
	}
	assert_int_equal(open_fds(), before);
	msgio_free(peer);
	buf_free(body);
	pair_free(&p);
}

static void
hostile_frames_are_refused(void **state)
{
	static const struct {
		const char	*what;
		uint8_t		 head[12];
	} bad[] = {
		{ "length below the head", { 0, 0, 0, 7, 0, 2, 0, 0, 0, 0, 0, 0 } },
		{ "length zero", { 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0 } },
		{ "length over the ceiling", { 0, 4, 0, 9, 0, 2, 0, 0, 0, 0, 0, 0 } },
		{ "length all ones", { 0xff, 0xff, 0xff, 0xff, 0, 2, 0, 0, 0, 0, 0, 0 } },
		{ "unknown flag", { 0, 0, 0, 8, 0, 2, 0, 2, 0, 0, 0, 0 } },
		{ "unknown high flag", { 0, 0, 0, 8, 0, 2, 0x80, 0, 0, 0, 0, 0 } },
		{ "promised descriptor is missing", { 0, 0, 0, 8, 0, 2, 0, 1, 0, 0, 0, 0 } },
	};
	struct msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pair p = pair_new();

		print_message("# %s\n", bad[i].what);
		raw_send(p.raw, bad[i].head, sizeof(bad[i].head), NULL, 0);
		assert_int_equal(msgio_wait(p.io, &m, 1000), ERR_FORMAT);
		pair_free(&p);
	}
}

static void
descriptors_nobody_asked_for(void **state)
{
	static const uint8_t plain[12] = { 0, 0, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0 };
	static const uint8_t with_fd[12] = { 0, 0, 0, 8, 0, 2, 0, 1, 0, 0, 0, 0 };
	int fds[8] = { 0, 0, 0, 0, 0, 0, 0, 0 }, before = open_fds();
	struct pair p = pair_new();
	struct msg m;

	(void)state;
	/* One descriptor beside a frame that does not say so: refused when the frame has been taken. */
	raw_send(p.raw, plain, sizeof(plain), fds, 1);
	assert_int_equal(msgio_wait(p.io, &m, 1000), 0);
	assert_int_equal(m.fd, -1);
	assert_int_equal(msgio_next(p.io, &m), ERR_FORMAT);
	pair_free(&p);

	/* Two beside one frame. */
	p = pair_new();
	raw_send(p.raw, with_fd, sizeof(with_fd), fds, 2);
	assert_int_equal(msgio_wait(p.io, &m, 1000), 0);
	assert_int_not_equal(m.fd, -1);
	msg_release(&m);
	assert_int_equal(msgio_next(p.io, &m), ERR_FORMAT);
	pair_free(&p);

	/* More than the control buffer takes. */
	p = pair_new();
	raw_send(p.raw, with_fd, sizeof(with_fd), fds, 8);
	assert_int_equal(msgio_wait(p.io, &m, 1000), ERR_FORMAT);
	pair_free(&p);
	assert_int_equal(open_fds(), before);
}

static void
one_byte_at_a_time(void **state)
{
	static const uint8_t frame[] = { 0, 0, 0, 11, 1, 2, 0, 0, 0, 0, 0, 9, 'a', 'b', 'c' };
	struct pair p = pair_new();
	struct msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(frame); i++) {
		assert_int_equal(msgio_next(p.io, &m), ERR_AGAIN);
		raw_send(p.raw, frame + i, 1, NULL, 0);
		assert_int_equal(msgio_read(p.io), 0);
	}
	assert_int_equal(msgio_next(p.io, &m), 0);
	assert_int_equal(m.type, 0x102);
	assert_int_equal(m.id, 9);
	assert_int_equal(buf_len(m.body), 3);
	assert_memory_equal(buf_ptr(m.body), "abc", 3);
	assert_int_equal(msgio_read(p.io), ERR_AGAIN);
	pair_free(&p);
}

/* More than a socket holds, beside other frames: every part in its place, whether it was sent at once or had to wait. */
static void
long_frames_go_through_in_order(void **state)
{
	static uint8_t much[100000];
	struct pair p = pair_new();
	struct msgio *peer = msgio_new(p.raw);
	struct buf *body = buf_new(16);
	int before = open_fds(), frames = 12;
	struct msg m;

	(void)state;
	p.raw = -1;
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (uint8_t)(i * 13 + i / 251);
	for (int i = 0; i < frames; i++) {
		size_t n = sizeof(much) - (size_t)i * 4099;

		buf_clear(body);
		assert_int_equal(buf_put_u32(body, (uint32_t)i), 0);
		assert_int_equal(msgio_send_long(p.io, 2, (uint32_t)i, body, much + i, n), 0);
		assert_int_equal(msgio_send(p.io, 4, (uint32_t)i, NULL, i % 3 == 0 ? dup(0) : -1), 0);
	}
	assert_true(msgio_queued(p.io) > 0);
	for (int got = 0; got < 2 * frames;) {
		int r = msgio_next(peer, &m);
		uint32_t at;

		if (r == ERR_AGAIN) {
			(void)msgio_flush(p.io);
			r = msgio_read(peer);
			assert_true(r == 0 || r == ERR_AGAIN);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(m.id, got / 2);
		assert_int_equal(m.type, got % 2 == 0 ? 2 : 4);
		assert_int_equal(m.fd != -1, got % 6 == 1);
		if (got % 2 == 0) {
			assert_int_equal(buf_get_u32(m.body, &at), 0);
			assert_int_equal(at, got / 2);
			assert_int_equal(buf_len(m.body), sizeof(much) - (size_t)at * 4099);
			assert_memory_equal(buf_ptr(m.body), much + at, buf_len(m.body));
		}
		msg_release(&m);
		got++;
	}
	assert_int_equal(open_fds(), before);
	assert_int_equal(msgio_send_long(p.io, 2, 0, body, much, MSG_MAX), ERR_TOOBIG);
	buf_free(body);
	msgio_free(peer);
	pair_free(&p);
}

static void
a_peer_that_does_not_read_is_bounded(void **state)
{
	struct pair p = pair_new();
	struct buf *body = buf_new(MSG_MAX + 1);
	int before, r = 0, fd;
	uint8_t *fill;

	(void)state;
	assert_int_equal(buf_reserve(body, MSG_MAX + 1, &fill), 0);
	memset(fill, 'x', MSG_MAX + 1);
	before = open_fds();
	fd = dup(0);
	assert_int_equal(msgio_send(p.io, 2, 0, body, fd), ERR_TOOBIG);
	assert_int_equal(open_fds(), before);
	buf_trim(body, 1);
	for (int i = 0; i < 100 && r == 0; i++)
		r = msgio_send(p.io, 2, 0, body, -1);
	assert_int_equal(r, ERR_TOOBIG);
	assert_true(msgio_queued(p.io) <= MSG_OUT_MAX);
	fd = dup(0);
	assert_int_equal(msgio_send(p.io, 2, 0, body, fd), ERR_TOOBIG);
	assert_int_equal(open_fds(), before);
	buf_free(body);
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_through_in_order),
		cmocka_unit_test(descriptors_stay_with_their_frames),
		cmocka_unit_test(hostile_frames_are_refused),
		cmocka_unit_test(descriptors_nobody_asked_for),
		cmocka_unit_test(one_byte_at_a_time),
		cmocka_unit_test(long_frames_go_through_in_order),
		cmocka_unit_test(a_peer_that_does_not_read_is_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
