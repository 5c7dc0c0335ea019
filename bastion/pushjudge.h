/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pushjudge: decide() on the facts of a push where they are read, in the inspector's process. The parent hears its verdicts from
 * there, so a session that has been taken over can keep none of them from it.
 */
#ifndef BASTION_PUSHJUDGE_H
#define BASTION_PUSHJUDGE_H

#include "bastion/policy/decide.h"
#include "gitfilter/judged.h"

struct known;

/* All borrowed. */
struct pushjudge {
	const struct policy	*policy;
	const struct subject	*who;
	const char		*upstream, *repo;
	const struct known	*known;		/* findings that may pass; NULL = none */
};

/* A judge_fn; arg is a struct pushjudge. */
void	pushjudge_fact(const struct fact *, struct fact_verdict *, void *arg);
/* What it is to be asked about: INSPECT_TELL_.. ored. */
unsigned pushjudge_wants(const struct pushjudge *);

#endif
