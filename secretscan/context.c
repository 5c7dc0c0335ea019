/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/context.h"

#include <string.h>
#include <strings.h>

#include "secretscan/limits.h"

#define BLOB_MIN	48	/* more than a path or a name has without a dot or a dash */
#define QUOTES_MAX	8	/* spaces, quotes and their escapes between a connector and its value */

/* Names of things that are secret. */
static const char *const nouns[] = {
	"key", "token", "secret", "auth", "pass", "pwd", "cred", "api", "bearer", "pat", "sid", "access", "client",
};

/* Words after which a value follows with nothing but a space between. */
static const char *const connectors[] = {
	"bearer", "basic", "token", "key", "secret", "apikey", "password", "is", "with",
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
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

bool
context_is_word(const uint8_t *p, size_t at)
{
	return at == 0 || !is_letter(p[at - 1]) || (is_lower(p[at - 1]) && !is_lower(p[at]));
}

bool
context_is_start(const uint8_t *p, size_t at)
{
	return at == 0 || !is_word_byte(p[at - 1]);
}

static bool
has_noun(const uint8_t *p, size_t n)
{
	for (size_t w = 0; w < sizeof(nouns) / sizeof(nouns[0]); w++) {
		size_t len = strlen(nouns[w]);

		for (size_t i = 0; i + len <= n; i++) {
			if ((p[i] | 0x20) == nouns[w][0] && strncasecmp((const char *)p + i, nouns[w], len) == 0)
				return true;
		}
	}
	return false;
}

static bool
ends_in_connector(const uint8_t *p, size_t n)
{
	size_t from = n;

	while (from > 0 && is_letter(p[from - 1]))
		from--;
	for (size_t w = 0; w < sizeof(connectors) / sizeof(connectors[0]); w++) {
		if (strlen(connectors[w]) == n - from &&
		    strncasecmp((const char *)p + from, connectors[w], n - from) == 0)
			return true;
	}
	return false;
}

/* Text of an element that is named for a secret, as in <secret>{id value}</secret>. */
static bool
is_in_element(const uint8_t *p, size_t from, size_t at)
{
	size_t end = at;

	while (end > from && p[end - 1] != '>') {
		if (p[end - 1] == '<' || p[end - 1] == '\n')
			return false;
		end--;
	}
	at = end;
	while (at > from && p[at - 1] != '<')
		at--;
	return at > from && p[at] != '/' && has_noun(p + at, end - at);
}

/* Is the name before a value, as in `"sha": "`, that of something computed and public? */
static bool
names_digest(const uint8_t *p, size_t n)
{
	static const char *const digests[] = {
		"sha", "sha1", "sha256", "sha512", "md5", "digest", "checksum", "hash", "integrity", "etag", "commit", "revision",
		"rev", "reference", "ref", "oid", "blob", "tree", "parent", "fingerprint", "thumbprint", "resolved", "sum",
	};
	size_t end = n, from;

	while (end > 0 && !is_word_byte(p[end - 1]))
		end--;
	for (from = end; from > 0 && is_word_byte(p[from - 1]) && p[from - 1] != '_'; from--)
		;
	for (size_t w = 0; w < sizeof(digests) / sizeof(digests[0]); w++) {
		if (strlen(digests[w]) == end - from && strncasecmp((const char *)p + from, digests[w], end - from) == 0)
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

	while (end > from && at - end < QUOTES_MAX && p[end - 1] != '\0' && strchr(" \t\"'`\\{", p[end - 1]) != NULL)
		end--;
	if (is_in_element(p, from, at))
		return true;
	if (end == from)
		return false;
	if (strchr("=:>(,[|&?", p[end - 1]) == NULL && !ends_in_connector(p + from, end - from))
		return false;
	return has_noun(p + from, end - from) && !names_digest(p + from, end - from);
}

bool
context_is_given(const uint8_t *p, size_t from, size_t at)
{
	bool assigned = false;

	if (at - from > QUOTES_MAX)
		return false;
	for (; from < at; from++) {
		if (p[from] == '\0' || strchr(" \t\"'`\\{=:>", p[from]) == NULL)
			return false;
		assigned = assigned || strchr("=:>", p[from]) != NULL;
	}
	return assigned;
}
