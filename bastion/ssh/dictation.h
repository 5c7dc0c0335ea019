/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dictation: what a shell without a terminal is told on its standard input. Nothing echoes it, so without this a recording
 * would show what commands print and not the commands. Masked, as markers of the recording, a line each; of very much only
 * the beginning. Typed input at a terminal is not kept: passwords are, there, and what is echoed is output.
 */
#ifndef SSH_DICTATION_H
#define SSH_DICTATION_H

#include <stddef.h>
#include <stdint.h>

struct dictation;
struct secretscan;
struct tape;

/* Both borrowed. */
struct dictation *dictation_new(const struct secretscan *, struct tape *);
void		 dictation_free(struct dictation *);	/* NULL is fine */

/* What was passed on to the shell. 0, or an error code: then the session must stop. */
int	dictation_take(struct dictation *, const void *p, size_t n, int64_t now_us);
/* Nothing more will come: what is held back, and a line without its end. Once. */
int	dictation_end(struct dictation *, int64_t now_us);

#endif
