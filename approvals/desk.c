/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/desk.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/desk_int.h"
#include "approvals/provider-webhook.h"
#include "approvals/provider.h"
#include "approvals/verb.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

#define SWEEP_MAX_MS	(60 * 1000)	/* the wall clock may jump: look at least this often */

struct buf *
desk_body(void)
{
	struct buf *b = buf_new(MSG_MAX);

	if (b == NULL)
		fatal("out of memory");
	return b;
}

struct held *
desk_hold(struct desk *d, struct request *r)
{
	struct held *h = xcalloc(1, sizeof(*h));

	h->r = r;
	TAILQ_INSERT_TAIL(&d->open, h, entry);
	d->nopen++;
	return h;
}

void
desk_drop(struct desk *d, struct held *h)
{
	TAILQ_REMOVE(&d->open, h, entry);
	d->nopen--;
	if (h->busy != NULL)
		h->busy->held = NULL;
	request_free(h->r);
	free(h);
}

struct held *
desk_find(struct desk *d, const char *id)
{
	struct held *h;

	TAILQ_FOREACH(h, &d->open, entry)
		if (strcmp(h->r->id, id) == 0)
			return h;
	return NULL;
}

void
desk_tell(struct desk *d, const struct request *r)
{
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, entry)
		peer_tell(p, r);
	for (size_t i = 0; i < d->nproviders; i++)
		d->providers[i]->ops->decided(d->providers[i], r);
}

void
desk_announce(struct desk *d, const struct request *r)
{
	for (size_t i = 0; i < d->nproviders; i++)
		d->providers[i]->ops->requested(d->providers[i], r);
}

struct telling {
	struct buf	*list;
	uint32_t	 n;
};

static void
tell_one(const struct memory *m, void *arg)
{
	const char *words[] = { m->rule, m->fingerprint, m->target, m->repo, m->choice, m->by, m->request };
	struct telling *t = arg;
	int r = t->n == MEMORIES_MAX ? ERR_TOOBIG : 0;

	for (size_t i = 0; r == 0 && i < sizeof(words) / sizeof(words[0]); i++)
		r = buf_put_cstring(t->list, words[i]);
	if (r == 0 && buf_put_u64(t->list, (uint64_t)m->until_ms) == 0)
		t->n++;
}

void
desk_tell_memory(struct desk *d)
{
	struct telling t = { .list = buf_new(MSG_MAX - 16) };
	struct buf *b = desk_body();

	if (t.list == NULL)
		fatal("out of memory");
	if (store_each_memory(d->p.store, clock_wall_ms(), tell_one, &t) != 0)
		log_error("approvals database: %s", store_error(d->p.store));
	else if ((t.n > 0 || d->remembers) && buf_put_u32(b, t.n) == 0 &&
	    buf_put(b, buf_ptr(t.list), buf_len(t.list)) == 0 && link_send(d->p.parent, APPROVALS_REMEMBERED, 0, b, -1) == 0)
		d->remembers = t.n > 0;
	buf_free(t.list);
	buf_free(b);
}

static bool
held_is_over(const struct desk *d, const struct held *h, int64_t now_ms)
{
	return request_is_due(h->r, now_ms) || memcmp(h->r->policy, d->settings->policy, sizeof(h->r->policy)) != 0;
}

void
desk_sweep(struct desk *d)
{
	int64_t now = clock_wall_ms(), next = now + SWEEP_MAX_MS;
	struct timeval tv;
	struct held *h, *after;

	if (d->settings == NULL || op_must_wait(d))
		return;		/* swept again by the next answer of the audit process */
	for (h = TAILQ_FIRST(&d->open); h != NULL; h = after) {
		after = TAILQ_NEXT(h, entry);
		if (h->busy != NULL)
			continue;	/* looked at again when its step is over */
		if (held_is_over(d, h, now)) {
			struct op *op = op_new(d, &op_expire, NULL);

			op->req = xstrdup(h->r->id);
			op_run(op);
		} else if (request_due_ms(h->r) < next)
			next = request_due_ms(h->r);
	}
	tv.tv_sec = (next - now) / 1000;
	tv.tv_usec = (next - now) % 1000 * 1000;
	(void)event_add(d->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	desk_sweep(arg);
}

static void
take_open(struct request *r, void *arg)
{
	desk_hold(arg, r)->recorded = true;
}

struct desk *
desk_new(const struct desk_params *p)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	d->p = *p;
	TAILQ_INIT(&d->open);
	TAILQ_INIT(&d->peers);
	TAILQ_INIT(&d->ops);
	if ((d->timer = event_new(p->base, -1, 0, on_timer, d)) == NULL ||
	    store_each_open(p->store, take_open, d) != 0) {
		desk_free(d);
		return NULL;
	}
	return d;
}

static void
free_providers(struct desk *d)
{
	for (size_t i = 0; i < d->nproviders; i++)
		d->providers[i]->ops->free(d->providers[i]);
	d->nproviders = 0;
}

void
desk_free(struct desk *d)
{
	struct op *op;
	struct peer *p;
	struct held *h;

	if (d == NULL)
		return;
	while ((p = TAILQ_FIRST(&d->peers)) != NULL)
		peer_free(p);
	while ((op = TAILQ_FIRST(&d->ops)) != NULL)
		op_free(op);
	while ((h = TAILQ_FIRST(&d->open)) != NULL)
		desk_drop(d, h);
	free_providers(d);
	settings_free(d->settings);
	if (d->timer != NULL)
		event_free(d->timer);
	free(d);
}

void
desk_configure(struct desk *d, struct settings *s)
{
	struct held *h;

	settings_free(d->settings);
	d->settings = s;
	free_providers(d);
	for (size_t i = 0; i < s->nhooks; i++) {
		struct provider *p = provider_webhook_new(d->p.base, d->p.http, s->hooks[i].url, s->hooks[i].secret);

		if (p != NULL)
			d->providers[d->nproviders++] = p;
		else
			log_error("webhook number %zu has a bad URL or secret; nothing is announced there", i + 1);
	}
	desk_tell_memory(d);
	desk_sweep(d);
	TAILQ_FOREACH(h, &d->open, entry)
		if (h->recorded && h->busy == NULL && h->r->state == APPROVAL_PENDING)
			desk_announce(d, h->r);
}

static struct peer *
find_peer(struct desk *d, const char *session)
{
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, entry)
		if (strcmp(p->session, session) == 0)
			return p;
	return NULL;
}

int
desk_add_session(struct desk *d, const char *session, int fd)
{
	if (find_peer(d, session) != NULL)
		return ERR_EXISTS;
	return peer_new(d, session, fd) == NULL ? ERR_NOMEM : 0;
}

int
desk_set_identity(struct desk *d, const char *session, struct person *who)
{
	struct peer *p = find_peer(d, session);

	if (p == NULL || p->who != NULL) {
		person_free(who);
		return p == NULL ? ERR_NOTFOUND : ERR_EXISTS;
	}
	return peer_identify(p, who);
}

void
desk_return(struct desk *d, const char *session, char *req, const uint8_t *digest)
{
	struct op *op = op_new(d, &op_return, NULL);

	free(op->session);
	op->session = xstrdup(session);
	op->req = req;
	memcpy(op->digest, digest, sizeof(op->digest));
	op_run(op);
}

int
desk_admin(struct desk *d, uint32_t id, const char *who, struct buf *body)
{
	struct verb *v = NULL;
	struct op *op;
	int r;

	if ((r = verb_parse(body, &v)) != 0)
		return r;
	op = op_new(d, &op_verb, NULL);
	op->admin = true;
	op->id = id;
	op->verb = v;
	op->who = person_new(who, "");
	op->who->may_decide = op->who->host = true;
	op_run(op);
	return 0;
}
