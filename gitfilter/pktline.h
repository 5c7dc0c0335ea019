/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pktline: git's framing (gitprotocol-common, "pkt-line Format"), without I/O. A reader takes exactly the bytes of one
 * line and never one more, so what follows the last line (a pack) stays with the caller.
 *
 *	while ((r = pktline_feed(reader, p, n, &used, &line)) == 0) { p += used; n -= used; .. }
 */
#ifndef GITFILTER_PKTLINE_H
#define GITFILTER_PKTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct pktline_reader;

enum pktline_type { PKTLINE_DATA, PKTLINE_FLUSH, PKTLINE_DELIM, PKTLINE_END };

struct pktline {
	enum pktline_type	 type;
	const uint8_t		*data;	/* valid until the next feed, and no longer than the bytes fed */
	size_t			 len;
};

/* A reader that refuses lines whose data is longer than max. NULL = no memory. */
struct pktline_reader	*pktline_reader_new(size_t max);
void			 pktline_reader_free(struct pktline_reader *);
/* Whether a line has begun and not ended. */
bool			 pktline_reader_is_inside(const struct pktline_reader *);
/*
 * Take bytes; *usedp says how many. 0: *line is whole. ERR_SHORT: all were taken and more are needed. ERR_FORMAT: not a
 * length. ERR_TOOBIG: longer than max.
 */
int	pktline_feed(struct pktline_reader *, const uint8_t *p, size_t n, size_t *usedp, struct pktline *line);

/* Writers: 0, or what buf says. */
int	pktline_put(struct buf *, const void *p, size_t n);
int	pktline_putf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	pktline_flush(struct buf *);
/* p in as many side-band-64k packets as it takes; n = 0 is one empty packet. */
int	pktline_band(struct buf *, uint8_t band, const void *p, size_t n);

#endif
