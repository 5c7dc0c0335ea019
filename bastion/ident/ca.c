/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/ca.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/sshkey.h"

#define NONCE_LEN	32

struct ca {
	uint8_t	 secret[crypto_sign_SECRETKEYBYTES];
	uint8_t	 public[crypto_sign_PUBLICKEYBYTES];
	uint8_t	*blob;
	size_t	 bloblen;
};

struct ca *
ca_new(const uint8_t seed[CA_SEED_LEN])
{
	struct buf *b = buf_new(SSHKEY_BLOB_MAX);
	struct ca *ca;

	if (b == NULL)
		return NULL;
	ca = xcalloc(1, sizeof(*ca));
	(void)crypto_sign_seed_keypair(ca->public, ca->secret, seed);
	if (sshkey_put_ed25519(b, ca->public) == 0) {
		ca->bloblen = buf_len(b);
		ca->blob = xmalloc(ca->bloblen);
		memcpy(ca->blob, buf_ptr(b), ca->bloblen);
	} else {
		ca_free(ca);
		ca = NULL;
	}
	buf_free(b);
	return ca;
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	free(ca->blob);
	freezero(ca, sizeof(*ca));
}

const uint8_t *
ca_key(const struct ca *ca, size_t *lenp)
{
	*lenp = ca->bloblen;
	return ca->blob;
}

/* Append "string inside a string", the form of every option that has a value; none for NULL. */
static int
put_option(struct buf *b, const char *name, const char *value)
{
	size_t n;
	int r;

	if (value == NULL)
		return 0;
	n = strlen(value);
	if ((r = buf_put_cstring(b, name)) != 0 || (r = buf_put_u32(b, (uint32_t)n + 4)) != 0)
		return r;
	return buf_put_string(b, value, n);
}

static int
put_flag(struct buf *b, const char *name, bool set)
{
	int r;

	if (!set)
		return 0;
	if ((r = buf_put_cstring(b, name)) != 0)
		return r;
	return buf_put_string(b, NULL, 0);
}

/* In the order that PROTOCOL.certkeys asks for: names rising by byte. */
static int
put_extensions(struct buf *b, const struct ca_params *p)
{
	struct buf *x = buf_new(CERT_BLOB_MAX);
	char *groups = p->groups == NULL || p->groups->n == 0 ? NULL : strvec_join(p->groups, ",");
	int r = ERR_NOMEM;

	if (x != NULL && (r = put_option(x, "group@sallyport", groups)) == 0 &&
	    (r = put_option(x, "owner@sallyport", p->owner)) == 0 &&
	    (r = put_flag(x, "permit-port-forwarding", p->permit_port_forwarding)) == 0 &&
	    (r = put_flag(x, "permit-pty", p->permit_pty)) == 0 &&
	    (r = put_option(x, "session@sallyport", p->session)) == 0)
		r = buf_put_string(b, buf_ptr(x), buf_len(x));
	free(groups);
	buf_free(x);
	return r;
}

static int
put_critical(struct buf *b, const struct ca_params *p)
{
	struct buf *x = buf_new(CERT_BLOB_MAX);
	int r = ERR_NOMEM;

	if (x != NULL && (r = put_option(x, "force-command", p->force_command)) == 0 &&
	    (r = put_option(x, "source-address", p->source_address)) == 0)
		r = buf_put_string(b, buf_ptr(x), buf_len(x));
	buf_free(x);
	return r;
}

/* Type name of the certificate, nonce, and the fields of the subject's key. */
static int
put_subject(struct buf *b, const struct ca_params *p)
{
	uint8_t nonce[NONCE_LEN];
	const struct sshkey_type *t;
	const uint8_t *name;
	struct buf *key;
	size_t n;
	int r;

	if ((r = sshkey_check(p->key, p->keylen, &t)) != 0)
		return r;
	if ((key = buf_view(p->key, p->keylen)) == NULL)
		return ERR_NOMEM;
	randombytes_buf(nonce, sizeof(nonce));
	if ((r = buf_put_cstring(b, sshkey_type_cert_name(t))) == 0 &&
	    (r = buf_put_string(b, nonce, sizeof(nonce))) == 0 && (r = buf_peek_string(key, &name, &n)) == 0)
		r = sshkey_copy_fields(t, key, b);
	buf_free(key);
	return r;
}

static int
put_claims(struct buf *b, const struct ca_params *p)
{
	size_t n = strlen(p->principal);
	int r;

	if ((r = buf_put_u64(b, p->serial)) != 0 || (r = buf_put_u32(b, CERT_TYPE_USER)) != 0 ||
	    (r = buf_put_cstring(b, p->key_id)) != 0 || (r = buf_put_u32(b, (uint32_t)n + 4)) != 0 ||
	    (r = buf_put_string(b, p->principal, n)) != 0 || (r = buf_put_u64(b, p->valid_after)) != 0 ||
	    (r = buf_put_u64(b, p->valid_before)) != 0 || (r = put_critical(b, p)) != 0 ||
	    (r = put_extensions(b, p)) != 0)
		return r;
	return buf_put_string(b, NULL, 0);	/* reserved */
}

static int
put_signature(struct buf *b, const struct ca *ca)
{
	uint8_t sig[crypto_sign_BYTES];
	struct buf *s;
	int r;

	if ((r = buf_put_string(b, ca->blob, ca->bloblen)) != 0)
		return r;
	if ((s = buf_new(256)) == NULL)
		return ERR_NOMEM;
	(void)crypto_sign_detached(sig, NULL, buf_ptr(b), buf_len(b), ca->secret);
	if ((r = buf_put_cstring(s, "ssh-ed25519")) == 0 && (r = buf_put_string(s, sig, sizeof(sig))) == 0)
		r = buf_put_string(b, buf_ptr(s), buf_len(s));
	buf_free(s);
	return r;
}

int
ca_sign(const struct ca *ca, const struct ca_params *p, struct buf *out)
{
	struct buf *b = buf_new(CERT_BLOB_MAX);
	int r = ERR_NOMEM;

	if (b != NULL && (r = put_subject(b, p)) == 0 && (r = put_claims(b, p)) == 0 && (r = put_signature(b, ca)) == 0)
		r = buf_put(out, buf_ptr(b), buf_len(b));
	buf_free(b);
	return r;
}
