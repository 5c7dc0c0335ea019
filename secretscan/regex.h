/* SPDX-License-Identifier: Apache-2.0 */
/* regex: a compiled expression, tried at one place only. The one file that includes PCRE2. */
#ifndef SECRETSCAN_REGEX_H
#define SECRETSCAN_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct regex;
struct regex_scratch;		/* what one thread needs while it matches */

enum regex_result {
	REGEX_NOMATCH,
	REGEX_MATCH,
	REGEX_PARTIAL,		/* the end of the text was looked at: more text could change the answer */
	REGEX_LIMIT,		/* too many steps */
	REGEX_NOMEM,
};

enum regex_more {
	REGEX_END,		/* the text is complete */
	REGEX_MORE,		/* the text may go on */
};

/*
 * An expression that is compiled when it is first needed. The pattern is borrowed for its life. NULL: no memory.
 */
struct regex	*regex_new(const char *pattern, bool caseless);
void		 regex_free(struct regex *);
/*
 * Compile it now, unless that was done: 0, SECRETSCAN_NOMEM, or SECRETSCAN_RULES when the expression is wrong; then
 * *errorp (caller frees), unless errorp is NULL, says why. Any thread may do it at any time.
 */
int		 regex_compile(const struct regex *, char **errorp);
/* How far before its start a compiled expression may look. */
size_t		 regex_lookbehind(const struct regex *);

/* The length of the shortest text that the expression matches, in bytes; 0 when that is not known. */
size_t		 regex_shortest(const char *pattern);

struct regex_scratch	*regex_scratch_new(void);
void			 regex_scratch_free(struct regex_scratch *);

/*
 * Match at p + start exactly. On REGEX_MATCH *endp is the end of the group named `secret`, or of the match where the
 * expression has no such group.
 */
enum regex_result	regex_exec(const struct regex *, struct regex_scratch *, const uint8_t *p, size_t n,
			    size_t start, enum regex_more more, size_t *endp);

#endif
