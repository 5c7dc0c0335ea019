/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfsstore: where LFS objects lie. Those that a pushed commit names are stored in their repository, as
 * lfs/objects/AA/BB/OID, where git-lfs itself and its servers look for them. Those that came and that no push has named yet are
 * held in a folder of one identity and one repository:
 *
 *	OID-RULES	clean, by the rules (a hash of them) that it was scanned with
 *	OID-found	with findings, which the push that names it is judged by
 *	part-N		on its way; its length is reserved from the start
 *
 * All that is opened is opened below the two folders, without following links.
 */
#ifndef GITFILTER_LFSSTORE_H
#define GITFILTER_LFSSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "gitfilter/lfspointer.h"

#define LFS_RULES_HEX	16

struct lfs_store {
	int	objects;			/* lfs/objects of the repository; -1: nothing is stored */
	int	held;				/* -1: nothing can be held */
	char	rules[LFS_RULES_HEX + 1];	/* those of today */
};

enum lfs_state {
	LFS_ABSENT,	/* or with another size, or scanned with other rules */
	LFS_STORED,
	LFS_HELD,	/* clean */
	LFS_HELD_FOUND,
};

enum lfs_state	lfs_store_state(const struct lfs_store *, const struct lfs_object *);
/* A stored object to read, its size into o->size. A descriptor or -1. */
int	lfs_store_open(const struct lfs_store *, struct lfs_object *o);
/* The same of one that is held, in either state. */
int	lfs_held_open(const struct lfs_store *, struct lfs_object *o);
/* Move a held object into the repository; durable when it returns. 0 (also when it is stored already), ERR_NOTFOUND, ERR_SYSTEM. */
int	lfs_store_promote(const struct lfs_store *, const struct lfs_object *);

#define LFS_PART_NAME	40

/*
 * Begin an object of this size: *fdp to write to, its name for the calls below. What is held may come to max bytes in all.
 * 0, ERR_TOOBIG (no room within max, or too many), ERR_SYSTEM (no room on the disk, say).
 */
int	lfs_held_begin(const struct lfs_store *, uint64_t size, uint64_t max, int *fdp, char name[LFS_PART_NAME]);
/* It is whole and scanned: it becomes one that is held. 0 or ERR_SYSTEM. */
int	lfs_held_keep(const struct lfs_store *, const char *name, const struct lfs_object *, bool clean);
void	lfs_held_drop(const struct lfs_store *, const char *name);
/*
 * Remove what lies in any folder below this one (of all identities) since before that time, in seconds since 1970, and parts
 * whose process has gone.
 */
void	lfs_held_sweep(const char *path, int64_t before);

#endif
