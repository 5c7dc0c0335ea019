/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known: the findings that approvers have said something about (approvals/memory.h), as the parent holds them: a later push to the
 * same repository in which nothing else is found passes.
 */
#ifndef BASTION_KNOWN_H
#define BASTION_KNOWN_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct known;

struct known_finding {
	char	*rule, *fingerprint, *target, *repo;
	char	*choice, *by, *request;
	int64_t	 until_ms;
};

/* The body of APPROVALS_REMEMBERED. 0, ERR_SHORT, ERR_FORMAT, ERR_TOOBIG. */
int	known_read(struct buf *, struct known **);
void	known_free(struct known *);	/* NULL is fine */
/* What is known about this finding now; NULL = nothing. Also for known NULL. */
const struct known_finding	*known_find(const struct known *, const char *rule, const char *fingerprint, const char *target,
				    const char *repo, int64_t now_ms);

#endif
