/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/note.h"
#include "bastion/ident/sealed.h"
#include "bastion/ident/sshkey.h"

#define MASTER_LEN	SEALED_KEY_LEN
#define SEALED_MAX	4096
#define PEM_WIDTH	70
#define KDF_CONTEXT	"SPMASTER"	/* 8 bytes; for keys that are made from the master key */
#define SECRETS_KEY	1

/* A new file, durably: never over an old one. 0, ERR_EXISTS, ERR_SYSTEM. */
static int
write_new(const char *dir, const char *name, const void *p, size_t n, mode_t mode)
{
	char *path = file_join(dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode), r = 0, saved;

	if (fd == -1)
		r = errno == EEXIST ? ERR_EXISTS : ERR_SYSTEM;
	else if (fchmod(fd, mode) == -1 || file_write_all(fd, p, n) != 0 || fsync(fd) == -1)
		r = ERR_SYSTEM;
	saved = errno;
	if (fd != -1)
		close(fd);
	free(path);
	errno = saved;
	return r;
}

static int
write_new_line(const char *dir, const char *name, const char *line)
{
	char *text = xasprintf("%s\n", line);
	int r = write_new(dir, name, text, strlen(text), 0644);

	free(text);
	return r;
}

static int
create_sealed(const char *dir, const char *name, const uint8_t master[MASTER_LEN],
    const uint8_t seed[KEYSTORE_SEED_LEN])
{
	struct buf *b = buf_new(SEALED_MAX);
	char *file = xasprintf("%s.sealed", name);
	int r = ERR_NOMEM;

	if (b != NULL && (r = sealed_put(b, master, name, seed, KEYSTORE_SEED_LEN)) == 0)
		r = write_new(dir, file, buf_ptr(b), buf_len(b), 0600);
	free(file);
	buf_free(b);
	return r;
}

/* "ssh-ed25519 BASE64 COMMENT" of a seed's public half. */
static char *
public_line(const uint8_t seed[KEYSTORE_SEED_LEN], const char *comment)
{
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	struct buf *b = buf_new(SSHKEY_BLOB_MAX);
	char *line = NULL;

	(void)crypto_sign_seed_keypair(pk, sk, seed);
	sodium_memzero(sk, sizeof(sk));
	if (b != NULL && sshkey_put_ed25519(b, pk) == 0)
		line = sshkey_to_line(buf_ptr(b), buf_len(b), comment);
	buf_free(b);
	return line;
}

static char *
audit_line(const uint8_t seed[KEYSTORE_SEED_LEN], const char *name)
{
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];

	(void)crypto_sign_seed_keypair(pk, sk, seed);
	sodium_memzero(sk, sizeof(sk));
	return note_key_line(name, pk);
}

/* The private section of an OpenSSH key: check twice, key, comment, padding 1, 2, 3 .. to a block of 8. */
static int
put_private_section(struct buf *b, const uint8_t *pk, const uint8_t *sk, const char *comment)
{
	struct buf *s = buf_new(1024);
	uint32_t check = randombytes_random();
	int r = ERR_NOMEM;

	if (s == NULL || (r = buf_put_u32(s, check)) != 0 || (r = buf_put_u32(s, check)) != 0 ||
	    (r = sshkey_put_ed25519(s, pk)) != 0 || (r = buf_put_string(s, sk, crypto_sign_SECRETKEYBYTES)) != 0 ||
	    (r = buf_put_cstring(s, comment)) != 0)
		goto out;
	for (uint8_t pad = 1; r == 0 && buf_len(s) % 8 != 0; pad++)
		r = buf_put_u8(s, pad);
	if (r == 0)
		r = buf_put_string(b, buf_ptr(s), buf_len(s));
out:
	buf_free(s);
	return r;
}

/* openssh-key-v1, not encrypted (OpenSSH's PROTOCOL.key). */
static int
put_openssh_private(struct buf *b, const uint8_t *pk, const uint8_t *sk, const char *comment)
{
	static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */
	struct buf *pub = buf_new(SSHKEY_BLOB_MAX);
	int r = ERR_NOMEM;

	if (pub != NULL && (r = sshkey_put_ed25519(pub, pk)) == 0 && (r = buf_put(b, magic, sizeof(magic))) == 0 &&
	    (r = buf_put_cstring(b, "none")) == 0 && (r = buf_put_cstring(b, "none")) == 0 &&
	    (r = buf_put_cstring(b, NULL)) == 0 && (r = buf_put_u32(b, 1)) == 0 &&
	    (r = buf_put_string(b, buf_ptr(pub), buf_len(pub))) == 0)
		r = put_private_section(b, pk, sk, comment);
	buf_free(pub);
	return r;
}

static int
put_pem(struct buf *out, const struct buf *raw)
{
	size_t room = sodium_base64_encoded_len(buf_len(raw), sodium_base64_VARIANT_ORIGINAL), n;
	char *b64 = xmalloc(room);
	int r;

	sodium_bin2base64(b64, room, buf_ptr(raw), buf_len(raw), sodium_base64_VARIANT_ORIGINAL);
	n = strlen(b64);
	r = buf_putf(out, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (size_t i = 0; r == 0 && i < n; i += PEM_WIDTH)
		r = buf_putf(out, "%.*s\n", (int)(n - i < PEM_WIDTH ? n - i : PEM_WIDTH), b64 + i);
	if (r == 0)
		r = buf_putf(out, "-----END OPENSSH PRIVATE KEY-----\n");
	freezero(b64, room);
	return r;
}

int
keystore_create_host_key(const char *path)
{
	uint8_t seed[KEYSTORE_SEED_LEN], pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	struct buf *raw = buf_new(SEALED_MAX), *pem = buf_new(SEALED_MAX);
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	char *line = NULL, *dir = file_dir(path), *public = xasprintf("%s.pub", name);
	int r = ERR_NOMEM;

	randombytes_buf(seed, sizeof(seed));
	(void)crypto_sign_seed_keypair(pk, sk, seed);
	line = public_line(seed, "sallyport-host");
	if (raw != NULL && pem != NULL && line != NULL &&
	    (r = put_openssh_private(raw, pk, sk, "sallyport-host")) == 0 &&
	    (r = put_pem(pem, raw)) == 0 &&
	    (r = write_new(dir, name, buf_ptr(pem), buf_len(pem), 0600)) == 0)
		r = write_new_line(dir, public, line);
	free(line);
	free(public);
	free(dir);
	buf_free(raw);
	buf_free(pem);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(sk, sizeof(sk));
	return r;
}

static int
create_host_key(const char *dir)
{
	char *path = file_join(dir, "host_ed25519");
	int r = keystore_create_host_key(path);

	free(path);
	return r;
}

/* 32 random bytes in a file of their own. */
static int
create_random(const char *dir, const char *name, uint8_t key[MASTER_LEN])
{
	randombytes_buf(key, MASTER_LEN);
	return write_new(dir, name, key, MASTER_LEN, 0600);
}

int
keystore_create(const char *dir, const char *master_path, const char *audit_name)
{
	uint8_t master[MASTER_LEN], other[MASTER_LEN], ca[KEYSTORE_SEED_LEN], audit[KEYSTORE_SEED_LEN];
	char *ca_pub = NULL, *audit_pub = NULL;
	int r;

	randombytes_buf(ca, sizeof(ca));
	randombytes_buf(audit, sizeof(audit));
	ca_pub = public_line(ca, "sallyport-user-ca");
	audit_pub = audit_line(audit, audit_name);
	if (ca_pub == NULL)
		r = ERR_NOMEM;
	else if ((r = create_random(dir, master_path == NULL ? "master" : master_path, master)) == 0 &&
	    (r = create_sealed(dir, "user_ca", master, ca)) == 0 &&
	    (r = create_sealed(dir, "audit", master, audit)) == 0 &&
	    (r = write_new_line(dir, "user_ca.pub", ca_pub)) == 0 &&
	    (r = write_new_line(dir, "audit.pub", audit_pub)) == 0 &&
	    (r = create_random(dir, "fingerprint.key", other)) == 0)
		r = create_host_key(dir);
	free(ca_pub);
	free(audit_pub);
	sodium_memzero(master, sizeof(master));
	sodium_memzero(other, sizeof(other));
	sodium_memzero(ca, sizeof(ca));
	sodium_memzero(audit, sizeof(audit));
	return r;
}

/* One line for the operator about a file that will not do. */
static char *
why_not(const char *path, int r)
{
	switch (r) {
	case ERR_DENIED:
		return xasprintf("%s: others may read it, or it is not ours; chmod 600 and chown it", path);
	case ERR_CRYPTO:
		return xasprintf("%s: does not open with this master key, or was altered", path);
	case ERR_FORMAT:
		return xasprintf("%s: is not what it must be (see bastion/ident/FORMAT)", path);
	default:
		return xasprintf("%s: %s", path, err_text(r));
	}
}

static int
open_master(const char *path, uint8_t master[MASTER_LEN], char **whyp)
{
	struct buf *b = buf_new(SEALED_MAX);
	int r = b == NULL ? ERR_NOMEM : file_read_private(path, b);

	if (r == 0 && buf_len(b) != MASTER_LEN)
		r = ERR_FORMAT;
	if (r == 0)
		memcpy(master, buf_ptr(b), MASTER_LEN);
	else
		*whyp = why_not(path, r);
	buf_free(b);
	return r;
}

static int
open_sealed(const char *dir, const char *name, const uint8_t master[MASTER_LEN], uint8_t seed[KEYSTORE_SEED_LEN],
    char **whyp)
{
	char *path = xasprintf("%s/%s.sealed", dir, name);
	struct buf *b = buf_new(SEALED_MAX), *secret = buf_new(SEALED_MAX);
	int r = b == NULL || secret == NULL ? ERR_NOMEM : file_read_private(path, b);

	if (r == 0 && (r = sealed_open(b, master, name, secret)) == 0 && buf_len(secret) != KEYSTORE_SEED_LEN)
		r = ERR_FORMAT;
	if (r == 0)
		memcpy(seed, buf_ptr(secret), KEYSTORE_SEED_LEN);
	else
		*whyp = why_not(path, r);
	buf_free(b);
	buf_free(secret);
	free(path);
	return r;
}

/* Targets trust what user_ca.pub says: it must be what is signed with. */
static int
check_ca_public(const char *dir, const struct keystore *k, char **whyp)
{
	char *path = xasprintf("%s/user_ca.pub", dir), *line = public_line(k->user_ca, NULL);
	struct buf *b = buf_new(SSHKEY_LINE_MAX);
	size_t n = line == NULL ? 0 : strlen(line);
	int r = b == NULL || line == NULL ? ERR_NOMEM : file_read(path, b);

	if (r == 0 && (buf_len(b) <= n || memcmp(buf_ptr(b), line, n) != 0))
		r = ERR_CRYPTO;
	if (r != 0)
		*whyp = r == ERR_CRYPTO ? xasprintf("%s: is not the public half of user_ca.sealed", path) :
		    why_not(path, r);
	free(line);
	free(path);
	buf_free(b);
	return r;
}

/* The same for what verifiers of the log trust; its name is learnt here. */
static int
check_audit_public(const char *dir, struct keystore *k, char **whyp)
{
	uint8_t said[NOTE_KEY_LEN], pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	char *path = xasprintf("%s/audit.pub", dir);
	int r;

	(void)crypto_sign_seed_keypair(pk, sk, k->audit);
	sodium_memzero(sk, sizeof(sk));
	if ((r = note_key_read(path, &k->audit_name, said)) == 0 && memcmp(pk, said, sizeof(said)) != 0)
		r = ERR_CRYPTO;
	if (r != 0)
		*whyp = r == ERR_CRYPTO ? xasprintf("%s: is not the public half of audit.sealed", path) :
		    why_not(path, r);
	free(path);
	return r;
}

int
keystore_open(const char *dir, const char *master_path, struct keystore **kp, char **whyp)
{
	uint8_t master[MASTER_LEN];
	char *path = file_join(dir, master_path == NULL || master_path[0] == '\0' ? "master" : master_path);
	struct keystore *k = xcalloc(1, sizeof(*k));
	int r;

	*kp = NULL;
	*whyp = NULL;
	if ((r = open_master(path, master, whyp)) != 0 ||
	    (r = open_sealed(dir, "user_ca", master, k->user_ca, whyp)) != 0 ||
	    (r = open_sealed(dir, "audit", master, k->audit, whyp)) != 0 || (r = check_ca_public(dir, k, whyp)) != 0 ||
	    (r = check_audit_public(dir, k, whyp)) != 0)
		goto out;
	if (crypto_kdf_derive_from_key(k->secrets, sizeof(k->secrets), SECRETS_KEY, KDF_CONTEXT, master) != 0)
		r = ERR_CRYPTO;
	if (r != 0)
		goto out;
	*kp = k;
	k = NULL;
out:
	sodium_memzero(master, sizeof(master));
	keystore_free(k);
	free(path);
	return r;
}

void
keystore_free(struct keystore *k)
{
	if (k == NULL)
		return;
	free(k->audit_name);
	freezero(k, sizeof(*k));
}
