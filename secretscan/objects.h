/* SPDX-License-Identifier: Apache-2.0 */
/* objects: git objects by their names, through one `git cat-file --batch`. */
#ifndef SECRETSCAN_OBJECTS_H
#define SECRETSCAN_OBJECTS_H

#include <stdbool.h>

#include "secretscan/source.h"

#define OBJECTS_OID_MAX	64	/* hexadecimal digits of SHA-256 */

struct objects;

enum objects_type {
	OBJECTS_BLOB,
	OBJECTS_TREE,
	OBJECTS_COMMIT,
	OBJECTS_TAG,
	OBJECTS_NONE,		/* missing; the sink was told */
	OBJECTS_DEAD,		/* git does not answer any more; nothing further can be asked for */
};

/* NULL when git cannot be run; the sink was told. */
struct objects		*objects_new(const char *repo, const struct source_sink *);
/* True when git ended well. */
bool			 objects_free(struct objects *);

/*
 * Hand one object to the sink, as `it` with its bytes added; `it` is taken over in every case. A commit or tag without a
 * name in it->file gets one, a tree is handed on as the names in it, one a line.
 */
enum objects_type	 objects_put(struct objects *, const char *oid, struct source_item *it);

#endif
