/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door: from accept() to a process of its own. Who comes in is known (behind a balancer: by its header), is not kept out
 * by penalties, and finds room. A connection that says nothing must cost little and must stop nobody: where half of the
 * places for newcomers are taken, a process is made only for who has spoken, and where all are, the oldest newcomer of
 * the most numerous source makes room for a smaller one: not faster than processes can be made beside all other work, and
 * for the latest first, because a crowd that came at once is then behind who comes after it.
 */
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/ident/cidr.h"
#include "bastion/penalty.h"
#include "bastion/proxyproto.h"
#include "bastion/source.h"

#define ACCEPT_PAUSE_MS	500	/* out of descriptors: let some be given back */
#define ACCEPT_BATCH	64	/* in one turn of the loop, so that a crowd does not hold up everything else */
#define HEADER_MS	5000	/* for a balancer to say whom it brings */
#define SILENCE_MS	250	/* some clients want to be greeted first: after this long they are, where there is room */
#define SILENCE_NEXT_MS	1000
#define SAY_MS		1000	/* at most one line of each reason */
#define TURN_MS		20	/* between two that take others' places */

enum reason {
	REASON_NONE, REASON_NOT_READY, REASON_PENALTY, REASON_SESSIONS, REASON_SOURCE, REASON_STARTUPS, REASON_HEADER, REASON_CROWD,
	REASON_SILENT, REASON_EVICTED, REASONS
};

static const char *const reason_text[REASONS] = {
	[REASON_NOT_READY] = "not ready",
	[REASON_PENALTY] = "too many connections from this source came to nothing",
	[REASON_SESSIONS] = "too many sessions",
	[REASON_SOURCE] = "too many connections from this source that have not authenticated",
	[REASON_STARTUPS] = "too many connections that have not authenticated",
	[REASON_HEADER] = "no PROXY header from a sender that must send one, or a bad one",
	[REASON_CROWD] = "too many connections that have said nothing",
	[REASON_SILENT] = "said nothing in time",
	[REASON_EVICTED] = "has not authenticated, and makes room for somebody from elsewhere",
};

/* A connection that has no process yet. */
struct guest {
	TAILQ_ENTRY(guest) next, turn;
	struct daemon	*daemon;
	int		 fd;
	char		*address;
	struct source	 source;
	struct proxyproto *header;	/* still to come, or NULL */
	struct event	*ready, *timer;
	int64_t		 since_ms;
	bool		 in_line;	/* has spoken, and all places are taken */
};

TAILQ_HEAD(guest_list, guest);

struct door {
	struct guest_list guests;	/* all, oldest first */
	struct guest_list line;		/* by turn: the latest first */
	unsigned	 nguests;
	struct penalties *penalties;
	struct event	*pause, *turn;
	struct {
		int64_t	 said_ms;
		unsigned unsaid;
	}		 say[REASONS];
};

/* Words and records */

static void
door_say(struct daemon *d, const char *address, const struct source *s, enum reason why)
{
	int64_t now = clock_mono_ms();

	if (d->door->say[why].said_ms != 0 && now - d->door->say[why].said_ms < SAY_MS)
		d->door->say[why].unsaid++;
	else {
		if (d->door->say[why].unsaid > 0)
			log_info("%u more connections refused: %s", d->door->say[why].unsaid, reason_text[why]);
		log_info("connection from %s refused: %s", address, reason_text[why]);
		d->door->say[why].said_ms = now;
		d->door->say[why].unsaid = 0;
	}
	if (s != NULL && why != REASON_NOT_READY && helper_all_up(d) && penalties_worth_telling(d->door->penalties, s, now))
		(void)daemon_record(d, "source.refused", json_pack("{s:s, s:s}", "source", address, "reason", reason_text[why]),
		    NULL, NULL);
}

static void
guest_free(struct guest *g)
{
	TAILQ_REMOVE(&g->daemon->door->guests, g, next);
	g->daemon->door->nguests--;
	if (g->in_line)
		TAILQ_REMOVE(&g->daemon->door->line, g, turn);
	if (g->ready != NULL)
		event_free(g->ready);
	if (g->timer != NULL)
		event_free(g->timer);
	if (g->fd != -1)
		close(g->fd);
	free(g->header);
	free(g->address);
	free(g);
}

static void
guest_refuse(struct guest *g, enum reason why)
{
	door_say(g->daemon, g->address, g->header == NULL ? &g->source : NULL, why);
	guest_free(g);
}

static void
guest_timer(struct guest *g, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (evtimer_add(g->timer, &tv) == -1)
		fatal("no timer");
}

/* Room */

static bool
list_has(const struct strvec *networks, const char *address)
{
	for (size_t i = 0; i < networks->n; i++)
		if (cidr_list_has(networks->v[i], address))
			return true;
	return false;
}

/* One that comes through another session is that one's affair, and counted there. */
static bool
is_new(const struct peer *p)
{
	return p->state == PEER_NEW && !p->evicted && p->outer == NULL;
}

/* Connections that have not authenticated: all that have a process, and all of one source. */
static unsigned
count_new(const struct daemon *d, const struct source *s, unsigned *herep)
{
	const struct guest *g;
	unsigned all = 0, here = 0;

	for (const struct peer *p = d->peers; p != NULL; p = p->next)
		if (is_new(p)) {
			all++;
			here += source_is_equal(&p->from, s);
		}
	TAILQ_FOREACH(g, &d->door->guests, next)
		here += g->header == NULL && source_is_equal(&g->source, s);
	*herep = here;
	return all;
}

static int
by_source_then_age(const void *a, const void *b)
{
	const struct peer *p = *(struct peer *const *)a, *q = *(struct peer *const *)b;
	int r = source_compare(&p->from, &q->from);

	return r != 0 ? r : (p->since_ms > q->since_ms) - (p->since_ms < q->since_ms);
}

/* The oldest newcomer of the source that has most of them, if that one is another and not smaller than ours; or NULL. */
static struct peer *
find_victim(const struct daemon *d, const struct source *s)
{
	struct peer **all = xcalloc(d->npeers + 1, sizeof(struct peer *)), *victim = NULL;
	size_t n = 0, most = 0, ours = 0;

	for (struct peer *p = d->peers; p != NULL; p = p->next)
		if (is_new(p))
			all[n++] = p;
	qsort(all, n, sizeof(struct peer *), by_source_then_age);
	for (size_t i = 0, k; i < n; i += k) {
		for (k = 1; i + k < n && source_is_equal(&all[i]->from, &all[i + k]->from); k++)
			;
		if (source_is_equal(&all[i]->from, s))
			ours = k;
		else if (k > most || (k == most && all[i]->since_ms < victim->since_ms)) {
			most = k;
			victim = all[i];
		}
	}
	free(all);
	return most >= ours ? victim : NULL;
}

/* A process for it, or an end. */
static void
guest_enter(struct guest *g)
{
	struct daemon *d = g->daemon;
	const struct conf *c = d->conf->conf;
	struct peer *victim;
	unsigned here;
	int fd = g->fd;

	if (d->npeers >= c->max_sessions) {
		guest_refuse(g, REASON_SESSIONS);
		return;
	}
	if (count_new(d, &g->source, &here) >= c->max_startups) {
		if ((victim = find_victim(d, &g->source)) == NULL) {
			guest_refuse(g, REASON_STARTUPS);
			return;
		}
		door_say(d, victim->source, &victim->from, REASON_EVICTED);
		peer_evict(victim);
	}
	g->fd = -1;
	peer_accept(d, fd, g->address, &g->source, g->since_ms);
	guest_free(g);
}

static void
door_next_turn(struct daemon *d)
{
	struct timeval tv = { .tv_usec = TURN_MS * 1000 };

	if (!TAILQ_EMPTY(&d->door->line) && !evtimer_pending(d->door->turn, NULL) && evtimer_add(d->door->turn, &tv) == -1)
		fatal("no timer");
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct guest *g = TAILQ_FIRST(&d->door->line);

	(void)fd;
	(void)what;
	if (g != NULL)
		guest_enter(g);
	door_next_turn(d);
}

/* It has spoken: now, or in its turn when somebody has to go for it. */
static void
guest_admit(struct guest *g)
{
	struct daemon *d = g->daemon;
	unsigned here;

	if (count_new(d, &g->source, &here) < d->conf->conf->max_startups) {
		guest_enter(g);
		return;
	}
	(void)event_del(g->ready);
	g->in_line = true;
	TAILQ_INSERT_HEAD(&d->door->line, g, turn);
	door_next_turn(d);
}

/* Something has come from it: bytes, or its end. */
static void
on_spoken(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	(void)what;
	if (n == 1)
		guest_admit(g);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		door_left(g->daemon, &g->source, g->address, PENALTY_NOTHING);
		guest_free(g);
	}
}

static void
on_silence(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;
	const struct conf *c = g->daemon->conf->conf;
	unsigned here;

	(void)fd;
	(void)what;
	if (clock_mono_ms() - g->since_ms >= c->login_grace_ms) {
		door_left(g->daemon, &g->source, g->address, PENALTY_GRACE);
		guest_refuse(g, REASON_SILENT);
	} else if (count_new(g->daemon, &g->source, &here) < c->max_startups)
		guest_enter(g);
	else
		guest_timer(g, SILENCE_NEXT_MS);
}

/* It is known where it comes from. */
static void
guest_named(struct guest *g)
{
	struct daemon *d = g->daemon;
	const struct conf *c = d->conf->conf;
	unsigned here, all = count_new(d, &g->source, &here);	/* this one counts among those here */

	if (!list_has(&c->penalty_exempt, g->address) && penalties_left(d->door->penalties, &g->source, clock_mono_ms()) > 0)
		guest_refuse(g, REASON_PENALTY);
	else if (here > c->max_startups_per_source)
		guest_refuse(g, REASON_SOURCE);
	else if (all < (c->max_startups + 1) / 2 || d->npeers >= c->max_sessions)
		guest_enter(g);
	else {
		if (event_assign(g->ready, d->base, g->fd, EV_READ | EV_PERSIST, on_spoken, g) == -1 ||
		    event_assign(g->timer, d->base, -1, 0, on_silence, g) == -1 || event_add(g->ready, NULL) == -1)
			fatal("no event");
		guest_timer(g, SILENCE_MS);
	}
}

/* A balancer's header, a piece at a time; not a byte behind it is taken. */
static void
on_header(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;
	uint8_t piece[PROXYPROTO_MAX];
	ssize_t n = recv(fd, piece, sizeof(piece), MSG_PEEK | MSG_DONTWAIT);
	const char *source;
	size_t took = 0;
	int r;

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	r = n <= 0 ? ERR_EOF : proxyproto_feed(g->header, piece, (size_t)n, &took);
	if (took > 0 && recv(fd, piece, took, MSG_DONTWAIT) != (ssize_t)took)
		r = ERR_EOF;
	if (r == ERR_AGAIN)
		return;
	source = proxyproto_source(g->header);
	if (r != 0 || (source != NULL && !source_parse(source, &g->source))) {
		guest_refuse(g, REASON_HEADER);
		return;
	}
	if (source != NULL) {
		free(g->address);
		g->address = xstrdup(source);
	}
	free(g->header);
	g->header = NULL;
	(void)event_del(g->ready);
	(void)event_del(g->timer);
	guest_named(g);
}

static void
on_header_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	guest_refuse(arg, REASON_HEADER);
}

static void
guest_await_header(struct guest *g)
{
	int64_t grace = g->daemon->conf->conf->login_grace_ms;

	g->header = xcalloc(1, sizeof(*g->header));
	if (event_assign(g->ready, g->daemon->base, g->fd, EV_READ | EV_PERSIST, on_header, g) == -1 ||
	    event_assign(g->timer, g->daemon->base, -1, 0, on_header_late, g) == -1 || event_add(g->ready, NULL) == -1)
		fatal("no event");
	guest_timer(g, grace < HEADER_MS ? grace : HEADER_MS);
}

/* Who comes in */

static void
guest_new(struct daemon *d, int fd, const char *address)
{
	struct guest *g, *oldest = TAILQ_FIRST(&d->door->guests);

	if (d->door->nguests >= DOOR_GUESTS_MAX && oldest != NULL)
		guest_refuse(oldest, REASON_CROWD);
	g = xcalloc(1, sizeof(*g));
	g->daemon = d;
	g->fd = fd;
	g->address = xstrdup(address);
	g->since_ms = clock_mono_ms();
	g->ready = event_new(d->base, -1, 0, on_spoken, g);
	g->timer = evtimer_new(d->base, on_silence, g);
	if (g->ready == NULL || g->timer == NULL)
		fatal("no event");
	TAILQ_INSERT_TAIL(&d->door->guests, g, next);
	d->door->nguests++;
	if (!source_parse(address, &g->source))
		guest_refuse(g, REASON_HEADER);
	else if (!helper_all_up(d))
		guest_refuse(g, REASON_NOT_READY);
	else if (list_has(&d->conf->conf->proxy_protocol, address))
		guest_await_header(g);
	else
		guest_named(g);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	if (!d->stopping && helper_all_up(d))
		daemon_listen(d, true);
}

static void
accept_failed(struct daemon *d)
{
	struct timeval tv = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };

	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_error("accept: %s; no connection is taken for a moment", err_text(ERR_SYSTEM));
		daemon_listen(d, false);
		if (evtimer_add(d->door->pause, &tv) == -1)
			fatal("no timer");
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		log_error("accept: %s", err_text(ERR_SYSTEM));
}

void
door_on_connection(int fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct sockaddr_storage sa;
	char address[NI_MAXHOST];
	socklen_t n;
	int c;

	(void)what;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		n = sizeof(sa);
		if ((c = accept4(fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC)) == -1) {
			accept_failed(d);
			return;
		}
		if (getnameinfo((struct sockaddr *)&sa, n, address, sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
			close(c);
		else
			guest_new(d, c, address);
	}
}

void
door_left(struct daemon *d, const struct source *s, const char *address, enum penalty what)
{
	const struct conf *c = d->conf->conf;

	if (!list_has(&c->penalty_exempt, address) && !list_has(&c->proxy_protocol, address))
		penalties_add(d->door->penalties, s, what, c->penalty_start_ms, c->penalty_max_ms, clock_mono_ms());
}

void
door_let_in(struct daemon *d, const struct source *s)
{
	penalties_forgive(d->door->penalties, s);
}

void
door_open(struct daemon *d)
{
	d->door = xcalloc(1, sizeof(*d->door));
	TAILQ_INIT(&d->door->guests);
	TAILQ_INIT(&d->door->line);
	d->door->penalties = penalties_new();
	d->door->pause = evtimer_new(d->base, on_pause_over, d);
	d->door->turn = evtimer_new(d->base, on_turn, d);
	if (d->door->pause == NULL || d->door->turn == NULL)
		fatal("no timer");
}

void
door_close(struct daemon *d)
{
	struct guest *g;

	while ((g = TAILQ_FIRST(&d->door->guests)) != NULL)
		guest_free(g);
}
