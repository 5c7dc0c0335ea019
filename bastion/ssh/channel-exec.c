/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-exec: one command, shell or subsystem on a target.
 *
 *	JUDGE -> REFUSE					denied: the record is durable before the agent hears of it
 *	JUDGE -> GATHER -> ASK -> (REFUSE) -> RUN	asked: standard input is frozen, it is part of what is approved
 *	JUDGE -> RUN -> OVER				remote.h has what happens there, from the record to the seal
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
#include "bastion/ident/cert.h"
#include "bastion/policy/transfer-command.h"
#include "bastion/policy/bare-shell.h"
#include "bastion/policy/masking.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/dictation.h"
#include "bastion/ssh/copy.h"
#include "bastion/ssh/dialogue.h"
#include "bastion/ssh/outflow.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/remote.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp-proxy.h"
#include "bastion/ssh/tape.h"
#include "secretscan/secretscan.h"

#define GATHER_IDLE_US	250000		/* standard input silent this long: nothing more is coming for the approval */
#define SILENT_US	500000		/* output closed this long and no status: the command goes on without */
#define ALIVE_US	5000000		/* sign of life while a human is being asked */
#define GATHER_MAX_US	10000000	/* standard input that has begun must end within this */
#define STDIN_ROUNDS	16
#define RECORD_REST	(8 * 1024)	/* of a record, for what it holds beside the command: claims above all */

enum exec_state { EXEC_JUDGE, EXEC_REFUSE, EXEC_GATHER, EXEC_ASK, EXEC_RUN, EXEC_OVER };

struct exec {
	struct channel		*c;
	enum exec_state		 state;
	char			 request[ID_TEXT];	/* names this decision */
	struct verdict		 verdict;
	char			*shown;			/* the command, masked, printable */
	uint8_t			 digest[DIGEST_LEN];
	struct consent		*consent;
	bool			 unknown;		/* no such target */
	struct transfer_command	 copy;			/* what the command copies, when it does nothing but that */
	bool			 copies;
	bool			 frozen;		/* stdin is what was approved, nothing more is taken */
	size_t			 gathered;
	int64_t			 gather_us, begun_us, alive_us, wait_until_us;
	bool			 durable;		/* the record that the present state waits for */
	struct remote		*remote;
	struct outflow		*flow;
	struct dictation	*dictation;		/* of a shell without a terminal, or NULL */
	struct dialogue		*dialogue;		/* takes part in what is said, or NULL: bytes are relayed */
	bool			 silenced;		/* it has been stopped: nothing more passes */
	int64_t			 silent_us;		/* since when its output is closed */
	bool			 in_eof_sent;
	uint64_t		 stdin_bytes, masked;
};

/* Decide */

static const char *
exec_kind(const struct exec *x)
{
	if (x->copies)
		return transfer_program_word(x->copy.program);
	return x->c->command != NULL ? "exec" : x->c->subsystem != NULL ? "subsystem" : "shell";
}

static bool
exec_is_sftp(const struct exec *x)
{
	return x->c->subsystem != NULL && strcmp(x->c->subsystem, "sftp") == 0;
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

static struct remote_params
exec_params(const struct exec *x)
{
	return (struct remote_params){ .c = x->c, .request = x->request, .kind = exec_kind(x), .shown = x->shown,
	    .digest = x->digest, .verdict = &x->verdict, .consent = x->consent };
}

/* Not allowed as it stands: the record first, then the refusal or the question. */
static void
exec_record_decision(struct exec *x)
{
	const struct remote_params p = exec_params(x);
	json_t *o = remote_record(&p);

	(void)json_object_set_new(o, "verdict", json_string(decision_word(x->verdict.what)));
	(void)json_object_set_new(o, "rule", json_string(x->verdict.rule));
	(void)json_object_set_new(o, "reason", json_string(x->verdict.because));
	(void)session_record(x->c->session, "exec.decision", o, exec_is_durable, x->c);
	x->state = x->verdict.what == DECISION_DENY ? EXEC_REFUSE : EXEC_GATHER;
}

/* What a copy cannot do that a command can. */
static void
exec_judge_copy(struct exec *x)
{
	if (x->verdict.what == DECISION_ASK)	/* its files come one by one: there is nothing whole to be shown */
		x->verdict.what = DECISION_DENY;
	if (x->verdict.what == DECISION_ALLOW && x->copy.compressed)
		x->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "not-scanned", .because =
		    "what rsync has compressed cannot be scanned for secrets; run it without -z, --compress" };
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
		.copies = x->copies,
		.now = clock_wall_ms() / 1000,
	};

	decide(s->p->conf->policy, &s->who, &q, &x->verdict);
	if (c->pty && !s->cert->permit_pty)
		x->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "certificate", .because =
		    "your certificate has no permit-pty", .detail = "run it without a terminal: ssh -T .. 'COMMAND'" };
	else if (x->copies)
		exec_judge_copy(x);
	remote_digest(c, exec_kind(x), "", 0, x->digest);
	if (x->verdict.what == DECISION_ALLOW) {
		x->state = EXEC_RUN;
		return;
	}
	exec_record_decision(x);
}

/* Ask */

static void
exec_gather(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;

	if (exec_is_sftp(x)) {	/* asked about as a whole: what is said in it is decided one by one */
		if (x->durable)
			x->state = EXEC_ASK;
		return;
	}
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
	size_t given = x->frozen ? buf_len(c->in) : 0, shown = given < 16384 ? given : 16384;
	char *in = session_mask(s, buf_ptr(c->in), shown);
	int r;

	remote_digest(c, exec_kind(x), buf_ptr(c->in), given, x->digest);
	memcpy(p.digest, x->digest, DIGEST_LEN);
	if (text == NULL)
		fatal("out of memory");
	r = buf_putf(text, "%s", x->shown);
	if (given > 0)
		r |= buf_putf(text, "\n--- standard input, %zu bytes%s\n%s", given,
		    shown < given ? ", THE REST IS NOT SHOWN" : "", in);
	for (size_t i = 0; i < c->env.n; i++) {
		char *env = session_mask(s, c->env.v[i], strlen(c->env.v[i]));

		r |= buf_putf(text, "%s%s", i == 0 ? "\n--- environment\n" : "\n", env);
		free(env);
	}
	r |= buf_put_u8(text, '\0');
	p.text = (const char *)buf_ptr(text);
	if (r != 0 || shown < given || !session_is_masked(in)) {
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
	channel_sayf(c, "pending %s rule=%s: %s; a human has been asked, %s%s here (the request stays open for %s)",
	    consent_id(x->consent), x->verdict.rule, x->verdict.because, c->no_wait ? "nobody waits" : "waiting up to ",
	    c->no_wait ? "" : held, open);
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
		x->state = EXEC_RUN;
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

/* Run */

static void
exec_masked(const struct secretscan_finding *f, void *arg)
{
	struct exec *x = arg;

	if (x->masked++ < 100)	/* each is in the recording; the log gets a bounded number */
		(void)session_record(x->c->session, "mask.hit", json_pack("{s:s, s:s, s:s, s:s}", "request", x->request,
		    "recording", tape_id(remote_tape(x->remote)), "rule", f->rule, "fingerprint", f->fingerprint), NULL, NULL);
}

static size_t
exec_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	struct exec *x = arg;

	if (x->dialogue != NULL && st == SSHCHAN_OUT)
		return x->silenced ? n : x->dialogue->ops->take(x->dialogue, p, n);
	return outflow_take(x->flow, st, p, n);
}

/* Who takes part in what is said; NULL for what is only relayed. */
static struct dialogue *
exec_dialogue(struct exec *x)
{
	struct dialogue_params p = { .channel = x->c, .request = x->request, .tape = remote_tape(x->remote) };

	if (x->copies)
		return copy_new(&p, &x->copy);
	return exec_is_sftp(x) ? sftp_proxy_new(&p) : NULL;
}

/* A shell reads its commands from its input; with a terminal it echoes them. */
static bool
exec_is_told(const struct exec *x)
{
	const struct channel *c = x->c;

	return !c->pty && c->subsystem == NULL && (c->command == NULL ||
	    is_bare_shell((const uint8_t *)c->command, strlen(c->command)));
}

static struct secretscan_known *
exec_known(void *arg)
{
	const struct exec *x = arg;
	const struct leg *leg = x->c->session->leg;

	return leg != NULL ? leg_known(leg) : NULL;
}

static void
exec_go(struct exec *x, int64_t now_us)
{
	struct outflow_params fp = { .scanner = x->c->session->p->scanner, .terminal = x->c->pty, .to = x->c->ssh,
	    .masking = policy_masking(x->c->session->p->conf->policy, &x->c->session->who, x->c->session->target),
	    .known = exec_known, .on_mask = exec_masked, .arg = x };
	struct remote_params p = exec_params(x);

	p.data = exec_data;
	p.arg = x;
	x->remote = remote_new(&p, now_us);
	fp.tape = remote_tape(x->remote);
	x->flow = outflow_new(&fp);
	if (exec_is_told(x))
		x->dictation = dictation_new(fp.scanner, fp.tape);
	x->dialogue = exec_dialogue(x);
}

static void
exec_push_input(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	struct sshchan *up = remote_chan(x->remote);
	uint8_t piece[SSHCHAN_PIECE] SSHCHAN_UNCLEARED;

	if (remote_is_closed(x->remote))
		return;
	for (int round = 0; buf_len(c->in) > 0; round++) {
		size_t n = buf_len(c->in) < sizeof(piece) ? buf_len(c->in) : sizeof(piece);
		ssize_t w;

		if (round == STDIN_ROUNDS)
			return;	/* the other channels, and whoever wants to stop us, have their turn */
		memcpy(piece, buf_ptr(c->in), n);
		w = sshchan_write(up, SSHCHAN_OUT, piece, n);
		if (w <= 0)
			return;
		/* Only count and hash are kept of it: what people type at prompts must not lie in a recording. */
		if (tape_data(remote_tape(x->remote), CAST_STDIN, piece, (size_t)w, now_us) != 0 ||
		    (x->dictation != NULL && dictation_take(x->dictation, piece, (size_t)w, now_us) != 0))
			return;
		x->stdin_bytes += (uint64_t)w;
		(void)buf_consume(c->in, (size_t)w);
		c->session->moved = true;
	}
	if ((c->in_eof || x->frozen) && !x->in_eof_sent && (x->frozen || !sshchan_has_unread(c->ssh))) {
		(void)sshchan_send_eof(up);
		x->in_eof_sent = true;
		if (x->dictation != NULL)
			(void)dictation_end(x->dictation, now_us);
		c->session->moved = true;
	}
}

static void
exec_relay_requests(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	struct sshchan *up = remote_chan(x->remote);

	if (c->resized && up != NULL) {
		c->resized = false;
		(void)tape_resize(remote_tape(x->remote), c->cols, c->rows, now_us);
		(void)sshchan_resize(up, c->cols, c->rows);
	}
	if (c->signal != NULL && up != NULL) {
		char *line = xasprintf("signal %s", c->signal);

		(void)tape_marker(remote_tape(x->remote), line, now_us);
		free(line);
		(void)sshchan_send_signal(up, c->signal);
		free(c->signal);
		c->signal = NULL;
	}
}

static void
exec_silence(struct exec *x, const char *why)
{
	if (x->dialogue != NULL && !x->silenced)
		x->dialogue->ops->stop(x->dialogue, why);
	x->silenced = true;
}

/* One turn of the dialogue. What it cannot get over ends the command, with words and a status of its own. */
static void
exec_converse(struct exec *x, int64_t now_us)
{
	struct dialogue *d = x->dialogue;
	int status, r;

	if (remote_chan(x->remote) == NULL)
		exec_silence(x, "it never began");
	if (x->silenced)
		return;
	if (remote_has_ended(x->remote))
		d->ops->end(d);
	r = d->ops->step(d, remote_chan(x->remote), now_us);
	if (r < 0) {
		const char *why = d->ops->why(d, &status);

		exec_silence(x, why);
		remote_fail(x->remote, status, why, now_us);
	}
	if (r != 0)
		x->c->session->moved = true;
	if (d->ops->is_waiting(d))
		x->c->session->soon = true;
}

/* Everything that the target has said is with the agent. */
static void
exec_end(struct exec *x, int64_t now_us)
{
	if (x->dictation != NULL)
		(void)dictation_end(x->dictation, now_us);
	json_t *o = json_pack("{s:I, s:I, s:I}", "stdin_bytes", (json_int_t)x->stdin_bytes, "output_bytes",
	    (json_int_t)outflow_bytes(x->flow), "masked", (json_int_t)x->masked);

	if (o != NULL && x->dialogue != NULL)
		x->dialogue->ops->report(x->dialogue, o);
	remote_end(x->remote, o, now_us);
}

/*
 * It has closed its output and goes on, and whoever reads that need not wait for its end. Not where a status can be moments
 * away, nor where the agent has ended its input: clients close a channel that is over both ways, and miss the status.
 */
static bool
exec_has_closed_output(struct exec *x, int64_t now_us)
{
	if (x->dialogue != NULL || x->c->in_eof || remote_has_status(x->remote) || !remote_is_silent(x->remote))
		return false;
	if (x->silent_us == 0)
		x->silent_us = now_us;
	return now_us - x->silent_us >= SILENT_US;
}

/* What has not been released by now never is. */
static void
exec_cut(struct exec *x, const char *why)
{
	outflow_drop(x->flow);
	exec_silence(x, why);
	remote_stop(x->remote, why);
}

static void
exec_pump(struct exec *x, int64_t now_us)
{
	struct channel *c = x->c;
	int r = 0;

	if (x->dialogue != NULL)
		exec_converse(x, now_us);
	else
		exec_push_input(x, now_us);
	exec_relay_requests(x, now_us);
	if (remote_chan(x->remote) != NULL && outflow_has_room(x->flow) &&
	    (x->dialogue == NULL || x->silenced || x->dialogue->ops->has_room(x->dialogue)))
		sshchan_pull(remote_chan(x->remote));
	if (remote_has_ended(x->remote) || exec_has_closed_output(x, now_us))
		outflow_end(x->flow);
	if (tape_state(remote_tape(x->remote)) == TAPE_FAILED || (r = outflow_step(x->flow, now_us)) < 0) {
		session_break(c->session, "the recording failed, the session stops");
		exec_cut(x, c->session->broken);
		exec_end(x, now_us);
		return;
	}
	if (r > 0)
		c->session->moved = true;
	if (outflow_is_waiting(x->flow) || buf_len(c->in) > 0)
		c->session->soon = true;
	if (!outflow_is_done(x->flow))
		return;
	if (!remote_has_ended(x->remote))
		channel_send_eof(c);
	else if (x->dialogue == NULL || x->silenced || x->dialogue->ops->is_done(x->dialogue))
		exec_end(x, now_us);
}

static void
exec_run(struct exec *x, int64_t now_us)
{
	if (x->remote == NULL)
		exec_go(x, now_us);
	switch (remote_step(x->remote, now_us)) {
	case REMOTE_READY:
		remote_begin(x->remote, now_us);
		break;
	case REMOTE_UP:
		exec_pump(x, now_us);
		break;
	case REMOTE_OVER:
		x->state = EXEC_OVER;
		break;
	default:
		break;
	}
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

/* Its name is the agent's, bytes that no record or message may hold as they are. */
static char *
exec_show_subsystem(const struct channel *c)
{
	char *name = text_printable(c->subsystem, strlen(c->subsystem)), *shown = xasprintf("(subsystem %s)", name);

	free(name);
	return shown;
}

static void
exec_start(struct channel *c)
{
	struct exec *x = xcalloc(1, sizeof(*x));

	x->c = c;
	c->own = x;
	x->copies = c->command != NULL && !c->pty && transfer_command_parse(&x->copy, c->command, strlen(c->command));
	id_make("REQ-", REQUEST_ID_LEN, x->request);
	x->shown = c->command != NULL ? session_mask(c->session, c->command, strlen(c->command)) :
	    c->subsystem != NULL ? exec_show_subsystem(c) : xstrdup("(shell)");
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
	case EXEC_RUN:
		exec_run(x, now_us);
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

	if (x->remote != NULL)
		exec_cut(x, why);
	else if (x->state != EXEC_OVER) {
		channel_sayf(c, "stopped %s: %s; nothing has run", x->request, why);
		channel_end(c, c->session->cut_status);
		x->state = EXEC_OVER;
	}
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

	if (x->dialogue != NULL)
		x->dialogue->ops->free(x->dialogue);
	remote_free(x->remote);
	dictation_free(x->dictation);
	outflow_free(x->flow);
	consent_free(x->consent);
	transfer_command_release(&x->copy);
	free(x->shown);
	free(x);
}

static struct tape *
exec_tape(const struct channel *c)
{
	const struct exec *x = c->own;

	return x->remote == NULL ? NULL : remote_tape(x->remote);
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
