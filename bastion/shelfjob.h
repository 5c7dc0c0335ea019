/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelfjob: what the bastion kept in hosted repositories (gitfilter/shelf.h): undoing a push, and forgetting what was kept
 * long enough. The git leg does the work; here it is recorded before and after, and found among the upstreams.
 */
#ifndef BASTION_SHELFJOB_H
#define BASTION_SHELFJOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon;

/* status: what the asking command ends with, 0 = done; text: lines for a human, borrowed. */
typedef void	(*shelf_fn)(uint8_t status, const char *text, void *arg);

/* Undo the push of this request id. fn is called once it is done and recorded, or not done. False: cannot be recorded now. */
bool	shelf_restore_push(struct daemon *, const char *request, const char *who, shelf_fn, void *arg);
/* From now on, and again and again, drop what was kept longer than configured. */
void	shelf_watch(struct daemon *);
/* A child has ended; true when it was one of these. */
bool	shelfjob_ended(struct daemon *, pid_t, int status);

#endif
