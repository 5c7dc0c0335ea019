/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starve: preloaded into the daemon by t6605. In each process that it forks one allocation fails, one of the first so many as
 * the file $STARVE says.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned long left;	/* until the one that fails; 0 = none does */

static int
is_the_one(void)
{
	return left > 0 && --left == 0;
}

static void
in_child(void)
{
	char text[32] = "";
	const char *path = getenv("STARVE");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	/* Another one in every process, as its number has it. */
	if (read(fd, text, sizeof(text) - 1) > 0 && strtoul(text, NULL, 10) > 0)
		left = 1 + ((unsigned long)getpid() * 2654435761UL >> 7) % strtoul(text, NULL, 10);
	close(fd);
}

__attribute__((constructor)) static void
begin(void)
{
	(void)pthread_atfork(NULL, NULL, in_child);
}

void *
malloc(size_t n)
{
	static void *(*real)(size_t);

	if (real == NULL)
		real = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	return is_the_one() ? NULL : real(n);
}

void *
realloc(void *p, size_t n)
{
	static void *(*real)(void *, size_t);

	if (real == NULL)
		real = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	return is_the_one() ? NULL : real(p, n);
}
