/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "approvals/approvals_msg.h"
#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/shelfjob.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/krl.h"
#include "bastion/monitor_msg.h"
#include "bastion/proxy.h"
#include "bastion/ssh/session.h"

#define EXPIRY_MAX	(400 * 24 * 3600)	/* seconds: certificates that live longer than a timer are not watched */
#define SESSION_MEMORY	((size_t)1024 * 1024 * 1024)	/* address space: libraries and shared rules are most of it */
#define CUT_SECONDS	8	/* a session that was told to stop at once and does not */

struct conf_ref *
conf_ref_take(struct conf_ref *r)
{
	r->users++;
	return r;
}

void
conf_ref_drop(struct conf_ref *r)
{
	if (r == NULL || --r->users > 0)
		return;
	conf_free(r->conf);
	free(r);
}

struct peer *
peer_find(struct daemon *d, const char *id)
{
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		if (strcmp(p->id, id) == 0)
			return p;
	return NULL;
}

static void
peer_free(struct peer *p)
{
	gitjob_end_all(p);
	shelf_forget(p->daemon, p);
	calls_cancel(p->daemon->calls, p);
	if (p->grace != NULL)
		event_free(p->grace);
	if (p->expiry != NULL)
		event_free(p->expiry);
	if (p->length != NULL)
		event_free(p->length);
	free(p->lasted);
	link_free(p->monitor);
	cert_free(p->cert);
	conf_ref_drop(p->conf);
	for (unsigned i = 0; i < GRANTS; i++)
		free(p->grants[i].rule);
	free(p->login);
	free(p->target);
	free(p->outer);
	free(p->bound);
	free(p->source);
	free(p);
}

/* The grace time is over, or a session that was told to stop has not: it is ended. */
static void
peer_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;

	(void)fd;
	(void)what;
	if (p->state == PEER_NEW)
		(void)daemon_record(p->daemon, "auth.timeout", json_pack("{s:s, s:s}", "session", p->id, "source", p->source), NULL,
		    NULL);
	p->timed_out = true;
	log_info("%s: %s", p->id, p->state == PEER_NEW ? "not authenticated in time" : "did not stop in time");
	(void)kill(p->pid, SIGKILL);
}

static void
peer_timer(struct peer *p, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (p->grace == NULL)
		p->grace = evtimer_new(p->daemon->base, peer_timeout, p);
	if (p->grace == NULL || evtimer_add(p->grace, &tv) == -1)
		fatal("no timer");
}

/* What runs may end by itself; nothing new is let through on this certificate. */
static void
peer_expired(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;

	(void)fd;
	(void)what;
	p->expired = "your certificate has expired";
	peer_stop(p, p->expired, MONITOR_STOP_AFTER);
}

/* First what runs gets the time that it would get at SIGTERM, then it is cut. */
static void
peer_lasted(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	int64_t ms = p->conf->conf->stop_grace_ms;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	char text[CLOCK_TEXT];

	(void)fd;
	(void)what;
	if (p->lasted != NULL) {
		peer_stop(p, p->lasted, MONITOR_STOP_NOW);
		return;
	}
	clock_format_duration(p->limits.max_session_ms, text);
	p->lasted = xasprintf("the session has lasted its %s (max_session); connect again", text);
	p->expired = p->lasted;
	log_info("%s: %s", p->id, p->lasted);
	peer_stop(p, p->lasted, MONITOR_STOP_AFTER);
	if (evtimer_add(p->length, &tv) == -1)
		fatal("no timer");
}

static void
peer_watch_length(struct peer *p)
{
	int64_t ms;
	struct timeval tv;

	conf_limits(p->conf->conf, &p->who, &p->limits);
	if ((ms = p->limits.max_session_ms) == 0)
		return;
	tv = (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	p->length = evtimer_new(p->daemon->base, peer_lasted, p);
	if (p->length == NULL || evtimer_add(p->length, &tv) == -1)
		fatal("no timer");
}

bool
peer_is_one_too_many(const struct peer *p, char why[PEER_WHY])
{
	struct session_limits l;
	int64_t n = 0;

	if (p->outer != NULL)	/* it came through a session that has been counted */
		return false;
	conf_limits(p->conf->conf, &p->who, &l);
	for (const struct peer *o = p->daemon->peers; o != NULL; o = o->next)
		n += o != p && o->state != PEER_NEW && o->outer == NULL &&
		    strcmp(o->who.identity, p->who.identity) == 0;
	if (l.per_identity == 0 || n < l.per_identity)
		return false;
	snprintf(why, PEER_WHY, "%.128s has %lld sessions already (sessions_per_identity); end one, or try again later",
	    p->who.identity, (long long)n);
	return true;
}

void
peer_watch_expiry(struct peer *p)
{
	int64_t now = clock_wall_ms() / 1000;
	struct timeval tv = { 0 };

	peer_watch_length(p);
	if (p->cert->valid_before > (uint64_t)now + EXPIRY_MAX)
		return;
	tv.tv_sec = (time_t)p->cert->valid_before - now;
	p->expiry = evtimer_new(p->daemon->base, peer_expired, p);
	if (p->expiry == NULL || evtimer_add(p->expiry, &tv) == -1)
		fatal("no timer");
}

/* In the child: keep what the session needs, forget the rest, and be it. */
static void
peer_child(struct peer *p, int fd, int mon, int audit, int approvals)
{
	struct daemon *d = p->daemon;
	struct session_params sp = { .conf = p->conf->conf, .scanner = d->scanner, .server = d->server,
	    .host_keys = &d->host_keys, .ca_key = d->ca_key,
	    .ca_key_len = d->ca_key_len, .krl = d->krl, .id = p->id, .source = p->source,
	    .port = p->conf->conf->listen_port, .jump_target = p->target };
	int high[4], from[4] = { fd, mon, audit, approvals };

	for (int i = 0; i < 4; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD, 100)) == -1)
			_exit(1);
	for (int i = 0; i < 4; i++)
		if (dup2(high[i], 3 + i) == -1)
			_exit(1);
	if (close_range(7, ~0U, 0) == -1)
		_exit(1);
	log_init("sallyport-session", LOG_LEVEL_INFO);
	sandbox_prepare();
	if (sandbox_limits(SESSION_MEMORY, 0) != 0)
		_exit(1);
	sp.fd = 3;
	sp.monitor_fd = 4;
	sp.audit_fd = 5;
	sp.approvals_fd = 6;
	_exit(session_run(&sp));
}

/* One end of a new socket pair goes to a helper, named for this session. */
static void
peer_introduce(struct peer *p, enum helper_kind k, uint16_t type, int fd)
{
	struct buf *b = buf_new(1024);

	if (b == NULL || buf_put_cstring(b, p->id) != 0 ||
	    (k == HELPER_AUDITD && buf_put_cstring(b, p->source) != 0) ||
	    link_send(p->daemon->helper[k].link, type, 0, b, fd) != 0)
		log_warn("%s: a helper process could not be told of it", p->id);
	buf_free(b);
}

void
peer_name(struct peer *p, bool both)
{
	struct daemon *d = p->daemon;
	struct buf *a = buf_new(16384), *b = buf_new(65536);
	int r;

	if (a == NULL || b == NULL)
		fatal("out of memory");
	r = buf_put_cstring(a, p->id) | buf_put_cstring(a, p->who.identity) | buf_put_cstring(a, p->who.owner);
	r |= buf_put_cstring(b, p->id) | buf_put_cstring(b, p->who.identity) | buf_put_cstring(b, p->who.owner) |
	    buf_put_u32(b, (uint32_t)p->who.groups->n);
	for (size_t i = 0; i < p->who.groups->n; i++)
		r |= buf_put_cstring(b, p->who.groups->v[i]);
	/* Agents never decide; whether this human may is a matter of the rule that asks. */
	r |= buf_put_u8(b, strncmp(p->who.identity, "agent/", 6) != 0);
	if (r == 0 && d->helper[HELPER_APPROVALD].link != NULL) {
		if (both && d->helper[HELPER_AUDITD].link != NULL)
			(void)link_send(d->helper[HELPER_AUDITD].link, AUDIT_IDENTITY, 0, a, -1);
		(void)link_send(d->helper[HELPER_APPROVALD].link, APPROVALS_IDENTITY, 0, b, -1);
	}
	buf_free(a);
	buf_free(b);
}

void
peer_reconnect_approvals(struct peer *p)
{
	int sv[2];

	if (p->monitor == NULL || msgio_pair(sv) != 0)
		return;
	peer_introduce(p, HELPER_APPROVALD, APPROVALS_SESSION, sv[0]);
	if (p->cert != NULL)
		peer_name(p, false);
	(void)link_send(p->monitor, MON_APPROVALS, 0, NULL, sv[1]);
}

struct peer_start {
	int			 fd;		/* taken over */
	const char		*address;
	const struct source	*from;
	int64_t			 since_ms;	/* when the login grace began */
	const struct peer	*outer;		/* it comes through this session .. */
	const char		*target;	/* .. for this target; or NULL both */
};

/* NULL = no descriptors, or no process. */
static struct peer *
peer_begin(struct daemon *d, const struct peer_start *b)
{
	struct link_params lp = { .base = d->base, .name = "session", .rows = monitor_rows, .gone = monitor_gone };
	int mon[2] = { -1, -1 }, audit[2] = { -1, -1 }, approvals[2] = { -1, -1 };
	int64_t left = d->conf->conf->login_grace_ms - (clock_mono_ms() - b->since_ms);
	struct peer *p = xcalloc(1, sizeof(*p));

	p->daemon = d;
	p->conf = conf_ref_take(d->conf);
	p->source = xstrdup(b->address);
	p->from = *b->from;
	p->since_ms = b->since_ms;
	p->target = b->target == NULL ? NULL : xstrdup(b->target);
	p->outer = b->outer == NULL ? NULL : xstrdup(b->outer->id);
	p->bound = b->outer == NULL ? NULL : xstrdup(b->outer->who.identity);
	p->pid = -1;
	id_make("S-", SESSION_ID_LEN, p->id);
	if (msgio_pair(mon) == 0 && msgio_pair(audit) == 0 && msgio_pair(approvals) == 0 && (p->pid = spawn_fork()) == 0)
		peer_child(p, b->fd, mon[1], audit[1], approvals[1]);
	close(b->fd);
	close(mon[1]);
	close(audit[1]);
	close(approvals[1]);
	if (p->pid == -1) {
		log_error("no process or no descriptors for a connection: %s", err_text(ERR_SYSTEM));
		close(mon[0]);
		close(audit[0]);
		close(approvals[0]);
		peer_free(p);
		return NULL;
	}
	p->next = d->peers;
	d->peers = p;
	d->npeers++;
	peer_introduce(p, HELPER_AUDITD, AUDIT_SESSION, audit[0]);
	peer_introduce(p, HELPER_APPROVALD, APPROVALS_SESSION, approvals[0]);
	lp.fd = mon[0];
	lp.arg = p;
	if ((p->monitor = link_new(&lp)) == NULL)
		fatal("no link to a session");
	peer_timer(p, left > 0 ? left : 0);
	return p;
}

void
peer_accept(struct daemon *d, int fd, const char *address, const struct source *from, int64_t since_ms)
{
	struct peer_start b = { .fd = fd, .address = address, .from = from, .since_ms = since_ms };

	(void)peer_begin(d, &b);
}

int
peer_jump(struct peer *outer, const char *target, const char **whyp)
{
	struct daemon *d = outer->daemon;
	struct peer_start b = { .address = outer->source, .from = &outer->from, .since_ms = clock_mono_ms(), .outer = outer,
	    .target = target };
	unsigned here = 0;
	int sv[2];

	*whyp = NULL;
	for (const struct peer *p = d->peers; p != NULL; p = p->next)
		here += p->outer != NULL && strcmp(p->outer, outer->id) == 0;
	if (!helper_all_up(d) || d->stopping)
		*whyp = "not ready";
	else if (here >= d->conf->conf->max_channels)
		*whyp = "too many at once through one connection";
	else if (d->npeers >= d->conf->conf->max_sessions)
		*whyp = "too many sessions";
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		*whyp = "no descriptors";
	if (*whyp != NULL)
		return -1;
	b.fd = sv[0];
	if (peer_begin(d, &b) == NULL) {
		close(sv[1]);
		*whyp = "no process for it";
		return -1;
	}
	return sv[1];
}

void
peer_evict(struct peer *p)
{
	p->evicted = true;
	(void)kill(p->pid, SIGKILL);
}

/* What a connection that ended before anybody was let in says of its source. */
static void
peer_left(const struct peer *p, int status)
{
	enum penalty what = PENALTY_NOTHING;

	if (p->evicted || p->outer != NULL || p->daemon->stopping)
		return;
	if (p->timed_out)
		what = PENALTY_GRACE;
	else if (WIFSIGNALED(status))
		what = PENALTY_CRASH;
	else if (WEXITSTATUS(status) == SESSION_EXIT_REFUSED)
		what = PENALTY_REFUSED;
	door_left(p->daemon, &p->from, p->source, what);
}

bool
peer_ended(struct daemon *d, pid_t pid, int status)
{
	for (struct peer **pp = &d->peers; *pp != NULL; pp = &(*pp)->next) {
		struct peer *p = *pp;

		if (p->pid != pid)
			continue;
		*pp = p->next;
		d->npeers--;
		if (p->state == PEER_NEW)
			peer_left(p, status);
		else
			(void)daemon_record(d, "session.end", json_pack("{s:s, s:s, s:s, s:i}", "session", p->id, "identity",
			    p->who.identity, "how", WIFEXITED(status) ? "exit" : "signal", "status",
			    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)), NULL, NULL);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			log_error("%s: the session process crashed (signal %d)", p->id, WTERMSIG(status));
		proxy_end_all(d, p->id);
		peer_free(p);
		daemon_peer_gone(d);
		return true;
	}
	return false;
}

void
peer_stop(struct peer *p, const char *reason, enum monitor_stop how)
{
	struct buf *b = buf_new(1024);

	if (b == NULL || buf_put_cstring(b, reason) != 0 || buf_put_u8(b, (uint8_t)how) != 0)
		fatal("out of memory");
	if (p->monitor != NULL)
		(void)link_send(p->monitor, MON_STOP, 0, b, -1);
	buf_free(b);
	if (how != MONITOR_STOP_AFTER || p->state == PEER_NEW)
		peer_timer(p, p->state == PEER_NEW ? 0 : CUT_SECONDS * 1000);
}

void
peer_apply_krl(struct daemon *d)
{
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		if (p->cert != NULL && d->krl != NULL && krl_is_revoked(d->krl, p->cert)) {
			log_info("%s: its certificate is revoked", p->id);
			peer_stop(p, "your certificate has been revoked", MONITOR_STOP_DENIED);
		}
}
