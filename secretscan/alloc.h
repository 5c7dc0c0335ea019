/* SPDX-License-Identifier: Apache-2.0 */
/* alloc: memory for the program secretscan(1), which ends with a line and status 2 when there is none. Not the library's. */
#ifndef SECRETSCAN_ALLOC_H
#define SECRETSCAN_ALLOC_H

#include <stddef.h>

void	*xcalloc(size_t n, size_t size);
void	*xreallocarray(void *, size_t n, size_t size);
/* NULL stays NULL. */
char	*xstrdup(const char *);
void	*xmemdup(const void *, size_t n);
char	*xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
