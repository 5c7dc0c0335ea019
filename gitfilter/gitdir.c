/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/gitdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/id.h"

#define REPO_NAME_MAX	512

static int
gitdir_open_below(int dir, const char *name)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

bool
gitdir_is_bare(int fd)
{
	return faccessat(fd, "HEAD", F_OK, 0) == 0 && faccessat(fd, "objects", F_OK, 0) == 0 &&
	    faccessat(fd, "refs", F_OK, 0) == 0;
}

int
gitdir_enter(const char *dir, const char *name, char *why, size_t size)
{
	char full[REPO_NAME_MAX + 8];
	int top = -1, fd = -1, r = ERR_NOTFOUND;

	if (!name_is_safe(name, REPO_NAME_MAX)) {
		(void)snprintf(why, size, "this is not the name of a repository");
		return ERR_FORMAT;
	}
	if ((top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1) {
		(void)snprintf(why, size, "the folder of repositories cannot be opened: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	(void)snprintf(full, sizeof(full), "%s.git", name);
	if ((fd = gitdir_open_below(top, name)) == -1 || !gitdir_is_bare(fd)) {
		if (fd != -1)
			close(fd);
		fd = gitdir_open_below(top, full);
	}
	if (fd == -1)
		(void)snprintf(why, size, "repository %s does not exist here", name);
	else if (!gitdir_is_bare(fd)) {
		(void)snprintf(why, size, "%s is not a bare repository", name);
		r = ERR_DENIED;
	} else if (fchdir(fd) == -1) {
		(void)snprintf(why, size, "repository %s cannot be entered: %s", name, strerror(errno));
		r = ERR_SYSTEM;
	} else
		r = 0;
	if (fd != -1)
		close(fd);
	close(top);
	return r;
}
