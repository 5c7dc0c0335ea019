/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/sshkey.h"

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

#define RSA_BITS_MIN	2048
#define RSA_BITS_MAX	8192	/* verification time grows with the square */
#define RSA_E_BITS_MAX	64	/* a huge exponent is only good for wasting our time */
#define APPLICATION_MAX	256	/* "ssh:" and what follows, of a security key */

enum kind { KIND_ED25519, KIND_ECDSA, KIND_RSA, KIND_SK_ED25519, KIND_SK_ECDSA };

struct sshkey_type {
	const char	*name;
	const char	*cert_name;
	enum kind	 kind;
	const char	*curve;		/* SSH's name */
	const char	*group;		/* OpenSSL's name */
	size_t		 field;		/* bytes of one coordinate */
	const char	*digest;
};

static const struct sshkey_type types[] = {
	{ "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", KIND_ED25519, NULL, NULL, 0, NULL },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com", KIND_ECDSA, "nistp256", "prime256v1", 32,
	  "SHA256" },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com", KIND_ECDSA, "nistp384", "secp384r1", 48,
	  "SHA384" },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521-cert-v01@openssh.com", KIND_ECDSA, "nistp521", "secp521r1", 66,
	  "SHA512" },
	{ "ssh-rsa", "ssh-rsa-cert-v01@openssh.com", KIND_RSA, NULL, NULL, 0, NULL },
	/* Names of algorithms rather than of keys; OpenSSH takes them inside a blob, so a client may send them. */
	{ "ssh-rsa", "rsa-sha2-256-cert-v01@openssh.com", KIND_RSA, NULL, NULL, 0, NULL },
	{ "ssh-rsa", "rsa-sha2-512-cert-v01@openssh.com", KIND_RSA, NULL, NULL, 0, NULL },
	{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", KIND_SK_ED25519, NULL, NULL, 0, NULL },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", KIND_SK_ECDSA,
	  "nistp256", "prime256v1", 32, "SHA256" },
};

#define NTYPES	(sizeof(types) / sizeof(types[0]))

const struct sshkey_type *
sshkey_type_plain(const char *name)
{
	for (size_t i = 0; i < NTYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const struct sshkey_type *
sshkey_type_cert(const char *name)
{
	for (size_t i = 0; i < NTYPES; i++)
		if (strcmp(types[i].cert_name, name) == 0)
			return &types[i];
	return NULL;
}

const char *
sshkey_type_name(const struct sshkey_type *t)
{
	return t->name;
}

const char *
sshkey_type_cert_name(const struct sshkey_type *t)
{
	return t->cert_name;
}

/* A public key for OpenSSL from its parameters; frees them. */
static EVP_PKEY *
pkey_from(const char *algorithm, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* NULL when the point is not on the curve. */
static EVP_PKEY *
pkey_ec(const struct sshkey_type *t, const uint8_t *q, size_t qlen)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (bld != NULL && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, t->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, q, qlen) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	return pkey_from("EC", params);
}

static EVP_PKEY *
pkey_rsa(const uint8_t *e, size_t elen, const uint8_t *n, size_t nlen)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *be = BN_bin2bn(e, (int)elen, NULL), *bn = BN_bin2bn(n, (int)nlen, NULL);
	OSSL_PARAM *params = NULL;

	if (bld != NULL && be != NULL && bn != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(be);
	BN_free(bn);
	return pkey_from("RSA", params);
}

/* A positive mpint in its shortest form, borrowed, and its size in bits. */
static int
mpint_peek(struct buf *b, const uint8_t **pp, size_t *np, size_t *bitsp)
{
	const uint8_t *p;
	size_t n, bits;
	int r;

	if ((r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	if (n == 0 || n > RSA_BITS_MAX / 8 + 1 || (p[0] & 0x80) != 0 || (p[0] == 0 && (n == 1 || (p[1] & 0x80) == 0)))
		return ERR_FORMAT;
	if (p[0] == 0) {
		p++;
		n--;
	}
	bits = n * 8;
	for (unsigned top = p[0]; (top & 0x80) == 0; top <<= 1)
		bits--;
	*pp = p;
	*np = n;
	*bitsp = bits;
	return 0;
}

static int
fields_rsa(struct buf *in, EVP_PKEY **pkeyp)
{
	const uint8_t *e, *n;
	size_t elen, nlen, ebits, nbits;
	int r;

	if ((r = mpint_peek(in, &e, &elen, &ebits)) != 0 || (r = mpint_peek(in, &n, &nlen, &nbits)) != 0)
		return r;
	if (nbits < RSA_BITS_MIN || nbits > RSA_BITS_MAX || (n[nlen - 1] & 1) == 0)
		return ERR_CRYPTO;
	if (ebits < 2 || ebits > RSA_E_BITS_MAX || (e[elen - 1] & 1) == 0)
		return ERR_CRYPTO;
	if (pkeyp != NULL && (*pkeyp = pkey_rsa(e, elen, n, nlen)) == NULL)
		return ERR_CRYPTO;
	return 0;
}

static int
fields_ec(const struct sshkey_type *t, struct buf *in, EVP_PKEY **pkeyp)
{
	const uint8_t *curve, *q;
	size_t curvelen, qlen;
	EVP_PKEY *pkey;
	int r;

	if ((r = buf_peek_string(in, &curve, &curvelen)) != 0 || (r = buf_peek_string(in, &q, &qlen)) != 0)
		return r;
	if (curvelen != strlen(t->curve) || memcmp(curve, t->curve, curvelen) != 0)
		return ERR_FORMAT;
	if (qlen != 1 + 2 * t->field || q[0] != 0x04)
		return ERR_FORMAT;	/* uncompressed only, as RFC 5656 writers do */
	if ((pkey = pkey_ec(t, q, qlen)) == NULL)
		return ERR_CRYPTO;
	if (pkeyp != NULL)
		*pkeyp = pkey;
	else
		EVP_PKEY_free(pkey);
	return 0;
}

static int
fields_ed25519(struct buf *in, const uint8_t **pkp)
{
	const uint8_t *pk;
	size_t n;
	int r;

	if ((r = buf_peek_string(in, &pk, &n)) != 0)
		return r;
	if (n != SSHKEY_ED25519_LEN)
		return ERR_FORMAT;
	if (pkp != NULL)
		*pkp = pk;
	return 0;
}

static int
fields_application(struct buf *in)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_peek_string(in, &p, &n)) != 0)
		return r;
	return n <= APPLICATION_MAX && memchr(p, '\0', n) == NULL ? 0 : ERR_FORMAT;
}

/* Move the reader past the fields of one key, judging them. */
static int
fields_read(const struct sshkey_type *t, struct buf *in)
{
	int r = ERR_FORMAT;

	switch (t->kind) {
	case KIND_ED25519:
		return fields_ed25519(in, NULL);
	case KIND_ECDSA:
		return fields_ec(t, in, NULL);
	case KIND_RSA:
		return fields_rsa(in, NULL);
	case KIND_SK_ED25519:
		if ((r = fields_ed25519(in, NULL)) == 0)
			r = fields_application(in);
		break;
	case KIND_SK_ECDSA:
		if ((r = fields_ec(t, in, NULL)) == 0)
			r = fields_application(in);
		break;
	}
	return r;
}

int
sshkey_copy_fields(const struct sshkey_type *t, struct buf *in, struct buf *out)
{
	const uint8_t *start = buf_ptr(in);
	size_t before = buf_len(in);
	int r;

	if ((r = fields_read(t, in)) != 0)
		return r;
	return buf_put(out, start, before - buf_len(in));
}

/* Read the type name at the front of a plain key's blob. */
static int
type_read(struct buf *b, const struct sshkey_type **typep)
{
	char *name = NULL;
	int r;

	if ((r = buf_get_cstring(b, &name)) != 0)
		return r;
	*typep = sshkey_type_plain(name);
	free(name);
	return *typep == NULL ? ERR_FORMAT : 0;
}

int
sshkey_check(const uint8_t *blob, size_t len, const struct sshkey_type **typep)
{
	const struct sshkey_type *t;
	struct buf *b;
	int r;

	if (len > SSHKEY_BLOB_MAX)
		return ERR_TOOBIG;
	if ((b = buf_view(blob, len)) == NULL)
		return ERR_NOMEM;
	if ((r = type_read(b, &t)) == 0 && (r = fields_read(t, b)) == 0 && (r = buf_end(b)) == 0 && typep != NULL)
		*typep = t;
	buf_free(b);
	return r;
}

/* The inside of an ECDSA signature, two mpints, as the DER that OpenSSL reads. The caller frees by OPENSSL_free. */
static int
ecdsa_der(const uint8_t *sig, size_t len, uint8_t **derp, size_t *nderp)
{
	struct buf *b = buf_view(sig, len);
	const uint8_t *rp, *sp;
	size_t rlen, slen, bits;
	ECDSA_SIG *es = ECDSA_SIG_new();
	BIGNUM *br = NULL, *bs = NULL;
	int r = ERR_NOMEM, n;

	if (b == NULL || es == NULL)
		goto out;
	if ((r = mpint_peek(b, &rp, &rlen, &bits)) != 0 || (r = mpint_peek(b, &sp, &slen, &bits)) != 0 ||
	    (r = buf_end(b)) != 0)
		goto out;
	br = BN_bin2bn(rp, (int)rlen, NULL);
	bs = BN_bin2bn(sp, (int)slen, NULL);
	r = ERR_NOMEM;
	if (br == NULL || bs == NULL || ECDSA_SIG_set0(es, br, bs) != 1)
		goto out;
	br = bs = NULL;		/* es has them now */
	if ((n = i2d_ECDSA_SIG(es, derp)) <= 0)
		goto out;
	*nderp = (size_t)n;
	r = 0;
out:
	BN_free(br);
	BN_free(bs);
	ECDSA_SIG_free(es);
	buf_free(b);
	return r;
}

static int
pkey_verify(EVP_PKEY *pkey, const char *digest, const uint8_t *msg, size_t msglen, const uint8_t *sig, size_t siglen)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, pkey, NULL) == 1 &&
	    EVP_DigestVerify(ctx, sig, siglen, msg, msglen) == 1;

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : ERR_CRYPTO;
}

static int
verify_ecdsa(const struct sshkey_type *t, struct buf *key, const char *algorithm, const uint8_t *sig, size_t siglen,
    const uint8_t *msg, size_t msglen)
{
	EVP_PKEY *pkey = NULL;
	uint8_t *der = NULL;
	size_t nder = 0;
	int r;

	if (strcmp(algorithm, t->name) != 0)
		return ERR_CRYPTO;
	if ((r = fields_ec(t, key, &pkey)) == 0 && (r = ecdsa_der(sig, siglen, &der, &nder)) == 0)
		r = pkey_verify(pkey, t->digest, msg, msglen, der, nder);
	EVP_PKEY_free(pkey);
	OPENSSL_free(der);
	return r;
}

static int
verify_rsa(struct buf *key, const char *algorithm, const uint8_t *sig, size_t siglen, const uint8_t *msg, size_t msglen)
{
	const char *digest = NULL;
	EVP_PKEY *pkey = NULL;
	uint8_t padded[RSA_BITS_MAX / 8] = { 0 };
	size_t size;
	int r;

	if (strcmp(algorithm, "rsa-sha2-256") == 0)
		digest = "SHA256";
	else if (strcmp(algorithm, "rsa-sha2-512") == 0)
		digest = "SHA512";
	if (digest == NULL)
		return ERR_CRYPTO;	/* "ssh-rsa" is SHA-1 */
	if ((r = fields_rsa(key, &pkey)) != 0)
		return r;
	/* Some signers drop leading zeros (RFC 8332 section 3 forgives it); OpenSSL does not. */
	size = (size_t)EVP_PKEY_get_size(pkey);
	if (siglen > size || siglen == 0 || size > sizeof(padded)) {
		r = ERR_CRYPTO;
	} else {
		memcpy(padded + (size - siglen), sig, siglen);
		r = pkey_verify(pkey, digest, msg, msglen, padded, size);
	}
	EVP_PKEY_free(pkey);
	return r;
}

static int
verify_ed25519(struct buf *key, const char *algorithm, const uint8_t *sig, size_t siglen, const uint8_t *msg,
    size_t msglen)
{
	const uint8_t *pk;
	int r;

	if (strcmp(algorithm, "ssh-ed25519") != 0 || siglen != crypto_sign_BYTES)
		return ERR_CRYPTO;
	if ((r = fields_ed25519(key, &pk)) != 0)
		return r;
	return crypto_sign_verify_detached(sig, msg, msglen, pk) == 0 ? 0 : ERR_CRYPTO;
}

int
sshkey_verify(const uint8_t *key, size_t keylen, const uint8_t *msg, size_t msglen, const uint8_t *sig, size_t siglen)
{
	struct buf *kb = buf_view(key, keylen), *sb = buf_view(sig, siglen);
	const struct sshkey_type *t;
	char *algorithm = NULL;
	const uint8_t *inner;
	size_t n;
	int r = ERR_NOMEM;

	if (kb == NULL || sb == NULL || (r = sshkey_check(key, keylen, NULL)) != 0 || (r = type_read(kb, &t)) != 0 ||
	    (r = buf_get_cstring(sb, &algorithm)) != 0 || (r = buf_peek_string(sb, &inner, &n)) != 0 ||
	    (r = buf_end(sb)) != 0)
		goto out;
	r = ERR_CRYPTO;
	if (t->kind == KIND_ED25519)
		r = verify_ed25519(kb, algorithm, inner, n, msg, msglen);
	else if (t->kind == KIND_ECDSA)
		r = verify_ecdsa(t, kb, algorithm, inner, n, msg, msglen);
	else if (t->kind == KIND_RSA)
		r = verify_rsa(kb, algorithm, inner, n, msg, msglen);
out:
	free(algorithm);
	buf_free(sb);
	buf_free(kb);
	return r;
}

int
sshkey_from_line(const void *text, size_t n, uint8_t **blobp, size_t *lenp)
{
	const char *s = text, *end, *space, *b64;
	uint8_t *blob = NULL;
	char *inner = NULL;
	struct buf *b = NULL;
	size_t len, b64len;
	int r = ERR_FORMAT;

	if (n > SSHKEY_LINE_MAX)
		return ERR_TOOBIG;
	end = memchr(s, '\n', n);
	n = end == NULL ? n : (size_t)(end - s);
	if ((space = memchr(s, ' ', n)) == NULL)
		return ERR_FORMAT;
	b64 = space + 1;
	for (b64len = 0; b64 + b64len < s + n && strchr(" \t\r", b64[b64len]) == NULL; b64len++)
		;
	blob = xmalloc(b64len + 1);
	if (sodium_base642bin(blob, b64len, b64, b64len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    (b = buf_view(blob, len)) == NULL || (r = buf_get_cstring(b, &inner)) != 0)
		goto out;
	r = ERR_FORMAT;
	if (strlen(inner) != (size_t)(space - s) || memcmp(inner, s, strlen(inner)) != 0)
		goto out;
	*blobp = blob;
	*lenp = len;
	blob = NULL;
	r = 0;
out:
	buf_free(b);
	free(inner);
	free(blob);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}

char *
sshkey_to_line(const uint8_t *blob, size_t len, const char *comment)
{
	struct buf *b = buf_view(blob, len);
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *name = NULL, *b64 = NULL, *line = NULL;

	if (b != NULL && buf_get_cstring(b, &name) == 0) {
		b64 = xmalloc(room);
		sodium_bin2base64(b64, room, blob, len, sodium_base64_VARIANT_ORIGINAL);
		line = comment == NULL ? xasprintf("%s %s", name, b64) : xasprintf("%s %s %s", name, b64, comment);
	}
	free(name);
	free(b64);
	buf_free(b);
	return line;
}

int
sshkey_put_ed25519(struct buf *b, const uint8_t pk[SSHKEY_ED25519_LEN])
{
	struct buf *blob = buf_new(SSHKEY_BLOB_MAX);
	int r = ERR_NOMEM;

	if (blob != NULL && (r = buf_put_cstring(blob, "ssh-ed25519")) == 0 &&
	    (r = buf_put_string(blob, pk, SSHKEY_ED25519_LEN)) == 0)
		r = buf_put(b, buf_ptr(blob), buf_len(blob));
	buf_free(blob);
	return r;
}
