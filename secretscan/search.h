/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: an expression that is looked for anywhere in a text, for rules that have no literal to stand on (regex.h tries
 * at one place). Slow next to that, and bounded: in steps at each place, and in time for each text.
 */
#ifndef SECRETSCAN_SEARCH_H
#define SECRETSCAN_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search;
struct search_scratch;		/* of one thread */

#define SEARCH_GROUPS	16	/* and the whole match; later groups are not told */

struct search_match {
	size_t	 start[SEARCH_GROUPS + 1], end[SEARCH_GROUPS + 1];	/* SIZE_MAX: took no part */
	size_t	 n;			/* groups of the expression, with the whole match */
};

enum search_result {
	SEARCH_NONE,
	SEARCH_FOUND,
	SEARCH_LIMIT,		/* too many steps, or the time is over */
};

/* pattern: of PCRE2, on bytes, or on characters of UTF-8. NULL and *errorp (caller frees) when it is wrong. */
struct search		*search_new(const char *pattern, bool utf, char **errorp);
void			 search_free(struct search *);
/* NULL when there is no memory. */
struct search_scratch	*search_scratch_new(void);
void			 search_scratch_free(struct search_scratch *);

/* The processor time of this thread in nanoseconds, of which deadlines are made. */
int64_t			 search_clock(void);
/* The first match at `from` or later. */
enum search_result	 search_next(const struct search *, struct search_scratch *, const uint8_t *p, size_t n, size_t from,
			    int64_t deadline, struct search_match *);
/* Does it match anywhere? A limit counts as no. */
bool			 search_matches(const struct search *, struct search_scratch *, const void *p, size_t n);

#endif
