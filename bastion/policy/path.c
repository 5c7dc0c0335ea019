/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/path.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"

char *
path_canon(const char *cwd, const char *name, bool tilde)
{
	bool home = tilde && name[0] == '~', absolute = name[0] == '/';
	char *joined, *out, *to, *base, *save, *part;

	if (home && name[1] != '\0' && name[1] != '/')
		return NULL;
	joined = home || absolute ? xstrdup(name) : xasprintf("%s/%s", cwd, name);
	out = xmalloc(strlen(joined) + 2);
	/* base is where ".." stops: at the root it stays there, at the home folder it leaves what is known. */
	to = out;
	save = joined;
	if (joined[0] == '~') {
		*to++ = '~';
		save++;
	}
	base = to;
	while ((part = strsep(&save, "/")) != NULL) {
		if (*part == '\0' || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			if (to == base && base != out) {
				free(out);
				free(joined);
				return NULL;
			}
			while (to > base && *--to != '/')
				;
			continue;
		}
		*to++ = '/';
		memcpy(to, part, strlen(part));
		to += strlen(part);
	}
	if (to == out)
		*to++ = '/';
	*to = '\0';
	free(joined);
	return out;
}

bool
path_may_meet(const char *pattern, const char *glob)
{
	for (;; pattern++, glob++) {
		if (strchr("*?[", *glob) != NULL && *glob != '\0')
			return true;
		if (*pattern == '*' || *pattern == '?')
			return true;
		if (*pattern != *glob)
			return false;
		if (*pattern == '\0')
			return true;
	}
}

bool
path_glob_is_tame(const char *glob)
{
	for (;;) {
		size_t n = strcspn(glob, "/");

		if (memchr(glob, '[', n) != NULL)
			return false;
		if (glob[0] == '.' && (memchr(glob, '*', n) != NULL || memchr(glob, '?', n) != NULL))
			return false;
		if (glob[n] == '\0')
			return true;
		glob += n + 1;
	}
}
