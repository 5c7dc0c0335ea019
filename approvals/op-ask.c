/* SPDX-License-Identifier: Apache-2.0 */
/* A session asks: joined to what is there already, or recorded, stored, announced and answered. */
#include <stdlib.h>
#include <string.h>

#include "approvals/ask.h"
#include "approvals/desk_int.h"
#include "approvals/plain.h"
#include "approvals/show.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

#define PREFIX	"REQ-"

static void
answer(struct op *op, const struct request *r, const char *error)
{
	struct buf *b;
	int64_t until = 0;

	if (op->peer == NULL)
		return;
	if (r != NULL)
		until = r->grant_until_ms != 0 ? r->grant_until_ms : r->deadline_ms;
	b = desk_body();
	if (buf_put_cstring(b, r == NULL ? "" : r->id) == 0 && buf_put_u64(b, (uint64_t)until) == 0 &&
	    buf_put_u8(b, r == NULL ? APPROVAL_DENIED : (uint8_t)r->state) == 0 && buf_put_cstring(b, error) == 0)
		(void)link_send(op->peer->link, APPROVALS_ASKED, op->id, b, -1);
	buf_free(b);
}

static enum op_step
refuse(struct op *op, const char *error)
{
	answer(op, NULL, error);
	return OP_DONE;
}

/* The open request for this very question, if there is one. */
static struct held *
find_same(struct desk *d, const struct op *op)
{
	struct held *h;

	TAILQ_FOREACH(h, &d->open, entry)
		if (strcmp(h->r->identity, op->who->identity) == 0 && strcmp(h->r->rule, op->ask->rule) == 0 &&
		    memcmp(h->r->digest, op->ask->digest, APPROVAL_DIGEST_LEN) == 0 &&
		    memcmp(h->r->policy, op->ask->policy, APPROVAL_DIGEST_LEN) == 0)
			return h;
	return NULL;
}

static size_t
count_pending(const struct desk *d, const char *identity)
{
	const struct held *h;
	size_t n = 0;

	TAILQ_FOREACH(h, &d->open, entry)
		n += h->r->state == APPROVAL_PENDING && strcmp(h->r->identity, identity) == 0;
	return n;
}

static struct request *
request_from(const struct op *op, const struct settings_rule *rule, const struct settings *s)
{
	struct request *r = request_new();

	id_make(PREFIX, REQUEST_ID_LEN, r->id);
	request_set(&r->identity, op->who->identity);
	request_set(&r->owner, op->who->owner);
	request_set(&r->session, op->session);
	request_set(&r->kind, op->ask->kind);
	request_set(&r->target, op->ask->target);
	request_set(&r->login, op->ask->login);
	request_set(&r->rule, op->ask->rule);
	request_set(&r->because, op->ask->because);
	r->text = xmalloc(op->ask->text_len + 1);
	memcpy(r->text, op->ask->text, op->ask->text_len);
	r->text_len = op->ask->text_len;
	memcpy(r->digest, op->ask->digest, sizeof(r->digest));
	memcpy(r->policy, op->ask->policy, sizeof(r->policy));
	r->quorum = rule->quorum;
	for (size_t i = 0; i < rule->approvers.n; i++)
		strvec_push(&r->approvers, rule->approvers.v[i]);
	r->asked_ms = op->now_ms;
	r->deadline_ms = op->now_ms + s->request_ttl_ms;
	return r;
}

/* Whether an approver can be shown all of it, in either form. */
static bool
can_be_shown(const struct request *r, int64_t now_ms)
{
	struct buf *text = buf_new(SHOWN_MAX), *json = buf_new(SHOWN_MAX);
	bool ok = text != NULL && json != NULL && show_request(r, now_ms, false, text) == 0 &&
	    show_request(r, now_ms, true, json) == 0;

	buf_free(text);
	buf_free(json);
	return ok;
}

/* Why this may not be asked at all, or NULL. */
static const char *
problem(struct desk *d, const struct op *op, const struct settings_rule **rulep)
{
	const char *why = ask_problem(op->ask);

	if (why != NULL)
		return why;
	if (d->settings == NULL)
		return "approvals are not ready yet; try again";
	if (memcmp(op->ask->policy, d->settings->policy, APPROVAL_DIGEST_LEN) != 0)
		return "the policy has changed since this connection began; connect again";
	if ((*rulep = settings_rule(d->settings, op->ask->rule)) == NULL)
		return "the policy has no such rule that asks";
	if ((*rulep)->approvers.n == 0)
		return "the rule names nobody who could approve";
	return NULL;
}

/* A denial stands for as long as a question would: asking again at once does not wear approvers out. */
static bool
stands_denied(struct op *op)
{
	struct request *r = NULL;
	char *by, *text, *plain;
	int e = store_find_denied(op->desk->p.store, op->who->identity, op->ask->digest, op->ask->policy,
	    op->now_ms - op->desk->settings->request_ttl_ms, &r);

	if (e != 0)
		return false;
	by = request_deciders(r);
	text = xasprintf("%s%s%s", by, r->why[0] == '\0' ? "" : ": ", r->why);
	plain = plain_string(text);
	answer(op, r, plain);
	free(plain);
	free(text);
	free(by);
	if (op->peer != NULL) {
		peer_watch(op->peer, r->id);
		peer_tell(op->peer, r);
	}
	request_free(r);
	return true;
}

static enum op_step
ask_anew(struct op *op, const struct settings_rule *rule)
{
	struct desk *d = op->desk;
	struct request *r;
	json_t *members;

	if (count_pending(d, op->who->identity) >= REQUESTS_PER_IDENTITY)
		return refuse(op, "20 requests of this identity wait already; wait until some are decided");
	if (d->nopen >= REQUESTS_OPEN_MAX)
		return refuse(op, "too many requests wait; try again later");
	r = request_from(op, rule, d->settings);
	if (!can_be_shown(r, op->now_ms)) {
		request_free(r);
		return refuse(op, "cannot be shown to a human whole (too many control characters); split it up");
	}
	members = op_members(op, r);
	show_add_text(members, r, AUDIT_TEXT_MAX);
	return op_record(op, desk_hold(d, r), "approval.ask", members);
}

static enum op_step
ask_start(struct op *op)
{
	const struct settings_rule *rule = NULL;
	const char *why = problem(op->desk, op, &rule);
	struct held *h;

	if (why != NULL)
		return refuse(op, why);
	if ((h = find_same(op->desk, op)) == NULL)
		return stands_denied(op) ? OP_DONE : ask_anew(op, rule);
	if (h->busy != NULL)
		return OP_WAIT;
	answer(op, h->r, "");
	if (h->r->state == APPROVAL_PENDING)
		peer_watch(op->peer, h->r->id);
	return OP_DONE;
}

static void
ask_finish(struct op *op)
{
	struct desk *d = op->desk;
	struct held *h = op->held;

	if (store_insert(d->p.store, h->r) != 0) {
		log_error("approvals database: %s", store_error(d->p.store));
		answer(op, NULL, "the request could not be written down; try again later");
		desk_drop(d, h);
		return;
	}
	h->recorded = true;
	answer(op, h->r, "");
	if (op->peer != NULL)
		peer_watch(op->peer, h->r->id);
	desk_announce(d, h->r);
}

const struct op_kind op_ask = { "ask", ask_start, ask_finish };
