/* SPDX-License-Identifier: Apache-2.0 */
/* An approval is used: durable first, then recorded, then the parent hears of it, then the session. */
#include <string.h>

#include "approvals/desk_int.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"

static void
answer(struct op *op, const char *error)
{
	struct buf *b;

	if (op->peer == NULL)
		return;
	b = desk_body();
	if (buf_put_u8(b, error == NULL) == 0 && buf_put_cstring(b, error) == 0)
		(void)link_send(op->peer->link, APPROVALS_USED, op->id, b, -1);
	buf_free(b);
}

static enum op_step
refuse(struct op *op, const char *why)
{
	answer(op, why);
	return OP_DONE;
}

/* Why a request that is not open cannot be used. */
static const char *
finished_why(struct op *op)
{
	struct request *r = NULL;
	const char *why = "there is no such request; ask first";

	if (store_find(op->desk->p.store, op->req, &r) != 0)
		return why;
	if (strcmp(r->identity, op->who->identity) == 0) {
		why = r->state == APPROVAL_EXPIRED && r->grant_until_ms != 0 ?
		    "this approval was not used in time; ask again" :
		    request_use_refused(r, op->who->identity, op->digest, r->policy, op->now_ms);
	}
	request_free(r);
	return why != NULL ? why : "this is not approved";
}

static enum op_step
use_start(struct op *op)
{
	struct desk *d = op->desk;
	struct held *h = desk_find(d, op->req);
	const char *why;
	int r;

	if (d->settings == NULL)
		return refuse(op, "approvals are not ready yet; try again");
	if (h == NULL)
		return refuse(op, finished_why(op));
	if (h->busy != NULL)
		return OP_WAIT;
	why = request_use_refused(h->r, op->who->identity, op->digest, d->settings->policy, op->now_ms);
	if (why != NULL)
		return refuse(op, why);
	if ((r = store_use(d->p.store, h->r->id, op->session, op->now_ms)) != 0) {
		log_error("%s: use: %s", h->r->id,
		    r == ERR_DENIED ? "not unused in the database" : store_error(d->p.store));
		return refuse(op, "the use of this approval could not be written down; nothing was released");
	}
	(void)request_use(h->r, op->who->identity, op->digest, d->settings->policy, op->now_ms);
	return op_record(op, h, "approval.use", op_members(op, h->r));
}

static void
use_finish(struct op *op)
{
	struct desk *d = op->desk;
	struct buf *b;

	if (op->peer != NULL) {
		b = desk_body();
		if (buf_put_cstring(b, op->session) != 0 || buf_put_cstring(b, op->req) != 0 ||
		    buf_put_string(b, op->digest, sizeof(op->digest)) != 0 ||
		    buf_put_cstring(b, op->held->r->rule) != 0 || link_send(d->p.parent, APPROVALS_GRANTED, 0, b, -1) != 0)
			fatal("cannot tell the parent what is granted");
		buf_free(b);
		answer(op, NULL);
	}
	desk_drop(d, op->held);
}

const struct op_kind op_use = { "use", use_start, use_finish };
