/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/judge.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"

#define AGENT_PREFIX	"agent/"
#define GROUP_PREFIX	"group:"
#define HOST_HUMAN	"host"	/* whoever is root on the host counts as one human, under whatever name */

struct person *
person_new(const char *identity, const char *owner)
{
	struct person *p = xcalloc(1, sizeof(*p));

	p->identity = xstrdup(identity);
	p->owner = xstrdup(owner);
	strvec_init(&p->groups);
	return p;
}

struct person *
person_copy(const struct person *from)
{
	struct person *p = person_new(from->identity, from->owner);

	for (size_t i = 0; i < from->groups.n; i++)
		strvec_push(&p->groups, from->groups.v[i]);
	p->may_decide = from->may_decide;
	p->host = from->host;
	return p;
}

void
person_free(struct person *p)
{
	if (p == NULL)
		return;
	free(p->identity);
	free(p->owner);
	strvec_release(&p->groups);
	free(p);
}

/* The human behind a name: its owner, or itself. */
static const char *
human_of(const char *identity, const char *owner, bool host)
{
	if (host)
		return HOST_HUMAN;
	return owner[0] != '\0' ? owner : identity;
}

static bool
is_agent(const char *identity)
{
	return strncmp(identity, AGENT_PREFIX, strlen(AGENT_PREFIX)) == 0;
}

static bool
is_approver(const struct request *r, const struct person *p)
{
	if (p->host)
		return true;
	for (size_t i = 0; i < r->approvers.n; i++) {
		const char *pattern = r->approvers.v[i];

		if (strncmp(pattern, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0) {
			if (match_glob(pattern, p->identity))
				return true;
			continue;
		}
		for (size_t g = 0; g < p->groups.n; g++)
			if (match_glob(pattern + strlen(GROUP_PREFIX), p->groups.v[g]))
				return true;
	}
	return false;
}

static bool
has_approved(const struct request *r, const struct person *p)
{
	const char *human = human_of(p->identity, p->owner, p->host);

	for (size_t i = 0; i < r->nvotes; i++) {
		const struct vote *v = &r->votes[i];

		if (v->approve && (strcmp(v->identity, p->identity) == 0 ||
		    strcmp(human_of(v->identity, v->owner, v->host), human) == 0))
			return true;
	}
	return false;
}

static enum judgement
judge_relation(const struct request *r, const struct person *p)
{
	if (strcmp(r->identity, p->identity) == 0)
		return JUDGE_SELF;
	if (strcmp(r->owner, p->identity) == 0)
		return JUDGE_OWNER;
	if (strcmp(human_of(r->identity, r->owner, false), human_of(p->identity, p->owner, p->host)) == 0 ||
	    strcmp(r->identity, p->owner) == 0)
		return JUDGE_SAME_HUMAN;
	return JUDGE_MAY;
}

enum judgement
judge_vote(const struct request *r, const struct person *p, bool approve)
{
	enum judgement j = judge_relation(r, p);

	if (j != JUDGE_MAY)
		return j;
	if (is_agent(p->identity) || is_agent(human_of(p->identity, p->owner, p->host)))
		return JUDGE_AGENT;
	if (!p->may_decide)
		return JUDGE_NOT_HERE;
	if (!is_approver(r, p))
		return JUDGE_NOT_APPROVER;
	if (approve && has_approved(r, p))
		return JUDGE_TWICE;
	return JUDGE_MAY;
}

const char *
judge_text(enum judgement j)
{
	static const char *const words[] = {
		[JUDGE_MAY] = "may decide",
		[JUDGE_NOT_HERE] = "this identity may not decide requests; use one that may",
		[JUDGE_AGENT] = "an agent never decides; a human must",
		[JUDGE_SELF] = "you asked for this yourself; another human must decide",
		[JUDGE_OWNER] = "your own agent asked for this; another human must decide",
		[JUDGE_SAME_HUMAN] = "the one who asked belongs to the same human as you; another human must decide",
		[JUDGE_NOT_APPROVER] = "the rule names other approvers; ask one of them",
		[JUDGE_TWICE] = "you have approved this already; another human must be the next",
	};

	return words[j];
}

bool
judge_is_own(const struct request *r, const struct person *p)
{
	enum judgement relation = judge_relation(r, p);

	/* One agent of a human has no business with what another one asks. */
	return is_agent(p->identity) ? relation == JUDGE_SELF : relation != JUDGE_MAY;
}

bool
judge_may_see(const struct request *r, const struct person *p)
{
	enum judgement j = judge_vote(r, p, false);

	return j == JUDGE_MAY || judge_is_own(r, p);
}
