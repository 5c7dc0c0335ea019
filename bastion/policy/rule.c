/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/commit-rule.h"
#include "bastion/policy/destination.h"
#include "bastion/policy/exec.h"
#include "bastion/policy/freeze.h"
#include "bastion/policy/masking.h"
#include "bastion/policy/profile.h"
#include "bastion/policy/variable.h"

#define MAX_ID		64
#define MAX_BECAUSE	300
#define MAX_QUORUM	20

/* Kinds in the words of the file, and the keys that a map of conditions may have. */
struct kind_row {
	const char		*key;
	enum request_kind	 kind;
	const char		*names_key;	/* the list that a bare list stands for */
	const char		*known[8];
	const char *const	*ops;		/* words of the list "ops" */
	size_t			 nops;
};

static const char *const ref_ops[] = { [REF_CREATE] = "create", [REF_UPDATE] = "update", [REF_DELETE] = "delete",
    [REF_FORCE] = "force" };
static const char *const path_ops[PATH_OPS] = { [PATH_CREATE] = "create", [PATH_MODIFY] = "modify", [PATH_DELETE] = "delete" };
#define NREFOPS	(sizeof(ref_ops) / sizeof(ref_ops[0]))

static const char *const file_ops[FILE_OPS] = { [FILE_READ] = "read", [FILE_WRITE] = "write", [FILE_LIST] = "list",
    [FILE_STAT] = "stat", [FILE_REMOVE] = "remove", [FILE_RENAME] = "rename", [FILE_MKDIR] = "mkdir",
    [FILE_RMDIR] = "rmdir", [FILE_SETSTAT] = "setstat", [FILE_LINK] = "link", [FILE_SYNC] = "sync" };

static const struct kind_row kinds[] = {
	{ "exec", REQUEST_EXEC, NULL, { NULL }, NULL, 0 },
	{ "shell", REQUEST_SHELL, NULL, { NULL }, NULL, 0 },
	{ "subsystem", REQUEST_SUBSYSTEM, "names", { "names", NULL }, NULL, 0 },
	{ "forward", REQUEST_FORWARD, "to", { "to", NULL }, NULL, 0 },
	{ "listen", REQUEST_LISTEN, "at", { "at", NULL }, NULL, 0 },
	{ "sftp", REQUEST_SFTP, NULL, { "paths", "not_paths", "ops", NULL }, file_ops, FILE_OPS },
	{ "fetch", REQUEST_FETCH, "repos", { "repos", "refs", "not_refs", NULL }, NULL, 0 },
	{ "push", REQUEST_PUSH, NULL, { "repos", "refs", "not_refs", "ops", "over", NULL }, ref_ops, NREFOPS },
	{ "finding", REQUEST_FINDING, NULL, { "rules", "paths", NULL }, NULL, 0 },
	{ "commit", REQUEST_COMMIT, NULL, { NULL }, NULL, 0 },
	{ "change", REQUEST_CHANGE, NULL, { "repos", "paths", "not_paths", "preset", "larger", "types", "ops", NULL }, path_ops, PATH_OPS },
};
#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static const char *const reserved[] = { "default", "malformed", "unresolved", "secret-in-push", "secret-in-file",
    "not-scanned", "by-file", "shell-builtin", "approvers", "certificate", "jump", "listen", "profile-exec-gated",
    "profile-transfer-only" };

const char *
file_op_word(enum file_op op)
{
	return file_ops[op];
}

const char *
path_op_word(enum path_op op)
{
	return path_ops[op];
}

static void
cond_release(struct exec_cond *c)
{
	strvec_release(&c->program);
	strvec_release(&c->args);
	strvec_release(&c->flags);
	strvec_release(&c->all_flags);
	strvec_release(&c->not_flags);
	strvec_release(&c->operands);
	strvec_release(&c->write);
}

void
policy_rule_release(struct rule *r)
{
	free(r->id);
	free(r->because);
	strvec_release(&r->who);
	strvec_release(&r->on);
	strvec_release(&r->login);
	for (size_t i = 0; i < r->nconds; i++)
		cond_release(&r->conds[i]);
	free(r->conds);
	strvec_release(&r->names);
	strvec_release(&r->refs);
	strvec_release(&r->not_refs);
	strvec_release(&r->paths);
	strvec_release(&r->not_paths);
	commit_cond_free(r->commit);
	strvec_release(&r->match);
	strvec_release(&r->not_match);
	strvec_release(&r->approvers.who);
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->nrules; i++)
		policy_rule_release(&p->rules[i]);
	free(p->rules);
	profiles_free(p->profiles, p->nprofiles);
	freezes_free(p->freezes, p->nfreezes);
	maskings_free(p->maskings, p->nmaskings);
	free(p->asks);
	free(p->path);
	free(p);
}

void
policy_take_path(struct policy *p, char *path)
{
	free(p->path);
	p->path = path;
}

const char *
policy_path(const struct policy *p)
{
	return p->path != NULL ? p->path : "";
}

/* Flags are written with or without dashes; "-rf" is r and f. */
static void
flags_normalise(struct strvec *v)
{
	struct strvec out = STRVEC_INIT;

	for (size_t i = 0; i < v->n; i++) {
		const char *s = v->v[i];

		if (strncmp(s, "--", 2) == 0)
			strvec_push(&out, s + 2);
		else if (s[0] == '-')
			for (s++; *s != '\0'; s++)
				strvec_pushf(&out, "%c", *s);
		else
			strvec_push(&out, s);
	}
	strvec_release(v);
	*v = out;
}

/*
 * "git push --force": the first word is the program, the others its leading words. To allow, the words must stand
 * exactly so. To ask or deny, a flag counts wherever it stands, so flags go to all_flags.
 */
static int
read_short(const char *text, unsigned line, enum decision what, struct exec_cond *c, struct tree_error *e)
{
	struct strvec flags = STRVEC_INIT;
	char *copy = xstrdup(text), *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (*word == '\0')
			continue;
		if (c->program.n == 0)
			strvec_push(&c->program, word);
		else if (what != DECISION_ALLOW && word[0] == '-')
			strvec_push(&flags, word);
		else
			strvec_push(&c->args, word);
	}
	free(copy);
	flags_normalise(&flags);
	c->all_flags = flags;
	if (c->program.n == 0)
		return tree_fail(e, line, "exec has an empty command");
	if (strpbrk(text, "\"'\\;|&<>()$`\t\n") != NULL)
		return tree_fail(e, line, "'%s': a short command is plain words with * and ?; use the long form", text);
	return 0;
}

static int
read_cond_map(const struct tree *t, enum decision what, struct exec_cond *c, struct tree_error *e)
{
	static const char *const known[] = { "program", "args", "flags", "all_flags", "not_flags", "operands", "write", "any",
	    "unresolved", NULL };
	struct { const char *key; struct strvec *v; } lists[] = {
		{ "program", &c->program }, { "args", &c->args }, { "flags", &c->flags }, { "all_flags", &c->all_flags },
		{ "not_flags", &c->not_flags }, { "operands", &c->operands }, { "write", &c->write },
	};
	const struct tree *v;
	int r;

	if ((r = tree_keys(t, "exec", known, e)) != 0)
		return r;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if ((v = tree_get(t, lists[i].key)) != NULL &&
		    (r = tree_strings(v, lists[i].key, POLICY_MAX_WORDS, lists[i].v, e)) != 0)
			return r;
	if ((v = tree_get(t, "any")) != NULL && (r = tree_bool(v, "any", &c->any, e)) != 0)
		return r;
	if ((v = tree_get(t, "unresolved")) != NULL && (r = tree_bool(v, "unresolved", &c->unresolved, e)) != 0)
		return r;
	flags_normalise(&c->flags);
	flags_normalise(&c->all_flags);
	flags_normalise(&c->not_flags);
	if (c->unresolved && what == DECISION_ALLOW)
		return tree_fail(e, t->line, "what cannot be resolved can be asked about or denied, never allowed");
	if (c->any && t->n > 1)
		return tree_fail(e, t->line, "any: true stands alone");
	if (c->write.n > 0 && t->n > 1)
		return tree_fail(e, t->line, "write: stands alone; it is about files, not about a program");
	if (!c->any && !c->unresolved && c->write.n == 0 && c->program.n == 0)
		return tree_fail(e, t->line, "exec needs program, write, any or unresolved");
	return 0;
}

static int
read_exec(const struct tree *t, struct rule *r, struct tree_error *e)
{
	size_t n = t->kind == TREE_LIST ? t->n : 1;
	int rc;

	if (n == 0 || n > POLICY_MAX_WORDS)
		return tree_fail(e, t->line, "exec must list 1 to %d commands", POLICY_MAX_WORDS);
	r->conds = xcalloc(n, sizeof(*r->conds));
	for (size_t i = 0; i < n; i++) {
		const struct tree *item = t->kind == TREE_LIST ? t->items[i] : t;
		struct exec_cond *c = &r->conds[r->nconds++];

		if (item->kind == TREE_LIST)
			return tree_fail(e, item->line, "exec is a list of commands, not of lists");
		rc = item->kind == TREE_SCALAR ? read_short(item->text, item->line, r->what, c, e) :
		    read_cond_map(item, r->what, c, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The number of a word in a table, or n. */
static size_t
word_find(const char *const *table, size_t n, const char *word)
{
	size_t i = 0;

	while (i < n && strcmp(table[i], word) != 0)
		i++;
	return i;
}

static int
read_ops(const struct kind_row *k, const struct tree *t, struct rule *r, struct tree_error *e)
{
	struct strvec words = STRVEC_INIT, all = STRVEC_INIT;
	char *known;
	int rc = tree_strings(t, "ops", 2 * k->nops, &words, e);

	for (size_t i = 0; i < k->nops; i++)
		strvec_push(&all, k->ops[i]);
	known = strvec_join(&all, ", ");
	for (size_t i = 0; rc == 0 && i < words.n; i++) {
		size_t op = word_find(k->ops, k->nops, words.v[i]);

		if (op == k->nops)
			rc = tree_fail(e, t->line, "ops of %s are %s, not '%s'", k->key, known, words.v[i]);
		else
			r->ops |= 1u << op;
	}
	free(known);
	strvec_release(&all);
	strvec_release(&words);
	return rc;
}

/* Where the list under this key goes. */
static struct strvec *
list_of(struct rule *r, const char *key)
{
	if (strcmp(key, "refs") == 0)
		return &r->refs;
	if (strcmp(key, "not_refs") == 0)
		return &r->not_refs;
	if (strcmp(key, "paths") == 0)
		return &r->paths;
	if (strcmp(key, "not_paths") == 0)
		return &r->not_paths;
	return &r->names;
}

/* A pattern that can never match anything is a mistake: requests have absolute paths without "..", or "~/". */
static int
check_paths(const struct strvec *v, unsigned line, struct tree_error *e)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *s = v->v[i];
		size_t n = strlen(s);

		if ((s[0] != '/' && strcmp(s, "**") != 0 && strcmp(s, "~") != 0 && strncmp(s, "~/", 2) != 0 && strncmp(s, "**/", 3) != 0) ||
		    strstr(s, "//") != NULL || strstr(s, "/../") != NULL || strstr(s, "/./") != NULL ||
		    (n > 1 && s[n - 1] == '/') || (n >= 3 && strcmp(s + n - 3, "/..") == 0))
			return tree_fail(e, line, "'%s': a path begins with /, ~/ or **/ and has no //, /./, /../ or / at its end", s);
	}
	return 0;
}

/* Keys whose value is no list of patterns. */
static bool
is_no_list(const char *key)
{
	static const char *const keys[] = { "preset", "larger", "types", "over" };

	return word_find(keys, sizeof(keys) / sizeof(keys[0]), key) < sizeof(keys) / sizeof(keys[0]);
}

static int
read_over(const struct tree *t, struct rule *r, struct tree_error *e)
{
	static const char *const known[] = { "commits", "files", "bytes", NULL };
	const struct tree *v;
	int64_t n;
	int rc;

	if ((rc = tree_keys(t, "over", known, e)) != 0)
		return rc;
	if (r->what == DECISION_ALLOW)
		return tree_fail(e, t->line, "rule %s: over is what to ask about or to deny, not to allow", r->id);
	if ((v = tree_get(t, "commits")) != NULL) {
		if ((rc = tree_number(v, "commits", 1, UINT32_MAX - 1, &n, e)) != 0)
			return rc;
		r->over.commits = (uint32_t)n;
	}
	if ((v = tree_get(t, "files")) != NULL) {
		if ((rc = tree_number(v, "files", 1, UINT32_MAX - 1, &n, e)) != 0)
			return rc;
		r->over.files = (uint32_t)n;
	}
	if ((v = tree_get(t, "bytes")) != NULL) {
		if ((rc = tree_size(v, "bytes", 1, INT64_MAX, &n, e)) != 0)
			return rc;
		r->over.bytes = (uint64_t)n;
	}
	return t->n == 0 ? tree_fail(e, t->line, "over needs commits, files or bytes") : 0;
}

/* A word in braces that stands for nothing would be taken literally, and never match. */
static int
check_refs(const struct strvec *v, unsigned line, struct tree_error *e)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *bad = variables_fault(v->v[i]);

		if (bad != NULL)
			return tree_fail(e, line, "'%s': " VARIABLES_KNOWN, bad);
	}
	return 0;
}

static int
read_condition(const struct kind_row *k, const struct tree *t, struct rule *r, struct tree_error *e)
{
	bool yes = false;
	int rc = 0;

	r->ops = 0;
	if (k->kind == REQUEST_EXEC)
		return read_exec(t, r, e);
	if (k->kind == REQUEST_SHELL) {
		if ((rc = tree_bool(t, "shell", &yes, e)) == 0 && !yes)
			rc = tree_fail(e, t->line, "shell must be true; leave the rule out instead");
		return rc;
	}
	if (t->kind != TREE_MAP) {
		if (k->names_key == NULL)
			return tree_fail(e, t->line, "%s must be a map of conditions; write {} for any", k->key);
		return tree_strings(t, k->names_key, POLICY_MAX_WORDS, &r->names, e);
	}
	if (k->kind == REQUEST_COMMIT)
		return commit_rule_read(t, r, e);
	if ((rc = tree_keys(t, k->key, k->known, e)) != 0)
		return rc;
	for (size_t i = 0; i < t->n; i++) {
		rc = strcmp(t->keys[i], "ops") == 0 ? read_ops(k, t->items[i], r, e) :
		    is_no_list(t->keys[i]) ? 0 :
		    tree_strings(t->items[i], t->keys[i], POLICY_MAX_WORDS, list_of(r, t->keys[i]), e);
		if (rc != 0)
			return rc;
		/* An empty list reads as "none", and would mean "any". */
		if (t->items[i]->kind == TREE_LIST && t->items[i]->n == 0)
			return tree_fail(e, t->items[i]->line, "%s is empty; leave it out for any", t->keys[i]);
	}
	if (r->ops == 0) {
		r->ops = (1u << k->nops) - 1;
		if (k->kind == REQUEST_SFTP && r->what != DECISION_DENY)
			r->ops &= ~(1u << FILE_SYNC);
	}
	if (k->kind == REQUEST_CHANGE)
		return change_rule_read(t, r, e);
	if (tree_get(t, "over") != NULL && (rc = read_over(tree_get(t, "over"), r, e)) != 0)
		return rc;
	if ((rc = check_refs(&r->refs, t->line, e)) != 0 || (rc = check_refs(&r->not_refs, t->line, e)) != 0)
		return rc;
	if (k->kind == REQUEST_SFTP && (rc = check_paths(&r->paths, t->line, e)) == 0)
		rc = check_paths(&r->not_paths, t->line, e);
	return rc;
}

int
rule_check_who(const struct strvec *v, unsigned line, const char *what, bool owner, struct tree_error *e)
{
	if (v->n == 0)
		return tree_fail(e, line, "%s is empty", what);
	for (size_t i = 0; i < v->n; i++) {
		const char *s = v->v[i], *colon = strchr(s, ':');

		if (strpbrk(s, " \t\n") != NULL)
			return tree_fail(e, line, "%s: '%s' holds a blank", what, s);
		if (colon == NULL || strncmp(s, "group:", 6) == 0 || (owner && strncmp(s, "owner:", 6) == 0))
			continue;
		return tree_fail(e, line, "%s: '%s' must be an identity%s or group:NAME", what, s, owner ? ", owner:IDENTITY" : "");
	}
	return 0;
}

static int
read_id(const struct tree *t, struct rule *r, struct tree_error *e)
{
	int rc;

	if ((rc = tree_string(t, "id", &r->id, e)) != 0)
		return rc;
	if (strlen(r->id) > MAX_ID || strspn(r->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(r->id))
		return tree_fail(e, t->line, "an id is 1 to %d of a-z 0-9 -, not '%s'", MAX_ID, r->id);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(reserved[i], r->id) == 0)
			return tree_fail(e, t->line, "the id '%s' is the bastion's own", r->id);
	return 0;
}

static int
read_do(const struct tree *t, struct rule *r, struct tree_error *e)
{
	char *s;
	int rc;

	if ((rc = tree_string(t, "do", &s, e)) != 0)
		return rc;
	for (int d = DECISION_ALLOW; d <= DECISION_DENY; d++)
		if (strcmp(s, decision_word((enum decision)d)) == 0) {
			r->what = (enum decision)d;
			free(s);
			return 0;
		}
	rc = tree_fail(e, t->line, "do must be allow, ask, park or deny, not '%s'", s);
	free(s);
	return rc;
}

/* The reason ends up in one ASCII line of a refusal. */
static int
read_because(const struct tree *t, struct rule *r, struct tree_error *e)
{
	int rc;

	if (t == NULL) {
		r->because = xstrdup("");
		return r->what == DECISION_ALLOW ? 0 : tree_fail(e, r->line, "rule %s needs because: a reason that the refused "
		    "will read", r->id);
	}
	if ((rc = tree_string(t, "because", &r->because, e)) != 0)
		return rc;
	for (char *s = r->because; *s != '\0'; s++) {
		if (*s == '\n' || *s == '\t')
			*s = ' ';
		if (*s < ' ' || *s > '~')
			return tree_fail(e, t->line, "because must be plain ASCII");
	}
	for (size_t n = strlen(r->because); n > 0 && r->because[n - 1] == ' '; n--)
		r->because[n - 1] = '\0';
	if (strlen(r->because) > MAX_BECAUSE)
		return tree_fail(e, t->line, "because is longer than %d bytes", MAX_BECAUSE);
	return 0;
}

static int
read_approvers(const struct tree *t, struct rule *r, struct tree_error *e)
{
	const struct tree *who = tree_get(t, "approvers"), *quorum = tree_get(t, "quorum");
	int64_t n = 1;
	int rc;

	if (r->what == DECISION_PARK && quorum != NULL)
		return tree_fail(e, r->line, "rule %s parks; one approver releases what is parked, so it has no quorum", r->id);
	if (r->what != DECISION_ASK && r->what != DECISION_PARK)
		return who == NULL && quorum == NULL ? 0 : tree_fail(e, r->line, "rule %s does not ask, so it has no approvers",
		    r->id);
	if (who == NULL)
		return tree_fail(e, r->line, "rule %s %s, so it needs approvers: [group:NAME]", r->id,
		    r->what == DECISION_ASK ? "asks" : "parks");
	if ((rc = tree_strings(who, "approvers", POLICY_MAX_WORDS, &r->approvers.who, e)) != 0 ||
	    (rc = rule_check_who(&r->approvers.who, who->line, "approvers", false, e)) != 0 ||
	    (quorum != NULL && (rc = tree_number(quorum, "quorum", 1, MAX_QUORUM, &n, e)) != 0))
		return rc;
	r->approvers.quorum = (unsigned)n;
	r->approvers.rule = r->id;
	return 0;
}

static int
read_lists(const struct tree *t, struct rule *r, struct tree_error *e)
{
	const struct { const char *key; struct strvec *v; bool must; } lists[] = {
		{ "who", &r->who, true }, { "on", &r->on, true }, { "login", &r->login, false },
		{ "match", &r->match, false }, { "not_match", &r->not_match, false },
	};
	const struct tree *v;
	int rc;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if ((v = tree_get(t, lists[i].key)) == NULL) {
			if (lists[i].must)
				return tree_fail(e, r->line, "rule %s needs %s", r->id, lists[i].key);
			continue;
		}
		if ((rc = tree_strings(v, lists[i].key, POLICY_MAX_WORDS, lists[i].v, e)) != 0)
			return rc;
		if (lists[i].v->n == 0)
			return tree_fail(e, v->line, "%s is empty", lists[i].key);
	}
	return rule_check_who(&r->who, r->line, "who", true, e);
}

static int
read_kind(const struct tree *t, struct rule *r, struct tree_error *e)
{
	const struct kind_row *found = NULL;
	int rc;

	for (size_t i = 0; i < NKINDS; i++) {
		if (tree_get(t, kinds[i].key) == NULL)
			continue;
		if (found != NULL)
			return tree_fail(e, r->line, "rule %s has both %s and %s; make it two rules", r->id, found->key,
			    kinds[i].key);
		found = &kinds[i];
	}
	if (found == NULL)
		return tree_fail(e, r->line, "rule %s says nothing about exec, shell, subsystem, forward, listen, sftp, fetch, push, commit, "
		    "change or finding",
		    r->id);
	r->kind = found->kind;
	if ((rc = read_condition(found, tree_get(t, found->key), r, e)) != 0)
		return rc;
	if (r->kind == REQUEST_FINDING && r->what == DECISION_ALLOW)
		return tree_fail(e, r->line, "rule %s: a secret in a push can be asked about or denied, never allowed unseen", r->id);
	if ((r->kind == REQUEST_CHANGE || r->kind == REQUEST_COMMIT) && r->what == DECISION_ALLOW)
		return tree_fail(e, r->line, "rule %s: a %s can be asked about or denied; what no such rule names is left to the "
		    "rules on push", r->id, found->key);
	if (r->kind == REQUEST_LISTEN && r->what == DECISION_ASK)
		return tree_fail(e, r->line, "rule %s asks, but a client that wants to listen is answered at once; write allow or deny",
		    r->id);
	if (r->kind == REQUEST_SFTP && r->what == DECISION_ASK)
		return tree_fail(e, r->line, "rule %s: an operation on a file cannot wait for a human, programs give up; use allow or "
		    "deny here, and ask at its subsystem rule", r->id);
	if (r->what == DECISION_PARK && r->kind != REQUEST_PUSH && r->kind != REQUEST_FINDING && r->kind != REQUEST_CHANGE &&
	    r->kind != REQUEST_COMMIT)
		return tree_fail(e, r->line, "rule %s: only what comes with a push can be parked", r->id);
	if (r->login.n > 0 && r->kind >= REQUEST_FETCH)
		return tree_fail(e, r->line, "rule %s: Git has no login", r->id);
	return 0;
}

int
rule_read_head(const struct tree *t, const char *what, struct rule *r, struct tree_error *e)
{
	const struct tree *id = tree_get(t, "id"), *verdict = tree_get(t, "do");
	int rc;

	r->line = t->line;
	r->larger = -1;
	if (id == NULL || verdict == NULL)
		return tree_fail(e, t->line, "%s needs %s", what, id == NULL ? "an id" : "do: allow, ask, park or deny");
	if ((rc = read_id(id, r, e)) != 0 || (rc = read_do(verdict, r, e)) != 0 || (rc = read_lists(t, r, e)) != 0 ||
	    (rc = read_because(tree_get(t, "because"), r, e)) != 0)
		return rc;
	return read_approvers(t, r, e);
}

static int
read_rule(const struct tree *t, struct rule *r, struct tree_error *e)
{
	static const char *const known[] = { "id", "who", "on", "login", "exec", "shell", "subsystem", "forward", "listen", "sftp", "fetch",
	    "push", "commit", "change", "finding", "do", "because", "approvers", "quorum", "match", "not_match", NULL };
	int rc;

	if ((rc = tree_keys(t, "a rule", known, e)) != 0 || (rc = rule_read_head(t, "a rule", r, e)) != 0)
		return rc;
	return read_kind(t, r, e);
}

static bool
list_meets(const struct strvec *patterns, const char *text)
{
	if (patterns->n == 0 || text == NULL)
		return true;
	for (size_t i = 0; i < patterns->n; i++)
		if (match_path(patterns->v[i], text))
			return true;
	return false;
}

/* A variable without a value: a permission is not met by it, a denial is. */
static bool
refs_meet(const struct rule *r, const struct request *req)
{
	bool restricts = r->what != DECISION_ALLOW;

	if (req->ref == NULL)
		return true;
	return (r->refs.n == 0 || patterns_name(&r->refs, req->ref, req->who, match_path, restricts)) &&
	    !patterns_name(&r->not_refs, req->ref, req->who, match_path, !restricts);
}

/* More than the rule says of any of it; what was not counted is more. Before there is a push, it is not. */
static bool
extent_meets(const struct rule *r, const struct push_extent *x)
{
	if (r->over.commits == 0 && r->over.files == 0 && r->over.bytes == 0)
		return true;
	return x != NULL && ((r->over.commits > 0 && x->commits > r->over.commits) || (r->over.files > 0 && x->files > r->over.files) ||
	    (r->over.bytes > 0 && x->bytes > r->over.bytes));
}

bool
rule_meets(const struct rule *r, const struct request *req)
{
	switch (r->kind) {
	case REQUEST_EXEC:
		return exec_meets(r, req->command, req->command_len);
	case REQUEST_SHELL:
		return true;
	case REQUEST_SUBSYSTEM:
	case REQUEST_LISTEN:
		return r->names.n == 0 || match_any(&r->names, req->detail);
	case REQUEST_FORWARD:
		return destination_matches(&r->names, req->detail, r->what != DECISION_DENY);
	case REQUEST_FETCH:
		/* No reference yet = may anything be read? A denial of some references does not settle that. */
		if (req->ref == NULL || req->ref[0] == '\0')
			return list_meets(&r->names, req->repo) && (r->refs.n == 0 || r->what != DECISION_DENY);
		return list_meets(&r->names, req->repo) && refs_meet(r, req);
	case REQUEST_PUSH:
		return (r->ops & 1u << req->op) != 0 && list_meets(&r->names, req->repo) && refs_meet(r, req) &&
		    extent_meets(r, req->extent);
	case REQUEST_FINDING:
		/* A rule on secrets is none on what is no secret, unless it says so. */
		return (r->names.n == 0 ? !req->notice : match_any(&r->names, req->detail)) && list_meets(&r->paths, req->path);
	case REQUEST_COMMIT:
		return list_meets(&r->names, req->repo) && commit_rule_meets(r, req);
	case REQUEST_CHANGE:
		return list_meets(&r->names, req->repo) && change_rule_meets(r, req);
	case REQUEST_SFTP:
		return file_rule_meets(r, req);
	case REQUEST_APPROVE:
		break;
	}
	return false;
}

/* A name that stands in refusals must tell which it was. */
static int
check_ids(const struct policy *p, const struct rule *r, struct tree_error *e)
{
	for (size_t i = 0; i < p->nrules && &p->rules[i] != r; i++)
		if (strcmp(p->rules[i].id, r->id) == 0)
			return tree_fail(e, r->line, "the id '%s' is used already, in line %u", r->id, p->rules[i].line);
	for (size_t i = 0; i < p->nfreezes && &p->freezes[i].rule != r; i++)
		if (strcmp(p->freezes[i].rule.id, r->id) == 0)
			return tree_fail(e, r->line, "the id '%s' is used already, in line %u", r->id, p->freezes[i].rule.line);
	return 0;
}

static int
read_rules(const struct tree *t, struct policy *p, struct tree_error *e)
{
	int rc;

	if (t->kind != TREE_LIST)
		return tree_fail(e, t->line, "rules must be a list; write [] for none");
	if (t->n > POLICY_MAX_RULES)
		return tree_fail(e, t->line, "more than %d rules", POLICY_MAX_RULES);
	p->rules = xcalloc(t->n + 1, sizeof(*p->rules));
	for (size_t i = 0; i < t->n; i++) {
		struct rule *r = &p->rules[p->nrules++];

		if ((rc = read_rule(t->items[i], r, e)) != 0 || (rc = check_ids(p, r, e)) != 0 ||
		    (rc = rule_try_examples(r, &r->match, true, e)) != 0 || (rc = rule_try_examples(r, &r->not_match, false, e)) != 0)
			return rc;
	}
	return 0;
}

static int
read_freezes(const struct tree *t, struct policy *p, struct tree_error *e)
{
	int rc = freezes_read(t, &p->freezes, &p->nfreezes, e);

	for (size_t i = 0; rc == 0 && i < p->nfreezes; i++)
		rc = check_ids(p, &p->freezes[i].rule, e);
	return rc;
}

/* What approvers there are for what asks. */
static void
collect_asks(struct policy *p)
{
	p->asks = xcalloc(p->nrules + p->nfreezes + 1, sizeof(*p->asks));
	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].what == DECISION_ASK || p->rules[i].what == DECISION_PARK)
			p->asks[p->nasks++] = &p->rules[i].approvers;
	for (size_t i = 0; i < p->nfreezes; i++)
		if (p->freezes[i].rule.what == DECISION_ASK)
			p->asks[p->nasks++] = &p->freezes[i].rule.approvers;
}

int
policy_load(const char *file, const void *bytes, size_t n, struct policy **pp, struct tree_error *e)
{
	static const char *const known[] = { "rules", "profiles", "freeze", "masking", NULL };
	struct policy *p = xcalloc(1, sizeof(*p));
	const struct tree *rules, *v;
	struct tree *t = NULL;
	int rc;

	*pp = NULL;
	e->file = file;
	if ((rc = tree_parse(bytes, n, &t, e)) != 0 || (rc = tree_keys(t, "the policy", known, e)) != 0)
		goto out;
	if ((rules = tree_get(t, "rules")) == NULL)
		rc = tree_fail(e, t->line, "no rules; write 'rules: []' to deny everything");
	else
		rc = read_rules(rules, p, e);
	if (rc == 0 && (v = tree_get(t, "profiles")) != NULL)
		rc = profiles_read(v, &p->profiles, &p->nprofiles, e);
	if (rc == 0 && (v = tree_get(t, "freeze")) != NULL)
		rc = read_freezes(v, p, e);
	if (rc == 0 && (v = tree_get(t, "masking")) != NULL)
		rc = maskings_read(v, &p->maskings, &p->nmaskings, e);
	if (rc == 0)
		collect_asks(p);
out:
	tree_free(t);
	if (rc != 0)
		policy_free(p);
	else
		*pp = p;
	return rc;
}
