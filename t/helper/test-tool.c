/* SPDX-License-Identifier: Apache-2.0 */
/* test-tool: what test scripts need and the shell has not. One row a sub-command. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bastion/base/clock.h"

struct command {
	const char	*name;
	const char	*usage;
	int		 nargs;
	int		(*run)(char **argv);
};

static bool
number(const char *s, long long min, long long max, long long *vp)
{
	char *end;

	*vp = strtoll(s, &end, 10);
	return end != s && *end == '\0' && *vp >= min && *vp <= max;
}

/* Milliseconds of the monotonic clock, for a script's deadlines. */
static int
cmd_ms(char **argv)
{
	(void)argv;
	printf("%" PRId64 "\n", clock_mono_ms());
	return 0;
}

static int
cmd_nap(char **argv)
{
	struct timespec ts;
	long long ms;

	if (!number(argv[0], 0, 1000, &ms))
		return 2;
	ts.tv_sec = (time_t)(ms / 1000);
	ts.tv_nsec = (long)(ms % 1000) * 1000000;
	nanosleep(&ts, NULL);
	return 0;
}

static int
loopback(uint16_t port, bool do_bind, int *fdp)
{
	struct sockaddr_in sin;
	int fd, on = 1, r;

	memset(&sin, 0, sizeof sin);
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	r = do_bind ? bind(fd, (struct sockaddr *)&sin, sizeof sin) : connect(fd, (struct sockaddr *)&sin, sizeof sin);
	if (r == -1) {
		close(fd);
		return -1;
	}
	*fdp = fd;
	return 0;
}

/*
 * A loopback port that nobody has. It lies below the range that the kernel gives to outgoing connections, so no
 * client takes it between now and its use, and starts at a place of this process's own, so scripts side by side differ.
 */
static int
cmd_free_port(char **argv)
{
	unsigned i, port;
	int fd;

	(void)argv;
	for (i = 0; i < 20000; i++) {
		port = 11000 + ((unsigned)getppid() * 37 + (unsigned)getpid() * 7 + i) % 20000;
		if (loopback((uint16_t)port, true, &fd) == 0) {
			close(fd);
			printf("%u\n", port);
			return 0;
		}
	}
	fprintf(stderr, "test-tool: no free port\n");
	return 1;
}

/* Whether something listens there. */
static int
cmd_accepts(char **argv)
{
	long long port;
	int fd;

	if (!number(argv[0], 1, 65535, &port))
		return 2;
	if (loopback((uint16_t)port, false, &fd) != 0)
		return 1;
	close(fd);
	return 0;
}

/* Change one byte of a file: what a vandal does to a log. */
static int
cmd_flip(char **argv)
{
	long long offset;
	unsigned char c;
	int fd, r = 1;

	if (!number(argv[1], 0, INT64_MAX, &offset))
		return 2;
	fd = open(argv[0], O_RDWR | O_CLOEXEC);
	if (fd == -1) {
		perror(argv[0]);
		return 1;
	}
	if (pread(fd, &c, 1, (off_t)offset) == 1) {
		c ^= 1;
		if (pwrite(fd, &c, 1, (off_t)offset) == 1)
			r = 0;
	}
	close(fd);
	return r;
}

/* One read, all of it written. False at the end of either. */
static bool
pass_on(int from, int to)
{
	char piece[16384];
	ssize_t n = read(from, piece, sizeof(piece)), w;

	for (ssize_t at = 0; at < n; at += w)
		if ((w = write(to, piece + at, (size_t)(n - at))) <= 0)
			return false;
	return n > 0;
}

/* Standard input and output to a port: what a program does that connects for somebody. Notes who it is in a file first. */
static int
cmd_relay(char **argv)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	long long port;
	FILE *f = fopen(argv[1], "a");

	if (!number(argv[0], 1, 65535, &port) || f == NULL)
		return 2;
	fprintf(f, "%d %s\n", (int)getpid(), argv[2]);
	fclose(f);
	if (loopback((uint16_t)port, false, &p[1].fd) != 0)
		return 1;
	fprintf(stderr, "relay for \033[31m%s\n", argv[2]);
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents != 0 && !pass_on(STDIN_FILENO, p[1].fd)) {
			(void)shutdown(p[1].fd, SHUT_WR);
			p[0].fd = -1;
		}
		if (p[1].revents != 0 && !pass_on(p[1].fd, STDOUT_FILENO))
			break;
	}
	close(p[1].fd);
	return 0;
}

static const struct command commands[] = {
	{ "accepts", "accepts PORT", 1, cmd_accepts },
	{ "flip", "flip FILE OFFSET", 2, cmd_flip },
	{ "free-port", "free-port", 0, cmd_free_port },
	{ "ms", "ms", 0, cmd_ms },
	{ "nap", "nap MILLISECONDS", 1, cmd_nap },
	{ "relay", "relay PORT FILE WORD", 3, cmd_relay },
};

int
main(int argc, char **argv)
{
	size_t i;
	int r;

	for (i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		r = argc - 2 == commands[i].nargs ? commands[i].run(argv + 2) : 2;
		if (r == 2)
			fprintf(stderr, "usage: test-tool %s\n", commands[i].usage);
		return r;
	}
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		fprintf(stderr, "usage: test-tool %s\n", commands[i].usage);
	return 2;
}
