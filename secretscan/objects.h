/* SPDX-License-Identifier: Apache-2.0 */
/* objects: git objects by their names, through one `git cat-file --batch`. */
#ifndef SECRETSCAN_OBJECTS_H
#define SECRETSCAN_OBJECTS_H

#include <stdbool.h>

#include "secretscan/source.h"

#define OBJECTS_OID_MAX	64	/* hexadecimal digits of SHA-256 */

struct objects;

/* NULL when git cannot be run; the sink was told. */
struct objects		*objects_new(const char *repo, const struct source_sink *);
/* After the last object is handed on. True when git ended well. */
bool			 objects_free(struct objects *);

/*
 * Ask for one object. Sooner or later `it`, which is taken over, is handed to the sink with its bytes added: in the order
 * in which they were asked for, some behind, so that git need not wait for us nor we for git. A commit or tag without a
 * name in it->file gets one, a tree is handed on as the names in it, one a line. False when git does not answer any more:
 * nothing further can be asked for.
 */
bool			 objects_put(struct objects *, const char *oid, struct source_item *it);
/* Hand on all that was asked for. False as above. */
bool			 objects_flush(struct objects *);

#endif
