/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-exec: one command, shell or subsystem on a target.
 *
 *	JUDGE -> REFUSE					denied: the record is durable before the agent hears of it
 *	JUDGE -> GATHER -> ASK -> (REFUSE) -> RECORD	asked: standard input is frozen, it is part of what is approved
 *	JUDGE -> RECORD -> LEG -> START -> RUN -> SEAL -> OVER
 *
 * RECORD waits until exec.start is durable and the recording is open; only then does anything cross to the target.
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/digest.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/outflow.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"
#include "secretscan/secretscan.h"

#define GATHER_IDLE_US	250000		/* standard input silent this long: nothing more is coming for the approval */
#define ALIVE_US	5000000		/* sign of life while a human is being asked */
#define GATHER_MAX_US	10000000	/* standard input that has begun must end within this */
#define STDIN_ROUNDS	16
#define RECORD_REST	(8 * 1024)	/* of a record, for what it holds beside the command: claims above all */

enum exec_state { EXEC_JUDGE, EXEC_REFUSE, EXEC_GATHER, EXEC_ASK, EXEC_RECORD, EXEC_LEG, EXEC_START, EXEC_RUN,
	EXEC_SEAL, EXEC_OVER };

struct exec {
	struct channel		*c;
	enum exec_state		 state;
	char			 request[ID_TEXT];	/* names this decision */
	struct verdict		 verdict;
	char			*shown;			/* the command, masked, printable */
	uint8_t			 digest[DIGEST_LEN];
	struct consent		*consent;
	bool			 stopped;
	bool			 unknown;		/* no such target */
	bool			 redialled;
	bool			 frozen;		/* stdin is what was approved, nothing more is taken */
	size_t			 gathered;
	int64_t			 gather_us, begun_us, alive_us, wait_until_us;
	bool			 durable;		/* the record that the present state waits for */
	struct tape		*tape;
	struct outflow		*flow;
	struct sshchan		*up;
	bool			 up_eof, up_closed, in_eof_sent, has_status;
	int			 status;
	char			*signal;
	uint64_t		 stdin_bytes, masked;
};

/* What the target does: only noted. */

static size_t
up_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	struct exec *x = arg;

	x->c->session->moved = true;
	return outflow_take(x->flow, st, p, n);
}

static void
up_eof(void *arg)
{
	struct exec *x = arg;

	x->up_eof = true;
	x->c->session->moved = true;
}

static void
up_closed(void *arg)
{
	struct exec *x = arg;

	x->up_closed = true;
	x->c->session->moved = true;
}

static void
up_exit_status(int status, void *arg)
{
	struct exec *x = arg;

	if (x->stopped)
		return;	/* what a command says that was cut off is not its answer */
	x->status = status & 0xff;
	x->has_status = true;
	x->c->session->moved = true;
}

static void
up_exit_signal(const char *name, bool core, void *arg)
{
	struct exec *x = arg;

	(void)core;
	free(x->signal);
	x->signal = xstrndup(name, 32);
	x->c->session->moved = true;
}

static const struct sshchan_ops target_ops = {
	.data = up_data,
	.eof = up_eof,
	.closed = up_closed,
	.exit_status = up_exit_status,
	.exit_signal = up_exit_signal,
};

/* Decide */

static const char *
exec_kind(const struct exec *x)
{
	return x->c->command != NULL ? "exec" : x->c->subsystem != NULL ? "subsystem" : "shell";
}

static int
exec_is_durable(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct exec *x = c->own;

	(void)m;
	x->durable = true;
	c->session->moved = true;
	return 0;
}

/* The members that exec.decision and exec.start have in common. */
static json_t *
exec_record(const struct exec *x)
{
	const struct session *s = x->c->session;
	char hex[DIGEST_HEX];
	json_t *o;

	digest_to_hex(x->digest, hex);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "request", x->request, "kind", exec_kind(x), "target", s->target,
	    "login", s->login, "command", x->shown, "digest", hex, "pty", (int)x->c->pty);
	if (o == NULL)
		fatal("out of memory for a record");
	(void)json_object_set_new(o, "claimed", channel_claims(x->c));
	return o;
}

/*
 * What an approval is bound to: identity, target, login, kind, the exact command, its environment, the terminal and the
 * standard input that goes with it.
 */
static void
exec_digest(struct exec *x, const void *in, size_t nin)
{
	const struct session *s = x->c->session;
	uint8_t din[DIGEST_LEN];
	struct buf *b = buf_new(256 * 1024);
	int r;

	digest_sha256(in, nin, din);
	if (b == NULL)
		fatal("out of memory");
	r = buf_put_cstring(b, "sallyport exec 1") | buf_put_cstring(b, s->who.identity) | buf_put_cstring(b, s->target) |
	    buf_put_cstring(b, s->login) | buf_put_cstring(b, exec_kind(x)) | buf_put_cstring(b, x->c->command) |
	    buf_put_cstring(b, x->c->subsystem) | buf_put_u8(b, x->c->pty) | buf_put_string(b, din, sizeof(din)) |
	    buf_put_u32(b, (uint32_t)x->c->env.n);
	for (size_t i = 0; i < x->c->env.n; i++)
		r |= buf_put_cstring(b, x->c->env.v[i]);
	if (r != 0)
		fatal("a command does not fit its digest");
	digest_sha256(buf_ptr(b), buf_len(b), x->digest);
	buf_free(b);
}

/* Not allowed as it stands: the record first, then the refusal or the question. */
static void
exec_record_decision(struct exec *x)
{
	json_t *o = exec_record(x);

	(void)json_object_set_new(o, "verdict", json_string(decision_word(x->verdict.what)));
	(void)json_object_set_new(o, "rule", json_string(x->verdict.rule));
	(void)json_object_set_new(o, "reason", json_string(x->verdict.because));
	(void)session_record(x->c->session, "exec.decision", o, exec_is_durable, x->c);
	x->state = x->verdict.what == DECISION_DENY ? EXEC_REFUSE : EXEC_GATHER;
}

static void
exec_judge(struct exec *x)
{
	struct channel *c = x->c;
	struct session *s = c->session;
	struct request q = {
		.kind = c->command != NULL ? REQUEST_EXEC : c->subsystem != NULL ? REQUEST_SUBSYSTEM : REQUEST_SHELL,
		.target = s->target,
		.login = s->login,
		.command = (const uint8_t *)c->command,
		.command_len = c->command == NULL ? 0 : strlen(c->command),
		.detail = c->subsystem,
		.pty = c->pty,
	};

	decide(s->p->conf->policy, &s->who, &q, &x->verdict);
	exec_digest(x, "", 0);
	if (x->verdict.what == DECISION_ALLOW) {
		x->state = EXEC_RECORD;
		return;
	}
	exec_record_decision(x);
}

/* Ask */

static void
exec_gather(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;

	c->in_max = CHANNEL_IN_APPROVAL;
	if (buf_len(c->in) != x->gathered || x->gather_us == 0) {
		x->gathered = buf_len(c->in);
		x->gather_us = now_us;
	}
	if (buf_len(c->in) >= CHANNEL_IN_APPROVAL) {
		channel_sayf(c, "denied %s rule=%s: standard input is over %d bytes, too much for a human to approve; send a file "
		    "first and name it", x->request, x->verdict.rule, CHANNEL_IN_APPROVAL);
		channel_end(c, EXIT_DENIED);
		x->state = EXEC_OVER;
		return;
	}
	if (x->begun_us == 0)
		x->begun_us = now_us;
	if (!x->durable)
		return;
	/*
	 * Nothing at all may stay open: most commands read nothing. But input that has begun must be there to its end, or half
	 * a script would be approved and run.
	 */
	if (!c->in_eof && buf_len(c->in) > 0 && now_us - x->begun_us >= GATHER_MAX_US) {
		channel_sayf(c, "denied %s rule=%s: standard input has begun but not ended, so it cannot be shown to a human; end it, or "
		    "use ssh -n", x->request, x->verdict.rule);
		channel_end(c, EXIT_DENIED);
		x->state = EXEC_OVER;
		return;
	}
	if (!c->in_eof && (buf_len(c->in) > 0 || now_us - x->gather_us < GATHER_IDLE_US))
		return;
	x->frozen = true;
	c->in_max = 0;
	x->state = EXEC_ASK;
}

static void
exec_ask(struct exec *x)
{
	struct channel *c = x->c;
	struct session *s = c->session;
	struct consent_params p = { .kind = exec_kind(x), .target = s->target, .login = s->login, .rule = x->verdict.rule,
	    .because = x->verdict.because };
	struct buf *text = buf_new(128 * 1024);
	size_t shown = buf_len(c->in) < 16384 ? buf_len(c->in) : 16384;
	char *in = session_mask(s, buf_ptr(c->in), shown);
	int r;

	exec_digest(x, buf_ptr(c->in), buf_len(c->in));
	memcpy(p.digest, x->digest, DIGEST_LEN);
	if (text == NULL)
		fatal("out of memory");
	r = buf_putf(text, "%s", x->shown);
	if (buf_len(c->in) > 0)
		r |= buf_putf(text, "\n--- standard input, %zu bytes%s\n%s", buf_len(c->in),
		    shown < buf_len(c->in) ? ", THE REST IS NOT SHOWN" : "", in);
	for (size_t i = 0; i < c->env.n; i++) {
		char *env = session_mask(s, c->env.v[i], strlen(c->env.v[i]));

		r |= buf_putf(text, "%s%s", i == 0 ? "\n--- environment\n" : "\n", env);
		free(env);
	}
	r |= buf_put_u8(text, '\0');
	p.text = (const char *)buf_ptr(text);
	if (r != 0 || shown < buf_len(c->in) || !session_is_masked(in)) {
		channel_sayf(c, "denied %s rule=%s: more text than a human can be shown; make it smaller", x->request,
		    x->verdict.rule);
		channel_end(c, EXIT_DENIED);
		x->state = EXEC_OVER;
	} else
		x->consent = consent_new(s, &p);
	free(in);
	buf_free(text);
}

static void
exec_announce(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	int64_t left = consent_deadline(x->consent) - clock_wall_ms(), wait = c->session->p->conf->approval_wait_ms;
	char open[CLOCK_TEXT], held[CLOCK_TEXT];

	clock_format_duration((left / 10000 + 1) * 10000, open);	/* in words a human reads: to ten seconds */
	clock_format_duration(wait, held);
	channel_sayf(c, "pending %s rule=%s: %s; a human has been asked, waiting up to %s here (the request stays open for %s)",
	    consent_id(x->consent), x->verdict.rule, x->verdict.because, held, open);
	x->wait_until_us = now_us + (c->no_wait ? 0 : wait * 1000);
	x->alive_us = now_us + ALIVE_US;
}

/* 75: nothing has happened, and the same command again picks the request up where it is. */
static void
exec_later(struct exec *x)
{
	struct channel *c = x->c;

	if (consent_state(x->consent) == CONSENT_LATER)
		channel_sayf(c, "not decided %s: %s; nothing has run, run the same command again to ask again",
		    *consent_id(x->consent) ? consent_id(x->consent) : x->request, consent_why(x->consent));
	else
		channel_sayf(c, "still pending %s: nothing has run; after approval run the same command again, or: ssh BASTION "
		    "wait %s", consent_id(x->consent), consent_id(x->consent));
	channel_end(c, EXIT_LATER);
	x->state = EXEC_OVER;
}

static void
exec_wait(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;

	if (x->consent == NULL) {
		exec_ask(x);
		return;
	}
	switch (consent_state(x->consent)) {
	case CONSENT_ASKING:
	case CONSENT_USING:
		return;
	case CONSENT_PENDING:
		if (x->wait_until_us == 0)
			exec_announce(x, now_us);
		if (now_us >= x->wait_until_us)
			exec_later(x);
		else if (now_us >= x->alive_us) {
			channel_sayf(c, "waiting for %s, %lld s left", consent_id(x->consent),
			    (long long)((x->wait_until_us - now_us) / 1000000));
			x->alive_us = now_us + ALIVE_US;
		}
		return;
	case CONSENT_GIVEN:
		channel_sayf(c, "%s %s", consent_id(x->consent), consent_why(x->consent));
		consent_use(x->consent);
		return;
	case CONSENT_USED:
		x->state = EXEC_RECORD;
		return;
	case CONSENT_REFUSED:
		channel_sayf(c, "denied %s rule=%s: %s", consent_id(x->consent), x->verdict.rule, consent_why(x->consent));
		channel_end(c, EXIT_DENIED);
		x->state = EXEC_OVER;
		return;
	case CONSENT_LATER:
		exec_later(x);
		return;
	}
}

/* Record */

static void
exec_masked(const struct secretscan_finding *f, void *arg)
{
	struct exec *x = arg;

	if (x->masked++ < 100)	/* each is in the recording; the log gets a bounded number */
		(void)session_record(x->c->session, "mask.hit", json_pack("{s:s, s:s, s:s, s:s}", "request", x->request,
		    "recording", tape_id(x->tape), "rule", f->rule, "fingerprint", f->fingerprint), NULL, NULL);
}

static void
exec_open_tape(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	struct session *s = c->session;
	char *title = xasprintf("%s@%s as %s", s->login, s->target, s->who.identity);
	struct cast_params cp = { .cols = c->pty ? c->cols : 80, .rows = c->pty ? c->rows : 24, .term = c->term,
	    .title = title, .command = x->shown, .session = s->p->id, .start_wall_ms = clock_wall_ms(), .start_us = now_us };
	struct outflow_params fp = { .scanner = s->p->scanner, .terminal = c->pty, .to = c->ssh, .on_mask = exec_masked,
	    .arg = x };
	json_t *o = exec_record(x);

	x->durable = false;
	(void)json_object_set_new(o, "verdict", json_string(decision_word(x->verdict.what)));
	(void)json_object_set_new(o, "rule", json_string(x->verdict.rule));
	if (x->consent != NULL)
		(void)json_object_set_new(o, "approval", json_string(consent_id(x->consent)));
	(void)session_record(s, "exec.start", o, exec_is_durable, c);
	x->tape = tape_new(s->audit, c->number, &cp);
	fp.tape = x->tape;
	x->flow = outflow_new(&fp);
	free(title);
}

static void
exec_wait_record(struct exec *x, int64_t now_us)
{
	if (x->tape == NULL)
		exec_open_tape(x, now_us);
	if (tape_state(x->tape) == TAPE_FAILED) {
		channel_sayf(x->c, "stopped: the session cannot be recorded (%s); nothing has run",
		    *tape_id(x->tape) ? tape_id(x->tape) : "the audit process does not answer");
		channel_end(x->c, EXIT_LATER);
		x->state = EXEC_OVER;
	} else if (x->durable && tape_state(x->tape) == TAPE_OPEN) {
		if (x->consent != NULL)
			(void)tape_marker(x->tape, consent_why(x->consent), now_us);
		x->state = EXEC_LEG;
	}
}

/* Run */

static void
exec_fail(struct exec *x, int status, const char *why, int64_t now_us)
{
	channel_sayf(x->c, "%s", why);
	free(x->signal);
	x->signal = NULL;
	x->status = status;
	x->has_status = true;
	if (tape_state(x->tape) == TAPE_OPEN)
		(void)tape_marker(x->tape, why, now_us);
	x->up_eof = x->up_closed = true;
	x->state = EXEC_RUN;	/* what the target has sent still goes out, recorded */
}

static void
exec_wait_leg(struct exec *x, int64_t now_us)
{
	struct session *s = x->c->session;
	char *why;

	if (!x->redialled || s->leg == NULL)	/* one that dies while this command waits for it is its answer */
		(void)leg_get(s, now_us);
	x->redialled = true;
	switch (leg_state(s->leg)) {
	case LEG_DEAD:
		why = xasprintf("unreachable: %s; nothing has run", leg_why(s->leg));
		exec_fail(x, EXIT_UNREACHED, why, now_us);
		free(why);
		return;
	case LEG_UP:
		if ((x->up = leg_channel(s->leg, &target_ops, x)) == NULL)
			exec_fail(x, EXIT_UNREACHED, "unreachable: no channel to the target; nothing has run", now_us);
		else
			x->state = EXEC_START;
		return;
	default:
		return;
	}
}

static void
exec_wait_start(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	struct sshchan_request q = { .command = c->command, .subsystem = c->subsystem, .pty = c->pty, .term = c->term,
	    .cols = c->cols, .rows = c->rows, .env = &c->env };
	int r = sshchan_start(x->up, &q);

	if (r == ERR_AGAIN) {
		c->session->soon = true;
		if (x->up_closed || leg_state(c->session->leg) == LEG_DEAD)
			exec_fail(x, EXIT_UNREACHED, "unreachable: the target closed before the command began", now_us);
		return;
	}
	if (r == ERR_TOOBIG && leg_users(c->session->leg) > 1)
		exec_fail(x, EXIT_LATER, "not now: the target opens no more sessions on this connection (MaxSessions of its sshd); "
		    "nothing has run, try again when another command has ended", now_us);
	else if (r == ERR_TOOBIG)
		exec_fail(x, EXIT_UNREACHED, "unreachable: the target opens no session (MaxSessions of its sshd, or no shell for this "
		    "login); nothing has run", now_us);
	else if (r != 0)
		exec_fail(x, EXIT_UNREACHED, "unreachable: the target refused the request; nothing has run", now_us);
	if (r != 0)
		return;
	c->session->moved = true;
	x->state = EXEC_RUN;
}

static void
exec_push_input(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	uint8_t piece[SSHCHAN_PIECE];

	if (x->up == NULL || x->up_closed)
		return;
	for (int round = 0; buf_len(c->in) > 0; round++) {
		size_t n = buf_len(c->in) < sizeof(piece) ? buf_len(c->in) : sizeof(piece);
		ssize_t w;

		if (round == STDIN_ROUNDS)
			return;	/* the other channels, and whoever wants to stop us, have their turn */
		memcpy(piece, buf_ptr(c->in), n);
		w = sshchan_write(x->up, SSHCHAN_OUT, piece, n);
		if (w <= 0)
			return;
		/* Only count and hash are kept of it: what people type at prompts must not lie in a recording. */
		if (tape_data(x->tape, CAST_STDIN, piece, (size_t)w, now_us) != 0)
			return;
		x->stdin_bytes += (uint64_t)w;
		(void)buf_consume(c->in, (size_t)w);
		c->session->moved = true;
	}
	if ((c->in_eof || x->frozen) && !x->in_eof_sent && (x->frozen || !sshchan_has_unread(c->ssh))) {
		(void)sshchan_send_eof(x->up);
		x->in_eof_sent = true;
		c->session->moved = true;
	}
}

static void
exec_relay_requests(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;

	if (c->resized && x->up != NULL) {
		c->resized = false;
		(void)tape_resize(x->tape, c->cols, c->rows, now_us);
		(void)sshchan_resize(x->up, c->cols, c->rows);
	}
	if (c->signal != NULL && x->up != NULL) {
		char *line = xasprintf("signal %s", c->signal);

		(void)tape_marker(x->tape, line, now_us);
		free(line);
		(void)sshchan_send_signal(x->up, c->signal);
		free(c->signal);
		c->signal = NULL;
	}
}

static void
exec_seal(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	int status = x->has_status ? x->status : x->signal == NULL ? EXIT_UNREACHED : 0;
	json_t *o;

	if (x->signal == NULL && !x->has_status && !c->gone)
		channel_sayf(c, "stopped: the connection to the target ended before the command did");
	(void)tape_close(x->tape, status, x->signal, now_us);
	o = json_pack("{s:s, s:s, s:i, s:I, s:I, s:I}", "request", x->request, "recording", tape_id(x->tape), "status", status,
	    "stdin_bytes", (json_int_t)x->stdin_bytes, "output_bytes", (json_int_t)outflow_bytes(x->flow), "masked",
	    (json_int_t)x->masked);
	if (x->signal != NULL)
		(void)json_object_set_new(o, "signal", json_string(x->signal));
	x->durable = false;
	(void)session_record(c->session, "exec.end", o, exec_is_durable, c);
	c->exit_signal = x->signal;
	x->signal = NULL;
	channel_end(c, status);
	x->state = EXEC_SEAL;
}

static void
exec_run(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	int r;

	exec_push_input(x, now_us);
	exec_relay_requests(x, now_us);
	if (x->up != NULL && outflow_has_room(x->flow))
		sshchan_pull(x->up);
	if ((x->up_closed || (c->session->leg != NULL && leg_state(c->session->leg) == LEG_DEAD)) &&
	    (x->up == NULL || !sshchan_has_unread(x->up)))
		outflow_end(x->flow);
	if (tape_state(x->tape) == TAPE_FAILED || (r = outflow_step(x->flow, now_us)) < 0) {
		session_break(c->session, "the recording failed, the session stops");
		return;
	}
	if (r > 0)
		c->session->moved = true;
	if (outflow_is_waiting(x->flow) || buf_len(c->in) > 0)
		c->session->soon = true;
	if (outflow_is_done(x->flow))
		exec_seal(x, now_us);
}

/* The type */

/* With the rest of its record: quotes and other alphabets take several bytes each there. */
static bool
exec_fits_record(const char *shown)
{
	json_t *j = json_string(shown);
	char *text = j == NULL ? NULL : json_dumps(j, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	bool fits = text != NULL && strlen(text) < AUDIT_RECORD_MAX - RECORD_REST;

	free(text);
	json_decref(j);
	return fits;
}

static void
exec_start(struct channel *c)
{
	struct exec *x = xcalloc(1, sizeof(*x));

	x->c = c;
	c->own = x;
	id_make("REQ-", REQUEST_ID_LEN, x->request);
	x->shown = c->command != NULL ? session_mask(c->session, c->command, strlen(c->command)) :
	    xasprintf("(%s%s%s)", exec_kind(x), c->subsystem != NULL ? " " : "", c->subsystem != NULL ? c->subsystem : "");
	if (conf_target(c->session->p->conf, c->session->target) == NULL) {
		x->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "no target of this name" };
		x->unknown = true;
		exec_record_decision(x);
	} else if (!exec_fits_record(x->shown)) {
		free(x->shown);
		x->shown = xasprintf("(a command of %zu bytes)", strlen(c->command));
		x->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "malformed", .because =
		    "the command is too long to be recorded whole; put it into a file and run that" };
		exec_record_decision(x);
	} else if (!session_is_masked(x->shown)) {
		x->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "malformed", .because = "the command cannot be scanned" };
		exec_record_decision(x);
	} else
		exec_judge(x);
}

static void
exec_turn(struct channel *c, int64_t now_us)
{
	struct exec *x = c->own;

	switch (x->state) {
	case EXEC_JUDGE:
		return;
	case EXEC_REFUSE:
		if (x->durable && x->unknown) {
			channel_sayf(c, "unreachable %s: no target is named %s; ssh BASTION policy lists what you may reach", x->request,
			    c->session->target);
			channel_end(c, EXIT_UNREACHED);
			x->state = EXEC_OVER;
		} else if (x->durable) {
			channel_deny(c, x->request, x->verdict.rule, x->verdict.because, x->verdict.detail);
			x->state = EXEC_OVER;
		}
		return;
	case EXEC_GATHER:
		exec_gather(x, now_us);
		return;
	case EXEC_ASK:
		exec_wait(x, now_us);
		return;
	case EXEC_RECORD:
		exec_wait_record(x, now_us);
		return;
	case EXEC_LEG:
		exec_wait_leg(x, now_us);
		return;
	case EXEC_START:
		exec_wait_start(x, now_us);
		return;
	case EXEC_RUN:
		exec_run(x, now_us);
		return;
	case EXEC_SEAL:
		leg_release(c->session->leg, x->up);
		x->up = NULL;
		if (x->durable && tape_state(x->tape) != TAPE_CLOSING)
			x->state = EXEC_OVER;
		return;
	case EXEC_OVER:
		return;
	}
}

/* A state that was entered gets its own turn at once: whatever it waits for may be there already. */
static void
exec_step(struct channel *c, int64_t now_us)
{
	struct exec *x = c->own;
	enum exec_state before = x->state;

	exec_turn(c, now_us);
	if (x->state != before)
		c->session->moved = true;
}

static void
exec_stop(struct channel *c, const char *why)
{
	struct exec *x = c->own;

	if (x->state >= EXEC_SEAL || x->stopped)
		return;
	x->stopped = true;
	if (x->state < EXEC_LEG) {
		if (x->tape != NULL)	/* exec.start is on its way to the log: so must its end be */
			(void)session_record(c->session, "exec.end", json_pack("{s:s, s:i, s:s}", "request", x->request, "status", EXIT_LATER,
			    "reason", why), NULL, NULL);
		channel_sayf(c, "stopped: %s; nothing has run", why);
		channel_end(c, EXIT_LATER);
		x->state = EXEC_OVER;
		return;
	}
	channel_sayf(c, "stopped: %s", why);
	outflow_drop(x->flow);
	(void)tape_marker(x->tape, why, clock_mono_us());
	if (x->up != NULL && !x->up_closed)
		sshchan_close(x->up);	/* sshd hangs up on the command's group */
	x->up_closed = true;	/* also where there is no channel yet: nothing will come */
	if (!x->has_status && x->signal == NULL)
		x->signal = xstrdup("HUP");
	x->state = EXEC_RUN;
}

static bool
exec_settled(const struct channel *c)
{
	const struct exec *x = c->own;

	return x->state == EXEC_OVER;
}

static void
exec_free(struct channel *c)
{
	struct exec *x = c->own;

	leg_release(c->session->leg, x->up);
	outflow_free(x->flow);
	tape_free(x->tape);
	consent_free(x->consent);
	free(x->shown);
	free(x->signal);
	free(x);
}

static struct tape *
exec_tape(const struct channel *c)
{
	const struct exec *x = c->own;

	return x->tape;
}

const struct channel_type channel_exec_type = {
	.name = "exec",
	.start = exec_start,
	.step = exec_step,
	.stop = exec_stop,
	.settled = exec_settled,
	.free = exec_free,
	.tape = exec_tape,
};
