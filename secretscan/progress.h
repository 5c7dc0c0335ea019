/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: one line on the terminal that standard error is, while the program works; nothing when it is none,
 * or a dumb one.
 */
#ifndef SECRETSCAN_PROGRESS_H
#define SECRETSCAN_PROGRESS_H

#include <stddef.h>

struct progress;

struct progress	*progress_new(void);
void		 progress_free(struct progress *);
/* From any thread: so many bytes were scanned. */
void		 progress_bytes(struct progress *, size_t n);
/* From one thread, as the next two: contents done, and secrets found in them. */
void		 progress_contents(struct progress *, size_t contents, size_t found);
/* From the thread that also writes: draw, at most five times a second. */
void		 progress_draw(struct progress *);
/* Take the line away, before something else is written. */
void		 progress_clear(struct progress *);

#endif
