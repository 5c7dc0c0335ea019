/* SPDX-License-Identifier: Apache-2.0 */
/* modules: what may be wrong with the content of a .gitmodules file (gitmodules(5), git-config(1) "Syntax"). */
#ifndef GITFILTER_MODULES_H
#define GITFILTER_MODULES_H

#include "gitfilter/fsck.h"

/* Every fault of it: FSCK_GITMODULES_NAME, _PARSE, _PATH, _UPDATE, _URL. 0 or what the function said; ERR_NOMEM. */
int	modules_check(const uint8_t *p, size_t n, fsck_fn, void *arg);

#endif
