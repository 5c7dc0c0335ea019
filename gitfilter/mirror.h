/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mirror: our bare copy of one repository of an upstream, UPSTREAM_DIR/NAME.git with '%' for each '/' of its name. Agents are
 * served from it and pushes are judged against it; it follows the upstream and is never ahead of it.
 *
 *	mirror_enter -> mirror_open_repo -> remote_open -> mirror_follow	before it is served, or a push is taken
 *	mirror_push								what was inspected, to the upstream, and then here
 *
 * Several processes work on one mirror. One at a time fetches (update.lock); a push's objects lie in a folder of its own,
 * incoming-*, until the upstream has taken them, and what a killed process left there is removed by the next fetch.
 */
#ifndef GITFILTER_MIRROR_H
#define GITFILTER_MIRROR_H

#include <stdbool.h>
#include <stddef.h>

struct gitrepo;
struct gitstore_params;
struct remote;
struct remote_place;
struct remote_talk;

#define MIRROR_POOL	"../.pool"	/* where the sockets of SSH connections are, from a mirror's folder */

/* Make the mirror of this repository the current folder, and the folder if need be. 0, ERR_FORMAT, ERR_SYSTEM, with why. */
int	mirror_enter(const char *upstream_dir, const char *name, char *why, size_t size);
/* The repository in the current folder, made on first use. The caller closes it. 0 or ERR_DENIED with why. */
int	mirror_open_repo(struct gitrepo **repop, char *why, size_t size);

/*
 * Bring it up to date with what the upstream advertises in this conversation: nothing to do but to compare when nothing
 * has changed, else one `git fetch`. 0, or ERR_DENIED, ERR_NOTFOUND, ERR_EXPIRED, ERR_SYSTEM with why.
 */
int	mirror_follow(struct gitrepo *, const struct remote_place *, struct remote *, char *why, size_t size);

/*
 * Push what is in the spool (an order as push_order writes it, and its pack). Each step is refused by itself: the upstream's
 * references must be where the order says, the pack must be whole and every object it names be in it or here (fsck), an
 * update must be forward unless it may be forced. Then exactly these bytes go to the upstream, atomically where it can and
 * there are several references, with the old ids as the compare-and-swap; then the mirror takes what the upstream took.
 * *rp is the conversation to use; one that is NULL or old is replaced. 0: talk->report says for each reference how it went.
 * Otherwise one line in why; nothing has changed upstream unless it says that this is not known.
 */
int	mirror_push(struct gitrepo *, const struct remote_place *, struct remote **rp, const struct gitstore_params *,
	    struct remote_talk *, char *why, size_t size);

#endif
