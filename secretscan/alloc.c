/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Perhaps in one thread of several: nothing is flushed and no handler runs. */
static void *
checked(void *p)
{
	static const char text[] = "secretscan: out of memory\n";

	if (p != NULL)
		return p;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(2);
}

void *
xcalloc(size_t n, size_t size)
{
	return checked(calloc(n > 0 ? n : 1, size));
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n > 0 ? n : 1, size));
}

char *
xstrdup(const char *s)
{
	return s != NULL ? checked(strdup(s)) : NULL;
}

void *
xmemdup(const void *p, size_t n)
{
	void *copy = xcalloc(n + 1, 1);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *
xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return checked(n == -1 ? NULL : text);
}
