/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ca-key KEYS_DIR: the private key of a test bastion's own user CA in OpenSSH's format on standard output, so that
 * ssh-keygen -s can sign certificates that the bastion itself would never issue.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/log.h"
#include "bastion/ident/keystore.h"
#include "bastion/ident/sshkey.h"

#define KEY_MAX		1024
#define PEM_COLUMNS	70

/* The part that OpenSSH would encrypt: check numbers, the key, a comment, and 1, 2, 3.. up to the block size. */
static int
put_private(struct buf *b, const uint8_t *pk, const uint8_t *sk)
{
	uint8_t pad = 0;
	int r;

	if ((r = buf_put_u32(b, 1)) != 0 || (r = buf_put_u32(b, 1)) != 0 || (r = buf_put_cstring(b, "ssh-ed25519")) != 0 ||
	    (r = buf_put_string(b, pk, crypto_sign_PUBLICKEYBYTES)) != 0 ||
	    (r = buf_put_string(b, sk, crypto_sign_SECRETKEYBYTES)) != 0 || (r = buf_put_cstring(b, "test CA")) != 0)
		return r;
	while (r == 0 && buf_len(b) % 8 != 0)
		r = buf_put_u8(b, ++pad);
	return r;
}

static int
put_key(struct buf *b, const uint8_t seed[KEYSTORE_SEED_LEN])
{
	static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	struct buf *public = buf_new(KEY_MAX), *private = buf_new(KEY_MAX);
	int r;

	if (public == NULL || private == NULL)
		fatal("out of memory");
	(void)crypto_sign_seed_keypair(pk, sk, seed);
	r = buf_put(b, magic, sizeof(magic)) | buf_put_cstring(b, "none") | buf_put_cstring(b, "none") |
	    buf_put_cstring(b, "") | buf_put_u32(b, 1) | sshkey_put_ed25519(public, pk) | put_private(private, pk, sk);
	r |= buf_put_string(b, buf_ptr(public), buf_len(public)) | buf_put_string(b, buf_ptr(private), buf_len(private));
	buf_free(public);
	buf_free(private);
	return r;
}

int
main(int argc, char **argv)
{
	char text[4 * KEY_MAX], *why = NULL;
	struct keystore *k = NULL;
	struct buf *b;

	log_init("ca-key", LOG_LEVEL_INFO);
	if (argc != 2 || sodium_init() == -1) {
		fprintf(stderr, "usage: ca-key KEYS_DIR\n");
		return 2;
	}
	if (keystore_open(argv[1], NULL, &k, &why) != 0)
		fatal("%s", why == NULL ? "the keys cannot be opened" : why);
	if ((b = buf_new(KEY_MAX)) == NULL || put_key(b, k->user_ca) != 0)
		fatal("out of memory");
	sodium_bin2base64(text, sizeof(text), buf_ptr(b), buf_len(b), sodium_base64_VARIANT_ORIGINAL);
	puts("-----BEGIN OPENSSH PRIVATE KEY-----");
	for (size_t i = 0; i < strlen(text); i += PEM_COLUMNS)
		printf("%.*s\n", PEM_COLUMNS, text + i);
	puts("-----END OPENSSH PRIVATE KEY-----");
	keystore_free(k);
	buf_free(b);
	return 0;
}
