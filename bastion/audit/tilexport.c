/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/tilexport.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/audit/checkpoint.h"
#include "bastion/audit/logread.h"
#include "bastion/audit/merkle.h"
#include "bastion/audit/tile.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"

#define BUNDLE_MAX	(MERKLE_TILE * (size_t)(AUDIT_LINE_MAX + 2))

struct export {
	const char	*dir;
	struct merkle	*tree;
	struct buf	*bundle;
};

static int
hash_tile(unsigned level, uint64_t index, const uint8_t *hashes, void *arg)
{
	return tile_write(((const struct export *)arg)->dir, level, index, hashes, MERKLE_TILE);
}

/* tile/entries/...: each entry is a u16 length and its bytes. */
static int
bundle_write(struct export *x, uint64_t index, unsigned width)
{
	char *name = tile_path("entries", index, width), *path = file_join(x->dir, name), *folder = file_dir(path);
	int r;

	if ((r = file_mkdirs(folder, 0700)) == 0)
		r = file_write(path, buf_ptr(x->bundle), buf_len(x->bundle), 0600);
	buf_clear(x->bundle);
	free(folder);
	free(path);
	free(name);
	return r;
}

static int
entry(struct export *x, const char *p, size_t n)
{
	uint64_t at = merkle_size(x->tree);
	uint8_t leaf[MERKLE_LEN];
	int r;

	if (n > UINT16_MAX)
		return ERR_TOOBIG;
	merkle_leaf(x->tree, p, n, leaf);
	if ((r = merkle_append(x->tree, leaf)) != 0 || (r = buf_put_u16(x->bundle, (uint16_t)n)) != 0 ||
	    (r = buf_put(x->bundle, p, n)) != 0)
		return r;
	return at % MERKLE_TILE == MERKLE_TILE - 1 ? bundle_write(x, at / MERKLE_TILE, MERKLE_TILE) : 0;
}

/* What is left at the right edge of every level. */
static int
edge(struct export *x)
{
	uint64_t size = merkle_size(x->tree);
	unsigned width;
	int r;

	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		const uint8_t *hashes = merkle_edge(x->tree, level, &width);

		if (width > 0 && (r = tile_write(x->dir, level, size >> (8 * level) >> 8, hashes, width)) != 0)
			return r;
	}
	return size % MERKLE_TILE == 0 ? 0 : bundle_write(x, size / MERKLE_TILE, (unsigned)(size % MERKLE_TILE));
}

int
tilexport(const char *state_dir, const char *dir, char **whyp)
{
	struct export x = { .dir = dir, .bundle = buf_new(BUNDLE_MAX) };
	char *log = file_join(state_dir, "audit/log.jsonl"), *from = file_join(state_dir, "audit/checkpoint");
	char *to = file_join(dir, "checkpoint");
	struct buf *note = buf_new(CHECKPOINT_MAX);
	struct logread *lr = NULL;
	struct checkpoint cp;
	const char *p;
	size_t n, body;
	int fd = -1, r;

	x.tree = merkle_new(hash_tile, &x);
	*whyp = NULL;
	if ((r = file_mkdirs(dir, 0700)) != 0 || (r = file_read(from, note)) != 0 ||
	    (r = checkpoint_parse(buf_ptr(note), buf_len(note), &cp, &body)) != 0) {
		*whyp = xasprintf("%s: %s", from, err_text(r));
		goto out;
	}
	if ((fd = open(log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1 || (lr = logread_new(fd)) == NULL)
		r = ERR_SYSTEM;
	while (r == 0 && merkle_size(x.tree) < cp.size)
		if ((r = logread_next(lr, &p, &n)) == 0)
			r = entry(&x, p, n);
	if (r == 0 && (r = edge(&x)) == 0)
		r = file_write(to, buf_ptr(note), buf_len(note), 0600);
	if (r != 0)
		*whyp = xasprintf("%s to %s: %s", log, dir, err_text(r));
out:
	logread_free(lr);
	merkle_free(x.tree);
	buf_free(x.bundle);
	buf_free(note);
	free(log);
	free(from);
	free(to);
	return r;
}
