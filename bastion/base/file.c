/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

static int
file_slurp(int fd, struct buf *b)
{
	struct stat st;
	ssize_t more;
	char c;
	int r;

	if (fstat(fd, &st) == -1)
		return ERR_SYSTEM;
	if (!S_ISREG(st.st_mode))
		return ERR_FORMAT;
	if ((size_t)st.st_size > buf_room(b))
		return ERR_TOOBIG;
	while (buf_room(b) > 0)
		if ((r = buf_read(b, fd, 65536)) != 0)
			return r == ERR_EOF ? 0 : r;
	/* Full to the brim: a file that has grown since, or that hides its size as in /proc, must not be cut in silence. */
	do
		more = read(fd, &c, 1);
	while (more == -1 && errno == EINTR);
	return more == 0 ? 0 : more == 1 ? ERR_TOOBIG : ERR_SYSTEM;
}

int
file_read(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r, saved;

	if (fd == -1)
		return ERR_SYSTEM;
	r = file_slurp(fd, b);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
file_read_private(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW), r, saved;
	struct stat st;

	if (fd == -1)
		return ERR_SYSTEM;
	if (fstat(fd, &st) == -1)
		r = ERR_SYSTEM;
	else if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077) != 0)
		r = ERR_DENIED;
	else
		r = file_slurp(fd, b);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
file_write_all(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n > 0) {
		ssize_t k = write(fd, s, n);

		if (k == -1 && errno == EINTR)
			continue;
		if (k <= 0)
			return ERR_SYSTEM;
		s += k;
		n -= (size_t)k;
	}
	return 0;
}

int
file_write(const char *path, const void *p, size_t n, mode_t mode)
{
	char *tmp = xasprintf("%s.tmp-XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC), r = ERR_SYSTEM, saved;

	if (fd != -1 && fchmod(fd, mode) == 0 && file_write_all(fd, p, n) == 0 && fsync(fd) == 0 && rename(tmp, path) == 0)
		r = 0;
	saved = errno;
	if (fd != -1) {
		close(fd);
		if (r != 0)
			(void)unlink(tmp);
	}
	free(tmp);
	errno = saved;
	return r;
}

int
file_mkdirs(const char *path, mode_t mode)
{
	char *copy = xstrdup(path), *s = copy;
	struct stat st;
	int r = 0, saved;

	do {
		s = strchr(*s == '\0' ? s : s + 1, '/');
		if (s != NULL)
			*s = '\0';
		if (mkdir(copy, mode) == -1 && errno != EEXIST)
			r = ERR_SYSTEM;
		else if (s == NULL && stat(copy, &st) == 0 && !S_ISDIR(st.st_mode)) {
			errno = ENOTDIR;
			r = ERR_SYSTEM;
		}
		if (s != NULL)
			*s = '/';
	} while (r == 0 && s != NULL);
	saved = errno;
	free(copy);
	errno = saved;
	return r;
}

char *
file_join(const char *dir, const char *name)
{
	return name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", dir, name);
}

char *
file_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}
