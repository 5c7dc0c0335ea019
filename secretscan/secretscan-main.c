/* SPDX-License-Identifier: Apache-2.0 */
/* The program secretscan(1). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/keyfile.h"
#include "secretscan/options.h"
#include "secretscan/run.h"
#include "secretscan/secretscan.h"

static int
list_rules(const struct secretscan *ss)
{
	struct secretscan_rule r;

	for (size_t i = 0; secretscan_rule(ss, i, &r); i++)
		printf("%-32s %-28s %s\n", r.id, r.provider, r.description);
	return fflush(stdout) != 0 ? RUN_TROUBLE : RUN_CLEAN;
}

static void
put_field(const char *name, const char *text)
{
	if (text != NULL)
		printf("%-12s %s\n", name, text);
}

static int
explain_rule(const struct secretscan *ss, const char *id)
{
	struct secretscan_rule r;

	for (size_t i = 0; secretscan_rule(ss, i, &r); i++) {
		if (strcmp(r.id, id) != 0)
			continue;
		put_field("rule", r.id);
		put_field("provider", r.provider);
		put_field("description", r.description);
		put_field("file", r.file);
		put_field("before", r.before);
		put_field("lead", r.lead);
		put_field("secret", r.secret);
		put_field("after", r.after);
		put_field("check", r.check);
		printf("%-12s %.1f\n", "entropy", r.entropy);
		return fflush(stdout) != 0 ? RUN_TROUBLE : RUN_CLEAN;
	}
	run_complain(id, "no such rule; --list names them");
	return RUN_TROUBLE;
}


int
main(int argc, char **argv)
{
	struct options o;
	struct secretscan *ss;
	char *error = NULL;
	uint8_t key[KEYFILE_LEN];
	bool keyless;
	int status;

	/* A reader or a git that goes away is an error to report, not a death. */
	signal(SIGPIPE, SIG_IGN);
	switch (options_parse(argc, argv, &o)) {
	case OPTIONS_DONE: return RUN_CLEAN;
	case OPTIONS_WRONG: return RUN_TROUBLE;
	case OPTIONS_GO: break;
	}
	if (keyfile_read(o.key, key, &keyless, &error) != 0) {
		run_complain("key", error);
		free(error);
		return RUN_TROUBLE;
	}
	if ((ss = secretscan_new(&(struct secretscan_rules){ .paths = o.rules.v, .npaths = o.rules.n,
	    .no_builtin = o.only_rules }, key, &error)) == NULL) {
		run_complain("rules", error != NULL ? error : "out of memory");
		free(error);
		return RUN_TROUBLE;
	}
	if (o.list)
		status = list_rules(ss);
	else if (o.explain != NULL)
		status = explain_rule(ss, o.explain);
	else
		status = run_all(&(struct run_params){ .ss = ss, .options = &o, .key = key, .keyless = keyless });
	secretscan_free(ss);
	explicit_bzero(key, sizeof(key));
	return status;
}
