/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/lfspointer.h"

#include <string.h>

#include "gitfilter/limits.h"

bool
lfs_oid_parse(const uint8_t *p, size_t n, uint8_t out[LFS_OID_LEN])
{
	if (n != LFS_OID_HEX)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t d;

		if (p[i] >= '0' && p[i] <= '9')
			d = (uint8_t)(p[i] - '0');
		else if (p[i] >= 'a' && p[i] <= 'f')
			d = (uint8_t)(p[i] - 'a' + 10);
		else
			return false;
		out[i / 2] = i % 2 == 0 ? (uint8_t)(d << 4) : (uint8_t)(out[i / 2] | d);
	}
	return true;
}

void
lfs_oid_format(const uint8_t oid[LFS_OID_LEN], char out[LFS_OID_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < LFS_OID_LEN; i++) {
		out[2 * i] = digits[oid[i] >> 4];
		out[2 * i + 1] = digits[oid[i] & 15];
	}
	out[LFS_OID_HEX] = '\0';
}

bool
lfs_size_parse(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (n == 0 || n > 19)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*out = v;
	return v <= INT64_MAX;
}

struct text {
	const uint8_t	*p;
	size_t		 n;
};

/* White space, as far as any client trims it: all that is not ASCII may be some. */
static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c >= 0x80;
}

/* The next line that is not empty, without its end. */
static bool
next_line(struct text *rest, struct text *line)
{
	do {
		const uint8_t *end = memchr(rest->p, '\n', rest->n);
		size_t n = end == NULL ? rest->n : (size_t)(end - rest->p);

		if (rest->n == 0)
			return false;
		*line = (struct text){ .p = rest->p, .n = n };
		n += end != NULL;
		rest->p += n;
		rest->n -= n;
		while (line->n > 0 && is_space(line->p[line->n - 1]))
			line->n--;
	} while (line->n == 0);
	return true;
}

/* Whether the line is this key and a value; the value is what is left of it. */
static bool
take_key(struct text *line, const char *key)
{
	size_t n = strlen(key);

	if (line->n <= n || memcmp(line->p, key, n) != 0 || line->p[n] != ' ')
		return false;
	line->p += n + 1;
	line->n -= n + 1;
	return true;
}

static bool
is_known_version(const struct text *value)
{
	static const char *const words[] = { "git-lfs", "hawser", "git-media" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(value->p, value->n, words[i], strlen(words[i])) != NULL)
			return true;
	return false;
}

/* Lines of extensions may stand between the others. */
static bool
next_field(struct text *rest, struct text *line)
{
	while (next_line(rest, line))
		if (line->n < 4 || memcmp(line->p, "ext-", 4) != 0)
			return true;
	return false;
}

enum lfs_pointer
lfs_pointer_read(const uint8_t *p, size_t n, struct lfs_object *out)
{
	struct text rest = { .p = p, .n = n < LFS_POINTER_MAX ? n : LFS_POINTER_MAX }, line;

	while (rest.n > 0 && is_space(*rest.p)) {
		rest.p++;
		rest.n--;
	}
	if (!next_line(&rest, &line) || !take_key(&line, "version") || !is_known_version(&line) ||
	    !next_field(&rest, &line) || !take_key(&line, "oid"))
		return LFS_POINTER_NONE;
	if (line.n < 7 || memcmp(line.p, "sha256:", 7) != 0 || !lfs_oid_parse(line.p + 7, line.n - 7, out->oid) ||
	    !next_field(&rest, &line) || !take_key(&line, "size") || !lfs_size_parse(line.p, line.n, &out->size))
		return LFS_POINTER_BAD;
	return LFS_POINTER_GOOD;
}
