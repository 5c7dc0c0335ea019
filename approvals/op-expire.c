/* SPDX-License-Identifier: Apache-2.0 */
/* Time is up for a question or an approval, or the policy has changed under it. */
#include <string.h>

#include "approvals/desk_int.h"
#include "bastion/base/log.h"

static const char *
expire_why(const struct desk *d, const struct request *r)
{
	if (memcmp(r->policy, d->settings->policy, sizeof(r->policy)) != 0)
		return "the policy has changed; ask again";
	return r->state == APPROVAL_PENDING ? "nobody decided in time" : "the approval was not used in time";
}

static enum op_step
expire_start(struct op *op)
{
	struct held *h = desk_find(op->desk, op->req);
	json_t *members;

	if (h == NULL || h->busy != NULL)
		return OP_DONE;
	members = op_members(op, h->r);
	(void)json_object_set_new(members, "was", json_string(verdict_text(h->r->state)));
	(void)json_object_set_new(members, "reason", json_string(expire_why(op->desk, h->r)));
	return op_record(op, h, "approval.expire", members);
}

/* Not writing this down is survivable: what is over is over by its time or its policy, also after a restart. */
static void
expire_finish(struct op *op)
{
	struct desk *d = op->desk;
	struct request *r = op->held->r;
	bool was_pending = r->state == APPROVAL_PENDING;

	(void)request_expire(r, op->now_ms, expire_why(d, r));
	if (store_state(d->p.store, r) != 0)
		log_error("%s: expire: %s", r->id, store_error(d->p.store));
	if (was_pending)
		desk_tell(d, r);
	desk_drop(d, op->held);
}

const struct op_kind op_expire = { "expire", expire_start, expire_finish };
