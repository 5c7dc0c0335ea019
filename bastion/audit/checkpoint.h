/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: the signed statement of a log's size and root: C2SP tlog-checkpoint inside a C2SP signed note, Ed25519.
 * Pure; the signature is made by the key process.
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#define CHECKPOINT_MAX		4096	/* a whole note */
#define CHECKPOINT_ORIGIN_MAX	255

struct buf;

struct checkpoint {
	char		origin[CHECKPOINT_ORIGIN_MAX + 1];
	uint64_t	size;
	uint8_t		root[32];
};

/* Who signs: a note verifier key, "NAME+HASH+BASE64" (keys/audit.pub). */
struct audit_key {
	char	name[CHECKPOINT_ORIGIN_MAX + 1];
	uint8_t	id[4];
	uint8_t	pk[32];
};

/* Append the three lines that are signed. 0, the buf's error, ERR_FORMAT (an origin that cannot be one). */
int	checkpoint_body(const struct checkpoint *, struct buf *out);
/* Read a note without judging its signatures; *bodyp is how many of its bytes are signed. 0 or ERR_FORMAT. */
int	checkpoint_parse(const void *p, size_t n, struct checkpoint *, size_t *bodyp);
/* As parse, and one line must be this key's good signature: otherwise ERR_CRYPTO. */
int	checkpoint_verify(const void *p, size_t n, const struct audit_key *, struct checkpoint *);
/* One verifier key line, with or without its LF. 0 or ERR_FORMAT. */
int	audit_key_parse(const void *p, size_t n, struct audit_key *);

#endif
