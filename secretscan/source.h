/* SPDX-License-Identifier: Apache-2.0 */
/* source: where the program's contents come from. A source names contents; whoever takes an item reads it. */
#ifndef SECRETSCAN_SOURCE_H
#define SECRETSCAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A content that is in memory already is no larger than this; what is, comes as a stream. */
#define SOURCE_WHOLE	((size_t)4 << 20)

/* One content. Owns its texts and bytes. */
struct source_item {
	char	*file;		/* the name that findings are reported with */
	char	*commit;	/* of a repository, in hexadecimal; NULL outside of one */
	char	*object;
	bool	 named;		/* its name is text as well, of nothing else */
	bool	 is_old;	/* what stood there before: its findings are not new in the next item */
	/* One of three: */
	uint8_t	*p;		/* n bytes in memory, */
	char	*path;		/* a file that anyone can open, */
	FILE	*stream;	/* or the next n bytes of this (borrowed); it has to be read before the source goes on */
	size_t	 n;		/* SIZE_MAX: as far as the stream goes */
};

struct source_sink {
	/* Takes the item over. */
	void	(*item)(struct source_item *, void *arg);
	/* Something could not be read; the walk goes on, the program fails at its end. */
	void	(*error)(const char *name, const char *why, void *arg);
	void	*arg;
};

/* An item under a copy of this name. */
struct source_item	*source_item_new(const char *file);
void			 source_item_free(struct source_item *);

/* A file, a folder with everything below it (links are not followed, .git is left out), or "-": standard input. */
void	source_path(const char *path, const struct source_sink *);

enum source_reach {
	SOURCE_REACHABLE,	/* from any reference and the stash */
	SOURCE_UNREACHABLE,	/* and from reference logs, and all objects that are nowhere referred to */
};

/*
 * The objects of a repository: every blob, commit and tag, the names in every tree, the names of references. A range
 * (gitrevisions(7)) limits it to what that adds; NULL for everything.
 */
void	source_git(const char *repo, const char *range, enum source_reach, const struct source_sink *);
/* What the index has other than HEAD: pairs of the old blob (is_old) and the new one, and the new one alone. */
void	source_index(const char *repo, const struct source_sink *);

#endif
