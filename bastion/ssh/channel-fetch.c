/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-fetch: git clone and fetch. Decided for the repository, then every `want` must be something that was advertised.
 *
 *	JUDGE -> (ASK) -> RECORD -> OPEN -> TALK -> END -> OVER
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/channel-git.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/fetch.h"

#define OUT_HIGH	(256 * 1024)	/* bytes for the agent that may wait */
#define TO_SERVER_MAX	(1024 * 1024)
#define ROUNDS		16		/* reads in one turn: others have theirs */

enum fetch_state { FETCH_REFUSE, FETCH_ASK, FETCH_RECORD, FETCH_OPEN, FETCH_TALK, FETCH_END, FETCH_OVER };

struct fetch_call {
	struct git_door		 door;		/* first */
	enum fetch_state	 state;
	struct verdict		 verdict;
	struct git_asking	 asking;
	bool			 durable, recording;
	struct fetch		*git;
	int			 stream, errors;	/* -1 = closed */
	struct buf		*from_server, *to_server;
	uint64_t		 bytes;
};

static int
fetch_is_durable(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct fetch_call *f = c->own;

	(void)m;
	f->durable = true;
	c->session->moved = true;
	return 0;
}

static void
fetch_record(struct fetch_call *f, const char *event)
{
	struct channel *c = f->door.channel;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "request", f->door.request, "kind", "fetch", "upstream",
	    f->door.upstream, "repository", f->door.repo, "verdict", decision_word(f->verdict.what), "rule", f->verdict.rule,
	    "reason", f->verdict.because);

	(void)json_object_set_new(o, "claimed", channel_claims(c));
	if (f->git != NULL) {
		(void)json_object_set_new(o, "what", json_string(fetch_kind(f->git)));
		(void)json_object_set_new(o, "wants", json_integer((json_int_t)fetch_nwants(f->git)));
		(void)json_object_set_new(o, "bytes", json_integer((json_int_t)f->bytes));
	}
	f->durable = false;
	(void)session_record(c->session, event, o, fetch_is_durable, c);
}

static void
fetch_start(struct channel *c)
{
	struct fetch_call *f = xcalloc(1, sizeof(*f));
	struct request q = { .kind = REQUEST_FETCH, .ref = "", .now = clock_wall_ms() / 1000 };

	c->own = f;
	f->stream = f->errors = -1;
	if (!git_door_init(&f->door, c)) {
		f->state = FETCH_OVER;
		return;
	}
	q.target = f->door.upstream;
	q.repo = f->door.repo;
	decide(c->session->p->conf->policy, &c->session->who, &q, &f->verdict);
	fetch_record(f, "fetch.decision");
	f->state = f->verdict.what == DECISION_DENY ? FETCH_REFUSE : f->verdict.what == DECISION_ASK ? FETCH_ASK : FETCH_RECORD;
}

static void
fetch_wait(struct fetch_call *f, int64_t now_us)
{
	enum git_asked asked;

	if (!f->durable)
		return;
	asked = git_door_ask(&f->door, &f->asking, &f->verdict, "git fetch from", now_us);
	if (asked != GIT_ASKED_WAIT)
		f->state = asked == GIT_ASKED_YES ? FETCH_RECORD : FETCH_OVER;
}

static void
fetch_fail(struct fetch_call *f, const char *why, int status)
{
	channel_sayf(f->door.channel, "%s", why);
	channel_end(f->door.channel, status);
	f->state = f->stream != -1 ? FETCH_END : FETCH_OVER;	/* END has the descriptors to close and the record to write */
}

static void
fetch_wait_open(struct fetch_call *f)
{
	if (f->door.failed != NULL) {
		char *why = xasprintf("unreachable %s: %s/%s: %s; try again later, or tell whoever runs this bastion",
		    f->door.request, f->door.upstream, f->door.repo, f->door.failed);

		fetch_fail(f, why, EXIT_UNREACHED);
		free(why);
		return;
	}
	if (!f->door.complete)
		return;
	f->stream = git_door_take(&f->door, MONITOR_FD_STREAM);
	f->errors = git_door_take(&f->door, MONITOR_FD_ERRORS);
	f->git = fetch_new(NULL, NULL);
	f->from_server = buf_new(2 * OUT_HIGH);
	f->to_server = buf_new(TO_SERVER_MAX);
	if (f->stream == -1 || f->git == NULL || f->from_server == NULL || f->to_server == NULL ||
	    fcntl(f->stream, F_SETFL, O_NONBLOCK) == -1 || (f->errors != -1 && fcntl(f->errors, F_SETFL, O_NONBLOCK) == -1))
		fetch_fail(f, "unreachable: the repository cannot be opened", EXIT_UNREACHED);
	else
		f->state = FETCH_TALK;
}

/* Talk */

static void
fetch_ready(int revents, void *arg)
{
	struct fetch_call *f = arg;

	(void)revents;
	f->door.channel->session->moved = true;
}

static void
fetch_close(struct fetch_call *f, int *fdp)
{
	if (*fdp == -1)
		return;
	sshloop_forget(f->door.channel->session->loop, *fdp);
	close(*fdp);
	*fdp = -1;
}

/* Bytes that must be judged go through the reader; once the advertisement is over they pass. */
static int
fetch_pass_server(struct fetch_call *f)
{
	struct channel *c = f->door.channel;
	size_t used = 0;
	int r;

	if (!fetch_is_advertised(f->git)) {
		if ((r = fetch_feed_server(f->git, buf_ptr(f->from_server), buf_len(f->from_server), &used, c->out)) != 0)
			return r;
		(void)buf_consume(f->from_server, used);
	}
	if (fetch_is_advertised(f->git) && buf_len(f->from_server) > 0) {
		f->bytes += buf_len(f->from_server);
		if ((r = buf_put(c->out, buf_ptr(f->from_server), buf_len(f->from_server))) != 0)
			return r;
		buf_clear(f->from_server);
	}
	return 0;
}

static void
fetch_read_server(struct fetch_call *f)
{
	struct channel *c = f->door.channel;
	int r;

	for (int round = 0; f->stream != -1 && buf_len(c->out) < OUT_HIGH && round < ROUNDS; round++) {
		r = buf_read(f->from_server, f->stream, 64 * 1024);
		if (r == ERR_AGAIN)
			return;
		if (r != 0) {
			fetch_close(f, &f->stream);
			return;
		}
		c->session->moved = true;
		if (fetch_pass_server(f) != 0) {
			char *why = xasprintf("unreachable %s: %s/%s: %s; tell whoever runs this bastion", f->door.request,
			    f->door.upstream, f->door.repo, fetch_why(f->git));

			fetch_fail(f, why, EXIT_UNREACHED);
			free(why);
			return;
		}
		channel_flush(c);
	}
}

static void
fetch_read_errors(struct fetch_call *f)
{
	struct buf *b = buf_new(4096);
	char *text;
	int r;

	if (f->errors == -1 || b == NULL)
		goto out;
	r = buf_read(b, f->errors, 4096);
	if (r == 0) {
		while (buf_len(b) > 0 && buf_ptr(b)[buf_len(b) - 1] == '\n')
			buf_trim(b, 1);
		text = text_printable(buf_ptr(b), buf_len(b));
		channel_sayf(f->door.channel, "%s/%s: %s", f->door.upstream, f->door.repo, text);
		free(text);
	} else if (r != ERR_AGAIN)
		fetch_close(f, &f->errors);
 out:
	buf_free(b);
}

static void
fetch_write_server(struct fetch_call *f)
{
	struct channel *c = f->door.channel;
	int r;

	if (buf_len(c->in) > 0 && fetch_is_advertised(f->git) && buf_room(f->to_server) > buf_len(c->in)) {
		r = fetch_feed_client(f->git, buf_ptr(c->in), buf_len(c->in), f->to_server);
		buf_clear(c->in);
		c->session->moved = true;
		if (r != 0) {
			channel_sayf(c, "denied %s rule=default: %s", f->door.request, fetch_why(f->git));
			(void)fetch_refuse(f->git, NULL, c->out);
			fetch_close(f, &f->stream);
			channel_end(c, EXIT_DENIED);
			f->state = FETCH_END;
			return;
		}
	}
	if (f->stream != -1 && buf_len(f->to_server) > 0)
		(void)buf_write(f->to_server, f->stream);
	if (f->stream != -1 && c->in_eof && buf_len(c->in) == 0 && buf_len(f->to_server) == 0 && !sshchan_has_unread(c->ssh))
		(void)shutdown(f->stream, SHUT_WR);
}

static void
fetch_talk(struct fetch_call *f)
{
	struct channel *c = f->door.channel;
	struct session *s = c->session;

	fetch_write_server(f);
	if (f->state == FETCH_TALK)
		fetch_read_server(f);
	if (f->state == FETCH_TALK)
		fetch_read_errors(f);
	if (f->state != FETCH_TALK)
		return;
	if (f->stream == -1) {
		fetch_read_errors(f);
		if (!fetch_is_advertised(f->git))
			channel_sayf(c, "unreachable %s: %s/%s cannot be read; ssh BASTION policy lists what you may reach",
			    f->door.request, f->door.upstream, f->door.repo);
		channel_end(c, fetch_is_advertised(f->git) ? 0 : EXIT_UNREACHED);
		f->state = FETCH_END;
		return;
	}
	(void)sshloop_watch(s->loop, f->stream, (short)((buf_len(c->out) < OUT_HIGH ? POLLIN : 0) |
	    (buf_len(f->to_server) > 0 ? POLLOUT : 0)), fetch_ready, f);
	if (f->errors != -1)
		(void)sshloop_watch(s->loop, f->errors, POLLIN, fetch_ready, f);
}

static void
fetch_turn(struct channel *c, int64_t now_us)
{
	struct fetch_call *f = c->own;

	switch (f->state) {
	case FETCH_REFUSE:
		if (f->durable) {
			channel_deny(c, f->door.request, f->verdict.rule, f->verdict.because, f->verdict.detail);
			f->state = FETCH_OVER;
		}
		return;
	case FETCH_ASK:
		fetch_wait(f, now_us);
		return;
	case FETCH_RECORD:
		if (f->durable) {
			git_door_open(&f->door, MONITOR_GIT_FETCH);
			f->state = FETCH_OPEN;
		}
		return;
	case FETCH_OPEN:
		fetch_wait_open(f);
		return;
	case FETCH_TALK:
		fetch_talk(f);
		return;
	case FETCH_END:
		if (!f->recording)
			fetch_record(f, "fetch.end");
		f->recording = true;
		fetch_close(f, &f->stream);
		fetch_close(f, &f->errors);
		if (f->durable)
			f->state = FETCH_OVER;
		return;
	case FETCH_OVER:
		return;
	}
}

/* A state that was entered gets its own turn at once: whatever it waits for may be there already. */
static void
fetch_step(struct channel *c, int64_t now_us)
{
	struct fetch_call *f = c->own;
	enum fetch_state before = f->state;

	fetch_turn(c, now_us);
	if (f->state != before)
		c->session->moved = true;
}

static void
fetch_stop(struct channel *c, const char *why)
{
	struct fetch_call *f = c->own;

	if (f->state >= FETCH_END)
		return;
	channel_sayf(c, "stopped %s: %s; git fetch again", f->door.request, why);
	channel_end(c, c->session->cut_status);
	f->state = f->state == FETCH_TALK ? FETCH_END : FETCH_OVER;
}

static bool
fetch_settled(const struct channel *c)
{
	const struct fetch_call *f = c->own;

	return f->state == FETCH_OVER;
}

static void
fetch_free_call(struct channel *c)
{
	struct fetch_call *f = c->own;

	fetch_close(f, &f->stream);
	fetch_close(f, &f->errors);
	fetch_free(f->git);
	buf_free(f->from_server);
	buf_free(f->to_server);
	consent_free(f->asking.consent);
	git_door_release(&f->door);
	free(f);
}

const struct channel_type channel_fetch_type = {
	.name = "fetch",
	.start = fetch_start,
	.step = fetch_step,
	.stop = fetch_stop,
	.settled = fetch_settled,
	.free = fetch_free_call,
};
