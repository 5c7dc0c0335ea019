/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/secret_verbs.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/issuer_verbs.h"
#include "bastion/ident/privkey.h"
#include "bastion/ident/secrets.h"
#include "bastion/ident/sshkey.h"

#define PASSWORD_MAX	1024

static void
refuse(struct verb_answer *a, int status, const char *text, const char *arg)
{
	char *safe = text_printable(arg, strlen(arg));

	a->status = status;
	(void)buf_putf(a->err, "sallyport: %s%s\n", text, safe);
	free(safe);
}

static void
event(struct verb_answer *a, const struct verb_request *v, const char *what, const char *name, const char *kind,
    const char *key)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "event", what, "by", v->who, "name", name, "kind", kind,
	    "key", key);

	a->event = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	json_decref(o);
}

static void
store(struct secrets *s, const struct verb_request *v, struct verb_answer *a, enum secret_kind kind, const char *key)
{
	const char *name = v->argv->v[2], *word = kind == SECRET_KEY ? "key" : "password";
	int r = secrets_put(s, name, kind, v->in, v->inlen, v->now_ms);

	if (r == ERR_TOOBIG)
		refuse(a, 1, "secret put: there are too many secrets, or this one is too long: ", name);
	else if (r != 0)
		refuse(a, 1, "secret put: NOT stored, ca/secrets: ", err_text(r));
	else {
		(void)buf_putf(a->err, "sallyport: stored %s %s; name it in a target's auth: {%s: %s}\n", word, name, word, name);
		event(a, v, "secret.put", name, word, key);
	}
}

static void
put_key(struct secrets *s, const struct verb_request *v, struct verb_answer *a)
{
	const char *why = NULL;
	struct privkey *k = NULL;
	const uint8_t *blob;
	char *line, *fingerprint;
	size_t n;

	if (privkey_parse(v->in, v->inlen, &k, &why) != 0) {
		refuse(a, 1, "secret put: the file ", why);
		return;
	}
	blob = privkey_blob(k, &n);
	line = sshkey_to_line(blob, n, v->argv->v[2]);
	fingerprint = key_fingerprint(blob, n);
	store(s, v, a, SECRET_KEY, fingerprint);
	if (a->status == 0)
		(void)buf_putf(a->out, "%s\n", line);
	free(fingerprint);
	free(line);
	privkey_free(k);
}

static void
put_password(struct secrets *s, const struct verb_request *v, struct verb_answer *a)
{
	if (v->inlen == 0 || v->inlen > PASSWORD_MAX || memchr(v->in, '\0', v->inlen) != NULL ||
	    memchr(v->in, '\n', v->inlen) != NULL)
		refuse(a, 1, "secret put: a password is one line of 1 to 1024 bytes", "");
	else
		store(s, v, a, SECRET_PASSWORD, NULL);
}

static void
verb_put(struct secrets *s, const struct verb_request *v, struct verb_answer *a)
{
	const struct strvec *argv = v->argv;

	if (argv->n != 4)
		refuse(a, 2, "secret put needs NAME and one of --key, --password", "");
	else if (!secret_name_ok(argv->v[2]))
		refuse(a, 2, "secret put: a name is 1 to 63 of a-z 0-9 . _ -: ", argv->v[2]);
	else if (strcmp(argv->v[3], "--key") == 0)
		put_key(s, v, a);
	else if (strcmp(argv->v[3], "--password") == 0)
		put_password(s, v, a);
	else
		refuse(a, 2, "secret put: unknown option: ", argv->v[3]);
}

static void
verb_remove(struct secrets *s, const struct verb_request *v, struct verb_answer *a)
{
	int r;

	if (v->argv->n != 3) {
		refuse(a, 2, "secret remove needs one NAME", "");
		return;
	}
	if ((r = secrets_remove(s, v->argv->v[2])) == ERR_NOTFOUND)
		refuse(a, 1, "secret remove: there is none of this name: ", v->argv->v[2]);
	else if (r != 0)
		refuse(a, 1, "secret remove: NOT removed, ca/secrets: ", err_text(r));
	else {
		(void)buf_putf(a->err, "sallyport: removed %s\n", v->argv->v[2]);
		event(a, v, "secret.remove", v->argv->v[2], NULL, NULL);
	}
}

/* secrets_walk: a line for each, of a key its public half's fingerprint. */
static int
list_one(const char *name, enum secret_kind kind, int64_t since_ms, const uint8_t *p, size_t n, void *arg)
{
	struct verb_answer *a = arg;
	struct privkey *k = NULL;
	const uint8_t *blob;
	char when[CLOCK_TEXT], *fingerprint = NULL;
	const char *why;
	size_t len;

	clock_format(since_ms, when);
	if (kind == SECRET_KEY && privkey_parse(p, n, &k, &why) == 0) {
		blob = privkey_blob(k, &len);
		fingerprint = key_fingerprint(blob, len);
	}
	(void)buf_putf(a->out, "%-24s %-9s %-24s %s\n", name, kind == SECRET_KEY ? "key" : "password", when,
	    fingerprint == NULL ? "-" : fingerprint);
	free(fingerprint);
	privkey_free(k);
	return 0;
}

static void
verb_list(struct secrets *s, const struct verb_request *v, struct verb_answer *a)
{
	int r;

	if (v->argv->n != 2) {
		refuse(a, 2, "secret list takes no arguments", "");
		return;
	}
	(void)buf_putf(a->out, "%-24s %-9s %-24s %s\n", "NAME", "KIND", "SINCE", "KEY");
	if ((r = secrets_walk(s, list_one, a)) != 0)
		refuse(a, 1, "secret list: ca/secrets: ", err_text(r));
}

static const struct {
	const char	*verb;
	void		(*run)(struct secrets *, const struct verb_request *, struct verb_answer *);
} rows[] = {
	{ "put", verb_put }, { "list", verb_list }, { "remove", verb_remove },
};

void
secret_verb(struct secrets *s, const struct verb_request *v, struct verb_answer *a)
{
	if (strncmp(v->who, "host/", 5) != 0 || !name_is_safe(v->who, CERT_IDENTITY_MAX)) {
		refuse(a, 1, "secrets are kept on the host alone, not for ", v->who);
		return;
	}
	for (size_t i = 0; v->argv->n >= 2 && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].verb, v->argv->v[1]) == 0) {
			rows[i].run(s, v, a);
			return;
		}
	refuse(a, 2, "unknown verb: ", v->argv->n > 1 ? v->argv->v[1] : "");
}
