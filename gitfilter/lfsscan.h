/* SPDX-License-Identifier: Apache-2.0 */
/* lfsscan: the content of one LFS object through secretscan, from a file. */
#ifndef GITFILTER_LFSSCAN_H
#define GITFILTER_LFSSCAN_H

#include <stdint.h>

#include "secretscan/secretscan.h"

/*
 * Scan the first size bytes of fd: whole, as a pushed blob is, up to LFS_WHOLE_MAX; a larger one as a stream, in which no
 * container is opened: then the last finding is a notice, not-fully-scanned. 0, what fn said, ERR_SYSTEM (the file cannot be
 * read to its end), or a negative code of secretscan: not scanned.
 */
int	lfs_scan(const struct secretscan *, int fd, uint64_t size, secretscan_fn fn, void *arg);

#endif
