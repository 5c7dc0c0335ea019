/* SPDX-License-Identifier: Apache-2.0 */
/* ask: what APPROVALS_ASK says. Comes from a session: hostile. */
#ifndef APPROVALS_ASK_H
#define APPROVALS_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "approvals/approvals_msg.h"

struct buf;

struct ask {
	char	*kind, *target, *login, *rule, *because;
	uint8_t	*text;
	size_t	 text_len;
	uint8_t	 digest[APPROVAL_DIGEST_LEN];
	uint8_t	 policy[APPROVAL_DIGEST_LEN];
};

/* Read the body to its end. 0, ERR_SHORT, ERR_FORMAT: the sender does not speak our language. The caller frees. */
int		 ask_parse(struct buf *, struct ask **);
void		 ask_free(struct ask *);
/* NULL, or why such a question is not taken. */
const char	*ask_problem(const struct ask *);

#endif
