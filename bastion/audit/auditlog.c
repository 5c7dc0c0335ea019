/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/auditlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/audit/checkpoint.h"
#include "bastion/audit/logread.h"
#include "bastion/audit/merkle.h"
#include "bastion/audit/record.h"
#include "bastion/audit/tile.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"

struct auditlog {
	char		*dir, *origin, *checkpoint;
	int		 fd;		/* log.jsonl, appending */
	struct merkle	*tree;
	unsigned	 written[MERKLE_LEVELS];	/* width of the partial tile on disk, 0 = none */
	uint64_t	 partial[MERKLE_LEVELS];	/* and its index */
	int		 quiet;		/* while reading what is there: right tiles are not written again */
};

/* What the last checkpoint says, checked with the public key. ERR_NOTFOUND: there is none yet. */
static int
checkpoint_load(const struct auditlog *l, const char *key_file, struct checkpoint *c, char **whyp)
{
	struct buf *b = buf_new(CHECKPOINT_MAX), *k = buf_new(CHECKPOINT_MAX);
	struct audit_key key;
	int r;

	if (b == NULL || k == NULL)
		r = ERR_NOMEM;
	else if ((r = file_read(l->checkpoint, b)) == ERR_SYSTEM && errno == ENOENT)
		r = ERR_NOTFOUND;
	else if (r != 0)
		*whyp = xasprintf("%s: %s", l->checkpoint, err_text(r));
	else if ((r = file_read(key_file, k)) != 0)
		*whyp = xasprintf("%s: %s", key_file, err_text(r));
	else if ((r = audit_key_parse(buf_ptr(k), buf_len(k), &key)) != 0)
		*whyp = xasprintf("%s: not a verifier key line NAME+HASH+BASE64", key_file);
	else if ((r = checkpoint_verify(buf_ptr(b), buf_len(b), &key, c)) != 0)
		*whyp = xasprintf("%s: not signed by %s: the audit log has been altered; see sallyport audit verify",
		    l->checkpoint, key_file);
	buf_free(b);
	buf_free(k);
	return r;
}

/* Tiles are derived: write one when it is not there in full already. */
static int
tile_full(unsigned level, uint64_t index, const uint8_t *hashes, void *arg)
{
	struct auditlog *l = arg;
	uint8_t *old;
	int r = 0;

	if (l->quiet) {
		old = xmalloc(MERKLE_TILE * MERKLE_LEN);
		r = tile_read(l->dir, level, index, MERKLE_TILE, old);
		if (r == 0 && memcmp(old, hashes, MERKLE_TILE * MERKLE_LEN) != 0)
			r = ERR_FORMAT;
		free(old);
		if (r == 0)
			return 0;
	}
	return tile_write(l->dir, level, index, hashes, MERKLE_TILE);
}

/* The bytes of an unfinished last line were never acknowledged: keep them beside the log. */
static int
torn_move(struct auditlog *l, const char *p, size_t n, uint64_t at, char **whyp)
{
	char when[CLOCK_TEXT], *name, *path;
	int r;

	clock_format(clock_wall_ms(), when);
	name = xasprintf("torn-%s", when);
	path = file_join(l->dir, name);
	if ((r = file_write(path, p, n, 0600)) == 0 && (ftruncate(l->fd, (off_t)at) == -1 || fdatasync(l->fd) == -1))
		r = ERR_SYSTEM;
	if (r != 0)
		*whyp = xasprintf("%s: cannot move the torn last line: %s", path, err_text(r));
	free(path);
	free(name);
	return r;
}

struct scan {
	const struct auditlog_params	*params;
	struct auditlog_recovery	*found;
	const struct checkpoint		*cp;	/* NULL = none */
	int				 agrees;	/* the root at the checkpoint's size is the signed one */
};

static int
scan_line(struct auditlog *l, struct scan *s, const char *p, size_t n, char **whyp)
{
	uint64_t want = merkle_size(l->tree), seq;
	uint8_t hash[MERKLE_LEN];

	if (record_seq(p, n, &seq) != 0 || seq != want) {
		*whyp = xasprintf("%s/log.jsonl line %" PRIu64 ": not record %" PRIu64
		    ": the audit log has been altered; see sallyport audit verify", l->dir, want + 1, want);
		return ERR_FORMAT;
	}
	merkle_leaf(l->tree, p, n, hash);
	if (merkle_append(l->tree, hash) != 0) {
		*whyp = xasprintf("%s/tile: %s", l->dir, err_text(ERR_SYSTEM));
		return ERR_SYSTEM;
	}
	if (s->params->found != NULL)
		s->params->found(p, n, s->params->arg);
	if (s->cp != NULL && s->cp->size == want + 1) {
		merkle_root(l->tree, hash);
		s->agrees = memcmp(hash, s->cp->root, sizeof(hash)) == 0;
	}
	return 0;
}

static int
scan_log(struct auditlog *l, struct scan *s, char **whyp)
{
	struct logread *lr = NULL;
	int fd, r;
	char *path = file_join(l->dir, "log.jsonl");
	const char *p = NULL;
	size_t n = 0;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1 || (lr = logread_new(fd)) == NULL) {
		*whyp = xasprintf("%s: %s", path, err_text(ERR_SYSTEM));
		free(path);
		return ERR_SYSTEM;
	}
	while ((r = logread_next(lr, &p, &n)) == 0)
		if ((r = scan_line(l, s, p, n, whyp)) != 0)
			break;
	if (r == ERR_SHORT) {
		s->found->torn_bytes = n;
		r = torn_move(l, p, n, logread_offset(lr), whyp);
	} else if (r == ERR_EOF)
		r = 0;
	else if (*whyp == NULL)
		*whyp = xasprintf("%s: %s", path, err_text(r));
	logread_free(lr);
	free(path);
	return r;
}

static int
log_recover(struct auditlog *l, const struct auditlog_params *params, struct auditlog_recovery *found, char **whyp)
{
	struct checkpoint cp;
	struct scan s = { .params = params, .found = found };
	int r;

	memset(found, 0, sizeof(*found));
	if ((r = checkpoint_load(l, params->key_file, &cp, whyp)) == 0) {
		s.cp = &cp;
		s.agrees = cp.size == 0;
		found->signed_records = cp.size;
		for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
			l->written[level] = (unsigned)(cp.size >> (8 * level) & (MERKLE_TILE - 1));
			l->partial[level] = cp.size >> (8 * level) >> 8;
		}
	} else if (r != ERR_NOTFOUND)
		return r;
	l->quiet = 1;
	r = scan_log(l, &s, whyp);
	l->quiet = 0;
	found->records = merkle_size(l->tree);
	if (r == 0 && s.cp != NULL && !s.agrees) {
		*whyp = xasprintf("%s/log.jsonl: %s its signed checkpoint of %" PRIu64
		    " records: the audit log has been altered; see sallyport audit verify", l->dir,
		    found->records < cp.size ? "is shorter than" : "differs from", cp.size);
		r = ERR_CRYPTO;
	}
	return r;
}

int
auditlog_open(const struct auditlog_params *params, struct auditlog **logp, struct auditlog_recovery *found,
    char **whyp)
{
	struct auditlog *l = xcalloc(1, sizeof(*l));
	char *path = file_join(params->dir, "log.jsonl");
	int dirfd = -1, r = ERR_SYSTEM;

	*whyp = NULL;
	l->dir = xstrdup(params->dir);
	l->origin = xstrdup(params->origin);
	l->checkpoint = file_join(params->dir, "checkpoint");
	l->tree = merkle_new(tile_full, l);
	l->fd = -1;
	/* The folder's own sync makes a new log's name survive a power cut. */
	if (file_mkdirs(l->dir, 0700) != 0 ||
	    (l->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1 ||
	    (dirfd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || fsync(dirfd) == -1) {
		*whyp = xasprintf("%s: %s", path, err_text(ERR_SYSTEM));
		goto out;
	}
	if ((r = log_recover(l, params, found, whyp)) != 0)
		goto out;
	*logp = l;
	l = NULL;
out:
	if (dirfd != -1)
		close(dirfd);
	auditlog_free(l);
	free(path);
	return r;
}

void
auditlog_free(struct auditlog *l)
{
	if (l == NULL)
		return;
	if (l->fd != -1)
		close(l->fd);
	merkle_free(l->tree);
	free(l->checkpoint);
	free(l->origin);
	free(l->dir);
	free(l);
}

uint64_t
auditlog_size(const struct auditlog *l)
{
	return merkle_size(l->tree);
}

int
auditlog_append(struct auditlog *l, const void *lines, size_t n)
{
	const char *p = lines;
	uint8_t hash[MERKLE_LEN];
	int r;

	if ((r = file_write_all(l->fd, lines, n)) != 0)
		return r;
	if (fdatasync(l->fd) == -1)
		return ERR_SYSTEM;
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);

		if (lf == NULL)
			return ERR_FORMAT;
		merkle_leaf(l->tree, p, (size_t)(lf - p), hash);
		if ((r = merkle_append(l->tree, hash)) != 0)
			return r;
		n -= (size_t)(lf - p) + 1;
		p = lf + 1;
	}
	return 0;
}

int
auditlog_body(struct auditlog *l, struct buf *out)
{
	struct checkpoint c = { .size = merkle_size(l->tree) };

	if (strlen(l->origin) > CHECKPOINT_ORIGIN_MAX)
		return ERR_FORMAT;
	memcpy(c.origin, l->origin, strlen(l->origin) + 1);
	merkle_root(l->tree, c.root);
	return checkpoint_body(&c, out);
}

/* The partial tile of each level, and away with the narrower one before it. */
static int
edge_write(struct auditlog *l)
{
	uint64_t size = merkle_size(l->tree);
	int r;

	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		uint64_t index = size >> (8 * level) >> 8;	/* two steps: a shift by 64 is undefined */
		unsigned width;
		const uint8_t *hashes = merkle_edge(l->tree, level, &width);

		if (width == l->written[level] && index == l->partial[level])
			continue;
		if (width > 0 && (r = tile_write(l->dir, level, index, hashes, width)) != 0)
			return r;
		if (l->written[level] > 0)
			tile_remove(l->dir, level, l->partial[level], l->written[level]);
		l->written[level] = width;
		l->partial[level] = index;
	}
	return 0;
}

int
auditlog_publish(struct auditlog *l, const struct buf *body, const void *sigs, size_t nsigs)
{
	struct buf *note = buf_new(CHECKPOINT_MAX);
	struct checkpoint c;
	size_t signed_len;
	int r;

	if (note == NULL)
		return ERR_NOMEM;
	if ((r = buf_put(note, buf_ptr(body), buf_len(body))) != 0 || (r = buf_put_u8(note, '\n')) != 0 ||
	    (r = buf_put(note, sigs, nsigs)) != 0 ||
	    (nsigs > 0 && ((const char *)sigs)[nsigs - 1] != '\n' && (r = buf_put_u8(note, '\n')) != 0) ||
	    (r = checkpoint_parse(buf_ptr(note), buf_len(note), &c, &signed_len)) != 0 || (r = edge_write(l)) != 0)
		goto out;
	r = file_write(l->checkpoint, buf_ptr(note), buf_len(note), 0600);
out:
	buf_free(note);
	return r;
}
