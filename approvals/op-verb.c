/* SPDX-License-Identifier: Apache-2.0 */
/* What approvers and requesters type: pending, show, status, approve, deny. */
#include <stdlib.h>
#include <string.h>

#include "approvals/desk_int.h"
#include "approvals/memory.h"
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

static void
count_memory(const struct memory *m, void *arg)
{
	size_t *np = arg;

	(void)m;
	(*np)++;
}

/* Why what this approver says of the findings cannot be remembered, or NULL. */
static const char *
choice_problem(const struct op *op, const struct request *r)
{
	struct memory found[1];
	size_t n = 0;

	if (op->verb->choice == NULL)
		return NULL;
	if (r->quorum > 1)
		return "it takes several approvers, and what one says of its findings is not remembered; approve it without that";
	if (strcmp(r->kind, "push") != 0 || memory_findings(r, found, 1) == 0)
		return "there is no finding in it to be remembered; approve it without that";
	memory_release(&found[0]);
	if (store_each_memory(op->desk->p.store, op->now_ms, count_memory, &n) != 0 || n + MEMORIES_OF_ONE > MEMORIES_MAX)
		return "too many findings are remembered; have some forgotten (sallyport approvals findings)";
	return NULL;
}

/* The findings that the approver was shown, with what was said of them. */
static int
remember(struct op *op, const struct request *r)
{
	struct memory found[MEMORIES_OF_ONE];
	size_t n = op->verb->choice == NULL ? 0 : memory_findings(r, found, MEMORIES_OF_ONE);
	int e;

	for (size_t i = 0; i < n; i++) {
		found[i].target = xstrdup(r->target);
		found[i].repo = xstrdup(r->login);
		found[i].choice = xstrdup(op->verb->choice);
		found[i].by = xstrdup(op->who->identity);
		found[i].request = xstrdup(r->id);
		found[i].at_ms = op->now_ms;
		found[i].until_ms = op->now_ms + op->verb->for_ms;
	}
	e = n == 0 ? 0 : store_remember(op->desk->p.store, found, n);
	for (size_t i = 0; i < n; i++)
		memory_release(&found[i]);
	if (n > 0)
		desk_tell_memory(op->desk);
	return e;
}

static enum op_step
verb_vote(struct op *op)
{
	struct held *h = desk_find(op->desk, op->verb->req);
	bool approve = op->verb->kind == VERB_APPROVE;
	struct vote v = vote_of(op);
	const char *why;
	enum judgement j;
	json_t *members;

	if (op->desk->settings == NULL)
		return refuse(op, EXIT_NOT_THERE, "approvals are not ready yet; try again");
	if (h != NULL && h->busy != NULL)
		return OP_WAIT;
	if (h == NULL || h->r->state != APPROVAL_PENDING || request_is_due(h->r, op->now_ms))
		return too_late(op);
	j = judge_vote(h->r, op->who, approve);
	if (j == JUDGE_MAY && (why = choice_problem(op, h->r)) != NULL)
		return refuse(op, EXIT_NOT_THERE, why);
	members = op_members(op, h->r);
	(void)json_object_set_new(members, "vote", json_string(approve ? "approve" : "deny"));
	(void)json_object_set_new(members, "reason", show_plain(op->verb->reason));
	if (op->verb->choice != NULL) {
		(void)json_object_set_new(members, "findings_are", json_string(op->verb->choice));
		(void)json_object_set_new(members, "remember_ms", json_integer(op->verb->for_ms));
	}
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

/* What is remembered, a line each. */
static void
list_memory(const struct memory *m, void *arg)
{
	char until[CLOCK_TEXT], *where = xasprintf("%s/%s", m->target, m->repo), *plain = plain_string(where);

	clock_format_second(m->until_ms / 1000, until);
	(void)buf_putf(arg, "%s %s %s %s by %s until %s (%s)\n", m->fingerprint, m->rule, plain, m->choice, m->by, until,
	    m->request);
	free(where);
	free(plain);
}

static enum op_step
verb_findings(struct op *op)
{
	struct buf *out = shown_new();

	if (!op->who->host)
		(void)refuse(op, EXIT_REFUSED, "only an administrator on the host lists and forgets findings");
	else if (store_each_memory(op->desk->p.store, op->now_ms, list_memory, out) != 0)
		(void)refuse(op, EXIT_NOT_THERE, "what is remembered cannot be read");
	else
		answer(op, EXIT_OK, out, "");
	buf_free(out);
	return OP_DONE;
}

static enum op_step
verb_forget(struct op *op)
{
	if (!op->who->host)
		return refuse(op, EXIT_REFUSED, "only an administrator on the host lists and forgets findings");
	return op_record(op, NULL, "approval.forget", json_pack("{s:s, s:s}", "fingerprint", op->verb->fingerprint, "by",
	    op->who->identity));
}

static void
forget_finish(struct op *op)
{
	struct buf *out = shown_new();
	unsigned n = 0;

	if (store_forget(op->desk->p.store, op->verb->fingerprint, &n) != 0)
		(void)refuse(op, EXIT_NOT_THERE, "it could not be forgotten");
	else if (n == 0)
		(void)refuse(op, EXIT_NOT_THERE, "nothing is remembered of this fingerprint");
	else {
		(void)buf_putf(out, "%s is forgotten: the next push with it is judged as any other\n", op->verb->fingerprint);
		answer(op, EXIT_OK, out, "");
	}
	buf_free(out);
	desk_tell_memory(op->desk);
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
	case VERB_FINDINGS:
		return verb_findings(op);
	case VERB_FORGET:
		return verb_forget(op);
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

	if (op->verb->kind == VERB_FORGET) {
		forget_finish(op);
		return;
	}
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
	if (remember(op, h->r) != 0)
		log_error("%s: its findings are not remembered: %s", h->r->id, store_error(d->p.store));
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
