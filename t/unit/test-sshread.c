/* SPDX-License-Identifier: Apache-2.0 */
/* Reading ahead for libssh: no byte lost, doubled or given to another descriptor, and none forgotten by poll(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/ssh/sshread.h"

#define ASK	4096
#define MUCH	(ASK + SSHREAD_AHEAD)

static uint8_t bytes[2 * MUCH], got[2 * MUCH];

static void
pair_new(int sv[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	memset(got, 0, sizeof(got));
}

static short
ask(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_true(poll(&p, 1, ms) >= 0);
	return p.revents;
}

static size_t
queued_in_kernel(int fd)
{
	static uint8_t peek[2 * MUCH];
	ssize_t n = recvfrom(fd, peek, sizeof(peek), MSG_PEEK | MSG_DONTWAIT, NULL, NULL);

	return n < 0 ? 0 : (size_t)n;
}

/* All of much is read in one call, and the kernel keeps what is more. */
static void
read_in_order(size_t more)
{
	size_t n = 0;
	int sv[2];

	pair_new(sv);
	sshread_begin(sv[0]);
	assert_int_equal(ask(sv[0], 0), 0);
	assert_int_equal(write(sv[1], bytes, MUCH + more), MUCH + more);
	assert_int_equal(ask(sv[0], 0), POLLIN);
	assert_false(sshread_waits());
	assert_int_equal(recv(sv[0], got, ASK, 0), ASK);
	assert_true(sshread_waits());
	assert_int_equal(queued_in_kernel(sv[0]), more);
	for (n = ASK; n < MUCH + more;) {
		ssize_t k;

		assert_int_equal(ask(sv[0], 0), POLLIN);
		k = recv(sv[0], got + n, ASK, 0);
		assert_true(k > 0);
		n += (size_t)k;
	}
	assert_memory_equal(got, bytes, MUCH + more);
	assert_false(sshread_waits());
	assert_int_equal(ask(sv[0], 0), 0);
	assert_int_equal(recv(sv[0], got, ASK, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(sv[1]);
	assert_true((ask(sv[0], 0) & POLLIN) != 0);
	assert_int_equal(recv(sv[0], got, ASK, 0), 0);
	close(sv[0]);
}

static void
much_is_read_at_once_and_handed_out_in_order(void **state)
{
	(void)state;
	read_in_order(0);
	read_in_order(10);
}

static void
what_lies_here_is_gone_with_its_descriptor(void **state)
{
	int sv[2], next[2];

	(void)state;
	pair_new(sv);
	sshread_begin(sv[0]);
	(void)ask(sv[0], 0);
	assert_int_equal(write(sv[1], bytes, 3 * ASK), 3 * ASK);
	assert_int_equal(recv(sv[0], got, ASK, 0), ASK);
	assert_true(sshread_waits());
	close(sv[0]);
	assert_false(sshread_waits());
	/* The number serves again: for another socket, which is not read ahead unless it is taken on as well. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, next), 0);
	assert_int_equal(next[0], sv[0]);
	assert_int_equal(ask(next[0], 0), 0);
	assert_int_equal(recv(next[0], got, ASK, 0), -1);
	assert_int_equal(write(next[1], bytes, 2 * ASK), 2 * ASK);
	(void)ask(next[0], 0);
	assert_int_equal(recv(next[0], got, ASK, 0), ASK);
	assert_int_equal(queued_in_kernel(next[0]), ASK);
	close(next[0]);
	close(next[1]);
	close(sv[1]);
}

/* Where a library does not poll through us, bytes that lie here would not be found: then none do. */
static void
nothing_is_read_ahead_for_who_does_not_poll_here(void **state)
{
	int sv[2];

	(void)state;
	pair_new(sv);
	sshread_begin(sv[0]);
	assert_int_equal(write(sv[1], bytes, 3 * ASK), 3 * ASK);
	assert_int_equal(recv(sv[0], got, ASK, 0), ASK);
	assert_false(sshread_waits());
	assert_int_equal(queued_in_kernel(sv[0]), 2 * ASK);
	(void)ask(sv[0], 0);
	assert_int_equal(recv(sv[0], got, ASK, MSG_PEEK), ASK);
	assert_false(sshread_waits());
	close(sv[0]);
	close(sv[1]);
}

static void
there_is_room_for_so_many_and_not_for_more(void **state)
{
	int sv[SSHREAD_FDS + 1][2];

	(void)state;
	for (int i = 0; i <= SSHREAD_FDS; i++) {
		pair_new(sv[i]);
		sshread_begin(sv[i][0]);
		(void)ask(sv[i][0], 0);
		assert_int_equal(write(sv[i][1], bytes + i, 2 * ASK), 2 * ASK);
		assert_int_equal(recv(sv[i][0], got, ASK, 0), ASK);
		assert_int_equal(queued_in_kernel(sv[i][0]), i < SSHREAD_FDS ? 0 : ASK);
	}
	for (int i = 0; i <= SSHREAD_FDS; i++) {
		assert_int_equal(recv(sv[i][0], got, ASK, 0), ASK);
		assert_memory_equal(got, bytes + i + ASK, ASK);
		close(sv[i][0]);
		close(sv[i][1]);
	}
	assert_false(sshread_waits());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_is_read_at_once_and_handed_out_in_order),
		cmocka_unit_test(what_lies_here_is_gone_with_its_descriptor),
		cmocka_unit_test(nothing_is_read_ahead_for_who_does_not_poll_here),
		cmocka_unit_test(there_is_room_for_so_many_and_not_for_more),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
