/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findings: what was found in one content, in all the forms in which it was read, until one finding each can be told.
 * Of those that overlap the specific one is told, of equals that of the plainest form.
 */
#ifndef SECRETSCAN_FINDINGS_H
#define SECRETSCAN_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "secretscan/secretscan.h"

enum findings_form {
	FINDINGS_PLAIN,
	FINDINGS_NOISE,		/* without what nobody sees */
	FINDINGS_ENCODING,
	FINDINGS_GUESS,
};

struct findings_extra {
	enum findings_form	 form;
	unsigned		 depth;		/* layers over it */
	bool			 generic;	/* of a rule that gives way to others */
	bool			 copy;		/* its texts and its secret do not live until findings_tell */
};

struct kept;

/* Of the caller, all zero at first. */
struct findings {
	struct kept	*v;
	size_t		 n, cap;
};

/* 0, SECRETSCAN_NOMEM, or SECRETSCAN_LIMIT when there are too many. */
int	findings_add(struct findings *, const struct secretscan_finding *, const struct findings_extra *);
/* Tell those that begin before `below`, in order, and forget them. 0 or what fn returned. */
int	findings_tell(struct findings *, size_t below, secretscan_fn fn, void *arg);
void	findings_release(struct findings *);

#endif
