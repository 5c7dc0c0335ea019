/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/issuer_verbs.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/issuer.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/ledger.h"
#include "bastion/ident/sshkey.h"

#define LIST_BYTES	(128 * 1024)	/* of rows shown by cert list; the rest of the room is for the heading */

/* The one line of a refusal; arg is what was typed. */
static void
refuse(struct verb_answer *a, int status, const char *text, const char *arg)
{
	char *safe = text_printable(arg, strlen(arg));

	a->status = status;
	(void)buf_putf(a->err, "sallyport: %s%s\n", text, safe);
	free(safe);
}

/* A whole line for the one who asked; what does not fit is left out, the status says enough. */
static void
say(struct verb_answer *a, const char *text, const char *id, uint64_t before)
{
	char when[CLOCK_TEXT] = "";

	if (before != 0 && before < INT64_MAX / 1000)
		clock_format((int64_t)before * 1000, when);
	(void)buf_putf(a->err, "sallyport: %s%s%s%s\n", text, id, when[0] == '\0' ? "" : ", valid until ", when);
}

/* Options of cert issue. */
struct issue_args {
	struct issuer_request	 q;
	const char		*ttl, *key;
};

struct issue_option {
	const char	*name;
	size_t		 offset;	/* of a const char * in struct issue_args */
};

#define ARG(name, field)	{ name, offsetof(struct issue_args, field) }

static const struct issue_option issue_options[] = {
	ARG("--identity", q.identity),
	ARG("--owner", q.owner),
	ARG("--session", q.session),
	ARG("--source-address", q.source_address),
	ARG("--ttl", ttl),
	ARG("--key", key),
};

/* One option with its value. NULL, or what is wrong with it. */
static const char *
issue_option_set(struct issue_args *x, const char *name, const char *value)
{
	const char **field;

	if (strcmp(name, "--group") == 0) {
		strvec_push(&x->q.groups, value);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(issue_options) / sizeof(issue_options[0]); i++) {
		if (strcmp(issue_options[i].name, name) != 0)
			continue;
		field = (const char **)((char *)x + issue_options[i].offset);
		if (*field != NULL)
			return "option is given twice: ";
		*field = value;
		return NULL;
	}
	return "cert issue: unknown option: ";
}

/* From argv[2] on. 0, or -1 after refuse(). */
static int
issue_parse(const struct strvec *argv, struct issue_args *x, struct verb_answer *a)
{
	const char *wrong;

	for (size_t i = 2; i < argv->n; i++) {
		const char *name = argv->v[i];

		if (strcmp(name, "--no-pty") == 0) {
			x->q.no_pty = true;
			continue;
		}
		if (strcmp(name, "--no-port-forwarding") == 0) {
			x->q.no_port_forwarding = true;
			continue;
		}
		wrong = i + 1 >= argv->n ? "cert issue: unknown option, or it needs a value: " :
		    issue_option_set(x, name, argv->v[i + 1]);
		if (wrong != NULL) {
			refuse(a, 2, wrong, name);
			return -1;
		}
		i++;
	}
	if (x->q.identity == NULL || x->key == NULL || strcmp(x->key, "-") != 0) {
		refuse(a, 2, "cert issue needs --identity NAME and --key -", "");
		return -1;
	}
	if (x->ttl != NULL && (clock_parse_duration(x->ttl, &x->q.ttl_ms) != 0 || x->q.ttl_ms < 1000)) {
		refuse(a, 2, "cert issue: --ttl must be a duration such as 15m: ", x->ttl);
		return -1;
	}
	return 0;
}

static char *
dump_free(json_t *o)
{
	char *s = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return s;
}

static char *
issue_event(const struct issuer_request *q, const struct issuer_result *res)
{
	char *fingerprint = key_fingerprint(q->key, q->keylen), *groups = strvec_join(&q->groups, ",");
	char *event = dump_free(json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:s*, s:s*, s:s*, s:s*}", "event",
	    "cert.issue", "by", q->by, "serial", (json_int_t)res->serial, "key_id", res->key_id, "principal",
	    q->identity, "key", fingerprint, "before", (json_int_t)res->before, "owner", q->owner, "group",
	    groups[0] == '\0' ? NULL : groups, "claimed_session", q->session, "source_address", q->source_address));

	free(groups);
	free(fingerprint);
	return event;
}

static void
issue(struct issuer *i, struct issuer_request *q, const struct verb_request *v, struct verb_answer *a)
{
	struct buf *blob = buf_new(CERT_BLOB_MAX);
	struct issuer_result res = { 0 };
	const char *why = "no memory";
	char *line = NULL;

	if (blob == NULL || issuer_issue(i, q, v->now_ms, blob, &res, &why) != 0) {
		refuse(a, 1, why, "");
		goto out;
	}
	line = sshkey_to_line(buf_ptr(blob), buf_len(blob), res.key_id);
	if (line == NULL || buf_putf(a->out, "%s\n", line) != 0) {
		refuse(a, 1, "no memory", "");
		goto out;
	}
	say(a, "issued ", res.key_id, res.before);
	a->event = issue_event(q, &res);
out:
	free(line);
	free(res.key_id);
	buf_free(blob);
}

static void
verb_issue(struct issuer *i, const struct verb_request *v, struct verb_answer *a)
{
	struct issue_args x = { 0 };
	uint8_t *key = NULL;

	if (issue_parse(v->argv, &x, a) != 0)
		goto out;
	x.q.by = v->who;
	if (sshkey_from_line(v->in, v->inlen, &key, &x.q.keylen) != 0) {
		refuse(a, 1, "the key is not a public key line as in id_ed25519.pub", "");
		goto out;
	}
	x.q.key = key;
	issue(i, &x.q, v, a);
out:
	free(key);
	strvec_release(&x.q.groups);
}

static char *
revoke_event(const struct verb_request *v, const char *what, const char *name)
{
	return dump_free(json_pack("{s:s, s:s, s:s, s:s}", "event", "cert.revoke", "by", v->who, "what", what,
	    "name", name));
}

/* A key or a certificate on standard input. *namep is what was revoked; the caller frees. */
static int
revoke_line(struct issuer *i, const struct verb_request *v, const char **whatp, char **namep)
{
	struct cert *c = NULL;
	uint8_t *blob = NULL;
	const uint8_t *ca;
	size_t len, calen;
	int r;

	if ((r = sshkey_from_line(v->in, v->inlen, &blob, &len)) != 0)
		return r;
	ca = issuer_ca_key(i, &calen);
	if (cert_parse(blob, len, &c) != 0) {
		*whatp = "key";
		*namep = key_fingerprint(blob, len);
		r = issuer_revoke_key(i, blob, len, v->now_ms);
	} else if (c->ca_key_len != calen || memcmp(c->ca_key, ca, calen) != 0) {
		r = ERR_NOTFOUND;
	} else {
		*whatp = "serial";
		*namep = xasprintf("%" PRIu64, c->serial);
		r = issuer_revoke_serial(i, c->serial, v->now_ms);
	}
	cert_free(c);
	free(blob);
	return r;
}

/* Digits alone are a serial number. */
static bool
serial_parse(const char *s, uint64_t *serialp)
{
	size_t n = strlen(s);

	if (n == 0 || n > 18 || strspn(s, "0123456789") != n)
		return false;
	*serialp = strtoull(s, NULL, 10);
	return true;
}

static void
verb_revoke(struct issuer *i, const struct verb_request *v, struct verb_answer *a)
{
	const char *what = "key", *arg = v->argv->n == 3 ? v->argv->v[2] : NULL;
	char *name = NULL, *text;
	uint64_t serial;
	int r;

	if (arg == NULL || arg[0] == '\0') {
		refuse(a, 2, "cert revoke needs one SERIAL, KEYID or - (a key or certificate on standard input)", "");
		return;
	}
	if (strcmp(arg, "-") == 0) {
		r = revoke_line(i, v, &what, &name);
	} else if (serial_parse(arg, &serial)) {
		what = "serial";
		name = xstrdup(arg);
		r = issuer_revoke_serial(i, serial, v->now_ms);
	} else {
		what = "key_id";
		name = xstrdup(arg);
		r = issuer_revoke_key_id(i, arg, v->now_ms);
	}
	if (r == ERR_NOTFOUND) {
		refuse(a, 1, "cert revoke: this CA has issued no such certificate: ", arg);
	} else if (r == ERR_FORMAT) {
		refuse(a, 1, "cert revoke: not a key or certificate: ", arg);
	} else if (r != 0) {
		refuse(a, 1, "cert revoke: NOT revoked, ca/krl cannot be written: ", err_text(r));
	} else {
		text = xasprintf("revoked %s ", what);
		say(a, text, name, 0);
		free(text);
		a->krl_changed = true;
		a->event = revoke_event(v, what, name);
	}
	free(name);
}

struct list {
	struct issuer	*issuer;
	uint64_t	 now;
	bool		 json, all;
	struct strvec	 rows;
	size_t		 first, bytes;	/* rows before first were let go to make room */
};

static bool
row_is_revoked(const struct list *l, uint64_t serial, const char *key_id, const char *fingerprint)
{
	const struct krl *krl = issuer_krl(l->issuer);
	uint8_t hash[crypto_hash_sha256_BYTES];
	const char *b64 = strchr(fingerprint, ':');
	const uint8_t *ca;
	size_t n;

	ca = issuer_ca_key(l->issuer, &n);
	if (krl_has_serial(krl, ca, n, serial, key_id))
		return true;
	return b64 != NULL && sodium_base642bin(hash, sizeof(hash), b64 + 1, strlen(b64 + 1), NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 && n == sizeof(hash) && krl_has_sha256(krl, hash);
}

static char *
row_text(const json_t *line, const char *state)
{
	char when[CLOCK_TEXT];

	clock_format(json_integer_value(json_object_get(line, "before")) * 1000, when);
	return xasprintf("%-8" PRIu64 " %-24s %-24s %-8s %s\n",
	    (uint64_t)json_integer_value(json_object_get(line, "serial")),
	    json_string_value(json_object_get(line, "principal")), when, state,
	    json_string_value(json_object_get(line, "key_id")));
}

static char *
row_json(const json_t *line, const char *state)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)line);
	char *text, *row;

	(void)json_object_set_new(copy, "state", json_string(state));
	text = dump_free(copy);
	row = xasprintf("%s\n", text == NULL ? "{}" : text);
	free(text);
	return row;
}

/* ledger_walk: one certificate more, letting the oldest go when there is no room. */
static int
list_line(const json_t *line, void *arg)
{
	struct list *l = arg;
	const char *kind = NULL, *key_id = NULL, *principal = NULL, *fingerprint = NULL, *state;
	json_int_t serial, before;
	char *row;

	if (json_unpack((json_t *)(uintptr_t)line, "{s:s, s:s, s:s, s:s, s:I, s:I}", "kind", &kind, "key_id", &key_id,
	    "principal", &principal, "key", &fingerprint, "serial", &serial, "before", &before) != 0)
		return 0;
	state = row_is_revoked(l, (uint64_t)serial, key_id, fingerprint) ? "revoked" :
	    l->now >= (uint64_t)before ? "expired" : "valid";
	if (!l->all && (strcmp(kind, "identity") != 0 || l->now >= (uint64_t)before))
		return 0;
	row = l->json ? row_json(line, state) : row_text(line, state);
	l->bytes += strlen(row);
	strvec_take(&l->rows, row);
	for (; l->bytes > LIST_BYTES; l->first++) {
		l->bytes -= strlen(l->rows.v[l->first]);
		l->rows.v[l->first][0] = '\0';
	}
	return 0;
}

static void
list_print(const struct list *l, struct verb_answer *a)
{
	if (!l->json)
		(void)buf_putf(a->out, "%-8s %-24s %-24s %-8s %s\n", "SERIAL", "PRINCIPAL", "UNTIL", "STATE", "KEYID");
	for (size_t n = l->first; n < l->rows.n; n++)
		(void)buf_put(a->out, l->rows.v[n], strlen(l->rows.v[n]));
	if (l->first > 0)
		(void)buf_putf(a->err, "sallyport: %zu older certificates are not shown; all are in ca/issued.jsonl\n",
		    l->first);
}

static void
verb_list(struct issuer *i, const struct verb_request *v, struct verb_answer *a)
{
	struct list l = { .issuer = i, .now = (uint64_t)v->now_ms / 1000 };
	int r;

	for (size_t n = 2; n < v->argv->n; n++) {
		if (strcmp(v->argv->v[n], "--json") == 0) {
			l.json = true;
		} else if (strcmp(v->argv->v[n], "--all") == 0) {
			l.all = true;
		} else {
			refuse(a, 2, "cert list: unknown option: ", v->argv->v[n]);
			return;
		}
	}
	if ((r = ledger_walk(issuer_ledger(i), l.all ? "\"kind\"" : "\"identity\"", list_line, &l)) != 0)
		refuse(a, 1, "cert list: ca/issued.jsonl: ", err_text(r));
	else
		list_print(&l, a);
	strvec_release(&l.rows);
}

static void
verb_ca_show(struct issuer *i, const struct verb_request *v, struct verb_answer *a)
{
	const uint8_t *key;
	char *line, *fingerprint, *text;
	size_t n;

	if (v->argv->n != 2) {
		refuse(a, 2, "ca show takes no arguments", "");
		return;
	}
	key = issuer_ca_key(i, &n);
	line = sshkey_to_line(key, n, "sallyport-user-ca");
	fingerprint = key_fingerprint(key, n);
	text = xasprintf("user CA %s, revocation list %" PRIu64, fingerprint, krl_version(issuer_krl(i)));
	(void)buf_putf(a->out, "%s\n", line);
	say(a, text, "", 0);
	free(text);
	free(fingerprint);
	free(line);
}

static const struct verb_row {
	const char	*noun, *verb;
	void		(*run)(struct issuer *, const struct verb_request *, struct verb_answer *);
} verb_rows[] = {
	{ "cert", "issue", verb_issue },
	{ "cert", "revoke", verb_revoke },
	{ "cert", "list", verb_list },
	{ "ca", "show", verb_ca_show },
};

void
issuer_verb(struct issuer *i, const struct verb_request *v, struct verb_answer *a)
{
	if (strncmp(v->who, "host/", 5) != 0 || !name_is_safe(v->who, CERT_IDENTITY_MAX)) {
		refuse(a, 1, "certificates are issued and revoked on the host alone, not for ", v->who);
		return;
	}
	for (size_t n = 0; v->argv->n >= 2 && n < sizeof(verb_rows) / sizeof(verb_rows[0]); n++)
		if (strcmp(verb_rows[n].noun, v->argv->v[0]) == 0 && strcmp(verb_rows[n].verb, v->argv->v[1]) == 0) {
			verb_rows[n].run(i, v, a);
			return;
		}
	refuse(a, 2, "unknown verb: ", v->argv->n > 0 ? v->argv->v[v->argv->n > 1] : "");
}
