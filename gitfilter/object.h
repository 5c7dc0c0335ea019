/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object: what leads from commits, tags and trees to other objects. What else may be wrong with them is for fsck.h. No I/O,
 * nothing allocated.
 */
#ifndef GITFILTER_OBJECT_H
#define GITFILTER_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/limits.h"
#include "gitfilter/pack.h"

struct commit {
	uint8_t	tree[20];
	uint8_t	parents[COMMIT_PARENTS_MAX][20];
	size_t	nparents;
};

struct tag {
	uint8_t			target[20];
	enum object_type	type;
};

struct tree_entry {
	unsigned	 mode;		/* as read: 040000, 0100644, 0160000 .. */
	const uint8_t	*name;		/* borrowed */
	size_t		 nname;
	const uint8_t	*oid;		/* borrowed, 20 bytes */
	const uint8_t	*whole;		/* borrowed: mode, name and oid as they are written */
	size_t		 nwhole;
};

struct tree_cursor {
	const uint8_t	*p;
	size_t		 n;
};

/* 0, or ERR_FORMAT or ERR_TOOBIG with *whyp a constant sentence. */
int	commit_parse(const uint8_t *p, size_t n, struct commit *, const char **whyp);
int	tag_parse(const uint8_t *p, size_t n, struct tag *, const char **whyp);

void	tree_begin(struct tree_cursor *, const uint8_t *p, size_t n);
/* The next entry. Its mode is one that git has a use for; its name may be anything: fsck_entry() judges it. ERR_EOF at the end. */
int	tree_next(struct tree_cursor *, struct tree_entry *, const char **whyp);
/* The kind of object a mode stands for; 0 for a submodule, which has none here. */
enum object_type	mode_type(unsigned mode);
/* Whether it is a file with content of its own: no link, no submodule, no folder. */
bool		 mode_is_file(unsigned mode);
/* Whether git itself would write it. */
bool		 mode_is_usual(unsigned mode);

#endif
