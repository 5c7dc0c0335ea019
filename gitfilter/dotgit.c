/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/dotgit.h"

#include <string.h>
#include <strings.h>

/* The name, and how the short names begin that Windows makes of it: six letters of it, and when those are taken four digits
 * of a hash after two letters. */
static const struct {
	const char	*name, *shortened, *hashed;
} names[DOTGIT_NAMES] = {
	[DOTGIT] = { ".git", "git", "git" },
	[DOTGIT_MODULES] = { ".gitmodules", "gitmod", "gi7eba" },
	[DOTGIT_ATTRIBUTES] = { ".gitattributes", "gitatt", "gi7d29" },
	[DOTGIT_IGNORE] = { ".gitignore", "gitign", "gi250a" },
	[DOTGIT_MAILMAP] = { ".mailmap", "mailma", "maba30" },
};

#define LONGEST	14	/* .gitattributes */

/* Characters that HFS+ leaves out when it compares names: U+200C..U+200F, U+202A..U+202E, U+206A..U+206F, U+FEFF. */
static size_t
hfs_ignored(const uint8_t *p, size_t n)
{
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 &&
	    ((p[2] >= 0x8c && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
		return 3;
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xaa && p[2] <= 0xaf)
		return 3;
	return n >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

static bool
is_hfs(const char *name, const uint8_t *p, size_t n)
{
	char plain[LONGEST];
	size_t len = 0;

	for (size_t i = 0, skip; i < n; i += skip) {
		if ((skip = hfs_ignored(p + i, n - i)) > 0)
			continue;
		skip = 1;
		if (len == sizeof(plain))
			return false;
		plain[len++] = (char)p[i];
	}
	return len == strlen(name) && strncasecmp(plain, name, len) == 0;
}

/* Nothing but what Windows drops. */
static bool
is_dropped(const uint8_t *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '.')) {
		p++;
		n--;
	}
	return n == 0 || *p == ':';
}

/* "GITMOD~1", "GI7EBA~12", "GI7E~1234": a tilde and digits after enough of the beginning. */
static bool
is_short(const char *begin, size_t least, const uint8_t *p, size_t n)
{
	size_t len = 0, digits = 0;

	while (len < strlen(begin) && len < n && strncasecmp((const char *)p + len, begin + len, 1) == 0)
		len++;
	if (len < least || len == n || p[len] != '~')
		return false;
	len++;
	while (len + digits < n && p[len + digits] >= '0' && p[len + digits] <= '9')
		digits++;
	return digits > 0 && p[len] != '0' && is_dropped(p + len + digits, n - len - digits);
}

static bool
is_ntfs(enum dotgit which, const uint8_t *p, size_t n)
{
	const char *name = names[which].name;
	size_t len = strlen(name);

	if (n >= len && strncasecmp((const char *)p, name, len) == 0 && is_dropped(p + len, n - len))
		return true;
	return is_short(names[which].shortened, strlen(names[which].shortened), p, n) ||
	    is_short(names[which].hashed, which == DOTGIT ? 3 : 2, p, n);
}

bool
dotgit_is(enum dotgit which, const uint8_t *p, size_t n)
{
	/* Every part between backslashes counts as a name. */
	for (size_t i = 0; i <= n;) {
		const uint8_t *cut = n > i ? memchr(p + i, '\\', n - i) : NULL;
		size_t len = cut == NULL ? n - i : (size_t)(cut - (p + i));

		if (is_ntfs(which, p + i, len))
			return true;
		i += len + 1;
	}
	return is_hfs(names[which].name, p, n);
}
