/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No grammar is needed: the union over all literals and classes, wherever they stand, is a superset. Counts and the
 * words of groups are skipped, anything else of a special meaning gives up.
 */
#include "secretscan/pattern.h"

#include <string.h>

#include "secretscan/rule.h"

static void
add_range(struct byteset *set, int from, int to)
{
	for (int c = from; c <= to; c++)
		byteset_add(set, (uint8_t)c);
}

/* After a backslash; the byte that was added alone, -1 if it was a class, -2 if not understood. */
static int
escape(const char **pp, struct byteset *set)
{
	char c = **pp;

	if (c == '\0')
		return -2;
	(*pp)++;
	if (c == 'd' || c == 'w') {
		add_range(set, '0', '9');
		if (c == 'd')
			return -1;
		add_range(set, 'A', 'Z');
		add_range(set, 'a', 'z');
		byteset_add(set, '_');
		return -1;
	}
	if (c == 's') {
		add_range(set, '\t', '\r');
		byteset_add(set, ' ');
		return -1;
	}
	if (strchr("bB", c) != NULL)
		return -1;
	/* Other letters and digits have a meaning; all else stands for itself. */
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return -2;
	byteset_add(set, (uint8_t)c);
	return (uint8_t)c;
}

/* One member of a class, as escape() answers. */
static int
member(const char **pp, struct byteset *set)
{
	char c = *(*pp)++;

	if (c == '\\')
		return **pp == 'b' ? -2 : escape(pp, set);
	if (c == '[' && (**pp == ':' || **pp == '.' || **pp == '='))
		return -2;
	byteset_add(set, (uint8_t)c);
	return (uint8_t)c;
}

/* After the opening bracket. */
static bool
class(const char **pp, struct byteset *set)
{
	bool first = true;

	if (**pp == '^')
		return false;
	for (; **pp != ']' || first; first = false) {
		int from, to;

		if (**pp == '\0' || (from = member(pp, set)) == -2)
			return false;
		if (**pp != '-' || (*pp)[1] == ']' || (*pp)[1] == '\0')
			continue;
		(*pp)++;
		if ((to = member(pp, set)) < 0 || from < 0)
			return false;
		add_range(set, from, to);
	}
	(*pp)++;
	return true;
}

/* After the opening parenthesis: what kind of group it is. */
static bool
group(const char **pp)
{
	static const char *const kinds[] = { "?:", "?=", "?!", "?<=", "?<!", "?>" };

	if (**pp == '*')
		return false;
	if (**pp != '?')
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i]);

		if (strncmp(*pp, kinds[i], n) == 0) {
			*pp += n;
			return true;
		}
	}
	return false;
}

static bool
walk(const char *p, struct byteset *set)
{
	while (*p != '\0') {
		char c = *p++;

		switch (c) {
		case '\\':
			if (escape(&p, set) == -2)
				return false;
			break;
		case '[':
			if (!class(&p, set))
				return false;
			break;
		case '(':
			if (!group(&p))
				return false;
			break;
		case '.':
			return false;
		case ')':
		case '|':
		case '^':
		case '$':
		case '*':
		case '+':
		case '?':
			break;
		case '{':
			if (*p < '0' || *p > '9')
				return false;
			p += strspn(p, "0123456789,");
			if (*p++ != '}')
				return false;
			break;
		default:
			byteset_add(set, (uint8_t)c);
		}
	}
	return true;
}

void
pattern_bytes(const char *pattern, bool caseless, struct byteset *set)
{
	memset(set, 0, sizeof(*set));
	if (!walk(pattern, set)) {
		memset(set, 0xff, sizeof(*set));
		return;
	}
	for (int c = 'a'; c <= 'z' && caseless; c++) {
		if (byteset_has(set, (uint8_t)c))
			byteset_add(set, (uint8_t)(c - 32));
		if (byteset_has(set, (uint8_t)(c - 32)))
			byteset_add(set, (uint8_t)c);
	}
}
