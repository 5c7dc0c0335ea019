/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf: what the bastion keeps in a repository beside the references that people see, all of it below refs/sallyport/,
 * which clients can neither push nor see. Version 1 of these names:
 *
 *	kept/REQ/SECONDS/NEW/NAME	what NAME (without its "refs/") was before the push REQ made it NEW
 *
 *	review/REQ/NAME			the tip of a parked push; deletions have none
 *	parked/REQ			a blob about it: "sallyport parked push 1", lines "KEY VALUE" (at, who pushed, the rule ..),
 *					"update OLD NEW NAME" for each command, an empty line, and what an approver is shown
 *
 * SECONDS is when, since 1970; NEW an object's name, forty zeros when the push deleted it. The repository of every function is the current folder, and git's own garbage collection
 * keeps what these references lead to.
 */
#ifndef GITFILTER_SHELF_H
#define GITFILTER_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/id.h"
#include "gitfilter/push.h"

#define SHELF_REFS	"refs/sallyport/"

struct buf;
struct gitrepo;

enum shelf_area { SHELF_KEPT };

struct shelf_item {
	char			 request[ID_TEXT];
	int64_t			 at;		/* seconds since 1970 */
	struct push_command	*cmds;		/* owned; new_oid forty zeros: deleted */
	size_t			 n;
	struct buf		*note;		/* owned: of a parked push, its blob */
};

#define SHELF_PARKED_MAX	64		/* pushes in one repository: a reference and a pack each, and a human for each */
#define SHELF_NOTE_MAX		(128 * 1024)

/* Keep the old tips of these commands; creations have none. 0 or an error with why. */
int	shelf_put(struct gitrepo *, enum shelf_area, const char *request, int64_t at, const struct push_command *, size_t n,
	    char *why, size_t size);
/* Take away what shelf_put kept of one command, which was not done after all. */
int	shelf_forget(struct gitrepo *, enum shelf_area, const char *request, int64_t at, const struct push_command *);
/* The latest item of this request. 0, ERR_NOTFOUND, ERR_NOMEM, ERR_DENIED (unreadable). shelf_release() it. */
int	shelf_find(struct gitrepo *, enum shelf_area, const char *request, struct shelf_item *);
void	shelf_release(struct shelf_item *);
/*
 * Put back what the push replaced: all of it, or nothing when a reference has moved since. What it replaces is kept in its
 * turn, under the request id undo and this time. Lines for a human go to out. 0, or ERR_DENIED: out says why.
 */
int	shelf_restore(struct gitrepo *, const struct shelf_item *, const char *undo, int64_t at, struct buf *out);
/* Drop what was kept before then. How many references went, or a negative error. */
int	shelf_expire(struct gitrepo *, enum shelf_area, int64_t before);

/*
 * Make room for a push that is to be parked: about is "KEY VALUE" lines, text what an approver is shown. Its tips come after
 * that, under refname_review (refcmd.h). 0, ERR_TOOBIG or ERR_DENIED with why.
 */
int	shelf_park(struct gitrepo *, const char *request, int64_t at, const char *about, const struct push_command *, size_t n,
	    const char *text, char *why, size_t size);
/* One parked push. 0, ERR_NOTFOUND, ERR_NOMEM, ERR_FORMAT. shelf_release() it. */
int	shelf_parked(struct gitrepo *, const char *request, struct shelf_item *);
/* Each of them; the item is released after the call. 0 or ERR_DENIED. */
int	shelf_each_parked(struct gitrepo *, void (*take)(const struct shelf_item *, void *arg), void *arg);
/*
 * Move the references where the push meant them to be, all or none: each must still be what the push was made on. What they
 * were is kept at this time, when keep says so. Lines for a human go to out. 0, or ERR_DENIED: out says why.
 */
int	shelf_land(struct gitrepo *, const struct shelf_item *, bool keep, int64_t at, struct buf *out);
/* Drop a parked push. 0, or ERR_DENIED: out says why. */
int	shelf_drop(struct gitrepo *, const struct shelf_item *, struct buf *out);

#endif
