/* SPDX-License-Identifier: Apache-2.0 */
/* gitjob-judge: what the parent itself decides of a fetch or push, from the inspector's word, whatever its session says. */
#include <stdlib.h>
#include <string.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/log.h"
#include "bastion/base/strvec.h"
#include "bastion/conf.h"
#include "bastion/gitjob_int.h"
#include "bastion/ssh/git_digest.h"
#include "gitfilter/inspect.h"

/* Whether an approval of exactly this, by those whom this rule names, was used in this session and not spent yet. */
static bool
has_grant(const struct peer *p, const uint8_t digest[DIGEST_LEN], const char *rule)
{
	for (unsigned i = 0; i < GRANTS; i++)
		if (p->grants[i].rule != NULL && (strcmp(p->grants[i].rule, rule) == 0 ||
		    policy_same_approvers(p->conf->conf->policy, p->grants[i].rule, rule)) &&
		    memcmp(p->grants[i].digest, digest, DIGEST_LEN) == 0)
			return true;
	return false;
}

static void
spend_grant(struct peer *p, const uint8_t digest[DIGEST_LEN])
{
	for (unsigned i = 0; i < GRANTS; i++)
		if (p->grants[i].rule != NULL && memcmp(p->grants[i].digest, digest, DIGEST_LEN) == 0) {
			free(p->grants[i].rule);
			p->grants[i].rule = NULL;
		}
}

/* The upstream took nothing. What people have approved of is theirs to use again, in its time. */
void
gitjob_return_grants(struct gitjob *j)
{
	struct link *l = j->daemon->helper[HELPER_APPROVALD].link;

	for (size_t i = 0; i < j->spent.n; i++) {
		struct buf *b = buf_new(256);

		if (b == NULL || buf_put_cstring(b, j->session) != 0 || buf_put_cstring(b, j->spent.v[i]) != 0 ||
		    buf_put_string(b, j->digest, DIGEST_LEN) != 0)
			fatal("out of memory");
		if (l != NULL)
			(void)link_send(l, APPROVALS_RETURN, 0, b, -1);
		buf_free(b);
	}
	strvec_release(&j->spent);
}

/* The parent's own decision on opening a repository at all. */
static const char *
judge_open(struct peer *p, const char *upstream, const char *repo, bool push)
{
	const struct policy *policy = p->conf->conf->policy;
	struct request q = { .kind = REQUEST_FETCH, .target = upstream, .repo = repo, .ref = "",
	    .now = clock_wall_ms() / 1000 };
	uint8_t digest[DIGEST_LEN];
	struct verdict v;

	if (push)
		return policy_may_push(policy, &p->who, upstream, repo) ? NULL : "no rule lets you push to it";
	decide(policy, &p->who, &q, &v);
	if (v.what == DECISION_ALLOW)
		return NULL;
	if (v.what == DECISION_DENY)
		return "policy refuses it";
	fetch_content_digest(p->who.identity, upstream, repo, digest);
	if (!has_grant(p, digest, v.rule))
		return "an approval is needed and there is none for this";
	spend_grant(p, digest);
	return NULL;
}

const char *
gitjob_may_open(struct peer *p, const char *upstream, const char *repo, bool push)
{
	return !name_is_safe(repo, 256) ? "not a repository path" :
	    p->njobs >= p->conf->conf->max_channels ? "too many transfers on one connection" :
	    p->daemon->njobs >= GITJOBS_MAX ? "too many transfers at once; try again" : judge_open(p, upstream, repo, push);
}

/*
 * The parent's own decision on every reference. Whether an update is a forward it cannot know: where the inspector does not,
 * git finds out when it stores, and may force only where policy lets it.
 */
static const char *
judge_refs(struct peer *p, struct gitjob *j, const uint8_t digest[DIGEST_LEN], bool park)
{
	struct request q = { .kind = REQUEST_PUSH, .target = j->upstream, .repo = j->repo, .extent = &j->extent, .now = clock_wall_ms() / 1000 };
	struct verdict v, f;

	j->force = j->deletes = true;
	for (uint32_t i = 0; i < j->ncmds; i++) {
		q.ref = j->cmds[i].name;
		q.op = j->ops[i] == INSPECT_CREATE ? REF_CREATE : j->ops[i] == INSPECT_DELETE ? REF_DELETE : REF_UPDATE;
		decide(p->conf->conf->policy, &p->who, &q, &v);
		if (j->ops[i] == INSPECT_UNSURE) {
			q.op = REF_FORCE;
			decide(p->conf->conf->policy, &p->who, &q, &f);
			if (f.what == DECISION_DENY || (!park && f.what == DECISION_PARK) ||
			    (f.what == DECISION_ASK && !park && !has_grant(p, digest, f.rule)))
				j->force = false;
			else if (v.what != DECISION_ALLOW)
				v = f;
		}
		if (v.what == DECISION_DENY)
			return "policy refuses one of the references";
		if (v.what == DECISION_PARK)
			strvec_push(&j->parks, v.rule);
		if (v.what == DECISION_ASK && park)
			strvec_push(&j->asks, v.rule);
		else if (v.what == DECISION_ASK && !has_grant(p, digest, v.rule))
			return "an approval is needed and there is none for exactly this";
	}
	return NULL;
}

/*
 * Nothing moves before a human says so, so that no approval is needed yet; but who will say so must be whom every rule names that
 * has this push parked or asks about it.
 */
static const char *
judge_park(const struct peer *p, const struct gitjob *j, const char *rule)
{
	const struct policy *policy = p->conf->conf->policy;
	const struct strvec *all[] = { &j->parks, &j->asks };
	bool found = false;

	if (j->place->kind != UPSTREAM_HOSTED)
		return "only what is pushed to a hosted repository can be parked";
	if (j->keeper != NULL)	/* stored, they could be fetched by name before anybody has looked */
		return "what names LFS objects cannot be parked; leave them out, or have a human push them";
	if (!j->judged || j->denials.n > 0)
		return "policy refuses something that it brings";
	for (size_t i = 0; i < j->parks.n; i++)
		found = found || strcmp(j->parks.v[i], rule) == 0;
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		for (size_t i = 0; i < all[k]->n; i++)
			if (strcmp(all[k]->v[i], rule) != 0 && !policy_same_approvers(policy, all[k]->v[i], rule))
				return "its rules name different approvers";
	return found ? NULL : "no rule has it parked";
}

/*
 * What policy says to all that the push brings, in the inspector's own word: what is denied does not pass whatever anybody has
 * approved, and what is asked about needs an approval of exactly this push by those whom the rule names.
 */
static const char *
judge_content(const struct peer *p, const struct gitjob *j, const uint8_t digest[DIGEST_LEN])
{
	if (!j->judged)
		return "policy has not said a word about what it brings";
	if (j->denials.n > 0)
		return "policy refuses something that it brings";
	if (j->parks.n > 0)
		return "policy has it parked";
	for (size_t i = 0; i < j->asks.n; i++)
		if (!has_grant(p, digest, j->asks.v[i]))
			return "an approval is needed for what it brings, and there is none for exactly this";
	return NULL;
}

const char *
gitjob_judge(struct gitjob *j)
{
	struct peer *p = j->peer;
	const char *why;

	push_content_digest(p->who.identity, j->upstream, j->repo, j->cmds, j->ncmds, j->met, j->digest);
	if ((!j->park && (why = judge_content(p, j, j->digest)) != NULL) || (why = judge_refs(p, j, j->digest, j->park)) != NULL)
		return why;
	if (j->park)
		return judge_park(p, j, j->rule);
	return j->parks.n > 0 ? "policy has it parked" : NULL;
}

void
gitjob_take_grants(struct gitjob *j)
{
	const struct peer *p = j->peer;

	for (unsigned i = 0; i < GRANTS; i++)
		if (p->grants[i].rule != NULL && memcmp(p->grants[i].digest, j->digest, DIGEST_LEN) == 0)
			strvec_push(&j->spent, p->grants[i].request);
	spend_grant(j->peer, j->digest);
}
