/* SPDX-License-Identifier: Apache-2.0 */
/* lines: which line and column of a content a byte is in, asked in order. */
#ifndef SECRETSCAN_LINES_H
#define SECRETSCAN_LINES_H

#include <stddef.h>
#include <stdint.h>

struct secretscan_finding;

/* Of the caller. How far the lines of p are counted. */
struct lines {
	const uint8_t	*p;
	size_t		 at;
	size_t		 line;
	size_t		 start;		/* of that line */
};

/* The line feeds of a text. */
size_t	lines_count(const uint8_t *p, size_t n);
void	lines_init(struct lines *, const uint8_t *p);
/* Fill in line, column, end_line and end_column from start and end. Cheap for starts that come in order. */
void	lines_place(struct lines *, struct secretscan_finding *);

#endif
