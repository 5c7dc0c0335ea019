/* SPDX-License-Identifier: Apache-2.0 */
/* file: whole small files, safely. Paths are the operator's, never an agent's. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

struct buf;

/* All of a regular file into b (its ceiling holds). 0, ERR_SYSTEM, ERR_TOOBIG, ERR_FORMAT (not a regular file). */
int	file_read(const char *path, struct buf *b);
/*
 * As file_read for a file that holds a secret: it must belong to us or root and be readable by its owner alone,
 * otherwise ERR_DENIED.
 */
int	file_read_private(const char *path, struct buf *b);
/* Write to a temporary name in the same folder, fsync, rename. 0 or ERR_SYSTEM. */
int	file_write(const char *path, const void *p, size_t n, mode_t mode);
/* All n bytes to fd, however many writes it takes. 0 or ERR_SYSTEM. For blocking descriptors. */
int	file_write_all(int fd, const void *p, size_t n);
/* mkdir, and every missing folder above it. An existing folder is fine. 0 or ERR_SYSTEM. */
int	file_mkdirs(const char *path, mode_t mode);
/* dir + "/" + name, or name itself when it is absolute. The caller frees. */
char	*file_join(const char *dir, const char *name);
/* The folder part of a path, "." when there is none. The caller frees. */
char	*file_dir(const char *path);

#endif
