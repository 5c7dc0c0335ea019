/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to and from the key process (sallyport-keyd). It starts with descriptor 3 = link to the parent. Fields are in
 * this order in the body; s = string (u32 length), u64/u32/u8 integers.
 */
#ifndef IDENT_KEYD_MSG_H
#define IDENT_KEYD_MSG_H

/* What a minted certificate opens besides commands, together; KEYD_WAY_ONLY stands alone: connections, and no command. */
enum keyd_right { KEYD_TERMINAL = 1, KEYD_FORWARDS = 2, KEYD_WAY_ONLY = 4 };

/* In place of enum secret_kind. */
#define KEYD_LEND_CERTIFICATE	3
#define KEYD_LEND_APP		4

enum keyd_msg {
	/* parent -> keyd, once: s state_dir, s master_key path, s user to become or "" , u64 max_cert_ttl_ms */
	KEYD_START = 100,
	/* s CA public key blob, s audit public key (32 bytes raw Ed25519), s KRL bytes (OpenSSH format) */
	KEYD_STARTED = 101,
	/* parent -> keyd: a certificate for one session on one target.
	 * s identity, s session id, s target, s login, s public key blob (plain), u64 ttl_ms, u8 of enum keyd_right */
	KEYD_MINT = 102,
	/* u8 ok; s certificate blob (or s error line); u64 serial */
	KEYD_MINTED = 103,
	/* parent -> keyd: an administrator's verb (cert issue, cert revoke, cert list, ca show ..):
	 * s who ("host/root"), u32 argc, argc * s argv, s stdin bytes. Or a descriptor, of a file in memory: standard input
	 * that the parent must not see (secret put). */
	KEYD_ADMIN = 104,
	/* u8 exit status; s stdout; s stderr; s JSON object of an audit event with member "event", or "" */
	KEYD_ADMIN_DONE = 105,
	/* parent -> keyd: u32 0, and a descriptor: the link to the audit process */
	KEYD_AUDIT_LINK = 106,
	/* auditd -> keyd: s checkpoint text to be signed (C2SP tlog-checkpoint, without signature lines) */
	KEYD_SIGN = 108,
	/* u8 ok; s signature line(s) as they go into the note */
	KEYD_SIGNED = 109,
	/* keyd -> parent, unasked, after a revocation: s KRL bytes. The parent cuts the sessions it names. */
	KEYD_KRL = 110,
	/*
	 * parent -> keyd: lend a secret to one session for one login on one target (../loan.h); descriptor: the end on which
	 * the session will be served. s session id, s target, s login, s name of the secret, u8 enum secret_kind
	 * Or u8 KEYD_LEND_CERTIFICATE, and in place of the secret's name the identity: a fresh key and a certificate on it for
	 * this login, neither of which is ever outside the key process. Or u8 KEYD_LEND_APP: the secret is an RSA key, and in
	 * place of a password goes a statement of the app whose number the login is (jwt.h).
	 */
	KEYD_LEND = 112,
	/* u8 ok; s error line or "" */
	KEYD_LENT = 113,
	/*
	 * keyd -> parent: a lent secret is about to be used; the answer comes when that is on record.
	 * s session id, s target, s login, s name, s "key" or "password", s fingerprint of the key or ""
	 */
	KEYD_USE = 114,
	/* u8 ok */
	KEYD_USED = 115,
};

#endif
