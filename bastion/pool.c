/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/pool.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/ident/secrets.h"
#include "gitfilter/gitleg_msg.h"

#define HOLDS_MAX	4	/* on one connection: servers allow ten sessions on it, and a transfer may open two */
#define POOLS_MAX	64	/* connections, all together */

struct pool {
	struct pool	*next;
	struct daemon	*daemon;
	struct conf_ref	*conf;		/* keeps the upstream where it is */
	const struct conf_upstream *upstream;
	char		*identity;	/* that may use it; NULL = all */
	unsigned	 number;
	pid_t		 pid;
	struct link	*link;		/* NULL once it has gone */
	bool		 up;
	bool		 over;		/* takes nobody any more */
	struct pool_hold *holds;
	unsigned	 nholds;
	struct event	*idle;
};

static void
pool_kill(const struct pool *x)
{
	if (x->pid > 0)
		(void)kill(x->pid, SIGKILL);	/* its ssh dies with it */
}

/* No connection, or none any more: whoever waits hears why, and whoever holds it has nothing in hand. */
static void
pool_lose(struct pool *x, const char *why)
{
	struct pool_hold *h = x->holds, *next;

	x->over = true;
	x->holds = NULL;
	x->nholds = 0;
	pool_kill(x);
	for (; h != NULL; h = next) {
		bool waiting = h->waiting;

		next = h->next;
		h->pool = NULL;
		h->waiting = false;
		if (waiting)
			h->fn(h, why);
	}
}

static int
on_up(struct link *l, struct msg *m, void *arg)
{
	struct pool *x = arg;
	char *none = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &none)) == 0)
		r = buf_end(m->body);
	free(none);
	if (r != 0 || x->over)
		return r;
	x->up = true;
	/* A callback may give its hold back, or take another. */
	for (struct pool_hold *h = x->holds; h != NULL; h = x->holds) {
		while (h != NULL && !h->waiting)
			h = h->next;
		if (h == NULL)
			break;
		h->waiting = false;
		h->fn(h, NULL);
	}
	return 0;
}

static int
on_down(struct link *l, struct msg *m, void *arg)
{
	struct pool *x = arg;
	char *why = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &why)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if (!x->over) {
		char *text = text_printable(why, strlen(why));

		log_info("upstream %s: %s", x->upstream->name, text);
		pool_lose(x, text);
		free(text);
	}
out:
	free(why);
	return r;
}

static const struct link_row rows[] = {
	{ MASTER_UP, "up", LINK_PERMIT | LINK_ONCE, on_up },
	{ MASTER_DOWN, "down", LINK_PERMIT | LINK_ONCE, on_down },
	{ 0, NULL, 0, NULL }
};

static void
on_gone(struct link *l, int r, void *arg)
{
	struct pool *x = arg;

	(void)r;
	x->link = NULL;
	link_free(l);
	if (!x->over)
		pool_lose(x, "the upstream cannot be reached: the process that holds the connection has ended");
}

static struct pool *
pool_find(struct daemon *d, unsigned number)
{
	struct pool *x = d->pools;

	while (x != NULL && x->number != number)
		x = x->next;
	return x;
}

struct lend_call {
	struct daemon	*daemon;
	unsigned	 number;	/* the pool may be gone when the answer comes */
};

/* KEYD_LENT: u8 ok, s error. */
static int
on_lent(struct msg *m, void *arg)
{
	struct lend_call *c = arg;
	struct pool *x = pool_find(c->daemon, c->number);
	char *why = NULL, *text;
	uint8_t ok = 0;
	int r = 0;

	if (m != NULL && (r = buf_get_u8(m->body, &ok)) == 0 && (r = buf_get_cstring(m->body, &why)) == 0)
		r = buf_end(m->body);
	if (x != NULL && !x->over && (r != 0 || !ok)) {
		text = xasprintf("the key or certificate that opens the upstream is not to be had: %s", why != NULL ? why :
		    "the key process was interrupted");
		pool_lose(x, text);
		free(text);
	}
	free(why);
	free(c);
	return r;
}

/* The key process serves one login on this descriptor, which is used up. */
static void
pool_lend(struct pool *x, const struct peer *p, int fd)
{
	const struct conf_upstream *u = x->upstream;
	bool key = u->auth == CONF_AUTH_KEY;
	struct lend_call *c = xcalloc(1, sizeof(*c));
	struct buf *b = buf_new(4096);

	c->daemon = x->daemon;
	c->number = x->number;
	if (b == NULL || buf_put_cstring(b, p->id) != 0 || buf_put_cstring(b, u->name) != 0 || buf_put_cstring(b, u->login) != 0 ||
	    buf_put_cstring(b, key ? u->secret : p->who.identity) != 0 ||
	    buf_put_u8(b, key ? SECRET_KEY : KEYD_LEND_CERTIFICATE) != 0)
		fatal("out of memory");
	if (!helper_call_fd(x->daemon, HELPER_KEYD, KEYD_LEND, b, fd, on_lent, c))
		(void)on_lent(NULL, c);
	buf_free(b);
}

static pid_t
pool_spawn(struct pool *x, int parent, int loan)
{
	const struct conf_upstream *u = x->upstream;
	char *path = spawn_helper_path("sallyport-gitleg"), *dir = xasprintf("%s/mirrors/%s/.pool", x->conf->conf->state_dir, u->name);
	struct spawn_params sp = { .path = path, .fds = { -1, -1, STDERR_FILENO, parent, loan }, .nfds = 5, .die_with_parent = 1 };
	struct strvec argv = STRVEC_INIT;
	pid_t pid = ERR_SYSTEM;

	strvec_push(&argv, path);
	strvec_push(&argv, "master");
	strvec_push(&argv, dir);
	strvec_pushf(&argv, "%u", x->number);
	strvec_push(&argv, u->login);
	strvec_push(&argv, u->host);
	strvec_pushf(&argv, "%u", u->port);
	strvec_pushf(&argv, "%d", (int)((x->conf->conf->dial_timeout_ms + 999) / 1000));
	for (size_t i = 0; i < u->host_keys.n; i++)
		strvec_push(&argv, u->host_keys.v[i]);
	sp.argv = argv.v;
	if (file_mkdirs(dir, 0700) == 0)
		pid = spawn(&sp);
	strvec_release(&argv);
	free(path);
	free(dir);
	return pid;
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct pool *x = arg;

	(void)fd;
	(void)what;
	if (x->nholds == 0)
		pool_lose(x, "");
}

/* Its files; the process may have been killed. */
static void
pool_sweep(const struct pool *x)
{
	static const char *const names[] = { "sock", "agent", "hosts" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/mirrors/%s/.pool/%u.%s", x->conf->conf->state_dir, x->upstream->name, x->number, names[i]);

		(void)unlink(path);
		free(path);
	}
}

static void
pool_free(struct pool *x)
{
	pool_sweep(x);
	event_free(x->idle);
	link_free(x->link);
	conf_ref_drop(x->conf);
	free(x->identity);
	free(x);
}

/* A new connection; NULL when there can be none. */
static struct pool *
pool_open(struct peer *p, const struct conf_upstream *u)
{
	struct daemon *d = p->daemon;
	struct pool *x = xcalloc(1, sizeof(*x));
	struct link_params lp = { .base = d->base, .name = "upstream connection", .rows = rows, .gone = on_gone, .arg = x };
	int link[2] = { -1, -1 }, loan[2] = { -1, -1 };

	x->daemon = d;
	x->conf = conf_ref_take(p->conf);
	x->upstream = u;
	x->identity = u->auth == CONF_AUTH_KEY ? NULL : xstrdup(p->who.identity);
	x->number = ++d->npools;
	if ((x->idle = evtimer_new(d->base, on_idle, x)) == NULL)
		fatal("no timer");
	if (msgio_pair(link) == 0 && msgio_pair(loan) == 0 && (x->pid = pool_spawn(x, link[1], loan[1])) > 0) {
		lp.fd = link[0];
		link[0] = -1;
		x->link = link_new(&lp);
	}
	for (int i = 0; i < 2; i++)
		if (link[i] != -1)
			close(link[i]);
	if (loan[1] != -1)
		close(loan[1]);
	if (x->link == NULL) {
		if (loan[0] != -1)
			close(loan[0]);
		pool_kill(x);
		pool_free(x);
		return NULL;
	}
	x->next = d->pools;
	d->pools = x;
	pool_lend(x, p, loan[0]);
	return x;
}

void
pool_take(struct pool_hold *h, struct peer *p, const struct conf_upstream *u)
{
	struct daemon *d = p->daemon;
	unsigned n = 0;
	struct pool *x;

	for (x = d->pools; x != NULL; x = x->next, n++)
		if (!x->over && x->conf == p->conf && x->upstream == u && x->nholds < HOLDS_MAX &&
		    (x->identity == NULL || strcmp(x->identity, p->who.identity) == 0))
			break;
	if (x == NULL && n < POOLS_MAX)
		x = pool_open(p, u);
	if (x == NULL || x->over) {	/* it may have ended at once: why is in the log */
		h->fn(h, n >= POOLS_MAX ? "too many connections to upstreams; try again" : "the bastion cannot open a connection to it");
		return;
	}
	h->pool = x;
	h->waiting = !x->up;
	h->next = x->holds;
	x->holds = h;
	x->nholds++;
	(void)event_del(x->idle);
	if (x->up)
		h->fn(h, NULL);
}

void
pool_drop(struct pool_hold *h)
{
	struct pool *x = h->pool;
	struct timeval tv;

	if (x == NULL)
		return;
	for (struct pool_hold **hp = &x->holds; *hp != NULL; hp = &(*hp)->next)
		if (*hp == h) {
			*hp = h->next;
			x->nholds--;
			break;
		}
	h->pool = NULL;
	h->waiting = false;
	if (x->nholds > 0)
		return;
	tv = (struct timeval){ .tv_sec = x->conf->conf->upstream_idle_ms / 1000, .tv_usec = x->conf->conf->upstream_idle_ms % 1000 * 1000 };
	if (evtimer_add(x->idle, &tv) == -1)
		fatal("no timer");
}

char *
pool_socket(const struct pool_hold *h)
{
	return xasprintf("../.pool/%u.sock", h->pool->number);
}

bool
pool_ended(struct daemon *d, pid_t pid)
{
	for (struct pool **xp = &d->pools; *xp != NULL; xp = &(*xp)->next) {
		struct pool *x = *xp;

		if (x->pid != pid)
			continue;
		x->pid = 0;
		/* Its last words may still lie in the link. */
		if (x->link != NULL)
			(void)link_pump(x->link);
		if (!x->over)
			pool_lose(x, "the upstream cannot be reached: the process that holds the connection has ended");
		*xp = x->next;
		pool_free(x);
		return true;
	}
	return false;
}

void
pool_kill_all(struct daemon *d)
{
	for (struct pool *x = d->pools; x != NULL; x = x->next)
		if (x->pid > 0) {
			(void)kill(x->pid, SIGKILL);
			pool_sweep(x);
		}
}
