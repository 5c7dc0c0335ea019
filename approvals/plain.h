/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain: text made fit to be shown to somebody who decides by it: valid UTF-8, one line, nothing invisible, nothing
 * that moves a cursor or turns the writing direction. What is not fit is shown as \xNN.
 */
#ifndef APPROVALS_PLAIN_H
#define APPROVALS_PLAIN_H

#include <stddef.h>

struct buf;

/* All of p as one line; the caller frees. */
char	*plain_line(const void *p, size_t n);
char	*plain_string(const char *s);	/* NULL is the empty string */
/* As plain_line, but line feeds stay; the caller frees. */
char	*plain_text(const void *p, size_t n);
/*
 * Text of many lines in which no line can pass for one of ours: every line starts with "  | ", and every piece of a
 * line over LINE_COLUMNS with "  + ". 0 or ERR_TOOBIG.
 */
int	 plain_block(struct buf *out, const void *p, size_t n);

#endif
