/* SPDX-License-Identifier: Apache-2.0 */
/* shelf_int: what the files of the shelf share. */
#ifndef GITFILTER_SHELF_INT_H
#define GITFILTER_SHELF_INT_H

#include "gitfilter/shelf.h"

#define SHELF_NAME_MAX	(REF_NAME_MAX + 128)
#define SHELF_LINES_MAX	(4 * 1024 * 1024)	/* of one transaction */

/* The name under which a command's old tip is kept, into SHELF_NAME_MAX bytes. 0 or ERR_TOOBIG. */
int	shelf_name(char *out, enum shelf_area, const char *request, int64_t at, const char *new, const char *name);

#endif
