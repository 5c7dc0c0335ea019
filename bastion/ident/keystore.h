/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystore: the keys of one state directory; see FORMAT. Secrets are sealed under the master key and are opened by
 * the key process alone. The host key is not sealed: sessions need it before they know anybody.
 */
#ifndef IDENT_KEYSTORE_H
#define IDENT_KEYSTORE_H

#include <stddef.h>
#include <stdint.h>

#define KEYSTORE_SEED_LEN	32
#define KEYSTORE_NAME_MAX	128

/* What the key process needs. */
struct keystore {
	uint8_t	 user_ca[KEYSTORE_SEED_LEN];	/* Ed25519 seeds */
	uint8_t	 audit[KEYSTORE_SEED_LEN];
	uint8_t	 secrets[KEYSTORE_SEED_LEN];	/* opens ca/secrets; made from the master key */
	char	*audit_name;			/* NAME in keys/audit.pub */
};

/*
 * Make all keys of a new state directory in keys_dir, which exists. master_path is where the master key is written, or
 * NULL for keys_dir/master. Existing files are never touched: ERR_EXISTS. 0, ERR_SYSTEM.
 */
int	keystore_create(const char *keys_dir, const char *master_path, const char *audit_name);
/*
 * A new Ed25519 host key in the file path, which its owner alone can read, and its public half in path.pub. Neither may
 * exist: ERR_EXISTS. 0, ERR_SYSTEM.
 */
int	keystore_create_host_key(const char *path);
/*
 * Open the sealed keys. 0 and *kp; else a code and *whyp: one line that names the file (the caller frees), as when a
 * secret may be read by others (ERR_DENIED) or was altered (ERR_CRYPTO). The public halves beside must belong to the
 * secrets.
 */
int	keystore_open(const char *keys_dir, const char *master_path, struct keystore **kp, char **whyp);
void	keystore_free(struct keystore *);	/* overwrites; NULL is fine */

#endif
