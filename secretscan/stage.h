/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage: one step of a masker. Bytes go in, bytes come out to the next stage; what may still become something to mask is
 * held. Every stage keeps the masker's promise by itself: how its input was cut never changes its output.
 */
#ifndef SECRETSCAN_STAGE_H
#define SECRETSCAN_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/secretscan.h"

/* So many bytes of what is held a flush gives out: a prompt, an echo; never enough of a secret to use. */
#define STAGE_FLUSH_MAX	4

struct secretscan_known;

struct stage_out {
	secretscan_out_fn	 out;
	secretscan_fn		 on_finding;
	void			*arg;
	bool			 keep_columns;
};

/* All return 0, a callback's non-zero result, or a negative code, after which the stage is not used again. */
struct stage_ops {
	int	(*feed)(void *stage, const uint8_t *p, size_t n);
	size_t	(*held)(const void *stage);
	int	(*flush)(void *stage);
	int	(*end)(void *stage);
	void	(*free)(void *stage);
};

extern const struct stage_ops stage_secrets_ops;	/* the rules */
extern const struct stage_ops stage_known_ops;		/* exact values */
extern const struct stage_ops stage_pii_ops;		/* personal data */

/* NULL when there is no memory. What is given here must outlive the stage. */
void	*stage_secrets_new(const struct secretscan *, const struct stage_out *);
void	*stage_known_new(struct secretscan_known *, const struct stage_out *);
void	*stage_pii_new(const struct secretscan *, uint32_t kinds, const struct stage_out *);

/* Report a finding of this many bytes and write its mask. */
int	 stage_mask(const struct stage_out *, const struct secretscan_finding *);

#endif
