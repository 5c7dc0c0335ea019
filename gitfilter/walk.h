/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: where in the pushed history each object of a pack stands: the first commit that brings it (parents before
 * children) and its path there. Objects that no pushed tip leads to are found by what is left over.
 *
 *	walk_object() for every object as the pack hands it out, then walk_run() once, then the questions.
 *
 * Each tree is read once, whatever the number of paths that lead to it, and nothing recurses.
 */
#ifndef GITFILTER_WALK_H
#define GITFILTER_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/fsck.h"
#include "gitfilter/pack.h"

struct walk;

struct walk_params {
	/* A path of the push, for each new object once and for each name once. p is NUL-ended. Not 0: stop with it. */
	int	(*path)(const char *p, size_t n, const char *commit, void *arg);
	/* From time to time, with how many objects have been placed. Not 0: stop with it. */
	int	(*tick)(uint32_t placed, void *arg);
	void	*arg;
	const struct fsck *fsck;	/* which faults count; stays the caller's */
};

struct walk	*walk_new(const struct walk_params *);	/* NULL = no memory */
void		 walk_free(struct walk *);

/* 0, ERR_FORMAT, ERR_TOOBIG, ERR_NOMEM; walk_why() has a line. */
int	walk_object(struct walk *, uint32_t index, enum object_type, const uint8_t oid[20], const uint8_t *p, size_t n);
/* Place everything that the tips (40 hexadecimal digits each) lead to. As walk_object, or what a callback said. */
int	walk_run(struct walk *, struct pack *, const char *const *tips, size_t n);
const char	*walk_why(const struct walk *);

/* One commit of the push; all borrowed from the walk. */
struct walk_step {
	const uint8_t	*oid, *tree;
	const uint8_t	(*parents)[20];
	uint32_t	 nparents;
};

/* The commits that the tips lead to inside the pack, parents first: how many, and the i-th one. */
size_t		walk_nsteps(const struct walk *);
struct walk_step walk_step(const struct walk *, size_t i);
/* How many objects of the pack no tip leads to. */
uint32_t	walk_unreached(const struct walk *);
/* The commit that brings the object: 40 digits, "" when none does (a tag's tree), into out[41]. */
void		walk_commit(const struct walk *, uint32_t index, char out[41]);
/* Its path there, "" for commits, tags and root trees; cut at size. */
void		walk_path(const struct walk *, uint32_t index, char *out, size_t size);
/* Whether ancestor is met on the way down from tip, inside the pack or just outside it. false: not known here. */
bool		walk_descends(struct walk *, const char *tip, const char *ancestor);
/*
 * Everything outside the pack that it refers to, those included: parents, tips, targets of tags, folders, files. The
 * repository must have it, and whoever pushes must be one who may read it. n * 20 bytes, borrowed.
 */
const uint8_t	*walk_needs(const struct walk *, size_t *np);
/*
 * After walk_run: how many faults of this kind there are that are only to be told, and what and where the first is ("tree ..:
 * zeroPaddedFilemode: ..").
 */
uint32_t	walk_faults(const struct walk *, enum fsck_id, char *first, size_t size);
/* The commits (or tips) outside the pack that the tips lead to. i-th one, 20 bytes. */
size_t		walk_noutside(const struct walk *);
const uint8_t	*walk_outside(const struct walk *, size_t i);

#endif
