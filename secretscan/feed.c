/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/feed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/container.h"

/* A hole of a sparse file that is passed over; a shorter one is read as the zeros that it is. */
#define HOLE_MIN	((off_t)1 << 20)
/* A container of more than one window is taken into memory up to this size; others never are. */
#define CONTAINER_WHOLE	((size_t)256 << 20)
/* What a file gives beyond its size. A log grows while it is read; a file of the kernel has no size, and some no end. */
#define GROWTH_MAX	((off_t)64 << 20)
#define KINDS_UNPACKED	((unsigned)(CONTAINER_ARCHIVE | CONTAINER_COMPRESSED | CONTAINER_ZLIB | CONTAINER_PACK | \
			    CONTAINER_PDF | CONTAINER_SQLITE | CONTAINER_NOTEBOOK | CONTAINER_OFFICE | \
			    CONTAINER_SCRIPT))
/* A zip is known by its end, and so is what has one at its end (APPNOTE 4.3.16). */
#define ZIP_TAIL	(65535 + 22)

/* Where the bytes of a content come from. */
struct feed {
	int		 fd;		/* -1: the stream */
	FILE		*stream;
	size_t		 left;		/* of the stream; SIZE_MAX: as far as it goes */
	const uint8_t	*ahead;		/* what was read ahead comes first */
	size_t		 nahead;
	off_t		 at;		/* in a file */
	bool		 tailed;	/* a zip is at the end */
	off_t		 asked;		/* where holes are looked for next */
	off_t		 taken, most;	/* bytes of a file, and when it is left */
	const struct feed_params	*params;
	const char	*why;		/* the first thing that went wrong */
};

static void
wrong(struct feed *feed, const char *why)
{
	if (feed->why == NULL)
		feed->why = why;
}

/* Some bytes, none at the end. 0, or an errno. */
static int
feed_read(struct feed *feed, uint8_t *p, size_t n, size_t *gotp)
{
	ssize_t r;

	*gotp = n < feed->nahead ? n : feed->nahead;
	if (*gotp > 0) {
		memcpy(p, feed->ahead, *gotp);
		feed->ahead += *gotp;
		feed->nahead -= *gotp;
		return 0;
	}
	if (feed->fd == -1) {
		*gotp = fread(p, 1, n < feed->left ? n : feed->left, feed->stream);
		if (feed->left != SIZE_MAX)
			feed->left -= *gotp;
		return *gotp == 0 && ferror(feed->stream) ? errno : 0;
	}
	if (feed->taken >= feed->most) {
		wrong(feed, "goes on and on: the rest was not scanned");
		return 0;
	}
	do {
		r = read(feed->fd, p, n);
	} while (r == -1 && errno == EINTR);
	*gotp = r > 0 ? (size_t)r : 0;
	feed->at += (off_t)*gotp;
	feed->taken += (off_t)*gotp;
	return r == -1 ? errno : 0;
}

/* From a hole to where it ends, or to the end of the file, if that is worth it. Holes are asked for once a window. */
static int
pass_hole(struct feed *feed, struct pieces *pieces)
{
	off_t data, to;
	int stop = 0;

	if (feed->fd == -1 || feed->nahead > 0 || feed->at < feed->asked)
		return 0;
	to = data = lseek(feed->fd, feed->at, SEEK_DATA);
	if (data == -1 && errno == ENXIO)
		to = lseek(feed->fd, 0, SEEK_END);
	if (to - feed->at >= HOLE_MIN) {
		stop = pieces_skip(pieces, (uint64_t)(to - feed->at));
		feed->at = to;
	}
	feed->asked = feed->at + (off_t)PIECES_WINDOW;
	return lseek(feed->fd, feed->at, SEEK_SET) == -1 ? -errno : stop;
}

/*
 * A container cannot be taken apart in windows: read on behind the first one. Returns all of it (caller frees)
 * and *wholep, or not all because it is too large.
 */
static uint8_t *
read_on(struct feed *feed, const uint8_t *first, size_t *np, bool *wholep)
{
	size_t n = PIECES_WINDOW, cap = 2 * PIECES_WINDOW, got = 1;
	uint8_t *all = xcalloc(cap, 1);
	int e = 0;

	memcpy(all, first, n);
	while (e == 0 && got > 0 && n < CONTAINER_WHOLE) {
		if (n == cap)
			all = xreallocarray(all, cap *= 2, 1);
		e = feed_read(feed, all + n, cap - n, &got);
		n += got;
	}
	*np = n;
	*wholep = e == 0 && got == 0;
	return all;
}

/* The first window is full. True when all of the content was handed on here. */
static bool
take_container(struct feed *feed, uint8_t **allp)
{
	const uint8_t *first = feed->params->buffer;
	struct pieces_window w = { 0 };
	bool whole;

	if (!feed->tailed && (container_guess(first, PIECES_WINDOW) & KINDS_UNPACKED) == 0)
		return false;
	w.p = *allp = read_on(feed, first, &w.n, &whole);
	w.to = w.n;
	if (whole) {
		(void)feed->params->fn(&w, feed->params->arg);
		return true;
	}
	wrong(feed, "a container that is too large to be unpacked: scanned as it is");
	feed->ahead = *allp + PIECES_WINDOW;
	feed->nahead = w.n - PIECES_WINDOW;
	return false;
}

static void
run(struct feed *feed)
{
	struct pieces *pieces = pieces_new(feed->params->buffer, feed->params->fn, feed->params->arg);
	size_t room, got, total = 0;
	uint8_t *all = NULL, *p;
	int e = 0, stop = 0;
	bool done = false;

	while (stop == 0 && !done) {
		if ((stop = pass_hole(feed, pieces)) != 0)
			break;
		p = pieces_room(pieces, &room);
		if ((e = feed_read(feed, p, room, &got)) != 0 || got == 0)
			break;
		total += got;
		if (total == PIECES_WINDOW && p + got == feed->params->buffer + PIECES_WINDOW)
			done = take_container(feed, &all);
		if (!done)
			stop = pieces_added(pieces, got);
	}
	if (stop == 0 && !done)
		stop = pieces_end(pieces);
	if (e != 0 || stop < 0)
		wrong(feed, strerror(e != 0 ? e : -stop));
	pieces_free(pieces);
	free(all);
}

static bool
ends_in_zip(int fd, off_t size)
{
	uint8_t *tail;
	ssize_t n;
	bool is;

	if (size <= (off_t)PIECES_WINDOW)
		return false;
	tail = xcalloc(ZIP_TAIL, 1);
	n = pread(fd, tail, ZIP_TAIL, size - ZIP_TAIL);
	is = n > 0 && (container_guess(tail, (size_t)n) & CONTAINER_TRAILING_ZIP) != 0;
	free(tail);
	return is;
}

const char *
feed_file(int fd, const struct feed_params *params)
{
	struct feed feed = { .fd = fd, .params = params };
	struct stat before, after;

	if (fstat(fd, &before) == -1 || !S_ISREG(before.st_mode))
		return "not a file any more";
	/* A size that takes no room is nothing to go by, such as that of the kernel's memory. */
	feed.most = (before.st_blocks > 0 ? before.st_size : 0) + GROWTH_MAX;
	if (before.st_size <= HOLE_MIN)
		feed.asked = before.st_size + 1;
	feed.tailed = ends_in_zip(fd, before.st_size);
	run(&feed);
	if (fstat(fd, &after) == -1 || after.st_size != before.st_size ||
	    after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		wrong(&feed, "changed while it was read");
	return feed.why;
}

const char *
feed_stream(FILE *stream, size_t n, const struct feed_params *params)
{
	struct feed feed = { .fd = -1, .stream = stream, .left = n, .params = params };
	size_t got = 1;

	run(&feed);
	/* Something else follows it. */
	feed.nahead = 0;
	while (feed.left > 0 && feed.left != SIZE_MAX && got > 0) {
		if (feed_read(&feed, params->buffer, PIECES_WINDOW, &got) != 0)
			break;
	}
	if (feed.left > 0 && feed.left != SIZE_MAX)
		wrong(&feed, "shorter than git said");
	return feed.why;
}
