/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/provider-webhook.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "approvals/http.h"
#include "approvals/limits.h"
#include "approvals/provider.h"
#include "approvals/webhook.h"
#include "bastion/base/clock.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

struct hook {
	struct provider		 provider;	/* first */
	struct event_base	*base;
	struct http		*http;
	char			*url;
	char			*host;		/* of the URL, for logs: the rest may hold a token */
	struct webhook_key	 key;
	bool			 gone;		/* the receiver said 410 */
	size_t			 ndeliveries;
	TAILQ_HEAD(, delivery)	 deliveries;
};

struct delivery {
	TAILQ_ENTRY(delivery)	 entry;
	struct hook		*hook;
	char			 request[ID_TEXT];
	enum webhook_event	 event;
	char			*id, *body;
	unsigned		 tries;
	struct http_call	*call;		/* under way, or NULL */
	struct event		*timer;		/* of the next try */
};

static void	delivery_try(evutil_socket_t, short, void *);

static void
delivery_free(struct delivery *d)
{
	TAILQ_REMOVE(&d->hook->deliveries, d, entry);
	d->hook->ndeliveries--;
	if (d->call != NULL)
		http_cancel(d->call);
	if (d->timer != NULL)
		event_free(d->timer);
	free(d->id);
	free(d->body);
	free(d);
}

static void
hook_clear(struct hook *h)
{
	struct delivery *d;

	while ((d = TAILQ_FIRST(&h->deliveries)) != NULL)
		delivery_free(d);
}

/* When to try again; a fifth more or less, so that a receiver that comes back is not hit by all at once. */
static void
delivery_later(struct delivery *d)
{
	static const unsigned wait_s[] = { 1, 5, 30, 120, 300 };
	size_t i = d->tries - 1, last = sizeof(wait_s) / sizeof(wait_s[0]) - 1;
	uint32_t ms = wait_s[i < last ? i : last] * 1000;
	struct timeval tv;

	if (d->event == WEBHOOK_DECIDED && d->tries >= HOOK_TRIES_DECIDED) {
		log_warn("webhook %s: %s given up after %u tries", d->hook->host, d->id, d->tries);
		delivery_free(d);
		return;
	}
	ms = ms - ms / 5 + randombytes_uniform(2 * ms / 5);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	(void)event_add(d->timer, &tv);
}

static void
delivery_done(long status, const char *why, void *arg)
{
	struct delivery *d = arg;
	struct hook *h = d->hook;

	d->call = NULL;
	if (status >= 200 && status <= 299) {
		log_debug("webhook %s: %s delivered", h->host, d->id);
		delivery_free(d);
	} else if (status == 410) {
		log_warn("webhook %s: answers 410; nothing more is sent there until the next reload", h->host);
		h->gone = true;
		hook_clear(h);
	} else {
		if (status == 0)
			log_warn("webhook %s: %s: %s", h->host, d->id, why);
		else
			log_warn("webhook %s: %s: answers %ld", h->host, d->id, status);
		delivery_later(d);
	}
}

static void
delivery_try(evutil_socket_t fd, short what, void *arg)
{
	struct delivery *d = arg;
	struct strvec headers = STRVEC_INIT;
	char signature[WEBHOOK_SIGNATURE];
	int64_t now_s = clock_wall_ms() / 1000;
	size_t len = strlen(d->body);

	(void)fd;
	(void)what;
	d->tries++;
	webhook_sign(&d->hook->key, d->id, now_s, d->body, len, signature);
	strvec_push(&headers, "content-type: application/cloudevents+json; charset=utf-8");
	strvec_push(&headers, "expect:");
	strvec_pushf(&headers, "webhook-id: %s", d->id);
	strvec_pushf(&headers, "webhook-timestamp: %lld", (long long)now_s);
	strvec_pushf(&headers, "webhook-signature: %s", signature);
	d->call = http_post(d->hook->http, &(struct http_post){ .url = d->hook->url, .headers = &headers,
	    .body = d->body, .len = len, .done = delivery_done, .arg = d });
	strvec_release(&headers);
	if (d->call == NULL) {
		log_warn("webhook %s: %s: cannot be sent", d->hook->host, d->id);
		delivery_later(d);
	}
}

static void
hook_send(struct hook *h, const struct request *r, enum webhook_event event)
{
	struct delivery *d;
	struct timeval now = { 0, 0 };

	if (h->gone)
		return;
	if (h->ndeliveries >= HOOK_DELIVERIES_MAX) {
		log_warn("webhook %s: %d deliveries wait already; %s is not announced there", h->host,
		    HOOK_DELIVERIES_MAX, r->id);
		return;
	}
	d = xcalloc(1, sizeof(*d));
	d->hook = h;
	memcpy(d->request, r->id, sizeof(d->request));
	d->event = event;
	d->id = webhook_id(r, event);
	d->body = webhook_body(r, event, clock_wall_ms());
	d->timer = event_new(h->base, -1, 0, delivery_try, d);
	TAILQ_INSERT_TAIL(&h->deliveries, d, entry);
	h->ndeliveries++;
	if (d->body == NULL || d->timer == NULL || event_add(d->timer, &now) == -1)
		delivery_free(d);
}

static void
hook_requested(struct provider *p, const struct request *r)
{
	hook_send((struct hook *)(void *)p, r, WEBHOOK_REQUESTED);
}

static void
hook_decided(struct provider *p, const struct request *r)
{
	struct hook *h = (struct hook *)(void *)p;
	struct delivery *d, *next;

	for (d = TAILQ_FIRST(&h->deliveries); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (d->event == WEBHOOK_REQUESTED && strcmp(d->request, r->id) == 0)
			delivery_free(d);
	}
	hook_send(h, r, WEBHOOK_DECIDED);
}

static void
hook_free(struct provider *p)
{
	struct hook *h = (struct hook *)(void *)p;

	hook_clear(h);
	sodium_memzero(&h->key, sizeof(h->key));
	free(h->url);
	free(h->host);
	free(h);
}

static const struct provider_ops hook_ops = {
	.name = "webhook",
	.requested = hook_requested,
	.decided = hook_decided,
	.free = hook_free,
};

/* "chat.example.org:8443" of a URL, without what may be a name and a password; NULL = not http or https. */
static char *
url_host(const char *url)
{
	const char *start = NULL, *at;
	size_t n;

	if (strncmp(url, "https://", 8) == 0)
		start = url + 8;
	else if (strncmp(url, "http://", 7) == 0)
		start = url + 7;
	if (start == NULL)
		return NULL;
	n = strcspn(start, "/?#");
	if ((at = memrchr(start, '@', n)) != NULL) {
		n -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	return n == 0 ? NULL : xstrndup(start, n);
}

struct provider *
provider_webhook_new(struct event_base *base, struct http *http, const char *url, const char *secret)
{
	struct hook *h = xcalloc(1, sizeof(*h));

	h->provider.ops = &hook_ops;
	h->base = base;
	h->http = http;
	TAILQ_INIT(&h->deliveries);
	h->url = xstrdup(url);
	if ((h->host = url_host(url)) == NULL || webhook_key_parse(secret, &h->key) != 0) {
		hook_free(&h->provider);
		return NULL;
	}
	return &h->provider;
}
