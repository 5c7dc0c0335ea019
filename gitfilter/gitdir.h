/* SPDX-License-Identifier: Apache-2.0 */
/* gitdir: finding the folder of one hosted bare repository, safely. */
#ifndef GITFILTER_GITDIR_H
#define GITFILTER_GITDIR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Make the repository called name (or name.git) below dir the current folder, without leaving dir by "..", an absolute
 * path or a link. 0; ERR_NOTFOUND, ERR_FORMAT (not a name), ERR_DENIED (not a bare repository), ERR_SYSTEM, each with one
 * line in why.
 */
int	gitdir_enter(const char *dir, const char *name, char *why, size_t size);
/* Whether the folder with this descriptor looks like a bare repository. */
bool	gitdir_is_bare(int fd);

#endif
