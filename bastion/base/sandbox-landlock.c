/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of the file system a process sees, by Landlock (Linux 5.13 and later, when it is switched on). It is a
 * second wall behind the user's own rights: where the kernel has none, the first one stands alone.
 */
#include "bastion/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bastion/base/err.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif

#define OF_FILES	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | \
			LANDLOCK_ACCESS_FS_TRUNCATE)
#define NAMES		(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define READING		(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)
#define FIRST_ALL	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)	/* of the first version */

/* Everything that this kernel can forbid; 0 when it has no Landlock. */
static uint64_t
known_rights(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (v < 1)
		return 0;
	return FIRST_ALL | (v >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (v >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
}

static int
add_path(int rules, const struct sandbox_path *p, uint64_t known)
{
	struct landlock_path_beneath_attr a = { .allowed_access = p->access == SANDBOX_READ ? READING :
	    p->access == SANDBOX_NAMES ? NAMES : known };
	struct stat st;
	int r = 0;

	if ((a.parent_fd = open(p->path, O_PATH | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : ERR_SYSTEM;
	a.allowed_access &= known;
	if (fstat(a.parent_fd, &st) == -1)
		r = ERR_SYSTEM;
	else if (!S_ISDIR(st.st_mode))
		a.allowed_access &= OF_FILES;
	if (r == 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0) == -1)
		r = ERR_SYSTEM;
	close(a.parent_fd);
	return r;
}

int
sandbox_paths(const struct sandbox_path *paths, size_t n)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = known_rights() };
	int rules, r = 0;

	if (all.handled_access_fs == 0)
		return 0;
	if ((rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0)) == -1)
		return ERR_SYSTEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_path(rules, &paths[i], all.handled_access_fs);
	if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || syscall(SYS_landlock_restrict_self, rules, 0) == -1))
		r = ERR_SYSTEM;
	close(rules);
	return r;
}
