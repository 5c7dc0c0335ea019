/* SPDX-License-Identifier: Apache-2.0 */
/* The targets of sallyport.yaml: where each is, how it is known for the right one, and what opens it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "bastion/base/id.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/conf_int.h"
#include "bastion/conf_table.h"

#define HOST_KEYS_MAX	16
#define HOST_KEY_BYTES	4096
#define HOST_NAME_BYTES	253
#define PROXY_WORDS_MAX	64
#define PROXY_WORD_MAX	1024
#define VIA_MAX		4	/* targets on the way to one */

/* The type outside must be the type inside, and the base64 whole. */
static bool
host_key_ok(const char *text)
{
	static const char *const types[] = { "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
	    "ecdsa-sha2-nistp521", "ssh-rsa", NULL };
	const char *blank = strchr(text, ' '), *const *type = types;
	uint8_t raw[HOST_KEY_BYTES];
	size_t n = 0, len, b64;

	if (blank == NULL)
		return false;
	len = (size_t)(blank - text);
	while (*type != NULL && (strlen(*type) != len || memcmp(*type, text, len) != 0))
		type++;
	if (*type == NULL)
		return false;
	b64 = strcspn(blank + 1, " ");
	if (sodium_base642bin(raw, sizeof(raw), blank + 1, b64, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	return n > 4 + len + 4 && raw[0] == 0 && raw[1] == 0 && raw[2] == 0 && raw[3] == len &&
	    memcmp(raw + 4, text, len) == 0;
}

int
conf_read_host_keys(struct loader *l, const char *what, const struct tree *t, struct strvec *v)
{
	int r;

	if ((r = tree_strings(t, what, HOST_KEYS_MAX, v, &l->error)) != 0)
		return r;
	for (size_t i = 0; i < v->n; i++)
		if (!host_key_ok(v->v[i]))
			return tree_fail(&l->error, t->line, "%s must be \"ssh-ed25519 AAAA..\", as ssh-keyscan prints it after the"
			    " host, not '%.40s'", what, v->v[i]);
	if (v->n == 0)
		return tree_fail(&l->error, t->line, "%s needs at least one key", what);
	return 0;
}

/* auth: certificate, {key: NAME} or {password: NAME}. */
int
conf_read_auth(struct loader *l, const struct tree *t, enum conf_auth *authp, char **secretp)
{
	static const char *const known[] = { "key", "password", NULL };
	struct tree_error *e = &l->error;
	const struct tree *key, *password;
	int r;

	if (t->kind == TREE_SCALAR) {
		if (strcmp(t->text, "certificate") != 0)
			return tree_fail(e, t->line, "auth must be certificate, {key: NAME} or {password: NAME}, not '%.40s'", t->text);
		return 0;
	}
	if ((r = tree_keys(t, "auth", known, e)) != 0)
		return r;
	key = tree_get(t, "key");
	password = tree_get(t, "password");
	if ((key == NULL) == (password == NULL))
		return tree_fail(e, t->line, "auth must be certificate, {key: NAME} or {password: NAME}");
	*authp = key != NULL ? CONF_AUTH_KEY : CONF_AUTH_PASSWORD;
	if ((r = tree_string(key != NULL ? key : password, "auth", secretp, e)) != 0)
		return r;
	if (!conf_name_ok(*secretp))
		return tree_fail(e, t->line, "a secret's name is 1 to 63 of a-z 0-9 . _ -, not '%.40s'", *secretp);
	return 0;
}

/* How it is known for the right one: pinned keys, or a CA of host certificates and the name that they must hold. */
static int
read_identity(struct loader *l, const char *what, const struct tree *t, struct conf_target *out)
{
	const struct tree *keys = tree_get(t, "host_keys"), *ca = tree_get(t, "host_ca"), *name = tree_get(t, "host_principal");
	struct tree_error *e = &l->error;
	int r;

	if ((keys == NULL) == (ca == NULL))
		return tree_fail(e, t->line, "%s needs %s", what, keys == NULL ? "host_keys: [\"TYPE BASE64\"] or host_ca: [\"TYPE "
		    "BASE64\"]" : "host_keys or host_ca, not both");
	if (keys != NULL) {
		if (name != NULL)
			return tree_fail(e, name->line, "host_principal belongs to host_ca");
		return conf_read_host_keys(l, "host_keys", keys, &out->host_keys);
	}
	if ((r = conf_read_host_keys(l, "host_ca", ca, &out->host_ca)) != 0)
		return r;
	if (name == NULL)
		out->host_principal = xstrdup(out->host);
	else if ((r = tree_string(name, "host_principal", &out->host_principal, e)) != 0)
		return r;
	if (!name_is_safe(out->host_principal, HOST_NAME_BYTES))
		return tree_fail(e, name == NULL ? t->line : name->line, "host_principal must be the name in the host "
		    "certificate, not '%.40s'", out->host_principal);
	return 0;
}

/* Through which other target. Whether there is such a one is seen when all have been read. */
static int
read_via(struct loader *l, const char *what, const struct tree *t, struct conf_target *out)
{
	const struct tree *via = tree_get(t, "via"), *login = tree_get(t, "via_login");
	struct tree_error *e = &l->error;
	int r;

	if (via == NULL && login == NULL)
		return 0;
	if (via == NULL || login == NULL)
		return tree_fail(e, t->line, "%s needs both via: TARGET and via_login: LOGIN, or neither", what);
	if (out->host_ca.n > 0)
		return tree_fail(e, via->line, "host_ca cannot be looked up through another target; use host_keys");
	if ((r = tree_string(via, "via", &out->via, e)) != 0 || (r = tree_string(login, "via_login", &out->via_login, e)) != 0)
		return r;
	if (!name_is_safe(out->via_login, CONF_NAME_MAX) || strpbrk(out->via_login, "/@") != NULL)
		return tree_fail(e, login->line, "via_login is no login: '%.40s'", out->via_login);
	return 0;
}

/* {host}, {port} and {login} are all that braces may hold: a slip would be passed on as it is. */
static bool
placeholders_ok(const char *s)
{
	static const char *const names[] = { "{host}", "{port}", "{login}" };

	while ((s = strpbrk(s, "{}")) != NULL) {
		size_t i = 0;

		while (i < 3 && strncmp(s, names[i], strlen(names[i])) != 0)
			i++;
		if (i == 3)
			return false;
		s += strlen(names[i]);
	}
	return true;
}

static int
read_proxy(struct loader *l, const struct tree *t, struct conf_target *out)
{
	const struct tree *proxy = tree_get(t, "proxy_command");
	struct tree_error *e = &l->error;
	int r;

	if (proxy == NULL)
		return 0;
	if (out->via != NULL || out->host_ca.n > 0)
		return tree_fail(e, proxy->line, "proxy_command goes with host_keys, and without via");
	if (proxy->kind != TREE_LIST)
		return tree_fail(e, proxy->line, "proxy_command is a list, [/PATH/PROGRAM, WORD, ..]: there is no shell that would "
		    "split it");
	if ((r = tree_strings(proxy, "proxy_command", PROXY_WORDS_MAX, &out->proxy_command, e)) != 0)
		return r;
	if (out->proxy_command.n == 0 || out->proxy_command.v[0][0] != '/' || strpbrk(out->proxy_command.v[0], "{}") != NULL)
		return tree_fail(e, proxy->line, "proxy_command must begin with the absolute path of a program");
	for (size_t i = 0; i < out->proxy_command.n; i++)
		if (!placeholders_ok(out->proxy_command.v[i]) || strlen(out->proxy_command.v[i]) > PROXY_WORD_MAX)
			return tree_fail(e, proxy->line, "proxy_command: braces may hold host, port and login alone: '%.40s'",
			    out->proxy_command.v[i]);
	return 0;
}

/* The way to a target must end at one that is reached directly. */
static int
check_way(struct loader *l, const struct conf_target *t, unsigned line)
{
	const struct conf_target *at = t, *next;
	unsigned hops = 0;

	for (; at->via != NULL; at = next) {
		if ((next = conf_target(l->c, at->via)) == NULL)
			return tree_fail(&l->error, line, "target %s: via names no target: '%s'", t->name, at->via);
		if (!match_any(&next->logins, at->via_login))
			return tree_fail(&l->error, line, "target %s: via_login '%s' is none of the logins of %s", t->name,
			    at->via_login, next->name);
		if (++hops > VIA_MAX)
			return tree_fail(&l->error, line, "target %s: via leads through more than %d targets, or in a circle", t->name,
			    VIA_MAX);
	}
	return 0;
}

static int
read_target(struct loader *l, const char *name, const struct tree *t, struct conf_target *out)
{
	static const char *const known[] = { "address", "logins", "host_keys", "host_ca", "host_principal", "auth", "via",
	    "via_login", "proxy_command", NULL };
	struct tree_error *e = &l->error;
	char *what = xasprintf("target %s", name);
	const struct tree *address, *logins, *auth;
	int r;

	out->name = xstrdup(name);
	if ((r = tree_keys(t, what, known, e)) != 0)
		goto out;
	address = tree_get(t, "address");
	logins = tree_get(t, "logins");
	auth = tree_get(t, "auth");
	if (address == NULL || logins == NULL) {
		r = tree_fail(e, t->line, "%s needs %s", what, address == NULL ? "address: HOST:PORT" : "logins: [NAME]");
		goto out;
	}
	if ((r = conf_read_address(l, "address", address, &out->host, &out->port)) != 0 ||
	    (r = tree_strings(logins, "logins", CONF_WORDS_MAX, &out->logins, e)) != 0 ||
	    (auth != NULL && (r = conf_read_auth(l, auth, &out->auth, &out->secret)) != 0))
		goto out;
	if ((r = read_identity(l, what, t, out)) == 0 && (r = read_via(l, what, t, out)) == 0)
		r = read_proxy(l, t, out);
out:
	free(what);
	return r;
}

int
conf_read_targets(struct loader *l, const struct conf_row *row, const struct tree *t)
{
	struct conf *c = l->c;
	int r;

	if ((r = tree_is_map(t, "targets", &l->error)) != 0)
		return r;
	if (t->n > (size_t)row->max)
		return tree_fail(&l->error, t->line, "more than %lld targets", (long long)row->max);
	c->targets = xcalloc(t->n + 1, sizeof(*c->targets));
	for (size_t i = 0; i < t->n; i++) {
		if (!conf_name_ok(t->keys[i]))
			return tree_fail(&l->error, t->key_lines[i], "a target's name is 1 to 63 of a-z 0-9 . _ -, not '%s'",
			    t->keys[i]);
		c->ntargets++;
		if ((r = read_target(l, t->keys[i], t->items[i], &c->targets[i])) != 0)
			return r;
	}
	for (size_t i = 0; i < t->n; i++)
		if ((r = check_way(l, &c->targets[i], t->key_lines[i])) != 0)
			return r;
	return 0;
}

void
conf_free_targets(struct conf *c)
{
	for (size_t i = 0; i < c->ntargets; i++) {
		free(c->targets[i].name);
		free(c->targets[i].host);
		strvec_release(&c->targets[i].logins);
		strvec_release(&c->targets[i].host_keys);
		strvec_release(&c->targets[i].host_ca);
		free(c->targets[i].host_principal);
		free(c->targets[i].via);
		strvec_release(&c->targets[i].proxy_command);
		free(c->targets[i].via_login);
		free(c->targets[i].secret);
	}
	free(c->targets);
}

const struct conf_target *
conf_target(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->ntargets; i++)
		if (strcmp(c->targets[i].name, name) == 0)
			return &c->targets[i];
	return NULL;
}

const struct conf_target *
conf_target_at(const struct conf *c, const char *host, unsigned port)
{
	for (size_t i = 0; i < c->ntargets; i++) {
		const struct conf_target *t = &c->targets[i];

		if (strcasecmp(t->name, host) == 0 || (t->host != NULL && strcasecmp(t->host, host) == 0 && t->port == port))
			return t;
	}
	return NULL;
}
