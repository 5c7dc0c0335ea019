/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-forward: a direct-tcpip channel (ssh -L, -D, -W, -J). Where it leads:
 *
 *	to a target of ours, by name or address (ssh -J): the SSH inside is ours too. The parent makes a session for it that is
 *	bound to this identity and that target, and everything is decided and recorded there.
 *	elsewhere: from this connection's target, where rules of the kind forward allow it. Bytes are counted, not looked into.
 *
 *	ASK -> RECORD -> DIAL -> START -> RUN -> SEAL -> OVER
 *
 * RECORD waits until forward.start is durable; until RUN what the agent sends is kept, bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/monitor_msg.h"
#include "bastion/policy/destination.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/fdend.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/listen.h"
#include "bastion/ssh/session_int.h"

#define BACK_MAX	(256 * 1024)	/* from the far side, not yet with the agent */
#define PUSH_ROUNDS	16

enum forward_state { FORWARD_ASK, FORWARD_RECORD, FORWARD_DIAL, FORWARD_START, FORWARD_RUN, FORWARD_SEAL, FORWARD_OVER };

struct forward {
	struct channel		*c;
	enum forward_state	 state;
	char			 request[ID_TEXT];
	char			*host;		/* c->forward in its parts */
	unsigned		 port;
	const struct conf_target *jump;		/* ssh -J: the target that is meant */
	struct verdict		 verdict;
	struct consent		*consent;
	int64_t			 wait_until_us;
	bool			 durable, recorded, asked_jump, redialled;
	struct sshchan		*up;		/* the far side: a channel on the leg .. */
	struct fdend		*inner;		/* .. or a stream to a session of its own */
	bool			 far_eof, far_closed, eof_sent, eof_back;
	uint64_t		 sent, received;
	char			*from;		/* ssh -R, the other way round: who connected to the target */
	unsigned		 from_port;
	const char		*why;		/* how it ended */
};

/* What comes from the far side: only noted. */

static size_t
far_data(const void *p, size_t n, void *arg)
{
	struct forward *f = arg;
	size_t room = buf_len(f->c->out) < BACK_MAX ? BACK_MAX - buf_len(f->c->out) : 0;

	if (f->state != FORWARD_RUN)
		return 0;	/* the agent may not have its end yet */
	if (n > room)
		n = room;
	if (n == 0 || buf_put(f->c->out, p, n) != 0)
		return 0;
	f->received += n;
	f->c->session->moved = true;
	return n;
}

static size_t
up_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	return st == SSHCHAN_OUT ? far_data(p, n, arg) : n;	/* such a channel has no stderr */
}

static void
far_ended(void *arg)
{
	struct forward *f = arg;

	f->far_eof = true;
	f->c->session->moved = true;
}

static void
up_closed(void *arg)
{
	struct forward *f = arg;

	f->far_closed = f->far_eof = true;
	f->c->session->moved = true;
}

static void
inner_room(void *arg)
{
	struct forward *f = arg;

	f->c->session->moved = true;
}

static const struct sshchan_ops up_ops = { .data = up_data, .eof = far_ended, .closed = up_closed };
static const struct fdend_ops inner_ops = { .data = far_data, .eof = far_ended, .room = inner_room };

/* Decide */

static void
forward_split(const char *destination, char **hostp, unsigned *portp)
{
	const char *colon = strrchr(destination, ':');
	size_t n = (size_t)(colon - destination);

	*portp = (unsigned)strtoul(colon + 1, NULL, 10);
	*hostp = destination[0] == '[' ? xstrndup(destination + 1, n - 2) : xstrndup(destination, n);
}

/* A jump is decided by whether the target may be reached at all; the rest is the inner session's. */
static void
forward_judge(struct session *s, const char *destination, const struct conf_target *jump, struct verdict *v)
{
	struct request q = { .kind = REQUEST_FORWARD, .target = s->target, .login = s->login, .detail = destination,
	    .now = clock_wall_ms() / 1000 };
	bool ok;

	if (jump == NULL && s->target != NULL && !s->cert->permit_port_forwarding) {
		*v = (struct verdict){ .what = DECISION_DENY, .rule = "certificate", .because =
		    "your certificate has no permit-port-forwarding" };
		return;
	}
	if (jump == NULL && s->target != NULL) {
		decide(s->p->conf->policy, &s->who, &q, v);
		return;
	}
	*v = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "no target of this name or address" };
	if (jump == NULL)
		return;
	ok = s->p->jump_target == NULL && policy_reaches(s->p->conf->policy, &s->who, jump->name, NULL);
	v->what = ok ? DECISION_ALLOW : DECISION_DENY;
	v->rule = ok ? "jump" : "default";
	v->because = ok ? "decided and recorded in a session of its own" : s->p->jump_target != NULL ?
	    "one jump is all there is" : "no rule lets you reach it";
}

static const struct conf_target *
forward_jump(struct session *s, const char *destination)
{
	const struct conf_target *t;
	unsigned port;
	char *host;

	forward_split(destination, &host, &port);
	t = conf_target_at(s->p->conf, host, port);
	free(host);
	return t;
}

bool
forward_admit(struct session *s, const char *host, unsigned port, char **forwardp)
{
	char *destination = destination_make(host, port), *shown;
	struct verdict v = { .what = DECISION_DENY, .rule = "malformed", .because = "no host name, or no port" };

	if (destination != NULL)
		forward_judge(s, destination, forward_jump(s, destination), &v);
	if (v.what != DECISION_DENY) {
		*forwardp = destination;
		return true;
	}
	shown = destination == NULL ? text_printable(host, strnlen(host, 255)) : xstrdup(destination);
	refusal_record(s, "port forwarding (direct-tcpip)", shown, &v);
	free(shown);
	free(destination);
	return false;
}

static void	forward_end(struct forward *, const char *why);

static void
forward_start(struct channel *c)
{
	struct forward *f = xcalloc(1, sizeof(*f));

	f->c = c;
	c->own = f;
	c->in_max = CHANNEL_IN_MAX;
	id_make("REQ-", REQUEST_ID_LEN, f->request);
	forward_split(c->forward, &f->host, &f->port);
	f->jump = forward_jump(c->session, c->forward);
	forward_judge(c->session, c->forward, f->jump, &f->verdict);
	f->why = "closed";
	f->state = f->verdict.what == DECISION_ASK ? FORWARD_ASK : FORWARD_RECORD;
	/* It was admitted before the parent had vouched for the identity; meanwhile a freeze may have begun. */
	if (f->verdict.what == DECISION_DENY) {
		refusal_record(c->session, "port forwarding (direct-tcpip)", c->forward, &f->verdict);
		forward_end(f, "denied");
	}
}

/* Ask: nobody can be told of it here but the human who is asked; it waits, and nothing passes. */

static void
forward_ask(struct forward *f, int64_t now_us)
{
	struct session *s = f->c->session;
	struct consent_params p = { .kind = "forward", .target = s->target, .login = s->login, .rule = f->verdict.rule,
	    .because = f->verdict.because };
	char *text = xasprintf("a connection to %s, from %s; what passes through it is not looked into", f->c->forward, s->target);
	struct buf *b = buf_new(8192);

	if (b == NULL || buf_put_cstring(b, "sallyport forward 1") != 0 || buf_put_cstring(b, s->who.identity) != 0 ||
	    buf_put_cstring(b, s->target) != 0 || buf_put_cstring(b, s->login) != 0 || buf_put_cstring(b, f->c->forward) != 0)
		fatal("out of memory");
	digest_sha256(buf_ptr(b), buf_len(b), p.digest);
	p.text = text;
	f->consent = consent_new(s, &p);
	f->wait_until_us = now_us + s->p->conf->approval_wait_ms * 1000;
	buf_free(b);
	free(text);
}

static void
forward_wait(struct forward *f, int64_t now_us)
{
	if (f->consent == NULL)
		forward_ask(f, now_us);
	switch (consent_state(f->consent)) {
	case CONSENT_ASKING:
	case CONSENT_USING:
		return;
	case CONSENT_PENDING:
		if (now_us >= f->wait_until_us)
			forward_end(f, "still pending; open it again after approval");
		return;
	case CONSENT_GIVEN:
		consent_use(f->consent);
		return;
	case CONSENT_USED:
		f->state = FORWARD_RECORD;
		return;
	case CONSENT_REFUSED:
		forward_end(f, "denied by a human");
		return;
	case CONSENT_LATER:
		forward_end(f, "nobody decided");
		return;
	}
}

/* Record */

static int
forward_is_durable(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct forward *f = c->own;

	(void)m;
	f->durable = true;
	c->session->moved = true;
	return 0;
}

static void
forward_record(struct forward *f)
{
	struct session *s = f->c->session;

	if (!f->recorded) {
		f->recorded = true;
		(void)session_record(s, "forward.start", json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*}", "request", f->request, "to",
		    f->c->forward, "verdict", decision_word(f->verdict.what), "rule", f->verdict.rule, "jump",
		    f->jump == NULL ? NULL : f->jump->name, "target", f->jump == NULL ? s->target : NULL, "approval",
		    f->consent == NULL ? NULL : consent_id(f->consent)), forward_is_durable, f->c);
	}
	if (f->durable)
		f->state = f->from != NULL ? FORWARD_START : FORWARD_DIAL;
}

/* Over, whatever was open. The record of the end is the last thing. */
static void
forward_end(struct forward *f, const char *why)
{
	struct channel *c = f->c;

	if (f->state >= FORWARD_SEAL)
		return;
	f->why = why;
	if (f->up != NULL)
		leg_release(c->session->leg, f->up);
	fdend_free(f->inner);
	f->up = NULL;
	f->inner = NULL;
	f->durable = false;
	if (f->recorded || f->consent != NULL)
		(void)session_record(c->session, "forward.end", json_pack("{s:s, s:s, s:I, s:I, s:s}", "request", f->request, "to",
		    c->forward, "sent", (json_int_t)f->sent, "received", (json_int_t)f->received, "reason", why), forward_is_durable, c);
	else
		f->durable = true;
	channel_end(c, 0);
	f->state = FORWARD_SEAL;
}

/* Dial */

/* MON_JUMPED: u8 ok, s error; descriptor. */
static int
forward_jumped(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct forward *f = c->own;
	char *error = NULL;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) == 0 && (r = buf_get_cstring(m->body, &error)) == 0 && (r = buf_end(m->body)) == 0 &&
	    f->state == FORWARD_DIAL) {
		if (ok && m->fd != -1) {
			f->inner = fdend_new(c->session->loop, msg_take_fd(m), &inner_ops, f);
			f->state = FORWARD_RUN;
		} else {
			log_info("%s: no jump to %s: %s", c->session->p->id, c->forward, error);
			f->far_closed = f->far_eof = true;
		}
	}
	c->session->moved = true;
	free(error);
	return r;
}

static void
forward_dial_jump(struct forward *f)
{
	struct session *s = f->c->session;
	struct buf *b = buf_new(1024);

	f->asked_jump = true;
	if (b == NULL || buf_put_cstring(b, f->jump->name) != 0 || !session_call(s, s->monitor, MON_JUMP, b, forward_jumped, f->c))
		forward_end(f, "the bastion cannot begin another session");
	buf_free(b);
}

static void
forward_dial(struct forward *f, int64_t now_us)
{
	struct session *s = f->c->session;

	if (f->jump != NULL) {
		if (!f->asked_jump)
			forward_dial_jump(f);
		else if (f->far_closed)
			forward_end(f, "refused by the bastion");
		return;
	}
	if (!f->redialled || s->leg == NULL)
		(void)leg_get(s, now_us);
	f->redialled = true;
	if (leg_state(s->leg) == LEG_DEAD) {
		log_info("%s: forward to %s: %s", s->p->id, f->c->forward, leg_why(s->leg));
		forward_end(f, "the target cannot be reached");
	} else if (leg_state(s->leg) == LEG_UP) {
		if ((f->up = leg_channel(s->leg, &up_ops, f)) == NULL)
			forward_end(f, "no channel to the target");
		else
			f->state = FORWARD_START;
	}
}

bool
channel_reverse(struct session *s, struct sshchan *up, const struct listen *l, const char *from, unsigned from_port,
    const struct sshchan_ops **opsp, void **argp)
{
	char *shown = text_printable(from, strnlen(from, 255));
	struct channel *c = channel_back(s, xasprintf("%s from %s:%u", listen_at(l), shown, from_port));
	struct forward *f;

	if (c == NULL) {
		free(shown);
		return false;
	}
	f = xcalloc(1, sizeof(*f));
	f->c = c;
	c->own = f;
	c->type = &channel_forward_type;
	id_make("REQ-", REQUEST_ID_LEN, f->request);
	f->host = xstrdup(listen_host(l));
	f->port = listen_port(l);
	f->from = shown;
	f->from_port = from_port;
	f->up = up;
	f->verdict = (struct verdict){ .what = DECISION_ALLOW, .rule = "listen", .because = "decided when the target began to listen" };
	f->why = "closed";
	f->state = FORWARD_RECORD;
	leg_adopt(s->leg);
	*opsp = &up_ops;
	*argp = f;
	s->moved = true;
	return true;
}

/* The last step: the target connects to where the agent wants to go; the other way round, the agent takes what came in. */
static void
forward_open(struct forward *f)
{
	int r = f->from != NULL ? sshchan_start_reverse(f->c->ssh, f->host, f->port, f->from, f->from_port) :
	    sshchan_start_forward(f->up, f->host, f->port);

	if (r == 0) {
		f->state = FORWARD_RUN;
		return;
	}
	if (r != ERR_AGAIN && f->from != NULL)
		forward_end(f, "the agent did not take it");
	else if (r != ERR_AGAIN)
		forward_end(f, "the target could not connect to it, or does not forward");
	else if (f->far_closed || leg_state(f->c->session->leg) == LEG_DEAD)
		forward_end(f, "the target closed before it was open");
	f->c->session->soon = true;
}

/* Run */

static ssize_t
far_write(struct forward *f, const void *p, size_t n)
{
	return f->up != NULL ? sshchan_write(f->up, SSHCHAN_OUT, p, n) : fdend_write(f->inner, p, n);
}

static void
forward_push(struct forward *f)
{
	struct channel *c = f->c;
	uint8_t piece[SSHCHAN_PIECE] SSHCHAN_UNCLEARED;

	for (int round = 0; buf_len(c->in) > 0 && round < PUSH_ROUNDS; round++) {
		size_t n = buf_len(c->in) < sizeof(piece) ? buf_len(c->in) : sizeof(piece);
		ssize_t w;

		memcpy(piece, buf_ptr(c->in), n);
		if ((w = far_write(f, piece, n)) < 0)
			f->far_closed = true;
		if (w <= 0)
			return;
		f->sent += (uint64_t)w;
		(void)buf_consume(c->in, (size_t)w);
		c->session->moved = true;
	}
	if (buf_len(c->in) == 0 && c->in_eof && !f->eof_sent && !sshchan_has_unread(c->ssh)) {
		f->eof_sent = true;
		if (f->up != NULL)
			(void)sshchan_send_eof(f->up);
		else
			fdend_send_eof(f->inner);
		c->session->moved = true;
	}
}

static void
forward_run(struct forward *f)
{
	struct channel *c = f->c;
	bool unread;

	forward_push(f);
	channel_flush(c);
	if (f->up != NULL && buf_len(c->out) < BACK_MAX)
		sshchan_pull(f->up);
	else if (f->inner != NULL)
		fdend_pull(f->inner);
	unread = buf_len(c->out) > 0 || (f->up != NULL && sshchan_has_unread(f->up));
	if (f->far_eof && !unread && !f->eof_back) {	/* each way ends by itself: the agent may still have to say something */
		f->eof_back = true;
		(void)sshchan_send_eof(c->ssh);
		c->session->moved = true;
	}
	if (f->up != NULL && leg_state(c->session->leg) == LEG_DEAD)
		f->far_closed = f->far_eof = true;
	if ((f->far_closed && !unread) || (f->eof_back && f->eof_sent))
		forward_end(f, "closed");
}

static void
forward_turn(struct forward *f, int64_t now_us)
{
	switch (f->state) {
	case FORWARD_ASK:
		forward_wait(f, now_us);
		return;
	case FORWARD_RECORD:
		forward_record(f);
		return;
	case FORWARD_DIAL:
		forward_dial(f, now_us);
		return;
	case FORWARD_START:
		forward_open(f);
		return;
	case FORWARD_RUN:
		forward_run(f);
		return;
	case FORWARD_SEAL:
		if (f->durable)
			f->state = FORWARD_OVER;
		return;
	case FORWARD_OVER:
		return;
	}
}

static void
forward_step(struct channel *c, int64_t now_us)
{
	struct forward *f = c->own;
	enum forward_state before = f->state;

	forward_turn(f, now_us);
	if (f->state != before)
		c->session->moved = true;
}

static void
forward_stop(struct channel *c, const char *why)
{
	struct forward *f = c->own;

	buf_clear(c->out);
	forward_end(f, strcmp(why, "the agent closed the channel") == 0 ? "closed by the agent" : "the session ends");
}

static bool
forward_settled(const struct channel *c)
{
	const struct forward *f = c->own;

	return f->state == FORWARD_OVER;
}

static void
forward_free(struct channel *c)
{
	struct forward *f = c->own;

	if (f->up != NULL)
		leg_release(c->session->leg, f->up);
	fdend_free(f->inner);
	consent_free(f->consent);
	free(f->host);
	free(f->from);
	free(f);
}

const struct channel_type channel_forward_type = {
	.name = "forward",
	.start = forward_start,
	.step = forward_step,
	.stop = forward_stop,
	.settled = forward_settled,
	.free = forward_free,
};
