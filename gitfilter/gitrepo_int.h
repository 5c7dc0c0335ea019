/* SPDX-License-Identifier: Apache-2.0 */
/* gitrepo_int: what the files that meet libgit2 share. */
#ifndef GITFILTER_GITREPO_INT_H
#define GITFILTER_GITREPO_INT_H

#include <git2.h>

#include "gitfilter/gitrepo.h"

struct gitrepo {
	git_repository	*git;
};

#endif
