/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to and from the audit process (sallyport-auditd). It starts with descriptor 3 = link to the parent. Every
 * record and every recording byte is acknowledged: a record once it is durable and under a signed checkpoint, recording
 * bytes once they are written to the file. Senders release nothing before that.
 *
 * JSON members named v, seq, time, session, identity, source and "event" are set by the audit process itself or checked
 * by it; a sender's own members of those names are refused (except "event", which is the u8-string field below).
 */
#ifndef AUDIT_AUDIT_MSG_H
#define AUDIT_AUDIT_MSG_H

#define AUDIT_RECORD_MAX	(48 * 1024)	/* one record's JSON */
#define AUDIT_DATA_MAX		(128 * 1024)	/* one piece of a recording */

#define AUDITD_EXIT_DISK	3	/* its exit status when the log cannot be written: another try may find room */

enum audit_msg {
	/* parent -> auditd, once: s state_dir, s user to become or "", s origin (name of the log in checkpoints), u64 bytes
	 * of recordings that one identity may have or 0; descriptor: the link to the key process (KEYD_SIGN) */
	AUDIT_START = 200,
	/* u64 records in the log, u8 ok, s error line */
	AUDIT_STARTED = 201,
	/* parent -> auditd: s session id ("" = a daemon such as the approvals process, named by the next field), s name or
	 * source address; descriptor: that session's own link */
	AUDIT_SESSION = 202,
	/* parent -> auditd, once a session is authenticated: s session id, s identity, s owner or "" */
	AUDIT_IDENTITY = 204,
	/* parent, session, approvals -> auditd: s event name ("exec.start"), s JSON object of further members */
	AUDIT_RECORD = 206,
	/* u64 seq. The record is durable. */
	AUDIT_RECORDED = 207,
	/* session -> auditd: u32 channel number, s cast header line (JSON, no LF) */
	AUDIT_REC_OPEN = 208,
	/* u8 ok, s recording id ("S-XXXXXXXXXX.1") or error line */
	AUDIT_REC_OPENED = 209,
	/* session -> auditd: u32 channel number, s bytes (whole cast lines). Not answered one by one */
	AUDIT_REC_DATA = 210,
	/* u32 channel number, u64 bytes of this recording now in the file (header line and its LF included) */
	AUDIT_REC_ACK = 211,
	/* session -> auditd: u32 channel number. The recording is sealed: its hash is a record. */
	AUDIT_REC_CLOSE = 212,
	/* u32 channel number, u64 seq of the sealing record */
	AUDIT_REC_CLOSED = 213,
	/* auditd -> session: something cannot be written. s why. The session must stop. */
	AUDIT_FAILED = 215,
	/* parent -> auditd: finish: seal what is open, checkpoint, exit 0 */
	AUDIT_STOP = 216,
};

#endif
