/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/loan.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/agent-wire.h"
#include "bastion/ident/privkey.h"

#define CERT_ALGORITHM	"ssh-ed25519-cert-v01@openssh.com"
#define OUT_MAX	(8 * 1024)	/* a list and a signature; who does not read them loses the loan */

struct loan {
	struct loan_params p;
	struct event	*rd, *clock;
	struct buf	*in, *out;
	bool		 recording;	/* a use waits for its record */
	/* what is to be signed then */
	struct buf	*data;
	char		 algorithm[AGENT_ALGORITHM_MAX];
};

void
loan_free(struct loan *l)
{
	if (l == NULL)
		return;
	if (l->rd != NULL)
		event_free(l->rd);
	if (l->clock != NULL)
		event_free(l->clock);
	if (l->p.fd != -1)
		close(l->p.fd);
	privkey_free(l->p.key);
	buf_free(l->p.password);
	buf_free(l->p.cert);
	buf_free(l->in);
	buf_free(l->out);
	buf_free(l->data);
	free((char *)(uintptr_t)l->p.login);
	free((char *)(uintptr_t)l->p.name);
	free(l);
}

static void
loan_end(struct loan *l)
{
	l->p.gone(l, l->p.arg);
	loan_free(l);
}

/* Small answers on an empty socket go out at once, or the peer does not want them. False: the loan is over. */
static bool
loan_send(struct loan *l, int r)
{
	while (r == 0 && buf_len(l->out) > 0)
		r = buf_write(l->out, l->p.fd);
	if (r == 0)
		return true;
	loan_end(l);
	return false;
}

/* What is offered: the key, or the certificate on it. */
static const uint8_t *
loan_blob(const struct loan *l, size_t *np)
{
	if (l->p.cert == NULL)
		return privkey_blob(l->p.key, np);
	*np = buf_len(l->p.cert);
	return buf_ptr(l->p.cert);
}

static int
loan_sign(struct loan *l)
{
	struct buf *sig = buf_new(OUT_MAX / 2);
	int r = ERR_NOMEM;

	if (sig != NULL)
		r = privkey_sign(l->p.key, l->p.cert != NULL && strcmp(l->algorithm, CERT_ALGORITHM) == 0 ? "ssh-ed25519" : l->algorithm,
		    buf_ptr(l->data), buf_len(l->data), sig);
	r = r == 0 ? agent_put_signature(l->out, buf_ptr(sig), buf_len(sig)) : agent_put_failure(l->out);
	buf_free(sig);
	return r;
}

/* A request to sign: what for, and then the record. */
static int
loan_ask_sign(struct loan *l, const struct agent_request *q)
{
	const uint8_t *blob;
	size_t n;
	int r;

	blob = loan_blob(l, &n);
	if (q->keylen != n || memcmp(q->key, blob, n) != 0)
		r = ERR_DENIED;
	else
		r = agent_login_check(q->data, q->datalen, l->p.login, blob, n, l->algorithm);
	if (r == 0) {
		buf_clear(l->data);
		r = buf_put(l->data, q->data, q->datalen);
	}
	if (r == 0) {
		l->recording = true;
		if (l->p.use(l, l->p.arg))
			return 0;
		l->recording = false;
		r = ERR_DENIED;
	}
	log_warn("key %s did not sign: %s", l->p.name, r == ERR_FORMAT ? "not a login" :
	    "not this login, not this key, or not to be recorded");
	return agent_put_failure(l->out);
}

/* What is whole in the input, until something has to be recorded first. */
static void
loan_serve(struct loan *l)
{
	struct agent_request q;
	const uint8_t *blob;
	size_t n;
	int r;

	while (!l->recording && (r = agent_read(l->in, &q)) != ERR_AGAIN) {
		if (r == 0 && q.what == AGENT_LIST) {
			blob = loan_blob(l, &n);
			r = agent_put_list(l->out, blob, n, l->p.name);
		} else if (r == 0 && q.what == AGENT_SIGN)
			r = loan_ask_sign(l, &q);
		else if (r == 0)
			r = agent_put_failure(l->out);
		if (!loan_send(l, r))
			return;
	}
}

static void
loan_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loan *l = arg;
	int r;

	if ((what & EV_TIMEOUT) != 0) {
		loan_end(l);
		return;
	}
	r = buf_read(l->in, fd, AGENT_FRAME_MAX - buf_len(l->in));
	if (r == ERR_AGAIN)
		return;
	/* A password has no requests, only an end. And nobody sends the next request before this one is answered. */
	if (r != 0 || l->p.key == NULL || l->recording)
		loan_end(l);
	else
		loan_serve(l);
}

void
loan_recorded(struct loan *l, bool ok)
{
	int r;

	if (!l->recording)
		return;
	l->recording = false;
	if (l->p.key == NULL) {
		if (ok && (r = buf_put_string(l->out, buf_ptr(l->p.password), buf_len(l->p.password))) == 0)
			while (r == 0 && buf_len(l->out) > 0)
				r = buf_write(l->out, l->p.fd);
		loan_end(l);
	} else if (!loan_send(l, ok ? loan_sign(l) : agent_put_failure(l->out)))
		return;
	else if (ok)
		loan_end(l);
	else
		loan_serve(l);
}

struct loan *
loan_new(const struct loan_params *p)
{
	struct timeval tv = { .tv_sec = LOAN_SECONDS };
	struct loan *l = xcalloc(1, sizeof(*l));
	int flags = fcntl(p->fd, F_GETFL);

	l->p = *p;
	l->p.login = xstrdup(p->login);
	l->p.name = xstrdup(p->name);
	l->in = buf_new(AGENT_FRAME_MAX);
	l->out = buf_new(OUT_MAX);
	l->data = buf_new(AGENT_FRAME_MAX);
	l->rd = event_new(p->base, p->fd, EV_READ | EV_PERSIST, loan_ready, l);
	l->clock = event_new(p->base, -1, 0, loan_ready, l);
	if (l->in == NULL || l->out == NULL || l->data == NULL || l->rd == NULL || l->clock == NULL || flags == -1 ||
	    fcntl(p->fd, F_SETFL, flags | O_NONBLOCK) == -1 || event_add(l->rd, NULL) == -1 || event_add(l->clock, &tv) == -1) {
		loan_free(l);
		return NULL;
	}
	if (l->p.key == NULL) {
		l->recording = true;
		if (!l->p.use(l, l->p.arg)) {
			loan_free(l);
			return NULL;
		}
	}
	return l;
}
