/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp-proxy: SFTP as a dialogue. To the agent it is the server, to the target's own sftp subsystem the client: each
 * operation is read, put before decide() with the name as it was asked for and with the one that it leads to, recorded, and
 * only then asked of the target, with names and handles of ours. Content is scanned before it passes, either way.
 */
#ifndef SSH_SFTP_PROXY_H
#define SSH_SFTP_PROXY_H

#include "bastion/ssh/dialogue.h"

struct dialogue	*sftp_proxy_new(const struct dialogue_params *);

#endif
