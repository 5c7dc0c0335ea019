/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes: which paths the commits of a push create, modify and delete, each commit compared with every one of its parents,
 * a commit without parents with nothing. What a merge brings from one side is a change for the other. A rename deletes one
 * path and creates another.
 *
 * Folders that the push leaves as they are, and those of parents that the repository has, are not in the pack:
 *
 *	c = changes_new(walk, pack);
 *	while ((r = changes_run(c)) == ERR_AGAIN)
 *		fetch the object changes_wanted(c) from the repository, changes_give(c, bytes, n);
 *	if (r == 0)
 *		for (i = 0; i < changes_count(c); i++) changes_nth(c, i);
 *
 * Who answers need not be trusted: what is given must have the name that was asked for.
 */
#ifndef GITFILTER_CHANGES_H
#define GITFILTER_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changes;
struct content;
struct contents;
struct pack;
struct walk;

enum change_op { CHANGE_CREATE, CHANGE_MODIFY, CHANGE_DELETE };

struct change {
	enum change_op	 op;
	bool		 plain;		/* a file; not a link, not a submodule. When it is deleted: what was there */
	const uint8_t	*commit;	/* the first one that does this to the path; 20 bytes, borrowed */
	const char	*path;		/* NUL-ended, borrowed until the next changes_run */
	/*
	 * Of a file that is there afterwards: what it holds, the largest of this kind that any commit puts there (commit is that
	 * one). NULL: nothing is there, or no file, or content that is not in the pack, as the repository has it.
	 */
	const struct content *content;
};

/* After walk_run; all are borrowed until changes_free. NULL = no memory. */
struct changes	*changes_new(const struct walk *, struct pack *, const struct contents *);
void		 changes_free(struct changes *);
/* 0; ERR_AGAIN: an object of the repository is wanted; ERR_FORMAT, ERR_TOOBIG (a limit), ERR_NOMEM with changes_why. */
int		 changes_run(struct changes *);
const uint8_t	*changes_wanted(const struct changes *);	/* 20 bytes */
/* The object's content, without header; copied. 0, ERR_FORMAT when it is not the one that is wanted, ERR_TOOBIG, ERR_NOMEM. */
int		 changes_give(struct changes *, const uint8_t *p, size_t n);
const char	*changes_why(const struct changes *);

/* What was found: each operation on each path once for each kind of content, in the order of commits. */
size_t		 changes_count(const struct changes *);
/* How many paths that are. */
size_t		 changes_npaths(const struct changes *);
struct change	 changes_nth(const struct changes *, size_t i);

#endif
