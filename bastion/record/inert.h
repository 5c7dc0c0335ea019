/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inert: what a recorded program printed, made safe for the terminal of the one who watches. Colours, cursor
 * movement and erasing pass; whatever sets titles, writes the clipboard, makes links, moves windows, prints, switches
 * on the mouse or makes the terminal answer is left out. Sequences split between calls are held back until they are whole.
 */
#ifndef RECORD_INERT_H
#define RECORD_INERT_H

#include <stddef.h>

struct buf;
struct inert;

enum inert_mode {
	INERT_TERMINAL,	/* sequences of the list pass */
	INERT_PLAIN,	/* none passes, nor a carriage return: for files and pipes */
};

struct inert	*inert_new(enum inert_mode);	/* NULL = no memory */
void		 inert_free(struct inert *);	/* NULL is fine */
/* Append what is safe of n bytes. 0 or the buf's error. At most n bytes and a held sequence are appended. */
int		 inert_filter(struct inert *, const void *p, size_t n, struct buf *out);

#endif
