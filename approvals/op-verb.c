/* SPDX-License-Identifier: Apache-2.0 */
/* What approvers and requesters type: pending, show, status, approve, deny. */
#include <stdlib.h>
#include <string.h>

#include "approvals/desk_int.h"
#include "approvals/plain.h"
#include "approvals/show.h"
#include "approvals/verb.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

enum { EXIT_OK = 0, EXIT_NOT_THERE = 1, EXIT_USAGE = 2, EXIT_REFUSED = 77 };

static void
answer(struct op *op, uint8_t status, const struct buf *out, const char *err)
{
	struct buf *b;

	if (op->peer == NULL && !op->admin)
		return;
	b = desk_body();
	if (buf_put_u8(b, status) != 0 || buf_put_string(b, out == NULL ? "" : (const char *)buf_ptr(out),
	    out == NULL ? 0 : buf_len(out)) != 0 || buf_put_cstring(b, err) != 0)
		log_error("an answer does not fit into its message");
	else if (op->admin)
		(void)link_send(op->desk->p.parent, APPROVALS_ADMIN_DONE, op->id, b, -1);
	else
		(void)link_send(op->peer->link, APPROVALS_VERB_DONE, op->id, b, -1);
	buf_free(b);
}

/* "sallyport: REQ-7F3K2Q: TEXT" on stderr. */
static enum op_step
refuse(struct op *op, uint8_t status, const char *text)
{
	char *line = op->verb->req[0] == '\0' ? xasprintf("sallyport: %s\n", text) :
	    xasprintf("sallyport: %s: %s\n", op->verb->req, text);

	answer(op, status, NULL, line);
	free(line);
	return OP_DONE;
}

static struct buf *
shown_new(void)
{
	struct buf *b = buf_new(SHOWN_MAX);

	if (b == NULL)
		fatal("out of memory");
	return b;
}

/* What this request is to the reader; NULL = nothing. */
static const char *
you_are(const struct request *r, const struct person *who)
{
	if (judge_is_own(r, who))
		return "own";
	switch (judge_vote(r, who, true)) {
	case JUDGE_MAY:
		return "decide";
	case JUDGE_TWICE:
		return "voted";
	default:
		return NULL;
	}
}

static enum op_step
verb_pending(struct op *op)
{
	struct show_list *l = show_list_new(op->verb->json, op->now_ms);
	struct buf *out = shown_new();
	const struct held *h;

	TAILQ_FOREACH(h, &op->desk->open, entry) {
		const char *you = you_are(h->r, op->who);

		if (h->recorded && h->r->state == APPROVAL_PENDING && you != NULL)
			show_list_add(l, h->r, you);
	}
	if (show_list_end(l, out) != 0)
		(void)refuse(op, EXIT_NOT_THERE, "the list does not fit into an answer");
	else
		answer(op, EXIT_OK, out, "");
	buf_free(out);
	return OP_DONE;
}

/* A finished request to be looked at, in *rp; freed by the caller. */
static const struct request *
look_up(struct op *op, struct request **rp)
{
	struct held *h = desk_find(op->desk, op->verb->req);

	*rp = NULL;
	if (h != NULL)
		return h->recorded ? h->r : NULL;
	return store_find(op->desk->p.store, op->verb->req, rp) == 0 ? *rp : NULL;
}

static enum op_step
verb_look(struct op *op)
{
	struct request *loaded;
	const struct request *r = look_up(op, &loaded);
	struct buf *out;
	int e;

	if (r == NULL || !judge_may_see(r, op->who)) {
		request_free(loaded);
		return refuse(op, EXIT_NOT_THERE, "there is no such request that you could see");
	}
	out = shown_new();
	e = op->verb->kind == VERB_SHOW ? show_request(r, op->now_ms, op->verb->json, out) :
	    show_status(r, op->now_ms, op->verb->json, out);
	if (e != 0)
		(void)refuse(op, EXIT_NOT_THERE, "it does not fit into an answer");
	else
		answer(op, EXIT_OK, out, "");
	buf_free(out);
	request_free(loaded);
	return OP_DONE;
}

/* The request is not pending any more (or never was): say what became of it. */
static enum op_step
too_late(struct op *op)
{
	struct request *loaded;
	const struct request *r = look_up(op, &loaded);
	char *by, *plain, *text;

	if (r == NULL) {
		request_free(loaded);
		return refuse(op, EXIT_NOT_THERE, "there is no such request");
	}
	by = request_deciders(r);
	plain = plain_string(by);
	if (r->state == APPROVAL_EXPIRED || by[0] == '\0')
		text = xasprintf("too late: it is %s", verdict_text(r->state));
	else
		text = xasprintf("too late: it is %s already, by %s", verdict_text(r->state), plain);
	(void)refuse(op, EXIT_NOT_THERE, text);
	free(text);
	free(plain);
	free(by);
	request_free(loaded);
	return OP_DONE;
}

static struct vote
vote_of(const struct op *op)
{
	return (struct vote){
		.identity = op->who->identity,
		.owner = op->who->owner,
		.reason = op->verb->reason,
		.host = op->who->host,
		.approve = op->verb->kind == VERB_APPROVE,
		.at_ms = op->now_ms,
	};
}

static enum op_step
verb_vote(struct op *op)
{
	struct held *h = desk_find(op->desk, op->verb->req);
	bool approve = op->verb->kind == VERB_APPROVE;
	struct vote v = vote_of(op);
	enum judgement j;
	json_t *members;

	if (op->desk->settings == NULL)
		return refuse(op, EXIT_NOT_THERE, "approvals are not ready yet; try again");
	if (h != NULL && h->busy != NULL)
		return OP_WAIT;
	if (h == NULL || h->r->state != APPROVAL_PENDING || request_is_due(h->r, op->now_ms))
		return too_late(op);
	j = judge_vote(h->r, op->who, approve);
	members = op_members(op, h->r);
	(void)json_object_set_new(members, "vote", json_string(approve ? "approve" : "deny"));
	(void)json_object_set_new(members, "reason", show_plain(op->verb->reason));
	if (j != JUDGE_MAY) {
		op->refused = true;
		op->text = xstrdup(judge_text(j));
		(void)json_object_set_new(members, "refused", json_string(op->text));
		return op_record(op, NULL, "approval.refused", members);	/* nobody has to wait for this one */
	}
	(void)json_object_set_new(members, "approvals", json_integer(request_approvals(h->r) + approve));
	(void)json_object_set_new(members, "state", json_string(verdict_text(request_after_vote(h->r, &v))));
	return op_record(op, h, approve ? "approval.approve" : "approval.deny", members);
}

static enum op_step
verb_start(struct op *op)
{
	switch (op->verb->kind) {
	case VERB_PENDING:
		return verb_pending(op);
	case VERB_SHOW:
	case VERB_STATUS:
		return verb_look(op);
	case VERB_APPROVE:
	case VERB_DENY:
		return verb_vote(op);
	default:
		return refuse(op, EXIT_USAGE, op->verb->problem);
	}
}

static int
count_vote(struct op *op, struct request *r)
{
	struct vote v = vote_of(op);
	int e = request_vote(r, &v, op->desk->settings->grant_ttl_ms);

	if (e != 0)
		return e;
	return store_vote(op->desk->p.store, r);
}

static void
verb_finish(struct op *op)
{
	struct desk *d = op->desk;
	struct held *h = op->held;
	struct buf *out;

	if (op->refused) {
		(void)refuse(op, EXIT_REFUSED, op->text);
		return;
	}
	/*
	 * Memory now says more than the store, and there is no way back but to read the store again: the parent starts
	 * this process anew, and the approver gets no answer, as is right for a vote that does not count.
	 */
	if (count_vote(op, h->r) != 0)
		fatal("%s: a vote cannot be written down: %s", h->r->id, store_error(d->p.store));
	out = shown_new();
	if (show_status(h->r, op->now_ms, op->verb->json, out) == 0)
		answer(op, EXIT_OK, out, "");
	buf_free(out);
	if (h->r->state == APPROVAL_PENDING)
		return;
	desk_tell(d, h->r);
	if (h->r->state == APPROVAL_DENIED)
		desk_drop(d, h);
}

const struct op_kind op_verb = { "verb", verb_start, verb_finish };
