/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pieces: content of any length in bounded memory, as windows that overlap. What fits one window is given whole.
 *
 *	fill:  p = pieces_room(ps, &room); n = read(fd, p, room); pieces_added(ps, n);
 *	skip:  pieces_skip(ps, n) for a hole of a file: n bytes of zero that nobody needs to see
 *	end:   pieces_end(ps)
 *
 * A finding counts in the window in which it begins at `from` or later and before `to`: each in exactly one, with at
 * least PIECES_OVERLAP bytes of the content (or all there are) on both sides.
 */
#ifndef SECRETSCAN_PIECES_H
#define SECRETSCAN_PIECES_H

#include <stddef.h>
#include <stdint.h>

/* Memory for each thread that reads; most files are smaller. */
#define PIECES_WINDOW	((size_t)4 << 20)
/* The longest secret (limits.h: a tail of 64 KiB) and its surroundings. */
#define PIECES_OVERLAP	((size_t)128 << 10)

struct pieces;

struct pieces_window {
	const uint8_t	*p;
	size_t		 n;
	size_t		 from, to;	/* findings that begin here count */
	uint64_t	 offset;	/* of p in the content */
	uint64_t	 lines;		/* line ends before p */
	uint64_t	 column;	/* bytes between the last of them and p */
};

/* Non-zero stops. */
typedef int	(*pieces_fn)(const struct pieces_window *, void *arg);

/* p of PIECES_WINDOW bytes: the caller's, for as long as this is used. */
struct pieces	*pieces_new(uint8_t *p, pieces_fn, void *arg);
void		 pieces_free(struct pieces *);
/* Where the next bytes go, at least one. */
uint8_t		*pieces_room(struct pieces *, size_t *roomp);
/* So many were put there. 0, or what the function returned. */
int		 pieces_added(struct pieces *, size_t n);
int		 pieces_skip(struct pieces *, uint64_t n);
int		 pieces_end(struct pieces *);

#endif
