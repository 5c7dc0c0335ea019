/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/lfsscan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "gitfilter/limits.h"

#define READ_SIZE	(256 * 1024)

struct scan {
	secretscan_fn	 fn;
	void		*arg;
};

/* What passes a stream is not wanted. */
static int
on_out(const void *p, size_t n, void *arg)
{
	(void)p;
	(void)n;
	(void)arg;
	return 0;
}

static int
on_stream_finding(const struct secretscan_finding *f, void *arg)
{
	const struct scan *s = arg;

	return s->fn(f, s->arg);
}

static int
scan_stream(struct secretscan_stream *stream, int fd, uint64_t size)
{
	uint8_t *piece = malloc(READ_SIZE);
	uint64_t at = 0;
	int r = piece == NULL ? ERR_NOMEM : 0;

	while (r == 0 && at < size) {
		uint64_t left = size - at;
		ssize_t n = pread(fd, piece, left < READ_SIZE ? (size_t)left : READ_SIZE, (off_t)at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			r = ERR_SYSTEM;
		else if ((r = secretscan_stream_feed(stream, piece, (size_t)n)) == 0)
			at += (uint64_t)n;
	}
	free(piece);
	return r == 0 ? secretscan_stream_end(stream) : r;
}

static int
scan_large(const struct secretscan *scanner, int fd, uint64_t size, struct scan *s)
{
	struct secretscan_finding partly = { .rule = "not-fully-scanned", .description = "not fully scanned", .decoded = "",
	    .member = "", .notice = true };
	struct secretscan_stream *stream = secretscan_stream_new(scanner, NULL, on_out, on_stream_finding, s);
	int r;

	if (stream == NULL)
		return SECRETSCAN_NOMEM;
	r = scan_stream(stream, fd, size);
	secretscan_stream_free(stream);
	if (r != 0)
		return r;
	(void)snprintf(partly.masked, sizeof(partly.masked), "%llu bytes read as plain text alone", (unsigned long long)size);
	return s->fn(&partly, s->arg);
}

int
lfs_scan(const struct secretscan *scanner, int fd, uint64_t size, secretscan_fn fn, void *arg)
{
	struct scan s = { .fn = fn, .arg = arg };
	void *p;
	int r;

	if (size == 0)
		return 0;
	if (size > LFS_WHOLE_MAX)
		return scan_large(scanner, fd, size, &s);
	if ((p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		return ERR_SYSTEM;
	(void)madvise(p, (size_t)size, MADV_SEQUENTIAL);
	r = secretscan_scan(scanner, p, (size_t)size, fn, arg);
	(void)munmap(p, (size_t)size);
	return r;
}
