/* SPDX-License-Identifier: Apache-2.0 */
/* gitrepo: one bare repository, hosted or a mirror: its references, who descends from whom. Alone meets libgit2. */
#ifndef GITFILTER_GITREPO_H
#define GITFILTER_GITREPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct gitrepo;

/* The bare repository that is the current folder, without any configuration but its own. 0 or ERR_DENIED with why. */
int	gitrepo_open(struct gitrepo **repop, char *why, size_t size);
void	gitrepo_close(struct gitrepo *);
/* An empty bare repository in the current folder, without templates; one that is there already stays. 0 or ERR_DENIED with why. */
int	gitrepo_make(char *why, size_t size);
/* Point a reference at an object, whatever it was, or take it away (oid all zeros). 0 or ERR_DENIED. */
int	gitrepo_set_ref(struct gitrepo *, const char *name, const char *oid);
/* Make HEAD stand for this branch, whether or not it is there. 0 or ERR_DENIED. */
int	gitrepo_set_head(struct gitrepo *, const char *name);
bool	gitrepo_has(struct gitrepo *, const char *oid);
/* Look for objects in this folder too, from now on. 0 or ERR_DENIED. */
int	gitrepo_add_objects(struct gitrepo *, const char *dir);

/* u32 n, n * (s oid, s name) for every reference but HEAD and the bastion's own (shelf.h). 0, ERR_TOOBIG, ERR_DENIED. */
int	gitrepo_put_refs(struct gitrepo *, struct buf *out);
/*
 * Whether the references that clients are shown (not those of the shelf) lead to all of these objects, 20 bytes each: then
 * who may read the repository may read them. *missingp, within oids, is the first that they do not lead to; NULL = none.
 * 0, ERR_NOMEM, ERR_SYSTEM (nothing is known then).
 */
int	gitrepo_reaches(struct gitrepo *, const uint8_t *oids, size_t n, const uint8_t **missingp);
/* Whether old is tip or one of its ancestors. false also when one of them is no commit here. */
bool	gitrepo_is_ancestor(struct gitrepo *, const char *old, const char *tip);
/*
 * u64 size, s bytes: at most OBJECT_PIECE of a commit or tree from the offset; size 0 and no bytes when it is not there, or
 * of another kind. 0 or ERR_TOOBIG (out is full).
 */
int	gitrepo_put_object(struct gitrepo *, const char *oid, uint64_t offset, struct buf *out);

/* One reference's object, 40 digits, symbolic ones resolved. 0 or ERR_NOTFOUND. */
int	gitrepo_ref(struct gitrepo *, const char *name, char oid[41]);
/* A new reference to an object that is there. 0, ERR_EXISTS, ERR_DENIED. */
int	gitrepo_add_ref(struct gitrepo *, const char *name, const char *oid);
/* 0, also when there is none; ERR_DENIED. */
int	gitrepo_drop_ref(struct gitrepo *, const char *name);
/* Each reference that the glob means, in no order; not 0 from take ends it and is the result. ERR_DENIED: unreadable. */
int	gitrepo_each_ref(struct gitrepo *, const char *glob, int (*take)(const char *name, const char *oid, void *arg), void *arg);
/* Store n bytes as a blob, whose name goes to oid. 0 or ERR_DENIED. */
int	gitrepo_put_blob(struct gitrepo *, const void *p, size_t n, char oid[41]);
/* A blob's content, into out. 0, ERR_NOTFOUND, ERR_TOOBIG. */
int	gitrepo_get_blob(struct gitrepo *, const char *oid, struct buf *out);

#endif
