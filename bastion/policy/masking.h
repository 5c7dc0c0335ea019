/* SPDX-License-Identifier: Apache-2.0 */
/*
 * masking: what is masked in what commands print besides secrets, which always are. The `masking` list of a policy file; the
 * first entry whose who and on fit counts.
 */
#ifndef POLICY_MASKING_H
#define POLICY_MASKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

struct policy;
struct subject;
struct tree;
struct tree_error;

struct masking_rule {
	struct strvec	 who, on;
	uint32_t	 personal;	/* bits of secretscan_pii_bit() */
	bool		 keep_columns;
};

/* The entry for a subject on a target; NULL = none. Borrowed from the policy. */
const struct masking_rule	*policy_masking(const struct policy *, const struct subject *, const char *target);

/* Read the list. 0 or ERR_FORMAT with the error noted; what was read is there in both cases. */
int	maskings_read(const struct tree *, struct masking_rule **, size_t *np, struct tree_error *);
void	maskings_free(struct masking_rule *, size_t n);

#endif
