/* SPDX-License-Identifier: Apache-2.0 */
/* reviewer: may this person decide on what that identity pushed? By the same judge as every approval (approvals/judge.h). */
#ifndef BASTION_REVIEWER_H
#define BASTION_REVIEWER_H

#include <stdbool.h>

#include "bastion/base/strvec.h"

struct reviewer {
	const char		*identity, *owner;	/* owner NULL = none */
	const struct strvec	*groups;		/* NULL = none */
	bool			 host;			/* an administrator on the host itself */
};

/* Of a push by this identity, under a rule with these approvers (NULL = none are known). NULL, or why not, for the person. */
const char	*reviewer_fault(const struct reviewer *, const char *identity, const char *owner, const struct strvec *approvers);

#endif
