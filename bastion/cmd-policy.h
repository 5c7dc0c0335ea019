/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-policy: `sallyport policy test ..` and `sallyport policy check ..`. argv[0] is "policy"; the exit status. */
#ifndef BASTION_CMD_POLICY_H
#define BASTION_CMD_POLICY_H

int	cmd_policy(int argc, char **argv);

#endif
