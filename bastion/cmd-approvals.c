/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-approvals: an administrator on the host looks at requests and decides them; recorded as break-glass. */
#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/ctl.h"

int
cmd_approvals(int argc, char **argv, const struct cmd_env *env)
{
	struct strvec words = STRVEC_INIT;
	int status;

	for (int i = 0; i < argc; i++)
		strvec_push(&words, argv[i]);
	status = ctl_ask(env, &words, NULL);
	strvec_release(&words);
	return status;
}
