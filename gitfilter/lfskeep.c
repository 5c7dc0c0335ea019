/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/lfskeep.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "gitfilter/lfskeep_msg.h"
#include "gitfilter/lfsscan.h"
#include "gitfilter/limits.h"
#include "secretscan/secretscan.h"

enum put_phase { PUT_NONE, PUT_COMING, PUT_SCANNED };

struct keeper {
	const struct lfskeep_params	*params;
	struct link			*owner, *parent;	/* owned */
	bool				 owner_gone, gone;
	/* the object that comes now */
	enum put_phase			 phase;
	struct lfs_object		 object;
	int				 fd;			/* -1: it is not wanted */
	char				 name[LFS_PART_NAME];
	uint64_t			 taken;
	EVP_MD_CTX			*hash;			/* owned */
	uint32_t			 findings, sent;
	char				 why[REASON_MAX];
	/* what the push names and is held */
	struct lfs_object		*named;			/* owned */
	size_t				 nnamed;
};

static int
get_object(struct buf *b, struct lfs_object *o)
{
	int r = buf_get(b, o->oid, sizeof(o->oid));

	return r != 0 ? r : buf_get_u64(b, &o->size);
}

/* What a push names is remembered: that alone may be moved. */
static int
remember(struct keeper *k, const struct lfs_object *o)
{
	if (k->named == NULL && (k->named = calloc(LFS_NAMED_MAX, sizeof(*k->named))) == NULL)
		return ERR_NOMEM;
	if (k->nnamed == LFS_NAMED_MAX)
		return ERR_TOOBIG;
	k->named[k->nnamed++] = *o;
	return 0;
}

static int
on_ask(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	struct buf *b = buf_new(LFS_ASKED_MAX + 8);
	uint32_t n = 0;
	int r = b == NULL ? ERR_NOMEM : 0;

	if (r == 0 && (r = buf_get_u32(m->body, &n)) == 0)
		r = n > LFS_ASKED_MAX ? ERR_TOOBIG : buf_put_u32(b, n);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		struct lfs_object o;
		enum lfs_state state;

		if ((r = get_object(m->body, &o)) != 0)
			break;
		state = lfs_store_state(&k->params->store, &o);
		if (k->params->mode == LFSKEEP_PUSH && (state == LFS_HELD || state == LFS_HELD_FOUND))
			r = remember(k, &o);
		if (r == 0)
			r = buf_put_u8(b, (uint8_t)state);
	}
	if (r == 0 && (r = buf_end(m->body)) == 0)
		(void)link_send(l, LFSKEEP_STATES, m->id, b, -1);
	buf_free(b);
	return r;
}

static int
on_get(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	struct lfs_object o;
	struct buf *b;
	int fd, r;

	if ((r = get_object(m->body, &o)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if ((b = buf_new(16)) == NULL)
		return ERR_NOMEM;
	fd = k->params->mode == LFSKEEP_PUSH ? lfs_held_open(&k->params->store, &o) : lfs_store_open(&k->params->store, &o);
	if ((r = buf_put_u8(b, fd != -1)) == 0 && (r = buf_put_u64(b, fd == -1 ? 0 : o.size)) == 0)
		(void)link_send(l, LFSKEEP_OBJECT, m->id, b, fd);
	else if (fd != -1)
		close(fd);
	buf_free(b);
	return r;
}

/* Uploading */

static void
put_forget(struct keeper *k)
{
	if (k->fd != -1) {
		lfs_held_drop(&k->params->store, k->name);
		close(k->fd);
	}
	k->fd = -1;
	k->phase = PUT_NONE;
}

/* The first reason stays; what still comes of the object is dropped. */
static void
put_refuse(struct keeper *k, const char *why)
{
	if (k->why[0] == '\0')
		(void)snprintf(k->why, sizeof(k->why), "%s", why);
	if (k->fd != -1) {
		lfs_held_drop(&k->params->store, k->name);
		close(k->fd);
	}
	k->fd = -1;
}

static int
on_put(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	char why[REASON_MAX];
	int r;

	(void)l;
	if (k->phase != PUT_NONE)
		return ERR_DENIED;
	if ((r = get_object(m->body, &k->object)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	k->phase = PUT_COMING;
	k->taken = 0;
	k->findings = k->sent = 0;
	k->why[0] = '\0';
	if (EVP_DigestInit_ex(k->hash, EVP_sha256(), NULL) != 1)
		return ERR_CRYPTO;
	if (k->object.size > k->params->max_object) {
		(void)snprintf(why, sizeof(why), "it is over the limit of %llu bytes for one LFS object",
		    (unsigned long long)k->params->max_object);
		put_refuse(k, why);
		return 0;
	}
	r = lfs_held_begin(&k->params->store, k->object.size, k->params->max_held, &k->fd, k->name);
	if (r == ERR_TOOBIG) {
		(void)snprintf(why, sizeof(why), "more than %llu bytes of LFS objects would wait for a push; push the commits that "
		    "name the others first", (unsigned long long)k->params->max_held);
		put_refuse(k, why);
	} else if (r != 0) {
		k->fd = -1;
		(void)snprintf(why, sizeof(why), "it cannot be held: %s; try again later", err_text(r));
		put_refuse(k, why);
	}
	return 0;
}

static int
write_at(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t w = pwrite(fd, p, n, (off_t)at);

		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0)
			return ERR_SYSTEM;
		p += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return 0;
}

static int
tell_taken(struct keeper *k)
{
	struct buf *b = buf_new(16);
	int r = b == NULL ? ERR_NOMEM : buf_put_u64(b, k->taken);

	if (r == 0)
		(void)link_send(k->owner, LFSKEEP_TAKEN, 0, b, -1);
	buf_free(b);
	return r;
}

static int
on_data(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	const uint8_t *p;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_peek_string(m->body, &p, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (k->phase != PUT_COMING)
		return ERR_DENIED;
	if (k->fd != -1 && n > k->object.size - k->taken)
		put_refuse(k, "it is longer than it was said to be");
	else if (k->fd != -1 && EVP_DigestUpdate(k->hash, p, n) != 1)
		return ERR_CRYPTO;
	else if (k->fd != -1 && write_at(k->fd, p, n, k->taken) != 0)
		put_refuse(k, "it cannot be written; try again later");
	k->taken += n;
	return tell_taken(k);
}

static int
put_text(struct buf *b, const struct secretscan_finding *f)
{
	int r;

	if ((r = buf_put_cstring(b, f->rule)) != 0 || (r = buf_put_cstring(b, f->description)) != 0 ||
	    (r = buf_put_u32(b, f->line > UINT32_MAX ? UINT32_MAX : (uint32_t)f->line)) != 0 ||
	    (r = buf_put_cstring(b, f->masked)) != 0 || (r = buf_put_cstring(b, f->fingerprint)) != 0 ||
	    (r = buf_put_cstring(b, f->member)) != 0 || (r = buf_put_cstring(b, f->decoded)) != 0)
		return r;
	return buf_put_u8(b, f->notice && strcmp(f->rule, "not-fully-scanned") != 0);
}

/* As in a push: what could have been read and was not is as bad as a secret; other notices are policy's to judge. */
static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct keeper *k = arg;
	struct buf *b;
	int r;

	if (k->findings < UINT32_MAX)
		k->findings++;
	if (k->sent >= FINDINGS_SENT_MAX)
		return 0;
	k->sent++;
	if ((b = buf_new(MSG_MAX)) == NULL)
		return SECRETSCAN_NOMEM;
	if ((r = put_text(b, f)) == 0)
		(void)link_send(k->owner, LFSKEEP_FINDING, 0, b, -1);
	buf_free(b);
	return r;
}

/* All has come: is it what its name says, is it on the disk, and what is in it? */
static void
put_check(struct keeper *k)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (k->fd == -1)
		return;
	if (k->taken != k->object.size)
		put_refuse(k, "it is shorter than it was said to be");
	else if (EVP_DigestFinal_ex(k->hash, digest, NULL) != 1 || memcmp(digest, k->object.oid, LFS_OID_LEN) != 0)
		put_refuse(k, "its SHA-256 is not its name");
	else if (fdatasync(k->fd) == -1)
		put_refuse(k, "it cannot be written; try again later");
	else if (lfs_scan(k->params->scanner, k->fd, k->object.size, on_finding, k) != 0)
		put_refuse(k, "it could not be scanned for secrets to its end; send it in another form");
}

static int
on_end(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	struct buf *b;
	int r;

	if ((r = buf_end(m->body)) != 0)
		return r;
	if (k->phase != PUT_COMING)
		return ERR_DENIED;
	put_check(k);
	k->phase = k->fd == -1 ? PUT_NONE : PUT_SCANNED;
	if ((b = buf_new(1024)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_put_cstring(b, k->why)) == 0 && (r = buf_put_u32(b, k->findings)) == 0)
		(void)link_send(l, LFSKEEP_SCANNED, 0, b, -1);
	buf_free(b);
	return r;
}

static int
on_keep(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	const char *why = "";
	struct buf *b;
	uint8_t keep;
	int r;

	if ((r = buf_get_u8(m->body, &keep)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (k->phase != PUT_SCANNED)
		return ERR_DENIED;
	if (keep == 1 && lfs_held_keep(&k->params->store, k->name, &k->object, k->findings == 0) == 0) {
		close(k->fd);
		k->fd = -1;
	} else if (keep == 1)
		why = "it cannot be held; try again later";
	put_forget(k);
	if ((b = buf_new(1024)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_put_cstring(b, why)) == 0)
		(void)link_send(l, LFSKEEP_KEPT, 0, b, -1);
	buf_free(b);
	return r;
}

static int
on_promote(struct link *l, struct msg *m, void *arg)
{
	struct keeper *k = arg;
	struct buf *b;
	size_t n = 0;
	int r;

	if ((r = buf_end(m->body)) != 0)
		return r;
	while (n < k->nnamed && lfs_store_promote(&k->params->store, &k->named[n]) == 0)
		n++;
	if ((b = buf_new(16)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_put_u8(b, n == k->nnamed)) == 0 && (r = buf_put_u32(b, (uint32_t)n)) == 0)
		(void)link_send(l, LFSKEEP_PROMOTED, m->id, b, -1);
	buf_free(b);
	return r;
}

/* The inspector of a push ends before what it has let pass is moved: then the parent alone counts. */
static void
keeper_gone(struct link *l, int r, void *arg)
{
	struct keeper *k = arg;

	(void)r;
	if (l == k->owner)
		k->owner_gone = true;
	k->gone = l == k->parent || k->parent == NULL;
}

static const struct link_row upload_rows[] = {
	{ LFSKEEP_ASK, "ask", LINK_PERMIT, on_ask },
	{ LFSKEEP_PUT, "put", LINK_PERMIT, on_put },
	{ LFSKEEP_DATA, "data", LINK_PERMIT, on_data },
	{ LFSKEEP_END, "end", LINK_PERMIT, on_end },
	{ LFSKEEP_KEEP, "keep", LINK_PERMIT, on_keep },
	{ 0, NULL, 0, NULL }
};

static const struct link_row reading_rows[] = {
	{ LFSKEEP_ASK, "ask", LINK_PERMIT, on_ask },
	{ LFSKEEP_GET, "get", LINK_PERMIT, on_get },
	{ 0, NULL, 0, NULL }
};

static const struct link_row parent_rows[] = {
	{ LFSKEEP_PROMOTE, "promote", LINK_PERMIT | LINK_ONCE, on_promote },
	{ 0, NULL, 0, NULL }
};

static void
keeper_turn(struct keeper *k)
{
	struct link *links[2];
	struct pollfd pfd[2];
	nfds_t n = 0;

	if (!k->owner_gone)
		links[n++] = k->owner;
	if (k->parent != NULL)
		links[n++] = k->parent;
	for (nfds_t i = 0; i < n; i++)
		pfd[i] = (struct pollfd){
			.fd = link_fd(links[i]),
			.events = (short)(POLLIN | (link_queued(links[i]) > 0 ? POLLOUT : 0)),
		};
	if (poll(pfd, n, -1) == -1) {
		k->gone = k->gone || errno != EINTR;
		return;
	}
	for (nfds_t i = 0; i < n && !k->gone; i++)
		if (pfd[i].revents != 0)
			(void)link_pump(links[i]);
}

int
lfskeep_run(const struct lfskeep_params *params)
{
	struct keeper k = { .params = params, .fd = -1 };
	const struct link_params owner = {
		.fd = params->owner_fd, .name = "owner", .rows = params->mode == LFSKEEP_UPLOAD ? upload_rows : reading_rows,
		.gone = keeper_gone, .arg = &k,
	};
	const struct link_params parent = {
		.fd = params->parent_fd, .name = "parent", .rows = parent_rows, .gone = keeper_gone, .arg = &k,
	};
	int status = 1;

	k.owner = link_new(&owner);
	k.parent = params->parent_fd == -1 ? NULL : link_new(&parent);
	k.hash = EVP_MD_CTX_new();
	if (k.owner != NULL && (k.parent != NULL || params->parent_fd == -1) && k.hash != NULL) {
		while (!k.gone)
			keeper_turn(&k);
		status = 0;
	}
	put_forget(&k);
	link_free(k.owner);
	link_free(k.parent);
	EVP_MD_CTX_free(k.hash);
	free(k.named);
	return status;
}
