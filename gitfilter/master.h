/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master: one SSH connection to one upstream, opened and authenticated before anybody needs it, over which git legs then
 * open their conversations (OpenSSH's control socket). It runs stock ssh with no configuration but its arguments: the
 * pinned host keys, and an agent that is the key process: the private key is never here, nor in any leg.
 */
#ifndef GITFILTER_MASTER_H
#define GITFILTER_MASTER_H

/* sallyport-gitleg master POOL_DIR NUMBER LOGIN HOST PORT TIMEOUT_SECONDS "TYPE BASE64"..; see gitleg_msg.h. Its exit status. */
int	master_run(int argc, char **argv);

#endif
