/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/remote.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"

#define SIGNAL_LEN_MAX	32

struct remote {
	struct remote_params	 p;
	enum remote_state	 state;
	bool			 durable;	/* the record that the present state waits for */
	struct tape		*tape;
	bool			 redialled;
	struct sshchan		*up;
	bool			 eof, closed, has_status, stopped;
	bool			 cut;		/* by us: its end is not the command's own */
	int			 status;
	char			*signal;
	int64_t			 start_by_us;	/* the target has to answer for channel and command until then */
};

static void
remote_enter(struct remote *r, enum remote_state state)
{
	r->state = state;
	r->p.c->session->moved = true;	/* whatever it waits for may be there already */
}

/* What the target does: only noted. */

static size_t
up_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	struct remote *r = arg;

	r->p.c->session->moved = true;
	return r->p.data(st, p, n, r->p.arg);
}

static void
up_eof(void *arg)
{
	struct remote *r = arg;

	r->eof = true;
	r->p.c->session->moved = true;
}

static void
up_closed(void *arg)
{
	struct remote *r = arg;

	r->closed = true;
	r->p.c->session->moved = true;
}

static void
up_exit_status(int status, void *arg)
{
	struct remote *r = arg;

	if (r->stopped || remote_has_status(r))
		return;	/* what a command says that was cut off is not its answer, and it has only one */
	r->status = status & 0xff;
	r->has_status = true;
	r->p.c->session->moved = true;
}

static void
up_exit_signal(const char *name, bool core, void *arg)
{
	struct remote *r = arg;

	(void)core;
	if (r->stopped || remote_has_status(r))
		return;
	/* It goes to the agent and into records: a name of the protocol's, or none at all. */
	r->signal = xstrdup(name_is_safe(name, SIGNAL_LEN_MAX) ? name : "UNKNOWN");
	r->p.c->session->moved = true;
}

static const struct sshchan_ops target_ops = {
	.data = up_data,
	.eof = up_eof,
	.closed = up_closed,
	.exit_status = up_exit_status,
	.exit_signal = up_exit_signal,
};

/* Records */

void
remote_digest(const struct channel *c, const char *kind, const void *in, size_t nin, uint8_t digest[DIGEST_LEN])
{
	const struct session *s = c->session;
	uint8_t din[DIGEST_LEN];
	struct buf *b = buf_new(256 * 1024);
	int r;

	digest_sha256(in, nin, din);
	if (b == NULL)
		fatal("out of memory");
	r = buf_put_cstring(b, "sallyport exec 1") | buf_put_cstring(b, s->who.identity) | buf_put_cstring(b, s->target) |
	    buf_put_cstring(b, s->login) | buf_put_cstring(b, kind) | buf_put_cstring(b, c->command) |
	    buf_put_cstring(b, c->subsystem) | buf_put_u8(b, c->pty) | buf_put_string(b, din, sizeof(din)) |
	    buf_put_u32(b, (uint32_t)c->env.n);
	for (size_t i = 0; i < c->env.n; i++)
		r |= buf_put_cstring(b, c->env.v[i]);
	if (r != 0)
		fatal("a command does not fit its digest");
	digest_sha256(buf_ptr(b), buf_len(b), digest);
	buf_free(b);
}

json_t *
remote_record(const struct remote_params *p)
{
	const struct session *s = p->c->session;
	char hex[DIGEST_HEX];
	json_t *o;

	digest_to_hex(p->digest, hex);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "request", p->request, "kind", p->kind, "target", s->target,
	    "login", s->login, "command", p->shown, "digest", hex, "pty", (int)p->c->pty);
	if (o == NULL)
		fatal("out of memory for a record");
	(void)json_object_set_new(o, "claimed", channel_claims(p->c));
	return o;
}

static int
remote_is_durable(struct msg *m, void *arg)
{
	struct remote *r = arg;

	(void)m;
	r->durable = true;
	r->p.c->session->moved = true;
	return 0;
}

struct remote *
remote_new(const struct remote_params *p, int64_t now_us)
{
	struct channel *c = p->c;
	struct session *s = c->session;
	struct remote *r = xcalloc(1, sizeof(*r));
	char *title = xasprintf("%s@%s as %s", s->login, s->target, s->who.identity);
	struct cast_params cp = { .cols = c->pty ? c->cols : 80, .rows = c->pty ? c->rows : 24, .term = c->term,
	    .title = title, .command = p->shown, .session = s->p->id, .start_wall_ms = clock_wall_ms(), .start_us = now_us };
	json_t *o = remote_record(p);

	r->p = *p;
	(void)json_object_set_new(o, "verdict", json_string(decision_word(p->verdict->what)));
	(void)json_object_set_new(o, "rule", json_string(p->verdict->rule));
	if (p->consent != NULL)
		(void)json_object_set_new(o, "approval", json_string(consent_id(p->consent)));
	(void)session_record(s, "exec.start", o, remote_is_durable, r);
	r->tape = tape_new(s->audit, c->number, &cp);
	free(title);
	return r;
}

void
remote_free(struct remote *r)
{
	if (r == NULL)
		return;
	calls_cancel(r->p.c->session->calls, r);
	leg_release(r->p.c->session->leg, r->up);
	tape_free(r->tape);
	free(r->signal);
	free(r);
}

/* On the way to the target */

static void
remote_wait_record(struct remote *r, int64_t now_us)
{
	if (tape_state(r->tape) == TAPE_FAILED) {
		channel_sayf(r->p.c, "stopped %s: the session cannot be recorded (%s); nothing has run; try again later, or tell "
		    "whoever runs this bastion", r->p.request,
		    *tape_id(r->tape) ? tape_id(r->tape) : "the audit process does not answer");
		channel_end(r->p.c, EXIT_LATER);
		remote_enter(r, REMOTE_OVER);
	} else if (r->durable && tape_state(r->tape) == TAPE_OPEN) {
		if (r->p.consent != NULL)
			(void)tape_marker(r->tape, consent_why(r->p.consent), now_us);
		remote_enter(r, REMOTE_LEG);
	}
}

void
remote_fail(struct remote *r, int status, const char *why, int64_t now_us)
{
	channel_sayf(r->p.c, "%s", why);
	free(r->signal);
	r->signal = NULL;
	r->status = status;
	r->has_status = r->stopped = true;
	if (tape_state(r->tape) == TAPE_OPEN)
		(void)tape_marker(r->tape, why, now_us);
	if (r->up != NULL && !r->closed)
		sshchan_close(r->up);
	r->eof = r->closed = true;
	remote_enter(r, REMOTE_UP);	/* what the target has sent still goes out, recorded */
}

/* The target cannot be had: why, what has run, and what to do. */
static void
remote_fail_target(struct remote *r, int status, const char *why, int64_t now_us)
{
	char *line = xasprintf("%s %s: %s", status == EXIT_LATER ? "not now" : "unreachable", r->p.request, why);

	remote_fail(r, status, line, now_us);
	free(line);
}

static void
remote_wait_leg(struct remote *r, int64_t now_us)
{
	struct session *s = r->p.c->session;
	char *why;

	if (!r->redialled || s->leg == NULL)	/* one that dies while this waits for it is its answer */
		(void)leg_get(s, now_us);
	r->redialled = true;
	if (leg_state(s->leg) == LEG_DEAD) {
		why = xasprintf("%s; nothing has run; %stell whoever runs this bastion", leg_why(s->leg),
		    leg_is_hopeless(s->leg) ? "" : "try again later, or ");
		remote_fail_target(r, EXIT_UNREACHED, why, now_us);
		free(why);
	} else if (leg_state(s->leg) == LEG_UP)
		remote_enter(r, REMOTE_READY);
}

void
remote_begin(struct remote *r, int64_t now_us)
{
	struct session *s = r->p.c->session;

	if (r->state != REMOTE_READY)
		return;
	if (s->leg == NULL || (r->up = leg_channel(s->leg, &target_ops, r)) == NULL)
		remote_fail_target(r, EXIT_UNREACHED, "no channel to the target; nothing has run; try again", now_us);
	else {
		r->start_by_us = now_us + 2000 * s->p->conf->dial_timeout_ms;
		remote_enter(r, REMOTE_START);
	}
}

/* Why the target did not begin, e being sshchan_start's: and what to do. */
static const char *
remote_unstarted(const struct remote *r, int e)
{
	if (e == ERR_TOOBIG && leg_users(r->p.c->session->leg) > 1)
		return "the target opens no more sessions on this connection (MaxSessions of its sshd); nothing has run, try again when "
		    "another command has ended";
	if (e == ERR_TOOBIG)
		return "the target opens no session (MaxSessions of its sshd, or no shell for this login); nothing has run; tell whoever "
		    "runs the target";
	if (r->closed || leg_conn(r->p.c->session->leg) == NULL || !sshchan_is_open(r->up))
		return "the target closed before it answered the request; whether anything has run is not known; look before you try "
		    "again";
	if (r->p.c->subsystem != NULL)
		return "the target refused the request; nothing has run; its sshd may not have this subsystem";
	return "the target refused the request; nothing has run; tell whoever runs the target";
}

static void
remote_wait_start(struct remote *r, int64_t now_us)
{
	struct channel *c = r->p.c;
	struct sshchan_request q = { .command = c->command, .subsystem = c->subsystem, .pty = c->pty, .term = c->term,
	    .cols = c->cols, .rows = c->rows, .env = &c->env };
	int e = sshchan_start(r->up, &q);

	if (e == ERR_AGAIN) {
		c->session->soon = true;
		if (r->closed || leg_state(c->session->leg) == LEG_DEAD)
			remote_fail_target(r, EXIT_UNREACHED, "the target closed before the command began; try again later, or tell "
			    "whoever runs this bastion", now_us);
		else if (now_us > r->start_by_us)
			remote_fail_target(r, EXIT_UNREACHED, "the target has not answered the request in time; nothing is known to "
			    "have run; look before you try again", now_us);
	} else if (e != 0)
		remote_fail_target(r, e == ERR_TOOBIG && leg_users(c->session->leg) > 1 ? EXIT_LATER : EXIT_UNREACHED,
		    remote_unstarted(r, e), now_us);
	else
		remote_enter(r, REMOTE_UP);
}

enum remote_state
remote_step(struct remote *r, int64_t now_us)
{
	switch (r->state) {
	case REMOTE_RECORD:
		remote_wait_record(r, now_us);
		break;
	case REMOTE_LEG:
		remote_wait_leg(r, now_us);
		break;
	case REMOTE_START:
		remote_wait_start(r, now_us);
		break;
	case REMOTE_SEAL:
		leg_release(r->p.c->session->leg, r->up);
		r->up = NULL;
		if (r->durable && tape_state(r->tape) != TAPE_CLOSING)
			remote_enter(r, REMOTE_OVER);
		break;
	case REMOTE_READY:
	case REMOTE_UP:
	case REMOTE_OVER:
		break;
	}
	return r->state;
}

enum remote_state
remote_state(const struct remote *r)
{
	return r->state;
}

struct sshchan *
remote_chan(struct remote *r)
{
	return r->up;
}

struct tape *
remote_tape(struct remote *r)
{
	return r->tape;
}

bool
remote_has_status(const struct remote *r)
{
	return r->has_status || r->signal != NULL;
}

bool
remote_is_closed(const struct remote *r)
{
	return r->up == NULL || r->closed;
}

bool
remote_is_silent(const struct remote *r)
{
	return r->eof && (r->up == NULL || !sshchan_has_unread(r->up));
}

bool
remote_has_ended(const struct remote *r)
{
	const struct leg *leg = r->p.c->session->leg;

	return (r->closed || (leg != NULL && leg_state(leg) == LEG_DEAD)) && (r->up == NULL || !sshchan_has_unread(r->up));
}

/* Its end */

void
remote_stop(struct remote *r, const char *why)
{
	struct channel *c = r->p.c;

	if (r->state >= REMOTE_SEAL || r->stopped)
		return;
	r->stopped = true;
	if (r->state == REMOTE_RECORD) {	/* exec.start is on its way to the log: so must its end be */
		(void)session_record(c->session, "exec.end", json_pack("{s:s, s:i, s:s}", "request", r->p.request, "status",
		    c->session->cut_status, "reason", why), NULL, NULL);
		channel_sayf(c, "stopped %s: %s; nothing has run", r->p.request, why);
		channel_end(c, c->session->cut_status);
		remote_enter(r, REMOTE_OVER);
		return;
	}
	channel_sayf(c, "stopped %s: %s", r->p.request, why);
	(void)tape_marker(r->tape, why, clock_mono_us());
	if (r->up != NULL && !r->closed)
		sshchan_close(r->up);	/* sshd hangs up on the command's group */
	r->closed = true;	/* also where there is no channel yet: nothing will come */
	if (!r->has_status && r->signal == NULL)
		r->signal = xstrdup("HUP");
	r->cut = true;	/* also where it had ended: what it printed is not all with the agent */
	remote_enter(r, REMOTE_UP);
}

void
remote_end(struct remote *r, json_t *more, int64_t now_us)
{
	struct channel *c = r->p.c;
	const char *why = c->session->leg == NULL ? "" : leg_why(c->session->leg);
	int status = r->has_status ? r->status : r->signal == NULL ? EXIT_UNREACHED : 0;
	json_t *o;

	if (r->signal == NULL && !r->has_status && !c->gone)
		channel_sayf(c, "stopped %s: the connection to the target ended before the command did%s%s; what has run is not known, "
		    "look before you try again", r->p.request, *why != '\0' ? "; " : "", why);
	(void)tape_close(r->tape, status, r->signal, now_us);
	o = json_pack("{s:s, s:s, s:i}", "request", r->p.request, "recording", tape_id(r->tape), "status", status);
	if (o == NULL || more == NULL || json_object_update(o, more) != 0)
		fatal("out of memory for a record");
	json_decref(more);
	if (r->signal != NULL)
		(void)json_object_set_new(o, "signal", json_string(r->signal));
	r->durable = false;
	(void)session_record(c->session, "exec.end", o, remote_is_durable, r);
	if (!r->cut) {	/* a signal of ours would reach the agent's program as 255, a failure of SSH */
		c->exit_signal = r->signal;
		r->signal = NULL;
	}
	channel_end(c, r->cut ? c->session->cut_status : status);
	remote_enter(r, REMOTE_SEAL);
}
