/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/request.h"

#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

struct request *
request_new(void)
{
	struct request *r = xcalloc(1, sizeof(*r));
	char **fields[] = { &r->identity, &r->owner, &r->session, &r->kind, &r->target, &r->login, &r->rule,
	    &r->because, &r->why };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*fields[i] = xstrdup("");
	r->quorum = 1;
	r->state = APPROVAL_PENDING;
	strvec_init(&r->approvers);
	return r;
}

static void
vote_release(struct vote *v)
{
	free(v->identity);
	free(v->owner);
	free(v->reason);
}

void
request_free(struct request *r)
{
	char *fields[9];

	if (r == NULL)
		return;
	fields[0] = r->identity;
	fields[1] = r->owner;
	fields[2] = r->session;
	fields[3] = r->kind;
	fields[4] = r->target;
	fields[5] = r->login;
	fields[6] = r->rule;
	fields[7] = r->because;
	fields[8] = r->why;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		free(fields[i]);
	for (size_t i = 0; i < r->nvotes; i++)
		vote_release(&r->votes[i]);
	free(r->votes);
	free(r->text);
	strvec_release(&r->approvers);
	free(r);
}

void
request_set(char **field, const char *value)
{
	char *copy = xstrdup(value);

	free(*field);
	*field = copy;
}

int64_t
request_due_ms(const struct request *r)
{
	if (r->state == APPROVAL_PENDING)
		return r->deadline_ms;
	return r->state == APPROVAL_APPROVED ? r->grant_until_ms : INT64_MAX;
}

bool
request_is_due(const struct request *r, int64_t now_ms)
{
	return request_is_open(r) && now_ms >= request_due_ms(r);
}

bool
request_is_open(const struct request *r)
{
	return r->state == APPROVAL_PENDING || r->state == APPROVAL_APPROVED;
}

unsigned
request_approvals(const struct request *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->nvotes; i++)
		n += r->votes[i].approve;
	return n;
}

enum approval_verdict
request_after_vote(const struct request *r, const struct vote *v)
{
	if (r->state != APPROVAL_PENDING)
		return r->state;
	if (!v->approve)
		return APPROVAL_DENIED;
	return request_approvals(r) + 1 >= r->quorum ? APPROVAL_APPROVED : APPROVAL_PENDING;
}

int
request_vote(struct request *r, const struct vote *v, int64_t grant_ttl_ms)
{
	enum approval_verdict after = request_after_vote(r, v);
	struct vote *mine;

	if (r->state != APPROVAL_PENDING)
		return ERR_DENIED;
	if (request_is_due(r, v->at_ms))
		return ERR_EXPIRED;
	if (r->nvotes == VOTES_MAX)
		return ERR_TOOBIG;
	r->votes = xreallocarray(r->votes, r->nvotes + 1, sizeof(*r->votes));
	mine = &r->votes[r->nvotes++];
	*mine = *v;
	mine->identity = xstrdup(v->identity);
	mine->owner = xstrdup(v->owner == NULL ? "" : v->owner);
	mine->reason = xstrdup(v->reason == NULL ? "" : v->reason);
	r->state = after;
	if (after != APPROVAL_PENDING)
		r->decided_ms = v->at_ms;
	if (after == APPROVAL_APPROVED)
		r->grant_until_ms = v->at_ms + grant_ttl_ms;
	if (after == APPROVAL_DENIED)
		request_set(&r->why, mine->reason);
	return 0;
}

int
request_expire(struct request *r, int64_t now_ms, const char *why)
{
	if (!request_is_open(r))
		return ERR_DENIED;
	if (r->state == APPROVAL_PENDING)
		r->decided_ms = now_ms;
	r->state = APPROVAL_EXPIRED;
	request_set(&r->why, why);
	return 0;
}

const char *
request_use_refused(const struct request *r, const char *identity, const uint8_t *digest, const uint8_t *policy,
    int64_t now_ms)
{
	if (strcmp(r->identity, identity) != 0)
		return "this was approved for another identity";
	if (memcmp(r->digest, digest, sizeof(r->digest)) != 0)
		return "what is to be run is not what was approved; ask for exactly this";
	if (r->state == APPROVAL_USED)
		return "this approval has been used; ask again";
	if (r->state != APPROVAL_APPROVED)
		return "this is not approved";
	if (memcmp(r->policy, policy, sizeof(r->policy)) != 0)
		return "the policy has changed since this was approved; ask again";
	if (request_is_due(r, now_ms))
		return "this approval was not used in time; ask again";
	return NULL;
}

int
request_use(struct request *r, const char *identity, const uint8_t *digest, const uint8_t *policy, int64_t now_ms)
{
	if (request_use_refused(r, identity, digest, policy, now_ms) != NULL)
		return ERR_DENIED;
	r->state = APPROVAL_USED;
	r->used_ms = now_ms;
	return 0;
}

void
request_return(struct request *r)
{
	r->state = APPROVAL_APPROVED;
	r->used_ms = 0;
}

/* A denial is the work of the one who denied; an approval is everybody's who approved. */
char *
request_deciders(const struct request *r)
{
	struct strvec names = STRVEC_INIT;
	char *joined;

	for (size_t i = 0; i < r->nvotes; i++)
		if (r->votes[i].approve == (r->state != APPROVAL_DENIED))
			strvec_push(&names, r->votes[i].identity);
	joined = names.n == 0 ? xstrdup("") : strvec_join(&names, ", ");
	strvec_release(&names);
	return joined;
}

const char *
verdict_text(enum approval_verdict v)
{
	static const char *const words[] = {
		[APPROVAL_PENDING] = "pending",
		[APPROVAL_APPROVED] = "approved",
		[APPROVAL_DENIED] = "denied",
		[APPROVAL_EXPIRED] = "expired",
		[APPROVAL_USED] = "used",
	};

	return (size_t)v < sizeof(words) / sizeof(words[0]) ? words[v] : "unknown";
}
