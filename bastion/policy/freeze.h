/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freeze: windows of time in which what the rules allow is denied, or asked about. The `freeze` list of a policy file. All
 * times are UTC. A window has a beginning and an end (either may be left out), days of the week and hours of the day; it is
 * on when all of these say so. Hours over midnight ("22:00-06:00") belong to the day on which they begin.
 *
 * Pure: the time is the request's. What runs already is not touched.
 */
#ifndef POLICY_FREEZE_H
#define POLICY_FREEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/policy/policy.h"

struct freeze {
	struct rule	 rule;		/* id, line, who, on, what (ask or deny), because, approvers; no kind */
	unsigned	 kinds;		/* bits 1 << enum request_kind */
	int64_t		 from, until;	/* seconds since 1970, [from, until) */
	unsigned	 days;		/* bits, 1 << 0 = Sunday */
	unsigned	 begin, end;	/* minutes of the day; end < begin = over midnight */
};

/* Let the windows that are on make *out stricter. Only for requests that are not denied already. */
void	freezes_apply(const struct policy *, const struct subject *, const struct request *, struct verdict *out);

/* Whether a window is on at this time. */
bool	freeze_is_on(const struct freeze *, int64_t now);
/* When that changes next after now, in seconds; -1 = never. */
int64_t	freeze_changes(const struct freeze *, int64_t now);
/* Those that meet this subject, on now or next, one line each; "" for none. The caller frees. */
char	*freezes_describe(const struct policy *, const struct subject *, int64_t now);

/* Read the list. 0 or ERR_FORMAT with the error noted; what was read is there in both cases. */
int	freezes_read(const struct tree *, struct freeze **, size_t *np, struct tree_error *);
void	freezes_free(struct freeze *, size_t n);

#endif
