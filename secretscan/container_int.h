/* SPDX-License-Identifier: Apache-2.0 */
/* container_int: what the readers of containers share. Each takes one content and returns what container_each does. */
#ifndef SECRETSCAN_CONTAINER_INT_H
#define SECRETSCAN_CONTAINER_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/container.h"

/* Where members go and what they may cost. */
struct inside {
	struct budget			*budget;
	const struct container_sink	*sink;
	bool				 paid;		/* members come out of bytes that were paid for */
};

/* One notice; the text is cut where it becomes too long for a line. */
int	inside_tell(const struct inside *, enum container_notice, const char *about, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/*
 * A member in the making. It is paid for as it grows, and given at its end, or, when it is large, in pieces of
 * SS_MEMBER_PIECE that overlap by SS_MEMBER_OVERLAP.
 *
 *	struct pour m = { .in = in };
 *	pour_begin(&m, name); pour_add(&m, p, n) ..; pour_end(&m); and so on for the next one
 *	pour_release(&m);
 *
 * One that is set to hold is given to nobody: it is not begun and not ended, grows up to a piece, and then is cut.
 */
struct pour {
	const struct inside	*in;
	char			*name;
	uint8_t			*p;
	size_t			 n, cap;
	size_t			 fresh;		/* bytes that were in no piece yet */
	uint64_t		 at;
	bool			 hold;
	bool			 cut;
};

int	pour_begin(struct pour *, const char *name);
/* 0 or a code; SECRETSCAN_LIMIT comes after what there is was given. */
int	pour_add(struct pour *, const void *p, size_t n);
int	pour_text(struct pour *, const char *s);
int	pour_end(struct pour *);
void	pour_release(struct pour *);

/* A stream of zlib (RFC 1950) or gzip (RFC 1952) into a member; *usedp is what it took of p. */
enum inflate_form { INFLATE_ZLIB, INFLATE_GZIP };
enum inflate_end { INFLATE_WHOLE, INFLATE_DAMAGED };
int	pour_inflate(struct pour *, enum inflate_form, const uint8_t *p, size_t n, size_t *usedp,
	    enum inflate_end *endp);

int	archive_each(const struct inside *, const uint8_t *p, size_t n);
int	archive_each_trailing(const struct inside *, const uint8_t *p, size_t n);
int	compressed_each(const struct inside *, const uint8_t *p, size_t n);
int	class_each(const struct inside *, const uint8_t *p, size_t n);
int	notebook_each(const struct inside *, const uint8_t *p, size_t n);
int	office_each(const struct inside *, const uint8_t *p, size_t n);
int	pack_each(const struct inside *, const uint8_t *p, size_t n);
int	pdf_each(const struct inside *, const uint8_t *p, size_t n);
int	sqlite_each(const struct inside *, const uint8_t *p, size_t n);
int	zlib_each(const struct inside *, const uint8_t *p, size_t n);

/* All entries of an opened archive, and a notice of what went wrong when one could not be opened. */
struct archive;
int	archive_members(const struct inside *, struct archive *, bool *damagedp);
int	archive_trouble(const struct inside *, struct archive *);

/* By their look; each is called when the cheap signs of container_guess say so. */
const char *sealed_kind(const uint8_t *p, size_t n, enum container_notice *whatp);
bool	opaque_is(const uint8_t *p, size_t n);

#endif
