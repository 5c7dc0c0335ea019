/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/container.h"
#include "secretscan/gitleaks.h"
#include "secretscan/options.h"
#include "secretscan/run.h"
#include "secretscan/secretscan.h"

static bool
is_toml(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && strcmp(path + n - 5, ".toml") == 0;
}

static int
load_gitleaks(struct ruleset *rs, const struct options *o, const uint8_t key[32])
{
	char *error = NULL;
	int e;

	for (size_t i = 0; i < o->rules.n; i++) {
		if (!is_toml(o->rules.v[i]))
			continue;
		if (rs->gitleaks == NULL)
			rs->gitleaks = gitleaks_new(key);
		if (gitleaks_read(rs->gitleaks, o->rules.v[i], &error) != 0) {
			run_complain("rules", error);
			free(error);
			return -1;
		}
	}
	if (rs->gitleaks != NULL && (e = gitleaks_compile(rs->gitleaks)) != 0) {
		run_complain("rules", secretscan_strerror(e));
		return -1;
	}
	return 0;
}

static int
load_scanner(struct ruleset *rs, const struct options *o, const uint8_t key[32])
{
	struct options_list paths = { .n = 0 };
	const char **without = NULL, *id, *error_text;
	char *error = NULL;
	size_t n = 0;

	for (size_t i = 0; i < o->rules.n; i++) {
		if (!is_toml(o->rules.v[i]))
			paths.v[paths.n++] = o->rules.v[i];
	}
	if (o->only_rules && paths.n == 0)
		return 0;
	for (; rs->gitleaks != NULL && (id = gitleaks_without(rs->gitleaks, n)) != NULL; n++) {
		without = xreallocarray(without, n + 1, sizeof(char *));
		without[n] = id;
	}
	rs->ss = secretscan_new(&(struct secretscan_rules){ .paths = paths.v, .npaths = paths.n, .without = without,
	    .nwithout = n, .no_builtin = o->only_rules }, key, &error);
	free(without);
	if (rs->ss != NULL)
		return 0;
	error_text = error != NULL ? error : "out of memory";
	run_complain("rules", error_text);
	free(error);
	return -1;
}

int
ruleset_load(struct ruleset *rs, const struct options *o, const uint8_t key[32])
{
	*rs = (struct ruleset){ 0 };
	return load_gitleaks(rs, o, key) != 0 || load_scanner(rs, o, key) != 0 ? -1 : 0;
}

void
ruleset_release(struct ruleset *rs)
{
	secretscan_free(rs->ss);
	gitleaks_free(rs->gitleaks);
}

/* The rules of both, one after the other. */
static bool
rule_at(const struct ruleset *rs, size_t i, struct secretscan_rule *rulep)
{
	size_t n = 0;

	if (rs->ss != NULL) {
		if (secretscan_rule(rs->ss, i, rulep))
			return true;
		while (secretscan_rule(rs->ss, n, rulep))
			n++;
	}
	return rs->gitleaks != NULL && gitleaks_rule(rs->gitleaks, i - n, rulep);
}

int
ruleset_list(const struct ruleset *rs)
{
	struct secretscan_rule r;

	for (size_t i = 0; rule_at(rs, i, &r); i++)
		printf("%-32s %-28s %s\n", r.id, r.provider, r.description);
	return fflush(stdout) != 0 ? RUN_TROUBLE : RUN_CLEAN;
}

static void
put_field(const char *name, const char *text)
{
	if (text != NULL)
		printf("%-12s %s\n", name, text);
}

static void
put_explained(const char *name, const char *text, void *arg)
{
	(void)arg;
	put_field(name, text);
}

int
ruleset_explain(const struct ruleset *rs, const char *id)
{
	struct secretscan_rule r;

	if (rs->ss != NULL && secretscan_explain(rs->ss, id, put_explained, NULL))
		return fflush(stdout) != 0 ? RUN_TROUBLE : RUN_CLEAN;
	for (size_t i = 0; rs->gitleaks != NULL && gitleaks_rule(rs->gitleaks, i, &r); i++) {
		if (strcmp(r.id, id) != 0)
			continue;
		put_field("rule", r.id);
		put_field("provider", r.provider);
		put_field("description", r.description);
		put_field("file", r.file);
		put_field("secret", r.secret);
		printf("%-12s %.1f\n", "entropy", r.entropy);
		return fflush(stdout) != 0 ? RUN_TROUBLE : RUN_CLEAN;
	}
	for (int i = CONTAINER_IS_ENCRYPTED; i <= CONTAINER_IS_CUT; i++) {
		const struct container_report *report = container_report((enum container_notice)i);

		if (strcmp(report->rule, id) != 0)
			continue;
		put_field("rule", report->rule);
		put_field("description", report->description);
		return fflush(stdout) != 0 ? RUN_TROUBLE : RUN_CLEAN;
	}
	run_complain(id, "no such rule; --list names them");
	return RUN_TROUBLE;
}
