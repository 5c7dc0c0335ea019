/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/refusal.h"

#include "bastion/base/clock.h"
#include "bastion/base/log.h"
#include "bastion/ssh/session_int.h"

#define PERIOD_US	1000000
#define TOLD_MAX	20	/* one by one, in a period */

void
refusal_record(struct session *s, const char *what, const char *to, const struct verdict *v)
{
	struct refusals *r = &s->refusals;

	refusal_sum_up(s, clock_mono_us());
	if (r->told >= TOLD_MAX) {
		r->untold++;
		return;
	}
	r->told++;
	(void)session_record(s, "forward.decision", json_pack("{s:s, s:s*, s:s, s:s, s:s, s:s*, s:s*}", "what", what, "to", to,
	    "verdict", "deny", "rule", v->rule, "reason", v->because, "target", s->target, "login", s->login), NULL, NULL);
	log_info("%s: %s %s denied rule=%s: %s", s->p->id, what, to == NULL ? "" : to, v->rule, v->because);
}

void
refusal_sum_up(struct session *s, int64_t now_us)
{
	struct refusals *r = &s->refusals;

	if (now_us - r->since_us < PERIOD_US && s->state != SESSION_ENDING)
		return;
	if (r->untold > 0) {
		(void)session_record(s, "forward.decision", json_pack("{s:s, s:s, s:s, s:i}", "what", "more of these", "verdict", "deny",
		    "rule", "default", "count", (int)r->untold), NULL, NULL);
		log_info("%s: %u more denials like these", s->p->id, r->untold);
	}
	*r = (struct refusals){ .since_us = now_us };
}
