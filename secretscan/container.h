/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container: content that holds other content: archives, compressed files, documents, databases. Members are given one
 * after the other, in memory; nothing is written, opened or started.
 *
 *	kinds = container_guess(p, n);
 *	if (kinds != 0)
 *		r = container_each(kinds, p, n, &budget, &sink);
 *
 * A member may be a container again: sink.member calls these two for it, after budget_enter. The caller scans the
 * content itself in any case: what stands in it as it is (comments, deleted rows of a database) is not given.
 */
#ifndef SECRETSCAN_CONTAINER_H
#define SECRETSCAN_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

struct budget;

/* A set: a content can be several, a script with a zip at its end for one. */
enum container {
	CONTAINER_ARCHIVE	= 1 << 0,	/* zip, 7z, tar, cpio, ar, cab, iso */
	CONTAINER_COMPRESSED	= 1 << 1,	/* gzip, bzip2, xz, lzma, lzip, zstd, lz4, compress, rpm */
	CONTAINER_ZLIB		= 1 << 2,	/* a loose object of git */
	CONTAINER_PACK		= 1 << 3,	/* a pack of git */
	CONTAINER_PDF		= 1 << 4,
	CONTAINER_SQLITE	= 1 << 5,
	CONTAINER_NOTEBOOK	= 1 << 6,	/* Jupyter */
	CONTAINER_OFFICE	= 1 << 7,	/* XML of a document, whose words are cut into runs */
	CONTAINER_CLASS		= 1 << 8,	/* compiled Java, Python: strings with a length before them */
	CONTAINER_TRAILING_ZIP	= 1 << 9,	/* a zip at the end of something else */
	CONTAINER_SCRIPT	= 1 << 12,	/* a compressed file behind a script */
	CONTAINER_SEALED	= 1 << 10,	/* encrypted, or of a format that is not read: only a notice */
	CONTAINER_OPAQUE	= 1 << 11,	/* bytes like random ones, of no known format: only a notice */
};

enum container_notice {
	CONTAINER_IS_ENCRYPTED,
	CONTAINER_IS_OPAQUE,
	CONTAINER_IS_CUT,		/* damaged, too large, or of a format that is not read: not fully scanned */
};

struct container_member {
	const char	*name;		/* UTF-8 or bytes, as it stands there; "" when it has none */
	const uint8_t	*p;		/* valid during the call */
	size_t		 n;
	uint64_t	 at;		/* where p begins in a member that is given in pieces, which overlap */
};

struct container_sink {
	/* Both: non-zero ends container_each, which returns it. */
	int	(*member)(const struct container_member *, void *arg);
	/* about names the member, "" is the container itself; text says what was met: "zip", "damaged: ..". */
	int	(*notice)(enum container_notice, const char *about, const char *text, void *arg);
	void	*arg;
};

/* By magic numbers and a look at some bytes; cheap enough for every content. 0: not a container. */
unsigned	container_guess(const uint8_t *p, size_t n);
/*
 * All members of all these kinds. What is encrypted, damaged or bent is a notice and no error. 0; SECRETSCAN_LIMIT when
 * the budget is used up, of which the caller tells; SECRETSCAN_NOMEM; or what a callback returned.
 */
int		container_each(unsigned kinds, const uint8_t *p, size_t n, struct budget *,
		    const struct container_sink *);

/* The rule id and the words under which a notice is reported. */
struct container_report {
	const char	*rule;		/* "encrypted-container", "opaque-data", "not-fully-scanned" */
	const char	*description;
};
const struct container_report	*container_report(enum container_notice);

#endif
