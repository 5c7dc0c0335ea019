/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: what an approver said about findings of a push, once and for a time: false positive, test value, rotated. Known by
 * scanner rule and keyed fingerprint, for one repository of one upstream; the secret itself is not known here.
 */
#ifndef APPROVALS_MEMORY_H
#define APPROVALS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;

#define MEMORY_FINGERPRINT	16	/* hexadecimal digits */

struct memory {
	char	*rule, *fingerprint;	/* the scanner's; keyed */
	char	*target, *repo;		/* where it may pass */
	char	*choice;		/* "false-positive", "test-value", "rotated" */
	char	*by, *request;		/* who said so, about which push */
	int64_t	 at_ms, until_ms;
};

void	memory_release(struct memory *);	/* what it holds, not itself */
/* Whether this is one of the words above. */
bool	memory_is_choice(const char *word);
bool	memory_is_fingerprint(const char *word);
/*
 * The findings that the request's text shows, each line of them once: what the approver saw is what is remembered. At most max
 * go to out (rule and fingerprint set, owned by the caller); how many there are.
 */
size_t	memory_findings(const struct request *, struct memory *out, size_t max);

#endif
