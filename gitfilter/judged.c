/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/judged.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/refcmd.h"

struct met_rule {
	enum fact_word	 word;
	const char	*rule;		/* the judge's */
};

struct met_commit {
	uint8_t			 oid[20];
	struct fact_verdict	 verdict;
};

struct judged {
	struct met_rule		*rules;		/* owned, each once */
	size_t			 nrules;
	struct met_commit	*commits;	/* owned */
	size_t			 ncommits;
	uint32_t		 more;		/* commits that are not kept */
};

struct judged *
judged_new(void)
{
	return calloc(1, sizeof(struct judged));
}

void
judged_free(struct judged *j)
{
	if (j == NULL)
		return;
	free(j->rules);
	free(j->commits);
	free(j);
}

static bool
judged_has(const struct judged *j, const struct fact_verdict *v)
{
	for (size_t i = 0; i < j->nrules; i++)
		if (j->rules[i].word == v->word && strcmp(j->rules[i].rule, v->rule) == 0)
			return true;
	return false;
}

int
judged_add(struct judged *j, const struct fact_verdict *v)
{
	if (v->word == FACT_ALLOWED || judged_has(j, v))
		return 0;
	if (j->nrules == RULES_MET_MAX)
		return ERR_TOOBIG;
	if (j->rules == NULL && (j->rules = calloc(RULES_MET_MAX, sizeof(*j->rules))) == NULL)
		return ERR_NOMEM;
	j->rules[j->nrules++] = (struct met_rule){ .word = v->word, .rule = v->rule };
	return 0;
}

/* One that may give way to another: a rule that asks, and that an earlier commit stands for as well. */
static struct met_commit *
judged_spare(struct judged *j)
{
	for (size_t i = j->ncommits; i-- > 1;) {
		const struct fact_verdict *v = &j->commits[i].verdict;

		for (size_t k = 0; v->word != FACT_DENIED && k < i; k++)
			if (strcmp(j->commits[k].verdict.rule, v->rule) == 0)
				return &j->commits[i];
	}
	return NULL;
}

int
judged_add_commit(struct judged *j, const uint8_t oid[20], const struct fact_verdict *v)
{
	struct met_commit *to = NULL;
	bool fresh = !judged_has(j, v);
	int r;

	if (v->word == FACT_ALLOWED)
		return 0;
	if ((r = judged_add(j, v)) != 0)
		return r;
	if (j->commits == NULL && (j->commits = calloc(JUDGED_COMMITS_MAX, sizeof(*j->commits))) == NULL)
		return ERR_NOMEM;
	if (j->ncommits < JUDGED_COMMITS_MAX)
		to = &j->commits[j->ncommits++];
	else {
		j->more += j->more < UINT32_MAX;
		if (v->word == FACT_DENIED || fresh)
			to = judged_spare(j);
	}
	if (to != NULL) {
		memcpy(to->oid, oid, 20);
		to->verdict = *v;
	}
	return 0;
}

int
judged_put_rules(const struct judged *j, struct buf *b)
{
	int r = buf_put_u32(b, (uint32_t)j->nrules);

	for (size_t i = 0; r == 0 && i < j->nrules; i++)
		if ((r = buf_put_u8(b, (uint8_t)j->rules[i].word)) == 0)
			r = buf_put_cstring(b, j->rules[i].rule);
	return r;
}

int
judged_put_commits(const struct judged *j, struct buf *b)
{
	char hex[OID_HEX + 1];
	int r = buf_put_u32(b, (uint32_t)j->ncommits);

	for (size_t i = 0; r == 0 && i < j->ncommits; i++) {
		oid_format(j->commits[i].oid, hex);
		if ((r = buf_put_cstring(b, j->commits[i].verdict.rule)) == 0 && (r = buf_put_cstring(b, hex)) == 0)
			r = buf_put_cstring(b, j->commits[i].verdict.detail);
	}
	return r != 0 ? r : buf_put_u32(b, j->more);
}
