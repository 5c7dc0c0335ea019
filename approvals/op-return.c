/* SPDX-License-Identifier: Apache-2.0 */
/* A used approval that came to nothing: the upstream took none of what it was for. The parent says so, nobody else can. */
#include <string.h>

#include "approvals/desk_int.h"
#include "bastion/base/log.h"

static enum op_step
return_start(struct op *op)
{
	struct desk *d = op->desk;
	struct request *r = NULL;
	struct held *h;

	if (d->settings == NULL || desk_find(d, op->req) != NULL || store_find(d->p.store, op->req, &r) != 0)
		return OP_DONE;
	if (r->state != APPROVAL_USED || memcmp(r->digest, op->digest, sizeof(op->digest)) != 0 || r->grant_until_ms <= op->now_ms) {
		request_free(r);
		return OP_DONE;
	}
	h = desk_hold(d, r);
	h->recorded = true;
	return op_record(op, h, "approval.return", op_members(op, h->r));
}

static void
return_finish(struct op *op)
{
	struct desk *d = op->desk;
	struct held *h = op->held;

	if (store_return(d->p.store, h->r->id, op->session, op->now_ms) == 0)
		request_return(h->r);
	else {
		log_error("%s: return: %s", h->r->id, store_error(d->p.store));
		desk_drop(d, h);
	}
	desk_sweep(d);
}

const struct op_kind op_return = { "return", return_start, return_finish };
