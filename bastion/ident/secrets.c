/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/secrets.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/sealed.h"

#define NAME_LEN_MAX	63
#define FILE_NAME	"secrets"	/* and the name it is sealed under */
#define CONTENT_MAX	(1024 * 1024)

struct secrets {
	char	*path;
	uint8_t	 key[SECRETS_KEY_LEN];
};

/* One entry as it lies in the opened file: string name, u8 kind, u64 since, string bytes. Borrowed but for the name. */
struct entry {
	char		*name;
	uint8_t		 kind;
	uint64_t	 since;
	const uint8_t	*p;
	size_t		 n;
};

static int
entry_read(struct buf *b, struct entry *e)
{
	int r;

	e->name = NULL;
	if ((r = buf_get_cstring(b, &e->name)) != 0 || (r = buf_get_u8(b, &e->kind)) != 0 ||
	    (r = buf_get_u64(b, &e->since)) != 0 || (r = buf_peek_string(b, &e->p, &e->n)) != 0)
		return r;
	if (!secret_name_ok(e->name) || (e->kind != SECRET_KEY && e->kind != SECRET_PASSWORD) || e->n > SECRET_BYTES_MAX)
		return ERR_FORMAT;
	return 0;
}

static int
entry_put(struct buf *b, const struct entry *e)
{
	int r;

	if ((r = buf_put_cstring(b, e->name)) != 0 || (r = buf_put_u8(b, e->kind)) != 0 || (r = buf_put_u64(b, e->since)) != 0)
		return r;
	return buf_put_string(b, e->p, e->n);
}

/* The entries, opened: each has been read once. *countp may be NULL. */
static int
load(const struct secrets *s, struct buf *out, size_t *countp)
{
	struct buf *b = buf_new(CONTENT_MAX + SEALED_EXTRA), *v;
	struct stat st;
	size_t count = 0;
	int r;

	if (b == NULL)
		return ERR_NOMEM;
	r = stat(s->path, &st) == -1 && errno == ENOENT ? ERR_NOTFOUND : file_read_private(s->path, b);
	if (r == 0 && (r = sealed_open(b, s->key, FILE_NAME, out)) == 0) {
		v = buf_view(buf_ptr(out), buf_len(out));
		while (r == 0 && v != NULL && buf_len(v) > 0) {
			struct entry e;

			if ((r = entry_read(v, &e)) == 0 && ++count > SECRETS_MAX)
				r = ERR_TOOBIG;
			free(e.name);
		}
		buf_free(v);
	}
	buf_free(b);
	if (countp != NULL)
		*countp = count;
	return r == ERR_NOTFOUND ? 0 : r == ERR_SHORT ? ERR_FORMAT : r;
}

static int
store(const struct secrets *s, const struct buf *content)
{
	struct buf *b = buf_new(CONTENT_MAX + SEALED_EXTRA);
	int r = ERR_NOMEM;

	if (b != NULL && (r = sealed_put(b, s->key, FILE_NAME, buf_ptr(content), buf_len(content))) == 0)
		r = file_write(s->path, buf_ptr(b), buf_len(b), 0600);
	buf_free(b);
	return r;
}

int
secrets_open(const char *dir, const uint8_t key[SECRETS_KEY_LEN], struct secrets **sp)
{
	struct secrets *s = xcalloc(1, sizeof(*s));
	struct buf *b = buf_new(CONTENT_MAX);
	int r = ERR_NOMEM;

	*sp = NULL;
	s->path = file_join(dir, FILE_NAME);
	memcpy(s->key, key, sizeof(s->key));
	if (b != NULL)
		r = load(s, b, NULL);
	buf_free(b);
	if (r != 0)
		secrets_free(s);
	else
		*sp = s;
	return r;
}

void
secrets_free(struct secrets *s)
{
	if (s == NULL)
		return;
	free(s->path);
	freezero(s, sizeof(*s));
}

bool
secret_name_ok(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= NAME_LEN_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n &&
	    strchr("._-", s[0]) == NULL;
}

/* Copy all entries but that of a name; a new one, if there is any, at its place in the order of names. */
static int
rewrite(const struct secrets *s, const char *name, const struct entry *fresh, bool *foundp)
{
	struct buf *old = buf_new(CONTENT_MAX), *new = buf_new(CONTENT_MAX), *v = NULL;
	size_t count;
	int r = ERR_NOMEM;

	*foundp = false;
	if (old == NULL || new == NULL || (r = load(s, old, &count)) != 0)
		goto out;
	r = ERR_NOMEM;
	if ((v = buf_view(buf_ptr(old), buf_len(old))) == NULL)
		goto out;
	for (r = 0; r == 0 && buf_len(v) > 0;) {
		struct entry e;

		if ((r = entry_read(v, &e)) == 0) {
			int order = strcmp(e.name, name);

			if (order == 0)
				*foundp = true;
			if (order >= 0 && fresh != NULL) {
				r = entry_put(new, fresh);
				fresh = NULL;
				count++;
			}
			if (r == 0 && order != 0)
				r = entry_put(new, &e);
		}
		free(e.name);
	}
	if (r == 0 && fresh != NULL && (r = entry_put(new, fresh)) == 0)
		count++;
	if (r == 0)
		r = count - *foundp > SECRETS_MAX ? ERR_TOOBIG : store(s, new);
out:
	buf_free(v);
	buf_free(old);
	buf_free(new);
	return r;
}

int
secrets_put(struct secrets *s, const char *name, enum secret_kind kind, const void *p, size_t n, int64_t now_ms)
{
	struct entry e = { .kind = (uint8_t)kind, .since = (uint64_t)now_ms, .p = p, .n = n };
	bool found;
	int r;

	if (!secret_name_ok(name))
		return ERR_FORMAT;
	if (n == 0 || n > SECRET_BYTES_MAX)
		return ERR_TOOBIG;
	e.name = xstrdup(name);
	r = rewrite(s, name, &e, &found);
	free(e.name);
	return r;
}

int
secrets_remove(struct secrets *s, const char *name)
{
	struct buf *none = buf_new(SECRET_BYTES_MAX);
	enum secret_kind kind;
	bool found;
	int r = none == NULL ? ERR_NOMEM : secrets_get(s, name, &kind, none);

	buf_free(none);
	return r != 0 ? r : rewrite(s, name, NULL, &found);
}

int
secrets_walk(const struct secrets *s, secret_fn fn, void *arg)
{
	struct buf *b = buf_new(CONTENT_MAX), *v = NULL;
	int r = ERR_NOMEM;

	if (b != NULL && (r = load(s, b, NULL)) == 0 && (v = buf_view(buf_ptr(b), buf_len(b))) == NULL)
		r = ERR_NOMEM;
	while (r == 0 && buf_len(v) > 0) {
		struct entry e;

		if ((r = entry_read(v, &e)) == 0)
			r = fn(e.name, (enum secret_kind)e.kind, (int64_t)e.since, e.p, e.n, arg);
		free(e.name);
	}
	buf_free(v);
	buf_free(b);
	return r;
}

struct search {
	const char	*name;
	enum secret_kind *kindp;
	struct buf	*out;
	int		 r;
};

static int
search_one(const char *name, enum secret_kind kind, int64_t since_ms, const uint8_t *p, size_t n, void *arg)
{
	struct search *f = arg;

	(void)since_ms;
	if (strcmp(name, f->name) == 0) {
		*f->kindp = kind;
		f->r = buf_put(f->out, p, n);
	}
	return 0;
}

int
secrets_get(const struct secrets *s, const char *name, enum secret_kind *kindp, struct buf *out)
{
	struct search f = { .name = name, .kindp = kindp, .out = out, .r = ERR_NOTFOUND };
	int r = secrets_walk(s, search_one, &f);

	return r != 0 ? r : f.r;
}
