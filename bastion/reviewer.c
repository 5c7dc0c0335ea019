/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/reviewer.h"

#include <stddef.h>

#include "approvals/judge.h"

const char *
reviewer_fault(const struct reviewer *who, const char *identity, const char *owner, const struct strvec *approvers)
{
	struct person *p = person_new(who->identity, who->owner == NULL ? "" : who->owner);
	struct request *r = request_new();
	enum judgement j;

	request_set(&r->identity, identity);
	request_set(&r->owner, owner);
	for (size_t i = 0; approvers != NULL && i < approvers->n; i++)
		strvec_push(&r->approvers, approvers->v[i]);
	for (size_t i = 0; who->groups != NULL && i < who->groups->n; i++)
		strvec_push(&p->groups, who->groups->v[i]);
	p->may_decide = true;	/* agents are refused by the judge */
	p->host = who->host;
	j = judge_vote(r, p, true);
	request_free(r);
	person_free(p);
	return j == JUDGE_MAY ? NULL : judge_text(j);
}
