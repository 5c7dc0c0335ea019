/* SPDX-License-Identifier: Apache-2.0 */
/* The program secretscan(1). */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/keyfile.h"
#include "secretscan/maskrun.h"
#include "secretscan/options.h"
#include "secretscan/ruleset.h"
#include "secretscan/run.h"

int
main(int argc, char **argv)
{
	struct options o;
	struct ruleset rules;
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
	if (ruleset_load(&rules, &o, key) != 0)
		status = RUN_TROUBLE;
	else if (o.list)
		status = ruleset_list(&rules);
	else if (o.explain != NULL)
		status = ruleset_explain(&rules, o.explain);
	else if (o.mask)
		status = maskrun(&rules, &o);
	else
		status = run_all(&(struct run_params){ .rules = &rules, .options = &o, .key = key, .keyless = keyless });
	ruleset_release(&rules);
	explicit_bzero(key, sizeof(key));
	return status;
}
