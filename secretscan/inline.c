/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/inline.h"

#include <string.h>

/* Bytes of a line that are looked at on either side: a comment is near, and some lines are megabytes long. */
#define REACH	1024

/* Ours can name rules, `secretscan:allow RULE RULE`; the others are those of tools that people come from. */
static const char *const markers[] = {
	"secretscan:allow", "gitleaks:allow", "pragma: allowlist secret", "trufflehog:ignore", "nosec", "ggignore",
};
static const char next_line[] = "pragma: allowlist nextline secret";

static const uint8_t *
find(const uint8_t *p, size_t n, const char *marker)
{
	return memmem(p, n, marker, strlen(marker));
}

static bool
is_rule_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* The words after our own marker: none of them, or this rule among them. Other words end the list. */
static bool
names_rule(const uint8_t *p, const uint8_t *end, const char *rule)
{
	bool any = false;

	while (p < end) {
		const uint8_t *word;

		while (p < end && (*p == ' ' || *p == ','))
			p++;
		for (word = p; p < end && is_rule_byte(*p); p++)
			;
		if (p == word || memchr(word, '-', (size_t)(p - word)) == NULL || *word == '-')
			break;
		if (strlen(rule) == (size_t)(p - word) && memcmp(word, rule, (size_t)(p - word)) == 0)
			return true;
		any = true;
	}
	return !any;
}

static size_t
line_start(const uint8_t *p, size_t at)
{
	size_t from = at > REACH ? at - REACH : 0;
	const uint8_t *nl = memrchr(p + from, '\n', at - from);

	return nl != NULL ? (size_t)(nl - p) + 1 : from;
}

bool
inline_allows(const uint8_t *p, size_t n, size_t start, size_t end, const char *rule)
{
	size_t from = line_start(p, start), most = n - end < REACH ? n - end : REACH, to, before;
	const uint8_t *nl = memchr(p + end, '\n', most), *hit;

	to = nl != NULL ? (size_t)(nl - p) : end + most;
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		if ((hit = find(p + from, to - from, markers[i])) == NULL)
			continue;
		if (i > 0 || names_rule(hit + strlen(markers[0]), p + to, rule))
			return true;
	}
	if (from == 0 || p[from - 1] != '\n')
		return false;
	before = line_start(p, from - 1);
	return find(p + before, from - before, next_line) != NULL;
}
