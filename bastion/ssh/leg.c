/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/leg.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/sshkey.h"
#include "bastion/monitor_msg.h"
#include "bastion/ssh/session_int.h"

#define KEY_BLOB_MAX	1024

struct leg {
	struct session		*session;
	const struct conf_target *target;
	const char		*login;
	enum leg_state		 state;
	struct sshconn		*ssh;
	char			*why;
	bool			 hopeless;
	int64_t			 deadline_us;	/* for everything up to LEG_UP */
	unsigned		 users;		/* channels that are held on it */
};

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
	char *expected = leg_expected(&l->target->host_keys), *why;

	log_warn("%s: host key of %s has changed: expected %s, got %s", l->session->p->id, l->target->name, expected,
	    *got == '\0' ? "none of that type" : got);
	(void)session_record(l->session, "target.hostkey", json_pack("{s:s, s:s, s:s}", "target", l->target->name, "expected",
	    expected, "got", got), NULL, NULL);
	why = xasprintf("host key of %s has changed: expected %s, got %s; nothing was sent; tell whoever runs this bastion",
	    l->target->name, expected, *got == '\0' ? "no key of that type" : got);
	l->hopeless = true;
	leg_die(l, why);
	free(why);
	free(expected);
}

/* MON_DIALLED: u8 ok, s error; descriptor. */
static int
leg_dialled(struct msg *m, void *arg)
{
	struct leg *l = arg;
	struct sshconn_client p = { .fd = -1, .user = l->login, .host_keys = &l->target->host_keys };
	char *error = NULL;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok || m->fd == -1)
		leg_die(l, error);
	else {
		p.fd = msg_take_fd(m);
		if ((l->ssh = sshconn_client(l->session->loop, &p)) == NULL)
			leg_die(l, "no memory for the connection");
		else
			l->state = LEG_KEX;
	}
	l->session->moved = true;
 out:
	free(error);
	return r;
}

struct leg *
leg_new(struct session *s, const char *target, const char *login, int64_t now_us)
{
	const struct conf_target *t = conf_target(s->p->conf, target);
	struct leg *l = xcalloc(1, sizeof(*l));
	struct buf *b = buf_new(1024);

	if (t == NULL || b == NULL)
		fatal("leg_new: no such target, or no memory");
	l->session = s;
	l->target = t;
	l->login = login;
	l->state = LEG_DIALLING;
	/* The parent keeps the dial's own clock; key exchange and authentication get as much again. */
	l->deadline_us = now_us + 2000 * s->p->conf->dial_timeout_ms;
	if (buf_put_cstring(b, target) != 0 || buf_put_cstring(b, login) != 0 ||
	    !session_call(s, s->monitor, MON_DIAL, b, leg_dialled, l))
		leg_die(l, "cannot be dialled now");
	buf_free(b);
	return l;
}

void
leg_free(struct leg *l)
{
	if (l == NULL)
		return;
	calls_cancel(l->session->calls, l);
	if (l->ssh != NULL) {
		sshconn_cut(l->ssh, "done");
		sshconn_free(l->ssh);
	}
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

enum leg_state
leg_step(struct leg *l, int64_t now_us)
{
	enum leg_state before = l->state;
	enum sshconn_state st;

	if (l->ssh != NULL && l->state != LEG_DEAD) {
		st = sshconn_step(l->ssh);
		if (st == SSHCONN_DEAD && sshconn_wrong_key(l->ssh) != NULL)
			leg_wrong_key(l);
		else if (st == SSHCONN_DEAD)
			leg_die(l, sshconn_why(l->ssh));
		else if (l->state == LEG_KEX && st == SSHCONN_AUTH)
			leg_mint(l);
		else if (l->state == LEG_AUTH && st == SSHCONN_UP)
			l->state = LEG_UP;
	}
	if (l->state != LEG_UP && l->state != LEG_DEAD && now_us > l->deadline_us)
		leg_die(l, "no answer in time");
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
