/* SPDX-License-Identifier: Apache-2.0 */
/* channel-push-hear: what the git leg and the inspector say to a push. Both are heard as strangers: bounded, in order, once. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/channel-push.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/inspect.h"
#include "gitfilter/push.h"

#define REFS_MAX	100000
#define OUTSIDE_MAX	100000
#define SAID_LINES_MAX	40

static void
push_link_gone(struct link *l, int r, void *arg)
{
	struct push_call *p = arg;

	(void)r;
	if (l == p->leg)
		p->leg_gone = true;
	else
		p->inspector_gone = true;
	p->door.channel->session->moved = true;
}

/* Descriptors may leave the loop only outside its handlers. */
void
push_drop_link(struct push_call *p, struct link **lp)
{
	if (*lp == NULL)
		return;
	sshloop_forget(p->door.channel->session->loop, link_fd(*lp));
	link_free(*lp);
	*lp = NULL;
}

static void
push_link_ready(int revents, void *arg)
{
	(void)revents;
	(void)link_pump(arg);
}

static struct link *
push_link(struct push_call *p, int fd, const char *name, const struct link_row *rows)
{
	struct link_params lp = { .fd = fd, .name = name, .rows = rows, .gone = push_link_gone, .arg = p };
	struct link *l = fd == -1 ? NULL : link_new(&lp);

	if (l != NULL && sshloop_watch(p->door.channel->session->loop, link_fd(l), POLLIN, push_link_ready, l) != 0) {
		link_free(l);
		l = NULL;
	}
	return l;
}

/* GITLEG_REFS: u8 ok, s error, u32 n, n * (s oid, s name). */
static int
on_leg_refs(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	struct push_ref *refs = NULL;
	char *error = NULL;
	uint32_t n = 0;
	uint8_t ok;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_get_u32(m->body, &n)) != 0)
		goto out;
	if (n > REFS_MAX) {
		r = ERR_TOOBIG;
		goto out;
	}
	refs = xcalloc(n, sizeof(*refs));
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *s;
		size_t len;

		if ((r = buf_peek_string(m->body, &s, &len)) != 0)
			goto out;
		if (len != OID_HEX) {
			r = ERR_FORMAT;
			goto out;
		}
		memcpy(refs[i].oid, s, len);
		if ((r = buf_peek_string(m->body, &s, &len)) != 0)
			goto out;
		if (len >= sizeof(refs[i].name)) {
			r = ERR_TOOBIG;
			goto out;
		}
		memcpy(refs[i].name, s, len);
	}
	if ((r = buf_end(m->body)) != 0)
		goto out;
	if (!ok)
		p->door.failed = xstrdup(error);
	else if (push_advertise(p->git, refs, n, p->door.channel->out) != 0)
		p->door.failed = xstrdup("too many references");
	else
		p->refs_in = true;
	p->has_refs = n > 0;
	p->door.channel->session->moved = true;
 out:
	free(refs);
	free(error);
	return r;
}

/* GITLEG_ANCESTOR_ANSWER: u8 yes. */
static int
on_leg_ancestor(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	uint8_t yes;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &yes)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (!p->ancestry_busy)
		return ERR_DENIED;
	p->ops[p->asking] = yes ? REF_UPDATE : REF_FORCE;
	p->unsure[p->asking] = false;
	p->ancestry_busy = false;
	p->door.channel->session->moved = true;
	return 0;
}

/* GITLEG_STORED: u8 ok, s error, s report, u32 kept. */
static int
on_leg_stored(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	const uint8_t *report;
	char *error = NULL;
	size_t n;
	uint8_t ok;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_peek_string(m->body, &report, &n)) != 0 || (r = buf_get_u32(m->body, &p->kept)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	p->given_back = ok != GITLEG_NOT_KNOWN && conf_upstream(p->door.channel->session->p->conf, p->door.upstream)->kind !=
	    UPSTREAM_HOSTED;
	if (ok != GITLEG_ANSWERED)
		p->store_error = xstrdup(error);
	else if (push_take_report(p->git, report, n) != 0)
		p->store_error = xstrdup("the repository's answer is not what git sends");
	p->stored = true;
	p->door.channel->session->moved = true;
 out:
	free(error);
	return r;
}

/* GITLEG_SAID: s text. Line by line, so that none can be taken for ours. */
static int
on_leg_said(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	char *text = NULL, *rest, *line, *masked;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &text)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	rest = text;
	for (unsigned n = 0; n < SAID_LINES_MAX && (line = strsep(&rest, "\r\n")) != NULL; )
		if (line[0] != '\0') {
			masked = session_mask(p->door.channel->session, line, strlen(line));
			push_say(p, "%s: %s", p->door.upstream, masked);
			free(masked);
			n++;
		}
 out:
	free(text);
	return r;
}

/* GITLEG_OBJECT_ANSWER goes on to the inspector as it is: it trusts the object's name alone. */
static int
on_leg_object(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;

	(void)l;
	if (p->inspector != NULL)
		(void)link_send(p->inspector, INSPECT_OBJECT, 0, m->body, -1);
	return 0;
}

/* GITLEG_NEEDS_ANSWER: u8 yes, s the first object that is not shown, s digest. The parent holds it against the inspector's. */
static int
on_leg_needs(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	const uint8_t *oid, *digest;
	size_t noid, n;
	uint8_t yes;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &yes)) != 0 || (r = buf_peek_string(m->body, &oid, &noid)) != 0 ||
	    (r = buf_peek_string(m->body, &digest, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (!p->needs_busy || noid > OID_HEX)
		return ERR_DENIED;
	p->needs_busy = false;
	p->door.channel->session->moved = true;
	if (!yes)
		p->missing = xstrndup((const char *)oid, noid);
	return 0;
}

static const struct link_row leg_rows[] = {
	{ GITLEG_NEEDS_ANSWER, "needs-answer", LINK_PERMIT | LINK_ONCE, on_leg_needs },
	{ GITLEG_REFS, "refs", LINK_PERMIT | LINK_ONCE, on_leg_refs },
	{ GITLEG_ANCESTOR_ANSWER, "ancestor-answer", LINK_PERMIT, on_leg_ancestor },
	{ GITLEG_OBJECT_ANSWER, "object-answer", LINK_PERMIT, on_leg_object },
	{ GITLEG_SAID, "said", LINK_PERMIT | LINK_ONCE, on_leg_said },
	{ GITLEG_STORED, "stored", LINK_PERMIT | LINK_ONCE, on_leg_stored },
	{ 0, NULL, 0, NULL }
};

/* INSPECT_TAKEN: u64. */
static int
on_taken(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	int r;

	(void)l;
	if ((r = buf_get_u64(m->body, &p->taken)) != 0)
		return r;
	p->door.channel->session->moved = true;
	return buf_end(m->body);
}

/* INSPECT_PROGRESS: u8 phase, u64 done, u64 total. */
static int
on_progress(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	uint64_t done, total;
	uint8_t phase;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &phase)) != 0 || (r = buf_get_u64(m->body, &done)) != 0 ||
	    (r = buf_get_u64(m->body, &total)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (phase == 1 && clock_mono_us() - p->spoke_us > PUSH_ALIVE_US) {
		push_say(p, "sallyport: inspecting, %" PRIu64 " of %" PRIu64 " objects", done, total);
		p->spoke_us = clock_mono_us();
	}
	return 0;
}

/* INSPECT_WARNING: u32 how many, s the first. One of each kind comes. */
static int
on_warning(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	char *first = NULL, *clean;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0 || (r = buf_get_cstring(m->body, &first)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	clean = text_printable(first, strlen(first));
	if (n > 1)
		push_say(p, "sallyport: warning: %s (and %u more such)", clean, n - 1);
	else
		push_say(p, "sallyport: warning: %s", clean);
	free(clean);
 out:
	free(first);
	return r;
}

/* INSPECT_NEEDS: u8 last, s names. The leg is told the same. */
static int
on_needs(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;

	(void)l;
	p->needs_busy = true;
	return p->leg == NULL || link_send(p->leg, GITLEG_NEEDS, 0, m->body, -1) != 0 ? ERR_DENIED : 0;
}

/* INSPECT_WANT: s oid, u64 offset. The leg is asked the same. */
static int
on_want(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;

	if (p->leg == NULL || link_send(p->leg, GITLEG_OBJECT, 1, m->body, -1) != 0)
		return ERR_DENIED;
	(void)l;
	return 0;
}

/* The references of a result must be the commands we sent, in their order. */
static int
push_read_refs(struct push_call *p, struct buf *b)
{
	struct push_command *cmds;
	uint32_t n;
	size_t ncmds;
	int r;

	cmds = push_commands(p->git, &ncmds);
	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	for (uint32_t i = 0; i < n; i++) {
		char *name = NULL, *old = NULL, *new = NULL;
		uint8_t op = 0;
		size_t k;

		if ((r = buf_get_cstring(b, &name)) == 0 && (r = buf_get_u8(b, &op)) == 0 &&
		    (r = buf_get_cstring(b, &old)) == 0 && (r = buf_get_cstring(b, &new)) == 0) {
			for (k = 0; k < ncmds && strcmp(cmds[k].name, name) != 0; k++)
				;
			if (k == ncmds)
				r = ERR_FORMAT;
			else {
				p->ops[k] = op == INSPECT_CREATE ? REF_CREATE : op == INSPECT_DELETE ? REF_DELETE : REF_UPDATE;
				p->unsure[k] = op == INSPECT_UNSURE;
			}
		}
		free(name);
		free(old);
		free(new);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
push_read_outside(struct push_call *p, struct buf *b)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > OUTSIDE_MAX)
		return ERR_TOOBIG;
	p->outside = xcalloc(n, sizeof(*p->outside));
	for (; p->noutside < n; p->noutside++)
		if ((r = buf_get_cstring(b, &p->outside[p->noutside])) != 0)
			return r;
	return buf_end(b);
}

/* INSPECT_RESULT, see inspect.h. */
static int
on_result(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	const uint8_t *digest, *needs, *met;
	uint64_t length;
	size_t n, nneeds, nmet;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &p->status)) != 0 || (r = buf_get_cstring(m->body, &p->reason)) != 0 ||
	    (r = buf_get_u64(m->body, &p->objects)) != 0 || (r = buf_get_u64(m->body, &p->pack_bytes)) != 0 ||
	    (r = buf_get_u32(m->body, &p->nfindings)) != 0 || (r = buf_get_u32(m->body, &p->extent.commits)) != 0 ||
	    (r = buf_get_u32(m->body, &p->extent.files)) != 0 || (r = buf_get_u64(m->body, &p->extent.bytes)) != 0 ||
	    (r = buf_peek_string(m->body, &digest, &n)) != 0 || (r = buf_get_u64(m->body, &length)) != 0 ||
	    (r = buf_peek_string(m->body, &needs, &nneeds)) != 0 || (r = buf_peek_string(m->body, &met, &nmet)) != 0 ||
	    (r = nmet == DIGEST_LEN ? 0 : ERR_FORMAT) != 0 || (r = push_read_refs(p, m->body)) != 0 ||
	    (r = push_read_outside(p, m->body)) != 0)
		return r;
	memcpy(p->met, met, DIGEST_LEN);
	p->have_result = true;
	p->door.channel->session->moved = true;
	return 0;
}

static const struct link_row inspector_rows[] = {
	{ INSPECT_TAKEN, "taken", LINK_PERMIT, on_taken },
	{ INSPECT_PROGRESS, "progress", LINK_PERMIT, on_progress },
	{ INSPECT_FINDING, "finding", LINK_PERMIT, push_on_finding },
	{ INSPECT_NOTICES, "notices", LINK_PERMIT | LINK_ONCE, push_on_notices },
	{ INSPECT_WANT, "want", LINK_PERMIT, on_want },
	{ INSPECT_WARNING, "warning", LINK_PERMIT, on_warning },
	{ INSPECT_NEEDS, "needs", LINK_PERMIT, on_needs },
	{ INSPECT_CHANGES, "changes", LINK_PERMIT, push_on_changes },
	{ INSPECT_COMMITS, "commits", LINK_PERMIT, push_on_commits },
	{ INSPECT_JUDGED, "judged", LINK_PERMIT | LINK_ONCE, push_on_judged },
	{ INSPECT_RESULT, "result", LINK_PERMIT | LINK_ONCE, on_result },
	{ 0, NULL, 0, NULL }
};

struct link *
push_link_leg(struct push_call *p, int fd)
{
	return push_link(p, fd, "git leg", leg_rows);
}

struct link *
push_link_inspector(struct push_call *p, int fd)
{
	return push_link(p, fd, "inspector", inspector_rows);
}
