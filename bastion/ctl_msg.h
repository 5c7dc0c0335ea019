/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on the control socket STATE/run/control (Unix stream, mode 0600), between the admin command and the daemon.
 * One request a connection. Fields are in this order in the body; s = string (u32 length), u32/u8 integers.
 */
#ifndef BASTION_CTL_MSG_H
#define BASTION_CTL_MSG_H

#define CTL_ARGS_MAX	128	/* arguments of one request */
#define CTL_STDIN_MAX	(64 * 1024)	/* what a request carries as its standard input */

enum ctl_msg {
	/* command -> daemon, once: u32 argc, argc * s argv ("cert", "issue", ..), s standard input; secret put: a descriptor of
	 * a file in memory with it instead */
	CTL_REQUEST = 600,
	/* daemon -> command, any number: u8 stream (enum ctl_stream), s bytes */
	CTL_OUTPUT = 601,
	/* daemon -> command, last: u8 exit status */
	CTL_DONE = 603,
};

enum ctl_stream { CTL_STDOUT = 1, CTL_STDERR = 2 };

#endif
