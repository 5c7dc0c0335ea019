/* SPDX-License-Identifier: Apache-2.0 */
/* strvec: a NULL-ended list of owned strings, for argument vectors and word lists. Out of memory is fatal. */
#ifndef BASE_STRVEC_H
#define BASE_STRVEC_H

#include <stdbool.h>
#include <stddef.h>

struct strvec {
	char	**v;	/* v[n] is NULL; NULL itself while empty */
	size_t	  n;
};

#define STRVEC_INIT	{ NULL, 0 }

void	strvec_init(struct strvec *);
void	strvec_release(struct strvec *);	/* empty again, reusable */
void	strvec_push(struct strvec *, const char *s);	/* copies */
void	strvec_pushf(struct strvec *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	strvec_take(struct strvec *, char *s);	/* moves */
bool	strvec_has(const struct strvec *, const char *s);
/* Joined by sep into fresh memory; the caller frees. */
char	*strvec_join(const struct strvec *, const char *sep);

#endif
