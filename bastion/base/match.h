/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match: shell-like patterns on names: '*' any run of characters, '?' any one, everything else itself. No brackets, no
 * escapes. Linear in pattern times text, never exponential.
 */
#ifndef BASE_MATCH_H
#define BASE_MATCH_H

#include <stdbool.h>

#include "bastion/base/strvec.h"

bool	match_glob(const char *pattern, const char *text);
/* As match_glob, but '*' and '?' do not match '/', and a whole component "**" matches any number of components. */
bool	match_path(const char *pattern, const char *path);
/* Whether match_path could match something below this path: a pattern "/a/?" for "/a". */
bool	match_path_below(const char *pattern, const char *path);
/* Whether any pattern of the list matches. */
bool	match_any(const struct strvec *patterns, const char *text);

#endif
