/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xmalloc: allocation for programs. Out of memory ends the process: a session's death costs one connection, and the
 * long-lived processes restart from their journals. Libraries (secretscan, gitfilter) do not use this.
 */
#ifndef BASE_XMALLOC_H
#define BASE_XMALLOC_H

#include <stddef.h>

void	*xmalloc(size_t n);
void	*xcalloc(size_t n, size_t size);
void	*xreallocarray(void *p, size_t n, size_t size);
char	*xstrdup(const char *s);
char	*xstrndup(const char *s, size_t n);
/* printf into fresh memory; the caller frees. */
char	*xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Overwrite n bytes, then free; NULL is fine. For keys and secrets. */
void	 freezero(void *p, size_t n);

#endif
