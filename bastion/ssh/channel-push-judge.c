/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-push-judge: what policy says to everything that a push brings: findings, notices, changed paths, references.
 *
 * Findings and changes are judged as they are heard, references once the inspector's result is in; the strictest verdict
 * counts. What is said here is said to the agent, shown to a human where one is asked, and recorded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/channel-push.h"
#include "bastion/ssh/git_digest.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/changes.h"
#include "gitfilter/inspect.h"
#include "gitfilter/push.h"

#define CHANGES_SHOWN	60		/* of the paths that a rule names, to approvers */
#define CHANGES_RECORDED 200
#define EXCERPT_SHOWN	400

static bool
is_for_humans(const struct verdict *v)
{
	return v->what == DECISION_ASK || v->what == DECISION_PARK;
}

/* The strictest counts. Two rules that ask may have different approvers: one answer cannot be for both. */
static void
push_take_verdict(struct push_call *p, const struct verdict *v)
{
	const struct policy *policy = p->door.channel->session->p->conf->policy;

	if (is_for_humans(v) && is_for_humans(&p->verdict) && strcmp(v->rule, p->verdict.rule) != 0 &&
	    p->two_rules == NULL && !policy_same_approvers(policy, v->rule, p->verdict.rule))
		p->two_rules = xasprintf("%s and %s", p->verdict.rule, v->rule);
	if (v->what > p->verdict.what || strcmp(p->verdict.rule, "") == 0)
		p->verdict = *v;
}

/* An INSPECT_FINDING, its texts printable and masked; see inspect.h. */
enum found_text { FOUND_RULE, FOUND_DESCRIPTION, FOUND_KIND, FOUND_COMMIT, FOUND_PATH, FOUND_MASKED, FOUND_FINGERPRINT, FOUND_MEMBER,
	FOUND_DECODED, FOUND_OTHER_RULE, FOUND_OTHER_PATH, FOUND_KNOWN, FOUND_EXCERPT, FOUND_TEXTS };

struct found {
	char		*text[FOUND_TEXTS];	/* owned */
	char		*place;			/* owned: path, member, line, encodings in words */
	char		*pair;			/* owned: the other half, in words, or "" */
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

/* The line that a secret stands in, for who decides; masked by the inspector, and once more here. */
static void
push_show_excerpt(struct push_call *p, const char *excerpt)
{
	char *masked = session_mask(p->door.channel->session, excerpt, strlen(excerpt)), *shown = text_printable(masked, strlen(masked));

	if (*shown != '\0')
		p->text_bad |= buf_putf(p->text, "it stands in: %.*s%s\n", EXCERPT_SHOWN, shown,
		    strlen(shown) > EXCERPT_SHOWN ? " .." : "") != 0;
	free(masked);
	free(shown);
}

/* A secret: the strictest verdict about any of them counts. */
static void
push_take_finding(struct push_call *p, const struct found *f, const struct verdict *v)
{
	char *const *t = f->text;

	if (p->nshown == 0 || v->what > p->finding.what)
		p->finding = *v;
	p->text_bad |= buf_putf(p->text, "finding: rule=%s (%s) %s commit=%.12s %s value=%s%s fingerprint=%s\n", t[FOUND_RULE],
	    t[FOUND_DESCRIPTION], t[FOUND_KIND], *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-", f->place, t[FOUND_MASKED],
	    f->pair, t[FOUND_FINGERPRINT]) != 0;
	push_show_excerpt(p, t[FOUND_EXCERPT]);
	if (p->nshown < PUSH_FINDINGS_SHOWN)
		push_say(p, "sallyport: BLOCKED %s rule=%s (%s) commit=%.12s file=%s value=%s%s", p->door.request, t[FOUND_RULE],
		    t[FOUND_DESCRIPTION], *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-", f->place, t[FOUND_MASKED], f->pair);
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

/* A secret of which an approver has said something, for this repository, that has not ended: it passes, and the record says why. */
static void
push_take_known(struct push_call *p, const struct found *f)
{
	char *const *t = f->text;

	p->nknown++;
	p->text_bad |= buf_putf(p->text, "known: rule=%s commit=%.12s %s fingerprint=%s (%s)\n", t[FOUND_RULE],
	    *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-", f->place, t[FOUND_FINGERPRINT], t[FOUND_KNOWN]) != 0;
	if (p->nknown <= PUSH_FINDINGS_SHOWN)
		push_say(p, "sallyport: known %s rule=%s commit=%.12s file=%s: %s", p->door.request, t[FOUND_RULE],
		    *t[FOUND_COMMIT] ? t[FOUND_COMMIT] : "-", f->place, t[FOUND_KNOWN]);
}

static void
push_record_finding(struct push_call *p, const struct found *f, const struct verdict *v)
{
	char *const *t = f->text;

	(void)session_record(p->door.channel->session, "push.finding", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, "
	    "s:s, s:s*, s:s*}", "request", p->door.request, "rule", t[FOUND_RULE], "verdict", decision_word(v->what), "kind", t[FOUND_KIND],
	    "commit", t[FOUND_COMMIT], "path", t[FOUND_PATH], "member", t[FOUND_MEMBER], "decoded", t[FOUND_DECODED], "line",
	    (int)f->line, "notice", (int)f->notice, "fingerprint", t[FOUND_FINGERPRINT], "pair",
	    *t[FOUND_OTHER_RULE] ? t[FOUND_OTHER_RULE] : NULL, "remembered", *t[FOUND_KNOWN] ? t[FOUND_KNOWN] : NULL), NULL, NULL);
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

/* What it goes with, and where that is. */
static void
found_pair(struct found *f)
{
	char *path = text_printable(f->text[FOUND_OTHER_PATH], strlen(f->text[FOUND_OTHER_PATH]));

	f->pair = *f->text[FOUND_OTHER_RULE] == '\0' ? xstrdup("") : xasprintf(" (a whole credential, with rule=%s file=%s)",
	    f->text[FOUND_OTHER_RULE], *path != '\0' ? path : "-");
	free(path);
}

/* INSPECT_FINDING: s rule, s description, s kind, s commit, s path, u32 line, s masked, s fingerprint, s member, s decoded, s rule
 * and s path of the other half, u8. */
int
push_on_finding(struct link *l, struct msg *m, void *arg)
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
	found_pair(&f);
	if (f.text[FOUND_KNOWN][0] != '\0') {
		v = (struct verdict){ .what = DECISION_ALLOW, .rule = "remembered", .because = "" };
		push_take_known(p, &f);
	} else if (f.notice)
		push_take_notice(p, &f, &v);
	else
		push_take_finding(p, &f, &v);
	push_record_finding(p, &f, &v);
 out:
	for (size_t i = 0; i < FOUND_TEXTS; i++)
		free(f.text[i]);
	free(f.place);
	free(f.pair);
	return r;
}

/* INSPECT_NOTICES: u32. What is not named one by one is what the strictest rule on any of it says. */
int
push_on_notices(struct link *l, struct msg *m, void *arg)
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

/* One of INSPECT_CHANGES. */
struct heard_change {
	enum path_op	 op;
	uint8_t		 plain, sized;
	enum filetype	 type;
	uint32_t	 size;
	char		*commit, *path;		/* owned */
};

/* One path: what no rule names is left to the rules on references. */
static void
push_judge_change(struct push_call *p, const struct heard_change *h)
{
	const char *commit = h->commit, *path = h->path;
	enum path_op op = h->op;
	struct session *s = p->door.channel->session;
	struct request q = { .kind = REQUEST_CHANGE, .target = p->door.upstream, .repo = p->door.repo, .path_op = op,
	    .path = path, .tree = !h->plain && op != PATH_DELETE, .sized = h->sized, .type = h->type, .size = h->size,
	    .now = clock_wall_ms() / 1000 };
	char *masked, *shown, what[40] = "";
	struct verdict v;

	decide(s->p->conf->policy, &s->who, &q, &v);
	if (v.what == DECISION_ALLOW)
		return;
	masked = session_mask(s, path, strlen(path));
	shown = text_printable(masked, strlen(masked));
	p->nchanges++;
	if (h->sized)
		(void)snprintf(what, sizeof(what), " (%s, %u bytes)", filetype_word(h->type), h->size);
	if (p->nchanges <= CHANGES_SHOWN)
		p->text_bad |= buf_putf(p->text, "change: %s %s commit=%.12s (rule %s: %s)%s\n", path_op_word(op), shown, commit, v.rule,
		    decision_word(v.what), what) != 0;
	if (v.what == DECISION_DENY && p->nchanges <= PUSH_FINDINGS_SHOWN)
		push_say(p, "sallyport: denied %s rule=%s: %s commit=%.12s file=%s: %s%s", p->door.request, v.rule, path_op_word(op),
		    commit, shown, v.because, what);
	if (v.what == DECISION_DENY && p->content.rule == NULL)
		p->content = v;
	if (p->nchanges <= CHANGES_RECORDED)
		(void)session_record(s, "push.change", json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "request", p->door.request, "rule",
		    v.rule, "verdict", decision_word(v.what), "op", path_op_word(op), "commit", commit, "path", shown), NULL, NULL);
	push_take_verdict(p, &v);
	free(masked);
	free(shown);
}

static int
push_read_change(struct buf *b, struct heard_change *h)
{
	static const enum path_op ops[] = { [CHANGE_CREATE] = PATH_CREATE, [CHANGE_MODIFY] = PATH_MODIFY,
	    [CHANGE_DELETE] = PATH_DELETE };
	uint8_t op, type;
	int r;

	*h = (struct heard_change){ .commit = NULL };
	if ((r = buf_get_u8(b, &op)) != 0 || (r = buf_get_u8(b, &h->plain)) != 0 || (r = buf_get_cstring(b, &h->commit)) != 0 ||
	    (r = buf_get_cstring(b, &h->path)) != 0 || (r = buf_get_u8(b, &h->sized)) != 0 || (r = buf_get_u8(b, &type)) != 0 ||
	    (r = buf_get_u32(b, &h->size)) != 0)
		return r;
	if (op >= sizeof(ops) / sizeof(ops[0]) || type >= FILETYPES)
		return ERR_FORMAT;
	h->op = ops[op];
	h->type = (enum filetype)type;
	return 0;
}

/* INSPECT_CHANGES, see inspect.h. */
int
push_on_changes(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	for (; r == 0 && n > 0; n--) {
		struct heard_change h;

		if ((r = push_read_change(m->body, &h)) == 0) {
			push_show_file(p, h.op, h.commit, h.path);
			push_judge_change(p, &h);
		}
		free(h.commit);
		free(h.path);
	}
	return r != 0 ? r : buf_end(m->body);
}

/* One commit that a rule names; what its people and its message say is the pusher's, and is masked. */
static void
push_take_commit(struct push_call *p, const struct verdict *v, const char *commit, const char *detail)
{
	struct session *s = p->door.channel->session;
	char *masked = session_mask(s, detail, strlen(detail)), *shown = text_printable(masked, strlen(masked));

	p->njudged++;
	if (p->njudged <= CHANGES_SHOWN)
		p->text_bad |= buf_putf(p->text, "judged: commit=%.12s (rule %s: %s) %s\n", commit, v->rule,
		    decision_word(v->what), shown) != 0;
	if (v->what == DECISION_DENY && p->njudged <= PUSH_FINDINGS_SHOWN)
		push_say(p, "sallyport: denied %s rule=%s: commit=%.12s: %s: %s", p->door.request, v->rule, commit, v->because, shown);
	if (v->what == DECISION_DENY && p->content.rule == NULL)
		p->content = *v;
	if (p->njudged <= CHANGES_RECORDED)
		(void)session_record(s, "push.commit", json_pack("{s:s, s:s, s:s, s:s, s:s}", "request", p->door.request, "rule", v->rule,
		    "verdict", decision_word(v->what), "commit", commit, "detail", shown), NULL, NULL);
	push_take_verdict(p, v);
	free(masked);
	free(shown);
}

/* INSPECT_JUDGED: u32 n, n * (s rule, s oid, s detail), u32 more. The same policy has judged them, where they were read. */
int
push_on_judged(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	const struct policy *policy = p->door.channel->session->p->conf->policy;
	uint32_t n, more;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	for (; r == 0 && n > 0; n--) {
		char *rule = NULL, *commit = NULL, *detail = NULL;
		struct verdict v;

		if ((r = buf_get_cstring(m->body, &rule)) == 0 && (r = buf_get_cstring(m->body, &commit)) == 0 &&
		    (r = buf_get_cstring(m->body, &detail)) == 0) {
			if (policy_verdict_of(policy, rule, &v))
				push_take_commit(p, &v, commit, detail);
			else
				r = ERR_FORMAT;
		}
		free(rule);
		free(commit);
		free(detail);
	}
	if (r != 0 || (r = buf_get_u32(m->body, &more)) != 0)
		return r;
	p->njudged += more;
	return buf_end(m->body);
}

static void
push_judge_ref(struct push_call *p, struct push_command *cmd, enum ref_op op)
{
	struct session *s = p->door.channel->session;
	struct request q = { .kind = REQUEST_PUSH, .target = p->door.upstream, .repo = p->door.repo, .ref = cmd->name, .op = op,
	    .extent = &p->extent, .now = clock_wall_ms() / 1000 };
	char *name = session_mask(s, cmd->name, strlen(cmd->name));
	struct verdict v;

	decide(s->p->conf->policy, &s->who, &q, &v);
	p->text_bad |= buf_putf(p->text, "%s %s %.12s -> %.12s (rule %s: %s)\n", ref_op_word(op), name, cmd->old_oid,
	    cmd->new_oid, v.rule, decision_word(v.what)) != 0;
	if (v.what == DECISION_DENY && cmd->error[0] == '\0') {
		snprintf(cmd->error, PUSH_REFUSAL_MAX, "denied %s rule=%s: %s", p->door.request, v.rule, v.because);
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

	if (!is_for_humans(&p->verdict) || why == NULL)
		return;
	push_say(p, "sallyport: denied %s rule=%s: %s", p->door.request, p->two_rules != NULL ? p->two_rules : p->verdict.rule,
	    why);
	push_refuse_all(p, "denied %s: %s", p->door.request, why);
	p->verdict.what = DECISION_DENY;
}

void
push_judge(struct push_call *p)
{
	struct push_command *cmds;
	size_t n;

	cmds = push_commands(p->git, &n);
	/* The inspector names a bounded number of findings; what was not named was not judged. */
	if (p->nfindings > p->nshown + p->nknown)
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
		if (p->nfindings > p->nknown)
			push_take_verdict(p, &p->finding);
		p->text_bad |= is_for_humans(&p->verdict) && (push_show_options(p) != 0 || push_show_content(p) != 0);
		push_refuse_unaskable(p);
	}
	if (p->nfindings - p->nknown > PUSH_FINDINGS_SHOWN)
		push_say(p, "sallyport: and %u more", p->nfindings - p->nknown - PUSH_FINDINGS_SHOWN);
	if (p->nchanges > CHANGES_SHOWN)
		p->text_bad |= buf_putf(p->text, "and %u more changes that rules name\n", p->nchanges - CHANGES_SHOWN) != 0;
	if (p->njudged > CHANGES_SHOWN)
		p->text_bad |= buf_putf(p->text, "and %u more commits that rules name\n", p->njudged - CHANGES_SHOWN) != 0;
	if (p->njudged > PUSH_FINDINGS_SHOWN && p->content.rule != NULL)
		push_say(p, "sallyport: %u commits in all that rules name", p->njudged);
	if (p->content.rule != NULL && (p->njudged == 0 || p->nchanges > 0))
		push_say(p, "sallyport: what may not be pushed must be left out of every commit of the push (git rebase -i COMMIT^, "
		    "git checkout COMMIT^ -- FILE, git commit --amend), or pushed by somebody who may");
	if (p->content.rule != NULL)
		push_refuse_all(p, "denied %s rule=%s: %s", p->door.request, p->content.rule, p->content.because);
	if (p->nfindings > p->nknown && p->finding.what == DECISION_DENY) {
		push_say(p, "sallyport: a secret that was in a commit must be taken out of every commit of the push (git rebase -i "
		    "COMMIT^, edit, git commit --amend) and rotated; deleting it in a later commit is not enough");
		push_refuse_all(p, "denied %s rule=%s: %u secret(s) in the push", p->door.request, p->finding.rule,
		    p->nfindings - p->nknown);
	}
	push_content_digest(p->door.channel->session->who.identity, p->door.upstream, p->door.repo, cmds, n, p->met, p->digest);
}
