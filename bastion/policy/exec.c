/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/id.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/path.h"
#include "bastion/policy/script.h"

/*
 * How surely a condition meets a fact. A denial needs only MEETS_MAYBE, a permission MEETS_SURELY: what is not known
 * for certain always counts against the command.
 */
enum meets { MEETS_NOT, MEETS_MAYBE, MEETS_SURELY };

struct judgement {
	enum decision	 what;
	const char	*rule;
	const char	*because;
	bool		 named;		/* by a rule of the file, not by one of the bastion's own */
};

static enum meets
least(enum meets a, enum meets b)
{
	return a < b ? a : b;
}

static enum meets
most(enum meets a, enum meets b)
{
	return a > b ? a : b;
}

/* Only in these folders is a program what its name says. */
static bool
is_system_path(const char *path)
{
	static const char *const dirs[] = { "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/",
	    "/usr/local/sbin/" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0 && strchr(path + strlen(dirs[i]), '/') == NULL)
			return true;
	return false;
}

/* Words right after the program, exactly. */
static enum meets
args_lead(const struct strvec *args, const struct command *c)
{
	enum meets m = MEETS_SURELY;

	for (size_t i = 0; i < args->n; i++) {
		const struct word *w;

		if (i + 1 >= c->words.n)
			return MEETS_NOT;
		w = &c->words.v[i + 1];
		if (w->kind != WORD_LITERAL)
			m = MEETS_MAYBE;
		else if (!match_glob(args->v[i], w->text))
			return m == MEETS_MAYBE ? MEETS_MAYBE : MEETS_NOT;
	}
	return m;
}

/* In this order with anything between them, as options and their values come between a program and its verb. */
static enum meets
args_follow(const struct strvec *args, const struct command *c)
{
	bool unknown = false;
	size_t i = 0;

	for (size_t j = 1; j < c->words.n && i < args->n; j++) {
		unknown |= c->words.v[j].kind != WORD_LITERAL;
		if (c->words.v[j].kind == WORD_LITERAL && match_glob(args->v[i], c->words.v[j].text))
			i++;
	}
	return i == args->n ? MEETS_SURELY : unknown ? MEETS_MAYBE : MEETS_NOT;
}

/* One word against one flag: -rf is -r and -f, or else the long option "rf". */
static enum meets
flag_word(const char *flag, const char *text)
{
	size_t n = strlen(flag), len;

	if (text[0] != '-' || text[1] == '\0')
		return MEETS_NOT;
	if (text[1] == '-') {
		text += 2;
		len = strcspn(text, "=");
		if (len == 0)
			return MEETS_NOT;
		if (len == n && memcmp(text, flag, n) == 0)
			return MEETS_SURELY;
		return n > 1 && len < n && memcmp(text, flag, len) == 0 ? MEETS_MAYBE : MEETS_NOT;
	}
	text++;
	len = strcspn(text, "=");
	if (len == n && memcmp(text, flag, n) == 0)
		return MEETS_SURELY;
	return n == 1 && strchr(text, flag[0]) != NULL ? MEETS_MAYBE : MEETS_NOT;
}

static enum meets
flag_meets(const char *flag, const struct command *c)
{
	enum meets best = MEETS_NOT;
	bool ended = false;

	for (size_t i = 1; i < c->words.n && best != MEETS_SURELY; i++) {
		const struct word *w = &c->words.v[i];
		enum meets m = w->kind == WORD_LITERAL ? flag_word(flag, w->text) :
		    word_may_be_option(w) ? MEETS_MAYBE : MEETS_NOT;

		/* Most programs end their options at "--", but not all. */
		if (ended)
			m = least(m, MEETS_MAYBE);
		best = most(best, m);
		ended |= word_is(w, "--");
	}
	return best;
}

static enum meets
flags_meet(const struct exec_cond *cond, const struct command *c)
{
	enum meets any = cond->flags.n == 0 ? MEETS_SURELY : MEETS_NOT, m = MEETS_SURELY;

	for (size_t i = 0; i < cond->flags.n; i++)
		any = most(any, flag_meets(cond->flags.v[i], c));
	for (size_t i = 0; i < cond->all_flags.n; i++)
		m = least(m, flag_meets(cond->all_flags.v[i], c));
	for (size_t i = 0; i < cond->not_flags.n; i++)
		m = least(m, (enum meets)(MEETS_SURELY - flag_meets(cond->not_flags.v[i], c)));
	return least(any, m);
}

/* "/srv/" and a star: everything in a folder is as good as the folder. s is the caller's to change. */
static bool
parent_of_all(char *s)
{
	char *slash = strrchr(s, '/');

	if (slash == NULL || strspn(slash + 1, "*?.") != strlen(slash + 1))
		return false;
	slash[slash == s] = '\0';
	return true;
}

/* One word seen from one folder against one pattern, both without detours. */
static enum meets
path_meets(const char *pattern, const struct word *w, const char *cwd)
{
	char *p = path_canon("~", pattern, true), *s = path_canon(cwd, w->text, w->tilde);
	enum meets m;

	if (p == NULL || s == NULL)
		m = MEETS_MAYBE;
	else if (w->kind == WORD_LITERAL)
		m = match_path(p, s) ? MEETS_SURELY : MEETS_NOT;
	else if (match_path(p, s))	/* a ? of the pattern stands for one character, not for whatever a * becomes */
		m = path_glob_is_tame(w->text) && (strchr(p, '?') == NULL || strchr(s, '*') == NULL) ? MEETS_SURELY : MEETS_MAYBE;
	else
		m = path_may_meet(p, s) || !path_glob_is_tame(w->text) || (parent_of_all(s) && match_path(p, s)) ?
		    MEETS_MAYBE : MEETS_NOT;
	free(p);
	free(s);
	return m;
}

static enum meets
operand_pattern(const char *pattern, const struct word *w, const struct command *c, bool allow)
{
	bool fixed = w->tilde || w->text[0] == '/', all = true;
	enum meets best = MEETS_NOT;

	if (w->kind == WORD_UNKNOWN || w->splits)
		return MEETS_MAYBE;
	if (fixed)
		return path_meets(pattern, w, "~");
	for (size_t i = 0; i < c->ncwds; i++) {
		enum meets m = path_meets(pattern, w, c->cwds[i]);

		all = all && m == MEETS_SURELY;
		best = most(best, m);
	}
	if (c->ncwds == 0)
		return MEETS_MAYBE;
	/* A word that may be no path at all ("nginx") is the same word in every folder. */
	if (!allow && strchr(w->text, '/') == NULL && w->kind == WORD_LITERAL && strchr("/~", pattern[0]) == NULL &&
	    strcmp(w->text, "..") != 0 && match_glob(pattern, w->text))
		return MEETS_SURELY;
	return all ? best : least(best, MEETS_MAYBE);
}

static enum meets
operand_meets(const struct strvec *patterns, const struct word *w, const struct command *c, bool allow)
{
	enum meets best = MEETS_NOT;

	for (size_t i = 0; i < patterns->n; i++)
		best = most(best, operand_pattern(patterns->v[i], w, c, allow));
	return best;
}

/* A bare name is the system's; a program with a path is the one that rules name by path. */
static enum meets
program_meets(const struct strvec *patterns, const struct command *c, bool allow)
{
	const struct word *w = &c->words.v[0];
	const char *slash = strrchr(w->text, '/'), *base = slash == NULL ? w->text : slash + 1;
	enum meets best = MEETS_NOT;
	bool trusted = true;

	if (w->kind != WORD_LITERAL)
		return MEETS_MAYBE;
	if (slash != NULL) {
		char *path = path_canon("~", w->text, w->tilde);

		trusted = path != NULL && is_system_path(path);
		free(path);
	}
	for (size_t i = 0; i < patterns->n; i++) {
		const char *p = patterns->v[i], *pslash = strrchr(p, '/');

		if (pslash == NULL && match_glob(p, base))
			best = most(best, trusted ? MEETS_SURELY : MEETS_MAYBE);
		if (pslash != NULL && slash != NULL)
			best = most(best, operand_pattern(p, w, c, allow));
		if (pslash != NULL && match_glob(pslash + 1, base))
			best = most(best, MEETS_MAYBE);
	}
	return best;
}

/* To allow, every operand must fit, and no option may carry a path past the pattern; to ask or deny, one is enough. */
static enum meets
operands_meet(const struct exec_cond *cond, const struct command *c, bool allow)
{
	enum meets any = MEETS_NOT, all = MEETS_SURELY;
	bool ended = false;

	if (cond->operands.n == 0)
		return MEETS_SURELY;
	for (size_t i = 1 + (allow ? cond->args.n : 0); i < c->words.n; i++) {
		const struct word *w = &c->words.v[i];
		enum meets m;

		if (!ended && w->kind == WORD_LITERAL && w->text[0] == '-' && w->text[1] != '\0') {
			ended = strcmp(w->text, "--") == 0;
			if (strpbrk(w->text, "/=~.") != NULL)
				all = MEETS_NOT;
			continue;
		}
		m = operand_meets(&cond->operands, w, c, allow);
		any = most(any, m);
		all = least(all, m);
	}
	/* What comes in by < is read like what is named. */
	for (size_t i = 0; i < c->reads.n; i++) {
		enum meets m = operand_meets(&cond->operands, &c->reads.v[i], c, allow);

		any = most(any, m);
		all = least(all, m);
	}
	return allow ? all : any;
}

/* A group's input, { ..; } <FILE: which of its commands reads it is not known. */
static enum meets
group_meets(const struct exec_cond *cond, const struct command *c, bool allow)
{
	if (c->reads.n == 0 || cond->unresolved)
		return MEETS_NOT;
	if (cond->operands.n == 0)
		return allow ? MEETS_SURELY : MEETS_NOT;
	return operands_meet(cond, c, allow);
}

static enum meets
cond_meets(const struct exec_cond *cond, const struct command *c, bool allow)
{
	enum meets m = MEETS_SURELY;

	if (cond->any)
		return c->unresolved == NULL ? MEETS_SURELY : MEETS_MAYBE;
	if (cond->write.n > 0)
		return MEETS_NOT;
	if (c->words.n == 0 && c->unresolved == NULL)
		return group_meets(cond, c, allow);
	if (c->words.n == 0)
		return cond->unresolved && c->unresolved != NULL && cond->program.n == 0 ? MEETS_SURELY : MEETS_NOT;
	if (cond->unresolved != (c->unresolved != NULL))
		m = cond->unresolved || c->words.v[0].kind != WORD_LITERAL ? MEETS_NOT : MEETS_MAYBE;
	if (cond->program.n > 0)
		m = least(m, program_meets(&cond->program, c, allow));
	if (m != MEETS_NOT && cond->args.n > 0)
		m = least(m, allow ? args_lead(&cond->args, c) : args_follow(&cond->args, c));
	if (m != MEETS_NOT)
		m = least(m, least(flags_meet(cond, c), operands_meet(cond, c, allow)));
	return m;
}

/* w = NULL: the command; otherwise a file that it writes. */
static enum meets
rule_meets_fact(const struct rule *r, const struct command *c, const struct word *w)
{
	enum meets best = MEETS_NOT;

	for (size_t i = 0; i < r->nconds; i++) {
		const struct exec_cond *cond = &r->conds[i];

		if (w == NULL)
			best = most(best, cond_meets(cond, c, r->what == DECISION_ALLOW));
		else if (cond->any)
			best = MEETS_SURELY;
		else if (cond->write.n > 0)
			best = most(best, operand_meets(&cond->write, w, c, r->what == DECISION_ALLOW));
	}
	return best;
}

static bool
is_harmless(const struct command *c)
{
	static const char *const names[] = { "cd", ":", "true", "false", "test", "[", "exit", "return", "break", "continue",
	    "pwd", "wait", "export", "unset", "readonly", "local", "shift", "set", "command" };

	if (c->words.n == 0)
		return c->reads.n == 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word_is(&c->words.v[0], names[i]))
			return true;
	return false;
}

static bool
write_is_harmless(const struct word *w)
{
	return word_is(w, "/dev/null") || word_is(w, "/dev/stdout") || word_is(w, "/dev/stderr");
}

/* What is decided when no rule of the file has a say. */
static struct judgement
judge_without_rule(const struct rule *const *rules, size_t n, const struct command *c, const struct word *w)
{
	struct judgement j = { .what = DECISION_DENY, .rule = "default", .because = "no rule allows it" };
	bool some = false;

	for (size_t i = 0; i < n; i++)
		some = some || rules[i]->what != DECISION_DENY;
	if (w == NULL && c->unresolved != NULL) {
		j.rule = "unresolved";
		j.because = c->unresolved;
	} else if (some && (w == NULL ? is_harmless(c) : write_is_harmless(w))) {
		j.what = DECISION_ALLOW;
		j.rule = "shell-builtin";
		j.because = "";
	}
	return j;
}

static struct judgement
judge_fact(const struct rule *const *rules, size_t n, const struct command *c, const struct word *w)
{
	const struct rule *strictest = NULL;
	struct judgement j;
	bool granted = false;

	for (size_t i = 0; i < n; i++) {
		enum meets m = rule_meets_fact(rules[i], c, w);

		/* A question may grant what is unresolved, when its author says so; a permission never does. */
		if (m == MEETS_NOT || (m == MEETS_MAYBE && rules[i]->what == DECISION_ALLOW))
			continue;
		granted = granted || (m == MEETS_SURELY && rules[i]->what != DECISION_DENY);
		if (strictest == NULL || rules[i]->what > strictest->what)
			strictest = rules[i];
	}
	j = judge_without_rule(rules, n, c, w);
	granted = granted || j.what == DECISION_ALLOW;
	if (strictest == NULL || (strictest->what != DECISION_DENY && !granted))
		return j;
	return (struct judgement){ .what = strictest->what, .rule = strictest->id, .because = strictest->because,
	    .named = true };
}

/* The allowed form that is nearest: the first one with the same program. */
static char *
nearest_allowed(const struct rule *const *rules, size_t n, const struct command *c)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; rules[i]->what != DECISION_DENY && c->words.n > 0 && k < rules[i]->nconds; k++) {
			const struct exec_cond *cond = &rules[i]->conds[k];
			char *args, *s;

			if (cond->program.n == 0 || program_meets(&cond->program, c, true) != MEETS_SURELY)
				continue;
			args = strvec_join(&cond->args, " ");
			s = xasprintf("; rule %s has '%.60s%s%.60s'", rules[i]->id, c->words.v[0].text, args[0] == '\0' ? "" : " ",
			    args);
			free(args);
			return s;
		}
	return xstrdup("; ask for a rule, or run 'policy' to see what is allowed");
}

static void
put_detail(struct verdict *v, const char *text)
{
	char *s = text_printable(text, strlen(text));

	(void)snprintf(v->detail, sizeof(v->detail), "%s", s);
	for (char *p = v->detail; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	free(s);
}

static void
explain(struct verdict *v, const struct rule *const *rules, size_t n, const struct command *c, const struct word *w)
{
	char *text, *near = NULL, *line;

	text = w == NULL ? command_text(c) : xasprintf("writing to %s", w->text);
	if (w == NULL && strcmp(v->rule, "default") == 0)
		near = nearest_allowed(rules, n, c);
	line = xasprintf("'%.120s'%s", text, near != NULL ? near : "");
	put_detail(v, line);
	free(line);
	free(near);
	free(text);
}

/* Keep the stricter; among equals one that a rule of the file has made. */
static void
add_judgement(struct verdict *out, bool *first, bool *named, struct judgement j, const struct rule *const *rules,
    size_t n, const struct command *c, const struct word *w)
{
	if (!*first && (j.what < out->what || (j.what == out->what && (*named || !j.named))))
		return;
	*first = false;
	*named = j.named;
	out->what = j.what;
	out->rule = j.rule;
	out->because = j.because;
	explain(out, rules, n, c, w);
}

static void
report(exec_step_fn step, void *arg, const struct command *c, const struct word *w, const struct judgement *j)
{
	char *text;

	if (step == NULL)
		return;
	text = w == NULL ? command_text(c) : xasprintf("> %s", w->text);
	step(&(struct exec_step){ .text = text, .what = j->what, .rule = j->rule }, arg);
	free(text);
}

static void
judge_script(const struct rule *const *rules, size_t n, const struct script *s, exec_step_fn step, void *arg,
    struct verdict *out)
{
	bool first = true, named = false;

	for (size_t i = 0; i < s->n; i++) {
		const struct command *c = &s->v[i];

		/* k = 0 is the command itself, the others are the files it writes. */
		for (size_t k = c->words.n == 0 && c->reads.n == 0 && c->unresolved == NULL; k <= c->writes.n; k++) {
			const struct word *w = k == 0 ? NULL : &c->writes.v[k - 1];
			struct judgement j = judge_fact(rules, n, c, w);

			report(step, arg, c, w, &j);
			add_judgement(out, &first, &named, j, rules, n, c, w);
		}
	}
	if (first)
		put_detail(out, "the command is empty");
}

void
exec_judge(const struct rule *const *rules, size_t n, const uint8_t *command, size_t len, exec_step_fn step, void *arg,
    struct verdict *out)
{
	const char *bad = script_malformed(command, len);
	struct script s;

	*out = (struct verdict){ .what = DECISION_DENY, .rule = "default", .because = "no rule allows it" };
	if (bad != NULL) {
		out->rule = "malformed";
		out->because = bad;
		put_detail(out, "send the command as plain text");
		return;
	}
	script_parse(&s, (const char *)command, len);
	script_resolve(&s);
	if (s.unresolved != NULL) {
		/* Nothing of it is certain, so it is one fact, and what was understood of it does not count. */
		const char *why = s.unresolved;

		script_release(&s);
		s = (struct script){ .unresolved = why };
		script_add(&s)->unresolved = why;
		(void)script_add_word(&s, &s.v[0].words, xstrndup((const char *)command, len), WORD_UNKNOWN, true, false);
	}
	judge_script(rules, n, &s, step, arg, out);
	script_release(&s);
}

bool
exec_meets(const struct rule *r, const uint8_t *command, size_t len)
{
	struct script s;
	bool all = true, any = false;

	if (script_malformed(command, len) != NULL)
		return false;
	script_parse(&s, (const char *)command, len);
	script_resolve(&s);
	if (s.unresolved != NULL && s.n > 0)
		command_unresolved(&s.v[0], s.unresolved);
	for (size_t i = 0; i < s.n; i++)
		for (size_t k = 0; k <= s.v[i].writes.n; k++) {
			const struct word *w = k == 0 ? NULL : &s.v[i].writes.v[k - 1];
			enum meets m = rule_meets_fact(r, &s.v[i], w);

			all = all && (m == MEETS_SURELY || (w == NULL ? is_harmless(&s.v[i]) : write_is_harmless(w)));
			any = any || m == MEETS_SURELY || (m == MEETS_MAYBE && r->what == DECISION_DENY);
		}
	script_release(&s);
	return r->what == DECISION_ALLOW ? all && any : any;
}
