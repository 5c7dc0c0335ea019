/* SPDX-License-Identifier: Apache-2.0 */
/* settings: what APPROVALS_CONF says: the policy's hash, times, who approves which rule, where to announce. */
#ifndef APPROVALS_SETTINGS_H
#define APPROVALS_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/strvec.h"

struct buf;

struct settings_rule {
	char		*id;
	unsigned	 quorum;	/* at least 1 */
	struct strvec	 approvers;	/* may be empty: then nobody can decide it */
};

struct settings_hook {
	char	*url;
	char	*secret;	/* "whsec_.." */
};

struct settings {
	uint8_t			 policy[APPROVAL_DIGEST_LEN];
	int64_t			 request_ttl_ms;
	int64_t			 grant_ttl_ms;
	struct settings_rule	*rules;
	size_t			 nrules;
	struct settings_hook	*hooks;
	size_t			 nhooks;
};

/* Read the body of APPROVALS_CONF to its end. 0, ERR_SHORT, ERR_FORMAT, ERR_TOOBIG. The caller frees. */
int	settings_parse(struct buf *, struct settings **);
void	settings_free(struct settings *);	/* secrets are overwritten */
/* NULL = no such rule. */
const struct settings_rule	*settings_rule(const struct settings *, const char *id);

#endif
