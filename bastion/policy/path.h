/* SPDX-License-Identifier: Apache-2.0 */
/* path: file names as text alone: no disk is looked at, so symbolic links are not seen. */
#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include <stdbool.h>

/*
 * name, seen from the folder cwd, without "//", "." and "..": "/etc/passwd" or "~/src". tilde = a leading ~ is the
 * home folder. NULL when it cannot be told (above the home folder, ~user). The caller frees.
 */
char	*path_canon(const char *cwd, const char *name, bool tilde);
/* Whether a pattern (as match_path) may meet something that a shell pattern expands to. Errs towards yes. */
bool	path_may_meet(const char *pattern, const char *glob);
/* Whether everything a shell pattern expands to has the shape of the pattern itself: no component can become "..". */
bool	path_glob_is_tame(const char *glob);

#endif
