/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/pktline.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/limits.h"

#define HEAD		4
#define BAND_DATA	(PKTLINE_MAX - HEAD - 1)

struct pktline_reader {
	size_t	 max;		/* longest data */
	size_t	 need;		/* of the whole line, once the head is there */
	size_t	 have;		/* bytes in line, from an earlier feed */
	uint8_t	*line;		/* owned; HEAD + max bytes */
};

struct pktline_reader *
pktline_reader_new(size_t max)
{
	struct pktline_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->max = max;
	if ((r->line = malloc(HEAD + max)) == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
pktline_reader_free(struct pktline_reader *r)
{
	if (r == NULL)
		return;
	free(r->line);
	free(r);
}

bool
pktline_reader_is_inside(const struct pktline_reader *r)
{
	return r->have > 0;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The length in the head: 0, 1, 2 (special packets), 4 and up, or ERR_FORMAT. */
static int
head_length(const uint8_t *p)
{
	int n = 0;

	for (int i = 0; i < HEAD; i++) {
		int d = hex_digit(p[i]);

		if (d == -1)
			return ERR_FORMAT;
		n = n << 4 | d;
	}
	return n == 3 || n > PKTLINE_MAX ? ERR_FORMAT : n;
}

int
pktline_feed(struct pktline_reader *r, const uint8_t *p, size_t n, size_t *usedp, struct pktline *line)
{
	static const enum pktline_type special[] = { PKTLINE_FLUSH, PKTLINE_DELIM, PKTLINE_END };
	size_t take;
	int length;

	*usedp = 0;
	if (r->have < HEAD) {
		take = n < HEAD - r->have ? n : HEAD - r->have;
		if (take > 0)
			memcpy(r->line + r->have, p, take);
		r->have += take;
		*usedp = take;
		if (r->have < HEAD)
			return ERR_SHORT;
		if ((length = head_length(r->line)) < 0)
			return length;
		if (length < HEAD) {
			r->have = 0;
			*line = (struct pktline){ .type = special[length], .data = r->line, .len = 0 };
			return 0;
		}
		if ((size_t)length - HEAD > r->max)
			return ERR_TOOBIG;
		r->need = (size_t)length;
	}
	take = n - *usedp < r->need - r->have ? n - *usedp : r->need - r->have;
	if (take > 0)
		memcpy(r->line + r->have, p + *usedp, take);
	r->have += take;
	*usedp += take;
	if (r->have < r->need)
		return ERR_SHORT;
	r->have = 0;
	*line = (struct pktline){ .type = PKTLINE_DATA, .data = r->line + HEAD, .len = r->need - HEAD };
	return 0;
}

/* Room for one line with n bytes of data; its head is written. */
static int
pktline_begin(struct buf *b, size_t n, uint8_t **pp)
{
	static const char digits[] = "0123456789abcdef";
	size_t length = n + HEAD;
	uint8_t *p;
	int r;

	if (length > PKTLINE_MAX)
		return ERR_TOOBIG;
	if ((r = buf_reserve(b, length, &p)) != 0)
		return r;
	for (int i = 0; i < HEAD; i++)
		p[i] = (uint8_t)digits[length >> (12 - 4 * i) & 15];
	*pp = p + HEAD;
	return 0;
}

int
pktline_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *dst;
	int r;

	if ((r = pktline_begin(b, n, &dst)) == 0 && n > 0)
		memcpy(dst, p, n);
	return r;
}

int
pktline_putf(struct buf *b, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return ERR_NOMEM;
	r = pktline_put(b, text, (size_t)n);
	free(text);
	return r;
}

int
pktline_flush(struct buf *b)
{
	return buf_put(b, "0000", HEAD);
}

int
pktline_band(struct buf *b, uint8_t band, const void *p, size_t n)
{
	const uint8_t *src = p;
	uint8_t *dst;
	int r;

	do {
		size_t piece = n < BAND_DATA ? n : BAND_DATA;

		if ((r = pktline_begin(b, piece + 1, &dst)) != 0)
			return r;
		dst[0] = band;
		if (piece > 0) {
			memcpy(dst + 1, src, piece);
			src += piece;
			n -= piece;
		}
	} while (n > 0);
	return 0;
}
