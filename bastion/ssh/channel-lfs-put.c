/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-lfs-put: what the keeper says, and one object on its way in: it goes to the keeper as it comes, is judged by what
 * the keeper found in it, recorded, and then held or dropped. What it is held for, the push that names it decides.
 */
#include <poll.h>
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
#include "bastion/ssh/session_int.h"
#include "gitfilter/lfskeep_msg.h"

/* The keeper */

static void
keeper_gone(struct link *l, int r, void *arg)
{
	struct lfs_call *f = arg;

	(void)l;
	(void)r;
	f->keeper_gone = true;
	f->door.channel->session->moved = true;
}

/* What was waited for is there, and nothing else may come. */
static int
keeper_answers(struct lfs_call *f, enum lfs_wait wait, int r)
{
	if (r != 0)
		return r;
	if (f->wait != wait || f->answered)
		return ERR_DENIED;
	f->answered = true;
	f->door.channel->session->moved = true;
	return 0;
}

/* LFSKEEP_STATES: u32 n, n * u8. */
static int
on_states(struct link *l, struct msg *m, void *arg)
{
	struct lfs_call *f = arg;
	size_t want = f->request.kind == LFS_BATCH ? f->request.nbatch : 1;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	if (n != want || buf_len(m->body) != n)
		return ERR_FORMAT;
	if ((r = keeper_answers(f, LFS_WAIT_STATES, 0)) != 0)
		return r;
	if (n > 0)
		memcpy(f->states, buf_ptr(m->body), n);
	return buf_consume(m->body, n);
}

/* LFSKEEP_TAKEN: u64. */
static int
on_taken(struct link *l, struct msg *m, void *arg)
{
	struct lfs_call *f = arg;
	int r = buf_get_u64(m->body, &f->taken);

	(void)l;
	f->door.channel->session->moved = true;
	return r != 0 ? r : buf_end(m->body);
}

/* LFSKEEP_SCANNED: s why not, u32 findings. */
static int
on_scanned(struct link *l, struct msg *m, void *arg)
{
	struct lfs_call *f = arg;
	char *why = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &why)) == 0 && (r = buf_get_u32(m->body, &f->findings)) == 0)
		r = buf_end(m->body);
	if ((r = keeper_answers(f, LFS_WAIT_SCANNED, r)) == 0) {
		f->dropped = *why != '\0';
		if (f->dropped && f->refused == NULL)
			f->refused = text_printable(why, strlen(why));
	}
	free(why);
	return r;
}

/* LFSKEEP_KEPT: s why not. */
static int
on_kept(struct link *l, struct msg *m, void *arg)
{
	struct lfs_call *f = arg;
	char *why = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &why)) == 0)
		r = buf_end(m->body);
	if ((r = keeper_answers(f, LFS_WAIT_KEPT, r)) == 0 && *why != '\0' && f->refused == NULL)
		f->refused = text_printable(why, strlen(why));
	free(why);
	return r;
}

/* LFSKEEP_OBJECT: u8 there, u64 size; descriptor. */
static int
on_object(struct link *l, struct msg *m, void *arg)
{
	struct lfs_call *f = arg;
	uint8_t here;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &here)) == 0 && (r = buf_get_u64(m->body, &f->left)) == 0)
		r = buf_end(m->body);
	if ((r = keeper_answers(f, LFS_WAIT_OBJECT, r)) == 0)
		f->fd = msg_take_fd(m);
	return r;
}

/* A finding, its texts printable and masked. */
enum text { TEXT_RULE, TEXT_DESCRIPTION, TEXT_MASKED, TEXT_FINGERPRINT, TEXT_MEMBER, TEXT_DECODED, TEXTS };

/*
 * Judged without a path, which is known when a push names the object: a rule on paths does not speak here. What is refused
 * now is refused whatever path it would have.
 */
static void
judge_finding(struct lfs_call *f, char *const *t, uint32_t line, bool notice)
{
	struct session *s = f->door.channel->session;
	struct request q = { .kind = REQUEST_FINDING, .target = f->door.upstream, .repo = f->door.repo, .ref = "",
	    .detail = t[TEXT_RULE], .notice = notice, .now = clock_wall_ms() / 1000 };
	char oid[LFS_OID_HEX + 1], *member = session_mask(s, t[TEXT_MEMBER], strlen(t[TEXT_MEMBER]));
	char *place = text_printable(member, strlen(member));
	char where[24] = "";	/* in a stream lines are not counted */
	struct verdict v;

	if (line > 0)
		(void)snprintf(where, sizeof(where), ", line %u", line);
	decide(s->p->conf->policy, &s->who, &q, &v);
	if (f->finding.rule == NULL || v.what > f->finding.what)
		f->finding = v;
	lfs_oid_format(f->request.object.oid, oid);
	if (v.what == DECISION_DENY && f->refused == NULL)
		f->refused = xasprintf("rule=%s: %s: %s (%s) in it%s%s%s, %s; take it out, rotate it, and commit the file anew",
		    v.rule, v.because, t[TEXT_RULE], t[TEXT_DESCRIPTION], *place != '\0' ? ", at " : "", place, where, t[TEXT_MASKED]);
	(void)session_record(s, "lfs.finding", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:s}", "request",
	    f->door.request, "rule", t[TEXT_RULE], "decided_by", v.rule, "verdict", decision_word(v.what), "oid", oid, "member",
	    place, "decoded", t[TEXT_DECODED], "line", (int)line, "notice", (int)notice, "fingerprint", t[TEXT_FINGERPRINT]),
	    NULL, NULL);
	free(place);
	free(member);
}

/* LFSKEEP_FINDING: s rule, s description, u32 line, s masked, s fingerprint, s member, s decoded, u8 notice. */
static int
on_finding(struct link *l, struct msg *m, void *arg)
{
	struct lfs_call *f = arg;
	char *text[TEXTS] = { NULL };
	uint32_t line = 0;
	uint8_t notice;
	int r = 0;

	(void)l;
	for (size_t i = 0; i < TEXTS && r == 0; i++)
		if (i != TEXT_MASKED || (r = buf_get_u32(m->body, &line)) == 0)
			r = buf_get_cstring(m->body, &text[i]);
	if (r == 0 && (r = buf_get_u8(m->body, &notice)) == 0 && (r = buf_end(m->body)) == 0) {
		if (f->wait == LFS_WAIT_SCANNED)
			judge_finding(f, text, line, notice != 0);
		else
			r = ERR_DENIED;
	}
	for (size_t i = 0; i < TEXTS; i++)
		free(text[i]);
	return r;
}

static const struct link_row keeper_rows[] = {
	{ LFSKEEP_STATES, "states", LINK_PERMIT, on_states },
	{ LFSKEEP_TAKEN, "taken", LINK_PERMIT, on_taken },
	{ LFSKEEP_FINDING, "finding", LINK_PERMIT, on_finding },
	{ LFSKEEP_SCANNED, "scanned", LINK_PERMIT, on_scanned },
	{ LFSKEEP_KEPT, "kept", LINK_PERMIT, on_kept },
	{ LFSKEEP_OBJECT, "object", LINK_PERMIT, on_object },
	{ 0, NULL, 0, NULL }
};

static void
keeper_ready(int revents, void *arg)
{
	(void)revents;
	(void)link_pump(arg);
}

struct link *
lfs_link(struct lfs_call *f, int fd)
{
	struct link_params lp = { .fd = fd, .name = "LFS keeper", .rows = keeper_rows, .gone = keeper_gone, .arg = f };
	struct link *l = fd == -1 ? NULL : link_new(&lp);

	if (l != NULL && sshloop_watch(f->door.channel->session->loop, link_fd(l), POLLIN, keeper_ready, l) != 0) {
		link_free(l);
		l = NULL;
	}
	return l;
}

/* One object */

void
lfs_put_begin(struct lfs_call *f)
{
	free(f->refused);
	f->refused = NULL;
	f->sent = f->taken = 0;
	f->findings = 0;
	f->finding = (struct verdict){ .rule = NULL };
	if (!f->upload)
		f->refused = xstrdup("this is a download");
	else if (!f->request.has_size)
		f->refused = xstrdup("its size was not said");
	else
		lfs_ask_keeper(f, LFSKEEP_PUT, &f->request.object, 1);
}

/* What the keeper never heard of is dropped here; what it has refused, there. */
void
lfs_put_take(struct lfs_call *f, const uint8_t *p, size_t n)
{
	struct buf *b;

	if (f->refused != NULL || f->keeper == NULL)
		return;
	b = buf_new(n + 16);
	if (b == NULL || buf_put_string(b, p, n) != 0)
		fatal("out of memory");
	if (link_send(f->keeper, LFSKEEP_DATA, 0, b, -1) == 0)
		f->sent += n;
	buf_free(b);
}

void
lfs_put_whole(struct lfs_call *f)
{
	if (f->refused != NULL) {
		lfs_answer(f, LFS_STATUS_REFUSED, f->refused);
		return;
	}
	f->wait = LFS_WAIT_SCANNED;
	f->answered = false;
	(void)link_send(f->keeper, LFSKEEP_END, 0, NULL, -1);
}

/* Recorded first, whatever was decided; then it is held, or dropped. */
void
lfs_put_scanned(struct lfs_call *f)
{
	const struct verdict *v = &f->finding;
	char oid[LFS_OID_HEX + 1];
	bool found = v->rule != NULL && v->what != DECISION_ALLOW;

	lfs_oid_format(f->request.object.oid, oid);
	lfs_record(f, "lfs.put", json_pack("{s:s, s:s, s:I, s:s, s:s, s:i, s:s*}", "oid", oid, "repository", f->door.repo, "size",
	    (json_int_t)f->request.object.size, "verdict", f->refused != NULL ? "deny" : found ? decision_word(v->what) : "allow",
	    "rule", v->rule != NULL ? v->rule : f->verdict.rule, "findings", (int)f->findings, "reason", f->refused));
	f->wait = LFS_WAIT_PUT_RECORD;
}

void
lfs_put_decided(struct lfs_call *f)
{
	struct buf *b = buf_new(8);

	if (b == NULL || buf_put_u8(b, f->refused == NULL) != 0)
		fatal("out of memory");
	f->wait = LFS_WAIT_KEPT;
	f->answered = f->dropped;
	if (!f->dropped)
		(void)link_send(f->keeper, LFSKEEP_KEEP, 0, b, -1);
	buf_free(b);
}

void
lfs_put_kept(struct lfs_call *f)
{
	char oid[LFS_OID_HEX + 1], *text;

	if (f->refused == NULL) {
		f->objects++;
		f->bytes += f->request.object.size;
		lfs_answer(f, 200, NULL);
		return;
	}
	lfs_oid_format(f->request.object.oid, oid);
	text = xasprintf("sallyport: denied %s LFS object %s: %s", f->door.request, oid, f->refused);
	lfs_answer(f, LFS_STATUS_REFUSED, text);
	free(text);
}
