/* SPDX-License-Identifier: Apache-2.0 */
/* What is being done: an operation starts, is recorded by the audit process, and only then finishes. */
#include <stdlib.h>
#include <string.h>

#include "approvals/ask.h"
#include "approvals/desk_int.h"
#include "approvals/show.h"
#include "approvals/verb.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

/* From the audit process's messages; this folder does not include from bastion/ but its ground floor. */
enum { AUDIT_RECORD = 206 };

struct op *
op_new(struct desk *d, const struct op_kind *kind, struct peer *p)
{
	struct op *op = xcalloc(1, sizeof(*op));

	op->desk = d;
	op->kind = kind;
	op->peer = p;
	op->session = xstrdup(p == NULL ? "" : p->session);
	if (p != NULL) {
		op->who = person_copy(p->who);
		p->nops++;
	}
	TAILQ_INSERT_TAIL(&d->ops, op, entry);
	return op;
}

void
op_free(struct op *op)
{
	TAILQ_REMOVE(&op->desk->ops, op, entry);
	if (op->peer != NULL)
		op->peer->nops--;
	if (op->held != NULL)
		op->held->busy = NULL;
	person_free(op->who);
	free(op->session);
	ask_free(op->ask);
	verb_free(op->verb);
	free(op->req);
	free(op->text);
	free(op);
}

/* What is queued goes out before more is taken on, and each answer of the audit process starts again what waits. */
bool
op_must_wait(const struct desk *d)
{
	return link_queued(d->p.audit) > MSG_OUT_HIGH;
}

void
op_run(struct op *op)
{
	if (op_must_wait(op->desk))
		return;
	op->now_ms = clock_wall_ms();
	if (op->kind->start(op) == OP_DONE)
		op_free(op);
}

json_t *
op_members(const struct op *op, const struct request *r)
{
	json_t *j = show_common(r);

	(void)json_object_set_new(j, "requester", show_plain(r->identity));
	(void)json_object_set_new(j, "requester_owner", show_plain(r->owner));
	(void)json_object_set_new(j, "requester_session", show_plain(r->session));
	if (op->who == NULL)
		return j;
	(void)json_object_set_new(j, "by", show_plain(op->who->identity));
	(void)json_object_set_new(j, "by_owner", show_plain(op->who->owner));
	(void)json_object_set_new(j, "by_session", show_plain(op->session));
	(void)json_object_set_new(j, "break_glass", json_boolean(op->who->host));
	return j;
}

/* Without an audit log there is no approving: whatever fails here ends the process. */
enum op_step
op_record(struct op *op, struct held *h, const char *event, json_t *members)
{
	struct buf *b = desk_body();
	char *json = members == NULL ? NULL : json_dumps(members, JSON_COMPACT);

	op->audit_id = link_next_id(op->desk->p.audit);
	op->held = h;
	if (h != NULL)
		h->busy = op;
	if (json == NULL || buf_put_cstring(b, event) != 0 || buf_put_cstring(b, json) != 0 ||
	    link_send(op->desk->p.audit, AUDIT_RECORD, op->audit_id, b, -1) != 0)
		fatal("%s: cannot be recorded", event);
	buf_free(b);
	free(json);
	json_decref(members);
	return OP_RECORD;
}

void
op_retry(struct desk *d)
{
	struct op *op, *next;

	for (op = TAILQ_FIRST(&d->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, entry);
		if (op->audit_id == 0)
			op_run(op);
	}
}

int
desk_recorded(struct desk *d, uint32_t id)
{
	struct op *op;

	TAILQ_FOREACH(op, &d->ops, entry)
		if (op->audit_id == id && id != 0)
			break;
	if (op == NULL)
		return ERR_FORMAT;
	op->kind->finish(op);
	op_free(op);
	op_retry(d);
	desk_sweep(d);
	return 0;
}

void
op_forget_peer(struct desk *d, struct peer *p)
{
	struct op *op, *next;

	for (op = TAILQ_FIRST(&d->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, entry);
		if (op->peer != p)
			continue;
		if (op->audit_id == 0)
			op_free(op);
		else
			op->peer = NULL;
	}
}
