/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets: what opens targets that know no CA of ours: private keys and passwords, by name, in one sealed file (ca/secrets,
 * see FORMAT). They are opened when they are needed and not kept; the key process alone has the key.
 */
#ifndef IDENT_SECRETS_H
#define IDENT_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRETS_MAX		256		/* of them */
#define SECRET_BYTES_MAX	(16 * 1024)	/* one */
#define SECRETS_KEY_LEN		32

struct buf;
struct secrets;

enum secret_kind { SECRET_KEY = 1, SECRET_PASSWORD = 2 };

/*
 * dir is ca/, or "." from inside it. Tries the key on what is there; no file is an empty store. 0 and *sp; ERR_CRYPTO,
 * ERR_FORMAT, ERR_DENIED (others may read the file), ERR_SYSTEM. The caller frees.
 */
int	secrets_open(const char *dir, const uint8_t key[SECRETS_KEY_LEN], struct secrets **sp);
void	secrets_free(struct secrets *);		/* overwrites; NULL is fine */

/* 1 to 63 of a-z 0-9 . _ -, not starting with a dot, dash or underscore. */
bool	secret_name_ok(const char *name);

/* Put under a new name, or in place of what has it. Durable. 0, ERR_FORMAT (name), ERR_TOOBIG, ERR_SYSTEM, ERR_CRYPTO. */
int	secrets_put(struct secrets *, const char *name, enum secret_kind, const void *p, size_t n, int64_t now_ms);
/* Append the bytes to out. 0, ERR_NOTFOUND, or as for secrets_open. */
int	secrets_get(const struct secrets *, const char *name, enum secret_kind *kindp, struct buf *out);
int	secrets_remove(struct secrets *, const char *name);	/* 0, ERR_NOTFOUND, .. */

/* Each in the order of names. Not 0 ends the walk and is returned. The bytes are only lent for the call. */
typedef int (*secret_fn)(const char *name, enum secret_kind, int64_t since_ms, const uint8_t *p, size_t n, void *arg);
int	secrets_walk(const struct secrets *, secret_fn, void *arg);

#endif
