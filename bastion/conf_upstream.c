/* SPDX-License-Identifier: Apache-2.0 */
/* The upstreams of sallyport.yaml: a folder that we host, or a place on another server that we mirror and push to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/conf_int.h"
#include "bastion/conf_table.h"

#define REFS_MAX	16
#define BASE_MAX	256

/* HOST, HOST:PORT, [V6]:PORT. */
static int
read_place(struct loader *l, const struct tree *t, const char *text, size_t n, uint16_t port, struct conf_upstream *out)
{
	char *place = xstrndup(text, n), *full;
	struct tree at = { .kind = TREE_SCALAR, .line = t->line };
	int r;

	full = strrchr(place, ':') != NULL && strrchr(place, ':') > (strchr(place, ']') == NULL ? place : strchr(place, ']')) ?
	    xstrdup(place) : xasprintf("%s:%u", place, port);
	at.text = full;
	r = conf_read_address(l, "url's host", &at, &out->host, &out->port);
	if (r == 0 && out->host[0] == '-')
		r = tree_fail(&l->error, t->line, "url has no valid host name");
	free(place);
	free(full);
	return r;
}

/* The part of the path that all its repositories share, without slashes around it. */
static int
read_base(struct loader *l, const struct tree *t, const char *path, struct conf_upstream *out)
{
	size_t n;

	while (*path == '/')
		path++;
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	out->base = xstrndup(path, n);
	path = out->base;
	if (strncmp(path, "~/", 2) == 0)
		path += 2;
	if (path[0] != '\0' && strcmp(path, "~") != 0 && !name_is_safe(path, BASE_MAX))
		return tree_fail(&l->error, t->line, "url's path has '..', '//' or a character that is not a letter, digit or one of "
		    ". _ - + @ /");
	return 0;
}

/* ssh://LOGIN@HOST[:PORT][/PATH] or https://[LOGIN@]HOST[:PORT][/PATH] */
static int
read_url(struct loader *l, const char *what, const struct tree *t, struct conf_upstream *out)
{
	struct tree_error *e = &l->error;
	const char *rest, *at, *slash;
	char *url = NULL;
	int r;

	if ((r = tree_string(t, "url", &url, e)) != 0)
		return r;
	if (strncmp(url, "ssh://", 6) != 0 && strncmp(url, "https://", 8) != 0) {
		r = tree_fail(e, t->line, "%s: url must be ssh://LOGIN@HOST[:PORT]/PATH or https://HOST[:PORT]/PATH, not '%.60s'", what, url);
		goto out;
	}
	out->kind = url[0] == 's' ? UPSTREAM_SSH : UPSTREAM_HTTPS;
	rest = strstr(url, "://") + 3;
	slash = strchr(rest, '/');
	if (slash == NULL)
		slash = rest + strlen(rest);
	at = memchr(rest, '@', (size_t)(slash - rest));
	if (at == NULL && out->kind == UPSTREAM_HTTPS)
		at = rest - 1;
	out->login = at == NULL ? xstrdup("") : at < rest ? xstrdup("x-access-token") : xstrndup(rest, (size_t)(at - rest));
	if (!name_is_safe(out->login, CONF_NAME_MAX) || strpbrk(out->login, "/@+") != NULL)
		r = tree_fail(e, t->line, "%s: url needs a login, ssh://LOGIN@HOST/PATH", what);
	else if ((r = read_place(l, t, at + 1, (size_t)(slash - at - 1), out->kind == UPSTREAM_SSH ? 22 : 443, out)) == 0)
		r = read_base(l, t, slash, out);
out:
	free(url);
	return r;
}

/* Which references the mirror has: patterns that end in a star, and nothing outside refs/. */
static int
read_refs(struct loader *l, const struct tree *t, struct conf_upstream *out)
{
	static const char *const usual[] = { "refs/heads/*", "refs/tags/*", "refs/notes/*" };
	int r;

	for (size_t i = 0; t == NULL && i < sizeof(usual) / sizeof(usual[0]); i++)
		strvec_push(&out->refs, usual[i]);
	if (t == NULL)
		return 0;
	if ((r = tree_strings(t, "refs", REFS_MAX, &out->refs, &l->error)) != 0)
		return r;
	for (size_t i = 0; i < out->refs.n; i++) {
		size_t n = strlen(out->refs.v[i]);
		char *stem = xstrndup(out->refs.v[i], n > 2 ? n - 2 : 0);
		bool ok = strncmp(out->refs.v[i], "refs/", 5) == 0 && strcmp(out->refs.v[i] + n - 2, "/*") == 0 &&
		    name_is_safe(stem, BASE_MAX);

		free(stem);
		if (!ok)
			return tree_fail(&l->error, t->line, "refs must be such as refs/heads/*, not '%.60s'", out->refs.v[i]);
	}
	if (out->refs.n == 0)
		return tree_fail(&l->error, t->line, "refs needs at least one pattern");
	return 0;
}

/* fsck: {FAULT: error | warn | ignore}. */
static int
read_fsck(struct loader *l, const struct tree *t, struct conf_upstream *out)
{
	static const char *const words[] = { [FSCK_IGNORE] = "ignore", [FSCK_WARN] = "warn", [FSCK_ERROR] = "error" };
	struct tree_error *e = &l->error;
	int r = 0;

	fsck_init(&out->fsck);
	if (t == NULL || (r = tree_is_map(t, "fsck", e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < t->n; i++) {
		char *word = NULL;
		int severity;

		if ((r = tree_string(t->items[i], t->keys[i], &word, e)) != 0)
			return r;
		for (severity = FSCK_ERROR; severity >= 0 && strcmp(words[severity], word) != 0; severity--)
			;
		if (severity < 0)
			r = tree_fail(e, t->key_lines[i], "%s must be error, warn or ignore, not '%.40s'", t->keys[i], word);
		else if ((r = fsck_set(&out->fsck, t->keys[i], (enum fsck_severity)severity)) != 0)
			r = tree_fail(e, t->key_lines[i], r == ERR_DENIED ? "%s is always an error" :
			    "'%.60s' is no fault that is looked for; git help fsck names them", t->keys[i]);
		free(word);
	}
	return r;
}

/* How an SSH server is known, and what opens it. */
static int
read_ssh(struct loader *l, const char *what, const struct tree *t, struct conf_upstream *out)
{
	static const char *const known[] = { "url", "host_keys", "auth", "refs", "fsck", NULL };
	const struct tree *keys = tree_get(t, "host_keys"), *auth = tree_get(t, "auth");
	struct tree_error *e = &l->error;
	int r;

	if ((r = tree_keys(t, what, known, e)) != 0)
		return r;
	if (keys == NULL)
		return tree_fail(e, t->line, "%s needs host_keys: [\"TYPE BASE64\"]", what);
	if ((r = conf_read_host_keys(l, "host_keys", keys, &out->host_keys)) != 0 ||
	    (auth != NULL && (r = conf_read_auth(l, auth, &out->auth, &out->secret)) != 0))
		return r;
	if (out->auth == CONF_AUTH_PASSWORD)
		return tree_fail(e, auth->line, "%s: an SSH upstream is opened by auth: certificate or {key: NAME}", what);
	return 0;
}

/* app: {id: NUMBER, installation: NUMBER, api: URL} */
static int
read_app(struct loader *l, const char *what, const struct tree *t, struct conf_upstream *out)
{
	static const char *const known[] = { "id", "installation", "api", NULL };
	const struct tree *id, *installation, *api;
	struct tree_error *e = &l->error;
	int64_t app, number;
	char *url = NULL;
	int r;

	if ((r = tree_keys(t, "app", known, e)) != 0)
		return r;
	id = tree_get(t, "id");
	installation = tree_get(t, "installation");
	api = tree_get(t, "api");
	if (id == NULL || installation == NULL)
		return tree_fail(e, t->line, "%s: app needs id: NUMBER and installation: NUMBER", what);
	if ((r = tree_number(id, "app's id", 1, INT64_MAX / 2, &app, e)) != 0 ||
	    (r = tree_number(installation, "app's installation", 1, INT64_MAX / 2, &number, e)) != 0 ||
	    (api != NULL && (r = tree_string(api, "app's api", &url, e)) != 0))
		return r;
	if (url != NULL && strncmp(url, "https://", 8) != 0)
		r = tree_fail(e, api->line, "%s: app's api must be https://..", what);
	out->app = xasprintf("%lld", (long long)app);
	out->app_url = xasprintf("%s/app/installations/%lld/access_tokens", url == NULL ? "https://api.github.com" : url, (long long)number);
	free(url);
	return r;
}

/* The same for a web server. */
static int
read_https(struct loader *l, const char *what, const struct tree *t, struct conf_upstream *out)
{
	static const char *const known[] = { "url", "auth", "app", "ca", "proxy", "refs", "fsck", NULL };
	const struct tree *auth = tree_get(t, "auth"), *ca = tree_get(t, "ca"), *proxy = tree_get(t, "proxy"),
	    *app = tree_get(t, "app");
	struct tree_error *e = &l->error;
	int r;

	if ((r = tree_keys(t, what, known, e)) != 0 || (auth != NULL && (r = conf_read_auth(l, auth, &out->auth, &out->secret)) != 0) ||
	    (ca != NULL && (r = conf_read_path(l, "ca", ca, &out->ca)) != 0) ||
	    (proxy != NULL && (r = tree_string(proxy, "proxy", &out->proxy, e)) != 0))
		return r;
	if (app != NULL && (r = read_app(l, what, app, out)) != 0)
		return r;
	if (app != NULL && out->auth != CONF_AUTH_KEY)
		return tree_fail(e, t->line, "%s: an app is opened by auth: {key: NAME}, its private key", what);
	if (app == NULL && out->auth != CONF_AUTH_PASSWORD)
		return tree_fail(e, t->line, "%s: an HTTPS upstream is opened by auth: {password: NAME}, a token or password", what);
	if (out->proxy != NULL && (strncmp(out->proxy, "http://", 7) != 0 || strchr(out->proxy, '@') != NULL))
		return tree_fail(e, proxy->line, "proxy must be http://HOST:PORT, without a password");
	return 0;
}

static int
read_remote(struct loader *l, const char *what, const struct tree *t, struct conf_upstream *out)
{
	int r;

	if ((r = read_url(l, what, tree_get(t, "url"), out)) != 0)
		return r;
	if ((r = out->kind == UPSTREAM_SSH ? read_ssh(l, what, t, out) : read_https(l, what, t, out)) != 0)
		return r;
	return read_refs(l, tree_get(t, "refs"), out);
}

static int
read_upstream(struct loader *l, const char *name, const struct tree *t, struct conf_upstream *out)
{
	static const char *const hosted[] = { "path", "fsck", NULL };
	char *what = xasprintf("upstream %s", name);
	bool is_remote = t->kind == TREE_MAP && tree_get(t, "url") != NULL;
	const struct tree *path;
	int r;

	out->name = xstrdup(name);
	out->kind = UPSTREAM_HOSTED;
	if (is_remote)
		r = tree_get(t, "path") == NULL ? 0 : tree_fail(&l->error, t->line, "%s has a url or a path, not both", what);
	else
		r = tree_keys(t, what, hosted, &l->error);
	if (r != 0)
		;
	else if (is_remote)
		r = read_remote(l, what, t, out);
	else if ((path = tree_get(t, "path")) == NULL)
		r = tree_fail(&l->error, t->line, "%s needs path: FOLDER, or url: ssh://LOGIN@HOST/PATH", what);
	else
		r = conf_read_path(l, "path", path, &out->path);
	if (r == 0)
		r = read_fsck(l, tree_get(t, "fsck"), out);
	free(what);
	return r;
}

int
conf_read_upstreams(struct loader *l, const struct conf_row *row, const struct tree *t)
{
	struct conf *c = l->c;
	int r;

	if ((r = tree_is_map(t, "upstreams", &l->error)) != 0)
		return r;
	if (t->n > (size_t)row->max)
		return tree_fail(&l->error, t->line, "more than %lld upstreams", (long long)row->max);
	c->upstreams = xcalloc(t->n + 1, sizeof(*c->upstreams));
	for (size_t i = 0; i < t->n; i++) {
		if (!conf_name_ok(t->keys[i]))
			return tree_fail(&l->error, t->key_lines[i], "an upstream's name is 1 to 63 of a-z 0-9 . _ -, not '%s'",
			    t->keys[i]);
		/* A rule's on: cannot tell them apart, so neither may a user. */
		if (conf_target(c, t->keys[i]) != NULL)
			return tree_fail(&l->error, t->key_lines[i], "'%s' is a target already", t->keys[i]);
		c->nupstreams++;
		if ((r = read_upstream(l, t->keys[i], t->items[i], &c->upstreams[i])) != 0)
			return r;
	}
	return 0;
}

void
conf_free_upstreams(struct conf *c)
{
	for (size_t i = 0; i < c->nupstreams; i++) {
		struct conf_upstream *u = &c->upstreams[i];

		free(u->name);
		free(u->path);
		free(u->login);
		free(u->host);
		free(u->base);
		free(u->secret);
		free(u->ca);
		free(u->proxy);
		free(u->app);
		free(u->app_url);
		strvec_release(&u->host_keys);
		strvec_release(&u->refs);
	}
	free(c->upstreams);
}

const struct conf_upstream *
conf_upstream(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->nupstreams; i++)
		if (strcmp(c->upstreams[i].name, name) == 0)
			return &c->upstreams[i];
	return NULL;
}
