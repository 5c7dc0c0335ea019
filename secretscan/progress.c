/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/progress.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "secretscan/alloc.h"

#define DRAW_NS	200000000

struct progress {
	_Atomic uint64_t	bytes;
	size_t			contents, found;
	int64_t			began, drawn;
	bool			on, visible;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct progress *
progress_new(void)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	const char *term = getenv("TERM");

	p->on = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
	p->began = p->drawn = now_ns();
	return p;
}

void
progress_free(struct progress *p)
{
	if (p != NULL)
		progress_clear(p);
	free(p);
}

void
progress_bytes(struct progress *p, size_t n)
{
	atomic_fetch_add_explicit(&p->bytes, n, memory_order_relaxed);
}

void
progress_contents(struct progress *p, size_t contents, size_t found)
{
	p->contents = contents;
	p->found = found;
	progress_draw(p);
}

void
progress_draw(struct progress *p)
{
	int64_t now;
	double mb, seconds;

	if (!p->on || (now = now_ns()) - p->drawn < DRAW_NS)
		return;
	p->drawn = now;
	p->visible = true;
	mb = (double)atomic_load_explicit(&p->bytes, memory_order_relaxed) / 1e6;
	seconds = (double)(now - p->began) / 1e9;
	fprintf(stderr, "\r%zu scanned, %.1f MB, %.0f MB/s, %zu found\033[K", p->contents, mb, mb / seconds, p->found);
	fflush(stderr);
}

void
progress_clear(struct progress *p)
{
	if (!p->visible)
		return;
	p->visible = false;
	fprintf(stderr, "\r\033[K");
	fflush(stderr);
}
