/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/settings.h"

#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

/* A string without line feeds (the store separates by them) and of bounded length. */
static int
get_word(struct buf *b, size_t max, char **sp)
{
	int r;

	if ((r = buf_get_cstring(b, sp)) != 0)
		return r;
	if (strlen(*sp) <= max && strchr(*sp, '\n') == NULL)
		return 0;
	free(*sp);
	*sp = NULL;
	return ERR_TOOBIG;
}

static int
parse_rule(struct buf *b, struct settings_rule *rule)
{
	uint32_t quorum, n;
	char *word;
	int r;

	if ((r = get_word(b, FIELD_MAX, &rule->id)) != 0 || (r = buf_get_u32(b, &quorum)) != 0 ||
	    (r = buf_get_u32(b, &n)) != 0)
		return r;
	if (quorum > QUORUM_MAX || n > PATTERNS_MAX)
		return ERR_TOOBIG;
	rule->quorum = quorum == 0 ? 1 : quorum;
	for (; n > 0; n--) {
		if ((r = get_word(b, FIELD_MAX, &word)) != 0)
			return r;
		strvec_take(&rule->approvers, word);
	}
	return 0;
}

static int
parse_rules(struct buf *b, struct settings *s)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > RULES_MAX)
		return ERR_TOOBIG;
	s->rules = xcalloc(n + 1, sizeof(*s->rules));
	for (; n > 0; n--)
		if ((r = parse_rule(b, &s->rules[s->nrules++])) != 0)
			return r;
	return 0;
}

static int
parse_hooks(struct buf *b, struct settings *s)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > HOOKS_MAX)
		return ERR_TOOBIG;
	s->hooks = xcalloc(n + 1, sizeof(*s->hooks));
	for (; n > 0; n--) {
		struct settings_hook *h = &s->hooks[s->nhooks++];

		if ((r = get_word(b, URL_MAX, &h->url)) != 0 || (r = get_word(b, FIELD_MAX, &h->secret)) != 0)
			return r;
	}
	return 0;
}

static int
parse_head(struct buf *b, struct settings *s)
{
	const uint8_t *hash;
	uint64_t request_ttl, grant_ttl;
	size_t len;
	int r;

	if ((r = buf_peek_string(b, &hash, &len)) != 0 || (r = buf_get_u64(b, &request_ttl)) != 0 ||
	    (r = buf_get_u64(b, &grant_ttl)) != 0)
		return r;
	if (len != sizeof(s->policy) || request_ttl == 0 || grant_ttl == 0)
		return ERR_FORMAT;
	if (request_ttl > TTL_MAX_MS || grant_ttl > TTL_MAX_MS)
		return ERR_TOOBIG;
	memcpy(s->policy, hash, len);
	s->request_ttl_ms = (int64_t)request_ttl;
	s->grant_ttl_ms = (int64_t)grant_ttl;
	return 0;
}

int
settings_parse(struct buf *b, struct settings **sp)
{
	struct settings *s = xcalloc(1, sizeof(*s));
	int r;

	if ((r = parse_head(b, s)) != 0 || (r = parse_rules(b, s)) != 0 || (r = parse_hooks(b, s)) != 0 ||
	    (r = buf_end(b)) != 0)
		goto out;
	*sp = s;
	s = NULL;
out:
	settings_free(s);
	return r;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nrules; i++) {
		free(s->rules[i].id);
		strvec_release(&s->rules[i].approvers);
	}
	for (size_t i = 0; i < s->nhooks; i++) {
		free(s->hooks[i].url);
		if (s->hooks[i].secret != NULL)
			freezero(s->hooks[i].secret, strlen(s->hooks[i].secret));
	}
	free(s->rules);
	free(s->hooks);
	free(s);
}

const struct settings_rule *
settings_rule(const struct settings *s, const char *id)
{
	for (size_t i = 0; i < s->nrules; i++)
		if (strcmp(s->rules[i].id, id) == 0)
			return &s->rules[i];
	return NULL;
}
