/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "bastion/base/buf.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"

/* Code points that show nothing, or change what others show; text_printable has dealt with C0, C1 and most of bidi. */
static const struct {
	uint32_t	first, last;
} unseen[] = {
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x2800, 0x2800 },
	{ 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0xe0000, 0xe0fff }, { 0xe000, 0xf8ff }, { 0xf0000, 0x10ffff },
};

/* Length of the well-formed UTF-8 sequence at p and its code point, or 0. */
static size_t
utf8_get(const unsigned char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 :
	    p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;

	if (len == 0 || len > n)
		return 0;
	*cp = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	if (*cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return len;
}

static bool
is_unseen(uint32_t cp)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (cp >= unseen[i].first && cp <= unseen[i].last)
			return true;
	return false;
}

char *
plain_line(const void *data, size_t n)
{
	char *first = text_printable(data, n), *out, *d;
	const unsigned char *p = (const unsigned char *)first;
	size_t left = strlen(first);

	d = out = xmalloc(left * 4 + 1);
	while (left > 0) {
		uint32_t cp = 0;
		size_t k = utf8_get(p, left, &cp);
		bool raw = k > 0 && !is_unseen(cp);

		if (k == 0)
			k = 1;
		for (size_t i = 0; i < k; i++)
			if (raw)
				*d++ = (char)p[i];
			else
				d += snprintf(d, 5, "\\x%02x", p[i]);
		p += k;
		left -= k;
	}
	*d = '\0';
	free(first);
	return out;
}

char *
plain_string(const char *s)
{
	return plain_line(s == NULL ? "" : s, s == NULL ? 0 : strlen(s));
}

/* The next line of p without its line feed; how many bytes it took. */
static size_t
next_line(const char *p, size_t n, char **linep)
{
	const char *nl = memchr(p, '\n', n);
	size_t len = nl == NULL ? n : (size_t)(nl - p);

	*linep = plain_line(p, len);
	return nl == NULL ? n : len + 1;
}

char *
plain_text(const void *data, size_t n)
{
	const char *p = data;
	char *out = xmalloc(n * 4 + 1), *d = out;

	while (n > 0) {
		char *line;
		size_t used = next_line(p, n, &line), len = strlen(line);

		memcpy(d, line, len);
		d += len;
		if (p[used - 1] == '\n')
			*d++ = '\n';
		free(line);
		p += used;
		n -= used;
	}
	*d = '\0';
	return out;
}

/* One line in pieces of at most LINE_COLUMNS code points. */
static int
put_pieces(struct buf *out, const char *line)
{
	const char *mark = "  | ";
	int r;

	do {
		size_t len = 0, columns = 0;

		while (line[len] != '\0' && columns < LINE_COLUMNS) {
			len++;
			while (((unsigned char)line[len] & 0xc0) == 0x80)
				len++;
			columns++;
		}
		if ((r = buf_put(out, mark, strlen(mark))) != 0 || (r = buf_put(out, line, len)) != 0 ||
		    (r = buf_put(out, "\n", 1)) != 0)
			return r;
		line += len;
		mark = "  + ";
	} while (*line != '\0');
	return 0;
}

int
plain_block(struct buf *out, const void *data, size_t n)
{
	const char *p = data;
	int r = 0;

	while (n > 0 && r == 0) {
		char *line;
		size_t used = next_line(p, n, &line);

		r = put_pieces(out, line);
		free(line);
		p += used;
		n -= used;
	}
	return r;
}
