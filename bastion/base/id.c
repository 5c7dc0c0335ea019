/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/id.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

static const char id_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
id_make(const char *prefix, size_t n, char out[ID_TEXT])
{
	unsigned char r[ID_TEXT];
	size_t len = strlen(prefix);

	if (len + n + 1 > ID_TEXT)
		fatal("id_make: %s and %zu characters do not fit", prefix, n);
	memcpy(out, prefix, len);
	randombytes_buf(r, n);
	for (size_t i = 0; i < n; i++)
		out[len + i] = id_alphabet[r[i] & 31];
	out[len + n] = '\0';
}

bool
id_is(const char *s, const char *prefix, size_t n)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 && strlen(s) == len + n && strspn(s + len, id_alphabet) == n;
}

bool
name_is_safe(const char *s, size_t max)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@/";
	size_t n = strnlen(s, max + 1);

	if (n < 1 || n > max || s[0] == '-' || s[0] == '/' || s[n - 1] == '/' || strspn(s, ok) != n ||
	    strstr(s, "..") != NULL || strstr(s, "//") != NULL)
		return false;
	/* One name for one thing: with "." components a rule for "a/b" would not see "a/./b". */
	return strncmp(s, "./", 2) != 0 && strstr(s, "/./") == NULL && strcmp(s, ".") != 0 &&
	    !(n >= 2 && strcmp(s + n - 2, "/.") == 0);
}

/* One well-formed character at p: its length and value; 0 when it is not UTF-8. */
static size_t
utf8_decode(const unsigned char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (len == 1) {
		*cp = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	*cp = p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return *cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff) ? 0 : len;
}

/* What moves the cursor, reverses the line, breaks it, or hides in it. */
static bool
is_control(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
		{ 0x2066, 0x2069 }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

char *
text_printable(const void *data, size_t n)
{
	const unsigned char *p = data;
	char *out = xmalloc(n * 4 + 1), *d = out;

	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t len = utf8_decode(p + i, n - i, &cp);
		bool bad = len == 0 || is_control(cp);

		for (len = len == 0 ? 1 : len; len > 0; len--, i++) {
			if (bad)
				d += snprintf(d, 5, "\\x%02x", p[i]);
			else
				*d++ = (char)p[i];
		}
	}
	*d = '\0';
	return out;
}
