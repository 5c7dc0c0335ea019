/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor: what a session process may ask of the parent. The session has read the agent's bytes and may have been taken
 * over by them: every field is read to the end, every claim is checked against the certificate and the policy that the
 * parent itself holds, and nothing but MON_AUTH is permitted before that has succeeded.
 */
#include "bastion/monitor_msg.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "approvals/approvals_msg.h"
#include "bastion/approach.h"
#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/reviewer.h"
#include "bastion/shelfjob.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/ident/secrets.h"
#include "bastion/lfsjob.h"
#include "bastion/way.h"

#define REASON_BYTES_MAX	1024	/* why a parked push is dropped */
#define JUMP_BURST	64
#define JUMP_EACH_MS	100
#define NAME_LEN_MAX	64	/* of a login or target */
#define KEY_BLOB_MAX	1024
#define LOANS_MAX	64	/* of held keys or passwords, in the life of one session */
#define FRESH_MAX	8	/* scans for new host certificates, in the life of one session */
#define DIALS_MAX	2	/* under way for one session, which has one target */

/* u8 ok, s text: the shape of most answers. */
static int
answer(struct peer *p, uint16_t type, uint32_t id, bool ok, const void *text, size_t n, int fd)
{
	struct buf *b = buf_new(MSG_MAX);
	int r;

	if (p->monitor == NULL || b == NULL)
		r = ERR_EOF;
	else if ((r = buf_put_u8(b, ok)) == 0)
		r = buf_put_string(b, text, n);
	if (r == 0)
		r = link_send(p->monitor, type, id, b, fd);
	else if (fd != -1)
		close(fd);
	buf_free(b);
	return r;
}

static int
refuse(struct peer *p, uint16_t type, uint32_t id, const char *why)
{
	return answer(p, type, id, false, why, strlen(why), -1);
}

/* Authentication */

/* session.start is durable and names the identity: the audit process knows whose records now follow. */
static int
auth_recorded(struct msg *m, void *arg)
{
	struct peer *p = arg;

	if (m == NULL) {
		(void)refuse(p, MON_AUTHED, p->auth_id, "nothing can be recorded now, so nothing may happen; try again");
		return 0;
	}
	p->state = PEER_OPEN;
	door_let_in(p->daemon, &p->from);
	if (p->monitor == NULL)
		return 0;
	link_permit(p->monitor, MON_DIAL);
	link_permit(p->monitor, MON_MINT);
	link_permit(p->monitor, MON_LEND);
	if (p->outer == NULL)	/* one hop; a second would only count against us */
		link_permit(p->monitor, MON_JUMP);
	link_permit(p->monitor, MON_GIT);
	link_permit(p->monitor, MON_STORE);
	link_permit(p->monitor, MON_GIT_END);
	link_permit(p->monitor, MON_SHELF);
	(void)answer(p, MON_AUTHED, p->auth_id, true, "", 0, -1);
	return 0;
}

/* The parent's own look at the certificate: what the session says counts for nothing. */
static const char *
auth_judge(struct peer *p, const uint8_t *blob, size_t n)
{
	struct daemon *d = p->daemon;
	struct cert_check check = { .ca_key = d->ca_key, .ca_key_len = d->ca_key_len, .krl = d->krl,
	    .now = (uint64_t)clock_wall_ms() / 1000, .source = p->source };
	const char *why = NULL;
	struct cert *cert = NULL;

	if (cert_parse(blob, n, &cert) != 0)
		return "the certificate cannot be read";
	if (cert_judge(cert, &check, &why) != 0) {
		cert_free(cert);
		return why;
	}
	if (p->bound != NULL && strcmp(p->bound, cert_identity(cert)) != 0) {
		cert_free(cert);
		return "not the identity of the connection that it comes through";
	}
	p->cert = cert;
	p->who.identity = cert_identity(cert);
	p->who.owner = cert->owner;
	p->who.groups = &cert->groups;
	p->who.session = cert->session;
	return NULL;
}

/* LOGIN@TARGET, as the session splits it; what does not split, or is no name, reaches no target and stands in no record. */
static void
auth_take_user(struct peer *p, const char *user)
{
	const char *at = strrchr(user, '@');

	if (p->target != NULL) {	/* came through another session, which named it */
		p->login = xstrdup(name_is_safe(user, NAME_LEN_MAX) ? user : "");
		return;
	}
	if (at == NULL)
		return;
	p->login = xstrndup(user, (size_t)(at - user));
	if (name_is_safe(p->login, NAME_LEN_MAX) && name_is_safe(at + 1, NAME_LEN_MAX)) {
		p->target = xstrdup(at + 1);
		return;
	}
	free(p->login);
	p->login = NULL;
}

static bool
auth_record(struct peer *p)
{
	const char *profile = profile_word(policy_profile(p->conf->conf->policy, &p->who));
	char until[CLOCK_TEXT];

	clock_format((int64_t)(p->cert->valid_before < UINT32_MAX * UINT64_C(100) ? p->cert->valid_before : 0) * 1000, until);
	return daemon_record(p->daemon, "session.start", json_pack("{s:s, s:s, s:s*, s:s, s:s, s:I, s:s, s:s, s:s*, s:s*, s:s*, s:s*}",
	    "session", p->id, "identity", p->who.identity, "owner", p->who.owner, "source", p->source, "key_id", p->cert->key_id,
	    "serial", (json_int_t)p->cert->serial, "valid_before", until, "profile", profile, "claimed_session", p->cert->session,
	    "target", p->target, "login", p->login, "outer", p->outer), auth_recorded, p);
}

/* It stays somebody who has not authenticated, with the login grace running: that is the time to be told why. */
static int
auth_refuse_crowd(struct peer *p, const char *why)
{
	log_info("%s: %s", p->id, why);
	(void)daemon_record(p->daemon, "session.refused", json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s}", "session", p->id, "identity",
	    p->who.identity, "owner", p->who.owner, "source", p->source, "key_id", p->cert->key_id, "reason", why), NULL, NULL);
	cert_free(p->cert);
	p->cert = NULL;
	p->who = (struct subject){ 0 };
	return refuse(p, MON_AUTHED, p->auth_id, why);
}

static int
on_auth(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	const uint8_t *blob;
	char *user = NULL, crowd[PEER_WHY];
	const char *why;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &user)) != 0 || (r = buf_peek_string(m->body, &blob, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	p->auth_id = m->id;
	if (n > CERT_BLOB_MAX || strlen(user) > 512) {
		r = ERR_TOOBIG;
		goto out;
	}
	if ((why = auth_judge(p, blob, n)) != NULL) {
		r = refuse(p, MON_AUTHED, m->id, why);
		goto out;
	}
	if (peer_is_one_too_many(p, crowd)) {
		r = auth_refuse_crowd(p, crowd);
		goto out;
	}
	auth_take_user(p, user);
	p->state = PEER_VOUCHING;
	(void)event_del(p->grace);
	peer_watch_expiry(p);
	peer_name(p, true);
	if (!auth_record(p))
		r = refuse(p, MON_AUTHED, m->id, "nothing can be recorded now, so nothing may happen; try again");
 out:
	free(user);
	return r;
}

/* Targets */

static struct way
peer_way(const struct peer *p)
{
	return (struct way){ .conf = p->conf->conf, .who = &p->who, .target = p->target, .login = p->login };
}

/* What this session may open now. NULL and why not. */
static const struct conf_target *
target_check(struct peer *p, const char *target, const char *login, const char **whyp)
{
	const struct way w = peer_way(p);

	if (p->expired != NULL) {
		*whyp = p->expired;
		return NULL;
	}
	return way_check(&w, target, login, whyp);
}

struct dial_call {
	char		 session[ID_TEXT];	/* the peer may be gone when the socket comes */
	struct daemon	*daemon;
	uint32_t	 id;
};

static void
on_approached(const struct approach_end *e, void *arg)
{
	struct dial_call *c = arg;
	struct peer *p = peer_find(c->daemon, c->session);
	struct buf *b = buf_new(MSG_MAX);
	int r = ERR_NOMEM;

	if (p != NULL)
		p->ndials--;
	if (p != NULL && p->monitor != NULL && b != NULL && (r = buf_put_u8(b, e->fd != -1)) == 0 &&
	    (r = buf_put_cstring(b, e->fd != -1 ? "" : e->why)) == 0)
		r = buf_put_u32(b, (uint32_t)e->host_keys->n);
	for (size_t i = 0; r == 0 && i < e->host_keys->n; i++)
		r = buf_put_cstring(b, e->host_keys->v[i]);
	if (r == 0)
		(void)link_send(p->monitor, MON_DIALLED, c->id, b, e->fd);
	else if (e->fd != -1)
		close(e->fd);
	buf_free(b);
	free(c);
}

/* The answer without keys and without a socket. */
static int
refuse_dial(struct peer *p, uint32_t id, const char *why)
{
	struct buf *b = buf_new(1024);
	int r;

	if (b == NULL)
		fatal("out of memory");
	if ((r = buf_put_u8(b, 0)) == 0 && (r = buf_put_cstring(b, why)) == 0 && (r = buf_put_u32(b, 0)) == 0)
		r = link_send(p->monitor, MON_DIALLED, id, b, -1);
	buf_free(b);
	return r;
}

static int
on_dial(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	char *target = NULL, *login = NULL;
	const struct conf_target *t;
	const char *why;
	struct dial_call *c;
	uint8_t fresh;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &target)) != 0 || (r = buf_get_cstring(m->body, &login)) != 0 ||
	    (r = buf_get_u8(m->body, &fresh)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if ((t = target_check(p, target, login, &why)) != NULL && t->via != NULL)
		why = "it is reached through another target";
	else if (t != NULL && p->ndials >= DIALS_MAX)
		why = "is being dialled already";
	if (why != NULL) {
		r = refuse_dial(p, m->id, why);
		goto out;
	}
	p->ndials++;
	c = xcalloc(1, sizeof(*c));
	memcpy(c->session, p->id, sizeof(c->session));
	c->daemon = p->daemon;
	c->id = m->id;
	approach_start(p, t, login, fresh && p->nfresh++ < FRESH_MAX, on_approached, c);
 out:
	free(target);
	free(login);
	return r;
}

/* Any target that policy lets the identity reach; what it does there is decided in the session that this begins. */
/* Each jump is a process and a key exchange: so many at once, and from then on at this pace. */
static bool
jump_is_in_time(struct peer *p)
{
	int64_t now = clock_mono_ms();

	if (p->jumps_ms < now)
		p->jumps_ms = now;
	if (p->jumps_ms - now >= JUMP_BURST * JUMP_EACH_MS)
		return false;
	p->jumps_ms += JUMP_EACH_MS;
	return true;
}

static int
on_jump(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	const struct conf *c = p->conf->conf;
	const char *why = NULL;
	char *target = NULL;
	int r, fd = -1;

	(void)l;
	if ((r = buf_get_cstring(m->body, &target)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if (p->expired)
		why = "your certificate has expired";
	else if (conf_target(c, target) == NULL || !policy_reaches(c->policy, &p->who, target, NULL))
		why = "no rule lets you reach it";
	else if (!jump_is_in_time(p))
		why = "too many in a short time through one connection; wait a moment";
	else
		fd = peer_jump(p, target, &why);
	r = fd == -1 ? refuse(p, MON_JUMPED, m->id, why) : answer(p, MON_JUMPED, m->id, true, "", 0, fd);
 out:
	free(target);
	return r;
}

/* A certificate goes to the session when it is minted and the record of it is durable. */
struct mint_call {
	char		 session[ID_TEXT];
	struct daemon	*daemon;
	uint32_t	 id;
	char		*target, *login;
	uint8_t		*cert;
	size_t		 cert_len;
};

static void
mint_done(struct mint_call *c, const char *why)
{
	struct peer *p = peer_find(c->daemon, c->session);

	if (p != NULL && why != NULL)
		(void)refuse(p, MON_MINTED, c->id, why);
	else if (p != NULL)
		(void)answer(p, MON_MINTED, c->id, true, c->cert, c->cert_len, -1);
	free(c->target);
	free(c->login);
	free(c->cert);
	free(c);
}

static int
mint_recorded(struct msg *m, void *arg)
{
	mint_done(arg, m == NULL ? "nothing can be recorded now" : NULL);
	return 0;
}

/* KEYD_MINTED: u8 ok, s certificate or error, u64 serial. */
static int
mint_minted(struct msg *m, void *arg)
{
	struct mint_call *c = arg;
	struct peer *p = peer_find(c->daemon, c->session);
	uint64_t serial;
	uint8_t ok;
	int r;

	if (m == NULL) {
		mint_done(c, "the key process was interrupted");
		return 0;
	}
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_string(m->body, &c->cert, &c->cert_len)) != 0 ||
	    (r = buf_get_u64(m->body, &serial)) != 0 || (r = buf_end(m->body)) != 0)
		ok = 0;
	if (!ok || p == NULL)
		mint_done(c, "the key process refused");
	else if (!daemon_record(c->daemon, "cert.mint", json_pack("{s:s, s:s, s:s, s:s, s:I}", "session", c->session, "identity",
	    p->who.identity, "target", c->target, "login", c->login, "serial", (json_int_t)serial), mint_recorded, c))
		mint_done(c, "nothing can be recorded now");
	return r;
}

/* A target on the way is opened for connections through it alone, whatever a session that was taken over would do there. */
static uint8_t
mint_rights(const struct peer *p, const char *target, const char *login)
{
	const struct way w = peer_way(p);
	uint8_t rights = 0;

	if (way_is_hop(&w, target, login))
		return KEYD_WAY_ONLY;
	/* Whether there is a terminal is policy's affair once more, by command; never more than its own certificate gives. */
	if (p->cert->permit_pty)
		rights |= KEYD_TERMINAL;
	if (p->cert->permit_port_forwarding && policy_may_forward(p->conf->conf->policy, &p->who, target, login))
		rights |= KEYD_FORWARDS;
	return rights;
}

/* No longer than the certificate that it is minted for, in whole seconds. */
static uint64_t
mint_life_ms(const struct peer *p)
{
	uint64_t now = (uint64_t)clock_wall_ms() / 1000, life = (uint64_t)p->conf->conf->mint_ttl_ms;
	uint64_t left = p->cert->valid_before > now ? p->cert->valid_before - now : 1;

	return left < life / 1000 ? left * 1000 : life;
}

static int
on_mint(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	char *target = NULL, *login = NULL;
	struct buf *b = buf_new(8192);
	struct mint_call *c;
	const uint8_t *key;
	const struct conf_target *t;
	const char *why;
	size_t n;
	int r;

	(void)l;
	if (b == NULL)
		fatal("out of memory");
	if ((r = buf_get_cstring(m->body, &target)) != 0 || (r = buf_get_cstring(m->body, &login)) != 0 ||
	    (r = buf_peek_string(m->body, &key, &n)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if ((t = target_check(p, target, login, &why)) != NULL && t->auth != CONF_AUTH_CERTIFICATE)
		why = "no certificate opens it";
	if (n > KEY_BLOB_MAX || why != NULL) {
		r = refuse(p, MON_MINTED, m->id, n > KEY_BLOB_MAX ? "key too long" : why);
		goto out;
	}
	c = xcalloc(1, sizeof(*c));
	memcpy(c->session, p->id, sizeof(c->session));
	c->daemon = p->daemon;
	c->id = m->id;
	c->target = xstrdup(target);
	c->login = xstrdup(login);
	if (buf_put_cstring(b, p->who.identity) != 0 || buf_put_cstring(b, p->id) != 0 || buf_put_cstring(b, target) != 0 ||
	    buf_put_cstring(b, login) != 0 || buf_put_string(b, key, n) != 0 ||
	    buf_put_u64(b, mint_life_ms(p)) != 0 ||
	    buf_put_u8(b, mint_rights(p, target, login)) != 0 ||
	    !helper_call(p->daemon, HELPER_KEYD, KEYD_MINT, b, mint_minted, c))
		mint_done(c, "the key process does not answer");
 out:
	buf_free(b);
	free(target);
	free(login);
	return r;
}

/* A held key or password: the key process serves the session over a descriptor of its own, and the parent sees neither. */
struct lend_call {
	char		 session[ID_TEXT];
	struct daemon	*daemon;
	uint32_t	 id;
	int		 fd;		/* the session's end */
};

/* KEYD_LENT: u8 ok, s error. */
static int
lend_lent(struct msg *m, void *arg)
{
	struct lend_call *c = arg;
	struct peer *p = peer_find(c->daemon, c->session);
	char *why = NULL;
	uint8_t ok = 0;
	int r = 0;

	if (m != NULL && (r = buf_get_u8(m->body, &ok)) == 0 && (r = buf_get_cstring(m->body, &why)) == 0)
		r = buf_end(m->body);
	if (r != 0)
		ok = 0;
	if (p != NULL && ok)
		(void)answer(p, MON_LENT, c->id, true, "", 0, c->fd);
	else {
		close(c->fd);
		if (p != NULL)
			(void)refuse(p, MON_LENT, c->id, why != NULL ? why : "the key process was interrupted");
	}
	free(why);
	free(c);
	return r;
}

static void
lend(struct peer *p, uint32_t id, const struct conf_target *t, const char *login)
{
	struct lend_call *c;
	struct buf *b = buf_new(4096);
	int sv[2];

	if (b == NULL || msgio_pair(sv) != 0) {
		(void)refuse(p, MON_LENT, id, "no descriptors");
		buf_free(b);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	memcpy(c->session, p->id, sizeof(c->session));
	c->daemon = p->daemon;
	c->id = id;
	c->fd = sv[0];
	if (buf_put_cstring(b, p->id) != 0 || buf_put_cstring(b, t->name) != 0 || buf_put_cstring(b, login) != 0 ||
	    buf_put_cstring(b, t->secret) != 0 || buf_put_u8(b, t->auth == CONF_AUTH_KEY ? SECRET_KEY : SECRET_PASSWORD) != 0)
		fatal("out of memory");
	if (!helper_call_fd(p->daemon, HELPER_KEYD, KEYD_LEND, b, sv[1], lend_lent, c))
		(void)lend_lent(NULL, c);
	buf_free(b);
}

static int
on_lend(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	char *target = NULL, *login = NULL;
	const struct conf_target *t;
	const char *why;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &target)) != 0 || (r = buf_get_cstring(m->body, &login)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if ((t = target_check(p, target, login, &why)) == NULL)
		r = refuse(p, MON_LENT, m->id, why);
	else if (t->auth == CONF_AUTH_CERTIFICATE)
		r = refuse(p, MON_LENT, m->id, "a certificate opens it");
	else if (++p->nloans > LOANS_MAX)
		r = refuse(p, MON_LENT, m->id, "it was asked for too often in one session");
	else
		lend(p, m->id, t, login);
 out:
	free(target);
	free(login);
	return r;
}

/* Git */

static bool
open_git(struct peer *p, uint32_t id, const char *upstream, const char *repo, uint8_t service, const char **errorp)
{
	if (service == MONITOR_GIT_FETCH || service == MONITOR_GIT_PUSH)
		return gitjob_open(p, id, upstream, repo, service == MONITOR_GIT_PUSH, errorp);
	return lfsjob_open(p, id, upstream, repo, service == MONITOR_GIT_LFS_UPLOAD, errorp);
}

static int
on_git(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	char *upstream = NULL, *repo = NULL;
	const char *error = NULL;
	struct buf *b = buf_new(1024);
	uint8_t service;
	int r;

	(void)l;
	if (b == NULL)
		fatal("out of memory");
	if ((r = buf_get_cstring(m->body, &upstream)) != 0 || (r = buf_get_cstring(m->body, &repo)) != 0 ||
	    (r = buf_get_u8(m->body, &service)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if (service > MONITOR_GIT_LFS_UPLOAD)
		r = ERR_FORMAT;
	else if (p->expired != NULL || !open_git(p, m->id, upstream, repo, service, &error)) {
		if ((r = buf_put_u8(b, MONITOR_FD_FAILED)) == 0 &&
		    (r = buf_put_cstring(b, p->expired != NULL ? p->expired : error)) == 0)
			r = link_send(p->monitor, MON_GIT_FD, m->id, b, -1);
	}
 out:
	buf_free(b);
	free(upstream);
	free(repo);
	return r;
}

void
monitor_storing(struct peer *p, uint32_t msg, const char *why)
{
	(void)(why == NULL ? answer(p, MON_STORING, msg, true, "", 0, -1) : refuse(p, MON_STORING, msg, why));
}

static int
on_store(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	char *request = NULL, *rule = NULL, *text = NULL;
	struct gitjob_order o;
	uint8_t park;
	uint32_t id;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &id)) != 0 || (r = buf_get_cstring(m->body, &request)) != 0 ||
	    (r = buf_get_u8(m->body, &park)) != 0 || (r = buf_get_cstring(m->body, &rule)) != 0 ||
	    (r = buf_get_cstring(m->body, &text)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	o = (struct gitjob_order){ .request = request, .park = park == 1, .rule = rule, .text = text };
	if (p->expired != NULL)
		monitor_storing(p, m->id, p->expired);
	else
		gitjob_store(p, id, m->id, &o);
 out:
	free(request);
	free(rule);
	free(text);
	return r;
}

static int
on_git_end(struct link *l, struct msg *m, void *arg)
{
	uint32_t id;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &id)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	gitjob_end(arg, id);
	lfsjob_end(arg, id);
	return 0;
}

/* What has been done on the shelf. */
static void
shelf_done(uint8_t status, const char *text, void *arg)
{
	struct peer *p = arg;
	struct buf *b = buf_new(MSG_MAX);

	p->shelf_busy = false;
	if (p->monitor != NULL && b != NULL && buf_put_u8(b, status) == 0 && buf_put_cstring(b, text) == 0)
		(void)link_send(p->monitor, MON_SHELVED, p->shelf_id, b, -1);
	buf_free(b);
}

static int
on_shelf(struct link *l, struct msg *m, void *arg)
{
	static const char *const words[] = { [SHELF_VERB_PARKED] = "parked", [SHELF_VERB_RELEASE] = "release",
	    [SHELF_VERB_DROP] = "drop" };
	struct peer *p = arg;
	const struct reviewer who = { .identity = p->who.identity, .owner = p->who.owner, .groups = p->who.groups };
	char *verb = NULL, *request = NULL, *reason = NULL;
	struct shelf_request q = { .who = &who };
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &verb)) != 0 || (r = buf_get_cstring(m->body, &request)) != 0 ||
	    (r = buf_get_cstring(m->body, &reason)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	for (q.verb = SHELF_VERB_PARKED; q.verb <= SHELF_VERB_DROP && strcmp(words[q.verb], verb) != 0; q.verb++)
		;
	q.request = request[0] == '\0' ? NULL : request;
	q.reason = reason;
	if (q.verb > SHELF_VERB_DROP || p->shelf_busy || strlen(reason) > REASON_BYTES_MAX ||
	    (q.request == NULL ? q.verb != SHELF_VERB_PARKED : !id_is(request, "REQ-", REQUEST_ID_LEN))) {
		r = ERR_DENIED;
		goto out;
	}
	p->shelf_id = m->id;
	p->shelf_busy = true;
	if (p->expired != NULL || !shelf_do(p->daemon, &q, shelf_done, p))
		shelf_done(75, p->expired != NULL ? p->expired : "too much of this is under way; try again", p);
 out:
	free(verb);
	free(request);
	free(reason);
	return r;
}

const struct link_row monitor_rows[] = {
	{ MON_AUTH, "auth", LINK_PERMIT | LINK_ONCE, on_auth },
	{ MON_DIAL, "dial", 0, on_dial },
	{ MON_MINT, "mint", 0, on_mint },
	{ MON_LEND, "lend", 0, on_lend },
	{ MON_JUMP, "jump", 0, on_jump },
	{ MON_GIT, "git", 0, on_git },
	{ MON_STORE, "store", 0, on_store },
	{ MON_GIT_END, "git-end", 0, on_git_end },
	{ MON_SHELF, "shelf", 0, on_shelf },
	{ 0, NULL, 0, NULL }
};

/* The session closed its link, or said something that is not permitted: then it is ended. */
void
monitor_gone(struct link *l, int r, void *arg)
{
	struct peer *p = arg;

	p->monitor = NULL;
	link_free(l);
	if (r != ERR_EOF) {
		log_error("%s: its process broke the rules (%s) and is ended", p->id, err_text(r));
		(void)kill(p->pid, SIGKILL);
	}
}
