/* SPDX-License-Identifier: Apache-2.0 */
/* The index against HEAD, through `git diff --cached --raw -z`: ":OLDMODE NEWMODE OLDOID NEWOID STATUS\0PATH\0". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/child.h"
#include "secretscan/objects.h"
#include "secretscan/source.h"

struct change {
	char	 old_mode[8], new_mode[8];
	char	 old_oid[OBJECTS_OID_MAX + 1], new_oid[OBJECTS_OID_MAX + 1];
	char	 status;
};

static bool
is_blob(const char *mode, const char *oid)
{
	return strcmp(mode, "160000") != 0 && oid[strspn(oid, "0")] != '\0';
}

static bool
put_blob(struct objects *o, const char *oid, const char *path, bool is_old)
{
	struct source_item *it = source_item_new(path);

	it->is_old = is_old;
	return objects_put(o, oid, it);
}

/* The name of a file that is new is text as well. */
static void
put_name(const char *path, const struct source_sink *sink)
{
	struct source_item *it = source_item_new(path);

	it->n = strlen(path);
	it->p = xmemdup(path, it->n);
	sink->item(it, sink->arg);
}

static bool
put_change(struct objects *o, const struct change *c, const char *path, const struct source_sink *sink)
{
	if (!is_blob(c->new_mode, c->new_oid))
		return true;
	if (is_blob(c->old_mode, c->old_oid)) {
		if (!put_blob(o, c->old_oid, path, true))
			return false;
	} else
		put_name(path, sink);
	return put_blob(o, c->new_oid, path, false);
}

void
source_index(const char *repo, const struct source_sink *sink)
{
	static const char *const args[] = { "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames",
	    "--no-ext-diff", "--no-textconv", "--no-relative", "--ignore-submodules=none", NULL };
	struct child diff = { 0 };
	struct objects *o;
	char *field = NULL;
	size_t cap = 0;
	bool ok = true;
	struct change c;

	if ((o = objects_new(repo, sink)) == NULL)
		return;
	if ((errno = child_start(repo, args, &diff)) != 0) {
		sink->error("git", strerror(errno), sink->arg);
		ok = false;
	}
	while (ok && getdelim(&field, &cap, '\0', diff.out) > 0) {
		ok = sscanf(field, ":%7s %7s %64s %64s %c", c.old_mode, c.new_mode, c.old_oid, c.new_oid,
		    &c.status) == 5 && getdelim(&field, &cap, '\0', diff.out) > 0;
		ok = ok && put_change(o, &c, field, sink);
	}
	free(field);
	ok = ok && objects_flush(o);
	ok = child_end(&diff) && ok;
	if (!objects_free(o) || !ok)
		sink->error(repo, "git failed: not everything that is staged was scanned", sink->arg);
}
