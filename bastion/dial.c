/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/daemon.h"

#define ADDRESSES_MAX	8

struct dial {
	struct daemon		*daemon;
	dial_fn			 fn;
	void			*arg;
	int			 fd;
	struct event		*ev;		/* the socket becomes writable, or the time is up */
	struct event		*clock;
	struct evdns_getaddrinfo_request *lookup;
	struct evutil_addrinfo	*list, *next;
	unsigned		 tried;
	char			 why[96];
	bool			 dead;		/* cancelled or done: only waits to be freed */
	bool			 starting;	/* inside dial_start: do not free */
};

static void	dial_next(struct dial *);

void
dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	if (d->ev != NULL)
		event_free(d->ev);
	if (d->clock != NULL)
		event_free(d->clock);
	if (d->fd != -1)
		close(d->fd);
	if (d->list != NULL)
		evutil_freeaddrinfo(d->list);
	d->ev = d->clock = NULL;
	d->list = NULL;
	d->fd = -1;
	/* A look-up still calls back, now or later, when it is cancelled: the object stays until then. */
	d->dead = true;
	if (d->lookup != NULL)
		evdns_getaddrinfo_cancel(d->lookup);
	else if (!d->starting)
		free(d);
}

static void
dial_done(struct dial *d, int fd)
{
	char why[sizeof(d->why)];
	dial_fn fn = d->fn;
	void *arg = d->arg;

	memcpy(why, d->why, sizeof(why));
	if (fd != -1)
		d->fd = -1;
	dial_cancel(d);
	fn(fd, fd == -1 ? why : "", arg);
}

static void
dial_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;

	(void)fd;
	(void)what;
	snprintf(d->why, sizeof(d->why), "no answer in time");
	dial_done(d, -1);
}

static void
dial_ready(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	socklen_t n = sizeof(int);
	int error = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		error = errno;
	event_free(d->ev);
	d->ev = NULL;
	if (error == 0) {
		dial_done(d, fd);
		return;
	}
	snprintf(d->why, sizeof(d->why), "%s", strerror(error));
	close(d->fd);
	d->fd = -1;
	dial_next(d);
}

/* Try the next address; none left = the last error. */
static void
dial_next(struct dial *d)
{
	for (; d->next != NULL && d->tried < ADDRESSES_MAX; d->next = d->next->ai_next) {
		const struct evutil_addrinfo *a = d->next;

		d->tried++;
		d->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (d->fd != -1 && (connect(d->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)) {
			d->next = a->ai_next;
			d->ev = event_new(d->daemon->base, d->fd, EV_WRITE, dial_ready, d);
			if (d->ev == NULL || event_add(d->ev, NULL) == -1)
				fatal("no event");
			return;
		}
		snprintf(d->why, sizeof(d->why), "%s", strerror(errno));
		if (d->fd != -1)
			close(d->fd);
		d->fd = -1;
	}
	dial_done(d, -1);
}

static void
dial_looked_up(int r, struct evutil_addrinfo *list, void *arg)
{
	struct dial *d = arg;

	d->lookup = NULL;
	if (d->dead) {
		if (list != NULL)
			evutil_freeaddrinfo(list);
		if (!d->starting)
			free(d);
		return;
	}
	if (r != 0) {
		snprintf(d->why, sizeof(d->why), "its name cannot be resolved (%s)", evutil_gai_strerror(r));
		dial_done(d, -1);
		return;
	}
	d->list = d->next = list;
	dial_next(d);
}

struct dial *
dial_start(struct daemon *dm, const char *host, uint16_t port, int64_t timeout_ms, dial_fn fn, void *arg)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP };
	struct timeval tv = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	struct dial *d = xcalloc(1, sizeof(*d));
	char service[8];

	d->daemon = dm;
	d->fn = fn;
	d->arg = arg;
	d->fd = -1;
	snprintf(d->why, sizeof(d->why), "no address");
	snprintf(service, sizeof(service), "%u", port);
	d->clock = evtimer_new(dm->base, dial_timeout, d);
	if (d->clock == NULL || evtimer_add(d->clock, &tv) == -1)
		fatal("no timer");
	/* A number needs no name server, and the resolver is made only where a name is used. */
	hints.ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV;
	if (evutil_getaddrinfo(host, service, &hints, &d->list) == 0) {
		d->next = d->list;
		dial_next(d);
		return d;
	}
	if (dm->dns == NULL)
		dm->dns = evdns_base_new(dm->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (dm->dns == NULL) {
		dial_done(d, -1);
		return NULL;
	}
	hints.ai_flags = EVUTIL_AI_NUMERICSERV;
	/* It may call back before it returns, and then returns NULL. */
	d->starting = true;
	d->lookup = evdns_getaddrinfo(dm->dns, host, service, &hints, dial_looked_up, d);
	d->starting = false;
	if (d->dead && d->lookup == NULL) {
		free(d);
		return NULL;
	}
	return d;
}
