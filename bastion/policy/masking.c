/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/masking.h"

#include <stdlib.h>

#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"
#include "secretscan/secretscan.h"

#define MAX_MASKINGS	200
#define MAX_KINDS	64

const struct masking_rule *
policy_masking(const struct policy *p, const struct subject *s, const char *target)
{
	for (size_t i = 0; i < p->nmaskings; i++)
		if (subject_matches(&p->maskings[i].who, s) && match_any(&p->maskings[i].on, target))
			return &p->maskings[i];
	return NULL;
}

static int
fail_kind(const struct tree *t, const char *word, struct tree_error *e)
{
	struct strvec names = STRVEC_INIT;
	const char *name;
	char *all;
	int rc;

	for (unsigned i = 0; (name = secretscan_pii_name(i)) != NULL; i++)
		strvec_push(&names, name);
	all = strvec_join(&names, ", ");
	rc = tree_fail(e, t->line, "personal knows %s, national-id and all, not '%s'", all, word);
	free(all);
	strvec_release(&names);
	return rc;
}

static int
read_personal(const struct tree *t, uint32_t *bitsp, struct tree_error *e)
{
	struct strvec words = STRVEC_INIT;
	int rc = tree_strings(t, "personal", MAX_KINDS, &words, e);

	for (size_t i = 0; rc == 0 && i < words.n; i++) {
		uint32_t bits = secretscan_pii_bit(words.v[i]);

		if (bits == 0)
			rc = fail_kind(t, words.v[i], e);
		*bitsp |= bits;
	}
	strvec_release(&words);
	return rc;
}

static int
read_masking(const struct tree *t, struct masking_rule *r, struct tree_error *e)
{
	static const char *const known[] = { "who", "on", "personal", "keep_columns", NULL };
	const struct tree *who, *on, *v;
	int rc;

	if ((rc = tree_keys(t, "an entry of masking", known, e)) != 0)
		return rc;
	who = tree_get(t, "who");
	on = tree_get(t, "on");
	if (who == NULL || on == NULL)
		return tree_fail(e, t->line, "an entry of masking needs %s", who == NULL ? "who" : "on");
	if ((rc = tree_strings(who, "who", POLICY_MAX_WORDS, &r->who, e)) != 0 ||
	    (rc = rule_check_who(&r->who, who->line, "who", true, e)) != 0 ||
	    (rc = tree_strings(on, "on", POLICY_MAX_WORDS, &r->on, e)) != 0)
		return rc;
	if ((v = tree_get(t, "personal")) != NULL && (rc = read_personal(v, &r->personal, e)) != 0)
		return rc;
	if ((v = tree_get(t, "keep_columns")) != NULL)
		return tree_bool(v, "keep_columns", &r->keep_columns, e);
	return 0;
}

int
maskings_read(const struct tree *t, struct masking_rule **rp, size_t *np, struct tree_error *e)
{
	int rc;

	if (t->kind != TREE_LIST)
		return tree_fail(e, t->line, "masking must be a list of {who: [..], on: [..], personal: [..]}");
	if (t->n > MAX_MASKINGS)
		return tree_fail(e, t->line, "more than %d entries of masking", MAX_MASKINGS);
	*rp = xcalloc(t->n + 1, sizeof(**rp));
	for (size_t i = 0; i < t->n; i++)
		if ((rc = read_masking(t->items[i], &(*rp)[(*np)++], e)) != 0)
			return rc;
	return 0;
}

void
maskings_free(struct masking_rule *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		strvec_release(&r[i].who);
		strvec_release(&r[i].on);
	}
	free(r);
}
