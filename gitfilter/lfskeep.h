/* SPDX-License-Identifier: Apache-2.0 */
/* lfskeep: the keeper of LFS objects, see lfskeep_msg.h. */
#ifndef GITFILTER_LFSKEEP_H
#define GITFILTER_LFSKEEP_H

#include <stdint.h>

#include "gitfilter/lfsstore.h"

struct secretscan;

enum lfskeep_mode { LFSKEEP_UPLOAD, LFSKEEP_DOWNLOAD, LFSKEEP_PUSH };

struct lfskeep_params {
	enum lfskeep_mode	 mode;
	int			 owner_fd, parent_fd;	/* links; parent_fd for a push alone, else -1 */
	struct lfs_store	 store;
	const struct secretscan	*scanner;
	uint64_t		 max_object, max_held;	/* bytes */
};

/* Runs until a link goes; returns the process's exit status. Enters no sandbox: the caller has. */
int	lfskeep_run(const struct lfskeep_params *);

#endif
