/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfsjob: the keepers of LFS objects (gitfilter/lfskeep_msg.h) that the parent starts: for a session that transfers objects,
 * and for a push that names some.
 */
#ifndef BASTION_LFSJOB_H
#define BASTION_LFSJOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon;
struct lfsjob;
struct peer;

/* For a session: it gets the link (MONITOR_FD_LEG), or false and why not. */
bool	lfsjob_open(struct peer *, uint32_t id, const char *upstream, const char *repo, bool upload, const char **errorp);
/* Take the keeper with this id away, if there is one. */
void	lfsjob_end(struct peer *, uint32_t id);
void	lfsjob_end_all(struct peer *);

/* For a push of this peer's: *fdp is the inspector's end of the link. NULL and why not. The caller frees it. */
struct lfsjob	*lfsjob_for_push(struct peer *, const char *upstream, const char *repo, int *fdp, const char **errorp);
/* Move what the inspector was told to be held into the repository; fn hears once how that went. */
typedef void	(*lfsjob_fn)(bool ok, uint32_t objects, void *arg);
void	lfsjob_promote(struct lfsjob *, lfsjob_fn fn, void *arg);
void	lfsjob_free(struct lfsjob *);		/* NULL is fine */

/* A child has ended; true when it was one of these. */
bool	lfsjob_ended(struct daemon *, pid_t);

#endif
