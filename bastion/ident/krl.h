/* SPDX-License-Identifier: Apache-2.0 */
/*
 * krl: OpenSSH key revocation lists (PROTOCOL.krl). What is written here, sshd's RevokedKeys and `ssh-keygen -Q`
 * read; what ssh-keygen writes, we read. A list that is signed, or holds a critical extension, is refused whole: what
 * cannot be understood could be a revocation.
 *
 *	struct krl *k = krl_new();
 *	krl_revoke_serial(k, ca, calen, 17, 17);
 *	krl_write(k, now, out);
 *	krl_free(k);
 */
#ifndef IDENT_KRL_H
#define IDENT_KRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cert;
struct krl;

#define KRL_MAX		(192 * 1024)	/* one list travels in one message; about 9,000 scattered serials */
#define KRL_CAS_MAX	8
#define KRL_KEY_ID_MAX	512
#define KRL_KEY_IDS_MAX	4096	/* they are searched one by one */

/* Empty. NULL = no memory. */
struct krl	*krl_new(void);
void		 krl_free(struct krl *);	/* NULL is fine */
/* 0 and *krlp, ERR_FORMAT, ERR_TOOBIG, ERR_NOMEM. The caller frees. */
int		 krl_parse(const uint8_t *p, size_t n, struct krl **krlp);
/* Append the list in OpenSSH's format; its version number becomes one higher. now is seconds since 1970. */
int		 krl_write(struct krl *, uint64_t now, struct buf *);

/*
 * Revoke what a CA (its key blob) has signed, by serial lo..hi or by key id; or a plain key, whoever signs it. What is
 * revoked already is fine. Serial 0 means "no serial" to OpenSSH and is refused. 0, ERR_FORMAT, ERR_TOOBIG (list full).
 */
int	krl_revoke_serial(struct krl *, const uint8_t *ca, size_t calen, uint64_t lo, uint64_t hi);
int	krl_revoke_key_id(struct krl *, const uint8_t *ca, size_t calen, const char *key_id);
int	krl_revoke_key(struct krl *, const uint8_t *key, size_t keylen);

/* Whether the certificate is named by its serial or key id, or its key or its CA's key is. */
bool	krl_is_revoked(const struct krl *, const struct cert *);
/* The parts of that question: what a CA's certificates are revoked by, and a key by its blob or its SHA-256. */
bool	krl_has_serial(const struct krl *, const uint8_t *ca, size_t calen, uint64_t serial, const char *key_id);
bool	krl_has_key(const struct krl *, const uint8_t *key, size_t keylen);
bool	krl_has_sha256(const struct krl *, const uint8_t hash[32]);
uint64_t krl_version(const struct krl *);

#endif
