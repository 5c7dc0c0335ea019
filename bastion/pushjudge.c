/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/pushjudge.h"

#include <stdio.h>
#include <stdlib.h>

#include "bastion/base/clock.h"
#include "bastion/commit-signer.h"
#include "bastion/known.h"
#include "bastion/policy/commit-text.h"
#include "gitfilter/changes.h"
#include "gitfilter/contents.h"
#include "gitfilter/inspect.h"

static void
pushjudge_commit(const struct pushjudge *j, const struct fact *f, struct request *q, struct verdict *v)
{
	struct commit_text commit;
	char *signer;

	commit_text_read(f->text, f->ntext, &commit);
	signer = commit_signer(f->text, f->ntext, &commit);
	q->commit = &commit;
	q->signer = signer;
	q->first = f->first;
	q->veiled = f->veiled;
	decide(j->policy, j->who, q, v);
	free(signer);
	commit_text_release(&commit);
}

/* What an approver said of this very secret in this repository stands over the rules, until it ends or is forgotten. */
static bool
pushjudge_knows(const struct pushjudge *j, const struct fact *f, struct fact_verdict *out)
{
	int64_t now = clock_wall_ms();
	const struct known_finding *k;
	char until[CLOCK_TEXT];

	if (f->kind != FACT_FINDING || f->notice || f->fingerprint == NULL ||
	    (k = known_find(j->known, f->rule, f->fingerprint, j->upstream, j->repo, now)) == NULL)
		return false;
	clock_format_second(k->until_ms / 1000, until);
	out->word = FACT_ALLOWED;
	out->rule = "remembered";
	(void)snprintf(out->detail, sizeof(out->detail), "%s, said %s of %s, until %s", k->choice, k->by, k->request, until);
	return true;
}

void
pushjudge_fact(const struct fact *f, struct fact_verdict *out, void *arg)
{
	static const enum path_op ops[] = { [CHANGE_CREATE] = PATH_CREATE, [CHANGE_MODIFY] = PATH_MODIFY,
	    [CHANGE_DELETE] = PATH_DELETE };
	static const enum request_kind kinds[] = { [FACT_COMMIT] = REQUEST_COMMIT, [FACT_CHANGE] = REQUEST_CHANGE,
	    [FACT_FINDING] = REQUEST_FINDING };
	static const enum fact_word words[] = { [DECISION_ALLOW] = FACT_ALLOWED, [DECISION_ASK] = FACT_ASKED,
	    [DECISION_PARK] = FACT_PARKED, [DECISION_DENY] = FACT_DENIED };
	const struct pushjudge *j = arg;
	struct request q = { .kind = kinds[f->kind], .target = j->upstream, .repo = j->repo, .ref = "", .path = f->path,
	    .now = clock_wall_ms() / 1000 };
	struct verdict v;

	if (pushjudge_knows(j, f, out))
		return;
	if (f->kind == FACT_COMMIT)
		pushjudge_commit(j, f, &q, &v);
	else {
		q.path_op = ops[f->op];
		q.tree = f->kind == FACT_CHANGE && !f->plain && f->op != CHANGE_DELETE;
		q.sized = f->content != NULL;
		q.type = f->content == NULL ? 0 : (enum filetype)f->content->type;
		q.size = f->content == NULL ? 0 : f->content->size;
		q.detail = f->rule;
		q.notice = f->notice;
		decide(j->policy, j->who, &q, &v);
	}
	out->word = words[v.what];
	out->rule = v.rule;
	(void)snprintf(out->detail, sizeof(out->detail), "%s", v.detail);
}

unsigned
pushjudge_wants(const struct pushjudge *j)
{
	return (policy_judges_changes(j->policy, j->who, j->upstream, j->repo) ? INSPECT_TELL_CHANGES : 0) |
	    (policy_judges_commits(j->policy, j->who, j->upstream, j->repo) ? INSPECT_TELL_COMMITS : 0);
}
