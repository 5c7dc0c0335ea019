/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "approvals/approvals_msg.h"
#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/known.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/note.h"

#define FALLS_MAX	20		/* without FALLS_MS of quiet: something is broken for good. One fall takes up to two with it */
#define FALLS_MS	60000
#define ROOM_MS		5000		/* from one try to write the log to the next */
#define SECRET_MAX	4096

static const char *const names[HELPERS] = { "sallyport-keyd", "sallyport-auditd", "sallyport-approvald" };
static const char *const words[HELPERS] = { "key", "audit", "approvals" };
static const uint16_t stop_msg[HELPERS] = { 0, AUDIT_STOP, APPROVALS_STOP };

static int
on_answer(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	int r = calls_answer(d->calls, l, m);

	return r == ERR_NOTFOUND ? 0 : r;	/* who asked has gone meanwhile */
}

static void
take_krl(struct daemon *d, const uint8_t *p, size_t n)
{
	struct krl *k = NULL;

	if (krl_parse(p, n, &k) != 0)
		fatal("the key process sent a revocation list that cannot be read");
	krl_free(d->krl);
	d->krl = k;
}

/* KEYD_STARTED: s CA key blob, s audit key, s KRL. */
static int
on_keyd_started(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	const uint8_t *audit, *krl;
	size_t naudit, nkrl;
	int r;

	(void)l;
	free(d->ca_key);
	d->ca_key = NULL;
	if ((r = buf_get_string(m->body, &d->ca_key, &d->ca_key_len)) != 0 ||
	    (r = buf_peek_string(m->body, &audit, &naudit)) != 0 || (r = buf_peek_string(m->body, &krl, &nkrl)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		return r;
	take_krl(d, krl, nkrl);
	d->helper[HELPER_KEYD].up = true;
	helper_raise(d);
	return 0;
}

/* KEYD_KRL: s KRL. Revocation takes effect at once, on live sessions too. */
static int
on_keyd_krl(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	const uint8_t *krl;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_peek_string(m->body, &krl, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	take_krl(d, krl, n);
	peer_apply_krl(d);
	return 0;
}

/* Which use of which secret waits for its record. The key process may be another one when it is there. */
struct use_call {
	struct daemon	*daemon;
	struct link	*link;
	uint32_t	 id;
};

static int
use_recorded(struct msg *m, void *arg)
{
	struct use_call *u = arg;
	struct buf *b = buf_new(16);

	if (b == NULL)
		fatal("out of memory");
	if (u->link == u->daemon->helper[HELPER_KEYD].link && buf_put_u8(b, m != NULL) == 0)
		(void)link_send(u->link, KEYD_USED, u->id, b, -1);
	buf_free(b);
	free(u);
	return 0;
}

/* KEYD_USE: s session, s target, s login, s name, s kind, s fingerprint. Nothing is signed before this is on record. */
static int
on_keyd_use(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	char *s[6] = { NULL };
	const struct peer *p;
	struct use_call *u;
	int r = 0;

	for (int i = 0; r == 0 && i < 6; i++)
		r = buf_get_cstring(m->body, &s[i]);
	if (r != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	u = xcalloc(1, sizeof(*u));
	u->daemon = d;
	u->link = l;
	u->id = m->id;
	/* A session that has gone meanwhile uses nothing any more. */
	if ((p = peer_find(d, s[0])) == NULL || !daemon_record(d, "key.use", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*}",
	    "session", p->id, "identity", p->who.identity, "target", s[1], "login", s[2], "name", s[3], "kind", s[4], "key",
	    s[5][0] == '\0' ? NULL : s[5]), use_recorded, u))
		(void)use_recorded(NULL, u);
 out:
	for (int i = 0; i < 6; i++)
		free(s[i]);
	return r;
}

/* AUDIT_STARTED: u64 records, u8 ok, s error. */
static int
on_audit_started(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	char *error = NULL;
	uint64_t n;
	uint8_t ok;
	int r;

	(void)l;
	if ((r = buf_get_u64(m->body, &n)) != 0 || (r = buf_get_u8(m->body, &ok)) != 0 ||
	    (r = buf_get_cstring(m->body, &error)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok && !d->said_up)
		fatal("the audit log cannot be opened: %s", error);
	if (!ok)	/* its exit status says whether it is worth another try */
		goto out;
	d->helper[HELPER_AUDITD].up = true;
	helper_raise(d);
 out:
	free(error);
	return r;
}

static int
on_audit_failed(struct link *l, struct msg *m, void *arg)
{
	char *why = NULL;

	(void)l;
	(void)arg;
	if (buf_get_cstring(m->body, &why) == 0)
		log_error("the audit process cannot write: %s; nothing is let through", why);
	free(why);
	return 0;
}

/* APPROVALS_STARTED: u8 ok, s error. */
static int
on_approvals_started(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	char *error = NULL;
	uint8_t ok;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok)
		fatal("the approvals store cannot be opened: %s", error);
	d->helper[HELPER_APPROVALD].up = true;
	helper_configure_approvals(d);
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		peer_reconnect_approvals(p);
	helper_raise(d);
 out:
	free(error);
	return r;
}

/* APPROVALS_GRANTED: s session id, s request id, s digest. What this session may now have stored. */
static int
on_granted(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	char *session = NULL, *request = NULL, *rule = NULL;
	const uint8_t *digest;
	struct peer *p;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &session)) != 0 || (r = buf_get_cstring(m->body, &request)) != 0 ||
	    (r = buf_peek_string(m->body, &digest, &n)) != 0 || (r = buf_get_cstring(m->body, &rule)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	p = peer_find(d, session);
	if (n != APPROVAL_DIGEST_LEN || !id_is(request, "REQ-", REQUEST_ID_LEN))
		r = ERR_FORMAT;
	else if (p != NULL) {
		struct grant *g = &p->grants[p->ngrants++ % GRANTS];

		memcpy(g->digest, digest, n);
		(void)snprintf(g->request, sizeof(g->request), "%s", request);
		free(g->rule);
		g->rule = rule;
		rule = NULL;
	}
 out:
	free(session);
	free(request);
	free(rule);
	return r;
}

/* APPROVALS_REMEMBERED: for the inspectors that are started from now on. */
static int
on_remembered(struct link *l, struct msg *m, void *arg)
{
	struct daemon *d = arg;
	struct known *k;
	int r;

	(void)l;
	if ((r = known_read(m->body, &k)) != 0)
		return r;
	known_free(d->known);
	d->known = k;
	return 0;
}

static const struct link_row keyd_rows[] = {
	{ KEYD_STARTED, "started", LINK_PERMIT | LINK_ONCE, on_keyd_started },
	{ KEYD_MINTED, "minted", LINK_PERMIT, on_answer },
	{ KEYD_ADMIN_DONE, "admin-done", LINK_PERMIT, on_answer },
	{ KEYD_KRL, "krl", LINK_PERMIT, on_keyd_krl },
	{ KEYD_LENT, "lent", LINK_PERMIT, on_answer },
	{ KEYD_USE, "use", LINK_PERMIT, on_keyd_use },
	{ 0, NULL, 0, NULL }
};

static const struct link_row auditd_rows[] = {
	{ AUDIT_STARTED, "started", LINK_PERMIT | LINK_ONCE, on_audit_started },
	{ AUDIT_RECORDED, "recorded", LINK_PERMIT, on_answer },
	{ AUDIT_FAILED, "failed", LINK_PERMIT, on_audit_failed },
	{ 0, NULL, 0, NULL }
};

static const struct link_row approvald_rows[] = {
	{ APPROVALS_STARTED, "started", LINK_PERMIT | LINK_ONCE, on_approvals_started },
	{ APPROVALS_GRANTED, "granted", LINK_PERMIT, on_granted },
	{ APPROVALS_REMEMBERED, "remembered", LINK_PERMIT, on_remembered },
	{ APPROVALS_ADMIN_DONE, "admin-done", LINK_PERMIT, on_answer },
	{ 0, NULL, 0, NULL }
};

static const struct link_row *const rows[HELPERS] = { keyd_rows, auditd_rows, approvald_rows };

/* The link goes a little before or after the process; the process's end is what counts. */
static void
on_gone(struct link *l, int r, void *arg)
{
	struct daemon *d = arg;

	(void)r;
	for (int k = 0; k < HELPERS; k++)
		if (d->helper[k].link == l) {
			d->helper[k].link = NULL;
			d->helper[k].up = false;
			if (d->helper[k].pid > 0 && !d->stopping)
				(void)kill(d->helper[k].pid, SIGKILL);	/* ours: without its link it is of no use */
		}
	calls_lost(d->calls, l);
	link_free(l);
	daemon_listen(d, false);
}

static void
helper_spawn(struct daemon *d, enum helper_kind k)
{
	struct helper *h = &d->helper[k];
	char *path = spawn_helper_path(names[k]), *argv[] = { path, NULL };
	int sv[2];
	struct spawn_params sp = { .path = path, .argv = argv, .fds = { -1, -1, STDERR_FILENO, -1 }, .nfds = 4,
	    .die_with_parent = 1 };
	struct link_params lp = { .base = d->base, .name = words[k], .rows = rows[k], .gone = on_gone, .arg = d };

	if (msgio_pair(sv) != 0)
		fatal("no socket for %s: %s", names[k], err_text(ERR_SYSTEM));
	sp.fds[3] = sv[1];
	if ((h->pid = spawn(&sp)) < 0)
		fatal("%s cannot be started: %s", path, err_text(ERR_SYSTEM));
	close(sv[1]);
	lp.fd = sv[0];
	if ((h->link = link_new(&lp)) == NULL)
		fatal("no link to %s", names[k]);
	h->up = false;
	log_debug("%s is process %d", names[k], (int)h->pid);
	free(path);
}

/*
 * Tell a helper something at another one's start. One that has just died may not be known as dead yet: then it is now, and
 * the start is taken up again when its end has been noticed.
 */
static bool
start_send(struct daemon *d, enum helper_kind k, uint16_t type, struct buf *b, int fd)
{
	struct helper *h = &d->helper[k];
	bool ok = h->link != NULL && link_send(h->link, type, 0, b, fd) == 0;

	if (!ok && h->link == NULL && fd != -1)
		close(fd);
	if (!ok) {
		h->up = false;
		if (h->pid > 0)
			(void)kill(h->pid, SIGKILL);
	}
	buf_free(b);
	return ok;
}

static void
start_keyd(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	struct buf *b = buf_new(16384);

	helper_spawn(d, HELPER_KEYD);
	if (b == NULL || buf_put_cstring(b, c->state_dir) != 0 || buf_put_cstring(b, c->master_key) != 0 ||
	    buf_put_cstring(b, c->user) != 0 || buf_put_u64(b, (uint64_t)c->max_cert_ttl_ms) != 0)
		fatal("out of memory");
	(void)start_send(d, HELPER_KEYD, KEYD_START, b, -1);
}

/* The log's name in its checkpoints is the one its public key was made for: "NAME+HASH+BASE64". The caller frees. */
static char *
audit_origin(const struct conf *c)
{
	char *path = file_join(c->state_dir, "keys/audit.pub"), *name = NULL;
	uint8_t key[NOTE_KEY_LEN];
	int r;

	if ((r = note_key_read(path, &name, key)) != 0)
		fatal("%s: %s", path, err_text(r));
	free(path);
	return name;
}

static void
start_auditd(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	struct buf *b = buf_new(16384), *k = buf_new(16);
	char *origin = audit_origin(c);
	int sv[2];

	if (b == NULL || k == NULL || msgio_pair(sv) != 0 || buf_put_u32(k, 0) != 0 || buf_put_cstring(b, c->state_dir) != 0 ||
	    buf_put_cstring(b, c->user) != 0 || buf_put_cstring(b, origin) != 0 ||
	    buf_put_u64(b, c->recordings_per_identity) != 0)
		fatal("out of memory or descriptors");
	free(origin);
	if (!start_send(d, HELPER_KEYD, KEYD_AUDIT_LINK, k, sv[0])) {
		close(sv[1]);
		buf_free(b);
		return;
	}
	helper_spawn(d, HELPER_AUDITD);
	(void)start_send(d, HELPER_AUDITD, AUDIT_START, b, sv[1]);
}

static void
start_approvald(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	struct buf *b = buf_new(16384), *a = buf_new(256);
	int sv[2];

	if (b == NULL || a == NULL || msgio_pair(sv) != 0 || buf_put_cstring(a, "") != 0 ||
	    buf_put_cstring(a, "approvals") != 0 || buf_put_cstring(b, c->state_dir) != 0 || buf_put_cstring(b, c->user) != 0)
		fatal("out of memory or descriptors");
	if (!start_send(d, HELPER_AUDITD, AUDIT_SESSION, a, sv[0])) {
		close(sv[1]);
		buf_free(b);
		return;
	}
	helper_spawn(d, HELPER_APPROVALD);
	(void)start_send(d, HELPER_APPROVALD, APPROVALS_START, b, sv[1]);
}

void
helper_raise(struct daemon *d)
{
	static void (*const start[HELPERS])(struct daemon *) = { start_keyd, start_auditd, start_approvald };

	for (int k = 0; k < HELPERS; k++) {
		if (d->helper[k].up)
			continue;
		if (d->helper[k].pid == 0)
			start[k](d);
		return;	/* the next one needs this one */
	}
	daemon_is_up(d);
}

bool
helper_all_up(const struct daemon *d)
{
	return d->helper[HELPER_KEYD].up && d->helper[HELPER_AUDITD].up && d->helper[HELPER_APPROVALD].up;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	if (!d->stopping)
		helper_raise(d);
}

/*
 * The disk of the log is full, or fails. That is no reason to end: whoever makes room finds the bastion there. Meanwhile every
 * connection is refused at once, because the door is open and nobody is behind it.
 */
static void
helper_await_room(struct daemon *d)
{
	const struct timeval tv = { .tv_sec = ROOM_MS / 1000 };

	if (!d->no_room)
		log_error("the audit log cannot be written; nobody is let in until it can, which is tried every %d s", ROOM_MS / 1000);
	d->no_room = true;
	if (d->retry_ev == NULL)
		d->retry_ev = evtimer_new(d->base, on_retry, d);
	if (d->retry_ev == NULL || evtimer_add(d->retry_ev, &tv) == -1)
		fatal("no timer");
	daemon_listen(d, true);
}

bool
helper_ended(struct daemon *d, pid_t pid, int status)
{
	int64_t now = clock_mono_ms();

	for (int k = 0; k < HELPERS; k++) {
		struct helper *h = &d->helper[k];

		if (h->pid != pid)
			continue;
		h->pid = 0;
		h->up = false;
		if (h->link != NULL)
			calls_lost(d->calls, h->link);
		link_free(h->link);
		h->link = NULL;
		if (d->stopping)
			return true;
		if (!d->said_up)
			fatal("%s ended before it had started (status %d)", names[k],
			    WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
		if (k == HELPER_AUDITD && WIFEXITED(status) && WEXITSTATUS(status) == AUDITD_EXIT_DISK) {
			helper_await_room(d);
			return true;
		}
		log_error("%s ended (%s %d); starting it again, nothing is let through meanwhile", names[k],
		    WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		daemon_listen(d, false);
		d->falls = now - d->fall_ms > FALLS_MS ? 1 : d->falls + 1;
		d->fall_ms = now;
		if (d->falls > FALLS_MAX)
			fatal("%s ends again and again; giving up", names[k]);
		helper_raise(d);
		return true;
	}
	return false;
}

/* A webhook's secret, read from its private file at the moment it is needed. */
static int
put_webhook(struct buf *b, const struct conf_webhook *w)
{
	struct buf *secret = buf_new(SECRET_MAX);
	int r;

	if (secret == NULL)
		fatal("out of memory");
	if ((r = file_read_private(w->secret_file, secret)) != 0)
		log_error("webhook secret %s: %s%s", w->secret_file, err_text(r), r == ERR_DENIED ?
		    " (it must be ours and readable by its owner alone)" : "");
	else {
		while (buf_len(secret) > 0 && buf_ptr(secret)[buf_len(secret) - 1] <= ' ')
			buf_trim(secret, 1);
		r = buf_put_cstring(b, w->url) | buf_put_string(b, buf_ptr(secret), buf_len(secret));
	}
	buf_free(secret);
	return r;
}

void
helper_configure_approvals(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	struct buf *b = buf_new(MSG_MAX), *hooks = buf_new(MSG_MAX);
	const struct approver_rule *rule;
	uint32_t nrules = 0, nhooks = 0;
	int r;

	if (b == NULL || hooks == NULL)
		fatal("out of memory");
	while (policy_approvers(c->policy, nrules) != NULL)
		nrules++;
	r = buf_put_string(b, c->hash, CONF_HASH_LEN) | buf_put_u64(b, (uint64_t)c->approval_ttl_ms) |
	    buf_put_u64(b, (uint64_t)c->grant_ttl_ms) | buf_put_u32(b, nrules);
	for (uint32_t i = 0; i < nrules; i++) {
		rule = policy_approvers(c->policy, i);
		r |= buf_put_cstring(b, rule->rule) | buf_put_u32(b, rule->quorum) | buf_put_u32(b, (uint32_t)rule->who.n);
		for (size_t k = 0; k < rule->who.n; k++)
			r |= buf_put_cstring(b, rule->who.v[k]);
	}
	for (size_t i = 0; i < c->nwebhooks; i++)
		nhooks += put_webhook(hooks, &c->webhooks[i]) == 0;
	r |= buf_put_u32(b, nhooks) | buf_put(b, buf_ptr(hooks), buf_len(hooks));
	if (r != 0 || link_send(d->helper[HELPER_APPROVALD].link, APPROVALS_CONF, 0, b, -1) != 0)
		log_error("the approvals process cannot be told the rules");
	buf_free(b);
	buf_free(hooks);
}

void
helper_stop(struct daemon *d, enum helper_kind k)
{
	struct helper *h = &d->helper[k];

	if (h->stopping)
		return;
	h->stopping = true;
	if (h->link != NULL && stop_msg[k] != 0)
		(void)link_send(h->link, stop_msg[k], 0, NULL, -1);
	else if (h->link != NULL) {	/* it goes when its link does */
		link_free(h->link);
		h->link = NULL;
	}
}

bool
helper_call(struct daemon *d, enum helper_kind k, uint16_t type, const struct buf *b, call_fn fn, void *arg)
{
	return helper_call_fd(d, k, type, b, -1, fn, arg);
}

bool
helper_call_fd(struct daemon *d, enum helper_kind k, uint16_t type, const struct buf *b, int fd, call_fn fn, void *arg)
{
	struct call_params p = { .peer = d->helper[k].link, .answer = (uint16_t)(type + 1), .fn = fn, .arg = arg };
	uint32_t id;

	if (!d->helper[k].up || d->helper[k].link == NULL || (id = calls_add(d->calls, &p)) == 0) {
		if (fd != -1)
			close(fd);
		return false;
	}
	if (link_send(d->helper[k].link, type, id, b, fd) == 0)
		return true;
	calls_take_back(d->calls, id);
	return false;
}

bool
daemon_record(struct daemon *d, const char *event, json_t *obj, call_fn fn, void *arg)
{
	char *text = obj == NULL ? NULL : json_dumps(obj, JSON_COMPACT | JSON_ENSURE_ASCII);
	struct buf *b = buf_new(MSG_MAX);
	bool ok = false;

	/* Text of a session's that is no UTF-8 makes no object: that must not end everybody's parent. */
	if (text == NULL)
		log_error("record %s cannot be made of what it was to hold", event);
	else if (b == NULL)
		fatal("out of memory for a record");
	else if (buf_put_cstring(b, event) == 0 && buf_put_cstring(b, text) == 0)
		ok = helper_call(d, HELPER_AUDITD, AUDIT_RECORD, b, fn, arg);
	if (!ok)
		log_warn("record %s could not be sent to the audit process", event);
	buf_free(b);
	free(text);
	json_decref(obj);
	return ok;
}
