/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer_verbs: what an administrator types, put to the issuer: cert issue, cert revoke, cert list, ca show. Only
 * somebody on the host ("host/...") may: an identity that came through the outer door must not make itself a freer
 * credential, nor take away another's.
 */
#ifndef IDENT_ISSUER_VERBS_H
#define IDENT_ISSUER_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

struct buf;
struct issuer;

#define VERB_OUT_MAX	(160 * 1024)	/* an answer travels in one message */
#define VERB_ERR_MAX	(8 * 1024)

struct verb_request {
	const char		*who;	/* "host/root" */
	const struct strvec	*argv;	/* "cert", "issue", .. */
	const uint8_t		*in;	/* standard input */
	size_t			 inlen;
	int64_t			 now_ms;
};

struct verb_answer {
	int		 status;	/* 0 done, 1 refused, 2 wrong arguments */
	struct buf	*out, *err;	/* ceilings VERB_OUT_MAX, VERB_ERR_MAX; made and freed by the caller */
	char		*event;		/* JSON object for the audit log, or NULL; the caller frees */
	bool		 krl_changed;
};

void	issuer_verb(struct issuer *, const struct verb_request *, struct verb_answer *);

#endif
