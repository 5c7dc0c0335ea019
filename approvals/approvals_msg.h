/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to and from the approvals process (sallyport-approvald). It starts with descriptor 3 = link to the parent.
 * Who somebody is comes from the parent alone; what they ask comes from their session.
 */
#ifndef APPROVALS_APPROVALS_MSG_H
#define APPROVALS_APPROVALS_MSG_H

#define APPROVAL_DIGEST_LEN	32		/* SHA-256 over everything that an approval is for */
#define APPROVAL_TEXT_MAX	(64 * 1024)	/* what the approver is shown */
#define APPROVAL_REASON_MAX	1024

enum approval_verdict { APPROVAL_PENDING, APPROVAL_APPROVED, APPROVAL_DENIED, APPROVAL_EXPIRED, APPROVAL_USED };

enum approvals_msg {
	/* parent -> approvald, once: s state_dir, s user to become or ""; descriptor: the link to the audit process */
	APPROVALS_START = 300,
	/* u8 ok, s error line */
	APPROVALS_STARTED = 301,
	/* parent -> approvald, at start and after each reload; replaces what was there:
	 * s policy hash (32 bytes), u64 request ttl ms, u64 grant ttl ms,
	 * u32 n, n * (s rule id, u32 quorum, u32 m, m * s pattern),
	 * u32 n, n * (s webhook url, s secret "whsec_..") */
	APPROVALS_CONF = 302,
	/* parent -> approvald: s session id; descriptor: that session's own link */
	APPROVALS_SESSION = 304,
	/* parent -> approvald: s session id, s identity, s owner or "", u32 n, n * s group, u8 may_decide */
	APPROVALS_IDENTITY = 306,
	/* session -> approvald: s kind ("exec", "push"), s target, s login or repository, s rule id, s because,
	 * s text (all that is decided, as bytes), s digest (32), s policy hash (32) */
	APPROVALS_ASK = 308,
	/* same id: s request id or "" , u64 deadline (wall ms), u8 verdict so far (an earlier approval of the same digest may be
	 * there), s error line when there is no request, or who denied it before and why */
	APPROVALS_ASKED = 309,
	/* approvald -> session, for each request it waits on: s request id, u8 verdict, s by whom, s reason */
	APPROVALS_DECISION = 311,
	/* session -> approvald: s request id, s digest. Uses the approval up. */
	APPROVALS_USE = 312,
	/* same id: u8 ok, s error line. Durable before it is answered. */
	APPROVALS_USED = 313,
	/* approvald -> parent, before APPROVALS_USED: s session id, s request id, s digest, s rule id. What the parent may
	 * release */
	APPROVALS_GRANTED = 315,
	/* session -> approvald: an approver's or requester's verb: u32 argc, argc * s argv: pending, show REQ, approve REQ
	 * [--false-positive | --test-value | --rotated [--for DURATION]] [--reason TEXT], deny REQ --reason TEXT, status REQ, and from
	 * the host findings, forget FINGERPRINT; s format "text" or "json" */
	APPROVALS_VERB = 316,
	/* same id: u8 exit status, s stdout, s stderr */
	APPROVALS_VERB_DONE = 317,
	/* session -> approvald: s request id: tell me (APPROVALS_DECISION) when it is decided. Own requests only. */
	APPROVALS_WATCH = 318,
	/* parent -> approvald: as VERB, but s who ("host/root") first: an administrator on the host */
	APPROVALS_ADMIN = 320,
	APPROVALS_ADMIN_DONE = 321,
	/* parent -> approvald: s session id, s request id, s digest: what this session used the approval for was not done after all */
	APPROVALS_RETURN = 324,
	/*
	 * approvald -> parent, when it changes: u32 n, n * (s scanner rule, s fingerprint, s upstream, s repository, s choice, s by
	 * whom, s request id, u64 until, wall ms): findings that approvers have said something about; replaces what was there
	 */
	APPROVALS_REMEMBERED = 325,
	/* parent -> approvald: finish and exit 0 */
	APPROVALS_STOP = 322,
};

#endif
