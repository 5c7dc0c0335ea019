/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/listen.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/policy/destination.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/session_int.h"

enum listen_state { LISTEN_RECORD, LISTEN_LEG, LISTEN_ASK, LISTEN_ON, LISTEN_STOP, LISTEN_OVER };

struct listen {
	struct listen		*next;
	struct session		*session;
	enum listen_state	 state;
	char			 request[ID_TEXT];
	char			*host, *at;
	unsigned		 port;
	bool			 durable, withdrawn;
	struct sshconn		*conn;		/* that listens */
};

const char *
listen_host(const struct listen *l)
{
	return l->host;
}

unsigned
listen_port(const struct listen *l)
{
	return l->port;
}

const char *
listen_at(const struct listen *l)
{
	return l->at;
}

static struct listen *
listen_find(struct session *s, unsigned port)
{
	for (struct listen *l = s->listens; l != NULL; l = l->next)
		if (l->port == port && l->state != LISTEN_OVER)
			return l;
	return NULL;
}

static int
listen_is_durable(struct msg *m, void *arg)
{
	struct listen *l = arg;

	(void)m;
	l->durable = true;
	l->session->moved = true;
	return 0;
}

static void
listen_judge(struct session *s, const char *at, struct verdict *v)
{
	struct request q = { .kind = REQUEST_LISTEN, .target = s->target, .login = s->login, .detail = at,
	    .now = clock_wall_ms() / 1000 };
	unsigned n = 0;

	for (struct listen *l = s->listens; l != NULL; l = l->next)
		n++;
	*v = (struct verdict){ .what = DECISION_DENY, .rule = "malformed", .because = "no address, or no port" };
	if (at == NULL)
		return;
	v->rule = "certificate";
	v->because = "your certificate has no permit-port-forwarding";
	if (!s->cert->permit_port_forwarding)
		return;
	v->rule = "default";
	v->because = s->target == NULL ? "the bastion itself listens for nobody" : "as many as there may be";
	if (s->target != NULL && n < LISTENS_MAX)
		decide(s->p->conf->policy, &s->who, &q, v);
}

bool
listen_admit(struct session *s, const char *host, unsigned port)
{
	bool any = *host == '\0' || strcmp(host, "*") == 0;
	char *at = any && port > 0 && port < 65536 ? xasprintf("*:%u", port) : destination_make(host, port);
	struct verdict v;
	struct listen *l;

	listen_judge(s, at, &v);
	if (v.what != DECISION_ALLOW || listen_find(s, port) != NULL) {
		refusal_record(s, "remote forwarding (tcpip-forward)", at, &v);
		free(at);
		return false;
	}
	l = xcalloc(1, sizeof(*l));
	l->session = s;
	l->host = xstrdup(host);
	l->at = at;
	l->port = port;
	id_make("REQ-", REQUEST_ID_LEN, l->request);
	l->next = s->listens;
	s->listens = l;
	(void)session_record(s, "listen.start", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "request", l->request, "at", at, "verdict",
	    "allow", "rule", v.rule, "target", s->target, "login", s->login), listen_is_durable, l);
	s->moved = true;
	return true;
}

bool
listen_withdraw(struct session *s, const char *host, unsigned port)
{
	struct listen *l = listen_find(s, port);

	if (l == NULL || strcmp(l->host, host) != 0 || l->withdrawn)
		return false;
	l->withdrawn = true;
	s->moved = true;
	return true;
}

bool
listen_incoming(struct session *s, struct sshchan *up, unsigned port, const char *from, unsigned from_port,
    const struct sshchan_ops **opsp, void **argp)
{
	struct listen *l = listen_find(s, port);

	/* It may come in before we have seen that the target listens. */
	return l != NULL && (l->state == LISTEN_ASK || l->state == LISTEN_ON) && !l->withdrawn && from != NULL &&
	    channel_reverse(s, up, l, from, from_port, opsp, argp);
}

static void
listen_over(struct listen *l, const char *why)
{
	struct session *s = l->session;

	(void)session_record(s, "listen.end", json_pack("{s:s, s:s, s:s}", "request", l->request, "at", l->at, "reason", why), NULL,
	    NULL);
	if (l->state < LISTEN_ON && !l->withdrawn) {
		log_info("%s: the target does not listen at %s: %s", s->p->id, l->at, why);
		for (struct channel *c = s->channels; c != NULL; c = c->next)
			if (c->forward == NULL && c->state == CHANNEL_RUN)
				channel_sayf(c, "the target does not listen at %s: %s", l->at, why);
	}
	l->state = LISTEN_OVER;
}

static void
listen_step(struct listen *l, int64_t now_us)
{
	struct session *s = l->session;
	int r;

	switch (l->state) {
	case LISTEN_RECORD:
		if (l->durable && s->state == SESSION_OPEN)
			l->state = LISTEN_LEG;
		break;
	case LISTEN_LEG:
		(void)leg_get(s, now_us);
		if (leg_state(s->leg) == LEG_DEAD)
			listen_over(l, leg_why(s->leg));
		else if ((l->conn = leg_conn(s->leg)) != NULL)
			l->state = LISTEN_ASK;
		break;
	case LISTEN_ASK:
		if ((r = sshconn_listen(l->conn, l->host, l->port)) == 0)
			l->state = LISTEN_ON;
		else if (r != ERR_AGAIN)
			listen_over(l, "it refused");
		break;
	case LISTEN_ON:
		if (l->withdrawn)
			l->state = LISTEN_STOP;
		break;
	case LISTEN_STOP:
		if (sshconn_unlisten(l->conn, l->host, l->port) != ERR_AGAIN)
			listen_over(l, "taken back");
		break;
	case LISTEN_OVER:
		return;
	}
	if (l->state >= LISTEN_ASK && l->state < LISTEN_OVER && (s->leg == NULL || leg_conn(s->leg) != l->conn))
		listen_over(l, "the connection to the target is over");
}

void
listen_step_all(struct session *s, int64_t now_us)
{
	/* One question to the target at a time: libssh keeps only one answer apart. */
	for (struct listen *l = s->listens; l != NULL; l = l->next) {
		enum listen_state before = l->state;

		listen_step(l, now_us);
		if (l->state != before)
			s->moved = true;
		if (l->state == LISTEN_ASK || l->state == LISTEN_STOP) {
			s->soon = true;
			break;
		}
	}
	for (struct listen **lp = &s->listens, *l; (l = *lp) != NULL;) {
		if (l->state != LISTEN_OVER || !l->durable) {
			lp = &l->next;
			continue;
		}
		*lp = l->next;
		free(l->host);
		free(l->at);
		free(l);
	}
}

void
listen_end_all(struct session *s)
{
	for (struct listen *l = s->listens; l != NULL; l = l->next)
		if (l->state != LISTEN_OVER) {
			l->withdrawn = true;
			listen_over(l, "the session ends");
		}
}

void
listen_free_all(struct session *s)
{
	while (s->listens != NULL) {
		struct listen *l = s->listens;

		s->listens = l->next;
		calls_cancel(s->calls, l);
		free(l->host);
		free(l->at);
		free(l);
	}
}
