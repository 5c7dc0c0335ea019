/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule says, field by field, as in the file that it is of; samples are not kept. */
#include <stdio.h>
#include <string.h>

#include "secretscan/check.h"
#include "secretscan/rule.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"
#include "secretscan/value.h"

#define LIST_MAX	4096	/* bytes of a list that is shown; anchors and stop words fit */

static void
explain_list(const char *name, const struct rule_texts *texts, secretscan_explain_fn fn, void *arg)
{
	char text[LIST_MAX] = "";
	size_t n = 0;

	for (size_t i = 0; i < texts->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i > 0 ? ", " : "", texts->v[i].p);
	if (texts->n > 0)
		fn(name, text, arg);
}

static void
explain_field(const struct rule_field *f, const void *where, secretscan_explain_fn fn, void *arg)
{
	const struct check *check;
	char text[32];

	switch (f->type) {
	case FIELD_TEXT:
		if (*(char *const *)where != NULL)
			fn(f->name, *(char *const *)where, arg);
		return;
	case FIELD_BOOL:
		if (*(const bool *)where)
			fn(f->name, "true", arg);
		return;
	case FIELD_NUMBER:
		(void)snprintf(text, sizeof(text), "%.1f", *(const double *)where);
		fn(f->name, text, arg);
		return;
	case FIELD_SIZE:
		(void)snprintf(text, sizeof(text), "%zu", *(const size_t *)where);
		if (*(const size_t *)where != 0)
			fn(f->name, text, arg);
		return;
	case FIELD_TEXTS:
		explain_list(f->name, where, fn, arg);
		return;
	case FIELD_CHECK:
		if ((check = *(const struct check *const *)where) != NULL)
			fn(f->name, check->name, arg);
		return;
	case FIELD_VALUE:
		if (value_kind_name(*(const enum value_kind *)where) != NULL)
			fn(f->name, value_kind_name(*(const enum value_kind *)where), arg);
		return;
	case FIELD_SAMPLES:
	case FIELD_SET:
	case FIELD_FOLLOW:
		return;
	}
}

int
secretscan_explain(const struct secretscan *ss, const char *id, secretscan_explain_fn fn, void *arg)
{
	const struct rule_field *f;
	const struct rule *r = NULL;
	const char *slash;

	for (size_t i = 0; i < ss->rules.n && r == NULL; i++) {
		if (strcmp(ss->rules.v[i].id, id) == 0)
			r = &ss->rules.v[i];
	}
	if (r == NULL)
		return 0;
	slash = strrchr(r->file, '/');
	fn("rule", r->id, arg);
	fn("provider", r->provider, arg);
	fn("file", slash != NULL ? slash + 1 : r->file, arg);
	for (size_t i = 0; (f = rule_field(i)) != NULL; i++) {
		if (f->name != NULL && strcmp(f->name, "id") != 0)
			explain_field(f, (const char *)r + f->offset, fn, arg);
	}
	return 1;
}
