/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelfjob: what the bastion keeps in hosted repositories (gitfilter/shelf.h): undoing a push, deciding on parked ones, and
 * forgetting what was kept long enough. The git leg does the work; here it is decided who may, recorded before and after, and
 * found among the upstreams.
 */
#ifndef BASTION_SHELFJOB_H
#define BASTION_SHELFJOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon;
struct reviewer;

/* status: what the asking command ends with, 0 = done; text: lines for a human, borrowed. */
typedef void	(*shelf_fn)(uint8_t status, const char *text, void *arg);

enum shelf_verb {
	SHELF_VERB_RESTORE,	/* undo the push of this request id; from the host alone */
	SHELF_VERB_PARKED,	/* list what is parked, or show one */
	SHELF_VERB_RELEASE,
	SHELF_VERB_DROP,
};

struct shelf_request {
	enum shelf_verb		 verb;
	const char		*request;	/* its id; NULL: the list */
	const char		*reason;	/* "" = none given */
	const struct reviewer	*who;
};

/* fn is called once it is done and recorded, or not done; never before this returns. False: too many at once, and no call. */
bool	shelf_do(struct daemon *, const struct shelf_request *, shelf_fn, void *arg);
/* Nobody waits for the answer any more. */
void	shelf_forget(struct daemon *, const void *arg);
/* From now on, and again and again, drop what was kept or parked longer than configured. */
void	shelf_watch(struct daemon *);
/* A child has ended; true when it was one of these. */
bool	shelfjob_ended(struct daemon *, pid_t, int status);

#endif
