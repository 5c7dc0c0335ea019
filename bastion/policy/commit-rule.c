/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/commit-rule.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/commit-text.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/variable.h"

#define EXPRESSION_MAX	200		/* bytes */
#define FAR_MS		(INT64_C(100) * 365 * 86400 * 1000)

enum commit_shape { SHAPE_MERGE, SHAPE_ROOT };

static const char *const shapes[] = { [SHAPE_MERGE] = "merge", [SHAPE_ROOT] = "root" };
static const char *const signatures[] = { [COMMIT_SSH] = "ssh", [COMMIT_OPENPGP] = "openpgp", [COMMIT_X509] = "x509" };

struct expressions {
	struct strvec	 text;
	regex_t		*compiled;	/* as many; owned */
	size_t		 n;
};

/* What is left out asks nothing. */
struct commit_cond {
	struct strvec		 people;	/* any of author, committer, co-authors is one of these */
	struct strvec		 not_people;	/* any of them is none of these */
	struct strvec		 not_authors, not_committers, not_coauthors;
	struct expressions	 subject, not_subject, message, not_message;
	struct strvec		 not_trailers;	/* one of these is missing */
	struct strvec		 not_signers;	/* no valid SSH signature by one of these */
	unsigned		 shape;		/* bits 1 << enum commit_shape */
	unsigned		 not_signed;	/* bits 1 << enum commit_signature: none of these signatures */
	int64_t			 ahead_s, behind_s;	/* a date is more than this after or before now */
	unsigned		 given;		/* bits, by number in conditions[] */
};

/* A condition by its key: whether the commit meets it, and what to do about that. */
struct condition {
	const char	*key;
	bool		(*met)(const struct rule *, const struct request *);
	const char	*advice;
};

/* People */

static void
fold(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* The text is in small letters already; what was put for a variable need not be. */
static bool
same_letters(const char *pattern, const char *text)
{
	char *small = xstrdup(pattern);
	bool same;

	fold(small);
	same = match_glob(small, text);
	free(small);
	return same;
}

/* A pattern with '<' is of NAME <EMAIL>, another one of the e-mail address. */
static bool
names_person(const struct strvec *patterns, const char *text, const char *email, const struct subject *who, bool unsure)
{
	for (size_t i = 0; i < patterns->n; i++) {
		const struct strvec one = { .v = &patterns->v[i], .n = 1 };

		if (patterns_name(&one, strchr(patterns->v[i], '<') != NULL ? text : email, who, same_letters, unsure))
			return true;
	}
	return false;
}

static bool
names_coauthor(const struct strvec *patterns, const char *text, const struct subject *who, bool unsure)
{
	const char *open = strrchr(text, '<');
	char *email = open == NULL ? xstrdup("") : xasprintf("%.*s", (int)strcspn(open + 1, ">"), open + 1);
	bool named = names_person(patterns, text, email, who, unsure);

	free(email);
	return named;
}

static bool
met_author(const struct rule *r, const struct request *q)
{
	return !names_person(&r->commit->not_authors, q->commit->author.text, q->commit->author.email, q->who, false);
}

static bool
met_committer(const struct rule *r, const struct request *q)
{
	return !names_person(&r->commit->not_committers, q->commit->committer.text, q->commit->committer.email, q->who, false);
}

static bool
met_strange_coauthor(const struct strvec *known, const struct request *q)
{
	for (size_t i = 0; i < q->commit->coauthors.n; i++)
		if (!names_coauthor(known, q->commit->coauthors.v[i], q->who, false))
			return true;
	return q->commit->odd_message;
}

static bool
met_coauthor(const struct rule *r, const struct request *q)
{
	return met_strange_coauthor(&r->commit->not_coauthors, q);
}

static bool
met_stranger(const struct rule *r, const struct request *q)
{
	const struct strvec *known = &r->commit->not_people;
	const struct commit_text *t = q->commit;

	return !names_person(known, t->author.text, t->author.email, q->who, false) ||
	    !names_person(known, t->committer.text, t->committer.email, q->who, false) || met_strange_coauthor(known, q);
}

static bool
met_people(const struct rule *r, const struct request *q)
{
	const struct strvec *people = &r->commit->people;
	const struct commit_text *t = q->commit;

	for (size_t i = 0; i < t->coauthors.n; i++)
		if (names_coauthor(people, t->coauthors.v[i], q->who, true))
			return true;
	return t->odd_message || names_person(people, t->author.text, t->author.email, q->who, true) ||
	    names_person(people, t->committer.text, t->committer.email, q->who, true);
}

/* Messages */

static bool
expressions_match(const struct expressions *e, const char *text)
{
	for (size_t i = 0; i < e->n; i++)
		if (regexec(&e->compiled[i], text, 0, NULL, 0) == 0)
			return true;
	return false;
}

/* The first line alone. */
static bool
subject_matches_any(const struct expressions *e, const char *message)
{
	char *line = xasprintf("%.*s", (int)strcspn(message, "\n"), message);
	bool found = expressions_match(e, line);

	free(line);
	return found;
}

static bool
met_subject(const struct rule *r, const struct request *q)
{
	return q->commit->odd_message || subject_matches_any(&r->commit->subject, q->commit->message);
}

static bool
met_not_subject(const struct rule *r, const struct request *q)
{
	return q->commit->odd_message || !subject_matches_any(&r->commit->not_subject, q->commit->message);
}

static bool
met_message(const struct rule *r, const struct request *q)
{
	return q->commit->odd_message || expressions_match(&r->commit->message, q->commit->message);
}

static bool
met_not_message(const struct rule *r, const struct request *q)
{
	return q->commit->odd_message || !expressions_match(&r->commit->not_message, q->commit->message);
}

/* "Task" wants a line "Task: something", "Task: P-*" one that matches. */
static bool
is_trailer(const char *wanted, const char *line)
{
	size_t n = strcspn(wanted, ":");
	const char *value = line + n + 1, *pattern = wanted[n] == ':' ? wanted + n + 1 : "*";

	if (strncasecmp(line, wanted, n) != 0 || line[n] != ':')
		return false;
	value += strspn(value, " \t");
	pattern += strspn(pattern, " ");
	return *value != '\0' && match_glob(pattern, value);
}

static bool
met_trailers(const struct rule *r, const struct request *q)
{
	const struct strvec *wanted = &r->commit->not_trailers, *have = &q->commit->trailers;

	for (size_t i = 0; i < wanted->n; i++) {
		size_t k = 0;

		while (k < have->n && !is_trailer(wanted->v[i], have->v[k]))
			k++;
		if (k == have->n)
			return true;
	}
	return q->commit->odd_message;
}

/* Signatures, shapes, dates */

static bool
met_signed(const struct rule *r, const struct request *q)
{
	return (r->commit->not_signed & 1u << q->commit->signature) == 0;
}

static bool
met_signers(const struct rule *r, const struct request *q)
{
	return q->signer == NULL || !strvec_has(&r->commit->not_signers, q->signer);
}

static bool
met_shape(const struct rule *r, const struct request *q)
{
	return ((r->commit->shape & 1u << SHAPE_MERGE) != 0 && q->commit->nparents > 1) ||
	    ((r->commit->shape & 1u << SHAPE_ROOT) != 0 && q->commit->nparents == 0 && !q->first);
}

static bool
met_ahead(const struct rule *r, const struct request *q)
{
	int64_t limit = q->now + r->commit->ahead_s;

	return q->now <= 0 || q->commit->author.when > limit || q->commit->committer.when > limit;
}

static bool
met_behind(const struct rule *r, const struct request *q)
{
	int64_t limit = q->now - r->commit->behind_s;

	return q->now <= 0 || q->commit->author.when < limit || q->commit->committer.when < limit;
}

#define AMEND	"; git commit --amend, for earlier ones git rebase -i COMMIT^"
#define RESET	"; set user.name and user.email, then git commit --amend --reset-author"

static const struct condition conditions[] = {
	{ "people", met_people, "one of its people may not have made it" RESET },
	{ "not_people", met_stranger, "author, committer or a co-author is not one who may be" RESET },
	{ "not_authors", met_author, "its author may not be" RESET },
	{ "not_committers", met_committer, "its committer may not be" RESET },
	{ "not_coauthors", met_coauthor, "a Co-authored-by line names somebody who may not be" AMEND },
	{ "subject", met_subject, "its first line says what it must not" AMEND },
	{ "not_subject", met_not_subject, "its first line is not of the form that is wanted" AMEND },
	{ "message", met_message, "its message says what it must not" AMEND },
	{ "not_message", met_not_message, "its message is not of the form that is wanted" AMEND },
	{ "not_trailers", met_trailers, "a line that its message must end with is missing; git commit --amend "
	    "--trailer 'KEY: VALUE'" },
	{ "not_signers", met_signers, "it has no valid SSH signature by a key that is listed; git commit --amend -S" },
	{ "not_signed", met_signed, "it is not signed as it must be; set gpg.format, then git commit --amend -S" },
	{ "shape", met_shape, NULL },
	{ "ahead", met_ahead, "its date lies in the future; correct the clock, then git commit --amend --date=now" },
	{ "behind", met_behind, "its date lies too far back; git commit --amend --date=now" },
};
#define NCONDITIONS	(sizeof(conditions) / sizeof(conditions[0]))

bool
commit_rule_meets(const struct rule *r, const struct request *req)
{
	if (req->commit == NULL || req->commit->odd)
		return true;
	for (size_t i = 0; i < NCONDITIONS; i++)
		if ((r->commit->given & 1u << i) != 0 && !conditions[i].met(r, req))
			return false;
	return true;
}

static const char *
advice_of(const struct condition *c, const struct request *q)
{
	if (c->advice != NULL)
		return c->advice;
	if (q->commit->nparents > 1)
		return "it is a merge; git rebase --no-rebase-merges UPSTREAM, and push that";
	return "it begins a history of its own, and the repository has one; is it the right repository (git remote -v)?";
}

char *
commit_rule_explain(const struct rule *r, const struct request *q)
{
	const struct commit_text *t = q->commit;
	const char *advice = "it is a commit of the push";

	if (t == NULL || t->odd)
		return xstrdup("its headers can be read in two ways; make it anew with git commit");
	for (size_t i = NCONDITIONS; i-- > 0;)
		if ((r->commit->given & 1u << i) != 0)
			advice = advice_of(&conditions[i], q);
	if (q->veiled)
		return xstrdup(advice);
	return xasprintf("by %.60s: %s", t->author.shown, advice);
}

void
commit_rule_describe(const struct rule *r, const struct subject *who, struct strvec *line)
{
	const struct commit_cond *c = r->commit;
	const struct { const char *key; const struct strvec *v; } lists[] = {
		{ "by any of", &c->people }, { "with people other than", &c->not_people }, { "by authors other than", &c->not_authors },
		{ "by committers other than", &c->not_committers }, { "with co-authors other than", &c->not_coauthors },
		{ "whose first line matches", &c->subject.text }, { "whose first line does not match", &c->not_subject.text },
		{ "whose message matches", &c->message.text }, { "whose message does not match", &c->not_message.text },
		{ "without lines", &c->not_trailers }, { "not signed by", &c->not_signers },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t k = 0; k < lists[i].v->n; k++) {
			char *filled = variables_fill(lists[i].v->v[k], who);

			strvec_pushf(line, "%s %s", k == 0 ? lists[i].key : "or", filled != NULL ? filled : lists[i].v->v[k]);
			free(filled);
		}
	for (unsigned i = COMMIT_SSH; i < COMMIT_SIGNATURES; i++)
		if ((c->not_signed & 1u << i) != 0)
			strvec_pushf(line, "without %s signature", signatures[i]);
	for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if ((c->shape & 1u << i) != 0)
			strvec_pushf(line, "that is a %s", shapes[i]);
	if (c->ahead_s > 0)
		strvec_pushf(line, "dated %lld s or more ahead", (long long)c->ahead_s);
	if (c->behind_s > 0)
		strvec_pushf(line, "dated %lld s or more behind", (long long)c->behind_s);
}

/* Reading */

static int
read_people(const struct tree *t, const char *key, struct strvec *v, struct tree_error *e)
{
	int rc = tree_strings(t, key, POLICY_MAX_WORDS, v, e);

	for (size_t i = 0; rc == 0 && i < v->n; i++) {
		const char *bad = variables_fault(v->v[i]);

		if (bad != NULL)
			rc = tree_fail(e, t->line, "%s: '%s': " VARIABLES_KNOWN, key, bad);
	}
	return rc;
}

/* Whether an expression refers back to what it has matched: that takes exponential time. */
static bool
refers_back(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\\' && *++s >= '1' && *s <= '9')
			return true;
		else if (*s == '\0')
			break;
	return false;
}

static int
read_expressions(const struct tree *t, const char *key, struct expressions *x, struct tree_error *e)
{
	char why[128];
	int rc = tree_strings(t, key, POLICY_MAX_WORDS, &x->text, e), bad;

	if (rc != 0)
		return rc;
	x->compiled = xcalloc(x->text.n + 1, sizeof(*x->compiled));
	for (; x->n < x->text.n; x->n++) {
		const char *s = x->text.v[x->n];

		if (strlen(s) > EXPRESSION_MAX)
			return tree_fail(e, t->line, "%s: an expression is at most %d bytes", key, EXPRESSION_MAX);
		if (refers_back(s))
			return tree_fail(e, t->line, "%s: '%s': expressions cannot refer back (\\1)", key, s);
		bad = regcomp(&x->compiled[x->n], s, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
		if (bad != 0) {
			(void)regerror(bad, &x->compiled[x->n], why, sizeof(why));
			return tree_fail(e, t->line, "%s: '%s' is no extended regular expression: %s", key, s, why);
		}
	}
	return 0;
}

static int
read_bits(const struct tree *t, const char *key, const char *const *words, size_t n, unsigned *bits, struct tree_error *e)
{
	struct strvec given = STRVEC_INIT, all = STRVEC_INIT;
	int rc = tree_strings(t, key, n, &given, e);
	char *known;

	for (size_t k = 0; k < n; k++)
		if (words[k] != NULL)
			strvec_push(&all, words[k]);
	known = strvec_join(&all, ", ");
	for (size_t i = 0; rc == 0 && i < given.n; i++) {
		size_t k = 0;

		while (k < n && (words[k] == NULL || strcmp(words[k], given.v[i]) != 0))
			k++;
		if (k == n)
			rc = tree_fail(e, t->line, "%s: there is %s, not '%s'", key, known, given.v[i]);
		else
			*bits |= 1u << k;
	}
	free(known);
	strvec_release(&all);
	strvec_release(&given);
	return rc;
}

static int
read_seconds(const struct tree *t, const char *key, int64_t *sp, struct tree_error *e)
{
	int64_t ms;
	int rc = tree_duration(t, key, 1000, FAR_MS, &ms, e);

	if (rc == 0)
		*sp = ms / 1000;
	return rc;
}

static int
read_signers(const struct tree *t, struct strvec *v, struct tree_error *e)
{
	int rc = tree_strings(t, "not_signers", POLICY_MAX_WORDS, v, e);

	for (size_t i = 0; rc == 0 && i < v->n; i++)
		if (strncmp(v->v[i], "SHA256:", 7) != 0 || strlen(v->v[i]) != 50)
			rc = tree_fail(e, t->line, "not_signers: '%s' is no fingerprint as ssh-keygen -l prints it (SHA256:..)", v->v[i]);
	return rc;
}

static int
read_one(const char *key, const struct tree *v, struct rule *r, struct tree_error *e)
{
	struct commit_cond *c = r->commit;
	const struct { const char *key; struct strvec *v; } people[] = {
		{ "people", &c->people }, { "not_people", &c->not_people }, { "not_authors", &c->not_authors },
		{ "not_committers", &c->not_committers }, { "not_coauthors", &c->not_coauthors },
	};
	const struct { const char *key; struct expressions *x; } texts[] = {
		{ "subject", &c->subject }, { "not_subject", &c->not_subject }, { "message", &c->message },
		{ "not_message", &c->not_message },
	};

	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		if (strcmp(key, people[i].key) == 0)
			return read_people(v, key, people[i].v, e);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(key, texts[i].key) == 0)
			return read_expressions(v, key, texts[i].x, e);
	if (strcmp(key, "not_trailers") == 0)
		return tree_strings(v, key, POLICY_MAX_WORDS, &c->not_trailers, e);
	if (strcmp(key, "not_signers") == 0)
		return read_signers(v, &c->not_signers, e);
	if (strcmp(key, "not_signed") == 0)
		return read_bits(v, key, signatures, sizeof(signatures) / sizeof(signatures[0]), &c->not_signed, e);
	if (strcmp(key, "shape") == 0)
		return read_bits(v, key, shapes, sizeof(shapes) / sizeof(shapes[0]), &c->shape, e);
	if (strcmp(key, "ahead") == 0)
		return read_seconds(v, key, &c->ahead_s, e);
	if (strcmp(key, "behind") == 0)
		return read_seconds(v, key, &c->behind_s, e);
	return tree_strings(v, key, POLICY_MAX_WORDS, &r->names, e);	/* repos */
}

int
commit_rule_read(const struct tree *t, struct rule *r, struct tree_error *e)
{
	const char *known[NCONDITIONS + 2] = { "repos" };
	int rc;

	for (size_t i = 0; i < NCONDITIONS; i++)
		known[i + 1] = conditions[i].key;
	if ((rc = tree_keys(t, "commit", known, e)) != 0)
		return rc;
	r->commit = xcalloc(1, sizeof(*r->commit));
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i]->kind == TREE_LIST && t->items[i]->n == 0)
			return tree_fail(e, t->items[i]->line, "%s is empty; leave it out for any", t->keys[i]);
		if ((rc = read_one(t->keys[i], t->items[i], r, e)) != 0)
			return rc;
		for (size_t k = 0; k < NCONDITIONS; k++)
			if (strcmp(t->keys[i], conditions[k].key) == 0)
				r->commit->given |= 1u << k;
	}
	return 0;
}

static void
expressions_release(struct expressions *x)
{
	for (size_t i = 0; i < x->n; i++)
		regfree(&x->compiled[i]);
	free(x->compiled);
	strvec_release(&x->text);
}

void
commit_cond_free(struct commit_cond *c)
{
	if (c == NULL)
		return;
	strvec_release(&c->people);
	strvec_release(&c->not_people);
	strvec_release(&c->not_authors);
	strvec_release(&c->not_committers);
	strvec_release(&c->not_coauthors);
	expressions_release(&c->subject);
	expressions_release(&c->not_subject);
	expressions_release(&c->message);
	expressions_release(&c->not_message);
	strvec_release(&c->not_trailers);
	strvec_release(&c->not_signers);
	free(c);
}
