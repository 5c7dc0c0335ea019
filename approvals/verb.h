/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb: what an approver or a requester typed: pending, show REQ, status REQ, approve REQ [--reason TEXT], deny REQ
 * --reason TEXT. ssh joins words by spaces, so everything after --reason is the reason, quoted or not.
 */
#ifndef APPROVALS_VERB_H
#define APPROVALS_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "bastion/base/id.h"

struct buf;

enum verb_kind { VERB_BAD, VERB_PENDING, VERB_SHOW, VERB_STATUS, VERB_APPROVE, VERB_DENY, VERB_FINDINGS, VERB_FORGET };

struct verb {
	enum verb_kind	 kind;
	char		 req[ID_TEXT];	/* as we write it, however it was typed */
	char		*reason;	/* "" = none */
	char		*choice;	/* of VERB_APPROVE: memory.h, what its findings are; NULL = just this once */
	int64_t		 for_ms;	/* and for how long */
	char		*fingerprint;	/* of VERB_FORGET; else NULL */
	bool		 json;
	const char	*problem;	/* of VERB_BAD: what is wrong, constant */
};

/*
 * Read argc, argv and the format to the end of the body. 0 (VERB_BAD when the words make no sense), ERR_SHORT,
 * ERR_FORMAT, ERR_TOOBIG when the message makes none. The caller frees.
 */
int	verb_parse(struct buf *, struct verb **);
void	verb_free(struct verb *);

#endif
