/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-reload: the running daemon reads its configuration again. A wrong one is told here, before the daemon sees it. */
#include <stdio.h>
#include <stdlib.h>

#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/conf.h"
#include "bastion/ctl.h"

int
cmd_reload(int argc, char **argv, const struct cmd_env *env)
{
	struct strvec words = STRVEC_INIT;
	struct conf *conf = NULL;
	char *error = NULL;
	int status = 1;

	if (argc != 1)
		return CMD_USAGE;
	if (conf_load(env->conf_path, &conf, &error) != 0) {
		fprintf(stderr, "sallyport: %s\nsallyport: the daemon keeps its present configuration\n", error);
		free(error);
		return 1;
	}
	conf_free(conf);
	strvec_push(&words, argv[0]);
	status = ctl_ask(env, &words, NULL);
	strvec_release(&words);
	return status;
}
