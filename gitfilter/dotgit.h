/* SPDX-License-Identifier: Apache-2.0 */
/* dotgit: which of git's own files a name stands for on some system, however it is written there. */
#ifndef GITFILTER_DOTGIT_H
#define GITFILTER_DOTGIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dotgit { DOTGIT, DOTGIT_MODULES, DOTGIT_ATTRIBUTES, DOTGIT_IGNORE, DOTGIT_MAILMAP, DOTGIT_NAMES };

/*
 * Whether a file of this name would be that one: in any case; on a Mac, whose file system drops invisible characters; on
 * Windows, which drops dots and spaces at the end and what follows a colon, has short names, and takes a backslash for a slash.
 */
bool	dotgit_is(enum dotgit, const uint8_t *p, size_t n);

#endif
