/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/proxy.h"

#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"

#define LOGIN_LEN_MAX	64
#define LINES_MAX	20	/* of its standard error that go to the log */
#define LINE_MAX_BYTES	400
#define WORD_MAX	8192
#define KILL_SECONDS	5	/* from asking to end to making it */

struct proxy {
	struct proxy	*next;
	struct daemon	*daemon;
	char		 session[ID_TEXT];
	char		*target;
	pid_t		 pid;
	int		 err_fd;
	struct event	*err_ev, *kill_ev;
	struct buf	*err;
	unsigned	 lines;
};

static void
proxy_free(struct proxy *x)
{
	if (x->err_ev != NULL)
		event_free(x->err_ev);
	if (x->kill_ev != NULL)
		event_free(x->kill_ev);
	if (x->err_fd != -1)
		close(x->err_fd);
	buf_free(x->err);
	free(x->target);
	free(x);
}

static void
proxy_log_line(struct proxy *x, const uint8_t *p, size_t n)
{
	char *text;

	if (x->lines++ >= LINES_MAX || n == 0)
		return;
	text = text_printable(p, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES);
	log_info("%s: proxy_command of %s: %s%s", x->session, x->target, text, x->lines == LINES_MAX ?
	    " (no more is logged)" : "");
	free(text);
}

/* Whole lines, or as much as a line may be. */
static void
proxy_log(struct proxy *x)
{
	const uint8_t *lf;
	size_t n;

	while (buf_len(x->err) > 0 && ((lf = memchr(buf_ptr(x->err), '\n', buf_len(x->err))) != NULL ||
	    buf_len(x->err) >= LINE_MAX_BYTES)) {
		n = lf != NULL ? (size_t)(lf - buf_ptr(x->err)) : buf_len(x->err);
		proxy_log_line(x, buf_ptr(x->err), n);
		(void)buf_consume(x->err, n + (lf != NULL));
	}
}

static void
proxy_said(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *x = arg;
	int r = buf_read(x->err, fd, LINE_MAX_BYTES);

	(void)what;
	if (r == 0)
		proxy_log(x);
	else if (r != ERR_AGAIN) {
		proxy_log_line(x, buf_ptr(x->err), buf_len(x->err));
		buf_clear(x->err);
		(void)event_del(x->err_ev);
	}
}

/* It leads a group of its own: what it has started goes with it. */
static void
proxy_signal(const struct proxy *x, int sig)
{
	if (x->pid > 0 && kill(-x->pid, sig) == -1)
		(void)kill(x->pid, sig);	/* just forked, and not yet in its group */
}

static void
proxy_kill(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	proxy_signal(arg, SIGKILL);
}

/* One word with its placeholders filled in. The caller frees. */
static char *
proxy_word(const char *word, const struct conf_target *t, const char *login)
{
	char port[8], *s;
	const char *const names[] = { "{host}", "{port}", "{login}" }, *const values[] = { t->host, port, login };
	struct buf *b = buf_new(WORD_MAX);
	int r = 0;

	(void)snprintf(port, sizeof(port), "%u", t->port);
	while (b != NULL && r == 0 && *word != '\0') {
		size_t i = 0;

		while (i < 3 && strncmp(word, names[i], strlen(names[i])) != 0)
			i++;
		r = i < 3 ? buf_put(b, values[i], strlen(values[i])) : buf_put_u8(b, (uint8_t)*word);
		word += i < 3 ? strlen(names[i]) : 1;
	}
	if (b == NULL || r != 0)
		fatal("proxy_command: out of memory, or a word is too long");
	s = xstrndup((const char *)buf_ptr(b), buf_len(b));
	buf_free(b);
	return s;
}

static pid_t
proxy_spawn(const struct conf_target *t, const char *login, int io, int err)
{
	const struct passwd *pw = getpwuid(geteuid());
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", locale[] = "LC_ALL=C.UTF-8";
	char *home = xasprintf("HOME=%s", pw == NULL ? "/" : pw->pw_dir), *env[] = { path, locale, home, NULL };
	struct strvec argv = STRVEC_INIT;
	struct spawn_params sp = { .path = t->proxy_command.v[0], .envp = env, .fds = { io, io, err }, .nfds = 3,
		.die_with_parent = 1, .own_group = 1 };
	pid_t pid;

	strvec_push(&argv, t->proxy_command.v[0]);
	for (size_t i = 1; i < t->proxy_command.n; i++)
		strvec_take(&argv, proxy_word(t->proxy_command.v[i], t, login));
	sp.argv = argv.v;
	pid = spawn(&sp);
	strvec_release(&argv);
	free(home);
	return pid;
}

static void
proxy_watch(struct proxy *x)
{
	(void)fcntl(x->err_fd, F_SETFL, O_NONBLOCK);
	x->err = buf_new(2 * LINE_MAX_BYTES);
	x->err_ev = event_new(x->daemon->base, x->err_fd, EV_READ | EV_PERSIST, proxy_said, x);
	x->kill_ev = evtimer_new(x->daemon->base, proxy_kill, x);
	if (x->err == NULL || x->err_ev == NULL || x->kill_ev == NULL || event_add(x->err_ev, NULL) == -1)
		fatal("no event for a proxy_command");
	x->next = x->daemon->proxies;
	x->daemon->proxies = x;
}

int
proxy_start(struct daemon *d, const char *session, const struct conf_target *t, const char *login, const char **whyp)
{
	struct proxy *x;
	unsigned n = 0;
	int sv[2], err[2];

	*whyp = NULL;
	for (x = d->proxies; x != NULL; x = x->next)
		n += strcmp(x->session, session) == 0;
	/* The name came from the agent. It is a word of its own, and no option (T11). */
	if (!name_is_safe(login, LOGIN_LEN_MAX))
		*whyp = "this login has characters that are not passed to its proxy_command";
	else if (n >= PROXIES_MAX)
		*whyp = "its proxy_command runs too often in this session already";
	else if (access(t->proxy_command.v[0], X_OK) == -1)
		*whyp = "its proxy_command cannot be run on this bastion";
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		*whyp = "no descriptors";
	else if (pipe2(err, O_CLOEXEC) == -1) {
		close(sv[0]);
		close(sv[1]);
		*whyp = "no descriptors";
	}
	if (*whyp != NULL)
		return -1;
	x = xcalloc(1, sizeof(*x));
	x->daemon = d;
	(void)snprintf(x->session, sizeof(x->session), "%s", session);
	x->target = xstrdup(t->name);
	x->err_fd = err[0];
	x->pid = proxy_spawn(t, login, sv[1], err[1]);
	close(sv[1]);
	close(err[1]);
	if (x->pid < 0) {
		proxy_free(x);
		close(sv[0]);
		*whyp = "no process for its proxy_command";
		return -1;
	}
	proxy_watch(x);
	return sv[0];
}

void
proxy_end_all(struct daemon *d, const char *session)
{
	struct timeval tv = { .tv_sec = KILL_SECONDS };

	for (struct proxy *x = d->proxies; x != NULL; x = x->next)
		if (strcmp(x->session, session) == 0) {
			proxy_signal(x, SIGTERM);
			if (evtimer_add(x->kill_ev, &tv) == -1)
				fatal("no timer");
		}
}

void
proxy_kill_all(struct daemon *d)
{
	for (const struct proxy *x = d->proxies; x != NULL; x = x->next)
		proxy_signal(x, SIGKILL);
}

bool
proxy_ended(struct daemon *d, pid_t pid, int status)
{
	for (struct proxy **xx = &d->proxies; *xx != NULL; xx = &(*xx)->next) {
		struct proxy *x = *xx;

		if (x->pid != pid)
			continue;
		proxy_said(x->err_fd, 0, x);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			log_info("%s: proxy_command of %s ended with %s %d", x->session, x->target, WIFEXITED(status) ? "status" :
			    "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		/* Its group may have members yet. The number stays taken as long as there are any, so nobody else is hit. */
		(void)kill(-pid, SIGKILL);
		*xx = x->next;
		proxy_free(x);
		return true;
	}
	return false;
}
