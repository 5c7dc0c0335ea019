/* SPDX-License-Identifier: Apache-2.0 */
/* gitbox: a scratch folder with repositories that the real git makes, for tests. Any failure ends the test. */
#ifndef UNIT_GITBOX_H
#define UNIT_GITBOX_H

#include <stddef.h>

struct buf;

/* A fresh folder, made the current one; it is removed by gitbox_end. */
void	gitbox_begin(void);
void	gitbox_end(void);
const char	*gitbox_path(void);
/* Run git with these words (NULL-ended), input on stdin (may be NULL). Its stdout without the last newline; the caller
 * frees. A status other than 0 ends the test. */
char	*gitbox_git(const char *input, ...) __attribute__((sentinel));
/* The status alone. */
int	gitbox_try(const char *word, ...) __attribute__((sentinel));
/* As gitbox_git, into b, bytes as they are. */
void	gitbox_git_bytes(struct buf *b, const char *input, ...) __attribute__((sentinel));
/* Write a file below the folder; add and commit it in repository repo, and return the commit. The caller frees. */
char	*gitbox_commit(const char *repo, const char *file, const char *text, const char *message);

#endif
