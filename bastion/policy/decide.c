/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/id.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/bare-shell.h"
#include "bastion/policy/commit-rule.h"
#include "bastion/policy/exec.h"
#include "bastion/policy/freeze.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/profile.h"
#include "bastion/policy/variable.h"

#define OWN_REFS	"refs/sallyport/"
#define REVIEW_REFS	OWN_REFS "review/"

const char *
decision_word(enum decision d)
{
	static const char *const words[] = { "allow", "ask", "park", "deny" };

	return words[d];
}

const char *
request_kind_word(enum request_kind k)
{
	static const char *const words[] = { "exec", "shell", "subsystem", "forward", "listen", "sftp", "fetch", "push",
	    "finding", "commit", "change", "approve" };

	return words[k];
}

const char *
ref_op_word(enum ref_op op)
{
	static const char *const words[] = { "create", "update", "delete", "force" };

	return words[op];
}

bool
subject_matches(const struct strvec *patterns, const struct subject *s)
{
	for (size_t i = 0; i < patterns->n; i++) {
		const char *p = patterns->v[i];

		if (strncmp(p, "group:", 6) == 0) {
			for (size_t j = 0; s->groups != NULL && j < s->groups->n; j++)
				if (match_glob(p + 6, s->groups->v[j]))
					return true;
		} else if (strncmp(p, "owner:", 6) == 0) {
			if (s->owner != NULL && match_glob(p + 6, s->owner))
				return true;
		} else if (match_glob(p, s->identity))
			return true;
	}
	return false;
}

static bool
rule_reaches(const struct rule *r, const struct subject *s, const char *target, const char *login)
{
	return subject_matches(&r->who, s) && match_any(&r->on, target) &&
	    (r->login.n == 0 || login == NULL || match_any(&r->login, login));
}

bool
rule_applies(const struct rule *r, const struct subject *s, const struct request *req)
{
	return r->kind == req->kind && rule_reaches(r, s, req->target, req->login);
}

static void set_detail(struct verdict *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
set_detail(struct verdict *v, const char *fmt, ...)
{
	va_list ap;
	char *raw = NULL, *text;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) == -1)
		raw = NULL;
	va_end(ap);
	text = raw == NULL ? xstrdup("") : text_printable(raw, strlen(raw));
	/* A cut line is still a true one. */
	(void)snprintf(v->detail, sizeof(v->detail), "%s", text);
	for (char *p = v->detail; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	free(text);
	free(raw);
}

static void
describe_request(struct verdict *v, const struct request *req)
{
	const char *detail = req->detail != NULL ? req->detail : "", *repo = req->repo != NULL ? req->repo : "";

	switch (req->kind) {
	case REQUEST_PUSH:
		set_detail(v, "%s %s in %s/%s", ref_op_word(req->op), req->ref != NULL ? req->ref : "", req->target, repo);
		break;
	case REQUEST_FETCH:
		set_detail(v, "fetch %s/%s %s", req->target, repo, req->ref != NULL ? req->ref : "");
		break;
	case REQUEST_FINDING:
		set_detail(v, "%s in %s; remove it from %s and rotate it", detail, req->path != NULL ? req->path : "?",
		    req->repo != NULL ? "every pushed commit" : "the file");
		break;
	case REQUEST_CHANGE:
		set_detail(v, "%s of %s in %s/%s; leave it out of every pushed commit, or ask a human to push it",
		    path_op_word(req->path_op), req->path != NULL ? req->path : "?", req->target, repo);
		break;
	case REQUEST_SFTP:
		set_detail(v, "%s %s on %s; ssh BASTION policy lists what you may do", file_op_word(req->file_op),
		    req->path != NULL ? req->path : "", req->target);
		break;
	case REQUEST_SHELL:
		set_detail(v, "a shell on %s; run one command instead: ssh .. 'COMMAND'", req->target);
		break;
	default:
		set_detail(v, "%s %s on %s", request_kind_word(req->kind), detail, req->target);
		break;
	}
}

/* What the bastion keeps in repositories (gitfilter/shelf.h) is no client's to change, whatever rules say. */
static bool
is_own_ref(const struct request *req)
{
	return req->kind == REQUEST_PUSH && req->ref != NULL && strncmp(req->ref, OWN_REFS, strlen(OWN_REFS)) == 0;
}

static bool
has_extent(const struct rule *r)
{
	return r->over.commits > 0 || r->over.files > 0 || r->over.bytes > 0;
}

/* All kinds but exec: one fact, the strictest rule that meets it. */
static void
decide_plain(const struct policy *p, const struct subject *s, const struct request *req, struct verdict *out)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if (rule_applies(r, s, req) && rule_meets(r, req) && (best == NULL || r->what > best->what))
			best = r;
	}
	if (best != NULL) {
		out->what = best->what;
		out->rule = best->id;
		out->because = best->because;
	} else if (req->kind == REQUEST_FINDING && req->notice) {
		out->what = DECISION_ALLOW;
		out->rule = "no-secret";
		out->because = "nothing says that such content may not pass";
	} else if (req->kind == REQUEST_CHANGE || req->kind == REQUEST_COMMIT) {
		out->what = DECISION_ALLOW;	/* whether there may be a push at all is asked elsewhere */
		out->because = "no rule on such names it";
	} else if (req->kind == REQUEST_FINDING && req->repo == NULL) {
		out->rule = "secret-in-file";
		out->because = "the file carries a secret";
	} else if (req->kind == REQUEST_FINDING) {
		out->rule = "secret-in-push";
		out->because = "the push carries a secret";
	}
	describe_request(out, req);
	if (best != NULL && has_extent(best) && req->extent != NULL)
		set_detail(out, "it brings %u commits, %u changed paths, %llu bytes; push less at a time", req->extent->commits,
		    req->extent->files == UINT32_MAX ? 0 : req->extent->files, (unsigned long long)req->extent->bytes);
	if (best != NULL && req->kind == REQUEST_COMMIT) {
		char *words = commit_rule_explain(best, req);

		set_detail(out, "%s", words);
		free(words);
	}
}

static void
decide_exec(const struct policy *p, const struct subject *s, const struct request *req, struct verdict *out)
{
	const struct rule **rules = xcalloc(p->nrules + 1, sizeof(*rules));
	size_t n = 0;

	for (size_t i = 0; i < p->nrules; i++)
		if (rule_applies(&p->rules[i], s, req))
			rules[n++] = &p->rules[i];
	exec_judge(rules, n, req->command, req->command_len, NULL, NULL, out);
	free(rules);
}

static bool
is_denial_of(const struct policy *p, const char *rule)
{
	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].what == DECISION_DENY && strcmp(p->rules[i].id, rule) == 0)
			return true;
	return false;
}

/*
 * A command that does nothing but copy: the rules on files decide about each file in its turn, so here it is enough that one
 * of them could allow something. A rule on commands that denies it still does; one that allows any command allows no copy.
 */
static void
decide_copy(const struct policy *p, const struct subject *s, const struct request *req, struct verdict *out)
{
	struct request files = *req;

	decide_exec(p, s, req, out);
	if (out->what == DECISION_DENY && is_denial_of(p, out->rule))
		return;
	*out = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "no rule allows files to be copied" };
	set_detail(out, "it takes a rule on files, sftp: {paths: ..}; ask for one, or run 'policy' to see what is allowed");
	files.kind = REQUEST_SFTP;
	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].what == DECISION_ALLOW && rule_applies(&p->rules[i], s, &files)) {
			out->what = DECISION_ALLOW;
			out->rule = "by-file";
			out->because = "";
			return;
		}
}

/*
 * What a bare shell will be told cannot be seen in its command, so no rule of exec allows it; but whoever may have a shell
 * has it either way.
 */
static void
decide_bare_shell(const struct policy *p, const struct subject *s, const struct request *req, struct verdict *out)
{
	struct request shell = { .kind = REQUEST_SHELL, .target = req->target, .login = req->login, .now = req->now };
	struct verdict v = { .what = DECISION_DENY, .rule = "default", .because = "no rule allows it" };

	if (strcmp(out->rule, "unresolved") != 0 || !is_bare_shell(req->command, req->command_len) ||
	    !profile_permits(policy_profile(p, s), &shell, &v))
		return;
	decide_plain(p, s, &shell, &v);
	if (v.what != DECISION_DENY)
		freezes_apply(p, s, &shell, &v);
	if (strcmp(v.rule, "default") != 0)
		*out = v;
}

static void
decide_approve(const struct policy *p, const struct subject *s, const struct request *req, struct verdict *out)
{
	out->rule = "approvers";
	out->because = "only the approvers that the rule names may decide";
	for (size_t i = 0; i < p->nasks; i++) {
		if (req->detail == NULL || strcmp(p->asks[i]->rule, req->detail) != 0)
			continue;
		if (subject_matches(&p->asks[i]->who, s)) {
			out->what = DECISION_ALLOW;
			out->because = "named as approver";
		}
		set_detail(out, "approvers of rule %s", p->asks[i]->rule);
		return;
	}
	set_detail(out, "no rule of that name asks");
}

void
decide(const struct policy *p, const struct subject *s, const struct request *given, struct verdict *out)
{
	struct request asked = *given, *req = &asked;

	asked.who = s;
	*out = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "no rule allows it" };
	if (req->kind == REQUEST_APPROVE)
		decide_approve(p, s, req, out);
	else if (req->target == NULL)
		set_detail(out, "no target");
	else if (!profile_permits(policy_profile(p, s), req, out))
		return;
	else if (req->kind == REQUEST_EXEC && req->command != NULL && req->copies)
		decide_copy(p, s, req, out);
	else if (req->kind == REQUEST_EXEC && req->command != NULL) {
		decide_exec(p, s, req, out);
		decide_bare_shell(p, s, req, out);
	} else if (req->kind == REQUEST_EXEC)
		set_detail(out, "no command");
	else if (is_own_ref(req)) {
		out->because = "references under " OWN_REFS " are the bastion's own";
		describe_request(out, req);
	} else
		decide_plain(p, s, req, out);
	if (out->what != DECISION_DENY)
		freezes_apply(p, s, req, out);
}

/* The kinds of which nothing is done on a target. */
static bool
is_of_repositories(enum request_kind k)
{
	return k == REQUEST_FETCH || k == REQUEST_PUSH;
}

/* The kinds that only restrict what another one lets through. */
static bool
is_of_content(enum request_kind k)
{
	return k == REQUEST_FINDING || k == REQUEST_COMMIT || k == REQUEST_CHANGE;
}

/* Whether a profile leaves anything of what a rule allows: the freest request that it could be about decides. */
static bool
profile_leaves(enum profile profile, const struct rule *r)
{
	struct request req = { .kind = r->kind, .detail = "sftp" };
	struct verdict ignored;

	return is_of_content(r->kind) || profile_permits(profile, &req, &ignored);
}

static bool
reaches(const struct policy *p, const struct subject *s, const char *place, const char *login, bool repositories)
{
	enum profile profile = policy_profile(p, s);

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if (r->what != DECISION_DENY && !is_of_content(r->kind) && is_of_repositories(r->kind) == repositories &&
		    rule_reaches(r, s, place, login) && profile_leaves(profile, r))
			return true;
	}
	return false;
}

bool
policy_reaches(const struct policy *p, const struct subject *s, const char *target, const char *login)
{
	return reaches(p, s, target, login, false);
}

bool
policy_reaches_upstream(const struct policy *p, const struct subject *s, const char *upstream)
{
	return reaches(p, s, upstream, NULL, true);
}

bool
policy_may_forward(const struct policy *p, const struct subject *s, const char *target, const char *login)
{
	enum profile profile = policy_profile(p, s);

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if (r->what != DECISION_DENY && (r->kind == REQUEST_FORWARD || r->kind == REQUEST_LISTEN) &&
		    rule_reaches(r, s, target, login) && profile_leaves(profile, r))
			return true;
	}
	return false;
}

bool
policy_may_push(const struct policy *p, const struct subject *s, const char *upstream, const char *repo)
{
	struct request req = { .kind = REQUEST_PUSH, .target = upstream, .repo = repo, .who = s };

	for (size_t i = 0; i < p->nrules; i++)
		for (req.op = REF_CREATE; p->rules[i].what != DECISION_DENY && req.op <= REF_FORCE; req.op++)
			if (rule_applies(&p->rules[i], s, &req) && rule_meets(&p->rules[i], &req))
				return true;
	return false;
}

static bool
judges(const struct policy *p, const struct subject *s, enum request_kind kind, const char *upstream, const char *repo)
{
	const struct request req = { .kind = kind, .target = upstream, .repo = repo, .who = s };

	for (size_t i = 0; i < p->nrules; i++)
		if (rule_applies(&p->rules[i], s, &req) && rule_meets(&p->rules[i], &req))
			return true;
	return false;
}

static bool
names_reviews(const struct rule *r)
{
	for (size_t i = 0; i < r->refs.n; i++)
		if (strncmp(r->refs.v[i], REVIEW_REFS, strlen(REVIEW_REFS)) == 0)
			return true;
	return false;
}

bool
policy_reads_reviews(const struct policy *p, const struct subject *s, const char *upstream, const char *repo)
{
	const struct request req = { .kind = REQUEST_FETCH, .target = upstream, .repo = repo };
	bool allowed = false;

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if (!names_reviews(r) || !rule_applies(r, s, &req) || !rule_meets(r, &req))
			continue;
		if (r->what != DECISION_ALLOW)
			return false;
		allowed = true;
	}
	return allowed;
}

bool
policy_judges_changes(const struct policy *p, const struct subject *s, const char *upstream, const char *repo)
{
	const struct request req = { .kind = REQUEST_PUSH, .target = upstream, .repo = repo, .who = s };

	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].over.files > 0 && rule_applies(&p->rules[i], s, &req))
			return true;
	return judges(p, s, REQUEST_CHANGE, upstream, repo);
}

bool
policy_judges_commits(const struct policy *p, const struct subject *s, const char *upstream, const char *repo)
{
	return judges(p, s, REQUEST_COMMIT, upstream, repo);
}

bool
policy_verdict_of(const struct policy *p, const char *rule, struct verdict *out)
{
	for (size_t i = 0; i < p->nrules; i++)
		if (strcmp(p->rules[i].id, rule) == 0) {
			*out = (struct verdict){ .what = p->rules[i].what, .rule = p->rules[i].id, .because = p->rules[i].because };
			return true;
		}
	return false;
}

bool
policy_may_ask(const struct policy *p, const struct subject *s, const char *upstream)
{
	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if ((r->what == DECISION_ASK || r->what == DECISION_PARK) && (r->kind == REQUEST_PUSH || is_of_content(r->kind)) &&
		    rule_reaches(r, s, upstream, NULL))
			return true;
	}
	for (size_t i = 0; i < p->nfreezes; i++)
		if (p->freezes[i].rule.what == DECISION_ASK)
			return true;
	return false;
}

static const struct approver_rule *
approvers_of(const struct policy *p, const char *rule)
{
	for (size_t i = 0; i < p->nasks; i++)
		if (strcmp(p->asks[i]->rule, rule) == 0)
			return p->asks[i];
	return NULL;
}

bool
policy_same_approvers(const struct policy *p, const char *a, const char *b)
{
	const struct approver_rule *x = approvers_of(p, a), *y = approvers_of(p, b);

	if (x == NULL || y == NULL || x->quorum != y->quorum || x->who.n != y->who.n)
		return false;
	for (size_t i = 0; i < x->who.n; i++)
		if (strcmp(x->who.v[i], y->who.v[i]) != 0)
			return false;
	return true;
}

const struct approver_rule *
policy_approvers(const struct policy *p, size_t i)
{
	return i < p->nasks ? p->asks[i] : NULL;
}

static void
line_add(struct strvec *line, const char *word, const struct strvec *v)
{
	char *s;

	if (v->n == 0)
		return;
	s = strvec_join(v, ", ");
	strvec_pushf(line, "%s %s", word, s);
	free(s);
}

static void
describe_cond(struct strvec *line, const struct exec_cond *c)
{
	if (c->any)
		strvec_push(line, "any command");
	if (c->unresolved)
		strvec_push(line, "what cannot be resolved");
	if (c->program.n > 0) {
		char *program = strvec_join(&c->program, "|"), *args = strvec_join(&c->args, " ");

		strvec_pushf(line, "'%s%s%s'", program, c->args.n > 0 ? " " : "", args);
		free(program);
		free(args);
	}
	line_add(line, "with any flag of", &c->flags);
	line_add(line, "with flags", &c->all_flags);
	line_add(line, "without flags", &c->not_flags);
	line_add(line, "on", &c->operands);
	line_add(line, "write to", &c->write);
}

static void
describe_ops(struct strvec *line, const struct rule *r)
{
	if (r->kind == REQUEST_PUSH)
		for (int op = REF_CREATE; op <= REF_FORCE; op++)
			if ((r->ops & 1u << op) != 0)
				strvec_push(line, ref_op_word((enum ref_op)op));
	if (r->kind == REQUEST_CHANGE)
		for (int op = 0; op < PATH_OPS; op++)
			if ((r->ops & 1u << op) != 0)
				strvec_push(line, path_op_word((enum path_op)op));
	if (r->kind == REQUEST_SFTP && (r->ops | 1u << FILE_SYNC) == FILE_OPS_ALL)
		strvec_push(line, r->ops == FILE_OPS_ALL ? "everything" : "everything but sync");
	else if (r->kind == REQUEST_SFTP)
		for (int op = 0; op < FILE_OPS; op++)
			if ((r->ops & 1u << op) != 0)
				strvec_push(line, file_op_word((enum file_op)op));
}

/* Patterns as they are for this subject. */
static void
line_add_filled(struct strvec *line, const char *word, const struct strvec *v, const struct subject *s)
{
	struct strvec filled = STRVEC_INIT;

	for (size_t i = 0; i < v->n; i++) {
		char *text = variables_fill(v->v[i], s);

		strvec_take(&filled, text != NULL ? text : xstrdup(v->v[i]));
	}
	line_add(line, word, &filled);
	strvec_release(&filled);
}

static void
describe_amounts(struct strvec *line, const struct rule *r)
{
	for (int t = 0; t < FILETYPES; t++)
		if ((r->types & 1u << t) != 0)
			strvec_pushf(line, "that are %s", filetype_word((enum filetype)t));
	if (r->larger != -1)
		strvec_pushf(line, "over %lld bytes", (long long)r->larger);
	if (r->over.commits > 0)
		strvec_pushf(line, "over %u commits", r->over.commits);
	if (r->over.files > 0)
		strvec_pushf(line, "over %u files", r->over.files);
	if (r->over.bytes > 0)
		strvec_pushf(line, "over %llu bytes in all", (unsigned long long)r->over.bytes);
}

static char *
describe_rule(const struct rule *r, const struct subject *s, enum profile profile)
{
	struct strvec line = STRVEC_INIT;
	char *on = strvec_join(&r->on, ", "), *text;

	strvec_pushf(&line, "%-5s %s on %s:", decision_word(r->what), request_kind_word(r->kind), on);
	for (size_t i = 0; i < r->nconds; i++)
		describe_cond(&line, &r->conds[i]);
	describe_ops(&line, r);
	line_add(&line, is_of_repositories(r->kind) || r->kind == REQUEST_CHANGE || r->kind == REQUEST_COMMIT ? "repositories" : "of",
	    &r->names);
	line_add_filled(&line, "references", &r->refs, s);
	line_add_filled(&line, "but not", &r->not_refs, s);
	if (r->kind == REQUEST_COMMIT)
		commit_rule_describe(r, s, &line);
	if (r->guards)
		strvec_push(&line, "the protected paths");
	line_add(&line, "paths", &r->paths);
	line_add(&line, "but not", &r->not_paths);
	describe_amounts(&line, r);
	line_add(&line, "as login", &r->login);
	strvec_pushf(&line, "[%s]", r->id);
	if (r->because[0] != '\0')
		strvec_push(&line, r->because);
	if (r->what != DECISION_DENY && !profile_leaves(profile, r))
		strvec_push(&line, "(not for you: your profile permits none of it)");
	text = strvec_join(&line, " ");
	strvec_release(&line);
	free(on);
	return text;
}

char *
policy_describe(const struct policy *p, const struct subject *s)
{
	enum profile profile = policy_profile(p, s);
	struct strvec lines = STRVEC_INIT;
	bool repositories = false;
	char *out;

	strvec_pushf(&lines, "Your profile is %s: %s.", profile_word(profile), profile_text(profile));
	for (size_t i = 0; i < p->nrules; i++)
		if (subject_matches(&p->rules[i].who, s)) {
			strvec_take(&lines, describe_rule(&p->rules[i], s, profile));
			repositories |= is_of_repositories(p->rules[i].kind) && p->rules[i].what != DECISION_DENY;
		}
	if (repositories)
		strvec_push(&lines, "LFS objects of hosted repositories go along with fetch and push, over SSH.");
	strvec_push(&lines, lines.n == 1 ? "Nothing is allowed to you." : "Everything else is denied. The strictest rule that "
	    "matches decides.");
	strvec_push(&lines, "");
	out = strvec_join(&lines, "\n");
	strvec_release(&lines);
	return out;
}
