/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/given.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_MS	5000	/* a command behind a pipe begins to write within that, or nobody does */

int
given_open(const char *path, const char **whyp)
{
	struct pollfd pfd = { .events = POLLIN };
	struct stat st;
	int fd, r;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		*whyp = strerror(errno);
		return -1;
	}
	errno = 0;
	*whyp = "not a file";
	if (fstat(fd, &st) == -1 || (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)))
		goto wrong;
	if (S_ISFIFO(st.st_mode)) {
		*whyp = "a pipe to which nobody writes";
		pfd.fd = fd;
		do
			r = poll(&pfd, 1, PIPE_MS);
		while (r == -1 && errno == EINTR);
		if (r <= 0)
			goto wrong;
	}
	if (fcntl(fd, F_SETFL, 0) == 0) {
		*whyp = NULL;
		return fd;
	}
	*whyp = strerror(errno);
wrong:
	close(fd);
	errno = 0;
	return -1;
}
