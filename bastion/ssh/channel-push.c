/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-push: git push, from the advertisement to the report.
 *
 *	OPEN -> REFS -> COMMANDS -> INSPECT -> ANCESTRY -> JUDGE -> (ASK) -> RECORD -> STORE -> REPORT -> OVER
 *
 * The session speaks git's dialogue and decides; the inspector reads every object and says what is in them; the parent
 * lets the repository take the spool only on the inspector's own word; the git leg stores exactly what was inspected.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/digest.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/channel-git.h"
#include "bastion/ssh/consent.h"
#include "bastion/ssh/git_digest.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/changes.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/inspect.h"
#include "gitfilter/push.h"

#define REFS_MAX	100000
#define REFUSAL_MAX	140		/* in the parenthesis of `! [remote rejected]` */
#define FINDINGS_SHOWN	20
#define CHANGES_SHOWN	60		/* of the paths that a rule names, to approvers */
#define CHANGES_RECORDED 200
#define OUTSIDE_MAX	100000
#define ALIVE_US	5000000
#define OPTIONS_MAX	16

enum push_step { STEP_RECORD_OPEN, STEP_OPEN, STEP_REFS, STEP_COMMANDS, STEP_INSPECT, STEP_ANCESTRY, STEP_JUDGE, STEP_ASK, STEP_RECORD,
	STEP_STORE, STEP_REPORT, STEP_OVER };

struct push_call {
	struct git_door		 door;		/* first */
	enum push_step		 step;
	struct push		*git;
	struct link		*leg, *inspector;
	bool			 leg_gone, inspector_gone;
	bool			 refs_in;
	/* inspection */
	uint64_t		 fed, taken;
	bool			 fed_eof, have_result;
	uint8_t			 status;
	char			*reason;
	uint64_t		 objects, pack_bytes;
	uint32_t		 nfindings, nshown;
	enum ref_op		*ops;		/* per command */
	bool			*unsure;	/* per command: the repository must say whether it is a forward */
	char			**outside;	/* commits for ancestry */
	size_t			 noutside;
	size_t			 asking;	/* command whose ancestry is being asked, +1 */
	bool			 ancestry_busy;
	/* decision */
	struct verdict		 verdict;	/* the strictest of all */
	struct verdict		 finding;	/* the strictest about findings */
	uint32_t		 nchanges;	/* paths that a rule names */
	struct verdict		 content;	/* the first denial about them, or about a notice; rule NULL: none */
	struct buf		*text;		/* what a human would be shown */
	bool			 text_bad;	/* not all of it fitted */
	char			*two_rules;	/* two rules ask, for different approvers: cannot be one question */
	uint8_t			 digest[DIGEST_LEN];
	struct consent		*consent;
	int64_t			 wait_until_us, alive_us, spoke_us;
	bool			 durable, recorded;
	/* storing */
	bool			 asked_store, stored;
	char			*store_error;
};

/* Talking to the client */

static void	push_say(struct push_call *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void	push_fail(struct push_call *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void	push_refuse_all(struct push_call *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
push_say(struct push_call *p, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		fatal("out of memory formatting a line");
	va_end(ap);
	(void)push_progress(p->git, text, p->door.channel->out, p->door.channel->say);
	free(text);
	p->door.channel->session->moved = true;
}

static void
push_over(struct push_call *p, int status)
{
	channel_end(p->door.channel, status);
	p->step = STEP_OVER;
}

/* Before the client speaks git: one line on stderr. */
static void
push_fail(struct push_call *p, int status, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		fatal("out of memory formatting a line");
	va_end(ap);
	channel_sayf(p->door.channel, "%s", text);
	free(text);
	push_over(p, status);
}

/* The end of a push as git sees it: per reference, and exit status 0: the report is the answer. */
static void
push_finish(struct push_call *p, const char *unpack_error)
{
	(void)push_report(p->git, unpack_error, p->door.channel->out);
	push_over(p, 0);
}

static void
push_refuse_all(struct push_call *p, const char *fmt, ...)
{
	struct push_command *cmds;
	size_t n;
	va_list ap;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++)
		if (cmds[i].error[0] == '\0') {
			va_start(ap, fmt);
			(void)vsnprintf(cmds[i].error, REFUSAL_MAX, fmt, ap);
			va_end(ap);
		}
}

static int
push_is_durable(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct push_call *p = c->own;

	(void)m;
	p->durable = true;
	c->session->moved = true;
	return 0;
}

/* Links to the git leg and the inspector */

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
static void
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

/* GITLEG_STORED: u8 ok, s error, s report. */
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
	    (r = buf_peek_string(m->body, &report, &n)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok)
		p->store_error = xstrdup(error);
	else if (push_take_report(p->git, report, n) != 0)
		p->store_error = xstrdup("the repository's answer is not what git sends");
	p->stored = true;
	p->door.channel->session->moved = true;
 out:
	free(error);
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

static const struct link_row leg_rows[] = {
	{ GITLEG_REFS, "refs", LINK_PERMIT | LINK_ONCE, on_leg_refs },
	{ GITLEG_ANCESTOR_ANSWER, "ancestor-answer", LINK_PERMIT, on_leg_ancestor },
	{ GITLEG_OBJECT_ANSWER, "object-answer", LINK_PERMIT, on_leg_object },
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
	if (phase == 1 && clock_mono_us() - p->spoke_us > ALIVE_US) {
		push_say(p, "sallyport: inspecting, %" PRIu64 " of %" PRIu64 " objects", done, total);
		p->spoke_us = clock_mono_us();
	}
	return 0;
}

/* The strictest counts. Two rules that ask may have different approvers: one answer cannot be for both. */
static void
push_take_verdict(struct push_call *p, const struct verdict *v)
{
	const struct policy *policy = p->door.channel->session->p->conf->policy;

	if (v->what == DECISION_ASK && p->verdict.what == DECISION_ASK && strcmp(v->rule, p->verdict.rule) != 0 &&
	    p->two_rules == NULL && !policy_same_approvers(policy, v->rule, p->verdict.rule))
		p->two_rules = xasprintf("%s and %s", p->verdict.rule, v->rule);
	if (v->what > p->verdict.what || strcmp(p->verdict.rule, "") == 0)
		p->verdict = *v;
}

/* An INSPECT_FINDING, its texts printable and masked; see inspect.h. */
enum found_text { FOUND_RULE, FOUND_DESCRIPTION, FOUND_KIND, FOUND_COMMIT, FOUND_PATH, FOUND_MASKED, FOUND_FINGERPRINT, FOUND_MEMBER,
	FOUND_DECODED, FOUND_TEXTS };

struct found {
	char		*text[FOUND_TEXTS];	/* owned */
	char		*place;			/* owned: path, member, line, encodings in words */
	uint32_t	 line;
	bool		 notice;
};

static struct verdict
push_decide_finding(struct push_call *p, const char *rule, bool notice, const char *path)
{
	struct session *s = p->door.channel->session;
	struct request q = { .kind = REQUEST_FINDING, .target = p->door.upstream, .repo = p->door.repo, .ref = "",
	    .detail = rule, .notice = notice, .path = path, .now = clock_wall_ms() / 1000 };
	struct verdict v;

	decide(s->p->conf->policy, &s->who, &q, &v);
	return v;
}

/* A secret: the strictest verdict about any of them counts. */
static void
push_take_finding(struct push_call *p, const struct found *f, const struct verdict *v)
{
	char *const *t = f->text;

	if (p->nshown == 0 || v->what > p->finding.what)
		p->finding = *v;
	p->text_bad |= buf_putf(p->text, "finding: rule=%s (%s) %s commit=%.12s %s value=%s fingerprint=%s\n", t[FOUND_RULE],
	    t[FOUND_DESCRIPTION], t[FOUND_KIND], *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-", f->place, t[FOUND_MASKED],
	    t[FOUND_FINGERPRINT]) != 0;
	if (p->nshown < FINDINGS_SHOWN)
		push_say(p, "sallyport: BLOCKED %s rule=%s (%s) commit=%.12s file=%s value=%s", p->door.request, t[FOUND_RULE],
		    t[FOUND_DESCRIPTION], *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-", f->place, t[FOUND_MASKED]);
	p->nshown++;
}

/* No secret: content that nobody can read. It passes unless a rule says otherwise. */
static void
push_take_notice(struct push_call *p, const struct found *f, const struct verdict *v)
{
	char *const *t = f->text;
	const char *commit = *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-";

	if (v->what == DECISION_ALLOW)
		return;
	p->text_bad |= buf_putf(p->text, "notice: %s (%s) commit=%.12s %s (rule %s: %s)\n", t[FOUND_RULE], t[FOUND_MASKED], commit,
	    f->place, v->rule, decision_word(v->what)) != 0;
	if (v->what == DECISION_DENY)
		push_say(p, "sallyport: denied %s rule=%s: %s (%s) commit=%.12s file=%s: %s", p->door.request, v->rule,
		    t[FOUND_RULE], t[FOUND_MASKED], commit, f->place, v->because);
	if (v->what == DECISION_DENY && p->content.rule == NULL)
		p->content = *v;
	push_take_verdict(p, v);
}

static void
push_record_finding(struct push_call *p, const struct found *f, const struct verdict *v)
{
	char *const *t = f->text;

	(void)session_record(p->door.channel->session, "push.finding", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, "
	    "s:s}", "request", p->door.request, "rule", t[FOUND_RULE], "verdict", decision_word(v->what), "kind", t[FOUND_KIND],
	    "commit", t[FOUND_COMMIT], "path", t[FOUND_PATH], "member", t[FOUND_MEMBER], "decoded", t[FOUND_DECODED], "line",
	    (int)f->line, "notice", (int)f->notice, "fingerprint", t[FOUND_FINGERPRINT]), NULL, NULL);
}

/* FILE!MEMBER:LINE (in base64), of what there is. The names of members are as hostile as any. */
static void
found_place(struct session *s, struct found *f)
{
	char *masked = session_mask(s, f->text[FOUND_MEMBER], strlen(f->text[FOUND_MEMBER]));
	char *member = text_printable(masked, strlen(masked)), line[16] = "";
	const char *path = *f->text[FOUND_PATH] ? f->text[FOUND_PATH] : f->text[FOUND_KIND], *decoded = f->text[FOUND_DECODED];

	if (f->line > 0 && !f->notice)
		(void)snprintf(line, sizeof(line), ":%u", f->line);
	f->place = xasprintf("%s%s%s%s%s%s%s", path, *member ? "!" : "", member, line, *decoded ? " (in " : "", decoded,
	    *decoded ? ")" : "");
	free(f->text[FOUND_MEMBER]);
	f->text[FOUND_MEMBER] = member;
	free(masked);
}

/* INSPECT_FINDING: s rule, s description, s kind, s commit, s path, u32 line, s masked, s fingerprint, s member, s decoded, u8. */
static int
on_finding(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	struct found f = { .place = NULL };
	struct verdict v;
	uint8_t notice = 0;
	char *path;
	int r = 0;

	(void)l;
	for (size_t i = 0; i < FOUND_TEXTS && r == 0; i++)
		if (i != FOUND_MASKED || (r = buf_get_u32(m->body, &f.line)) == 0)
			r = buf_get_cstring(m->body, &f.text[i]);
	if (r != 0 || (r = buf_get_u8(m->body, &notice)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	f.notice = notice != 0;
	v = push_decide_finding(p, f.text[FOUND_RULE], f.notice, f.text[FOUND_PATH]);
	path = text_printable(f.text[FOUND_PATH], strlen(f.text[FOUND_PATH]));
	free(f.text[FOUND_PATH]);
	f.text[FOUND_PATH] = path;
	found_place(p->door.channel->session, &f);
	if (f.notice)
		push_take_notice(p, &f, &v);
	else
		push_take_finding(p, &f, &v);
	push_record_finding(p, &f, &v);
 out:
	for (size_t i = 0; i < FOUND_TEXTS; i++)
		free(f.text[i]);
	free(f.place);
	return r;
}

/* INSPECT_NOTICES: u32. What is not named one by one is what the strictest rule on any of it says. */
static int
on_notices(struct link *l, struct msg *m, void *arg)
{
	static const char *const rules[] = { "encrypted-container", "opaque-data" };
	struct push_call *p = arg;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct verdict v = push_decide_finding(p, rules[i], true, NULL);

		if (v.what == DECISION_ALLOW)
			continue;
		p->text_bad |= buf_putf(p->text, "notice: %u contents in all that cannot be read (rule %s: %s)\n", n, v.rule,
		    decision_word(v.what)) != 0;
		if (v.what == DECISION_DENY && p->content.rule == NULL)
			p->content = v;
		push_take_verdict(p, &v);
	}
	return 0;
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

/* One path: what no rule names is left to the rules on references. */
static void
push_judge_change(struct push_call *p, enum path_op op, bool plain, const char *commit, const char *path)
{
	struct session *s = p->door.channel->session;
	struct request q = { .kind = REQUEST_CHANGE, .target = p->door.upstream, .repo = p->door.repo, .path_op = op,
	    .path = path, .tree = !plain && op != PATH_DELETE, .now = clock_wall_ms() / 1000 };
	char *masked, *shown;
	struct verdict v;

	decide(s->p->conf->policy, &s->who, &q, &v);
	if (v.what == DECISION_ALLOW)
		return;
	masked = session_mask(s, path, strlen(path));
	shown = text_printable(masked, strlen(masked));
	p->nchanges++;
	if (p->nchanges <= CHANGES_SHOWN)
		p->text_bad |= buf_putf(p->text, "change: %s %s commit=%.12s (rule %s: %s)\n", path_op_word(op), shown, commit, v.rule,
		    decision_word(v.what)) != 0;
	if (v.what == DECISION_DENY && p->nchanges <= FINDINGS_SHOWN)
		push_say(p, "sallyport: denied %s rule=%s: %s commit=%.12s file=%s: %s", p->door.request, v.rule, path_op_word(op),
		    commit, shown, v.because);
	if (v.what == DECISION_DENY && p->content.rule == NULL)
		p->content = v;
	if (p->nchanges <= CHANGES_RECORDED)
		(void)session_record(s, "push.change", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "request", p->door.request, "rule",
		    v.rule, "verdict", decision_word(v.what), "op", path_op_word(op), "commit", commit, "path", shown), NULL, NULL);
	push_take_verdict(p, &v);
	free(masked);
	free(shown);
}

/* INSPECT_CHANGES: u32 n, n * (u8 op, u8 plain, s commit, s path). */
static int
on_changes(struct link *l, struct msg *m, void *arg)
{
	static const enum path_op ops[] = { [CHANGE_CREATE] = PATH_CREATE, [CHANGE_MODIFY] = PATH_MODIFY,
	    [CHANGE_DELETE] = PATH_DELETE };
	struct push_call *p = arg;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	for (; r == 0 && n > 0; n--) {
		char *commit = NULL, *path = NULL;
		uint8_t op, plain;

		if ((r = buf_get_u8(m->body, &op)) == 0 && (r = buf_get_u8(m->body, &plain)) == 0 &&
		    (r = buf_get_cstring(m->body, &commit)) == 0 && (r = buf_get_cstring(m->body, &path)) == 0) {
			if (op < sizeof(ops) / sizeof(ops[0]))
				push_judge_change(p, ops[op], plain != 0, commit, path);
			else
				r = ERR_FORMAT;
		}
		free(commit);
		free(path);
	}
	return r != 0 ? r : buf_end(m->body);
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
	const uint8_t *digest;
	uint64_t length;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &p->status)) != 0 || (r = buf_get_cstring(m->body, &p->reason)) != 0 ||
	    (r = buf_get_u64(m->body, &p->objects)) != 0 || (r = buf_get_u64(m->body, &p->pack_bytes)) != 0 ||
	    (r = buf_get_u32(m->body, &p->nfindings)) != 0 || (r = buf_peek_string(m->body, &digest, &n)) != 0 ||
	    (r = buf_get_u64(m->body, &length)) != 0 || (r = push_read_refs(p, m->body)) != 0 ||
	    (r = push_read_outside(p, m->body)) != 0)
		return r;
	p->have_result = true;
	p->door.channel->session->moved = true;
	return 0;
}

static const struct link_row inspector_rows[] = {
	{ INSPECT_TAKEN, "taken", LINK_PERMIT, on_taken },
	{ INSPECT_PROGRESS, "progress", LINK_PERMIT, on_progress },
	{ INSPECT_FINDING, "finding", LINK_PERMIT, on_finding },
	{ INSPECT_NOTICES, "notices", LINK_PERMIT | LINK_ONCE, on_notices },
	{ INSPECT_WANT, "want", LINK_PERMIT, on_want },
	{ INSPECT_CHANGES, "changes", LINK_PERMIT, on_changes },
	{ INSPECT_RESULT, "result", LINK_PERMIT | LINK_ONCE, on_result },
	{ 0, NULL, 0, NULL }
};

/* The steps */

static void
push_start(struct channel *c)
{
	const struct conf *conf = c->session->p->conf;
	struct push_limits limits = { .max_commands = conf->max_push_commands, .max_options = OPTIONS_MAX,
	    .max_pack_bytes = conf->max_pack_bytes };
	struct push_call *p = xcalloc(1, sizeof(*p));

	c->own = p;
	p->verdict = (struct verdict){ .what = DECISION_ALLOW, .rule = "", .because = "" };
	p->text = buf_new(48 * 1024);
	p->git = push_new(&limits);
	if (p->text == NULL || p->git == NULL)
		fatal("out of memory");
	if (!git_door_init(&p->door, c)) {
		p->step = STEP_OVER;
		return;
	}
	/* Each reference update is decided on its own; this is about the advertisement, which names references. */
	if (!policy_may_push(conf->policy, &c->session->who, p->door.upstream, p->door.repo)) {
		(void)session_record(c->session, "push.decision", json_pack("{s:s, s:s, s:s, s:s, s:s}", "request", p->door.request,
		    "upstream", p->door.upstream, "repository", p->door.repo, "verdict", "deny", "rule", "default"), NULL, NULL);
		channel_deny(c, p->door.request, "default", "no rule lets you push to this repository", "ssh BASTION policy lists what "
		    "you may do");
		p->step = STEP_OVER;
		return;
	}
	(void)session_record(c->session, "push.open", json_pack("{s:s, s:s, s:s}", "request", p->door.request, "upstream",
	    p->door.upstream, "repository", p->door.repo), push_is_durable, c);
}

static void
push_wait_open(struct push_call *p)
{
	if (p->door.failed != NULL) {
		push_fail(p, EXIT_UNREACHED, "unreachable %s: %s/%s: %s; nothing was stored; try again later, or tell whoever runs "
		    "this bastion", p->door.request, p->door.upstream, p->door.repo, p->door.failed);
		return;
	}
	if (!p->door.complete)
		return;
	if (p->leg == NULL && p->inspector == NULL && !p->refs_in) {
		p->leg = push_link(p, git_door_take(&p->door, MONITOR_FD_LEG), "git leg", leg_rows);
		p->inspector = push_link(p, git_door_take(&p->door, MONITOR_FD_INSPECTOR), "inspector", inspector_rows);
	}
	if (p->leg == NULL || p->inspector == NULL)
		push_fail(p, EXIT_UNREACHED, "unreachable %s: %s/%s: its processes could not be started; nothing was stored; push again later",
		    p->door.request, p->door.upstream, p->door.repo);
	else
		p->step = STEP_REFS;
}

static void
push_wait_refs(struct push_call *p)
{
	if (p->refs_in)
		p->step = STEP_COMMANDS;
	else if (p->door.failed != NULL || p->leg == NULL)
		push_fail(p, EXIT_UNREACHED, "unreachable %s: %s/%s: %s; nothing was stored; try again later, or tell whoever runs "
		    "this bastion", p->door.request, p->door.upstream, p->door.repo, p->door.failed != NULL ? p->door.failed : "the repository cannot be read");
}

/* The order and the updates go to the inspector; from now on it hears the client's bytes. */
static void
push_begin_inspection(struct push_call *p)
{
	const struct session *s = p->door.channel->session;
	bool judges = policy_judges_changes(s->p->conf->policy, &s->who, p->door.upstream, p->door.repo);
	struct buf *order = buf_new(MSG_MAX), *b = buf_new(MSG_MAX);
	struct push_command *cmds;
	size_t n;
	int r;

	cmds = push_commands(p->git, &n);
	p->ops = xcalloc(n, sizeof(*p->ops));
	p->unsure = xcalloc(n, sizeof(*p->unsure));
	if (order == NULL || b == NULL)
		fatal("out of memory");
	r = push_order(p->git, order);
	if (r == 0)
		r = buf_put_string(b, buf_ptr(order), buf_len(order)) | buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put_cstring(b, cmds[i].old_oid) | buf_put_cstring(b, cmds[i].new_oid) | buf_put_cstring(b, cmds[i].name);
	if (r != 0 || buf_put_u8(b, push_wants_pack(p->git)) != 0 || buf_put_u8(b, judges) != 0 ||
	    link_send(p->inspector, INSPECT_BEGIN, 0, b, -1) != 0) {
		push_refuse_all(p, "%s: the inspection could not begin", p->door.request);
		push_finish(p, NULL);
	} else
		p->step = STEP_INSPECT;
	p->spoke_us = clock_mono_us();
	buf_free(order);
	buf_free(b);
}

static void
push_wait_commands(struct push_call *p)
{
	struct channel *c = p->door.channel;
	size_t used = 0, n;
	int r = push_feed(p->git, buf_ptr(c->in), buf_len(c->in), &used);

	if (used > 0)
		c->session->moved = true;
	(void)buf_consume(c->in, used);
	if (r != 0) {
		char *why = text_printable(push_why(p->git), strlen(push_why(p->git)));

		push_say(p, "sallyport: denied %s rule=malformed: %s", p->door.request, why);
		push_refuse_all(p, "%s %s", p->door.request, why);
		free(why);
		push_finish(p, NULL);
		return;
	}
	if (push_state(p->git) == PUSH_COMMANDS || push_state(p->git) == PUSH_OPTIONS) {
		if (c->in_eof && buf_len(c->in) == 0 && !sshchan_has_unread(c->ssh))
			push_over(p, 0);	/* the client looked and went */
		return;
	}
	(void)push_commands(p->git, &n);
	if (n == 0)
		push_over(p, 0);	/* nothing to do: everything is up to date */
	else
		push_begin_inspection(p);
}

static void
push_feed_inspector(struct push_call *p)
{
	struct channel *c = p->door.channel;

	while (p->inspector != NULL && buf_len(c->in) > 0 && p->fed - p->taken < INSPECT_WINDOW) {
		size_t n = buf_len(c->in) < 128 * 1024 ? buf_len(c->in) : 128 * 1024;
		struct buf *b = buf_new(n + 16);

		if (b == NULL || buf_put_string(b, buf_ptr(c->in), n) != 0)
			fatal("out of memory");
		if (link_send(p->inspector, INSPECT_PACK, 0, b, -1) == 0)
			p->fed += n;
		buf_free(b);
		(void)buf_consume(c->in, n);
		c->session->moved = true;
	}
	if (p->inspector != NULL && c->in_eof && !p->fed_eof && buf_len(c->in) == 0 && !sshchan_has_unread(c->ssh)) {
		p->fed_eof = true;
		(void)link_send(p->inspector, INSPECT_EOF, 0, NULL, -1);
	}
}

static void
push_wait_inspection(struct push_call *p, int64_t now_us)
{
	if (!p->have_result) {
		push_feed_inspector(p);
		if (p->inspector == NULL && !p->have_result) {
			p->status = INSPECT_BAD;
			p->reason = xstrdup("the inspector ended before it had a result");
			p->have_result = true;
		} else if (now_us - p->alive_us > ALIVE_US) {
			(void)push_keepalive(p->git, p->door.channel->out);
			p->alive_us = now_us;
		}
		return;
	}
	buf_clear(p->door.channel->in);
	p->step = p->status == INSPECT_BAD ? STEP_JUDGE : STEP_ANCESTRY;
	p->door.channel->session->moved = true;
}

/* Whether an update is a fast-forward is ours to find out, not the client's to say. */
static void
push_wait_ancestry(struct push_call *p)
{
	struct push_command *cmds;
	struct buf *b;
	size_t n;
	int r;

	cmds = push_commands(p->git, &n);
	if (p->leg == NULL) {
		push_refuse_all(p, "%s: the repository cannot be asked", p->door.request);
		push_finish(p, NULL);
		return;
	}
	if (p->ancestry_busy)
		return;
	for (p->asking = 0; p->asking < n && !p->unsure[p->asking]; p->asking++)
		;
	if (p->asking == n) {
		p->step = STEP_JUDGE;
		p->door.channel->session->moved = true;
		return;
	}
	if ((b = buf_new(MSG_MAX)) == NULL)
		fatal("out of memory");
	r = buf_put_cstring(b, cmds[p->asking].old_oid) | buf_put_u32(b, (uint32_t)p->noutside);
	for (size_t i = 0; i < p->noutside && r == 0; i++)
		r = buf_put_cstring(b, p->outside[i]);
	if (r != 0 || link_send(p->leg, GITLEG_ANCESTOR, 1, b, -1) != 0) {
		p->ops[p->asking] = REF_FORCE;	/* cannot be shown to be a forward */
		p->unsure[p->asking] = false;
		p->door.channel->session->moved = true;
	} else
		p->ancestry_busy = true;
	buf_free(b);
}

static void
push_record(struct push_call *p, const char *event, const char *extra)
{
	struct channel *c = p->door.channel;
	struct push_command *cmds;
	char hex[DIGEST_HEX];
	json_t *o, *refs = json_array();
	size_t n;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++) {
		char *name = session_mask(c->session, cmds[i].name, strlen(cmds[i].name));

		(void)json_array_append_new(refs, json_pack("{s:s, s:s, s:s, s:s, s:s*}", "ref", name, "op",
		    ref_op_word(p->ops[i]), "old", cmds[i].old_oid, "new", cmds[i].new_oid, "error",
		    cmds[i].error[0] ? cmds[i].error : NULL));
		free(name);
	}
	digest_to_hex(p->digest, hex);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:s*, s:s*}", "request", p->door.request, "kind",
	    "push", "upstream", p->door.upstream, "repository", p->door.repo, "verdict", decision_word(p->verdict.what), "rule",
	    p->verdict.rule, "digest", hex, "objects", (json_int_t)p->objects, "bytes", (json_int_t)p->pack_bytes, "findings",
	    (int)p->nfindings, "updates", refs, "approval", p->consent != NULL ? consent_id(p->consent) : NULL, "result", extra);
	if (o == NULL)
		fatal("out of memory for a record");
	(void)json_object_set_new(o, "claimed", channel_claims(c));
	p->durable = false;
	(void)session_record(c->session, event, o, push_is_durable, c);
}

static void
push_judge_ref(struct push_call *p, struct push_command *cmd, enum ref_op op)
{
	struct session *s = p->door.channel->session;
	struct request q = { .kind = REQUEST_PUSH, .target = p->door.upstream, .repo = p->door.repo, .ref = cmd->name, .op = op,
	    .now = clock_wall_ms() / 1000 };
	char *name = session_mask(s, cmd->name, strlen(cmd->name));
	struct verdict v;

	decide(s->p->conf->policy, &s->who, &q, &v);
	p->text_bad |= buf_putf(p->text, "%s %s %.12s -> %.12s (rule %s: %s)\n", ref_op_word(op), name, cmd->old_oid,
	    cmd->new_oid, v.rule, decision_word(v.what)) != 0;
	if (v.what == DECISION_DENY && cmd->error[0] == '\0') {
		snprintf(cmd->error, REFUSAL_MAX, "denied %s rule=%s: %s", p->door.request, v.rule, v.because);
		push_say(p, "sallyport: denied %s rule=%s: %s of %s: %s%s%s", p->door.request, v.rule, ref_op_word(op), name,
		    v.because, v.detail[0] ? "; " : "", v.detail);
	}
	push_take_verdict(p, &v);
	free(name);
}

static void
push_refuse_unaskable(struct push_call *p)
{
	const char *why = p->two_rules != NULL ? "two rules ask, for different approvers; push what they are about one by one" :
	    p->text_bad ? "more than a human can be shown at once; push less at a time" : NULL;

	if (p->verdict.what != DECISION_ASK || why == NULL)
		return;
	push_say(p, "sallyport: denied %s rule=%s: %s", p->door.request, p->two_rules != NULL ? p->two_rules : p->verdict.rule,
	    why);
	push_refuse_all(p, "denied %s: %s", p->door.request, why);
	p->verdict.what = DECISION_DENY;
}

static void
push_judge(struct push_call *p)
{
	struct push_command *cmds;
	size_t n;

	cmds = push_commands(p->git, &n);
	/* The inspector names a bounded number of findings; what was not named was not judged. */
	if (p->nfindings > p->nshown)
		p->finding = (struct verdict){ .what = DECISION_DENY, .rule = "secret-in-push",
		    .because = "more findings than can be judged one by one" };
	if (p->status == INSPECT_BAD) {
		char *why = text_printable(p->reason, strlen(p->reason));

		p->verdict = (struct verdict){ .what = DECISION_DENY, .rule = "inspection", .because = "not accepted" };
		push_say(p, "sallyport: denied %s rule=inspection: %s; nothing was stored", p->door.request, why);
		push_refuse_all(p, "denied %s rule=inspection: %s", p->door.request, why);
		free(why);
	} else {
		for (size_t i = 0; i < n; i++)
			push_judge_ref(p, &cmds[i], p->ops[i]);
		if (p->nfindings > 0)
			push_take_verdict(p, &p->finding);
		push_refuse_unaskable(p);
	}
	if (p->nfindings > FINDINGS_SHOWN)
		push_say(p, "sallyport: and %u more", p->nfindings - FINDINGS_SHOWN);
	if (p->nchanges > CHANGES_SHOWN)
		p->text_bad |= buf_putf(p->text, "and %u more changes that rules name\n", p->nchanges - CHANGES_SHOWN) != 0;
	if (p->content.rule != NULL) {
		push_say(p, "sallyport: what may not be pushed must be left out of every commit of the push (git rebase -i COMMIT^, "
		    "git checkout COMMIT^ -- FILE, git commit --amend), or pushed by somebody who may");
		push_refuse_all(p, "denied %s rule=%s: %s", p->door.request, p->content.rule, p->content.because);
	}
	if (p->nfindings > 0 && p->finding.what == DECISION_DENY) {
		push_say(p, "sallyport: a secret that was in a commit must be taken out of every commit of the push (git rebase -i "
		    "COMMIT^, edit, git commit --amend) and rotated; deleting it in a later commit is not enough");
		push_refuse_all(p, "denied %s rule=%s: %u secret(s) in the push", p->door.request, p->finding.rule, p->nfindings);
	}
	push_content_digest(p->door.channel->session->who.identity, p->door.upstream, p->door.repo, cmds, n, p->digest);
	push_record(p, "push.decision", NULL);
	p->step = p->verdict.what == DECISION_ASK ? STEP_ASK : STEP_RECORD;
}

static void
push_ask(struct push_call *p, int64_t now_us)
{
	struct channel *c = p->door.channel;
	struct session *s = c->session;
	struct consent_params cp = { .kind = "push", .target = p->door.upstream, .login = p->door.repo,
	    .rule = p->verdict.rule, .because = p->verdict.because };
	const char *reason = push_option(p->git, "sallyport.reason");
	char *masked = reason == NULL ? NULL : session_mask(s, reason, strlen(reason));
	int r;

	r = buf_putf(p->text, "%" PRIu64 " objects, %" PRIu64 " bytes, %u findings\n", p->objects, p->pack_bytes, p->nfindings);
	if (masked != NULL)
		r |= buf_putf(p->text, "claimed reason: %s\n", masked);
	r |= buf_put_u8(p->text, '\0');
	if (r != 0) {
		push_refuse_all(p, "denied %s: more than a human can be shown at once; push less at a time", p->door.request);
		push_finish(p, NULL);
		free(masked);
		return;
	}
	cp.text = (const char *)buf_ptr(p->text);
	memcpy(cp.digest, p->digest, DIGEST_LEN);
	p->consent = consent_new(s, &cp);
	p->wait_until_us = now_us + (c->no_wait ? 0 : s->p->conf->approval_wait_ms * 1000);
	p->alive_us = 0;
	free(masked);
}

static void
push_wait_consent(struct push_call *p, int64_t now_us)
{
	enum consent_state st;

	if (!p->durable)
		return;
	if (p->consent == NULL)
		push_ask(p, now_us);
	if (p->consent == NULL)
		return;
	st = consent_state(p->consent);
	if (st == CONSENT_GIVEN) {
		push_say(p, "sallyport: %s %s", consent_id(p->consent), consent_why(p->consent));
		consent_use(p->consent);
	} else if (st == CONSENT_USED)
		p->step = STEP_RECORD;
	else if (st == CONSENT_REFUSED) {
		push_refuse_all(p, "denied %s rule=%s: %s", consent_id(p->consent), p->verdict.rule, consent_why(p->consent));
		push_finish(p, NULL);
	} else if (st == CONSENT_LATER || (st == CONSENT_PENDING && now_us >= p->wait_until_us)) {
		push_refuse_all(p, "pending %s: not decided yet; push again after approval", consent_id(p->consent));
		push_finish(p, NULL);
	} else if (st == CONSENT_PENDING && now_us >= p->alive_us) {
		push_say(p, "sallyport: pending %s rule=%s: %s; a human has been asked, %lld s left here", consent_id(p->consent),
		    p->verdict.rule, p->verdict.because, (long long)((p->wait_until_us - now_us) / 1000000));
		p->alive_us = now_us + ALIVE_US;
	}
}

/* MON_STORING: u8 ok, s error. */
static int
push_storing(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct push_call *p = c->own;
	char *error = NULL;
	uint8_t ok;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok) {
		p->store_error = error;
		p->stored = true;
		error = NULL;
	}
	c->session->moved = true;
 out:
	free(error);
	return r;
}

/* The record of the decision is durable: refuse, or let the parent release the spool. */
static void
push_release(struct push_call *p)
{
	struct channel *c = p->door.channel;
	struct push_command *cmds;
	struct buf *b;
	size_t n, refused = 0;

	if (!p->durable)
		return;
	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n; i++)
		refused += cmds[i].error[0] != '\0';
	if (refused > 0 || p->verdict.what == DECISION_DENY) {
		/* The order that was inspected holds all of them: either all may go, or none does. */
		push_refuse_all(p, "not stored: another reference of this push was denied (%s)", p->door.request);
		push_finish(p, NULL);
		return;
	}
	if ((b = buf_new(256)) == NULL)
		fatal("out of memory");
	if (buf_put_u32(b, c->number) != 0 || buf_put_cstring(b, p->consent == NULL ? "" : consent_id(p->consent)) != 0 ||
	    !session_call(c->session, c->session->monitor, MON_STORE, b, push_storing, c)) {
		push_refuse_all(p, "%s: the parent cannot be asked", p->door.request);
		push_finish(p, NULL);
	} else
		p->step = STEP_STORE;
	buf_free(b);
	p->alive_us = clock_mono_us();
}

/* Whether git took at least one reference; which, the record's updates say. */
static bool
push_any_stored(struct push_call *p)
{
	const struct push_command *cmds;
	size_t n;

	cmds = push_commands(p->git, &n);
	for (size_t i = 0; i < n && p->store_error == NULL; i++)
		if (cmds[i].error[0] == '\0')
			return true;
	return false;
}

static void
push_wait_store(struct push_call *p, int64_t now_us)
{
	if (!p->stored && p->leg == NULL)
		p->store_error = xstrdup("the repository's process ended before it answered; look before you push again");
	else if (!p->stored) {
		if (now_us - p->alive_us > ALIVE_US) {
			(void)push_keepalive(p->git, p->door.channel->out);
			p->alive_us = now_us;
		}
		return;
	}
	if (p->store_error != NULL) {
		char *why = text_printable(p->store_error, strlen(p->store_error));

		push_refuse_all(p, "%s: %s", p->door.request, why);
		free(why);
	}
	push_record(p, push_any_stored(p) ? "push.stored" : "push.refused", p->store_error == NULL ? "stored" :
	    p->store_error);
	p->step = STEP_REPORT;
}

static void
push_turn(struct channel *c, int64_t now_us)
{
	struct push_call *p = c->own;

	if (p->leg_gone)
		push_drop_link(p, &p->leg);
	if (p->inspector_gone)
		push_drop_link(p, &p->inspector);
	switch (p->step) {
	case STEP_RECORD_OPEN:
		if (p->durable) {
			git_door_open(&p->door, MONITOR_GIT_PUSH);
			p->step = STEP_OPEN;
		}
		return;
	case STEP_OPEN:
		push_wait_open(p);
		return;
	case STEP_REFS:
		push_wait_refs(p);
		return;
	case STEP_COMMANDS:
		push_wait_commands(p);
		return;
	case STEP_INSPECT:
		push_wait_inspection(p, now_us);
		return;
	case STEP_ANCESTRY:
		push_wait_ancestry(p);
		return;
	case STEP_JUDGE:
		push_judge(p);
		return;
	case STEP_ASK:
		push_wait_consent(p, now_us);
		return;
	case STEP_RECORD:
		push_release(p);
		return;
	case STEP_STORE:
		push_wait_store(p, now_us);
		return;
	case STEP_REPORT:
		if (p->durable)
			push_finish(p, NULL);
		return;
	case STEP_OVER:
		buf_clear(c->in);
		return;
	}
}

/* A state that was entered gets its own turn at once: whatever it waits for may be there already. */
static void
push_step(struct channel *c, int64_t now_us)
{
	struct push_call *p = c->own;
	enum push_step before = p->step;

	push_turn(c, now_us);
	if (p->step != before)
		c->session->moved = true;
}

/* Once the repository is storing there is no way back: the answer is waited for and recorded, whoever is listening. */
static void
push_stop(struct channel *c, const char *why)
{
	struct push_call *p = c->own;

	if (p->step == STEP_STORE || p->step == STEP_REPORT || p->step == STEP_OVER)
		return;
	channel_sayf(c, "stopped %s: %s; nothing was stored", p->door.request, why);
	push_over(p, c->session->cut_status);
}

static bool
push_settled(const struct channel *c)
{
	const struct push_call *p = c->own;

	return p->step == STEP_OVER;
}

static void
push_free_call(struct channel *c)
{
	struct push_call *p = c->own;

	push_drop_link(p, &p->leg);
	push_drop_link(p, &p->inspector);
	push_free(p->git);
	for (size_t i = 0; i < p->noutside; i++)
		free(p->outside[i]);
	free(p->outside);
	free(p->ops);
	free(p->unsure);
	free(p->reason);
	free(p->store_error);
	free(p->two_rules);
	buf_free(p->text);
	consent_free(p->consent);
	git_door_release(&p->door);
	free(p);
}

const struct channel_type channel_push_type = {
	.name = "push",
	.start = push_start,
	.step = push_step,
	.stop = push_stop,
	.settled = push_settled,
	.free = push_free_call,
};
