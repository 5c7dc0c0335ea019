/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/issuer.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/ca.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/cidr.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/ledger.h"
#include "bastion/ident/sshkey.h"

#define NAME_MAX_BYTES	64	/* a target, a login */

struct issuer {
	struct ca	*ca;
	struct ledger	*ledger;
	struct krl	*krl;
	struct buf	*krl_bytes;
	char		*krl_path;
	int64_t		 max_ttl_ms;
};

/* Write the list out and keep the bytes. */
static int
krl_store(struct issuer *i, int64_t now_ms)
{
	struct buf *b = buf_new(KRL_MAX);
	int r = b == NULL ? ERR_NOMEM : krl_write(i->krl, (uint64_t)now_ms / 1000, b);

	if (r == 0)
		r = file_write(i->krl_path, buf_ptr(b), buf_len(b), 0644);
	if (r == 0) {
		buf_free(i->krl_bytes);
		i->krl_bytes = b;
		b = NULL;
	}
	buf_free(b);
	return r;
}

static int
krl_load(struct issuer *i)
{
	struct buf *b = buf_new(KRL_MAX);
	int r = b == NULL ? ERR_NOMEM : file_read(i->krl_path, b);

	if (r == ERR_SYSTEM && errno == ENOENT && !ledger_may_have(i->ledger, 1)) {
		buf_free(b);
		i->krl = krl_new();
		return i->krl == NULL ? ERR_NOMEM : krl_store(i, 0);
	}
	if (r == 0)
		r = krl_parse(buf_ptr(b), buf_len(b), &i->krl);
	if (r == 0) {
		i->krl_bytes = b;
		b = NULL;
	}
	buf_free(b);
	return r;
}

int
issuer_open(const char *dir, const uint8_t seed[32], int64_t max_ttl_ms, struct issuer **ip, char **whyp)
{
	struct issuer *i = xcalloc(1, sizeof(*i));
	int r;

	*ip = NULL;
	*whyp = NULL;
	i->max_ttl_ms = max_ttl_ms;
	i->krl_path = file_join(dir, "krl");
	if ((i->ca = ca_new(seed)) == NULL)
		r = ERR_NOMEM;
	else if ((r = ledger_open(dir, &i->ledger)) != 0)
		*whyp = xasprintf("ca/serial or ca/issued.jsonl: %s", err_text(r));
	else if ((r = krl_load(i)) != 0)
		*whyp = xasprintf("ca/krl: %s", err_text(r));
	if (r == 0) {
		*ip = i;
		return 0;
	}
	issuer_free(i);
	return r;
}

void
issuer_free(struct issuer *i)
{
	if (i == NULL)
		return;
	ca_free(i->ca);
	ledger_free(i->ledger);
	krl_free(i->krl);
	buf_free(i->krl_bytes);
	free(i->krl_path);
	free(i);
}

const struct buf *
issuer_krl_bytes(const struct issuer *i)
{
	return i->krl_bytes;
}

const struct krl *
issuer_krl(const struct issuer *i)
{
	return i->krl;
}

struct ledger *
issuer_ledger(struct issuer *i)
{
	return i->ledger;
}

const uint8_t *
issuer_ca_key(const struct issuer *i, size_t *lenp)
{
	return ca_key(i->ca, lenp);
}

static bool
is_identity(const char *s)
{
	return s != NULL && name_is_safe(s, CERT_IDENTITY_MAX) && strchr(s, '/') != NULL && s[strlen(s) - 1] != '/';
}

static bool
groups_are_safe(const struct strvec *groups)
{
	for (size_t n = 0; n < groups->n; n++)
		if (!name_is_safe(groups->v[n], CERT_NAME_MAX))
			return false;
	return groups->n <= ISSUER_GROUPS_MAX;
}

/* NULL, or why not. */
static const char *
key_refused(const struct issuer *i, const uint8_t *key, size_t keylen)
{
	if (sshkey_check(key, keylen, NULL) != 0)
		return "public key is not one that is taken: plain ed25519, ecdsa, sk-, or rsa of 2048 to 8192 bits";
	if (krl_has_key(i->krl, key, keylen))
		return "public key is revoked";
	return NULL;
}

static const char *
request_refused(const struct issuer *i, const struct issuer_request *q)
{
	if (!is_identity(q->identity))
		return "identity must look like agent/ci: letters, digits and . _ - + @ /, with a '/' inside";
	if (q->owner != NULL && !is_identity(q->owner))
		return "owner must be an identity such as human/eva: it is what approvers are compared with";
	if (q->session != NULL && !name_is_safe(q->session, CERT_NAME_MAX))
		return "session has characters that are not allowed";
	if (!groups_are_safe(&q->groups))
		return "group has characters that are not allowed, or there are too many";
	if (q->source_address != NULL && !cidr_list_is_valid(q->source_address))
		return "source address must be networks such as 10.0.0.0/8,2001:db8::/32, without host bits";
	if (q->ttl_ms < 0 || q->ttl_ms > i->max_ttl_ms)
		return "ttl is longer than max_cert_ttl allows";
	return key_refused(i, q->key, q->keylen);
}

/* Number it, note it in the ledger, sign it. Nothing leaves before the ledger has it. */
static int
make(struct issuer *i, struct ca_params *p, struct ledger_entry *e, int64_t now_ms, struct buf *out, const char **whyp)
{
	char *fingerprint = key_fingerprint(p->key, p->keylen);
	int r;

	e->serial = p->serial;
	e->key_id = p->key_id;
	e->principal = p->principal;
	e->after = p->valid_after;
	e->before = p->valid_before;
	e->fingerprint = fingerprint;
	/*
	 * A target's certificate lives a minute and its session has its own durable record; the other kind has this
	 * one.
	 */
	r = ledger_add(i->ledger, e, now_ms, e->kind == LEDGER_IDENTITY ? LEDGER_DURABLE : LEDGER_LAZY);
	if (r != 0)
		*whyp = "the list of issued certificates cannot be written";
	else if ((r = ca_sign(i->ca, p, out)) != 0)
		*whyp = "the certificate cannot be made";
	free(fingerprint);
	return r;
}

int
issuer_issue(struct issuer *i, const struct issuer_request *q, int64_t now_ms, struct buf *out,
    struct issuer_result *res, const char **whyp)
{
	int64_t ttl = q->ttl_ms != 0 ? q->ttl_ms : ISSUER_TTL_MS < i->max_ttl_ms ? ISSUER_TTL_MS : i->max_ttl_ms;
	uint64_t now = (uint64_t)now_ms / 1000;
	int r;

	memset(res, 0, sizeof(*res));
	if ((*whyp = request_refused(i, q)) != NULL)
		return ERR_DENIED;
	*whyp = "no serial number can be reserved";
	if ((r = ledger_serial(i->ledger, &res->serial)) != 0)
		return r;
	res->key_id = xasprintf("%s:%" PRIu64, q->identity, res->serial);
	res->before = now + ((uint64_t)ttl + 999) / 1000;

	struct ca_params p = { .key = q->key, .keylen = q->keylen, .serial = res->serial, .key_id = res->key_id,
		.principal = q->identity, .valid_after = now - ISSUER_SKEW_S, .valid_before = res->before,
		.source_address = q->source_address, .permit_pty = !q->no_pty,
		.permit_port_forwarding = !q->no_port_forwarding, .owner = q->owner, .session = q->session,
		.groups = &q->groups };
	struct ledger_entry e = { .kind = LEDGER_IDENTITY, .by = q->by, .owner = q->owner, .session = q->session,
		.source_address = q->source_address, .groups = &q->groups };

	if ((r = make(i, &p, &e, now_ms, out, whyp)) != 0) {
		free(res->key_id);
		res->key_id = NULL;
	}
	return r;
}

static const char *
mint_refused(const struct issuer *i, const struct issuer_mint *m)
{
	if (!is_identity(m->identity))
		return "identity is not one";
	if (!id_is(m->session, "S-", SESSION_ID_LEN))
		return "session id is not one";
	if (!name_is_safe(m->target, NAME_MAX_BYTES))
		return "target's name is not safe";
	/* A login with '/' would make an identity of it: a key to the outer door. */
	if (!name_is_safe(m->login, NAME_MAX_BYTES) || strchr(m->login, '/') != NULL)
		return "login is not safe";
	if (m->ttl_ms < 1000 || m->ttl_ms > ISSUER_MINT_MAX_MS)
		return "life of a minted certificate must be one second to one hour";
	return key_refused(i, m->key, m->keylen);
}

int
issuer_mint(struct issuer *i, const struct issuer_mint *m, int64_t now_ms, struct buf *out, struct issuer_result *res,
    const char **whyp)
{
	uint64_t now = (uint64_t)now_ms / 1000;
	int r;

	memset(res, 0, sizeof(*res));
	if ((*whyp = mint_refused(i, m)) != NULL)
		return ERR_DENIED;
	*whyp = "no serial number can be reserved";
	if ((r = ledger_serial(i->ledger, &res->serial)) != 0)
		return r;
	res->key_id = xasprintf("%s %s %s", m->identity, m->session, m->target);
	res->before = now + ((uint64_t)m->ttl_ms + 999) / 1000;

	struct ca_params p = { .key = m->key, .keylen = m->keylen, .serial = res->serial, .key_id = res->key_id,
		.principal = m->login, .valid_after = now - ISSUER_SKEW_S, .valid_before = res->before,
		.permit_pty = m->pty && !m->way_only, .permit_port_forwarding = m->forward || m->way_only,
		.force_command = m->way_only ? "exit 1" : NULL };
	struct ledger_entry e = { .kind = LEDGER_TARGET, .by = m->session };

	if ((r = make(i, &p, &e, now_ms, out, whyp)) != 0) {
		free(res->key_id);
		res->key_id = NULL;
	}
	return r;
}

int
issuer_revoke_serial(struct issuer *i, uint64_t serial, int64_t now_ms)
{
	const uint8_t *ca;
	size_t n;
	int r;

	if (!ledger_may_have(i->ledger, serial))
		return ERR_NOTFOUND;
	ca = ca_key(i->ca, &n);
	if ((r = krl_revoke_serial(i->krl, ca, n, serial, serial)) != 0)
		return r;
	return krl_store(i, now_ms);
}

/* ledger_walk: 1 when the line is the one. */
static int
key_id_is(const json_t *line, void *arg)
{
	const char *id = json_string_value(json_object_get(line, "key_id"));

	return id != NULL && strcmp(id, arg) == 0;
}

int
issuer_revoke_key_id(struct issuer *i, const char *key_id, int64_t now_ms)
{
	char *copy = xstrdup(key_id);
	const uint8_t *ca;
	size_t n;
	int r = ledger_walk(i->ledger, key_id, key_id_is, copy);

	free(copy);
	if (r != 1)
		return r == 0 ? ERR_NOTFOUND : r;
	ca = ca_key(i->ca, &n);
	if ((r = krl_revoke_key_id(i->krl, ca, n, key_id)) != 0)
		return r;
	return krl_store(i, now_ms);
}

int
issuer_revoke_key(struct issuer *i, const uint8_t *key, size_t keylen, int64_t now_ms)
{
	int r;

	if ((r = sshkey_check(key, keylen, NULL)) != 0 || (r = krl_revoke_key(i->krl, key, keylen)) != 0)
		return r;
	return krl_store(i, now_ms);
}
