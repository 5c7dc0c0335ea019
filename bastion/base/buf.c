/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/err.h"

struct buf {
	uint8_t	*data;		/* owned unless view */
	size_t	 off;		/* first unread byte */
	size_t	 end;		/* one past the last byte */
	size_t	 cap;
	size_t	 max;
	int	 view;
};

struct buf *
buf_new(size_t max)
{
	struct buf *b = calloc(1, sizeof(*b));

	if (b != NULL)
		b->max = max;
	return b;
}

struct buf *
buf_view(const void *p, size_t n)
{
	struct buf *b = calloc(1, sizeof(*b));

	if (b != NULL) {
		b->data = (uint8_t *)(uintptr_t)p;
		b->end = b->cap = b->max = n;
		b->view = 1;
	}
	return b;
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	if (!b->view && b->data != NULL) {
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	free(b);
}

void
buf_clear(struct buf *b)
{
	b->off = b->end = 0;
}

size_t
buf_len(const struct buf *b)
{
	return b->end - b->off;
}

size_t
buf_room(const struct buf *b)
{
	return b->view ? 0 : b->max - buf_len(b);
}

const uint8_t *
buf_ptr(const struct buf *b)
{
	return b->data + b->off;
}

/* Make the unread bytes start at 0 and the space hold n more. */
static int
buf_grow(struct buf *b, size_t n)
{
	size_t len = buf_len(b), cap;
	uint8_t *p;

	if (b->view || n > b->max || len > b->max - n)
		return ERR_TOOBIG;
	if (b->end + n <= b->cap)
		return 0;
	/* Moving pays where as much was consumed as is left; a long queue that is read a piece at a time gets more room instead. */
	if (len + n <= b->cap && (b->off >= len || b->cap >= b->max)) {
		memmove(b->data, b->data + b->off, len);
		b->off = 0;
		b->end = len;
		return 0;
	}
	cap = b->cap < 256 ? 256 : b->cap;
	while (cap < len + n || (cap == b->cap && cap < b->max))
		cap = cap > b->max / 2 ? b->max : cap * 2;
	p = malloc(cap);
	if (p == NULL)
		return ERR_NOMEM;
	if (len > 0)
		memcpy(p, b->data + b->off, len);
	if (b->data != NULL) {
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	b->data = p;
	b->off = 0;
	b->end = len;
	b->cap = cap;
	return 0;
}

int
buf_reserve(struct buf *b, size_t n, uint8_t **pp)
{
	int r;

	if ((r = buf_grow(b, n)) != 0)
		return r;
	*pp = b->data + b->end;
	b->end += n;
	return 0;
}

void
buf_trim(struct buf *b, size_t n)
{
	b->end -= n < buf_len(b) ? n : buf_len(b);
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *dst;
	int r;

	if (n == 0)
		return 0;
	if ((r = buf_reserve(b, n, &dst)) != 0)
		return r;
	memcpy(dst, p, n);
	return 0;
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return buf_put(b, &v, 1);
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t d[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	return buf_put(b, d, sizeof(d));
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	uint8_t d[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	return buf_put(b, d, sizeof(d));
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	uint8_t d[8];

	for (int i = 0; i < 8; i++)
		d[i] = (uint8_t)(v >> (56 - 8 * i));
	return buf_put(b, d, sizeof(d));
}

int
buf_put_string(struct buf *b, const void *p, size_t n)
{
	uint8_t *dst;
	int r;

	if (n > UINT32_MAX - 4)
		return ERR_TOOBIG;
	if ((r = buf_reserve(b, n + 4, &dst)) != 0)
		return r;
	dst[0] = (uint8_t)(n >> 24);
	dst[1] = (uint8_t)(n >> 16);
	dst[2] = (uint8_t)(n >> 8);
	dst[3] = (uint8_t)n;
	if (n > 0)
		memcpy(dst + 4, p, n);
	return 0;
}

int
buf_put_cstring(struct buf *b, const char *s)
{
	return buf_put_string(b, s, s == NULL ? 0 : strlen(s));
}

int
buf_putf(struct buf *b, const char *fmt, ...)
{
	char small[512], *big = NULL;
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return ERR_FORMAT;
	if ((size_t)n < sizeof(small))
		return buf_put(b, small, (size_t)n);
	va_start(ap, fmt);
	n = vasprintf(&big, fmt, ap);
	va_end(ap);
	if (n < 0)
		return ERR_NOMEM;
	r = buf_put(b, big, (size_t)n);
	free(big);
	return r;
}

int
buf_get(struct buf *b, void *p, size_t n)
{
	if (buf_len(b) < n)
		return ERR_SHORT;
	if (n > 0)
		memcpy(p, buf_ptr(b), n);
	b->off += n;
	return 0;
}

int
buf_get_u8(struct buf *b, uint8_t *v)
{
	return buf_get(b, v, 1);
}

int
buf_get_u16(struct buf *b, uint16_t *v)
{
	uint8_t d[2];
	int r;

	if ((r = buf_get(b, d, sizeof(d))) == 0)
		*v = (uint16_t)(d[0] << 8 | d[1]);
	return r;
}

int
buf_get_u32(struct buf *b, uint32_t *v)
{
	uint8_t d[4];
	int r;

	if ((r = buf_get(b, d, sizeof(d))) == 0)
		*v = (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
	return r;
}

int
buf_get_u64(struct buf *b, uint64_t *v)
{
	uint8_t d[8];
	int r;

	if ((r = buf_get(b, d, sizeof(d))) != 0)
		return r;
	*v = 0;
	for (int i = 0; i < 8; i++)
		*v = *v << 8 | d[i];
	return 0;
}

int
buf_peek_string(struct buf *b, const uint8_t **pp, size_t *np)
{
	const uint8_t *p = buf_ptr(b);
	size_t n;

	if (buf_len(b) < 4)
		return ERR_SHORT;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (buf_len(b) - 4 < n)
		return ERR_SHORT;
	*pp = p + 4;
	*np = n;
	b->off += 4 + n;
	return 0;
}

int
buf_get_string(struct buf *b, uint8_t **pp, size_t *np)
{
	const uint8_t *p;
	uint8_t *copy;
	size_t n, off = b->off;
	int r;

	if ((r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	copy = malloc(n + 1);
	if (copy == NULL) {
		b->off = off;
		return ERR_NOMEM;
	}
	memcpy(copy, p, n);
	copy[n] = '\0';
	*pp = copy;
	*np = n;
	return 0;
}

int
buf_get_cstring(struct buf *b, char **sp)
{
	uint8_t *p;
	size_t n, off = b->off;
	int r;

	if ((r = buf_get_string(b, &p, &n)) != 0)
		return r;
	if (memchr(p, '\0', n) != NULL) {
		free(p);
		b->off = off;
		return ERR_FORMAT;
	}
	*sp = (char *)p;
	return 0;
}

int
buf_consume(struct buf *b, size_t n)
{
	if (buf_len(b) < n)
		return ERR_SHORT;
	b->off += n;
	return 0;
}

int
buf_end(const struct buf *b)
{
	return buf_len(b) == 0 ? 0 : ERR_FORMAT;
}

int
buf_read(struct buf *b, int fd, size_t n)
{
	uint8_t *p;
	ssize_t got;
	int r;

	if (n > buf_room(b))
		n = buf_room(b);
	if (n == 0)
		return ERR_TOOBIG;
	if ((r = buf_reserve(b, n, &p)) != 0)
		return r;
	do
		got = read(fd, p, n);
	while (got == -1 && errno == EINTR);
	buf_trim(b, n - (got > 0 ? (size_t)got : 0));
	if (got == 0)
		return ERR_EOF;
	if (got == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_AGAIN : ERR_SYSTEM;
	return 0;
}

int
buf_write(struct buf *b, int fd)
{
	ssize_t n;

	if (buf_len(b) == 0)
		return 0;
	do
		n = write(fd, buf_ptr(b), buf_len(b));
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_AGAIN : ERR_SYSTEM;
	b->off += (size_t)n;
	return 0;
}
