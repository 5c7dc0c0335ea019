/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: growable bytes that are born with their ceiling. Bytes are appended at the end and consumed at the front; the
 * getters carry the remaining length, so bytes from outside cannot be read past. Integers are big-endian and strings
 * are a u32 length and the bytes, as in RFC 4251 section 5.
 *
 * Every put returns 0, ERR_TOOBIG (over the ceiling, or the buffer is a view) or ERR_NOMEM, and then has added nothing.
 * Every get returns 0 or ERR_SHORT (fewer bytes than asked for) or ERR_FORMAT, and then has consumed nothing.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

/* An empty buffer that will never hold more than max bytes. NULL = no memory. */
struct buf	*buf_new(size_t max);
/* A read-only view on bytes that stay the caller's and must outlive it. NULL = no memory. */
struct buf	*buf_view(const void *p, size_t n);
/* Overwrites, then frees. NULL is fine. */
void		 buf_free(struct buf *);
void		 buf_clear(struct buf *);

size_t		 buf_len(const struct buf *);
/* How many bytes can still be put. */
size_t		 buf_room(const struct buf *);
/* The unread bytes; valid until the next call that changes the buffer. */
const uint8_t	*buf_ptr(const struct buf *);

int	buf_put(struct buf *, const void *p, size_t n);
int	buf_put_u8(struct buf *, uint8_t);
int	buf_put_u16(struct buf *, uint16_t);
int	buf_put_u32(struct buf *, uint32_t);
int	buf_put_u64(struct buf *, uint64_t);
int	buf_put_string(struct buf *, const void *p, size_t n);
int	buf_put_cstring(struct buf *, const char *s);	/* NULL is the empty string */
int	buf_putf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append n bytes for the caller to fill at *pp (valid until the next change). */
int	buf_reserve(struct buf *, size_t n, uint8_t **pp);
/* Take n bytes off the end again, as after a short read. */
void	buf_trim(struct buf *, size_t n);

int	buf_get(struct buf *, void *p, size_t n);
int	buf_get_u8(struct buf *, uint8_t *);
int	buf_get_u16(struct buf *, uint16_t *);
int	buf_get_u32(struct buf *, uint32_t *);
int	buf_get_u64(struct buf *, uint64_t *);
/* A copy, NUL-ended for comfort (not counted); the caller frees. */
int	buf_get_string(struct buf *, uint8_t **pp, size_t *np);
/* A copy as a C string; ERR_FORMAT when it holds a NUL. The caller frees. */
int	buf_get_cstring(struct buf *, char **sp);
/* Borrow: the pointer is valid until the buffer changes by a put. */
int	buf_peek_string(struct buf *, const uint8_t **pp, size_t *np);
int	buf_consume(struct buf *, size_t n);
/* 0 when every byte has been read, ERR_FORMAT when some are left. */
int	buf_end(const struct buf *);

/* Read once from fd, at most n bytes. 0, ERR_EOF, ERR_AGAIN, ERR_SYSTEM, ERR_TOOBIG (no room at all). */
int	buf_read(struct buf *, int fd, size_t n);
/* Write once to fd and consume what went. 0, ERR_AGAIN, ERR_SYSTEM. */
int	buf_write(struct buf *, int fd);

#endif
