/* SPDX-License-Identifier: Apache-2.0 */
/* ctl: ask the running daemon, over its control socket STATE/run/control, as ctl_msg.h says. For the admin command. */
#ifndef BASTION_CTL_H
#define BASTION_CTL_H

#include "bastion/base/strvec.h"

struct buf;
struct cmd_env;

#define CTL_SOCKET	"run/control"	/* below the state directory */

/*
 * Send argv (and in as its standard input, NULL = none), print what comes to stdout and stderr, return the exit status.
 * Without a daemon: one line on stderr that says how to start it, and 1.
 */
int	ctl_run(const char *state_dir, const struct strvec *argv, const struct buf *in);

/* The same, to the daemon of env->conf_path. */
int	ctl_ask(const struct cmd_env *env, const struct strvec *argv, const struct buf *in);
/*
 * The same with a secret as standard input: it travels as a file in memory that the daemon only passes on to its key
 * process, and never in a message.
 */
int	ctl_ask_hidden(const struct cmd_env *env, const struct strvec *argv, const struct buf *secret);

#endif
