/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/recfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"

#define FLUSH_BYTES	(8 * RECFILE_CHUNK)	/* start writing back this often, so that the seal's sync is short */
/* So far behind, what is on the disk leaves memory: it is read by nobody soon, and its pages serve again for what comes. */
#define DROP_BEHIND	(2 * FLUSH_BYTES)

struct recfile {
	int			 fd;
	uint64_t		 bytes;
	struct sha256		*hash;
	recfile_chunk_fn	 chunk;
	void			*arg;
};

int
recfile_room(int dirfd, uint64_t floor_bytes)
{
	struct statvfs s;

	if (fstatvfs(dirfd, &s) == -1)
		return ERR_SYSTEM;
	return (uint64_t)s.f_bavail * s.f_frsize >= floor_bytes ? 0 : ERR_TOOBIG;
}

int
recfile_create(int dirfd, const char *name, recfile_chunk_fn chunk, void *arg, struct recfile **rp)
{
	struct recfile *r;
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1)
		return errno == EEXIST ? ERR_EXISTS : ERR_SYSTEM;
	r = xcalloc(1, sizeof(*r));
	r->fd = fd;
	r->hash = sha256_new();
	r->chunk = chunk;
	r->arg = arg;
	*rp = r;
	return 0;
}

void
recfile_free(struct recfile *r)
{
	if (r == NULL)
		return;
	close(r->fd);
	sha256_free(r->hash);
	free(r);
}

static int
recfile_mark(struct recfile *r)
{
	uint8_t digest[SHA256_LEN];

	sha256_peek(r->hash, digest);
	r->chunk(r->arg, r->bytes, digest);
	/* A hint alone; what it returns does not matter, the seal's fdatasync has the last word. */
	if (r->bytes % FLUSH_BYTES == 0) {
		(void)sync_file_range(r->fd, (off_t)(r->bytes - FLUSH_BYTES), FLUSH_BYTES, SYNC_FILE_RANGE_WRITE);
		if (r->bytes >= DROP_BEHIND + FLUSH_BYTES)
			(void)posix_fadvise(r->fd, (off_t)(r->bytes - DROP_BEHIND - FLUSH_BYTES), FLUSH_BYTES, POSIX_FADV_DONTNEED);
	}
	return recfile_room(r->fd, RECFILE_RESERVE);
}

int
recfile_append(struct recfile *r, const void *data, size_t n)
{
	const uint8_t *p = data;
	int e;

	if ((e = file_write_all(r->fd, p, n)) != 0)
		return e;
	while (n > 0) {
		uint64_t left = RECFILE_CHUNK - r->bytes % RECFILE_CHUNK;
		size_t k = n < left ? n : (size_t)left;

		sha256_update(r->hash, p, k);
		r->bytes += k;
		p += k;
		n -= k;
		if (k == left && (e = recfile_mark(r)) != 0)
			return e;
	}
	return 0;
}

uint64_t
recfile_bytes(const struct recfile *r)
{
	return r->bytes;
}

int
recfile_seal(struct recfile *r, uint8_t digest[SHA256_LEN])
{
	struct stat st;

	sha256_peek(r->hash, digest);
	/* A write that failed half-way may have left more than was hashed. */
	if (fstat(r->fd, &st) == -1 || ((uint64_t)st.st_size > r->bytes && ftruncate(r->fd, (off_t)r->bytes) == -1))
		return ERR_SYSTEM;
	return fdatasync(r->fd) == -1 ? ERR_SYSTEM : 0;
}

int
recfile_digest(int dirfd, const char *name, uint64_t *bytesp, uint8_t digest[SHA256_LEN])
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;
	struct sha256 *h = NULL;
	char *space = NULL;
	struct stat st;
	ssize_t n;

	*bytesp = 0;
	if (fd == -1)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_SYSTEM;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return ERR_FORMAT;
	}
	h = sha256_new();
	space = xmalloc(RECFILE_CHUNK);
	while ((n = read(fd, space, RECFILE_CHUNK)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			r = ERR_SYSTEM;
			break;
		}
		sha256_update(h, space, (size_t)n);
		*bytesp += (uint64_t)n;
	}
	sha256_final(h, digest);
	free(space);
	sha256_free(h);
	close(fd);
	return r;
}
