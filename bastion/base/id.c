/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/id.h"

#include <sodium.h>
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

	return n >= 1 && n <= max && s[0] != '-' && s[0] != '/' && strspn(s, ok) == n && strstr(s, "..") == NULL &&
	    strstr(s, "//") == NULL;
}

/* Length of a bidi or C1 control in UTF-8 at p, or 0. */
static size_t
control_utf8(const unsigned char *p, size_t n)
{
	if (n >= 2 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae)))
		return 3;
	if (n >= 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
		return 3;
	return 0;
}

char *
text_printable(const void *data, size_t n)
{
	const unsigned char *p = data;
	char *out = xmalloc(n * 4 + 1), *d = out;

	for (size_t i = 0; i < n;) {
		size_t k = control_utf8(p + i, n - i);

		if (k == 0 && (p[i] < 0x20 || p[i] == 0x7f))
			k = 1;
		if (k == 0)
			*d++ = (char)p[i++];
		for (; k > 0; k--, i++)
			d += snprintf(d, 5, "\\x%02x", p[i]);
	}
	*d = '\0';
	return out;
}
