/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/ask.h"

#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

static int
get_hash(struct buf *b, uint8_t out[APPROVAL_DIGEST_LEN])
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	if (n != APPROVAL_DIGEST_LEN)
		return ERR_FORMAT;
	memcpy(out, p, n);
	return 0;
}

int
ask_parse(struct buf *b, struct ask **ap)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	int r;

	if ((r = buf_get_cstring(b, &a->kind)) != 0 || (r = buf_get_cstring(b, &a->target)) != 0 ||
	    (r = buf_get_cstring(b, &a->login)) != 0 || (r = buf_get_cstring(b, &a->rule)) != 0 ||
	    (r = buf_get_cstring(b, &a->because)) != 0 || (r = buf_get_string(b, &a->text, &a->text_len)) != 0 ||
	    (r = get_hash(b, a->digest)) != 0 || (r = get_hash(b, a->policy)) != 0 || (r = buf_end(b)) != 0)
		goto out;
	*ap = a;
	a = NULL;
out:
	ask_free(a);
	return r;
}

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	free(a->kind);
	free(a->target);
	free(a->login);
	free(a->rule);
	free(a->because);
	free(a->text);
	free(a);
}

const char *
ask_problem(const struct ask *a)
{
	if (a->text_len > APPROVAL_TEXT_MAX)
		return "too long for a human to decide: over 65536 bytes; split it up";
	if (strlen(a->kind) > FIELD_MAX || strlen(a->target) > FIELD_MAX || strlen(a->login) > FIELD_MAX ||
	    strlen(a->rule) > FIELD_MAX || strlen(a->because) > BECAUSE_MAX)
		return "a name in this request is too long";
	if (a->kind[0] == '\0' || a->rule[0] == '\0')
		return "this request has no kind or no rule";
	return NULL;
}
