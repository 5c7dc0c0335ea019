/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a commit, as rules read them, with every condition asked of it. What is not odd has people, a signature that lies
 * inside of it, and no line of a message that holds a line feed.
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/commit-signer.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/commit-text.h"
#include "bastion/policy/policy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char *const rules[] = {
	"{not_people: ['{name}@x']}", "{people: ['*@x', '* <*>']}", "{not_coauthors: ['a <*']}", "{subject: ['^(fix|feat): ']}",
	"{not_message: ['[[:alpha:]]+ [0-9]{2,4}$']}", "{not_trailers: ['Task: T-*']}", "{not_signed: [ssh]}",
	"{not_signers: ['SHA256:0123456789012345678901234567890123456789012']}", "{shape: [merge, root]}", "{ahead: 1h, behind: 30d}",
};
#define NRULES	(sizeof(rules) / sizeof(rules[0]))

static struct policy *
load(void)
{
	struct tree_error e = { .file = "rules" };
	struct strvec lines = STRVEC_INIT;
	struct policy *policy = NULL;
	char *text;

	strvec_push(&lines, "rules:");
	for (size_t i = 0; i < NRULES; i++)
		strvec_pushf(&lines, " - {id: r%zu, who: ['*'], on: ['u%zu'], do: deny, because: b, commit: %s}", i, i, rules[i]);
	strvec_push(&lines, "");
	text = strvec_join(&lines, "\n");
	if (policy_load("rules", text, strlen(text), &policy, &e) != 0)
		abort();
	free(text);
	strvec_release(&lines);
	return policy;
}

static void
check(const struct commit_text *t, size_t n)
{
	if (t->author.text == NULL || t->committer.email == NULL || t->message == NULL)
		abort();
	if (t->sig_start > t->sig_end || t->sig_end > n)
		abort();
	for (size_t i = 0; i < t->trailers.n; i++)
		if (strchr(t->trailers.v[i], '\n') != NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const upstreams[] = { "u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9" };
	static struct policy *policy;
	const struct subject who = { .identity = "agent/ci" };
	struct commit_text t;
	char *signer;

	if (policy == NULL)
		policy = load();
	commit_text_read(p, n, &t);
	if (!t.odd)
		check(&t, n);
	signer = commit_signer(p, n, &t);
	for (size_t i = 0; i < NRULES; i++) {
		struct request q = { .kind = REQUEST_COMMIT, .target = upstreams[i], .repo = "x", .commit = &t, .signer = signer,
		    .now = 1700000000 };
		struct verdict v;

		decide(policy, &who, &q, &v);
		if (t.odd && v.what != DECISION_DENY)
			abort();
		for (const char *s = v.detail; *s != '\0'; s++)
			if (*s < ' ' || *s > '~')
				abort();
	}
	free(signer);
	commit_text_release(&t);
	return 0;
}
