/* SPDX-License-Identifier: Apache-2.0 */
/* logread: the lines of audit/log.jsonl, one after the other, with a ceiling on each. */
#ifndef AUDIT_LOGREAD_H
#define AUDIT_LOGREAD_H

#include <stddef.h>
#include <stdint.h>

#define AUDIT_LINE_MAX	(64 * 1024)	/* one record, without its LF */

struct logread;

/* Takes over fd. NULL = no memory. */
struct logread	*logread_new(int fd);
void		 logread_free(struct logread *);	/* closes; NULL is fine */
/*
 * The next line without its LF; valid until the next call. 0, ERR_EOF (the end, after a whole line), ERR_SHORT (the
 * file ends inside a line: *np bytes of it), ERR_TOOBIG (a line over the ceiling), ERR_SYSTEM.
 */
int		 logread_next(struct logread *, const char **linep, size_t *np);
/* Offset in the file of the line last returned. */
uint64_t	 logread_offset(const struct logread *);

#endif
