/* SPDX-License-Identifier: Apache-2.0 */
/* feed: the bytes of one content, from a file or a stream, as the windows of pieces.h; a container as one window. */
#ifndef SECRETSCAN_FEED_H
#define SECRETSCAN_FEED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "secretscan/pieces.h"

struct feed_params {
	uint8_t		*buffer;	/* of PIECES_WINDOW bytes */
	pieces_fn	 fn;		/* a result above 0 ends the feed */
	void		*arg;
};

/* Both: NULL, or a constant that says why not all of it was read, or could be. */
const char	*feed_file(int fd, const struct feed_params *);
/* The next n bytes of a stream, which are read in any case; SIZE_MAX: as far as it goes. */
const char	*feed_stream(FILE *, size_t n, const struct feed_params *);

#endif
