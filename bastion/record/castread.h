/* SPDX-License-Identifier: Apache-2.0 */
/*
 * castread: read a recording back, event by event, with the comment lines that speak of it. The file is not trusted:
 * lines have a ceiling, and what is not an asciicast v3 of ours is ERR_FORMAT.
 */
#ifndef RECORD_CASTREAD_H
#define RECORD_CASTREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAST_LINE_MAX	(8 * 1024 * 1024)

struct buf;
struct castread;

struct cast_header {
	unsigned	 cols, rows;
	int64_t		 timestamp;
	char		*term, *title, *command, *session;	/* NULL when not there */
};

struct cast_event {
	char		 code;		/* 'o', 'r', 'm', 'x', or another one, to be skipped */
	int64_t		 at_us;		/* since the start */
	bool		 from_stderr;
	const uint8_t	*data;		/* valid until the next call; bytes as they were, "#bad" undone */
	size_t		 ndata;
};

/*
 * Takes over fd and reads the header. 0 and *rp, ERR_FORMAT, ERR_SHORT (no header), ERR_TOOBIG, ERR_NOMEM, ERR_SYSTEM.
 */
int	castread_open(int fd, struct castread **rp);
void	castread_free(struct castread *);	/* NULL is fine */
const struct cast_header	*castread_header(const struct castread *);
/* The next event: 0, ERR_EOF, ERR_SHORT (the file ends inside a line), ERR_FORMAT, ERR_TOOBIG, ERR_SYSTEM. */
int	castread_next(struct castread *, struct cast_event *);
/* Number of the line last read, from 1. */
uint64_t castread_line(const struct castread *);

#endif
