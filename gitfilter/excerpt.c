/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/excerpt.h"

#include <stdbool.h>
#include <string.h>

#include "bastion/base/buf.h"

#define EXCERPT_MAX	4096

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Where to begin: at the line's begin, or so far away that no word is cut, which could be half of a secret. */
static size_t
excerpt_from(const uint8_t *p, size_t start)
{
	size_t from = start;

	while (from > 0 && p[from - 1] != '\n' && start - from < EXCERPT_SIDE)
		from--;
	if (from == 0 || p[from - 1] == '\n')
		return from;
	while (from < start && !is_blank(p[from]))
		from++;
	return from;
}

static size_t
excerpt_to(const uint8_t *p, size_t n, size_t end)
{
	size_t to = end;

	while (to < n && p[to] != '\n' && to - end < EXCERPT_SIDE)
		to++;
	if (to == n || p[to] == '\n')
		return to;
	while (to > end && !is_blank(p[to - 1]))
		to--;
	return to;
}

/* The hole that this byte is in, the one that reaches farthest; NULL = none. */
static const struct excerpt_hole *
hole_at(const struct excerpt_hole *holes, size_t nholes, size_t at)
{
	const struct excerpt_hole *found = NULL;

	for (size_t i = 0; i < nholes; i++)
		if (holes[i].start <= at && at < holes[i].end && (found == NULL || holes[i].end > found->end))
			found = &holes[i];
	return found;
}

char *
excerpt_make(const uint8_t *p, size_t n, const struct excerpt_hole *holes, size_t nholes, size_t which)
{
	const struct excerpt_hole *h = &holes[which], *in;
	struct buf *b;
	size_t to;
	char *out;
	int r = 0;

	if (h->start >= h->end || h->end > n || (b = buf_new(EXCERPT_MAX)) == NULL)
		return NULL;
	to = excerpt_to(p, n, (size_t)h->end);
	for (size_t at = excerpt_from(p, (size_t)h->start); r == 0 && at < to;) {
		if ((in = hole_at(holes, nholes, at)) != NULL) {
			r = buf_put(b, in->masked, strlen(in->masked));
			at = (size_t)in->end;
		} else {
			r = buf_put_u8(b, p[at] == '\0' ? '?' : p[at]);
			at++;
		}
	}
	out = r != 0 ? NULL : strndup(buf_len(b) == 0 ? "" : (const char *)buf_ptr(b), buf_len(b));
	buf_free(b);
	return out;
}
