/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/cert.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cidr.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/sshkey.h"

#define NONCE_MAX	64	/* OpenSSH writes 32 */
#define PRINCIPALS_MAX	64	/* one is what we accept; a few more so that the refusal can say so */
#define GROUPS_MAX	32
#define TYPE_HOST	2

/* One critical option or extension: takes the inner value, NULL when the data is empty. */
struct option_row {
	const char	*name;
	int		(*set)(struct cert *, const char *value);
};

static int
set_once(char **fieldp, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return ERR_FORMAT;
	*fieldp = xstrdup(value);
	return 0;
}

static int
set_flag(bool *flagp, const char *value)
{
	if (value != NULL)
		return ERR_FORMAT;
	*flagp = true;
	return 0;
}

static int
set_force_command(struct cert *c, const char *value)
{
	return set_once(&c->force_command, value);
}

static int
set_source_address(struct cert *c, const char *value)
{
	if (value == NULL || !cidr_list_is_valid(value))
		return ERR_FORMAT;
	return set_once(&c->source_address, value);
}

static int
set_pty(struct cert *c, const char *value)
{
	return set_flag(&c->permit_pty, value);
}

static int
set_port_forwarding(struct cert *c, const char *value)
{
	return set_flag(&c->permit_port_forwarding, value);
}

static int
set_agent_forwarding(struct cert *c, const char *value)
{
	return set_flag(&c->permit_agent_forwarding, value);
}

static int
set_x11_forwarding(struct cert *c, const char *value)
{
	return set_flag(&c->permit_x11_forwarding, value);
}

static int
set_owner(struct cert *c, const char *value)
{
	if (value == NULL || !name_is_safe(value, CERT_NAME_MAX))
		return ERR_FORMAT;
	return set_once(&c->owner, value);
}

static int
set_session(struct cert *c, const char *value)
{
	if (value == NULL || !name_is_safe(value, CERT_NAME_MAX))
		return ERR_FORMAT;
	return set_once(&c->session, value);
}

static int
set_groups(struct cert *c, const char *value)
{
	char *copy, *rest, *one;
	int r = value == NULL ? ERR_FORMAT : 0;

	copy = rest = xstrdup(value == NULL ? "" : value);
	while (r == 0 && (one = strsep(&rest, ",")) != NULL) {
		if (!name_is_safe(one, CERT_NAME_MAX) || c->groups.n >= GROUPS_MAX)
			r = ERR_FORMAT;
		else
			strvec_push(&c->groups, one);
	}
	free(copy);
	return r;
}

static const struct option_row critical_rows[] = {
	{ "force-command", set_force_command },
	{ "source-address", set_source_address },
	{ NULL, NULL },
};

static const struct option_row extension_rows[] = {
	{ "group@sallyport", set_groups },
	{ "owner@sallyport", set_owner },
	{ "permit-X11-forwarding", set_x11_forwarding },
	{ "permit-agent-forwarding", set_agent_forwarding },
	{ "permit-port-forwarding", set_port_forwarding },
	{ "permit-pty", set_pty },
	{ "session@sallyport", set_session },
	{ NULL, NULL },
};

/* The value inside an option's data: empty, or exactly one string without NUL. */
static int
option_value(const uint8_t *data, size_t n, char **valuep)
{
	struct buf *b;
	int r;

	*valuep = NULL;
	if (n == 0)
		return 0;
	if ((b = buf_view(data, n)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_get_cstring(b, valuep)) == 0)
		r = buf_end(b);
	buf_free(b);
	return r;
}

static int
option_set(struct cert *c, const struct option_row *row, const uint8_t *data, size_t n)
{
	char *value = NULL;
	int r = option_value(data, n, &value);

	if (r == 0)
		r = row->set(c, value);
	free(value);
	return r;
}

/* The critical options or the extensions: pairs of name and data, names rising, so none twice. */
static int
options_parse(struct cert *c, const uint8_t *p, size_t n, const struct option_row *rows, char **unknownp)
{
	struct buf *b = buf_view(p, n);
	char *name = NULL, *last = NULL;
	const struct option_row *row;
	const uint8_t *data;
	size_t len;
	int r = b == NULL ? ERR_NOMEM : 0;

	while (r == 0 && buf_len(b) > 0) {
		if ((r = buf_get_cstring(b, &name)) != 0 || (r = buf_peek_string(b, &data, &len)) != 0)
			break;
		if (name[0] == '\0' || (last != NULL && strcmp(last, name) >= 0)) {
			r = ERR_FORMAT;
			break;
		}
		for (row = rows; row->name != NULL && strcmp(row->name, name) != 0; row++)
			;
		if (row->name != NULL)
			r = option_set(c, row, data, len);
		else if (unknownp != NULL && *unknownp == NULL)
			*unknownp = xstrdup(name);
		free(last);
		last = name;
		name = NULL;
	}
	free(name);
	free(last);
	buf_free(b);
	return r;
}

static int
principals_parse(struct cert *c, const uint8_t *p, size_t n)
{
	struct buf *b = buf_view(p, n);
	char *one;
	int r = b == NULL ? ERR_NOMEM : 0;

	while (r == 0 && buf_len(b) > 0) {
		if (c->principals.n >= PRINCIPALS_MAX)
			r = ERR_TOOBIG;
		else if ((r = buf_get_cstring(b, &one)) == 0)
			strvec_take(&c->principals, one);
	}
	buf_free(b);
	return r;
}

/* Type name, nonce and the subject's public key, which becomes a plain blob of its own. */
static int
subject_parse(struct cert *c, struct buf *b)
{
	struct buf *plain = buf_new(SSHKEY_BLOB_MAX);
	const struct sshkey_type *t;
	const uint8_t *nonce;
	size_t n;
	int r = ERR_NOMEM;

	if (plain == NULL || (r = buf_get_cstring(b, &c->type_name)) != 0)
		goto out;
	r = ERR_FORMAT;
	if ((t = sshkey_type_cert(c->type_name)) == NULL)
		goto out;
	if ((r = buf_peek_string(b, &nonce, &n)) != 0)
		goto out;
	r = ERR_FORMAT;
	if (n > NONCE_MAX)
		goto out;
	if ((r = buf_put_cstring(plain, sshkey_type_name(t))) != 0 || (r = sshkey_copy_fields(t, b, plain)) != 0)
		goto out;
	c->subject_key_len = buf_len(plain);
	c->subject_key = xmalloc(c->subject_key_len);
	memcpy(c->subject_key, buf_ptr(plain), c->subject_key_len);
out:
	buf_free(plain);
	return r;
}

/* Everything between the subject's key and the CA's. */
static int
claims_parse(struct cert *c, struct buf *b)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_get_u64(b, &c->serial)) != 0 || (r = buf_get_u32(b, &c->type)) != 0 ||
	    (r = buf_get_cstring(b, &c->key_id)) != 0 || (r = buf_peek_string(b, &p, &n)) != 0 ||
	    (r = principals_parse(c, p, n)) != 0 || (r = buf_get_u64(b, &c->valid_after)) != 0 ||
	    (r = buf_get_u64(b, &c->valid_before)) != 0 || (r = buf_peek_string(b, &p, &n)) != 0 ||
	    (r = options_parse(c, p, n, critical_rows, &c->unknown_critical)) != 0 ||
	    (r = buf_peek_string(b, &p, &n)) != 0 || (r = options_parse(c, p, n, extension_rows, NULL)) != 0 ||
	    (r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	if (n != 0)	/* reserved */
		return ERR_FORMAT;
	return c->type == CERT_TYPE_USER || c->type == TYPE_HOST ? 0 : ERR_FORMAT;
}

/* The CA's key and its signature over all that stands before the signature. */
static int
signature_parse(struct cert *c, struct buf *b, const uint8_t *blob, size_t len)
{
	const uint8_t *sig;
	size_t n, covered;
	int r;

	if ((r = buf_get_string(b, &c->ca_key, &c->ca_key_len)) != 0)
		return r;
	covered = len - buf_len(b);
	if ((r = buf_peek_string(b, &sig, &n)) != 0 || (r = buf_end(b)) != 0)
		return r;
	/* A certificate is no plain key, so a chain of certificates ends here (CVE-2025-49825). */
	if (sshkey_check(c->ca_key, c->ca_key_len, NULL) != 0)
		return ERR_CRYPTO;
	return sshkey_verify(c->ca_key, c->ca_key_len, blob, covered, sig, n);
}

int
cert_parse(const uint8_t *blob, size_t len, struct cert **certp)
{
	struct cert *c;
	struct buf *b;
	int r;

	*certp = NULL;
	if (len > CERT_BLOB_MAX)
		return ERR_TOOBIG;
	if ((b = buf_view(blob, len)) == NULL)
		return ERR_NOMEM;
	c = xcalloc(1, sizeof(*c));
	if ((r = subject_parse(c, b)) != 0 || (r = claims_parse(c, b)) != 0 ||
	    (r = signature_parse(c, b, blob, len)) != 0)
		goto out;
	*certp = c;
	c = NULL;
out:
	cert_free(c);
	buf_free(b);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}

void
cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	free(c->type_name);
	free(c->key_id);
	strvec_release(&c->principals);
	free(c->force_command);
	free(c->source_address);
	free(c->owner);
	free(c->session);
	strvec_release(&c->groups);
	free(c->ca_key);
	free(c->subject_key);
	free(c->unknown_critical);
	free(c);
}

static bool
cert_is_from(const struct cert *c, const uint8_t *ca, size_t len)
{
	return len > 0 && c->ca_key_len == len && memcmp(c->ca_key, ca, len) == 0;
}

static bool
cert_has_identity(const struct cert *c)
{
	const char *p = c->principals.n == 1 ? c->principals.v[0] : NULL;

	return p != NULL && strchr(p, '/') != NULL && p[strlen(p) - 1] != '/' && name_is_safe(p, CERT_IDENTITY_MAX);
}

int
cert_judge_time(const struct cert *c, uint64_t now, const char **whyp)
{
	*whyp = now < c->valid_after ? "certificate is not valid yet" : now >= c->valid_before ? "certificate has expired" : "ok";
	return now < c->valid_after || now >= c->valid_before ? ERR_EXPIRED : 0;
}

int
cert_judge(const struct cert *c, const struct cert_check *k, const char **whyp)
{
	int r = ERR_DENIED;

	if (!cert_is_from(c, k->ca_key, k->ca_key_len))
		*whyp = "certificate is not from this bastion's CA";
	else if (c->type != CERT_TYPE_USER)
		*whyp = "certificate is not a user certificate";
	else if (k->krl != NULL && krl_is_revoked(k->krl, c))
		*whyp = "certificate is revoked";
	else if (c->unknown_critical != NULL)
		*whyp = "certificate has a critical option that is not known here";
	else if (c->force_command != NULL)
		*whyp = "certificate has a force-command, which is not supported here";
	else if (c->principals.n != 1)
		*whyp = "certificate must have exactly one principal";
	else if (!cert_has_identity(c))
		*whyp = "certificate's principal is not an identity such as agent/ci";
	else if (c->source_address != NULL && k->source != NULL && !cidr_list_has(c->source_address, k->source))
		*whyp = "certificate may not be used from this address";
	else
		r = cert_judge_time(c, k->now, whyp);
	return r;
}

const char *
cert_identity(const struct cert *c)
{
	return c->principals.n == 1 ? c->principals.v[0] : "";
}

char *
key_fingerprint(const uint8_t *blob, size_t len)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char b64[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];

	crypto_hash_sha256(hash, blob, len);
	sodium_bin2base64(b64, sizeof(b64), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return xasprintf("SHA256:%s", b64);
}
