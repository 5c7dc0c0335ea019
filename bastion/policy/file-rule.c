/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on files of a target. Paths come here absolute and without "..": what they lead to is the caller's to find out. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/policy.h"

/* Whether the pattern is a folder with all that is below it, and the path is that folder or below it. */
static bool
pattern_covers(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);
	char *folder;
	bool is;

	if (n < 3 || strcmp(pattern + n - 3, "/**") != 0)
		return false;
	if (match_path(pattern, path))
		return true;
	folder = xstrndup(pattern, n == 3 ? 1 : n - 3);
	is = match_path(folder, path);
	free(folder);
	return is;
}

/* Who may be in a whole folder may look at the folder too: nobody can work where he cannot enter. */
static bool
pattern_meets(const char *pattern, const struct request *req, const char *path, bool tree)
{
	bool looks = req->file_op == FILE_LIST || req->file_op == FILE_STAT;

	return match_path(pattern, path) || (looks && pattern_covers(pattern, path)) ||
	    (tree && match_path_below(pattern, path));
}

/*
 * A folder that is moved takes along what is below it. A denial that could be about something in there holds for all of it,
 * unless the rule leaves the whole folder out; a permission that leaves out something in there is none.
 */
static bool
path_meets(const struct rule *r, const struct request *req, const char *path)
{
	bool tree = req->tree && r->what == DECISION_DENY, in = r->paths.n == 0;

	for (size_t i = 0; !in && i < r->paths.n; i++)
		in = pattern_meets(r->paths.v[i], req, path, tree);
	return in;
}

static bool
path_is_left_out(const struct rule *r, const struct request *req, const char *path)
{
	bool whole = req->tree && r->what == DECISION_DENY;

	for (size_t i = 0; i < r->not_paths.n; i++)
		if (whole ? pattern_covers(r->not_paths.v[i], path) : pattern_meets(r->not_paths.v[i], req, path, req->tree))
			return true;
	return false;
}

/* The same path as seen from the home folder, "~/x", or NULL when it is not in there. The caller frees. */
static char *
path_from_home(const struct request *req)
{
	size_t n = req->home == NULL ? 0 : strlen(req->home);

	if (n < 2 || strncmp(req->path, req->home, n) != 0 || (req->path[n] != '\0' && req->path[n] != '/'))
		return NULL;
	return xasprintf("~%s", req->path + n);
}

bool
file_rule_meets(const struct rule *r, const struct request *req)
{
	char *home;
	bool meets;

	if ((r->ops & 1u << req->file_op) == 0)
		return false;
	if (req->path == NULL)	/* a path that is not known: a denial is possible, a permission is not certain */
		return r->what == DECISION_DENY || (r->paths.n == 0 && r->not_paths.n == 0);
	home = path_from_home(req);
	meets = (path_meets(r, req, req->path) || (home != NULL && path_meets(r, req, home))) &&
	    !path_is_left_out(r, req, req->path) && (home == NULL || !path_is_left_out(r, req, home));
	free(home);
	return meets;
}
