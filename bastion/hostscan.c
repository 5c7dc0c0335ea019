/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/hostscan.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/ident/hostcert.h"

#define KEPT_MAX	1024	/* hosts; beyond that the oldest is forgotten */

struct waiter {
	struct waiter	*next;
	hostscan_fn	 fn;
	void		*arg;
};

/* One host: being scanned (out is there), or kept. */
struct hostscan {
	struct hostscan	*next;
	struct daemon	*daemon;
	char		*host;
	uint16_t	 port;
	pid_t		 pid;		/* 0 = has ended */
	int		 fd;
	struct event	*rd, *clock;
	struct buf	*out;		/* of a scan under way */
	struct waiter	*waiters;
	struct strvec	 lines;
	int64_t		 when_ms;	/* of the last scan that brought something, monotonic */
};

static void
scan_free(struct hostscan *s)
{
	strvec_release(&s->lines);
	free(s->host);
	free(s);
}

/* The scan is over, one way or another: everybody who waits hears of it. */
static void
scan_finish(struct hostscan *s, const char *why)
{
	struct waiter *w = s->waiters, *next;

	event_free(s->rd);
	event_free(s->clock);
	close(s->fd);
	strvec_release(&s->lines);
	hostcert_lines(buf_ptr(s->out), buf_len(s->out), &s->lines);
	buf_free(s->out);
	s->out = NULL;
	s->waiters = NULL;
	s->when_ms = s->lines.n > 0 ? clock_mono_ms() : 0;
	if (s->pid > 0 && why != NULL)
		(void)kill(s->pid, SIGKILL);	/* ours, and not waited for yet */
	for (; w != NULL; w = next) {
		next = w->next;
		w->fn(&s->lines, s->lines.n > 0 ? "" : why != NULL ? why : "it shows no host certificate", w->arg);
		free(w);
	}
}

static void
scan_ready(evutil_socket_t fd, short what, void *arg)
{
	struct hostscan *s = arg;
	int r;

	if ((what & EV_TIMEOUT) != 0) {
		scan_finish(s, "it showed no host certificate in time");
		return;
	}
	r = buf_read(s->out, fd, 4096);
	if (r == 0 || r == ERR_AGAIN)
		return;
	scan_finish(s, r == ERR_EOF ? NULL : "what it showed for a host certificate is too long");
}

/* Absolute path, no shell, a clean environment; the host's name cannot be taken for an option. */
static bool
scan_spawn(struct hostscan *s, int64_t timeout_ms)
{
	char *port = xasprintf("%u", s->port), *seconds = xasprintf("%d", (int)((timeout_ms + 999) / 1000));
	char path[] = SSH_KEYSCAN, c[] = "-c", t[] = "-T", p[] = "-p", k[] = "-t", kinds[] = "ed25519,ecdsa,rsa", end[] = "--";
	char *argv[] = { path, c, k, kinds, t, seconds, p, port, end, s->host, NULL };
	struct spawn_params sp = { .path = path, .argv = argv, .fds = { -1, -1, -1 }, .nfds = 3, .die_with_parent = 1 };
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1)
		s->pid = -1;
	else {
		sp.fds[1] = fd[1];
		s->pid = spawn(&sp);
		close(fd[1]);
		s->fd = fd[0];
		if (s->pid < 0)
			close(fd[0]);
		else
			(void)fcntl(s->fd, F_SETFL, O_NONBLOCK);
	}
	free(port);
	free(seconds);
	if (s->pid < 0)
		s->pid = 0;
	return s->pid > 0;
}

static bool
scan_begin(struct hostscan *s, int64_t timeout_ms)
{
	struct timeval tv = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	if (s->pid != 0 || !scan_spawn(s, timeout_ms))	/* the last one was ended and is not waited for yet */
		return false;
	s->out = buf_new(HOSTCERT_TEXT_MAX);
	s->rd = event_new(s->daemon->base, s->fd, EV_READ | EV_PERSIST, scan_ready, s);
	s->clock = evtimer_new(s->daemon->base, scan_ready, s);
	if (s->out == NULL || s->rd == NULL || s->clock == NULL || event_add(s->rd, NULL) == -1 ||
	    event_add(s->clock, &tv) == -1)
		fatal("no event for a scan");
	return true;
}

/* The entry of this host, made where there is none. The list stays bounded by letting the oldest go that is at rest. */
static struct hostscan *
scan_of(struct daemon *d, const struct conf_target *t)
{
	struct hostscan **oldest = NULL, *s;
	size_t n = 0;

	for (struct hostscan **pp = &d->scans; *pp != NULL; pp = &(*pp)->next) {
		if ((*pp)->port == t->port && strcmp((*pp)->host, t->host) == 0)
			return *pp;
		if ((*pp)->out == NULL && (*pp)->pid == 0 && (oldest == NULL || (*pp)->when_ms < (*oldest)->when_ms))
			oldest = pp;
		n++;
	}
	if (n >= KEPT_MAX && oldest != NULL) {
		s = *oldest;
		*oldest = s->next;
		scan_free(s);
	}
	s = xcalloc(1, sizeof(*s));
	s->daemon = d;
	s->host = xstrdup(t->host);
	s->port = t->port;
	s->fd = -1;
	s->next = d->scans;
	d->scans = s;
	return s;
}

void
hostscan_start(struct daemon *d, const struct conf_target *t, int64_t timeout_ms, bool fresh, hostscan_fn fn, void *arg)
{
	struct hostscan *s = scan_of(d, t);
	struct strvec none = STRVEC_INIT;
	struct waiter *w;

	if (s->out == NULL && !fresh && s->when_ms != 0 && clock_mono_ms() - s->when_ms < HOSTSCAN_KEEP_MS) {
		fn(&s->lines, "", arg);
		return;
	}
	if (s->out == NULL && !scan_begin(s, timeout_ms)) {
		fn(&none, "no process to ask for its host certificate", arg);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	w->next = s->waiters;
	s->waiters = w;
}

bool
hostscan_ended(struct daemon *d, pid_t pid)
{
	for (struct hostscan *s = d->scans; s != NULL; s = s->next)
		if (s->pid == pid) {
			s->pid = 0;
			return true;
		}
	return false;
}
