/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/leg.h"

#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/sshkey.h"
#include "bastion/monitor_msg.h"
#include "bastion/ssh/hop.h"
#include "bastion/ssh/listen.h"
#include "bastion/ssh/pulse.h"
#include "bastion/ssh/session_int.h"
#include "secretscan/secretscan.h"

#define KEY_BLOB_MAX	1024
#define PINS_MAX	16
#define LOAN_MAX	4096	/* a password and its length */

struct leg {
	struct session		*session;
	const struct conf_target *target;
	const char		*login;
	enum leg_state		 state;
	struct hop		*hop;		/* the way through another target, or NULL */
	struct sshconn		*ssh;
	struct strvec		 pins;		/* the host keys that it may show */
	bool			 fresh;		/* its host certificates were looked up anew */
	char			*why;
	bool			 hopeless;
	int64_t			 deadline_us;	/* for everything up to LEG_UP */
	unsigned		 users;		/* channels that are held on it */
	struct pulse		 pulse;
	int			 loan_fd;	/* where a held password comes from, or -1 */
	struct buf		*loan;
	bool			 loan_news;
	struct secretscan_known	*known;		/* what it was opened with, masked in what the target prints */
};

static void	leg_dial(struct leg *);

static void
leg_die(struct leg *l, const char *why)
{
	if (l->state == LEG_DEAD)
		return;
	l->state = LEG_DEAD;
	l->why = xasprintf("target %s: %s", l->target->name, why);
	l->session->moved = true;
}

/* Fingerprints of the keys that it may have, "SHA256:.. or SHA256:..". The caller frees. */
static char *
leg_expected(const struct strvec *keys)
{
	struct strvec v = STRVEC_INIT;
	uint8_t *blob = NULL;
	char *text;
	size_t n;

	for (size_t i = 0; i < keys->n; i++)
		if (sshkey_from_line(keys->v[i], strlen(keys->v[i]), &blob, &n) == 0) {
			strvec_take(&v, key_fingerprint(blob, n));
			free(blob);
		}
	text = strvec_join(&v, " or ");
	strvec_release(&v);
	return text;
}

/* Somebody else may be in its place: a hard stop, on record, and nothing of ours was shown to it but the key exchange. */
static void
leg_wrong_key(struct leg *l)
{
	const char *got = sshconn_wrong_key(l->ssh);
	char *expected, *why;

	/* A host with a certificate may have got a new key and a new certificate since ours was kept. */
	if (l->target->host_ca.n > 0 && !l->fresh) {
		l->fresh = true;
		sshconn_free(l->ssh);
		l->ssh = NULL;
		leg_dial(l);
		return;
	}
	expected = leg_expected(&l->pins);
	log_warn("%s: host key of %s has changed: expected %s, got %s", l->session->p->id, l->target->name, expected,
	    *got == '\0' ? "none of that type" : got);
	(void)session_record(l->session, "target.hostkey", json_pack("{s:s, s:s, s:s}", "target", l->target->name, "expected",
	    expected, "got", got), NULL, NULL);
	why = xasprintf("host key of %s has changed: expected %s, got %s; nothing was sent",
	    l->target->name, expected, *got == '\0' ? "no key of that type" : got);
	l->hopeless = true;
	leg_die(l, why);
	free(why);
	free(expected);
}

/* Keys that the parent found in its host certificates, for a target that is known by a CA; otherwise the pinned ones. */
static int
leg_read_pins(struct leg *l, struct buf *b)
{
	uint32_t n;
	char *key;
	int r;

	strvec_release(&l->pins);
	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > PINS_MAX || (n > 0) != (l->target->host_ca.n > 0))
		return n == 0 ? 0 : ERR_FORMAT;	/* none: it could not be dialled */
	for (uint32_t i = 0; i < n && r == 0; i++)
		if ((r = buf_get_cstring(b, &key)) == 0)
			strvec_take(&l->pins, key);
	for (size_t i = 0; n == 0 && i < l->target->host_keys.n; i++)
		strvec_push(&l->pins, l->target->host_keys.v[i]);
	return r;
}

/* Only what the agent's own leg listens for; one on the way to it (via) listens for nobody. */
static bool
leg_incoming(struct sshchan *ch, unsigned port, const char *from, unsigned from_port, const struct sshchan_ops **opsp,
    void **argp, void *arg)
{
	struct leg *l = arg;

	return l->session->leg == l && listen_incoming(l->session, ch, port, from, from_port, opsp, argp);
}

static void
leg_connect(struct leg *l, int fd)
{
	struct sshconn_client p = { .fd = fd, .user = l->login, .host_keys = &l->pins,
	    .rekey = session_rekey(l->session), .incoming = leg_incoming, .arg = l };

	if ((l->ssh = sshconn_client(l->session->loop, &p)) == NULL)
		leg_die(l, "no memory for the connection");
	else
		l->state = LEG_KEX;
}

/* MON_DIALLED: u8 ok, s error, keys; descriptor. */
static int
leg_dialled(struct msg *m, void *arg)
{
	struct leg *l = arg;
	char *error = NULL;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = leg_read_pins(l, m->body)) != 0 || (r = buf_end(m->body)) != 0 || l->state != LEG_DIALLING)
		goto out;
	if (!ok || m->fd == -1 || l->pins.n == 0)
		leg_die(l, error);
	else
		leg_connect(l, msg_take_fd(m));
	l->session->moved = true;
 out:
	free(error);
	return r;
}

static void
leg_dial(struct leg *l)
{
	struct session *s = l->session;
	struct buf *b = buf_new(1024);

	l->state = LEG_DIALLING;
	if (b == NULL || buf_put_cstring(b, l->target->name) != 0 || buf_put_cstring(b, l->login) != 0 ||
	    buf_put_u8(b, l->fresh) != 0 || !session_call(s, s->monitor, MON_DIAL, b, leg_dialled, l))
		leg_die(l, "cannot be dialled now");
	buf_free(b);
}

static void
leg_end_loan(struct leg *l)
{
	if (l->loan_fd != -1) {
		sshloop_forget(l->session->loop, l->loan_fd);
		close(l->loan_fd);
	}
	l->loan_fd = -1;
	buf_free(l->loan);	/* overwrites */
	l->loan = NULL;
}

struct leg *
leg_new(struct session *s, const char *target, const char *login, int64_t now_us)
{
	const struct conf_target *t = conf_target(s->p->conf, target);
	struct leg *l = xcalloc(1, sizeof(*l));

	if (t == NULL)
		fatal("leg_new: no such target");
	l->session = s;
	l->target = t;
	l->login = login;
	l->loan_fd = -1;
	/* The parent keeps the clocks of scan and dial; key exchange and authentication get as much again. */
	l->deadline_us = now_us + (t->host_ca.n > 0 ? 3000 : 2000) * s->p->conf->dial_timeout_ms;
	for (const struct conf_target *v = t; v->via != NULL; v = conf_target(s->p->conf, v->via))
		l->deadline_us += 2000 * s->p->conf->dial_timeout_ms;
	if (t->via != NULL)
		l->hop = hop_new(s, t, now_us);
	else
		leg_dial(l);
	return l;
}

void
leg_free(struct leg *l)
{
	if (l == NULL)
		return;
	calls_cancel(l->session->calls, l);
	leg_end_loan(l);
	if (l->ssh != NULL) {
		sshconn_cut(l->ssh, "done");
		sshconn_free(l->ssh);
	}
	hop_free(l->hop);
	secretscan_known_free(l->known);
	strvec_release(&l->pins);
	free(l->why);
	free(l);
}

/* MON_MINTED: u8 ok, s certificate or error line. */
static int
leg_minted(struct msg *m, void *arg)
{
	struct leg *l = arg;
	const uint8_t *p;
	size_t n;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_peek_string(m->body, &p, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		return r;
	if (l->state != LEG_MINTING)
		return 0;
	if (!ok || sshconn_set_cert(l->ssh, p, n) != 0)
		leg_die(l, "no certificate could be minted for it");
	else
		l->state = LEG_AUTH;
	l->session->moved = true;
	return 0;
}

static void
leg_mint(struct leg *l)
{
	struct session *s = l->session;
	char *b64 = sshconn_new_key(l->ssh);
	uint8_t blob[KEY_BLOB_MAX];
	struct buf *b = buf_new(4096);
	size_t n;

	l->state = LEG_MINTING;
	if (b == NULL || sodium_base642bin(blob, sizeof(blob), b64, strlen(b64), NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || buf_put_cstring(b, l->target->name) != 0 ||
	    buf_put_cstring(b, l->login) != 0 || buf_put_string(b, blob, n) != 0 ||
	    !session_call(s, s->monitor, MON_MINT, b, leg_minted, l))
		leg_die(l, "no certificate can be asked for now");
	buf_free(b);
	free(b64);
}

static void
leg_loan_ready(int revents, void *arg)
{
	struct leg *l = arg;

	(void)revents;
	l->loan_news = l->session->moved = true;
}

static void
leg_know(struct leg *l, const char *password)
{
	int r;

	if (l->known == NULL && (l->known = secretscan_known_new(l->session->p->scanner)) == NULL)
		fatal("out of memory");
	r = secretscan_known_add(l->known, "target-password", password, strlen(password));
	if (r == SECRETSCAN_LIMIT)
		log_warn("the password of target %s cannot be masked: it has fewer than %d characters", l->target->name,
		    SECRETSCAN_KNOWN_MIN);
	else if (r != 0)
		fatal("out of memory");
}

struct secretscan_known *
leg_known(const struct leg *l)
{
	return l->known;
}

/* A held password comes as u32 length and bytes, once, or not at all. */
static void
leg_take_loan(struct leg *l)
{
	struct buf *b = l->loan;
	char *password = NULL;
	int r;

	l->loan_news = false;
	r = buf_read(b, l->loan_fd, LOAN_MAX);
	if (r == ERR_AGAIN)
		return;
	if (r == 0 && buf_len(b) >= 4 && (r = buf_get_cstring(b, &password)) == ERR_SHORT)
		return;
	if (password != NULL) {
		sshconn_set_password(l->ssh, password);
		leg_know(l, password);
		freezero(password, strlen(password));
		l->state = LEG_AUTH;
	} else if (r != 0)
		leg_die(l, "the key process gave no password");
	else
		return;
	leg_end_loan(l);
	l->session->moved = true;
}

/* MON_LENT: u8 ok, s error; descriptor. */
static int
leg_lent(struct msg *m, void *arg)
{
	struct leg *l = arg;
	char *error = NULL, *why;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0 || l->state != LEG_MINTING)
		goto out;
	l->session->moved = true;
	if (!ok || m->fd == -1) {
		why = xasprintf("the %s that opens it is not to be had: %s", l->target->auth == CONF_AUTH_KEY ? "key" : "password",
		    error);
		leg_die(l, why);
		free(why);
	} else if (l->target->auth == CONF_AUTH_KEY) {
		if (sshconn_set_agent(l->ssh, msg_take_fd(m)) == 0)
			l->state = LEG_AUTH;
		else
			leg_die(l, "the held key cannot be used");
	} else {
		l->loan_fd = msg_take_fd(m);
		l->loan = buf_new(LOAN_MAX);
		if (l->loan == NULL || sshloop_watch(l->session->loop, l->loan_fd, POLLIN, leg_loan_ready, l) != 0)
			leg_die(l, "no memory for the password");
	}
 out:
	free(error);
	return r;
}

static void
leg_borrow(struct leg *l)
{
	struct session *s = l->session;
	struct buf *b = buf_new(1024);

	l->state = LEG_MINTING;
	if (b == NULL || buf_put_cstring(b, l->target->name) != 0 || buf_put_cstring(b, l->login) != 0 ||
	    !session_call(s, s->monitor, MON_LEND, b, leg_lent, l))
		leg_die(l, "the key that opens it cannot be asked for now");
	buf_free(b);
}

/* The host key is right: now, and not before, what opens it. */
static void
leg_prove(struct leg *l)
{
	if (l->target->auth == CONF_AUTH_CERTIFICATE)
		leg_mint(l);
	else
		leg_borrow(l);
}

/* Through another target: its connection first, then ours over it. */
static void
leg_step_hop(struct leg *l, int64_t now_us)
{
	enum hop_state st = hop_step(l->hop, now_us);

	if (l->state == LEG_DEAD)
		return;
	if (st == HOP_OPEN && l->ssh == NULL) {
		for (size_t i = 0; i < l->target->host_keys.n; i++)
			strvec_push(&l->pins, l->target->host_keys.v[i]);
		leg_connect(l, hop_take_fd(l->hop));
	} else if (st == HOP_DEAD && (l->ssh == NULL || sshconn_step(l->ssh) != SSHCONN_DEAD)) {
		l->hopeless = hop_is_hopeless(l->hop);
		leg_die(l, hop_why(l->hop));
	}
}

static void
leg_step_ssh(struct leg *l)
{
	enum sshconn_state st = sshconn_step(l->ssh);

	if (st == SSHCONN_DEAD && sshconn_wrong_key(l->ssh) != NULL)
		leg_wrong_key(l);
	else if (st == SSHCONN_DEAD) {
		/* A wrong password is not tried again: that is how accounts get locked. */
		l->hopeless = l->state == LEG_AUTH && l->target->auth == CONF_AUTH_PASSWORD;
		leg_die(l, sshconn_why(l->ssh));
	} else if (l->state == LEG_KEX && st == SSHCONN_AUTH)
		leg_prove(l);
	else if (l->state == LEG_AUTH && st == SSHCONN_UP)
		l->state = LEG_UP;
}

enum leg_state
leg_step(struct leg *l, int64_t now_us)
{
	const struct conf *conf = l->session->p->conf;
	enum leg_state before = l->state;

	if (l->hop != NULL)
		leg_step_hop(l, now_us);
	if (l->loan_news && l->loan != NULL && l->state == LEG_MINTING)
		leg_take_loan(l);
	if (l->ssh != NULL && l->state != LEG_DEAD)
		leg_step_ssh(l);
	if (l->state != LEG_UP && l->state != LEG_DEAD && now_us > l->deadline_us)
		leg_die(l, "no answer in time");
	/* A question of ours and one about a listen would be answered alike; libssh cannot tell them apart. */
	if (l->state == LEG_UP && l->session->listens == NULL && !pulse_step(&l->pulse, l->ssh,
	    1000 * conf->keepalive_interval_ms, conf->keepalive_count, now_us))
		leg_die(l, "no sign of life from it");
	if (l->state != before)
		l->session->moved = true;
	else if (l->state != LEG_UP && l->state != LEG_DEAD)
		l->session->soon = true;
	return l->state;
}

enum leg_state
leg_state(const struct leg *l)
{
	return l->state;
}

const char *
leg_why(const struct leg *l)
{
	return l->why == NULL ? "" : l->why;
}

bool
leg_is_hopeless(const struct leg *l)
{
	return l->hopeless;
}

struct leg *
leg_get(struct session *s, int64_t now_us)
{
	if (s->leg != NULL && s->leg->state == LEG_DEAD && !s->leg->hopeless && s->leg->users == 0) {
		leg_free(s->leg);	/* it died before this request: the target may be back */
		s->leg = NULL;
	}
	if (s->leg == NULL)
		s->leg = leg_new(s, s->target, s->login, now_us);
	return s->leg;
}

struct sshchan *
leg_channel(struct leg *l, const struct sshchan_ops *ops, void *arg)
{
	struct sshchan *ch = l->state == LEG_UP ? sshchan_new(l->ssh, ops, arg) : NULL;

	l->users += ch != NULL;
	return ch;
}

void
leg_release(struct leg *l, struct sshchan *ch)
{
	if (ch == NULL)
		return;
	sshchan_close(ch);
	sshchan_free(ch);
	l->users--;
}

void
leg_adopt(struct leg *l)
{
	l->users++;
}

unsigned
leg_users(const struct leg *l)
{
	return l->users;
}

struct sshconn *
leg_conn(struct leg *l)
{
	return l->state == LEG_UP ? l->ssh : NULL;
}
