/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/commit-signer.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/sshkey.h"
#include "bastion/policy/commit-text.h"

#define MAGIC		"SSHSIG"
#define SIGNATURE_MAX	(16 * 1024)	/* of the header: RSA of 8192 bits takes 3 KiB */

/* What is between the marks, out of base64. 0 or ERR_FORMAT. */
static int
dearmour(const char *text, size_t n, uint8_t *out, size_t room, size_t *lenp)
{
	static const char begin[] = "-----BEGIN SSH SIGNATURE-----", end[] = "-----END SSH SIGNATURE-----";
	const char *from = memmem(text, n, begin, sizeof(begin) - 1), *to;

	if (from == NULL)
		return ERR_FORMAT;
	from += sizeof(begin) - 1;
	if ((to = memmem(from, n - (size_t)(from - text), end, sizeof(end) - 1)) == NULL)
		return ERR_FORMAT;
	return sodium_base642bin(out, room, from, (size_t)(to - from), " \n", lenp, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 ?
	    0 : ERR_FORMAT;
}

/* SHA-256 or SHA-512 of the commit without its signature header. */
static int
hash_payload(const char *name, const uint8_t *p, size_t n, const struct commit_text *t, uint8_t *out, unsigned *lenp)
{
	const EVP_MD *md = strcmp(name, "sha512") == 0 ? EVP_sha512() : strcmp(name, "sha256") == 0 ? EVP_sha256() : NULL;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int r = ERR_CRYPTO;

	if (md != NULL && c != NULL && EVP_DigestInit_ex(c, md, NULL) == 1 && EVP_DigestUpdate(c, p, t->sig_start) == 1 &&
	    EVP_DigestUpdate(c, p + t->sig_end, n - t->sig_end) == 1 && EVP_DigestFinal_ex(c, out, lenp) == 1)
		r = 0;
	EVP_MD_CTX_free(c);
	return r;
}

/* The signature blob: "SSHSIG", u32 version, s key, s namespace, s reserved, s hash, s signature. */
static char *
verify(const uint8_t *blob, size_t nblob, const uint8_t *p, size_t n, const struct commit_text *t)
{
	struct buf *in = buf_view(blob, nblob), *said = buf_new(4096);
	char *namespace = NULL, *hash = NULL, *signer = NULL;
	const uint8_t *key, *reserved, *sig;
	uint8_t magic[sizeof(MAGIC) - 1], digest[EVP_MAX_MD_SIZE];
	size_t nkey, nreserved, nsig;
	uint32_t version;
	unsigned ndigest;

	if (in == NULL || said == NULL || buf_get(in, magic, sizeof(magic)) != 0 || memcmp(magic, MAGIC, sizeof(magic)) != 0 ||
	    buf_get_u32(in, &version) != 0 || version != 1 || buf_peek_string(in, &key, &nkey) != 0 ||
	    buf_get_cstring(in, &namespace) != 0 || buf_peek_string(in, &reserved, &nreserved) != 0 ||
	    buf_get_cstring(in, &hash) != 0 || buf_peek_string(in, &sig, &nsig) != 0 || buf_end(in) != 0 ||
	    strcmp(namespace, "git") != 0 || hash_payload(hash, p, n, t, digest, &ndigest) != 0)
		goto out;
	if (buf_put(said, MAGIC, sizeof(magic)) == 0 && buf_put_cstring(said, namespace) == 0 &&
	    buf_put_string(said, reserved, nreserved) == 0 && buf_put_cstring(said, hash) == 0 &&
	    buf_put_string(said, digest, ndigest) == 0 &&
	    sshkey_verify(key, nkey, buf_ptr(said), buf_len(said), sig, nsig) == 0)
		signer = key_fingerprint(key, nkey);
out:
	free(namespace);
	free(hash);
	buf_free(in);
	buf_free(said);
	return signer;
}

char *
commit_signer(const uint8_t *p, size_t n, const struct commit_text *t)
{
	size_t nheader = t->sig_end - t->sig_start, len;
	uint8_t *blob;
	char *signer = NULL;

	if (t->odd || t->signature != COMMIT_SSH || nheader > SIGNATURE_MAX || t->sig_end > n)
		return NULL;
	blob = xmalloc(nheader);
	if (dearmour((const char *)p + t->sig_start, nheader, blob, nheader, &len) == 0)
		signer = verify(blob, len, p, n, t);
	free(blob);
	return signer;
}
