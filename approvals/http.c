/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/http.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "approvals/limits.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

struct http_call {
	TAILQ_ENTRY(http_call)	 entry;
	struct http		*http;
	CURL			*easy;
	struct curl_slist	*headers;
	char			 error[CURL_ERROR_SIZE];
	size_t			 got;	/* bytes of the answer, thrown away */
	http_done_fn		 done;
	void			*arg;
};

struct http {
	struct event_base	*base;
	CURLM			*multi;
	struct event		*timer;
	TAILQ_HEAD(, http_call)	 calls;
};

int
http_init(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : ERR_SYSTEM;
}

static void
call_free(struct http_call *c)
{
	TAILQ_REMOVE(&c->http->calls, c, entry);
	(void)curl_multi_remove_handle(c->http->multi, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	free(c);
}

/* Tell the owners of finished calls. done() may start and cancel others, so the list is asked anew each time. */
static void
http_reap(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct http_call *c = NULL;
		char *priv = NULL, *why;
		http_done_fn done;
		void *arg;
		long status = 0;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &priv);
		c = (struct http_call *)(void *)priv;
		if (m->data.result == CURLE_OK)
			(void)curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		why = xstrdup(c->error[0] != '\0' ? c->error : curl_easy_strerror(m->data.result));
		done = c->done;
		arg = c->arg;
		call_free(c);
		done(status, why, arg);
		free(why);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), running;

	(void)curl_multi_socket_action(h->multi, fd, flags, &running);
	http_reap(h);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int running;

	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	http_reap(h);
}

/* libcurl says which sockets it watches and for what; the event lives as long as the socket is watched. */
static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
	struct http *h = arg;
	struct event *ev = sockp;
	short flags = EV_PERSIST;

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	flags |= what != CURL_POLL_OUT ? EV_READ : 0;
	flags |= what != CURL_POLL_IN ? EV_WRITE : 0;
	ev = event_new(h->base, fd, flags, on_socket, h);
	(void)curl_multi_assign(h->multi, fd, ev);
	return ev == NULL || event_add(ev, NULL) == -1 ? -1 : 0;
}

static int
want_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)multi;
	return ms < 0 ? event_del(h->timer) : event_add(h->timer, &tv);
}

struct http *
http_new(struct event_base *base)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->base = base;
	TAILQ_INIT(&h->calls);
	h->timer = event_new(base, -1, 0, on_timer, h);
	h->multi = curl_multi_init();
	if (h->timer == NULL || h->multi == NULL ||
	    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 32L) != CURLM_OK) {
		http_free(h);
		return NULL;
	}
	return h;
}

void
http_free(struct http *h)
{
	struct http_call *c;

	if (h == NULL)
		return;
	while ((c = TAILQ_FIRST(&h->calls)) != NULL)
		call_free(c);
	if (h->multi != NULL)
		(void)curl_multi_cleanup(h->multi);
	if (h->timer != NULL)
		event_free(h->timer);
	free(h);
}

/* The answer's body is of no interest; too much of it ends the call. */
static size_t
drop_answer(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;

	(void)p;
	c->got += size * n;
	return c->got > HTTP_ANSWER_MAX ? 0 : size * n;
}

static CURLcode
call_options(struct http_call *c, const struct http_post *p)
{
	CURL *e = c->easy;
	CURLcode r;

	if ((r = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https")) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_URL, p->url)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_PROXY, "")) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)HTTP_TOTAL_MS)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_USERAGENT, "sallyport")) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)p->len)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, p->body)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, drop_answer)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_WRITEDATA, c)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error)) != CURLE_OK)
		return r;
	return curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)c);
}

static int
call_headers(struct http_call *c, const struct strvec *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		struct curl_slist *more = curl_slist_append(c->headers, headers->v[i]);

		if (more == NULL)
			return ERR_NOMEM;
		c->headers = more;
	}
	return 0;
}

struct http_call *
http_post(struct http *h, const struct http_post *p)
{
	struct http_call *c;

	if (p->len > HTTP_BODY_MAX)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->http = h;
	c->done = p->done;
	c->arg = p->arg;
	TAILQ_INSERT_TAIL(&h->calls, c, entry);
	if ((c->easy = curl_easy_init()) == NULL || call_headers(c, p->headers) != 0 ||
	    call_options(c, p) != CURLE_OK || curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		call_free(c);
		return NULL;
	}
	return c;
}

void
http_cancel(struct http_call *c)
{
	call_free(c);
}
