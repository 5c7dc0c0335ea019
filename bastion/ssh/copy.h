/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: scp or rsync as a dialogue. Each name is put before decide() as it was asked for and as the target resolves it, by
 * its own SFTP; content is scanned before it passes, either way. scp is read file by file. rsync's own protocol is not: it
 * is decided on its paths with all that is below them, and scanned as it comes.
 */
#ifndef SSH_COPY_H
#define SSH_COPY_H

#include "bastion/policy/transfer-command.h"
#include "bastion/ssh/dialogue.h"

/* The command is taken over. */
struct dialogue	*copy_new(const struct dialogue_params *, struct transfer_command *);

#endif
