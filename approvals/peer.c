/* SPDX-License-Identifier: Apache-2.0 */
/* A session's link: what it may send once the parent has said who it is. The session is treated as hostile. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "approvals/ask.h"
#include "approvals/desk_int.h"
#include "approvals/plain.h"
#include "approvals/verb.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

static int
peer_ask(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	struct ask *a = NULL;
	struct op *op;
	int r;

	(void)l;
	if (p->nops >= OPS_PER_PEER)
		return ERR_TOOBIG;
	if ((r = ask_parse(m->body, &a)) != 0)
		return r;
	op = op_new(p->desk, &op_ask, p);
	op->id = m->id;
	op->ask = a;
	op_run(op);
	return 0;
}

/* Read "s request id, s digest" or the id alone. */
static int
get_req(struct buf *b, char **reqp, uint8_t *digest)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_get_cstring(b, reqp)) != 0)
		return r;
	if (digest != NULL && (r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	if (digest != NULL && n != APPROVAL_DIGEST_LEN)
		return ERR_FORMAT;
	if (digest != NULL)
		memcpy(digest, p, n);
	return buf_end(b);
}

static int
peer_use(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	struct op *op;
	int r;

	(void)l;
	if (p->nops >= OPS_PER_PEER)
		return ERR_TOOBIG;
	op = op_new(p->desk, &op_use, p);
	op->id = m->id;
	if ((r = get_req(m->body, &op->req, op->digest)) != 0) {
		op_free(op);
		return r;
	}
	op_run(op);
	return 0;
}

static int
peer_verb(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	struct verb *v = NULL;
	struct op *op;
	int r;

	(void)l;
	if (p->nops >= OPS_PER_PEER)
		return ERR_TOOBIG;
	if ((r = verb_parse(m->body, &v)) != 0)
		return r;
	op = op_new(p->desk, &op_verb, p);
	op->id = m->id;
	op->verb = v;
	op_run(op);
	return 0;
}

static void
send_decision(struct peer *p, const char *id, enum approval_verdict verdict, const char *by, const char *reason)
{
	struct buf *b = desk_body();

	if (buf_put_cstring(b, id) == 0 && buf_put_u8(b, (uint8_t)verdict) == 0 && buf_put_cstring(b, by) == 0 &&
	    buf_put_cstring(b, reason) == 0)
		(void)link_send(p->link, APPROVALS_DECISION, 0, b, -1);
	buf_free(b);
}

static int
peer_on_watch(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	struct request *loaded = NULL;
	const struct request *r = NULL;
	const struct held *h;
	char *req = NULL;
	int e;

	(void)l;
	if ((e = get_req(m->body, &req, NULL)) != 0)
		goto out;
	if ((h = desk_find(p->desk, req)) != NULL)
		r = h->r;
	else if (store_find(p->desk->p.store, req, &loaded) == 0)
		r = loaded;
	if (r == NULL || strcmp(r->identity, p->who->identity) != 0)
		send_decision(p, req, APPROVAL_EXPIRED, "", "there is no such request of yours");
	else {
		peer_watch(p, r->id);
		if (r->state != APPROVAL_PENDING)
			peer_tell(p, r);
	}
out:
	request_free(loaded);
	free(req);
	return e;
}

static const struct link_row peer_rows[] = {
	{ APPROVALS_ASK, "ask", LINK_PERMIT, peer_ask },
	{ APPROVALS_USE, "use", LINK_PERMIT, peer_use },
	{ APPROVALS_VERB, "verb", LINK_PERMIT, peer_verb },
	{ APPROVALS_WATCH, "watch", LINK_PERMIT, peer_on_watch },
	{ 0, NULL, 0, NULL }
};

static void
peer_gone(struct link *l, int r, void *arg)
{
	struct peer *p = arg;

	(void)l;
	if (r != ERR_EOF)
		log_warn("session %s: %s", p->session, err_text(r));
	peer_free(p);
}

/* It went before it was anybody. */
static void
peer_early_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	peer_free(arg);
}

/*
 * Until the parent has said who this is nothing is read: what a session sends early waits in its socket, however far
 * behind we are with reading the parent's.
 */
struct peer *
peer_new(struct desk *d, const char *session, int fd)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->desk = d;
	p->session = xstrdup(session);
	p->fd = fd;
	strvec_init(&p->watches);
	TAILQ_INSERT_TAIL(&d->peers, p, entry);
	p->early_end = event_new(d->p.base, fd, EV_CLOSED, peer_early_end, p);
	if (p->early_end == NULL || event_add(p->early_end, NULL) == -1) {
		p->fd = -1;	/* stays the caller's */
		peer_free(p);
		return NULL;
	}
	return p;
}

void
peer_free(struct peer *p)
{
	op_forget_peer(p->desk, p);
	TAILQ_REMOVE(&p->desk->peers, p, entry);
	if (p->early_end != NULL)
		event_free(p->early_end);
	if (p->fd != -1)
		close(p->fd);
	link_free(p->link);
	person_free(p->who);
	strvec_release(&p->watches);
	free(p->session);
	free(p);
}

int
peer_identify(struct peer *p, struct person *who)
{
	struct link_params params = { .base = p->desk->p.base, .fd = p->fd, .name = p->session, .rows = peer_rows,
	    .gone = peer_gone, .arg = p };

	p->who = who;
	event_free(p->early_end);
	p->early_end = NULL;
	if ((p->link = link_new(&params)) == NULL) {
		peer_free(p);
		return ERR_NOMEM;
	}
	p->fd = -1;
	return 0;
}

void
peer_watch(struct peer *p, const char *id)
{
	if (!strvec_has(&p->watches, id) && p->watches.n < SUBS_PER_PEER)
		strvec_push(&p->watches, id);
}

void
peer_tell(struct peer *p, const struct request *r)
{
	char *deciders, *by, *reason;
	size_t i = 0;

	while (i < p->watches.n && strcmp(p->watches.v[i], r->id) != 0)
		i++;
	if (i == p->watches.n)
		return;
	free(p->watches.v[i]);
	memmove(&p->watches.v[i], &p->watches.v[i + 1], (p->watches.n - i) * sizeof(p->watches.v[0]));
	p->watches.n--;
	deciders = request_deciders(r);
	by = plain_string(r->state == APPROVAL_EXPIRED ? "" : deciders);
	reason = plain_string(r->why);
	send_decision(p, r->id, r->state, by, reason);
	free(deciders);
	free(by);
	free(reason);
}
