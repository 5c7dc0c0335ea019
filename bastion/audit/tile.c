/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/audit/merkle.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"

#define PATH_GROUPS	7	/* three digits each: 64 bits need 20 digits */

char *
tile_path(const char *level, uint64_t index, unsigned width)
{
	char part[PATH_GROUPS * 5 + 1] = "", tail[16] = "";
	unsigned group[PATH_GROUPS], n = 0;
	size_t at = 0;

	do {
		group[n++] = (unsigned)(index % 1000);
		index /= 1000;
	} while (index > 0 && n < PATH_GROUPS);
	while (n-- > 0)
		at += (size_t)snprintf(part + at, sizeof(part) - at, n > 0 ? "x%03u/" : "%03u", group[n]);
	if (width > 0 && width < MERKLE_TILE)
		(void)snprintf(tail, sizeof(tail), ".p/%u", width);
	return xasprintf("tile/%s/%s%s", level, part, tail);
}

static char *
tile_file(const char *dir, unsigned level, uint64_t index, unsigned width)
{
	char name[16], *path, *full;

	(void)snprintf(name, sizeof(name), "%u", level);
	path = tile_path(name, index, width);
	full = file_join(dir, path);
	free(path);
	return full;
}

static int
tile_store(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), r;
	char *folder = NULL;

	if (fd == -1 && errno == ENOENT) {
		folder = file_dir(path);
		if (file_mkdirs(folder, 0700) == 0)
			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		free(folder);
	}
	if (fd == -1)
		return ERR_SYSTEM;
	r = file_write_all(fd, p, n);
	if (close(fd) == -1)
		r = ERR_SYSTEM;
	return r;
}

int
tile_write(const char *dir, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width)
{
	char *path = tile_file(dir, level, index, width);
	int r = tile_store(path, hashes, (size_t)width * MERKLE_LEN);

	free(path);
	return r;
}

void
tile_remove(const char *dir, unsigned level, uint64_t index, unsigned width)
{
	char *path = tile_file(dir, level, index, width), *folder = file_dir(path);

	(void)unlink(path);
	(void)rmdir(folder);	/* goes only when it is empty */
	free(folder);
	free(path);
}

int
tile_read(const char *dir, unsigned level, uint64_t index, unsigned width, uint8_t *hashes)
{
	char *path = tile_file(dir, level, index, width);
	size_t n = (size_t)width * MERKLE_LEN;
	struct buf *b = buf_new(MERKLE_TILE * MERKLE_LEN + 1);
	int r = b == NULL ? ERR_NOMEM : file_read(path, b);

	if (r == 0 && buf_len(b) != n)
		r = ERR_FORMAT;
	if (r == 0)
		r = buf_get(b, hashes, n);
	buf_free(b);
	free(path);
	return r;
}
