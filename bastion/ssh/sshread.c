/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/sshread.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As its fd, a place that is free. */
#define FREE	(-1)

struct ahead {
	int	 fd;
	bool	 polled;	/* by the poll() here: only then would bytes that lie here be found */
	size_t	 at, n;		/* of its room, what is left */
};

static uint8_t room[SSHREAD_FDS][SSHREAD_AHEAD];	/* memory only once it is used */
static struct ahead aheads[SSHREAD_FDS] = { { .fd = FREE }, { .fd = FREE }, { .fd = FREE }, { .fd = FREE } };
static unsigned waiting;	/* of them, those with bytes */

static struct ahead *
find(int fd)
{
	for (size_t i = 0; i < SSHREAD_FDS; i++)
		if (aheads[i].fd == fd)
			return &aheads[i];
	return NULL;
}

static uint8_t *
room_of(const struct ahead *a)
{
	return room[a - aheads];
}

static void
forget(struct ahead *a)
{
	if (a->at < a->n)
		waiting--;
	a->fd = FREE;
	a->polled = false;
	a->at = a->n = 0;
}

void
sshread_begin(int fd)
{
	struct ahead *a = find(fd);

	if (a != NULL)
		forget(a);
	if (fd >= 0 && (a = find(FREE)) != NULL)
		a->fd = fd;
}

bool
sshread_waits(void)
{
	return waiting > 0;
}

static ssize_t
hand_out(struct ahead *a, void *to, size_t len)
{
	size_t n = a->n - a->at < len ? a->n - a->at : len;

	memcpy(to, room_of(a) + a->at, n);
	a->at += n;
	if (a->at == a->n)
		waiting--;
	return (ssize_t)n;
}

ssize_t
recv(int fd, void *to, size_t len, int flags)
{
	struct ahead *a = fd < 0 ? NULL : find(fd);
	struct iovec iov[2] = { { .iov_base = to, .iov_len = len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (a == NULL || !a->polled || flags != 0 || len == 0)
		return recvfrom(fd, to, len, flags, NULL, NULL);
	if (a->at < a->n)
		return hand_out(a, to, len);
	iov[1] = (struct iovec){ .iov_base = room_of(a), .iov_len = SSHREAD_AHEAD };
	if ((n = recvmsg(fd, &m, 0)) <= (ssize_t)len)
		return n;
	a->at = 0;
	a->n = (size_t)n - len;
	waiting++;
	return (ssize_t)len;
}

/* Those that need not be asked for: none of the others is looked at then, which is made up for when they are used up. */
static int
poll_waiting(struct pollfd *fds, nfds_t n)
{
	int found = 0;

	for (nfds_t i = 0; i < n; i++) {
		const struct ahead *a = fds[i].fd < 0 ? NULL : find(fds[i].fd);

		fds[i].revents = a != NULL && a->at < a->n ? (short)(fds[i].events & POLLIN) : 0;
		found += fds[i].revents != 0;
	}
	return found;
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	int found = waiting > 0 ? poll_waiting(fds, n) : 0;

	if (found > 0)
		return found;
	for (size_t i = 0; i < SSHREAD_FDS; i++)
		for (nfds_t k = 0; aheads[i].fd != FREE && !aheads[i].polled && k < n; k++)
			aheads[i].polled = fds[k].fd == aheads[i].fd;
	return ppoll(fds, n, ms < 0 ? NULL : &ts, NULL);
}

int
close(int fd)
{
	struct ahead *a = fd < 0 ? NULL : find(fd);

	if (a != NULL)
		forget(a);
	return (int)syscall(SYS_close, fd);
}
