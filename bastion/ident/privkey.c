/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/privkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/sshkey.h"

#define BEGIN		"-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END		"-----END OPENSSH PRIVATE KEY-----"
#define NUMBER_MAX	1025	/* bytes of an mpint: 8192 bits and the sign */
#define PAD_MAX		255
#define SEED_LEN	32

struct privkey {
	EVP_PKEY	*pkey;
	char		*type;
	uint8_t		*blob;
	size_t		 len;
};

/* One kind of key: reads its fields from the private section, makes pkey of them and puts the public blob together. */
struct kind {
	const char	*type;
	int		(*read)(const struct kind *, struct buf *in, struct buf *blob, EVP_PKEY **);
	const char	*curve, *group;		/* SSH's name, OpenSSL's name */
	const char	*digest;
};

static int
pkey_make(const char *algorithm, OSSL_PARAM_BLD *bld, EVP_PKEY **pkeyp)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	int ok = ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, pkeyp, EVP_PKEY_KEYPAIR, params) == 1;

	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : ERR_CRYPTO;
}

static int
read_ed25519(const struct kind *k, struct buf *in, struct buf *blob, EVP_PKEY **pkeyp)
{
	const uint8_t *pk, *sk;
	size_t npk, nsk;
	int r;

	if ((r = buf_peek_string(in, &pk, &npk)) != 0 || (r = buf_peek_string(in, &sk, &nsk)) != 0)
		return r;
	if (npk != crypto_sign_PUBLICKEYBYTES || nsk != crypto_sign_SECRETKEYBYTES || memcmp(sk + SEED_LEN, pk, npk) != 0)
		return ERR_FORMAT;	/* sk is the seed and the public key once more */
	if ((r = buf_put_cstring(blob, k->type)) != 0 || (r = buf_put_string(blob, pk, npk)) != 0)
		return r;
	*pkeyp = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, sk, SEED_LEN);
	return *pkeyp == NULL ? ERR_CRYPTO : 0;
}

static int
read_ecdsa(const struct kind *k, struct buf *in, struct buf *blob, EVP_PKEY **pkeyp)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	const uint8_t *curve, *q, *d;
	size_t ncurve, nq, nd;
	BIGNUM *bd = NULL;
	int r;

	if ((r = buf_peek_string(in, &curve, &ncurve)) != 0 || (r = buf_peek_string(in, &q, &nq)) != 0 ||
	    (r = buf_peek_string(in, &d, &nd)) != 0)
		goto out;
	r = ERR_FORMAT;
	if (ncurve != strlen(k->curve) || memcmp(curve, k->curve, ncurve) != 0 || nd > NUMBER_MAX)
		goto out;
	if ((r = buf_put_cstring(blob, k->type)) != 0 || (r = buf_put_string(blob, curve, ncurve)) != 0 ||
	    (r = buf_put_string(blob, q, nq)) != 0)
		goto out;
	r = ERR_CRYPTO;
	bd = BN_bin2bn(d, (int)nd, NULL);
	if (bld != NULL && bd != NULL && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, k->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, q, nq) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bd) == 1)
		r = pkey_make("EC", bld, pkeyp);
out:
	BN_clear_free(bd);
	OSSL_PARAM_BLD_free(bld);
	return r;
}

/* mpints n, e, d, iqmp, p, q. The last three only make signing faster. */
static int
read_rsa(const struct kind *k, struct buf *in, struct buf *blob, EVP_PKEY **pkeyp)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	const uint8_t *p[6];
	BIGNUM *n = NULL, *e = NULL, *d = NULL;
	size_t len[6];
	int r = 0;

	for (int i = 0; r == 0 && i < 6; i++)
		if ((r = buf_peek_string(in, &p[i], &len[i])) == 0 && len[i] > NUMBER_MAX)
			r = ERR_TOOBIG;
	if (r != 0 || (r = buf_put_cstring(blob, k->type)) != 0 || (r = buf_put_string(blob, p[1], len[1])) != 0 ||
	    (r = buf_put_string(blob, p[0], len[0])) != 0)
		goto out;
	n = BN_bin2bn(p[0], (int)len[0], NULL);
	e = BN_bin2bn(p[1], (int)len[1], NULL);
	d = BN_bin2bn(p[2], (int)len[2], NULL);
	r = ERR_CRYPTO;
	if (bld != NULL && n != NULL && e != NULL && d != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, d) == 1)
		r = pkey_make("RSA", bld, pkeyp);
out:
	BN_free(n);
	BN_free(e);
	BN_clear_free(d);
	OSSL_PARAM_BLD_free(bld);
	return r;
}

static const struct kind kinds[] = {
	{ "ssh-ed25519", read_ed25519, NULL, NULL, NULL },
	{ "ecdsa-sha2-nistp256", read_ecdsa, "nistp256", "prime256v1", "SHA256" },
	{ "ecdsa-sha2-nistp384", read_ecdsa, "nistp384", "secp384r1", "SHA384" },
	{ "ecdsa-sha2-nistp521", read_ecdsa, "nistp521", "secp521r1", "SHA512" },
	{ "ssh-rsa", read_rsa, NULL, NULL, NULL },
};

static const struct kind *
kind_of(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	return NULL;
}

/* The base64 between the two lines into b. */
static int
unwrap(const char *text, size_t n, struct buf *b)
{
	const char *begin = memmem(text, n, BEGIN, strlen(BEGIN)), *end;
	uint8_t *p;
	size_t room, got;

	if (begin == NULL)
		return ERR_FORMAT;
	begin += strlen(BEGIN);
	if ((end = memmem(begin, n - (size_t)(begin - text), END, strlen(END))) == NULL)
		return ERR_FORMAT;
	room = (size_t)(end - begin);
	if (buf_reserve(b, room + 1, &p) != 0)
		return ERR_TOOBIG;
	if (sodium_base642bin(p, room + 1, begin, room, "\r\n", &got, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return ERR_FORMAT;
	buf_trim(b, room + 1 - got);
	return 0;
}

static bool
is_word(struct buf *b, const char *word)
{
	const uint8_t *p;
	size_t n;

	return buf_peek_string(b, &p, &n) == 0 && n == strlen(word) && memcmp(p, word, n) == 0;
}

/* Magic, cipher and kdf "none", one key. Outputs are borrowed from b. */
static int
open_envelope(struct buf *b, const uint8_t **pubp, size_t *npubp, const uint8_t **secp, size_t *nsecp, const char **whyp)
{
	static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */
	const uint8_t *options;
	char got[sizeof(magic)];
	uint32_t count;
	size_t n;

	*whyp = "is damaged";
	if (buf_get(b, got, sizeof(got)) != 0 || memcmp(got, magic, sizeof(magic)) != 0)
		return ERR_FORMAT;
	if (!is_word(b, "none") || !is_word(b, "none")) {
		*whyp = "has a passphrase; take it off in a copy (ssh-keygen -p -N '' -f COPY): it is sealed here by the "
		    "master key";
		return ERR_DENIED;
	}
	if (buf_peek_string(b, &options, &n) != 0 || n != 0 || buf_get_u32(b, &count) != 0 || count != 1 ||
	    buf_peek_string(b, pubp, npubp) != 0 || buf_peek_string(b, secp, nsecp) != 0 || buf_end(b) != 0)
		return ERR_FORMAT;
	return 0;
}

/* Comment, and the padding 1, 2, 3 ..: what is left must be exactly that. */
static int
close_section(struct buf *s)
{
	const uint8_t *comment;
	size_t n;
	uint8_t pad;
	int r;

	if ((r = buf_peek_string(s, &comment, &n)) != 0)
		return r;
	for (unsigned i = 1; buf_len(s) > 0; i++)
		if (i > PAD_MAX || buf_get_u8(s, &pad) != 0 || pad != i)
			return ERR_FORMAT;
	return 0;
}

/* The private section: check twice, type, fields. */
static int
read_section(struct privkey *k, const uint8_t *p, size_t n, struct buf *blob, const char **whyp)
{
	struct buf *s = buf_view(p, n);
	const struct kind *kind;
	uint32_t a, b;
	int r = ERR_NOMEM;

	if (s == NULL || (r = buf_get_u32(s, &a)) != 0 || (r = buf_get_u32(s, &b)) != 0 ||
	    (r = a == b ? 0 : ERR_FORMAT) != 0 || (r = buf_get_cstring(s, &k->type)) != 0)
		goto out;
	if ((kind = kind_of(k->type)) == NULL) {
		*whyp = "is of a type that cannot be held here; ed25519, ecdsa and rsa can";
		r = ERR_DENIED;
	} else if ((r = kind->read(kind, s, blob, &k->pkey)) == 0)
		r = close_section(s);
out:
	buf_free(s);
	return r;
}

/* Whether the two halves belong together, and to the public key outside. */
static int
try_key(const struct privkey *k, const uint8_t *pub, size_t npub)
{
	static const char text[] = "does this key sign what that one verifies?";
	struct buf *sig = buf_new(2 * SSHKEY_BLOB_MAX);
	int r = ERR_CRYPTO;

	if (sig != NULL && npub == k->len && memcmp(pub, k->blob, npub) == 0 && sshkey_check(k->blob, k->len, NULL) == 0 &&
	    privkey_sign(k, strcmp(k->type, "ssh-rsa") == 0 ? "rsa-sha2-512" : k->type, text, sizeof(text), sig) == 0)
		r = sshkey_verify(k->blob, k->len, (const uint8_t *)text, sizeof(text), buf_ptr(sig), buf_len(sig));
	buf_free(sig);
	return r;
}

int
privkey_parse(const void *text, size_t n, struct privkey **kp, const char **whyp)
{
	struct buf *raw = buf_new(PRIVKEY_TEXT_MAX), *blob = buf_new(SSHKEY_BLOB_MAX);
	struct privkey *k = xcalloc(1, sizeof(*k));
	const uint8_t *pub, *sec;
	size_t npub, nsec;
	int r = ERR_NOMEM;

	*kp = NULL;
	*whyp = "is not a private key in OpenSSH's format (-----BEGIN OPENSSH PRIVATE KEY-----)";
	if (raw == NULL || blob == NULL || (r = n > PRIVKEY_TEXT_MAX ? ERR_TOOBIG : unwrap(text, n, raw)) != 0 ||
	    (r = open_envelope(raw, &pub, &npub, &sec, &nsec, whyp)) != 0 ||
	    (r = read_section(k, sec, nsec, blob, whyp)) != 0)
		goto out;
	k->len = buf_len(blob);
	k->blob = xmalloc(k->len);
	memcpy(k->blob, buf_ptr(blob), k->len);
	if ((r = try_key(k, pub, npub)) != 0) {
		*whyp = "does not sign what its public half verifies, or is RSA of less than 2048 bits";
		goto out;
	}
	*kp = k;
	k = NULL;
out:
	privkey_free(k);
	buf_free(raw);
	buf_free(blob);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}

struct privkey *
privkey_new(void)
{
	struct privkey *k = xcalloc(1, sizeof(*k));
	struct buf *blob = buf_new(SSHKEY_BLOB_MAX);
	uint8_t seed[SEED_LEN], pub[crypto_sign_PUBLICKEYBYTES];
	size_t n = sizeof(pub);

	randombytes_buf(seed, sizeof(seed));
	k->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	sodium_memzero(seed, sizeof(seed));
	if (blob == NULL || k->pkey == NULL || EVP_PKEY_get_raw_public_key(k->pkey, pub, &n) != 1 ||
	    buf_put_cstring(blob, "ssh-ed25519") != 0 || buf_put_string(blob, pub, n) != 0) {
		privkey_free(k);
		buf_free(blob);
		return NULL;
	}
	k->type = xstrdup("ssh-ed25519");
	k->len = buf_len(blob);
	k->blob = xmalloc(k->len);
	memcpy(k->blob, buf_ptr(blob), k->len);
	buf_free(blob);
	return k;
}

void
privkey_free(struct privkey *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k->type);
	free(k->blob);
	free(k);
}

const uint8_t *
privkey_blob(const struct privkey *k, size_t *lenp)
{
	*lenp = k->len;
	return k->blob;
}

/* A positive mpint of a number. */
static int
put_number(struct buf *b, const BIGNUM *v)
{
	uint8_t raw[NUMBER_MAX + 1] = { 0 };
	int n = BN_num_bytes(v);

	if (n > NUMBER_MAX)
		return ERR_TOOBIG;
	(void)BN_bn2bin(v, raw + 1);
	return n > 0 && (raw[1] & 0x80) != 0 ? buf_put_string(b, raw, (size_t)n + 1) : buf_put_string(b, raw + 1, (size_t)n);
}

/* OpenSSL's DER as the two mpints of RFC 5656. */
static int
put_ecdsa(struct buf *out, const uint8_t *der, size_t n)
{
	ECDSA_SIG *es = d2i_ECDSA_SIG(NULL, &der, (long)n);
	struct buf *b = buf_new(SSHKEY_BLOB_MAX);
	int r = ERR_CRYPTO;

	if (es != NULL && b != NULL && (r = put_number(b, ECDSA_SIG_get0_r(es))) == 0 &&
	    (r = put_number(b, ECDSA_SIG_get0_s(es))) == 0)
		r = buf_put_string(out, buf_ptr(b), buf_len(b));
	buf_free(b);
	ECDSA_SIG_free(es);
	return r;
}

/* NULL for Ed25519, which has none; *okp whether this key makes such signatures. */
static const char *
digest_of(const struct privkey *k, const char *algorithm, bool *okp)
{
	*okp = true;
	if (strcmp(k->type, "ssh-rsa") == 0) {
		if (strcmp(algorithm, "rsa-sha2-256") == 0)
			return "SHA256";
		if (strcmp(algorithm, "rsa-sha2-512") == 0)
			return "SHA512";
		*okp = false;	/* "ssh-rsa" is SHA-1 */
	} else
		*okp = strcmp(algorithm, k->type) == 0;
	return *okp ? kind_of(k->type)->digest : NULL;
}

int
privkey_sign(const struct privkey *k, const char *algorithm, const void *msg, size_t n, struct buf *out)
{
	uint8_t sig[NUMBER_MAX];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const char *digest;
	size_t len = sizeof(sig);
	bool ok;
	int r;

	digest = digest_of(k, algorithm, &ok);
	if (!ok)
		r = ERR_DENIED;
	else if (ctx == NULL || EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, k->pkey, NULL) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, msg, n) != 1)
		r = ERR_CRYPTO;
	else if ((r = buf_put_cstring(out, algorithm)) == 0)
		r = strncmp(k->type, "ecdsa-", 6) == 0 ? put_ecdsa(out, sig, len) : buf_put_string(out, sig, len);
	EVP_MD_CTX_free(ctx);
	return r;
}
