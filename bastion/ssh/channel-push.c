/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-push: git push, from the advertisement to the report.
 *
 *	OPEN -> REFS -> COMMANDS -> INSPECT -> ANCESTRY -> JUDGE -> (ASK) -> RECORD -> STORE -> REPORT -> OVER
 *
 * The session speaks git's dialogue and decides; the inspector reads every object and says what is in them; the parent
 * lets the repository take the spool only on the inspector's own word; the git leg stores exactly what was inspected.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/digest.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/channel-push.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/inspect.h"
#include "gitfilter/push.h"
#include "gitfilter/refcmd.h"

#define OPTIONS_MAX	16

/* Talking to the client */

static void	push_fail(struct push_call *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void
push_say(struct push_call *p, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		fatal("out of memory formatting a line");
	va_end(ap);
	(void)push_progress(p->git, text, p->door.channel->out, p->door.channel->say);
	free(text);
	p->door.channel->session->moved = true;
}

static void
push_over(struct push_call *p, int status)
{
	channel_end(p->door.channel, status);
	p->step = STEP_OVER;
}

/* Before the client speaks git: one line on stderr. */
static void
push_fail(struct push_call *p, int status, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		fatal("out of memory formatting a line");
	va_end(ap);
	channel_sayf(p->door.channel, "%s", text);
	free(text);
	push_over(p, status);
}

/* The end of a push as git sees it: per reference, and exit status 0: the report is the answer. */
static void
push_finish(struct push_call *p, const char *unpack_error)
{
	(void)push_report(p->git, unpack_error, p->door.channel->out);
	push_over(p, 0);
}

void
push_refuse_all(struct push_call *p, const char *fmt, ...)
{
	struct push_command *cmds;
	size_t n;
	va_list ap;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++)
		if (cmds[i].error[0] == '\0') {
			va_start(ap, fmt);
			(void)vsnprintf(cmds[i].error, PUSH_REFUSAL_MAX, fmt, ap);
			va_end(ap);
		}
}

static int
push_is_durable(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct push_call *p = c->own;

	(void)m;
	p->durable = true;
	c->session->moved = true;
	return 0;
}

/* The steps */

static void
push_start(struct channel *c)
{
	const struct conf *conf = c->session->p->conf;
	struct push_limits limits = { .max_commands = conf->max_push_commands, .max_options = OPTIONS_MAX,
	    .max_pack_bytes = conf->max_pack_bytes };
	struct push_call *p = xcalloc(1, sizeof(*p));

	c->own = p;
	p->verdict = (struct verdict){ .what = DECISION_ALLOW, .rule = "", .because = "" };
	p->text = buf_new(PUSH_TEXT_MAX);
	p->git = push_new(&limits);
	if (p->text == NULL || p->git == NULL)
		fatal("out of memory");
	if (!git_door_init(&p->door, c)) {
		p->step = STEP_OVER;
		return;
	}
	/* Each reference update is decided on its own; this is about the advertisement, which names references. */
	if (!policy_may_push(conf->policy, &c->session->who, p->door.upstream, p->door.repo)) {
		(void)session_record(c->session, "push.decision", json_pack("{s:s, s:s, s:s, s:s, s:s}", "request", p->door.request,
		    "upstream", p->door.upstream, "repository", p->door.repo, "verdict", "deny", "rule", "default"), NULL, NULL);
		channel_deny(c, p->door.request, "default", "no rule lets you push to this repository", "ssh BASTION policy lists what "
		    "you may do");
		p->step = STEP_OVER;
		return;
	}
	(void)session_record(c->session, "push.open", json_pack("{s:s, s:s, s:s}", "request", p->door.request, "upstream",
	    p->door.upstream, "repository", p->door.repo), push_is_durable, c);
}

static void
push_wait_open(struct push_call *p)
{
	if (p->door.failed != NULL) {
		push_fail(p, EXIT_UNREACHED, "unreachable %s: %s/%s: %s; nothing was stored; try again later, or tell whoever runs "
		    "this bastion", p->door.request, p->door.upstream, p->door.repo, p->door.failed);
		return;
	}
	if (!p->door.complete)
		return;
	if (p->leg == NULL && p->inspector == NULL && !p->refs_in) {
		p->leg = push_link_leg(p, git_door_take(&p->door, MONITOR_FD_LEG));
		p->inspector = push_link_inspector(p, git_door_take(&p->door, MONITOR_FD_INSPECTOR));
	}
	if (p->leg == NULL || p->inspector == NULL)
		push_fail(p, EXIT_UNREACHED, "unreachable %s: %s/%s: its processes could not be started; nothing was stored; push again later",
		    p->door.request, p->door.upstream, p->door.repo);
	else
		p->step = STEP_REFS;
}

static void
push_wait_refs(struct push_call *p)
{
	if (p->refs_in)
		p->step = STEP_COMMANDS;
	else if (p->door.failed != NULL || p->leg == NULL)
		push_fail(p, EXIT_UNREACHED, "unreachable %s: %s/%s: %s; nothing was stored; try again later, or tell whoever runs "
		    "this bastion", p->door.request, p->door.upstream, p->door.repo, p->door.failed != NULL ? p->door.failed : "the repository cannot be read");
}

/* Push options, to be scanned as everything else. */
static int
push_send_options(struct push_call *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < push_noptions(p->git); i++) {
		struct buf *b = buf_new(MSG_MAX);

		if (b == NULL)
			fatal("out of memory");
		if ((r = buf_put_cstring(b, push_option_at(p->git, i))) == 0)
			r = link_send(p->inspector, INSPECT_OPTION, 0, b, -1);
		buf_free(b);
	}
	return r;
}

/* The order and the updates go to the inspector; from now on it hears the client's bytes. */
static void
push_begin_inspection(struct push_call *p)
{
	const struct session *s = p->door.channel->session;
	const struct policy *policy = s->p->conf->policy;
	bool asks = policy_may_ask(policy, &s->who, p->door.upstream);
	unsigned tell = (p->has_refs ? INSPECT_OLD_REPOSITORY : 0) | (asks ? INSPECT_TELL_COMMITS | INSPECT_TELL_CHANGES : 0) |
	    (policy_judges_changes(policy, &s->who, p->door.upstream, p->door.repo) ? INSPECT_TELL_CHANGES : 0);
	struct buf *order = buf_new(MSG_MAX), *b = buf_new(MSG_MAX);
	struct push_command *cmds;
	size_t n;
	int r;

	cmds = push_commands(p->git, &n);
	p->ops = xcalloc(n, sizeof(*p->ops));
	p->unsure = xcalloc(n, sizeof(*p->unsure));
	if (order == NULL || b == NULL)
		fatal("out of memory");
	if ((r = push_send_options(p)) == 0 && (r = push_order(p->git, order)) == 0)
		r = buf_put_string(b, buf_ptr(order), buf_len(order)) | buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put_cstring(b, cmds[i].old_oid) | buf_put_cstring(b, cmds[i].new_oid) | buf_put_cstring(b, cmds[i].name);
	if (r != 0 || buf_put_u8(b, push_wants_pack(p->git)) != 0 || buf_put_u8(b, (uint8_t)tell) != 0 ||
	    link_send(p->inspector, INSPECT_BEGIN, 0, b, -1) != 0) {
		push_refuse_all(p, "%s: the inspection could not begin", p->door.request);
		push_finish(p, NULL);
	} else {
		p->step = STEP_INSPECT;
		/*
		 * At once, so that nobody takes a long inspection for a hang. To quiet clients too: git asks for quiet whenever
		 * nobody sits at a terminal, and those who read it then are agents.
		 */
		if (push_has_band(p->git))
			push_say(p, "sallyport: %s: receiving and inspecting; nothing is stored before it has passed", p->door.request);
	}
	p->spoke_us = clock_mono_us();
	buf_free(order);
	buf_free(b);
}

static void
push_wait_commands(struct push_call *p)
{
	struct channel *c = p->door.channel;
	size_t used = 0, n;
	int r = push_feed(p->git, buf_ptr(c->in), buf_len(c->in), &used);

	if (used > 0)
		c->session->moved = true;
	(void)buf_consume(c->in, used);
	if (r != 0) {
		char *why = text_printable(push_why(p->git), strlen(push_why(p->git)));

		push_say(p, "sallyport: denied %s rule=malformed: %s", p->door.request, why);
		push_refuse_all(p, "%s %s", p->door.request, why);
		free(why);
		push_finish(p, NULL);
		return;
	}
	if (push_state(p->git) == PUSH_COMMANDS || push_state(p->git) == PUSH_OPTIONS) {
		if (c->in_eof && buf_len(c->in) == 0 && !sshchan_has_unread(c->ssh))
			push_over(p, 0);	/* the client looked and went */
		return;
	}
	(void)push_commands(p->git, &n);
	if (n == 0)
		push_over(p, 0);	/* nothing to do: everything is up to date */
	else if (!push_options_stand(p))
		push_finish(p, NULL);
	else
		push_begin_inspection(p);
}

static void
push_feed_inspector(struct push_call *p)
{
	struct channel *c = p->door.channel;

	while (p->inspector != NULL && buf_len(c->in) > 0 && p->fed - p->taken < INSPECT_WINDOW) {
		size_t n = buf_len(c->in) < 128 * 1024 ? buf_len(c->in) : 128 * 1024;
		struct buf *b = buf_new(n + 16);

		if (b == NULL || buf_put_string(b, buf_ptr(c->in), n) != 0)
			fatal("out of memory");
		if (link_send(p->inspector, INSPECT_PACK, 0, b, -1) == 0)
			p->fed += n;
		buf_free(b);
		(void)buf_consume(c->in, n);
		c->session->moved = true;
	}
	if (p->inspector != NULL && c->in_eof && !p->fed_eof && buf_len(c->in) == 0 && !sshchan_has_unread(c->ssh)) {
		p->fed_eof = true;
		(void)link_send(p->inspector, INSPECT_EOF, 0, NULL, -1);
	}
}

static void
push_wait_inspection(struct push_call *p, int64_t now_us)
{
	if (!p->have_result) {
		push_feed_inspector(p);
		if (p->leg == NULL) {
			/* The inspector may wait for an object of the repository that nobody will bring now. */
			push_refuse_all(p, "%s: the repository's process ended; nothing was stored; push again later", p->door.request);
			push_finish(p, NULL);
		} else if (p->inspector == NULL && !p->have_result) {
			p->status = INSPECT_BAD;
			p->reason = xstrdup("the inspector ended before it had a result");
			p->have_result = true;
		} else if (now_us - p->alive_us > PUSH_ALIVE_US) {
			(void)push_keepalive(p->git, p->door.channel->out);
			p->alive_us = now_us;
		}
		return;
	}
	buf_clear(p->door.channel->in);
	p->step = p->status == INSPECT_BAD ? STEP_JUDGE : STEP_ANCESTRY;
	p->door.channel->session->moved = true;
}

/* Whether an update is a fast-forward is ours to find out, not the client's to say. */
static void
push_wait_ancestry(struct push_call *p)
{
	struct push_command *cmds;
	struct buf *b;
	size_t n;
	int r;

	cmds = push_commands(p->git, &n);
	if (p->leg == NULL) {
		push_refuse_all(p, "%s: the repository cannot be asked", p->door.request);
		push_finish(p, NULL);
		return;
	}
	if (p->ancestry_busy || p->needs_busy)
		return;
	if (p->missing != NULL) {
		free(p->reason);
		p->reason = xasprintf("it builds on object %.12s, which no reference of the repository leads to; fetch (a shallow "
		    "clone: git fetch --unshallow) and push again", p->missing);
		p->status = INSPECT_BAD;
		p->step = STEP_JUDGE;
		p->door.channel->session->moved = true;
		return;
	}
	for (p->asking = 0; p->asking < n && !p->unsure[p->asking]; p->asking++)
		;
	if (p->asking == n) {
		p->step = STEP_JUDGE;
		p->door.channel->session->moved = true;
		return;
	}
	if ((b = buf_new(MSG_MAX)) == NULL)
		fatal("out of memory");
	r = buf_put_cstring(b, cmds[p->asking].old_oid) | buf_put_u32(b, (uint32_t)p->noutside);
	for (size_t i = 0; i < p->noutside && r == 0; i++)
		r = buf_put_cstring(b, p->outside[i]);
	if (r != 0 || link_send(p->leg, GITLEG_ANCESTOR, 1, b, -1) != 0) {
		p->ops[p->asking] = REF_FORCE;	/* cannot be shown to be a forward */
		p->unsure[p->asking] = false;
		p->door.channel->session->moved = true;
	} else
		p->ancestry_busy = true;
	buf_free(b);
}

static void
push_record(struct push_call *p, const char *event, const char *extra)
{
	struct channel *c = p->door.channel;
	struct push_command *cmds;
	char hex[DIGEST_HEX];
	json_t *o, *refs = json_array();
	size_t n;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++) {
		char *name = session_mask(c->session, cmds[i].name, strlen(cmds[i].name));

		(void)json_array_append_new(refs, json_pack("{s:s, s:s, s:s, s:s, s:s*}", "ref", name, "op",
		    ref_op_word(p->ops[i]), "old", cmds[i].old_oid, "new", cmds[i].new_oid, "error",
		    cmds[i].error[0] ? cmds[i].error : NULL));
		free(name);
	}
	digest_to_hex(p->digest, hex);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:s*, s:s*}", "request", p->door.request, "kind",
	    "push", "upstream", p->door.upstream, "repository", p->door.repo, "verdict", decision_word(p->verdict.what), "rule",
	    p->verdict.rule, "digest", hex, "objects", (json_int_t)p->objects, "bytes", (json_int_t)p->pack_bytes, "findings",
	    (int)p->nfindings, "updates", refs, "approval", p->consent != NULL ? consent_id(p->consent) : NULL, "result", extra);
	if (o == NULL)
		fatal("out of memory for a record");
	(void)json_object_set_new(o, "claimed", push_claims(p));
	p->durable = false;
	(void)session_record(c->session, event, o, push_is_durable, c);
}

static void
push_ask(struct push_call *p, int64_t now_us)
{
	struct channel *c = p->door.channel;
	struct session *s = c->session;
	struct consent_params cp = { .kind = "push", .target = p->door.upstream, .login = p->door.repo,
	    .rule = p->verdict.rule, .because = p->verdict.because };
	int r;

	r = buf_putf(p->text, "%" PRIu64 " objects, %" PRIu64 " bytes, %u findings\n", p->objects, p->pack_bytes, p->nfindings);
	r |= buf_put_u8(p->text, '\0');
	if (r != 0) {
		push_refuse_all(p, "denied %s: more than a human can be shown at once; push less at a time", p->door.request);
		push_finish(p, NULL);
		return;
	}
	cp.text = (const char *)buf_ptr(p->text);
	memcpy(cp.digest, p->digest, DIGEST_LEN);
	p->consent = consent_new(s, &cp);
	p->wait_until_us = now_us + (c->no_wait ? 0 : s->p->conf->approval_wait_ms * 1000);
	p->alive_us = 0;
}

static void
push_wait_consent(struct push_call *p, int64_t now_us)
{
	char until[CLOCK_TEXT];
	enum consent_state st;

	if (!p->durable)
		return;
	if (p->consent == NULL)
		push_ask(p, now_us);
	if (p->consent == NULL)
		return;
	st = consent_state(p->consent);
	if (st == CONSENT_GIVEN) {
		push_say(p, "sallyport: %s %s", consent_id(p->consent), consent_why(p->consent));
		consent_use(p->consent);
	} else if (st == CONSENT_USED)
		p->step = STEP_RECORD;
	else if (st == CONSENT_REFUSED) {
		push_refuse_all(p, "denied %s rule=%s: %s", consent_id(p->consent), p->verdict.rule, consent_why(p->consent));
		push_finish(p, NULL);
	} else if (st == CONSENT_LATER || (st == CONSENT_PENDING && now_us >= p->wait_until_us)) {
		push_refuse_all(p, "pending %s: not decided yet; push again after approval", consent_id(p->consent));
		push_finish(p, NULL);
	} else if (st == CONSENT_PENDING && now_us >= p->alive_us) {
		clock_format_second(consent_deadline(p->consent) / 1000, until);
		push_say(p, "sallyport: pending %s rule=%s: %s; a human has been asked and may decide until %s, %lld s left here",
		    consent_id(p->consent), p->verdict.rule, p->verdict.because, until,
		    (long long)((p->wait_until_us - now_us) / 1000000));
		p->alive_us = now_us + PUSH_ALIVE_US;
	}
}

/* MON_STORING: u8 ok, s error. */
static int
push_storing(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct push_call *p = c->own;
	char *error = NULL;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok) {
		p->store_error = error;
		p->stored = true;
		error = NULL;
	}
	c->session->moved = true;
 out:
	free(error);
	return r;
}

/* The name under which humans find what was stored. */
static const char *
push_request(const struct push_call *p)
{
	return p->consent != NULL ? consent_id(p->consent) : p->door.request;
}

static bool
push_parks(const struct push_call *p)
{
	return p->verdict.what == DECISION_PARK;
}

static int
push_put_park(const struct push_call *p, struct buf *b)
{
	int r;

	if ((r = buf_put_u8(b, push_parks(p))) != 0 || (r = buf_put_cstring(b, push_parks(p) ? p->verdict.rule : "")) != 0)
		return r;
	return push_parks(p) ? buf_put_string(b, buf_ptr(p->text), buf_len(p->text)) : buf_put_cstring(b, "");
}

/*
 * Where it landed instead. A client that can be told so counts each reference as done; another one would take it for what
 * it asked for, so it hears a refusal that says the same.
 */
static void
push_tell_parked(struct push_call *p)
{
	struct push_command *cmds;
	bool tell = push_hears_options(p->git);
	size_t n;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++)
		tell = tell && !oid_is_zero(cmds[i].new_oid);	/* a deletion lands nowhere */
	push_say(p, "sallyport: parked %s rule=%s: %s; a human decides whether it is released; do not push it again", p->door.request,
	    p->verdict.rule, p->verdict.because);
	for (size_t i = 0; i < n; i++) {
		char *name = session_mask(p->door.channel->session, cmds[i].name, strlen(cmds[i].name));

		if (!oid_is_zero(cmds[i].new_oid))
			(void)refname_review(p->door.request, cmds[i].name, cmds[i].landed);
		if (!tell)
			snprintf(cmds[i].error, PUSH_REFUSAL_MAX, "parked %s: it waits for a human; do not push it again", p->door.request);
		push_say(p, "sallyport: parked %s: %s is not changed%s%s", p->door.request, name, cmds[i].landed[0] ? "; its new tip is at "
		    : "", cmds[i].landed);
		free(name);
	}
}

/* The record of the decision is durable: refuse, or let the parent release the spool. */
static void
push_release(struct push_call *p)
{
	struct channel *c = p->door.channel;
	struct push_command *cmds;
	struct buf *b;
	size_t n, refused = 0;

	if (!p->durable)
		return;
	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++)
		refused += cmds[i].error[0] != '\0';
	if (refused > 0 || p->verdict.what == DECISION_DENY) {
		/* The order that was inspected holds all of them: either all may go, or none does. */
		push_refuse_all(p, "not stored: another reference of this push was denied (%s)", p->door.request);
		push_finish(p, NULL);
		return;
	}
	if ((b = buf_new(2 * PUSH_TEXT_MAX)) == NULL)
		fatal("out of memory");
	if (buf_put_u32(b, c->number) != 0 || buf_put_cstring(b, push_request(p)) != 0 || push_put_park(p, b) != 0 ||
	    !session_call(c->session, c->session->monitor, MON_STORE, b, push_storing, c)) {
		push_refuse_all(p, "%s: the parent cannot be asked", p->door.request);
		push_finish(p, NULL);
	} else
		p->step = STEP_STORE;
	buf_free(b);
	p->alive_us = clock_mono_us();
}

/* Whether git took at least one reference; which, the record's updates say. */
static bool
push_any_stored(struct push_call *p)
{
	const struct push_command *cmds;
	size_t n;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n && p->store_error == NULL; i++)
		if (cmds[i].error[0] == '\0')
			return true;
	return false;
}

static void
push_wait_store(struct push_call *p, int64_t now_us)
{
	if (!p->stored && p->leg == NULL)
		p->store_error = xstrdup(p->door.failed != NULL ? p->door.failed :
		    "the repository's process ended before it answered; look before you push again");
	else if (!p->stored) {
		if (now_us - p->alive_us > PUSH_ALIVE_US) {
			(void)push_keepalive(p->git, p->door.channel->out);
			p->alive_us = now_us;
		}
		return;
	}
	if (p->store_error != NULL) {
		char *why = text_printable(p->store_error, strlen(p->store_error));

		push_refuse_all(p, "%s: %s", p->door.request, why);
		free(why);
	}
	if (p->kept > 0)
		push_say(p, "sallyport: stored %s; what it replaced is kept: sallyport restore %s puts it back", push_request(p),
		    push_request(p));
	if (p->consent != NULL && p->given_back && !push_any_stored(p))
		push_say(p, "sallyport: %s is approved still: push again", consent_id(p->consent));
	if (push_any_stored(p) && push_parks(p)) {
		push_record(p, "push.parked", "parked");
		push_tell_parked(p);
	} else
		push_record(p, push_any_stored(p) ? "push.stored" : "push.refused", p->store_error == NULL ? "stored" : p->store_error);
	p->step = STEP_REPORT;
}

static void
push_turn(struct channel *c, int64_t now_us)
{
	struct push_call *p = c->own;

	if (p->leg_gone)
		push_drop_link(p, &p->leg);
	if (p->inspector_gone)
		push_drop_link(p, &p->inspector);
	switch (p->step) {
	case STEP_RECORD_OPEN:
		if (p->durable) {
			git_door_open(&p->door, MONITOR_GIT_PUSH);
			p->step = STEP_OPEN;
		}
		return;
	case STEP_OPEN:
		push_wait_open(p);
		return;
	case STEP_REFS:
		push_wait_refs(p);
		return;
	case STEP_COMMANDS:
		push_wait_commands(p);
		return;
	case STEP_INSPECT:
		push_wait_inspection(p, now_us);
		return;
	case STEP_ANCESTRY:
		push_wait_ancestry(p);
		return;
	case STEP_JUDGE:
		push_judge(p);
		push_record(p, "push.decision", NULL);
		p->step = p->verdict.what == DECISION_ASK ? STEP_ASK : STEP_RECORD;
		return;
	case STEP_ASK:
		push_wait_consent(p, now_us);
		return;
	case STEP_RECORD:
		push_release(p);
		return;
	case STEP_STORE:
		push_wait_store(p, now_us);
		return;
	case STEP_REPORT:
		if (p->durable)
			push_finish(p, NULL);
		return;
	case STEP_OVER:
		buf_clear(c->in);
		return;
	}
}

/* A state that was entered gets its own turn at once: whatever it waits for may be there already. */
static void
push_step(struct channel *c, int64_t now_us)
{
	struct push_call *p = c->own;
	enum push_step before = p->step;

	push_turn(c, now_us);
	if (p->step != before)
		c->session->moved = true;
}

/* Once the repository is storing there is no way back: the answer is waited for and recorded, whoever is listening. */
static void
push_stop(struct channel *c, const char *why)
{
	struct push_call *p = c->own;

	if (p->step == STEP_STORE || p->step == STEP_REPORT || p->step == STEP_OVER)
		return;
	channel_sayf(c, "stopped %s: %s; nothing was stored", p->door.request, why);
	push_over(p, c->session->cut_status);
}

static bool
push_settled(const struct channel *c)
{
	const struct push_call *p = c->own;

	return p->step == STEP_OVER;
}

static void
push_free_call(struct channel *c)
{
	struct push_call *p = c->own;

	push_drop_link(p, &p->leg);
	push_drop_link(p, &p->inspector);
	push_free(p->git);
	for (size_t i = 0; i < p->noutside; i++)
		free(p->outside[i]);
	free(p->outside);
	free(p->ops);
	free(p->unsure);
	free(p->reason);
	free(p->store_error);
	free(p->missing);
	free(p->two_rules);
	buf_free(p->text);
	push_list_release(&p->commits);
	push_list_release(&p->files);
	consent_free(p->consent);
	git_door_release(&p->door);
	free(p);
}

const struct channel_type channel_push_type = {
	.name = "push",
	.start = push_start,
	.step = push_step,
	.stop = push_stop,
	.settled = push_settled,
	.free = push_free_call,
};
