/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_int.h"
#include "bastion/conf_table.h"
#include "bastion/conf_tree.h"
#include "bastion/ident/cidr.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/profile.h"

#define MAX_KEYS	64	/* rows of one section, and then some */

typedef int (*block_fn)(struct loader *, const struct conf_row *, const struct tree *);

static void *
field(struct conf *c, const struct conf_row *row)
{
	return (char *)c + row->offset;
}

static bool
same_section(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A file that others may change is not a policy. Its bytes count into the hash. */
static int
read_checked(struct loader *l, const char *path, struct buf *b)
{
	struct tree_error *e = &l->error;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	struct stat st;

	e->file = path;
	if (fd == -1)
		return tree_fail(e, 0, "%s", strerror(errno));
	if (fstat(fd, &st) == -1)
		r = tree_fail(e, 0, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		r = tree_fail(e, 0, "not a regular file");
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		r = tree_fail(e, 0, "writable by others; chmod go-w it");
	while (r == 0)
		if ((r = buf_read(b, fd, CONF_MAX_BYTES)) == ERR_SYSTEM && errno == EINTR)
			r = 0;
	close(fd);
	if (r == ERR_TOOBIG)
		return tree_fail(e, 0, "larger than %d bytes", CONF_MAX_BYTES);
	if (r != ERR_EOF)
		return tree_fail(e, 0, "cannot be read");
	if (EVP_DigestUpdate(l->md, buf_ptr(b), buf_len(b)) != 1)
		return tree_fail(e, 0, "cannot be hashed");
	return 0;
}

int
conf_read_address(struct loader *l, const char *what, const struct tree *t, char **hostp, uint16_t *portp)
{
	char *s = NULL, *colon, *host;
	struct tree port = { .kind = TREE_SCALAR, .line = t->line };
	size_t n;
	int64_t v;
	int r;

	if ((r = tree_string(t, what, &s, &l->error)) != 0)
		return r;
	colon = strrchr(s, ':');
	host = s;
	if (colon == NULL || colon == s) {
		r = tree_fail(&l->error, t->line, "%s must be HOST:PORT, not '%s'", what, s);
		goto out;
	}
	*colon = '\0';
	n = strlen(host);
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		host++;
	} else if (strchr(host, ':') != NULL) {
		r = tree_fail(&l->error, t->line, "%s must be [ADDRESS]:PORT for IPv6", what);
		goto out;
	}
	if (host[0] == '\0' || strlen(host) > 253 ||
	    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:%-") != strlen(host)) {
		r = tree_fail(&l->error, t->line, "%s has no valid host name", what);
		goto out;
	}
	port.text = colon + 1;
	if (port.text[0] == '\0')
		r = tree_fail(&l->error, t->line, "%s must be HOST:PORT", what);
	else
		r = tree_number(&port, what, 1, 65535, &v, &l->error);
	if (r != 0)
		goto out;
	free(*hostp);
	*hostp = xstrdup(host);
	*portp = (uint16_t)v;
out:
	free(s);
	return r;
}

bool
conf_name_ok(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= CONF_NAME_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n && s[0] != '.' &&
	    s[0] != '_' && s[0] != '-';
}

int
conf_read_path(struct loader *l, const char *what, const struct tree *t, char **pathp)
{
	char *s;
	int r;

	if ((r = tree_string(t, what, &s, &l->error)) != 0)
		return r;
	free(*pathp);
	*pathp = strcmp(s, ".") == 0 ? xstrdup(l->c->dir) : file_join(l->c->dir, s);
	free(s);
	return 0;
}

static int
read_webhook(struct loader *l, const struct tree *t, struct conf_webhook *out)
{
	static const char *const known[] = { "url", "secret_file", NULL };
	const struct tree *url, *secret;
	int r;

	if ((r = tree_keys(t, "webhooks", known, &l->error)) != 0)
		return r;
	url = tree_get(t, "url");
	secret = tree_get(t, "secret_file");
	if (url == NULL || secret == NULL)
		return tree_fail(&l->error, t->line, "a webhook needs url and secret_file");
	if ((r = tree_string(url, "url", &out->url, &l->error)) != 0)
		return r;
	if (strncmp(out->url, "https://", 8) != 0 && strncmp(out->url, "http://", 7) != 0)
		return tree_fail(&l->error, url->line, "url must start with https:// or http://");
	return conf_read_path(l, "secret_file", secret, &out->secret_file);
}

static int
read_webhooks(struct loader *l, const struct conf_row *row, const struct tree *t)
{
	struct conf *c = l->c;
	int r;

	if (t->kind != TREE_LIST)
		return tree_fail(&l->error, t->line, "webhooks must be a list of {url: .., secret_file: ..}");
	if (t->n > (size_t)row->max)
		return tree_fail(&l->error, t->line, "more than %lld webhooks", (long long)row->max);
	c->webhooks = xcalloc(t->n + 1, sizeof(*c->webhooks));
	for (size_t i = 0; i < t->n; i++) {
		c->nwebhooks++;
		if ((r = read_webhook(l, t->items[i], &c->webhooks[i])) != 0)
			return r;
	}
	return 0;
}

static int
read_policy(struct loader *l, const struct conf_row *row, const struct tree *t)
{
	const char *main_file = l->error.file;
	struct buf *b = buf_new(CONF_MAX_BYTES);
	char *path = NULL;
	int r;

	if (b == NULL)
		return tree_fail(&l->error, 0, "out of memory");
	if ((r = conf_read_path(l, row->name, t, &path)) == 0 && (r = read_checked(l, path, b)) == 0)
		r = policy_load(path, buf_ptr(b), buf_len(b), &l->c->policy, &l->error);
	l->error.file = main_file;
	buf_free(b);
	if (l->c->policy == NULL)
		free(path);
	else
		policy_take_path(l->c->policy, path);
	return r;
}

static const struct {
	const char	*name;
	block_fn	 fn;
} blocks[] = {
	{ "targets", conf_read_targets }, { "upstreams", conf_read_upstreams }, { "webhooks", read_webhooks },
	{ "policy", read_policy },
};

static int
read_block(struct loader *l, const struct conf_row *row, const struct tree *t)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (strcmp(blocks[i].name, row->name) == 0)
			return blocks[i].fn(l, row, t);
	return tree_fail(&l->error, t->line, "no reader for '%s'", row->name);
}

static int
read_networks(struct loader *l, const char *what, const struct tree *t, struct strvec *v)
{
	int r;

	if ((r = tree_strings(t, what, CONF_WORDS_MAX, v, &l->error)) != 0)
		return r;
	for (size_t i = 0; i < v->n; i++)
		if (strchr(v->v[i], ',') != NULL || !cidr_list_is_valid(v->v[i]))
			return tree_fail(&l->error, t->line, "%s must be networks such as 192.0.2.0/24, not '%.60s'", what, v->v[i]);
	return 0;
}

/* One setting from its text into its field. */
static int
read_row(struct loader *l, const struct conf_row *row, const struct tree *t)
{
	struct tree_error *e = &l->error;
	void *p = field(l->c, row);
	int64_t v;
	int r;

	switch (row->type) {
	case CONF_TEXT:
		return tree_string(t, row->name, p, e);
	case CONF_PATH:
		return conf_read_path(l, row->name, t, p);
	case CONF_LISTEN:
		return conf_read_address(l, row->name, t, &l->c->listen_host, &l->c->listen_port);
	case CONF_PUBLIC:
		return conf_read_address(l, row->name, t, &l->c->public_host, &l->c->public_port);
	case CONF_WORDS:
		return tree_strings(t, row->name, CONF_WORDS_MAX, p, e);
	case CONF_NETWORKS:
		return read_networks(l, row->name, t, p);
	case CONF_COUNT:
		if ((r = tree_number(t, row->name, row->min, row->max, &v, e)) == 0)
			*(unsigned *)p = (unsigned)v;
		return r;
	case CONF_DURATION:
		return tree_duration(t, row->name, row->min, row->max, p, e);
	case CONF_SIZE:
		if ((r = tree_size(t, row->name, row->min, row->max, &v, e)) == 0)
			*(uint64_t *)p = (uint64_t)v;
		return r;
	case CONF_BLOCK:
		return read_block(l, row, t);
	}
	return tree_fail(e, t->line, "unknown type of setting");
}

/* A default is read by the reader of what a user would have written. */
static int
read_default(struct loader *l, const struct conf_row *row)
{
	struct tree t = { .kind = TREE_SCALAR };
	int r;

	if (row->def == NULL)
		return 0;
	t.text = xstrdup(row->def);
	if (row->type == CONF_WORDS || row->type == CONF_NETWORKS) {
		char *rest = t.text, *word;

		while ((word = strsep(&rest, " ")) != NULL && *word != '\0')
			strvec_push(field(l->c, row), word);
		r = 0;
	} else
		r = read_row(l, row, &t);
	free(t.text);
	return r;
}

/* Every row of one section, from the map that is there (or NULL). */
static int
read_section(struct loader *l, const char *section, const struct tree *map)
{
	const char *known[MAX_KEYS];
	size_t n = 0;
	int r;

	for (const struct conf_row *row = conf_table; row->name != NULL && n < MAX_KEYS - 4; row++)
		if (same_section(row->section, section))
			known[n++] = row->name;
	if (section == NULL) {
		known[n++] = "limits";
		known[n++] = "approvals";
		known[n++] = "git";
	}
	known[n] = NULL;
	if (map != NULL && (r = tree_keys(map, section == NULL ? "the configuration" : section, known, &l->error)) != 0)
		return r;
	for (const struct conf_row *row = conf_table; row->name != NULL; row++) {
		const struct tree *t;

		if (!same_section(row->section, section))
			continue;
		t = map == NULL ? NULL : tree_get(map, row->name);
		if ((r = t == NULL ? read_default(l, row) : read_row(l, row, t)) != 0)
			return r;
	}
	return 0;
}

static int
read_main(struct loader *l)
{
	static const char *const sections[] = { "limits", "approvals", "git" };
	struct buf *b = buf_new(CONF_MAX_BYTES);
	struct tree *t = NULL;
	int r;

	if (b == NULL)
		return tree_fail(&l->error, 0, "out of memory");
	if ((r = read_checked(l, l->c->path, b)) != 0 || (r = tree_parse(buf_ptr(b), buf_len(b), &t, &l->error)) != 0 ||
	    (r = read_section(l, NULL, t)) != 0)
		goto out;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if ((r = read_section(l, sections[i], tree_get(t, sections[i]))) != 0)
			goto out;
	if (l->c->next_host_key == NULL)
		l->c->next_host_key = xasprintf("%s.next", l->c->host_key);
	if (l->c->policy == NULL)
		r = tree_fail(&l->error, t->line, "no policy; add 'policy: policy.yaml'");
out:
	tree_free(t);
	buf_free(b);
	return r;
}

static char *
absolute(const char *path)
{
	char *cwd, *s;

	if (path[0] == '/' || (cwd = getcwd(NULL, 0)) == NULL)
		return xstrdup(path);
	s = file_join(cwd, path);
	free(cwd);
	return s;
}

int
conf_load(const char *path, struct conf **confp, char **errorp)
{
	struct loader l = { .c = xcalloc(1, sizeof(*l.c)), .md = EVP_MD_CTX_new() };
	int r;

	*confp = NULL;
	*errorp = NULL;
	l.c->path = absolute(path);
	l.c->dir = file_dir(l.c->path);
	l.error.file = path;
	if (l.md == NULL || EVP_DigestInit_ex(l.md, EVP_sha256(), NULL) != 1)
		r = tree_fail(&l.error, 0, "cannot hash");
	else if ((r = read_main(&l)) == 0 && EVP_DigestFinal_ex(l.md, l.c->hash, NULL) != 1)
		r = tree_fail(&l.error, 0, "cannot hash");
	EVP_MD_CTX_free(l.md);
	if (r != 0) {
		*errorp = l.error.text;
		conf_free(l.c);
		return r;
	}
	*confp = l.c;
	return 0;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	conf_free_targets(c);
	conf_free_upstreams(c);
	for (size_t i = 0; i < c->nwebhooks; i++) {
		free(c->webhooks[i].url);
		free(c->webhooks[i].secret_file);
	}
	free(c->webhooks);
	policy_free(c->policy);
	free(c->path);
	free(c->dir);
	free(c->state_dir);
	free(c->listen_host);
	free(c->user);
	free(c->public_host);
	free(c->host_key);
	free(c->next_host_key);
	free(c->master_key);
	free(c->banner);
	strvec_release(&c->proxy_protocol);
	strvec_release(&c->penalty_exempt);
	strvec_release(&c->accept_env);
	free(c);
}

void
conf_limits(const struct conf *c, const struct subject *who, struct session_limits *l)
{
	*l = (struct session_limits){ .max_session_ms = c->max_session_ms, .idle_ms = c->idle_ms,
	    .idle_command_ms = c->idle_command_ms, .per_identity = c->sessions_per_identity };
	policy_limits(c->policy, who, l);
}
