/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/context.h"

#include <string.h>

#include "secretscan/ascii.h"
#include "secretscan/limits.h"
#include "secretscan/nouns.h"

#define BLOB_MIN	48	/* more than a path or a name has without a dot or a dash */
#define QUOTES_MAX	8	/* spaces, quotes and their escapes between a connector and its value */

/* Words after which a value follows with nothing but a space between. */
static const struct {
	const char	*word;
	size_t		 len;
} connectors[] = {
#define CONNECTOR(text)	{ text, sizeof(text) - 1 }
	CONNECTOR("bearer"), CONNECTOR("basic"), CONNECTOR("token"), CONNECTOR("key"), CONNECTOR("secret"), CONNECTOR("apikey"), CONNECTOR("password"),
	CONNECTOR("is"), CONNECTOR("with"),
};

enum {
	WORD = 1,		/* letters, digits and _ */
	SIGN = 2,		/* no token holds these */
};

static const uint8_t kinds[256] = {
	['0'] = WORD, ['1'] = WORD, ['2'] = WORD, ['3'] = WORD, ['4'] = WORD, ['5'] = WORD, ['6'] = WORD, ['7'] = WORD,
	['8'] = WORD, ['9'] = WORD, ['_'] = WORD,
#define BOTH(lower, upper)	[lower] = WORD, [upper] = WORD
	BOTH('a', 'A'), BOTH('b', 'B'), BOTH('c', 'C'), BOTH('d', 'D'), BOTH('e', 'E'), BOTH('f', 'F'), BOTH('g', 'G'),
	BOTH('h', 'H'), BOTH('i', 'I'), BOTH('j', 'J'), BOTH('k', 'K'), BOTH('l', 'L'), BOTH('m', 'M'), BOTH('n', 'N'),
	BOTH('o', 'O'), BOTH('p', 'P'), BOTH('q', 'Q'), BOTH('r', 'R'), BOTH('s', 'S'), BOTH('t', 'T'), BOTH('u', 'U'),
	BOTH('v', 'V'), BOTH('w', 'W'), BOTH('x', 'X'), BOTH('y', 'Y'), BOTH('z', 'Z'),
	['?'] = SIGN, ['#'] = SIGN, ['!'] = SIGN, ['^'] = SIGN, ['*'] = SIGN,
};

static bool
is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_letter(uint8_t c)
{
	return is_lower(c | 0x20);
}

static bool
is_word_byte(uint8_t c)
{
	return kinds[c] == WORD;
}

bool
context_is_word(const uint8_t *p, size_t at)
{
	return at == 0 || !is_letter(p[at - 1]) || (is_lower(p[at - 1]) && !is_lower(p[at]));
}

bool
context_is_start(const uint8_t *p, size_t at)
{
	if (at == 0)
		return true;
	if (kinds[p[at - 1]] == 0)
		return true;
	/* What goes on after a sign that no token has is the rest of something else. */
	return kinds[p[at - 1]] == SIGN && (at == 1 || !is_word_byte(p[at - 2]));
}

static bool
ends_in_connector(const uint8_t *p, size_t n)
{
	size_t from = n;

	while (from > 0 && is_letter(p[from - 1]))
		from--;
	/* The last part of a path, as in a list of packages. */
	if (from > 0 && p[from - 1] == '/')
		return false;
	for (size_t w = 0; w < sizeof(connectors) / sizeof(connectors[0]); w++) {
		if (connectors[w].len == n - from && connectors[w].word[0] == (p[from] | 0x20) &&
		    ascii_same(p + from, connectors[w].word, n - from))
			return true;
	}
	return false;
}

/* Text of an element that is named for a secret, as in <secret>{id value}</secret>. */
static bool
is_in_element(const uint8_t *p, size_t from, size_t at)
{
	const uint8_t *close = memrchr(p + from, '>', at - from), *open;
	size_t n;

	if (close == NULL)
		return false;
	n = (size_t)(p + at - close);
	if (memchr(close, '<', n) != NULL || memchr(close, '\n', n) != NULL)
		return false;
	open = memrchr(p + from, '<', (size_t)(close - p) - from);
	return open != NULL && open[1] != '/' && nouns_within(open + 1, (size_t)(close - open));
}

static bool
is_quote(uint8_t c)
{
	return c == ' ' || c == '"' || c == '\'' || c == '\t' || c == '`' || c == '\\' || c == '{';
}

static bool
is_assignment(uint8_t c)
{
	return c == '=' || c == ':' || c == '>';
}

static bool
is_connector(uint8_t c)
{
	return is_assignment(c) || c == '(' || c == ',' || c == '[' || c == '|' || c == '&' || c == '?';
}

/* Is the name before a value, as in `"sha": "`, that of something computed and public? */
static bool
names_digest(const uint8_t *p, size_t n)
{
	static const char *const digests[] = {
		"sha", "sha1", "sha256", "sha512", "md5", "digest", "checksum", "hash", "integrity", "etag", "commit", "revision",
		"rev", "reference", "ref", "oid", "blob", "tree", "parent", "fingerprint", "thumbprint", "resolved", "sum",
		"version", "githead", "shasum", "sha1sum", "sha256sum", "sha512sum", "md5sum", "changeset", "uuid", "guid",
	};
	size_t end = n, from;

	while (end > 0 && !is_word_byte(p[end - 1]))
		end--;
	for (from = end; from > 0 && is_word_byte(p[from - 1]) && p[from - 1] != '_'; from--)
		;
	for (size_t w = 0; w < sizeof(digests) / sizeof(digests[0]); w++) {
		if (strlen(digests[w]) == end - from && ascii_same(p + from, digests[w], end - from))
			return true;
	}
	return false;
}

bool
context_is_blob(const uint8_t *p, size_t at)
{
	size_t run = 0;

	while (run < BLOB_MIN && run < at && (is_word_byte(p[at - run - 1]) || p[at - run - 1] == '+' || p[at - run - 1] == '/') &&
	    p[at - run - 1] != '_')
		run++;
	return run == BLOB_MIN;
}

bool
context_is_value(const uint8_t *p, size_t at)
{
	size_t from = at > SS_CONTEXT ? at - SS_CONTEXT : 0, end = at;

	while (end > from && at - end < QUOTES_MAX && is_quote(p[end - 1]))
		end--;
	if (is_in_element(p, from, at))
		return true;
	if (end == from)
		return false;
	if (!is_connector(p[end - 1]) && !ends_in_connector(p + from, end - from))
		return false;
	return nouns_within(p + from, end - from) && !names_digest(p + from, end - from);
}

bool
context_is_given(const uint8_t *p, size_t from, size_t at)
{
	bool assigned = false;

	if (at - from > QUOTES_MAX)
		return false;
	for (; from < at; from++) {
		if (!is_quote(p[from]) && !is_assignment(p[from]))
			return false;
		assigned = assigned || is_assignment(p[from]);
	}
	return assigned;
}

/* Whatever name is given a value here. */
static bool
is_assigned(const uint8_t *p, size_t at)
{
	size_t from = at;

	while (from > 0 && at - from < QUOTES_MAX && (is_quote(p[from - 1]) || is_assignment(p[from - 1])))
		from--;
	return context_is_given(p, from, at);
}

bool
context_may_hold_value(const uint8_t *p, size_t at, size_t end)
{
	const uint8_t *equals = memchr(p + at, '=', end - at);

	/* Of token bytes a value follows on `=` alone, and an element that holds the run's start holds all of it. */
	return (equals != NULL && (size_t)(p + end - equals) > SS_TOKEN_MIN) || context_is_value(p, at) || is_assigned(p, at);
}
