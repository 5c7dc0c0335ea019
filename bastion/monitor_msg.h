/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between a session process and the parent. The session is the attacker's first foothold: the parent re-checks
 * every request against what it knows itself (the certificate, the policy), and opens each door only in its time. The
 * rows with their flags are in monitor.c.
 */
#ifndef BASTION_MONITOR_MSG_H
#define BASTION_MONITOR_MSG_H

enum monitor_msg {
	/* session -> parent, once: s user name as typed, s certificate blob whose private key was proven */
	MON_AUTH = 700,
	/* u8 ok, s reason. After it the identity is fixed for good and known to the audit and approvals processes. */
	MON_AUTHED = 701,
	/*
	 * session -> parent: s target, s login, u8 fresh (the host certificate that was kept led to another key). Only what policy
	 * lets this identity reach is dialled.
	 */
	MON_DIAL = 702,
	/*
	 * same id: u8 ok, s error line, u32 n, n * s host keys "TYPE BASE64" (of a target with host_ca: those in its certificates;
	 * otherwise none, the configuration has them); descriptor: the connected socket
	 */
	MON_DIALLED = 703,
	/* session -> parent: s target, s login, s public key blob */
	MON_MINT = 704,
	/* same id: u8 ok, s certificate blob or error line */
	MON_MINTED = 705,
	/* session -> parent: s upstream, s repository, u8 enum monitor_git */
	MON_GIT = 706,
	/* same id, one for each descriptor, then one without: u8 enum monitor_git_fd; descriptor */
	MON_GIT_FD = 707,
	/*
	 * session -> parent: u32 id of the MON_GIT, s request id under which what it replaces is kept: the used approval's, or its
	 * own, u8 1 = park it under this id instead, s rule that says so, s text for approvers. The inspector's own word to the
	 * parent decides whether the repository may take the spool.
	 */
	MON_STORE = 708,
	/* same id: u8 ok (the leg stores now and answers by itself), s error line */
	MON_STORING = 709,
	/* parent -> session: s reason, u8 enum monitor_stop. */
	MON_STOP = 711,
	/* parent -> session: the approvals process was started again; descriptor: the new link to it */
	MON_APPROVALS = 713,
	/* session -> parent: s target. The agent wants to speak SSH with it through this connection (ssh -J). */
	MON_JUMP = 714,
	/* same id: u8 ok, s error line; descriptor: a stream to a session of its own, bound to that target and this identity */
	MON_JUMPED = 715,
	/* session -> parent: u32 id of a MON_GIT: over, take everything away */
	MON_GIT_END = 712,
	/*
	 * session -> parent: s target, s login, of a target that is opened by a held key or password. The end of a loan of the
	 * key process (loan.h) comes back, never the key.
	 */
	MON_LEND = 730,
	/* same id: u8 ok, s error line; descriptor */
	MON_LENT = 731,
	/* session -> parent: s verb ("parked", "release", "drop"), s request id or "", s reason. About parked pushes; one at a time. */
	MON_SHELF = 732,
	/* same id: u8 exit status, s lines */
	MON_SHELVED = 733,
};

/* How a session ends. What is cut gets exit status 75, or 77 where it need not try again. */
enum monitor_stop { MONITOR_STOP_AFTER, MONITOR_STOP_NOW, MONITOR_STOP_DENIED };

enum monitor_git { MONITOR_GIT_FETCH, MONITOR_GIT_PUSH, MONITOR_GIT_LFS_DOWNLOAD, MONITOR_GIT_LFS_UPLOAD };

enum monitor_git_fd {
	MONITOR_FD_FAILED,	/* no descriptor: s error line follows the u8 */
	MONITOR_FD_DONE,	/* no descriptor: all have been sent */
	MONITOR_FD_STREAM,	/* fetch: standard input and output of git-upload-pack */
	MONITOR_FD_ERRORS,	/* fetch: its standard error */
	MONITOR_FD_LEG,		/* push: link to the git leg (GITLEG_*); LFS: to the keeper (LFSKEEP_*) */
	MONITOR_FD_INSPECTOR,	/* push: link to the inspector (INSPECT_*) */
};

#endif
