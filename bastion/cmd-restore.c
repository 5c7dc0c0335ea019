/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-restore: undo a push, decide on parked ones: asked of the running daemon. */
#include <string.h>

#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/ctl.h"

int
cmd_restore(int argc, char **argv, const struct cmd_env *env)
{
	struct strvec words = STRVEC_INIT;
	int status;

	if (argc > 4 || (argc == 1 && strcmp(argv[0], "parked") != 0) || argc == 3 ||
	    (argc == 4 && (strcmp(argv[0], "drop") != 0 || strcmp(argv[2], "--reason") != 0)))
		return CMD_USAGE;
	for (int i = 0; i < argc; i++)
		strvec_push(&words, argv[i]);
	status = ctl_ask(env, &words, NULL);
	strvec_release(&words);
	return status;
}
