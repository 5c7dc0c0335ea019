/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/session.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/approvals_msg.h"
#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/monitor_msg.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/listen.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"
#include "secretscan/secretscan.h"

#define NAME_LEN_MAX	64
#define USER_LEN_MAX	256
#define CALLS_MAX	512
#define TURN_MS		200		/* longest sleep: deadlines are looked at this often */
#define IDLE_TURN_MS	1000		/* without a channel: thousands of such sessions must not keep the machine busy */
#define IDLE_LOOKS	4		/* at the least, in the shortest time limit that an idle session has */
#define HOPELESS_US	500000		/* the audit process has gone: nothing can be sealed */
#define ENDING_US	5000000		/* what is recorded gets this long to be sealed */
#define REFUSED_US	10000000	/* a client that was let in too early gets this long to hear why it may not stay */
#define LAST_WORDS_US	1000000		/* and an agent that does not read this long to hear of it */

/* Sending */

bool
session_call(struct session *s, struct link *l, uint16_t type, const struct buf *body, call_fn fn, void *arg)
{
	uint32_t id;

	struct call_params p = { .peer = l, .answer = (uint16_t)(type + 1), .fn = fn, .arg = arg };	/* even asks, odd answers */

	if (l != NULL && (l != s->approvals || !s->approvals_gone) && (id = calls_add(s->calls, &p)) != 0) {
		if (link_send(l, type, id, body, -1) == 0)
			return true;
		calls_take_back(s->calls, id);
	}
	/* The approvals process may come back; the caller says so. Without the others nothing can go on. */
	if (l != NULL && l != s->approvals)
		session_break(s, "a process of the bastion does not answer");
	return false;
}

bool
session_record(struct session *s, const char *event, json_t *obj, call_fn fn, void *arg)
{
	char *text;
	struct buf *b;
	bool ok = false;

	if (s->state == SESSION_VOUCH && fn == NULL && obj != NULL && s->nearly < EARLY_RECORDS) {
		s->early[s->nearly++] = (struct early_record){ .event = xstrdup(event), .obj = obj };
		return true;
	}
	text = obj == NULL ? NULL : json_dumps(obj, JSON_COMPACT | JSON_ENSURE_ASCII);
	b = buf_new(MSG_MAX);
	if (text == NULL || b == NULL)
		fatal("out of memory for a record");
	if (strlen(text) > AUDIT_RECORD_MAX)
		session_break(s, "a record is over its ceiling");
	else if (buf_put_cstring(b, event) == 0 && buf_put_cstring(b, text) == 0)
		ok = session_call(s, s->audit, AUDIT_RECORD, b, fn, arg);
	buf_free(b);
	free(text);
	json_decref(obj);
	return ok;
}

/* The parent has answered, or never will. The agent may have gone meanwhile: it leaves when it is refused. */
static void
session_record_early(struct session *s)
{
	unsigned n = s->nearly;

	s->nearly = 0;
	for (unsigned i = 0; i < n; i++) {
		(void)session_record(s, s->early[i].event, s->early[i].obj, NULL, NULL);
		free(s->early[i].event);
	}
}

void
session_break(struct session *s, const char *fmt, ...)
{
	va_list ap;

	if (s->broken != NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&s->broken, fmt, ap) == -1)
		fatal("out of memory formatting a reason");
	va_end(ap);
	s->moved = true;
	log_info("%s: %s", s->p->id, s->broken);
}

static int
mask_out(const void *p, size_t n, void *arg)
{
	return buf_put(arg, p, n);
}

static int
mask_found(const struct secretscan_finding *f, void *arg)
{
	(void)f;
	(void)arg;
	return 0;
}

static const char not_scanned[] = "(not shown: it could not be scanned)";

bool
session_is_masked(const char *text)
{
	return strcmp(text, not_scanned) != 0;
}

char *
session_mask(struct session *s, const void *p, size_t n)
{
	struct buf *b = buf_new(4 * CHANNEL_IN_APPROVAL);
	struct secretscan_stream *st = secretscan_stream_new(s->p->scanner, NULL, mask_out, mask_found, b);
	char *text;

	if (b == NULL || st == NULL)
		fatal("out of memory");
	if (secretscan_stream_feed(st, p, n) != 0 || secretscan_stream_end(st) != 0)
		text = xstrdup(not_scanned);
	else
		text = text_printable(buf_ptr(b), buf_len(b));
	secretscan_stream_free(st);
	buf_free(b);
	return text;
}

/* Authentication */

/* LOGIN@TARGET names a target; anything without '@' is for the bastion itself. Bad names are told on the first channel. */
static void
session_take_user(struct session *s, const char *user)
{
	const char *at = strrchr(user, '@');

	free(s->user);
	free(s->login);
	free(s->target);
	s->login = s->target = NULL;
	s->user = xstrdup(user);
	if (s->p->jump_target != NULL) {
		s->login = xstrdup(s->user);
		s->target = xstrdup(s->p->jump_target);
		if (!name_is_safe(user, NAME_LEN_MAX) || strpbrk(user, "@/") != NULL)
			session_break(s, "through another connection the user name is the login on the target, alone");
		return;
	}
	if (at == NULL)
		return;
	s->login = xstrndup(user, (size_t)(at - user));
	s->target = xstrdup(at + 1);
	if (!name_is_safe(s->login, NAME_LEN_MAX) || !name_is_safe(s->target, NAME_LEN_MAX) ||
	    strpbrk(s->login, "@/") != NULL || strpbrk(s->target, "@/") != NULL) {
		free(s->login);
		free(s->target);
		s->login = s->target = NULL;
	}
}

/* Guard F: libssh would let a client try for ever. Offers are no failures, but they are counted too. */
static void
session_count_try(struct session *s, const char *why, bool failed)
{
	const struct conf *conf = s->p->conf;

	if (failed)
		s->tries++;
	else
		s->offers++;
	if (s->tries >= conf->max_tries || s->offers >= conf->max_offers)
		session_break(s, "too many authentication tries, the last: %s", why);
}

static void
session_auth_fail(struct session *s, const char *user, const char *why, const struct cert *cert, bool proven)
{
	char *who = text_printable(user, strnlen(user, USER_LEN_MAX));
	char *key_id = cert == NULL ? NULL : text_printable(cert->key_id, strnlen(cert->key_id, USER_LEN_MAX));
	char *line = xasprintf("sallyport: not let in: %s\n", why);

	log_info("%s: %s from %s: %s", s->p->id, proven ? "refused" : "not acceptable", s->p->source, why);
	(void)session_record(s, "auth.fail", json_pack("{s:s, s:s, s:s?, s:b}", "user", who, "why", why, "key_id", key_id,
	    "proven", (int)proven), NULL, NULL);
	sshconn_banner(s->agent, line);
	free(who);
	free(key_id);
	free(line);
}

/* The operator's words, once, before anything is known of the peer. Through another connection they have been read already. */
static void
session_greet(struct session *s)
{
	if (!s->greeted && s->p->jump_target == NULL && s->p->conf->banner != NULL &&
	    strcmp(s->p->conf->banner, "none") != 0) {
		char *text = xasprintf("%s\n", s->p->conf->banner);

		sshconn_banner(s->agent, text);
		free(text);
	}
	s->greeted = true;
}

/*
 * Where the operator has no words of his own, people hear that they are recorded: the last moment for it is now, with the
 * key proven and success not said yet. Programs do not listen, and it would only stand in what their users capture.
 */
static void
session_notice(struct session *s)
{
	if (s->p->conf->banner == NULL && s->p->jump_target == NULL &&
	    policy_profile(s->p->conf->policy, &s->who) == PROFILE_SHELL_AUDITED)
		sshconn_banner(s->agent, "This session goes through Sallyport and is recorded.\n");
}

/* Whether a key blob is of a certificate type, readable or not. */
static bool
key_is_cert(const uint8_t *blob, size_t len)
{
	struct buf *b = buf_view(blob, len);
	const uint8_t *type;
	bool is = false;
	size_t n;

	if (b != NULL && buf_peek_string(b, &type, &n) == 0)
		is = memmem(type, n, "-cert-", 6) != NULL;
	buf_free(b);
	return is;
}

/* Everything about a certificate but the user's own signature, which libssh checks, is judged here. */
static bool
on_auth(const char *user, const uint8_t *blob, size_t len, bool proven, void *arg)
{
	struct session *s = arg;
	struct cert_check check = { .ca_key = s->p->ca_key, .ca_key_len = s->p->ca_key_len, .krl = s->p->krl,
	    .now = (uint64_t)clock_wall_ms() / 1000, .source = s->p->source };
	struct cert *cert = NULL;
	const char *why = NULL;
	int r;

	if (s->state != SESSION_AUTH || s->broken != NULL)
		return false;
	session_greet(s);
	r = cert_parse(blob, len, &cert);
	if (r == 0)
		r = cert_judge(cert, &check, &why);
	else
		why = r == ERR_CRYPTO ? "the certificate's CA signature is bad" : "the certificate cannot be read";
	if (strlen(user) > USER_LEN_MAX) {
		r = ERR_TOOBIG;
		why = "the user name is longer than 256 bytes; it is LOGIN@TARGET";
	}
	session_count_try(s, why, proven && r != 0);
	if (r != 0) {
		/* A plain key is what clients offer after a certificate: worth a word, once, only when there was none. */
		if (proven || cert != NULL || key_is_cert(blob, len))
			session_auth_fail(s, user, why, cert, proven);
		else if (!s->advised)
			session_auth_fail(s, user, "a plain key does not open this door, a certificate does; ask whoever runs this "
			    "bastion for one", NULL, proven);
		s->advised = true;
		cert_free(cert);
		return false;
	}
	if (!proven) {
		cert_free(cert);
		return s->broken == NULL;
	}
	session_take_user(s, user);
	s->cert = cert;
	s->cert_blob = xmalloc(len);
	memcpy(s->cert_blob, blob, len);
	s->cert_len = len;
	s->who.identity = cert_identity(cert);
	s->who.owner = cert->owner;
	s->who.groups = &cert->groups;
	s->who.session = cert->session;
	conf_limits(s->p->conf, &s->who, &s->limits);
	session_notice(s);
	s->state = SESSION_VOUCH;
	s->moved = true;
	return true;
}

static void
on_auth_other(const char *user, void *arg)
{
	struct session *s = arg;

	session_count_try(s, "password", true);
	session_auth_fail(s, user, "password authentication is not offered; a certificate is", NULL, true);
}

static bool
on_open(struct sshchan *ssh, const struct sshchan_ops **opsp, void **argp, void *arg)
{
	struct session *s = arg;

	return (s->state == SESSION_VOUCH || s->state == SESSION_REFUSED || s->state == SESSION_OPEN) &&
	    channel_open(s, ssh, opsp, argp);
}

static bool
on_forward(struct sshchan *ssh, const char *host, unsigned port, const struct sshchan_ops **opsp, void **argp, void *arg)
{
	struct session *s = arg;

	return (s->state == SESSION_VOUCH || s->state == SESSION_OPEN) && channel_forward(s, ssh, host, port, opsp, argp);
}

static bool
on_listen(const char *host, unsigned port, void *arg)
{
	struct session *s = arg;

	return (s->state == SESSION_VOUCH || s->state == SESSION_OPEN) && !s->stopping && listen_admit(s, host, port);
}

static bool
on_unlisten(const char *host, unsigned port, void *arg)
{
	return listen_withdraw(arg, host, port);
}

static void
on_refused(const char *what, void *arg)
{
	static const struct verdict v = { .what = DECISION_DENY, .rule = "default", .because = "it is not offered" };

	refusal_record(arg, what, NULL, &v);
}

/* MON_AUTHED: u8 ok, s reason. The parent has looked at the certificate with its own eyes. */
static int
session_vouched(struct msg *m, void *arg)
{
	struct session *s = arg;
	char *reason = NULL;
	uint8_t ok;
	int r;

	if (m == NULL) {	/* the session is over anyway */
		for (; s->nearly > 0; s->nearly--) {
			free(s->early[s->nearly - 1].event);
			json_decref(s->early[s->nearly - 1].obj);
		}
		return 0;
	}
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &reason)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (s->state != SESSION_VOUCH) {
		session_record_early(s);
		goto out;
	}
	if (!ok) {
		log_info("%s: not vouched for: %s", s->p->id, reason);
		s->stop_why = reason;
		reason = NULL;
		s->cut_at = clock_mono_us() + REFUSED_US;
	}
	s->state = ok ? SESSION_OPEN : SESSION_REFUSED;
	session_record_early(s);
	s->active_us = clock_mono_us();
	s->moved = true;
 out:
	free(reason);
	return r;
}

static void
session_ask_vouch(struct session *s)
{
	struct buf *b = buf_new(CERT_BLOB_MAX + 1024);

	if (b == NULL || buf_put_cstring(b, s->user) != 0 || buf_put_string(b, s->cert_blob, s->cert_len) != 0 ||
	    !session_call(s, s->monitor, MON_AUTH, b, session_vouched, s))
		session_break(s, "the certificate cannot be vouched for");
	buf_free(b);
	freezero(s->cert_blob, s->cert_len);
	s->cert_blob = NULL;
}

/* What the other processes say */

static int
on_answer(struct link *l, struct msg *m, void *arg)
{
	struct session *s = arg;

	int r = calls_answer(s->calls, l, m);

	return r == ERR_NOTFOUND ? 0 : r;	/* who asked has gone meanwhile */
}

static int
on_stop(struct link *l, struct msg *m, void *arg)
{
	struct session *s = arg;
	char *reason = NULL;
	uint8_t how;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &reason)) != 0 || (r = buf_get_u8(m->body, &how)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (how == MONITOR_STOP_DENIED && s->broken == NULL)
		s->cut_status = EXIT_DENIED;
	if (how != MONITOR_STOP_AFTER)
		session_break(s, "%s", reason);
	else if (s->state != SESSION_ENDING && !s->stopping) {
		s->stopping = true;
		free(s->stop_why);
		s->stop_why = reason;
		reason = NULL;
	}
	s->moved = true;
 out:
	free(reason);
	return r;
}

static struct tape *
tape_of(struct session *s, uint32_t number)
{
	struct channel *c = channel_find(s, number);

	return c == NULL || c->type == NULL || c->type->tape == NULL ? NULL : c->type->tape(c);
}

static int
on_tape(struct link *l, struct msg *m, void *arg)
{
	struct session *s = arg;
	struct tape *t = NULL;
	char *text = NULL;
	uint32_t number;
	uint64_t n;
	uint8_t ok;
	int r;

	(void)l;
	number = m->id;	/* AUDIT_REC_OPEN was sent with the channel's number as its own */
	if (m->type != AUDIT_REC_OPENED && (r = buf_get_u32(m->body, &number)) != 0)
		return r;
	t = tape_of(s, number);
	if (m->type == AUDIT_REC_OPENED) {
		if ((r = buf_get_u8(m->body, &ok)) == 0 && (r = buf_get_cstring(m->body, &text)) == 0 && t != NULL)
			tape_opened(t, ok, text);
		free(text);
	} else if ((r = buf_get_u64(m->body, &n)) == 0 && t != NULL) {
		if (m->type == AUDIT_REC_ACK)
			tape_acked(t, n);
		else
			tape_sealed(t);
	}
	s->moved = true;
	return r != 0 ? r : buf_end(m->body);
}

/* What was not kept by now never will be. Nobody may wait for it, or the agent would not hear how its commands ended. */
static void
session_lose_tapes(struct session *s)
{
	for (struct channel *c = s->channels; c != NULL; c = c->next) {
		struct tape *t = c->type == NULL || c->type->tape == NULL ? NULL : c->type->tape(c);

		if (t != NULL)
			tape_fail(t);
	}
}

static int
on_audit_failed(struct link *l, struct msg *m, void *arg)
{
	(void)l;
	(void)m;
	session_break(arg, "nothing can be recorded now, so nothing may happen");
	session_lose_tapes(arg);
	return 0;
}

/* MON_APPROVALS: the descriptor. It replaces the link outside all handlers. */
static int
on_new_approvals(struct link *l, struct msg *m, void *arg)
{
	struct session *s = arg;

	(void)l;
	if (m->fd == -1 || s->new_approvals != -1)
		return ERR_FORMAT;
	s->new_approvals = msg_take_fd(m);
	s->moved = true;
	return buf_end(m->body);
}

static int
on_decision(struct link *l, struct msg *m, void *arg)
{
	(void)l;
	return consent_decision(arg, m);
}

static const struct link_row monitor_rows[] = {
	{ MON_AUTHED, "authed", LINK_PERMIT | LINK_ONCE, on_answer },
	{ MON_DIALLED, "dialled", LINK_PERMIT, on_answer },
	{ MON_MINTED, "minted", LINK_PERMIT, on_answer },
	{ MON_LENT, "lent", LINK_PERMIT, on_answer },
	{ MON_JUMPED, "jumped", LINK_PERMIT, on_answer },
	{ MON_STORING, "storing", LINK_PERMIT, on_answer },
	{ MON_SHELVED, "shelved", LINK_PERMIT, on_answer },
	{ MON_GIT_FD, "git-fd", LINK_PERMIT, git_on_fd },
	{ MON_STOP, "stop", LINK_PERMIT, on_stop },
	{ MON_APPROVALS, "approvals", LINK_PERMIT, on_new_approvals },
	{ 0, NULL, 0, NULL }
};

static const struct link_row audit_rows[] = {
	{ AUDIT_RECORDED, "recorded", LINK_PERMIT, on_answer },
	{ AUDIT_REC_OPENED, "rec-opened", LINK_PERMIT, on_tape },
	{ AUDIT_REC_ACK, "rec-ack", LINK_PERMIT, on_tape },
	{ AUDIT_REC_CLOSED, "rec-closed", LINK_PERMIT, on_tape },
	{ AUDIT_FAILED, "failed", LINK_PERMIT, on_audit_failed },
	{ 0, NULL, 0, NULL }
};

static const struct link_row approvals_rows[] = {
	{ APPROVALS_ASKED, "asked", LINK_PERMIT, on_answer },
	{ APPROVALS_USED, "used", LINK_PERMIT, on_answer },
	{ APPROVALS_VERB_DONE, "verb-done", LINK_PERMIT, on_answer },
	{ APPROVALS_DECISION, "decision", LINK_PERMIT, on_decision },
	{ 0, NULL, 0, NULL }
};

/* Without the approvals process what needs no approval goes on; what waits for one is told to try again. */
static void
on_approvals_gone(struct link *l, int r, void *arg)
{
	struct session *s = arg;

	(void)r;
	log_info("%s: the %s process has gone", s->p->id, link_name(l));
	s->approvals_gone = true;
	calls_lost(s->calls, l);
	consent_fail_all(s);
	for (struct channel *c = s->channels; c != NULL; c = c->next)
		if (c->type != NULL && c->type->lost != NULL)
			c->type->lost(c);
	s->moved = true;
}

static void
on_gone(struct link *l, int r, void *arg)
{
	struct session *s = arg;

	if (l == s->audit) {
		s->audit_gone = true;
		session_lose_tapes(s);
	} else
		s->monitor_gone = true;
	session_break(s, "the %s process has gone (%s)", link_name(l), err_text(r));
}

static void
link_ready(int revents, void *arg)
{
	(void)revents;
	(void)link_pump(arg);
}

/* Set-up and the turn */

static struct link *
session_link(struct session *s, int fd, const char *name, const struct link_row *rows, link_gone_fn gone)
{
	struct link_params p = { .fd = fd, .name = name, .rows = rows, .gone = gone, .arg = s };
	struct link *l = link_new(&p);

	if (l == NULL || sshloop_watch(s->loop, link_fd(l), POLLIN, link_ready, l) != 0)
		fatal("%s: no link to the %s process", s->p->id, name);
	return l;
}

struct sshrekey
session_rekey(const struct session *s)
{
	return (struct sshrekey){ .bytes = s->p->conf->rekey_bytes, .seconds = (unsigned)(s->p->conf->rekey_ms / 1000) };
}

static void
session_open_up(struct session *s)
{
	static const struct sshserver_ops ops = { .auth = on_auth, .auth_other = on_auth_other, .open = on_open,
	    .refused = on_refused, .forward = on_forward, .listen = on_listen, .unlisten = on_unlisten };

	struct sshrekey rekey = session_rekey(s);

	sshserver_rekey(s->p->server, &rekey);
	if ((s->loop = sshloop_new()) == NULL || (s->agent = sshconn_serve(s->loop, s->p->server, s->p->fd, &ops, s)) == NULL)
		fatal("%s: no SSH session", s->p->id);
	s->calls = calls_new(CALLS_MAX);
	s->monitor = session_link(s, s->p->monitor_fd, "parent", monitor_rows, on_gone);
	s->audit = session_link(s, s->p->audit_fd, "audit", audit_rows, on_gone);
	s->approvals = session_link(s, s->p->approvals_fd, "approvals", approvals_rows, on_approvals_gone);
}

/* A link with bytes left to send needs to hear when it can. */
static void
session_watch_links(struct session *s)
{
	struct link *all[] = { s->monitor, s->audit, s->approvals };

	if (s->approvals_gone && s->approvals != NULL) {
		sshloop_forget(s->loop, link_fd(s->approvals));
		link_free(s->approvals);
		s->approvals = all[2] = NULL;
	}
	if (s->approvals == NULL && s->new_approvals != -1) {
		s->approvals = all[2] = session_link(s, s->new_approvals, "approvals", approvals_rows, on_approvals_gone);
		s->new_approvals = -1;
		s->approvals_gone = false;
	}
	/* A link that is over would be ready for ever. */
	if (s->audit_gone)
		sshloop_forget(s->loop, link_fd(s->audit));
	if (s->monitor_gone)
		sshloop_forget(s->loop, link_fd(s->monitor));
	for (size_t i = 0; i < 3; i++)
		if (all[i] != NULL && !(i == 0 && s->monitor_gone) && !(i == 1 && s->audit_gone))
			(void)sshloop_watch(s->loop, link_fd(all[i]),
		    (short)(POLLIN | (link_queued(all[i]) > 0 ? POLLOUT : 0)), link_ready, all[i]);
}

/* Dial as soon as the identity is vouched for: by the time a command has been decided the target may be there. */
static void
session_begin_leg(struct session *s, int64_t now_us)
{
	if (s->leg == NULL && s->target != NULL && s->state == SESSION_OPEN && conf_target(s->p->conf, s->target) != NULL &&
	    policy_reaches(s->p->conf->policy, &s->who, s->target, s->login))
		s->leg = leg_new(s, s->target, s->login, now_us);
}

static void
session_begin_end(struct session *s, const char *why, int64_t now_us)
{
	if (s->state == SESSION_ENDING)
		return;
	if (s->state == SESSION_AUTH)	/* nothing is running, and no further try may be answered */
		sshconn_cut(s->agent, why);
	s->state = SESSION_ENDING;
	s->cut_at = now_us + (s->audit_gone ? HOPELESS_US : ENDING_US);
	refusal_sum_up(s, now_us);
	listen_end_all(s);
	for (struct channel *c = s->channels; c != NULL; c = c->next)
		channel_stop(c, why);
}

static void
session_reap(struct session *s)
{
	struct channel *next;

	for (struct channel *c = s->channels; c != NULL; c = next) {
		next = c->next;
		if (channel_is_over(c))	/* an agent that reads has our CLOSE before it sees us go: it keeps the exit status */
			channel_free(c);
	}
}

static bool
channel_is_silent(struct channel *c, int64_t for_ms, int64_t now_us)
{
	uint64_t moved = sshchan_moved(c->ssh);

	if (c->active_us == 0 || moved != c->moved) {
		c->moved = moved;
		c->active_us = now_us;
	}
	return for_ms > 0 && now_us - c->active_us >= for_ms * 1000;
}

/* What runs keeps the connection, silent or not, unless its own silence is limited too. Keepalives are no bytes of a channel. */
static void
session_mind_idle(struct session *s, int64_t now_us)
{
	char text[CLOCK_TEXT], *why;

	for (struct channel *c = s->channels; c != NULL; c = c->next) {
		bool silent = channel_is_silent(c, s->limits.idle_command_ms, now_us);

		if (c->active_us == now_us || (c->type != NULL && c->state == CHANNEL_RUN))
			s->active_us = now_us;
		if (!silent || c->type == NULL || c->state != CHANNEL_RUN)
			continue;
		clock_format_duration(s->limits.idle_command_ms, text);
		why = xasprintf("nothing has come from it or gone to it for %s (idle_command)", text);
		c->active_us = now_us;
		channel_stop(c, why);
		free(why);
	}
	if (s->limits.idle_ms == 0 || now_us - s->active_us < s->limits.idle_ms * 1000)
		return;
	clock_format_duration(s->limits.idle_ms, text);
	why = xasprintf("nothing has run here for %s (idle); connect again", text);
	log_info("%s: %s", s->p->id, why);
	session_begin_end(s, why, now_us);
	free(why);
}

static void
session_turn(struct session *s)
{
	int64_t now_us = clock_mono_us();
	enum sshconn_state st = sshconn_step(s->agent);

	if (s->state == SESSION_VOUCH && s->cert_blob != NULL)
		session_ask_vouch(s);
	session_begin_leg(s, now_us);
	if (s->leg != NULL)
		(void)leg_step(s->leg, now_us);
	refusal_sum_up(s, now_us);
	listen_step_all(s, now_us);
	for (struct channel *c = s->channels; c != NULL; c = c->next)
		channel_step(c, now_us);
	session_reap(s);
	if (st == SSHCONN_DEAD) {
		if (s->state != SESSION_ENDING && s->nchannels > 0)	/* in the middle of something: why? */
			log_info("%s: %s", s->p->id, sshconn_why(s->agent));
		session_begin_end(s, "the agent has gone", now_us);
	} else if (s->broken != NULL)
		session_begin_end(s, s->broken, now_us);
	else if (s->stopping && s->nchannels == 0)
		session_begin_end(s, s->stop_why, now_us);
	else if (s->state == SESSION_REFUSED && (now_us > s->cut_at || (s->last_channel > 0 && s->nchannels == 0)))
		session_begin_end(s, s->stop_why, now_us);
	else if (s->state == SESSION_OPEN && !pulse_step(&s->pulse, s->agent, 1000 * s->p->conf->keepalive_interval_ms,
	    s->p->conf->keepalive_count, now_us))
		session_break(s, "the agent gives no sign of life");
	else if (s->state == SESSION_OPEN)
		session_mind_idle(s, now_us);
	session_watch_links(s);
}

/* Whether all that matters of it is durable: what is left is to say so to the agent. */
static bool
session_is_settled(struct session *s)
{
	for (struct channel *c = s->channels; c != NULL; c = c->next)
		if (c->type != NULL && !c->type->settled(c))
			return false;
	return calls_waiting(s->calls) == 0 && link_queued(s->audit) == 0;
}

static bool
session_is_over(struct session *s)
{
	int64_t now_us = clock_mono_us();

	if (s->state != SESSION_ENDING)
		return false;
	if (now_us > s->cut_at)
		return true;
	/* A client leaves by itself once its channels are closed. Were we the first to go, it would forget its exit status. */
	return session_is_settled(s) && (sshconn_state(s->agent) == SSHCONN_DEAD ||
	    now_us > s->cut_at - ENDING_US + LAST_WORDS_US);
}

static void
session_close_down(struct session *s)
{
	while (s->channels != NULL)
		channel_free(s->channels);
	listen_free_all(s);
	leg_free(s->leg);
	sshconn_cut(s->agent, "done");
	sshconn_free(s->agent);
	link_free(s->monitor);
	link_free(s->audit);
	link_free(s->approvals);
	sshloop_free(s->loop);
	calls_free(s->calls);
	cert_free(s->cert);
	free(s->cert_blob);
	free(s->user);
	free(s->login);
	free(s->target);
	free(s->stop_why);
}

static int
session_idle_patience(const struct session *s)
{
	int64_t ms = IDLE_TURN_MS * IDLE_LOOKS;

	if (s->state != SESSION_AUTH && s->state != SESSION_OPEN)
		return TURN_MS;
	if (s->limits.idle_ms > 0 && s->limits.idle_ms < ms)
		ms = s->limits.idle_ms;
	if (s->p->conf->keepalive_interval_ms > 0 && s->p->conf->keepalive_interval_ms < ms)
		ms = s->p->conf->keepalive_interval_ms;
	return ms / IDLE_LOOKS < TURN_MS ? TURN_MS : (int)(ms / IDLE_LOOKS);
}

/*
 * How long to sleep. Any call into libssh may take in packets of any connection in the loop (guard E), and not all of them
 * call a handler of ours: where something is under way the first looks come quickly, then ever more slowly.
 */
static int
session_patience(struct session *s)
{
	if (s->moved) {
		s->still = 0;
		return 0;
	}
	return s->soon && s->still < 8 ? 1 << s->still++ : s->channels == NULL ? session_idle_patience(s) : TURN_MS;
}

int
session_run(const struct session_params *p)
{
	struct session s = { .p = p, .state = SESSION_AUTH, .new_approvals = -1, .moved = true, .cut_status = EXIT_LATER };
	int r;

	session_open_up(&s);
	if (sandbox_enter(SANDBOX_SESSION) != 0)
		fatal("%s: no sandbox", p->id);
	while (!session_is_over(&s)) {
		(void)sshloop_turn(s.loop, session_patience(&s));
		s.moved = s.soon = false;
		session_turn(&s);
	}
	r = s.cert != NULL ? (s.broken != NULL ? SESSION_EXIT_BROKEN : SESSION_EXIT_WELL) :
	    s.tries + s.offers > 0 ? SESSION_EXIT_REFUSED : SESSION_EXIT_NOTHING;
	session_close_down(&s);
	free(s.broken);
	return r;
}
