/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/policy/path.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp-wire.h"

#define ANSWER_MAX	(32 * 1024)	/* names and attributes: far less */
#define REAL_MAX	4096
#define LINK_PROBE	"/proc/self"	/* a link on every Linux */

enum step { STEP_START, STEP_HELLO, STEP_HOME, STEP_PROBE_LINK, STEP_PROBE_REAL, STEP_READY, STEP_REAL, STEP_STAT, STEP_DEAD };

struct lookup {
	struct session	*session;
	enum step	 step;
	struct sshchan	*up;
	bool		 closed;
	struct buf	*in, *out;
	uint32_t	 id;		/* of the question that is open */
	int64_t		 deadline_us;
	char		*home;
	struct lookup_place place;
	const char	*why;
};

/* What the target does: only noted. */

static size_t
up_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	struct lookup *l = arg;
	size_t room = buf_room(l->in);

	l->session->moved = true;
	if (st == SSHCHAN_ERR)
		return n;
	if (n > room)
		n = room;
	return buf_put(l->in, p, n) == 0 ? n : 0;
}

static void
up_closed(void *arg)
{
	struct lookup *l = arg;

	l->closed = true;
	l->session->moved = true;
}

static const struct sshchan_ops lookup_ops = { .data = up_data, .closed = up_closed };

static void
lookup_die(struct lookup *l, const char *why)
{
	if (l->step == STEP_DEAD)
		return;
	l->step = STEP_DEAD;
	l->why = why;
	leg_release(l->session->leg, l->up);
	l->up = NULL;
	l->session->moved = true;
}

struct lookup *
lookup_new(struct session *s, int64_t now_us)
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	l->session = s;
	l->in = buf_new(ANSWER_MAX);
	l->out = buf_new(ANSWER_MAX);
	if (l->in == NULL || l->out == NULL)
		fatal("out of memory");
	l->deadline_us = now_us + 1000 * s->p->conf->dial_timeout_ms;
	if (s->leg == NULL || (l->up = leg_channel(s->leg, &lookup_ops, l)) == NULL)
		lookup_die(l, "no channel to the target");
	return l;
}

static void
place_clear(struct lookup_place *p)
{
	free(p->real);
	*p = (struct lookup_place){ .real = NULL };
}

void
lookup_free(struct lookup *l)
{
	if (l == NULL)
		return;
	leg_release(l->session->leg, l->up);
	buf_free(l->in);
	buf_free(l->out);
	place_clear(&l->place);
	free(l->home);
	free(l);
}

static void
lookup_send(struct lookup *l, enum step step, enum sftp_type type, const char *path)
{
	struct sftp_packet k = { .type = type, .id = type == SFTP_INIT ? SFTP_VERSION : ++l->id, .path = sftp_text(path) };

	l->step = step;
	if (sftp_put(l->out, &k) != 0)
		lookup_die(l, "a path that SFTP cannot carry");
}

/* The one name of an answer to REALPATH, if it is what it must be. NULL otherwise; the caller frees. */
static char *
real_of(const struct sftp_packet *k)
{
	struct sftp_bytes rest = k->rest;
	struct sftp_name name;
	char *text, *canon = NULL;

	if (k->type != SFTP_NAME || k->count != 1 || sftp_name_next(&rest, &name) != 0 || name.name.n == 0 ||
	    name.name.n > REAL_MAX || name.name.p[0] != '/' || memchr(name.name.p, '\0', name.name.n) != NULL)
		return NULL;
	text = xstrndup((const char *)name.name.p, name.name.n);
	canon = path_canon("/", text, false);
	if (canon == NULL || strcmp(canon, text) != 0) {	/* not real at all: it still has a detour */
		free(canon);
		canon = NULL;
	}
	free(text);
	return canon;
}

static void
lookup_take_real(struct lookup *l, const struct sftp_packet *k)
{
	l->place.real = real_of(k);
	if (l->place.real == NULL && k->type != SFTP_STATUS)
		lookup_die(l, "its SFTP gives names that are not whole");
	else if (l->place.real == NULL)
		l->step = STEP_READY;
	else
		lookup_send(l, STEP_STAT, SFTP_STAT, l->place.real);
}

static void
lookup_take_stat(struct lookup *l, const struct sftp_packet *k)
{
	l->step = STEP_READY;
	l->place.exists = k->type == SFTP_ATTRS;
	if (k->type == SFTP_ATTRS && (k->attrs.flags & SFTP_ATTR_MODE) == 0)
		lookup_die(l, "its SFTP does not tell files from folders");
	else if (k->type == SFTP_ATTRS)
		l->place.is_folder = S_ISDIR(k->attrs.mode);
	else if (k->type != SFTP_STATUS)
		lookup_die(l, "its SFTP does not answer what it was asked");
	else if (k->status != SFTP_NO_SUCH_FILE) {	/* there may be something: what it is cannot be told */
		place_clear(&l->place);
	}
}

/* A server that answers REALPATH by text alone would let links lead around the rules. */
static void
lookup_take_probe(struct lookup *l, const struct sftp_packet *k)
{
	char *real;

	if (l->step == STEP_PROBE_LINK && k->type == SFTP_NAME) {
		lookup_send(l, STEP_PROBE_REAL, SFTP_REALPATH, LINK_PROBE);
		return;
	}
	real = real_of(k);
	if (l->step == STEP_PROBE_REAL && real != NULL && strcmp(real, LINK_PROBE) == 0)
		lookup_die(l, "its SFTP does not resolve links");
	else
		l->step = STEP_READY;
	free(real);
}

static void
lookup_take(struct lookup *l, const struct sftp_packet *k)
{
	if (l->step == STEP_HELLO) {
		if (k->type == SFTP_HELLO && k->id >= SFTP_VERSION)
			lookup_send(l, STEP_HOME, SFTP_REALPATH, ".");
		else
			lookup_die(l, "its SFTP is too old");
		return;
	}
	if (l->step == STEP_READY || k->id != l->id) {
		lookup_die(l, "its SFTP answers what was not asked");
		return;
	}
	if (l->step == STEP_HOME) {
		if ((l->home = real_of(k)) == NULL)
			lookup_die(l, "its SFTP does not tell the home folder");
		else
			lookup_send(l, STEP_PROBE_LINK, SFTP_READLINK, LINK_PROBE);
	} else if (l->step == STEP_PROBE_LINK || l->step == STEP_PROBE_REAL)
		lookup_take_probe(l, k);
	else if (l->step == STEP_REAL)
		lookup_take_real(l, k);
	else
		lookup_take_stat(l, k);
}

static void
lookup_read(struct lookup *l)
{
	struct sftp_packet k;
	size_t n;
	int r;

	while (l->step != STEP_DEAD) {
		r = sftp_frame(buf_ptr(l->in), buf_len(l->in), &n);
		if (r == ERR_SHORT && buf_room(l->in) > 0)
			return;
		if (r != 0 || sftp_parse(buf_ptr(l->in) + 4, n - 4, &k) != 0) {
			lookup_die(l, "its SFTP is none");
			return;
		}
		lookup_take(l, &k);
		(void)buf_consume(l->in, n);
		l->session->moved = true;
	}
}

static void
lookup_write(struct lookup *l)
{
	if (l->up != NULL)
		(void)sshchan_flush(l->up, SSHCHAN_OUT, l->out, &l->session->moved);
}

static void
lookup_start(struct lookup *l)
{
	struct sshchan_request q = { .subsystem = "sftp" };
	int r = sshchan_start(l->up, &q);

	if (r == ERR_AGAIN)
		l->session->soon = true;
	else if (r != 0)
		lookup_die(l, "it offers no SFTP");
	else
		lookup_send(l, STEP_HELLO, SFTP_INIT, "");
}

enum lookup_state
lookup_step(struct lookup *l, int64_t now_us)
{
	const struct leg *leg = l->session->leg;

	if (l->step == STEP_START)
		lookup_start(l);
	if (l->up != NULL) {
		lookup_read(l);
		lookup_write(l);
	}
	if (l->up != NULL)
		sshchan_pull(l->up);
	if (l->step != STEP_DEAD && (l->closed || leg == NULL || leg_state(leg) == LEG_DEAD))
		lookup_die(l, "its SFTP has ended");
	if (l->step != STEP_DEAD && l->step != STEP_READY && now_us > l->deadline_us)
		lookup_die(l, "its SFTP does not answer in time");
	if (l->step != STEP_DEAD && l->step != STEP_READY)
		l->session->soon = true;
	return l->step == STEP_DEAD ? LOOKUP_DEAD : l->step == STEP_READY ? LOOKUP_READY : LOOKUP_BUSY;
}

void
lookup_ask(struct lookup *l, const char *path, int64_t now_us)
{
	if (l->step != STEP_READY)
		return;
	place_clear(&l->place);
	l->deadline_us = now_us + 1000 * l->session->p->conf->dial_timeout_ms;
	lookup_send(l, STEP_REAL, SFTP_REALPATH, path);
	l->session->moved = true;
}

const struct lookup_place *
lookup_place(const struct lookup *l)
{
	return &l->place;
}

const char *
lookup_home(const struct lookup *l)
{
	return l->home;
}

const char *
lookup_why(const struct lookup *l)
{
	return l->why == NULL ? "" : l->why;
}
