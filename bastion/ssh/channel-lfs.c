/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-lfs: git-lfs over SSH. The session speaks the dialogue (gitfilter/lfs.h) and decides; the keeper, a process of its
 * own, hashes, scans and keeps the objects.
 *
 *	(REFUSE | ASK) -> RECORD -> OPEN -> TALK -> END -> OVER
 *
 * One request at a time: while its answer waits for something, nothing more is read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/channel-lfs.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/lfskeep_msg.h"
#include "gitfilter/lfsstore.h"
#include "gitfilter/limits.h"

#define OUT_HIGH	(256 * 1024)	/* bytes for the agent that may wait */
#define BY_HTTP		"git-lfs-authenticate "	/* asks for an address and a token */
#define IN_ROUND	(512 * 1024)	/* read in one turn: others have theirs */

static int
lfs_is_durable(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct lfs_call *f = c->own;

	(void)m;
	f->durable = true;
	c->session->moved = true;
	return 0;
}

void
lfs_record(struct lfs_call *f, const char *event, json_t *o)
{
	struct channel *c = f->door.channel;

	if (o == NULL || json_object_set_new(o, "request", json_string(f->door.request)) != 0 ||
	    json_object_set_new(o, "upstream", json_string(f->door.upstream)) != 0)
		fatal("out of memory for a record");
	f->durable = false;
	(void)session_record(c->session, event, o, lfs_is_durable, c);
}

static void
lfs_record_decision(struct lfs_call *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "repository", f->door.repo, "operation", f->upload ? "upload" :
	    "download", "verdict", decision_word(f->verdict.what), "rule", f->verdict.rule, "reason", f->verdict.because);

	if (o != NULL)
		(void)json_object_set_new(o, "claimed", channel_claims(f->door.channel));
	lfs_record(f, "lfs.decision", o);
}

static void
lfs_decide(struct lfs_call *f)
{
	const struct session *s = f->door.channel->session;
	const struct policy *policy = s->p->conf->policy;
	struct request q = { .kind = REQUEST_FETCH, .target = f->door.upstream, .repo = f->door.repo, .ref = "",
	    .now = clock_wall_ms() / 1000 };

	if (conf_upstream(s->p->conf, f->door.upstream)->kind != UPSTREAM_HOSTED)
		f->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "LFS objects are kept for "
		    "repositories that the bastion hosts itself, and this upstream is elsewhere" };
	else if (!f->upload)
		decide(policy, &s->who, &q, &f->verdict);
	else if (policy_may_push(policy, &s->who, f->door.upstream, f->door.repo))
		f->verdict = (struct verdict){ .what = DECISION_ALLOW, .rule = "push", .because = "the push that names them is judged" };
	else
		f->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "default",
		    .because = "no rule lets you push to this repository", .detail = "ssh BASTION policy lists what you may do" };
}

static void
lfs_start(struct channel *c)
{
	struct lfs_call *f = xcalloc(1, sizeof(*f));
	size_t n = strlen(c->command);

	c->own = f;
	f->fd = -1;
	f->upload = n > 7 && strcmp(c->command + n - 7, " upload") == 0;
	f->by_http = strncmp(c->command, BY_HTTP, strlen(BY_HTTP)) == 0;
	if (!git_door_init(&f->door, c)) {
		f->step = LFS_STEP_OVER;
		return;
	}
	lfs_decide(f);
	/* What clients fall back on when the transfer was refused: then they show the words of that refusal. */
	if (f->by_http && f->verdict.what != DECISION_DENY)
		f->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "git-lfs-authenticate would lead "
		    "LFS objects around the bastion; they go through it by git-lfs-transfer, which git-lfs 3 tries first" };
	lfs_record_decision(f);
	f->step = f->verdict.what == DECISION_DENY ? LFS_STEP_REFUSE : f->verdict.what == DECISION_ASK ? LFS_STEP_ASK :
	    LFS_STEP_RECORD;
}

static void
lfs_wait_consent(struct lfs_call *f, int64_t now_us)
{
	enum git_asked asked;

	if (!f->durable)
		return;
	asked = git_door_ask(&f->door, &f->asking, &f->verdict, "LFS objects of", now_us);
	if (asked != GIT_ASKED_WAIT)
		f->step = asked == GIT_ASKED_YES ? LFS_STEP_RECORD : LFS_STEP_OVER;
}

/* The channel has been told why, or that all is well, and what happened is recorded. */
static void
lfs_end(struct lfs_call *f, int status)
{
	channel_end(f->door.channel, status);
	lfs_record(f, "lfs.end", json_pack("{s:s, s:s, s:I, s:I}", "repository", f->door.repo, "operation", f->upload ? "upload" :
	    "download", "objects", (json_int_t)f->objects, "bytes", (json_int_t)f->bytes));
	f->step = LFS_STEP_END;
}

static void
lfs_fail(struct lfs_call *f, const char *why)
{
	channel_sayf(f->door.channel, "unreachable %s: LFS objects of %s/%s: %s", f->door.request, f->door.upstream, f->door.repo,
	    why);
	lfs_end(f, EXIT_UNREACHED);
}

static void
lfs_wait_open(struct lfs_call *f)
{
	struct channel *c = f->door.channel;

	if (f->door.failed != NULL) {
		lfs_fail(f, f->door.failed);
		return;
	}
	if (!f->door.complete)
		return;
	f->keeper = lfs_link(f, git_door_take(&f->door, MONITOR_FD_LEG));
	f->lfs = lfs_new();
	f->states = calloc(LFS_BATCH_MAX, 1);
	if (f->lfs == NULL || f->states == NULL)
		fatal("out of memory");
	if (f->keeper == NULL || lfs_put_capabilities(c->out) != 0)
		lfs_fail(f, "their process could not be started; try again later");
	else
		f->step = LFS_STEP_TALK;
}

/* Requests */

void
lfs_answer(struct lfs_call *f, unsigned status, const char *text)
{
	char *line = text == NULL ? NULL : text_printable(text, strlen(text));

	(void)lfs_put_status(f->door.channel->out, status, line);
	f->wait = LFS_WAIT_NONE;
	f->door.channel->session->moved = true;
	free(line);
}

void
lfs_ask_keeper(struct lfs_call *f, uint16_t type, const struct lfs_object *o, size_t n)
{
	struct buf *b = buf_new(MSG_MAX);
	int r = b == NULL ? ERR_NOMEM : 0;

	if (r == 0 && type == LFSKEEP_ASK)
		r = buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if ((r = buf_put(b, o[i].oid, sizeof(o[i].oid))) == 0)
			r = buf_put_u64(b, o[i].size);
	if (r != 0)
		fatal("out of memory");
	(void)link_send(f->keeper, type, 0, b, -1);
	f->answered = false;
	buf_free(b);
}

static void
lfs_begin_request(struct lfs_call *f)
{
	switch (f->request.kind) {
	case LFS_VERSION:
		lfs_answer(f, f->request.good_version ? 200 : 400, f->request.good_version ? NULL : "version 1 is spoken here");
		return;
	case LFS_BATCH:
	case LFS_VERIFY:
		f->wait = LFS_WAIT_STATES;
		if (f->request.kind == LFS_BATCH)
			lfs_ask_keeper(f, LFSKEEP_ASK, f->request.batch, f->request.nbatch);
		else
			lfs_ask_keeper(f, LFSKEEP_ASK, &f->request.object, 1);
		return;
	case LFS_GET:
		if (f->upload) {
			lfs_answer(f, LFS_STATUS_REFUSED, "this is an upload");
			return;
		}
		f->wait = LFS_WAIT_OBJECT;
		lfs_ask_keeper(f, LFSKEEP_GET, &f->request.object, 1);
		return;
	case LFS_PUT:
		lfs_put_whole(f);
		return;
	case LFS_QUIT:
		lfs_answer(f, 200, NULL);
		lfs_end(f, 0);
		return;
	case LFS_LOCKS:
		lfs_answer(f, LFS_STATUS_NOT_OFFERED, "sallyport: file locks are not offered here; git config lfs.locksverify false");
		return;
	case LFS_OTHER:
		break;
	}
	lfs_answer(f, LFS_STATUS_NOT_OFFERED, "sallyport: this request is not offered here");
}

/* The keeper has said what is there. */
static void
lfs_tell_states(struct lfs_call *f)
{
	struct buf *out = f->door.channel->out;
	int r;

	if (f->request.kind == LFS_VERIFY) {
		if (f->states[0] != LFS_ABSENT)
			lfs_answer(f, 200, NULL);
		else
			lfs_answer(f, LFS_STATUS_NOT_HERE, "sallyport: no such object of this size is here");
		return;
	}
	r = lfs_put_batch(out);
	for (size_t i = 0; i < f->request.nbatch && r == 0; i++) {
		bool here = f->upload ? f->states[i] != LFS_ABSENT : f->states[i] == LFS_STORED;

		r = lfs_put_action(out, &f->request.batch[i], f->upload == here ? "noop" : f->upload ? "upload" : "download");
	}
	if (r != 0 || lfs_put_end(out) != 0)
		lfs_fail(f, "the agent does not read its answers");
	f->wait = LFS_WAIT_NONE;
}

/* Downloads */

static void
lfs_close_object(struct lfs_call *f)
{
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

static void
lfs_take_object(struct lfs_call *f)
{
	char oid[LFS_OID_HEX + 1];

	lfs_oid_format(f->request.object.oid, oid);
	if (f->fd == -1) {
		char *text = xasprintf("sallyport: LFS object %s is not stored in %s/%s; whoever committed its pointer has to push it "
		    "again", oid, f->door.upstream, f->door.repo);

		lfs_answer(f, LFS_STATUS_NOT_HERE, text);
		free(text);
		return;
	}
	lfs_record(f, "lfs.get", json_pack("{s:s, s:s, s:I, s:s, s:s}", "oid", oid, "repository", f->door.repo, "size",
	    (json_int_t)f->left, "verdict", "allow", "rule", f->verdict.rule));
	f->wait = LFS_WAIT_GET_RECORD;
}

static void
lfs_begin_content(struct lfs_call *f)
{
	if (lfs_put_object(f->door.channel->out, f->left) != 0) {
		lfs_fail(f, "the agent does not read its answers");
		return;
	}
	f->objects++;
	f->bytes += f->left;
	f->wait = LFS_WAIT_CONTENT;
}

static void
lfs_send_content(struct lfs_call *f)
{
	struct channel *c = f->door.channel;
	uint8_t piece[LFS_PIECE];

	for (size_t sent = 0; f->left > 0 && sent < IN_ROUND && buf_len(c->out) < OUT_HIGH;) {
		ssize_t n = read(f->fd, piece, f->left < sizeof(piece) ? (size_t)f->left : sizeof(piece));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || lfs_put_content(c->out, piece, (size_t)n) != 0) {
			lfs_fail(f, "an object cannot be read to its end");	/* the client misses the rest of it */
			return;
		}
		f->left -= (uint64_t)n;
		sent += (size_t)n;
		c->session->moved = true;
		channel_flush(c);
	}
	if (f->left > 0)
		return;
	(void)lfs_put_end(c->out);
	lfs_close_object(f);
	f->wait = LFS_WAIT_NONE;
}

/* Talk */

/* What the answer waited for may be there. */
static void
lfs_go_on(struct lfs_call *f)
{
	switch (f->wait) {
	case LFS_WAIT_STATES:
		if (f->answered)
			lfs_tell_states(f);
		return;
	case LFS_WAIT_SCANNED:
		if (f->answered)
			lfs_put_scanned(f);
		return;
	case LFS_WAIT_PUT_RECORD:
		if (f->durable)
			lfs_put_decided(f);
		return;
	case LFS_WAIT_KEPT:
		if (f->answered)
			lfs_put_kept(f);
		return;
	case LFS_WAIT_OBJECT:
		if (f->answered)
			lfs_take_object(f);
		return;
	case LFS_WAIT_GET_RECORD:
		if (f->durable)
			lfs_begin_content(f);
		return;
	case LFS_WAIT_CONTENT:
		lfs_send_content(f);
		return;
	case LFS_WAIT_NONE:
		return;
	}
}

static void
lfs_take_event(struct lfs_call *f, const struct lfs_event *e)
{
	f->request = *e->request;
	if (e->what == LFS_HEAD)
		lfs_put_begin(f);
	else if (e->what == LFS_CONTENT)
		lfs_put_take(f, e->content, e->n);
	else
		lfs_begin_request(f);
}

static void
lfs_read(struct lfs_call *f)
{
	struct channel *c = f->door.channel;
	struct lfs_event e;
	size_t used, all = 0;
	int r = 0;

	while (r == 0 && f->step == LFS_STEP_TALK && f->wait == LFS_WAIT_NONE && buf_len(c->in) > 0 && all < IN_ROUND &&
	    f->sent - f->taken < LFSKEEP_WINDOW) {
		r = lfs_feed(f->lfs, buf_ptr(c->in), buf_len(c->in), &used, &e);
		(void)buf_consume(c->in, used);
		all += used;
		c->session->moved = true;
		if (r == 0)
			lfs_take_event(f, &e);
	}
	if (r != 0 && r != ERR_SHORT) {
		channel_sayf(c, "denied %s rule=malformed: %s", f->door.request, lfs_why(f->lfs));
		lfs_end(f, EXIT_DENIED);
	} else if (f->step == LFS_STEP_TALK && f->wait == LFS_WAIT_NONE && c->in_eof && buf_len(c->in) == 0 &&
	    !sshchan_has_unread(c->ssh))
		lfs_end(f, 0);	/* clients may go without a word */
}

static void
lfs_talk(struct lfs_call *f)
{
	enum lfs_wait before;

	if (f->keeper_gone) {
		lfs_fail(f, "the repository cannot be opened, or their process has ended; try again later");
		return;
	}
	do {
		before = f->wait;
		lfs_go_on(f);
	} while (f->step == LFS_STEP_TALK && f->wait != before && f->wait != LFS_WAIT_NONE);
	if (f->step == LFS_STEP_TALK && f->wait == LFS_WAIT_NONE)
		lfs_read(f);
}

static void
lfs_drop_keeper(struct lfs_call *f)
{
	if (f->keeper == NULL)
		return;
	sshloop_forget(f->door.channel->session->loop, link_fd(f->keeper));
	link_free(f->keeper);
	f->keeper = NULL;
}

static void
lfs_turn(struct channel *c, int64_t now_us)
{
	struct lfs_call *f = c->own;

	switch (f->step) {
	case LFS_STEP_REFUSE:
		if (f->durable) {
			channel_deny(c, f->door.request, f->verdict.rule, f->verdict.because, f->verdict.detail);
			f->step = LFS_STEP_OVER;
		}
		return;
	case LFS_STEP_ASK:
		lfs_wait_consent(f, now_us);
		return;
	case LFS_STEP_RECORD:
		if (f->durable) {
			git_door_open(&f->door, f->upload ? MONITOR_GIT_LFS_UPLOAD : MONITOR_GIT_LFS_DOWNLOAD);
			f->step = LFS_STEP_OPEN;
		}
		return;
	case LFS_STEP_OPEN:
		lfs_wait_open(f);
		return;
	case LFS_STEP_TALK:
		lfs_talk(f);
		return;
	case LFS_STEP_END:
		buf_clear(c->in);
		lfs_drop_keeper(f);
		if (f->durable)
			f->step = LFS_STEP_OVER;
		return;
	case LFS_STEP_OVER:
		buf_clear(c->in);
		return;
	}
}

/* A state that was entered gets its own turn at once: whatever it waits for may be there already. */
static void
lfs_step(struct channel *c, int64_t now_us)
{
	struct lfs_call *f = c->own;
	enum lfs_step before = f->step;

	lfs_turn(c, now_us);
	if (f->step != before)
		c->session->moved = true;
}

static void
lfs_stop(struct channel *c, const char *why)
{
	struct lfs_call *f = c->own;

	if (f->step >= LFS_STEP_END)
		return;
	channel_sayf(c, "stopped %s: %s; git lfs push or pull again", f->door.request, why);
	lfs_end(f, c->session->cut_status);
}

static bool
lfs_settled(const struct channel *c)
{
	const struct lfs_call *f = c->own;

	return f->step == LFS_STEP_OVER;
}

static void
lfs_free_call(struct channel *c)
{
	struct lfs_call *f = c->own;

	lfs_drop_keeper(f);
	lfs_close_object(f);
	lfs_free(f->lfs);
	consent_free(f->asking.consent);
	free(f->refused);
	free(f->states);
	git_door_release(&f->door);
	free(f);
}

const struct channel_type channel_lfs_type = {
	.name = "lfs",
	.start = lfs_start,
	.step = lfs_step,
	.stop = lfs_stop,
	.settled = lfs_settled,
	.free = lfs_free_call,
};
