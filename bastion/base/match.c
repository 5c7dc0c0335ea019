/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/match.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One star of memory is enough: only the last '*' ever needs to take more. */
bool
match_glob(const char *p, const char *s)
{
	const char *star = NULL, *from = NULL;

	while (*s != '\0') {
		if (*p == '*') {
			star = p++;
			from = s;
		} else if (*p == '?' || *p == *s) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star + 1;
			s = ++from;
		} else
			return false;
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

/* Match one component of known length. */
static bool
match_component(const char *p, size_t plen, const char *s, size_t slen)
{
	size_t pi = 0, si = 0, star = SIZE_MAX, from = 0;

	while (si < slen) {
		if (pi < plen && p[pi] == '*') {
			star = pi++;
			from = si;
		} else if (pi < plen && (p[pi] == '?' || p[pi] == s[si])) {
			pi++;
			si++;
		} else if (star != SIZE_MAX) {
			pi = star + 1;
			si = ++from;
		} else
			return false;
	}
	while (pi < plen && p[pi] == '*')
		pi++;
	return pi == plen;
}

/* The same walk as match_glob, a component at a time, with "**" as the star. */
bool
match_path(const char *p, const char *s)
{
	const char *star = NULL, *from = NULL;

	for (;;) {
		size_t plen = strcspn(p, "/"), slen = strcspn(s, "/");

		if (*s == '\0' && *p == '\0')
			return true;
		if (plen == 2 && p[0] == '*' && p[1] == '*') {
			star = p + 2 + (p[2] == '/');
			from = s;
			p = star;
			if (*p == '\0')
				return true;
			continue;
		}
		if (*s != '\0' && *p != '\0' && match_component(p, plen, s, slen) && (p[plen] == '/') == (s[slen] == '/')) {
			p += plen + (p[plen] == '/');
			s += slen + (s[slen] == '/');
			continue;
		}
		if (star == NULL || *from == '\0')
			return false;
		from += strcspn(from, "/");
		if (*from == '\0')
			return false;
		from++;
		s = from;
		p = star;
	}
}

bool
match_path_below(const char *p, const char *s)
{
	for (;;) {
		size_t plen = strcspn(p, "/"), slen = strcspn(s, "/");

		if (*p == '\0')
			return false;
		if (*s == '\0' || (plen == 2 && p[0] == '*' && p[1] == '*'))
			return true;
		if (!match_component(p, plen, s, slen))
			return false;
		p += plen + (p[plen] == '/');
		s += slen + (s[slen] == '/');
	}
}

bool
match_any(const struct strvec *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (match_glob(patterns->v[i], text))
			return true;
	return false;
}
