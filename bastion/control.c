/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: the administrator's socket STATE/run/control. Whoever may open it (mode 0600, and the peer's uid is checked) is
 * an administrator. The parent does little itself: certificates are the key process's affair, requests the approvals
 * process's; it sees to it that what was done is on record before the answer goes out.
 */
#include <errno.h>
#include <event2/event.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ctl_msg.h"
#include "bastion/daemon.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/reviewer.h"
#include "bastion/shelfjob.h"

struct admin {
	struct daemon	*daemon;
	struct link	*link;		/* NULL once the command has gone */
	unsigned	 waiting;	/* answers that still refer to this */
	char		*who;		/* "host/root" */
	int		 input;		/* descriptor of a file in memory with what is not ours to see, or -1 */
	/* held until the record of what was done is durable */
	uint8_t		 status;
	struct buf	*out, *err;
};

struct control_verb {
	const char	*name;
	void		(*run)(struct admin *, const struct strvec *argv, const uint8_t *in, size_t n);
	bool		 hidden;	/* its input may be in a file that is only passed on */
};

static void
admin_free(struct admin *a)
{
	if (a->link != NULL || a->waiting > 0)
		return;
	if (a->input != -1)
		close(a->input);
	buf_free(a->out);
	buf_free(a->err);
	free(a->who);
	free(a);
}

static void
admin_output(struct admin *a, enum ctl_stream st, const void *p, size_t n)
{
	struct buf *b = buf_new(MSG_MAX);

	if (n > 0 && a->link != NULL && b != NULL && buf_put_u8(b, (uint8_t)st) == 0 && buf_put_string(b, p, n) == 0)
		(void)link_send(a->link, CTL_OUTPUT, 0, b, -1);
	buf_free(b);
}

static void
admin_done(struct admin *a, uint8_t status)
{
	struct buf *b = buf_new(16);

	if (a->link != NULL && b != NULL && buf_put_u8(b, status) == 0)
		(void)link_send(a->link, CTL_DONE, 0, b, -1);
	buf_free(b);
}

static void
admin_fail(struct admin *a, const char *why)
{
	char *line = xasprintf("sallyport: %s\n", why);

	admin_output(a, CTL_STDERR, line, strlen(line));
	admin_done(a, 1);
	free(line);
}

static int
admin_recorded(struct msg *m, void *arg)
{
	struct admin *a = arg;

	a->waiting--;
	if (m == NULL) {
		admin_fail(a, "done, but it could not be recorded");
		admin_free(a);
		return 0;
	}
	admin_output(a, CTL_STDOUT, buf_ptr(a->out), buf_len(a->out));
	admin_output(a, CTL_STDERR, buf_ptr(a->err), buf_len(a->err));
	admin_done(a, a->status);
	admin_free(a);
	return 0;
}

/* u8 status, s stdout, s stderr, and from the key process s JSON of an event. */
static int
admin_answered(struct msg *m, void *arg)
{
	struct admin *a = arg;
	const uint8_t *out, *err;
	size_t nout, nerr;
	char *event = NULL;
	json_t *o = NULL;
	int r;

	a->waiting--;
	if (m == NULL) {
		admin_fail(a, "the process that does this was interrupted; look whether it was done, then try again");
		admin_free(a);
		return 0;
	}
	if ((r = buf_get_u8(m->body, &a->status)) != 0 || (r = buf_peek_string(m->body, &out, &nout)) != 0 ||
	    (r = buf_peek_string(m->body, &err, &nerr)) != 0)
		goto out;
	if (m->type == KEYD_ADMIN_DONE && (r = buf_get_cstring(m->body, &event)) != 0)
		goto out;
	if ((r = buf_end(m->body)) != 0 || (r = buf_put(a->out, out, nout)) != 0 || (r = buf_put(a->err, err, nerr)) != 0)
		goto out;
	if (event != NULL && *event != '\0' && (o = json_loads(event, JSON_REJECT_DUPLICATES, NULL)) != NULL) {
		char *name = xstrdup(json_string_value(json_object_get(o, "event")) != NULL ?
		    json_string_value(json_object_get(o, "event")) : "admin");

		(void)json_object_del(o, "event");
		(void)json_object_set_new(o, "by", json_string(a->who));
		a->waiting++;
		if (!daemon_record(a->daemon, name, o, admin_recorded, a)) {
			a->waiting--;
			admin_fail(a, "done, but it could not be recorded");
		}
		free(name);
	} else {
		a->waiting++;
		(void)admin_recorded(m, a);
		free(event);
		return 0;
	}
 out:
	free(event);
	if (r != 0)
		admin_fail(a, "the answer cannot be read");
	admin_free(a);
	return r;
}

static void
forward(struct admin *a, enum helper_kind k, uint16_t type, const struct strvec *argv, const uint8_t *in, size_t n)
{
	struct buf *b = buf_new(MSG_MAX);
	int r, fd = a->input;

	if (b == NULL)
		fatal("out of memory");
	a->input = -1;
	r = buf_put_cstring(b, a->who) | buf_put_u32(b, (uint32_t)argv->n);
	for (size_t i = 0; i < argv->n; i++)
		r |= buf_put_cstring(b, argv->v[i]);
	r |= type == KEYD_ADMIN ? buf_put_string(b, in, n) : buf_put_cstring(b, "text");
	a->waiting++;
	if (r != 0 || !helper_call_fd(a->daemon, k, type, b, fd, admin_answered, a)) {
		a->waiting--;
		admin_fail(a, "the process that would do this is not up; try again");
	}
	buf_free(b);
}

static void
run_keys(struct admin *a, const struct strvec *argv, const uint8_t *in, size_t n)
{
	forward(a, HELPER_KEYD, KEYD_ADMIN, argv, in, n);
}

static void
run_approvals(struct admin *a, const struct strvec *argv, const uint8_t *in, size_t n)
{
	struct strvec verb = STRVEC_INIT;

	for (size_t i = 1; i < argv->n; i++)
		strvec_push(&verb, argv->v[i]);
	if (verb.n == 0)
		strvec_push(&verb, "pending");
	forward(a, HELPER_APPROVALD, APPROVALS_ADMIN, &verb, in, n);
	strvec_release(&verb);
}

static void
run_sessions(struct admin *a, const struct strvec *argv, const uint8_t *in, size_t n)
{
	struct peer *p;

	(void)in;
	(void)n;
	if (argv->n == 2 && strcmp(argv->v[1], "live") == 0) {
		for (p = a->daemon->peers; p != NULL; p = p->next) {
			char *line = xasprintf("%s %d %s %s %s\n", p->id, (int)p->pid, p->source, p->who.identity ? p->who.identity : "-",
			    p->target ? p->target : "-");

			admin_output(a, CTL_STDOUT, line, strlen(line));
			free(line);
		}
		admin_done(a, 0);
	} else if (argv->n == 3 && strcmp(argv->v[1], "kill") == 0) {
		if ((p = peer_find(a->daemon, argv->v[2])) == NULL) {
			admin_fail(a, "no live session has this id");
			return;
		}
		(void)daemon_record(a->daemon, "session.kill", json_pack("{s:s, s:s}", "session", p->id, "by", a->who), NULL, NULL);
		peer_stop(p, "an administrator has ended this session", MONITOR_STOP_NOW);
		admin_done(a, 0);
	} else
		admin_fail(a, "usage: sessions live, sessions kill ID");
}

static void
run_reload(struct admin *a, const struct strvec *argv, const uint8_t *in, size_t n)
{
	(void)argv;
	(void)in;
	(void)n;
	if (daemon_reload(a->daemon))
		admin_done(a, 0);
	else
		admin_fail(a, "the daemon keeps its present configuration and keys; its log says why");
}

static void
undone(uint8_t status, const char *text, void *arg)
{
	struct admin *a = arg;

	a->waiting--;
	if (status == 0) {
		admin_output(a, CTL_STDOUT, text, strlen(text));
		admin_done(a, 0);
	} else {
		char *line = xstrndup(text, strcspn(text, "\n") == strlen(text) ? strlen(text) : strlen(text) - 1);

		admin_fail(a, line);
		free(line);
	}
	admin_free(a);
}

/* VERB REQ [--reason TEXT..] of what is kept in repositories. */
static void
run_shelf(struct admin *a, const struct strvec *argv, const uint8_t *in, size_t n)
{
	static const struct {
		const char	*word;
		enum shelf_verb	 verb;
	} words[] = {
		{ "restore", SHELF_VERB_RESTORE }, { "parked", SHELF_VERB_PARKED }, { "release", SHELF_VERB_RELEASE },
		{ "drop", SHELF_VERB_DROP },
	};
	const struct reviewer who = { .identity = a->who, .host = true };
	struct shelf_request q = { .request = argv->n > 1 ? argv->v[1] : NULL, .reason = argv->n == 4 ? argv->v[3] : "", .who = &who };

	(void)in;
	(void)n;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, argv->v[0]) == 0)
			q.verb = words[i].verb;
	if ((q.request == NULL && q.verb != SHELF_VERB_PARKED) || (argv->n == 4 && strcmp(argv->v[2], "--reason") != 0) ||
	    argv->n == 3 || argv->n > 4 || (q.request != NULL && !id_is(q.request, "REQ-", REQUEST_ID_LEN))) {
		admin_fail(a, "usage: restore REQ, parked [REQ], release REQ, drop REQ [--reason TEXT]; REQ is the request id of the "
		    "push, such as REQ-7F3K2Q");
		return;
	}
	a->waiting++;
	if (!shelf_do(a->daemon, &q, undone, a)) {
		a->waiting--;
		admin_fail(a, "too much of this is under way; try again");
	}
}

static const struct control_verb verbs[] = {
	{ "cert", run_keys, false },
	{ "ca", run_keys, false },
	{ "secret", run_keys, true },
	{ "approvals", run_approvals, false },
	{ "sessions", run_sessions, false },
	{ "reload", run_reload, false },
	{ "restore", run_shelf, false },
	{ "parked", run_shelf, false },
	{ "release", run_shelf, false },
	{ "drop", run_shelf, false },
	{ NULL, NULL, false }
};

/* CTL_REQUEST: u32 argc, argc * s, s stdin. */
static int
on_request(struct link *l, struct msg *m, void *arg)
{
	struct admin *a = arg;
	struct strvec argv = STRVEC_INIT;
	const struct control_verb *v = verbs;
	const uint8_t *in;
	uint32_t argc;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &argc)) != 0)
		return r;
	for (uint32_t i = 0; i < argc && r == 0; i++) {
		char *s = NULL;

		if (i >= CTL_ARGS_MAX)
			r = ERR_TOOBIG;
		else if ((r = buf_get_cstring(m->body, &s)) == 0)
			strvec_take(&argv, s);
	}
	if (r != 0 || (r = buf_peek_string(m->body, &in, &n)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	while (v->name != NULL && (argv.n == 0 || strcmp(v->name, argv.v[0]) != 0))
		v++;
	if (v->name != NULL && v->hidden && m->fd != -1)
		a->input = msg_take_fd(m);
	if (v->name == NULL)
		admin_fail(a, "the daemon knows no such command");
	else
		v->run(a, &argv, in, n);
 out:
	strvec_release(&argv);
	return r;
}

static void
on_gone(struct link *l, int r, void *arg)
{
	struct admin *a = arg;

	(void)r;
	a->link = NULL;
	link_free(l);
	admin_free(a);
}

static const struct link_row rows[] = {
	{ CTL_REQUEST, "request", LINK_PERMIT | LINK_ONCE, on_request },
	{ 0, NULL, 0, NULL }
};

static void
control_ready(evutil_socket_t listener, short what, void *arg)
{
	struct daemon *d = arg;
	struct link_params lp = { .base = d->base, .name = "control", .rows = rows, .gone = on_gone };
	struct ucred cred;
	socklen_t n = sizeof(cred);
	const struct passwd *pw;
	struct admin *a;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	(void)what;
	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1 || (cred.uid != 0 && cred.uid != geteuid())) {
		log_warn("control socket: refused uid %d", (int)cred.uid);
		close(fd);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->daemon = d;
	a->input = -1;
	pw = getpwuid(cred.uid);
	a->who = pw != NULL ? xasprintf("host/%s", pw->pw_name) : xasprintf("host/%d", (int)cred.uid);
	a->out = buf_new(MSG_MAX);
	a->err = buf_new(MSG_MAX);
	lp.fd = fd;
	lp.arg = a;
	if (a->out == NULL || a->err == NULL || (a->link = link_new(&lp)) == NULL)
		fatal("out of memory");
}

static char *
control_path(const struct daemon *d)
{
	return xasprintf("%s/run/control", d->conf->conf->state_dir);
}

void
control_open(struct daemon *d)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *path = control_path(d), *dir = file_dir(path);

	if (strlen(path) >= sizeof(sa.sun_path))
		fatal("%s: too long for a socket; use a shorter state directory", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (file_mkdirs(dir, 0700) != 0)
		fatal("%s: %s", dir, err_text(ERR_SYSTEM));
	(void)unlink(path);
	d->control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->control_fd == -1 || bind(d->control_fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 || chmod(path, 0600) == -1 ||
	    listen(d->control_fd, 16) == -1)
		fatal("%s: %s", path, err_text(ERR_SYSTEM));
	d->control_ev = event_new(d->base, d->control_fd, EV_READ | EV_PERSIST, control_ready, d);
	if (d->control_ev == NULL)
		fatal("no event");
	free(path);
	free(dir);
}

void
control_listen(struct daemon *d)
{
	if (event_add(d->control_ev, NULL) == -1)
		fatal("no event for the control socket");
}

void
control_close(struct daemon *d)
{
	char *path = control_path(d);

	if (d->control_ev != NULL)
		event_free(d->control_ev);
	d->control_ev = NULL;
	(void)close(d->control_fd);
	(void)unlink(path);
	free(path);
}
