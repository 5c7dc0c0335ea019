/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/legspawn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/msgio.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/ident/secrets.h"

char *
legspawn_mirror(const struct conf *c, const struct conf_upstream *u, const char *repo)
{
	char *name = xstrdup(repo), *path;

	for (char *s = name; (s = strchr(s, '/')) != NULL; )
		*s = '%';
	path = xasprintf("%s/mirrors/%s/%s.git", c->state_dir, u->name, name);
	free(name);
	return path;
}

static void
leg_words(const struct legspawn_params *p, struct strvec *argv)
{
	const struct conf_upstream *u = p->upstream;
	bool v6 = u->host != NULL && strchr(u->host, ':') != NULL;
	const char *slash = u->base == NULL || u->base[0] == '\0' ? "" : "/";

	strvec_push(argv, p->mode);
	if (u->kind == UPSTREAM_HOSTED) {
		strvec_push(argv, u->path);
		strvec_push(argv, p->repo);
		return;
	}
	strvec_pushf(argv, "%s/mirrors/%s", p->conf->state_dir, u->name);
	strvec_push(argv, p->repo);
	if (u->kind == UPSTREAM_SSH) {
		strvec_push(argv, "ssh");
		strvec_push(argv, u->login);
		strvec_pushf(argv, "%s%s%s%s", u->base[0] == '~' ? "" : "/", u->base, slash, p->repo);
		strvec_push(argv, p->socket);
	} else {
		strvec_push(argv, "https");
		strvec_pushf(argv, "https://%s%s%s:%u/%s%s%s.git", v6 ? "[" : "", u->host, v6 ? "]" : "", u->port, u->base, slash, p->repo);
		strvec_push(argv, u->login);
		strvec_push(argv, u->ca == NULL ? "" : u->ca);
		strvec_push(argv, u->proxy == NULL ? "" : u->proxy);
		strvec_push(argv, u->app_url == NULL ? "" : u->app_url);
	}
	for (size_t i = 0; i < u->refs.n; i++)
		strvec_push(argv, u->refs.v[i]);
}

struct lend_call {
	char		 session[ID_TEXT];
	unsigned	 id;
	legspawn_lost	 lost;
	void		*arg;
};

/* KEYD_LENT: u8 ok, s error. */
static int
on_lent(struct msg *m, void *arg)
{
	struct lend_call *c = arg;
	char *why = NULL, *text;
	uint8_t ok = 0;
	int r = 0;

	if (m != NULL && (r = buf_get_u8(m->body, &ok)) == 0 && (r = buf_get_cstring(m->body, &why)) == 0)
		r = buf_end(m->body);
	if (r != 0 || !ok) {
		text = xasprintf("the token or password that opens the upstream is not to be had: %s", why != NULL ? why :
		    "the key process was interrupted");
		c->lost(c->session, c->id, text, c->arg);
		free(text);
	}
	free(why);
	free(c);
	return r;
}

/* The key process gives the secret once on this descriptor, which is used up. */
static void
leg_lend(const struct legspawn_params *p, int fd)
{
	const struct conf_upstream *u = p->upstream;
	struct lend_call *c = xcalloc(1, sizeof(*c));
	struct buf *b = buf_new(4096);

	memcpy(c->session, p->peer->id, sizeof(c->session));
	c->id = p->id;
	c->lost = p->lost;
	c->arg = p->arg;
	if (b == NULL || buf_put_cstring(b, p->peer->id) != 0 || buf_put_cstring(b, u->name) != 0 ||
	    buf_put_cstring(b, u->app != NULL ? u->app : u->login) != 0 ||
	    buf_put_cstring(b, u->secret) != 0 || buf_put_u8(b, u->app != NULL ? KEYD_LEND_APP : SECRET_PASSWORD) != 0)
		fatal("out of memory");
	if (!helper_call_fd(p->peer->daemon, HELPER_KEYD, KEYD_LEND, b, fd, on_lent, c))
		(void)on_lent(NULL, c);
	buf_free(b);
}

pid_t
legspawn(const struct legspawn_params *p)
{
	char *path = spawn_helper_path("sallyport-gitleg");
	struct spawn_params sp = { .path = path, .nfds = p->nfds };
	struct strvec argv = STRVEC_INIT;
	int loan[2] = { -1, -1 };
	pid_t pid = ERR_SYSTEM;

	strvec_push(&argv, path);
	leg_words(p, &argv);
	sp.argv = argv.v;
	for (int i = 0; i < p->nfds; i++)
		sp.fds[i] = p->fds[i];
	if (p->upstream->kind != UPSTREAM_HTTPS || msgio_pair(loan) == 0) {
		if (loan[0] != -1)
			sp.fds[sp.nfds++] = loan[0];
		pid = spawn(&sp);
	}
	if (loan[0] != -1)
		close(loan[0]);
	if (loan[1] != -1 && pid > 0)
		leg_lend(p, loan[1]);
	else if (loan[1] != -1)
		close(loan[1]);
	strvec_release(&argv);
	free(path);
	return pid;
}
