/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/consent.h"

#include <stdlib.h>
#include <string.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/session_int.h"

struct consent {
	struct consent		*next;
	struct session		*session;
	enum consent_state	 state;
	char			*id, *why;
	int64_t			 deadline;
	uint8_t			 digest[DIGEST_LEN];
};

static void
consent_set(struct consent *c, enum consent_state st, char *why)
{
	c->state = st;
	free(c->why);
	c->why = why;
	c->session->moved = true;
}

static void
consent_verdict(struct consent *c, uint8_t verdict, const char *by, const char *reason)
{
	switch (verdict) {
	case APPROVAL_PENDING:
		consent_set(c, CONSENT_PENDING, xstrdup(""));
		return;
	case APPROVAL_APPROVED:
		consent_set(c, CONSENT_GIVEN, xasprintf("approved by %s%s%s", by, *reason ? ": " : "", reason));
		return;
	case APPROVAL_DENIED:
		consent_set(c, CONSENT_REFUSED, xasprintf("denied by %s%s%s", by, *reason ? ": " : "", reason));
		return;
	default:
		consent_set(c, CONSENT_LATER, xstrdup("nobody decided in time"));
	}
}

/* APPROVALS_ASKED: s request id, u64 deadline, u8 verdict, s error, or who has denied it before and why. */
static int
consent_asked(struct msg *m, void *arg)
{
	struct consent *c = arg;
	char *id = NULL, *error = NULL;
	uint64_t deadline;
	uint8_t verdict;
	int r;

	if (m == NULL) {
		consent_set(c, CONSENT_LATER, xstrdup("the approvals process was interrupted"));
		return 0;
	}
	if ((r = buf_get_cstring(m->body, &id)) != 0 || (r = buf_get_u64(m->body, &deadline)) != 0 ||
	    (r = buf_get_u8(m->body, &verdict)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (!id_is(id, "REQ-", REQUEST_ID_LEN)) {
		consent_set(c, CONSENT_LATER, xstrdup(error));
		goto out;
	}
	free(c->id);
	c->id = id;
	id = NULL;
	c->deadline = (int64_t)deadline;
	/* A decision may have overtaken this answer. */
	if (c->state == CONSENT_ASKING)
		consent_verdict(c, verdict, *error != '\0' ? error : "an earlier decision", "");
 out:
	free(id);
	free(error);
	return r;
}

struct consent *
consent_new(struct session *s, const struct consent_params *p)
{
	struct consent *c = xcalloc(1, sizeof(*c));
	struct buf *b = buf_new(MSG_MAX);

	c->session = s;
	c->id = xstrdup("");
	c->why = xstrdup("");
	c->next = s->consents;
	s->consents = c;
	memcpy(c->digest, p->digest, DIGEST_LEN);
	if (b == NULL || buf_put_cstring(b, p->kind) != 0 || buf_put_cstring(b, p->target) != 0 ||
	    buf_put_cstring(b, p->login) != 0 || buf_put_cstring(b, p->rule) != 0 ||
	    buf_put_cstring(b, p->because) != 0 || buf_put_cstring(b, p->text) != 0 ||
	    buf_put_string(b, p->digest, DIGEST_LEN) != 0 ||
	    buf_put_string(b, s->p->conf->hash, CONF_HASH_LEN) != 0 ||
	    !session_call(s, s->approvals, APPROVALS_ASK, b, consent_asked, c))
		consent_set(c, CONSENT_LATER, xstrdup("the approvals process cannot be asked now"));
	buf_free(b);
	return c;
}

void
consent_free(struct consent *c)
{
	if (c == NULL)
		return;
	for (struct consent **cp = &c->session->consents; *cp != NULL; cp = &(*cp)->next)
		if (*cp == c) {
			*cp = c->next;
			break;
		}
	calls_cancel(c->session->calls, c);
	free(c->id);
	free(c->why);
	free(c);
}

enum consent_state
consent_state(const struct consent *c)
{
	return c->state;
}

const char *
consent_id(const struct consent *c)
{
	return c->id;
}

const char *
consent_why(const struct consent *c)
{
	return c->why;
}

int64_t
consent_deadline(const struct consent *c)
{
	return c->deadline;
}

/* APPROVALS_USED: u8 ok, s error. */
static int
consent_used(struct msg *m, void *arg)
{
	struct consent *c = arg;
	char *error = NULL;
	uint8_t ok;
	int r;

	if (m == NULL) {
		consent_set(c, CONSENT_LATER, xstrdup("the approvals process was interrupted"));
		return 0;
	}
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (ok)
		c->state = CONSENT_USED;
	else
		consent_set(c, CONSENT_LATER, xstrdup(error));
	c->session->moved = true;
 out:
	free(error);
	return r;
}

void
consent_use(struct consent *c)
{
	struct buf *b = buf_new(256);

	if (c->state != CONSENT_GIVEN)
		return;
	c->state = CONSENT_USING;
	if (b == NULL || buf_put_cstring(b, c->id) != 0 || buf_put_string(b, c->digest, DIGEST_LEN) != 0 ||
	    !session_call(c->session, c->session->approvals, APPROVALS_USE, b, consent_used, c))
		consent_set(c, CONSENT_LATER, xstrdup("the approvals process cannot be asked now"));
	buf_free(b);
}

void
consent_fail_all(struct session *s)
{
	for (struct consent *c = s->consents; c != NULL; c = c->next)
		if (c->state != CONSENT_USED && c->state != CONSENT_REFUSED)
			consent_set(c, CONSENT_LATER, xstrdup("the approvals process was interrupted"));
}

int
consent_decision(struct session *s, struct msg *m)
{
	char *id = NULL, *by = NULL, *reason = NULL;
	uint8_t verdict;
	int r;

	if ((r = buf_get_cstring(m->body, &id)) != 0 || (r = buf_get_u8(m->body, &verdict)) != 0 ||
	    (r = buf_get_cstring(m->body, &by)) != 0 || (r = buf_get_cstring(m->body, &reason)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	for (struct consent *c = s->consents; c != NULL; c = c->next)
		if (strcmp(c->id, id) == 0 && c->state == CONSENT_PENDING)
			consent_verdict(c, verdict, by, reason);
	/* A `wait REQ` of this connection may be about it too. */
	for (struct channel *ch = s->channels; ch != NULL; ch = ch->next)
		if (ch->type != NULL && ch->type->decided != NULL)
			ch->type->decided(ch, id, verdict, by, reason);
 out:
	free(id);
	free(by);
	free(reason);
	return r;
}
