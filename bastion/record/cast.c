/* SPDX-License-Identifier: Apache-2.0 */
/* The format is in bastion/record/FORMAT. Speed matters here: every byte that an agent sees passes through. */
#include "bastion/record/cast.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/record/sha256.h"
#include "bastion/record/utf8.h"

#define BINARY_MIN	4096	/* a smaller piece does not begin a run of binary data */
#define SAMPLE		2048	/* bytes looked at in each of three places */
#define STREAMS		3
#define PIECE		4096	/* text that is escaped at a time */
#define LANE		16	/* bytes that are looked at together */
#define COUNTED		512	/* bytes that are counted at a time */

struct stream {
	uint8_t		 held[UTF8_MAX - 1];	/* the start of a character that is not all there yet */
	size_t		 nheld;
	bool		 binary;		/* in a run; hash and count are of it (CAST_STDIN: of all) */
	uint64_t	 count;
	struct sha256	*hash;			/* made when first needed */
};

struct cast {
	int64_t		 last_us;	/* the time that the intervals written so far add up to */
	bool		 terminal;
	struct stream	 stream[STREAMS];
};

static const char *const stream_name[] = { "stdout", "stderr" };

/* What a byte becomes in a JSON string: 0 itself, 'u' \u00XX, else \ and this character. */
static const char escape[256] = {
	[0] = 'u', [1] = 'u', [2] = 'u', [3] = 'u', [4] = 'u', [5] = 'u', [6] = 'u', [7] = 'u',
	[8] = 'b', [9] = 't', [10] = 'n', [11] = 'u', [12] = 'f', [13] = 'r', [14] = 'u', [15] = 'u',
	[16] = 'u', [17] = 'u', [18] = 'u', [19] = 'u', [20] = 'u', [21] = 'u', [22] = 'u', [23] = 'u',
	[24] = 'u', [25] = 'u', [26] = 'u', [27] = 'u', [28] = 'u', [29] = 'u', [30] = 'u', [31] = 'u',
	['"'] = '"', ['\\'] = '\\', [127] = 'u',
};

typedef uint8_t ubytes16 __attribute__((vector_size(LANE)));

/* A bit for each of LANE bytes that needs an escape: below 0x20, '"', '\\' or 0x7f. */
static inline unsigned
escape_bits(const uint8_t *p)
{
	ubytes16 v, hit;
	unsigned bits = 0;

	memcpy(&v, p, sizeof(v));
	hit = (ubytes16)(v < ' ') | (ubytes16)(v == '"') | (ubytes16)(v == '\\') | (ubytes16)(v == 0x7f);
#ifdef __SSE2__
	bits = (unsigned)__builtin_ia32_pmovmskb128((char __attribute__((vector_size(LANE))))hit);
#else
	for (size_t i = 0; i < LANE; i++)
		bits |= (unsigned)(hit[i] & 1) << i;
#endif
	return bits;
}

static uint8_t *
put_byte(uint8_t *d, uint8_t b)
{
	static const char hex[] = "0123456789abcdef";

	if (escape[b] == 0) {
		*d++ = b;
		return d;
	}
	*d++ = '\\';
	*d++ = (uint8_t)escape[b];
	if (escape[b] != 'u')
		return d;
	d[0] = d[1] = '0';
	d[2] = (uint8_t)hex[b >> 4];
	d[3] = (uint8_t)hex[b & 15];
	return d + 4;
}

/* Append the inside of a JSON string for bytes that are UTF-8. */
static int
put_valid(struct buf *out, const uint8_t *p, size_t n)
{
	size_t room = n * 6;
	uint8_t *start, *d;
	int r;

	if (n == 0)
		return 0;
	if ((r = buf_reserve(out, room, &start)) != 0)
		return r;
	for (d = start; n >= LANE;) {
		unsigned bits = escape_bits(p);
		size_t k = bits == 0 ? LANE : (size_t)__builtin_ctz(bits);

		memcpy(d, p, LANE);	/* there is room: six times what is left */
		d += k;
		p += k;
		n -= k;
		for (bits = bits >> (k & (LANE - 1)); (bits & 1) != 0; bits >>= 1, n--)
			d = put_byte(d, *p++);
	}
	while (n-- > 0)
		d = put_byte(d, *p++);
	buf_trim(out, room - (size_t)(d - start));
	return 0;
}

/* Any bytes: what is not UTF-8 becomes U+FFFD. */
static int
put_text(struct buf *out, const uint8_t *p, size_t n)
{
	int r = 0;

	while (n > 0 && r == 0) {
		size_t good = utf8_valid(p, n);

		/* In pieces: room is made for the worst case, which a long text need not have. */
		for (size_t done = 0; done < good && r == 0; done += PIECE)
			r = put_valid(out, p + done, good - done < PIECE ? good - done : PIECE);
		p += good;
		n -= good;
		if (n > 0 && r == 0) {
			r = buf_put(out, UTF8_REPLACEMENT, 3);
			p++;
			n--;
		}
	}
	return r;
}

static int
put_string(struct buf *out, const char *s)
{
	int r;

	if ((r = buf_put_u8(out, '"')) != 0 || (r = put_text(out, (const uint8_t *)s, strlen(s))) != 0)
		return r;
	return buf_put_u8(out, '"');
}

static int
put_member(struct buf *out, const char *name, const char *value)
{
	int r;

	if (value == NULL)
		return 0;
	if ((r = buf_putf(out, ",\"%s\":", name)) != 0)
		return r;
	return put_string(out, value);
}

static int
put_header(const struct cast_params *p, struct buf *out)
{
	int r;

	if ((r = buf_putf(out, "{\"version\":3,\"term\":{\"cols\":%u,\"rows\":%u", p->cols, p->rows)) != 0 ||
	    (r = put_member(out, "type", p->term)) != 0 ||
	    (r = buf_putf(out, "},\"timestamp\":%" PRId64, p->start_wall_ms / 1000)) != 0 ||
	    (r = put_member(out, "title", p->title)) != 0 || (r = put_member(out, "command", p->command)) != 0)
		return r;
	if (p->session != NULL && ((r = buf_putf(out, ",\"env\":{\"SALLYPORT_SESSION\":")) != 0 ||
	    (r = put_string(out, p->session)) != 0 || (r = buf_put_u8(out, '}')) != 0))
		return r;
	return buf_put_u8(out, '}');
}

struct cast *
cast_new(const struct cast_params *p, struct buf *out)
{
	struct cast *c = calloc(1, sizeof(*c));
	size_t before = buf_len(out);

	if (c == NULL)
		return NULL;
	c->last_us = p->start_us;
	c->terminal = p->term != NULL;
	if (put_header(p, out) != 0) {
		buf_trim(out, buf_len(out) - before);
		cast_free(c);
		return NULL;
	}
	return c;
}

void
cast_free(struct cast *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < STREAMS; i++)
		sha256_free(c->stream[i].hash);
	free(c);
}

/* The front of an event line, up to and with the quote that opens its data. */
static int
event_open(struct cast *c, char code, int64_t now_us, struct buf *out)
{
	int64_t ms = now_us > c->last_us ? (now_us - c->last_us + 500) / 1000 : 0;

	c->last_us += ms * 1000;
	return buf_putf(out, "[%" PRId64 ".%03d, \"%c\", \"", ms / 1000, (int)(ms % 1000), code);
}

static int
event_close(struct buf *out)
{
	return buf_put(out, "\"]\n", 3);
}

static int
event_text(struct cast *c, char code, const char *text, int64_t now_us, struct buf *out)
{
	int r;

	if ((r = event_open(c, code, now_us, out)) != 0 || (r = put_text(out, (const uint8_t *)text,
	    strlen(text))) != 0)
		return r;
	return event_close(out);
}

/* For "#bad": two characters for each U+FFFD that put_text makes or copies. */
static int
put_bad(struct buf *out, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	int r = 0;

	for (size_t i = 0; i < n && r == 0;) {
		size_t good = utf8_valid(p + i, n - i);
		const uint8_t *at = p + i, *end = at + good, *real;

		for (; r == 0 && (real = memmem(at, (size_t)(end - at), UTF8_REPLACEMENT, 3)) != NULL; at = real + 3)
			r = buf_put(out, "--", 2);
		i += good;
		if (i < n && r == 0) {
			char two[2] = { hex[p[i] >> 4], hex[p[i] & 15] };

			r = buf_put(out, two, sizeof(two));
			i++;
		}
	}
	return r;
}

/* One output event from two pieces: what was held back with its completion, and the rest. */
static int
put_output(struct cast *c, enum cast_stream s, const uint8_t *a, size_t na, const uint8_t *b, size_t nb, int64_t now_us,
    struct buf *out)
{
	bool good = utf8_valid(a, na) == na && utf8_valid(b, nb) == nb;
	int (*put)(struct buf *, const uint8_t *, size_t) = good ? put_valid : put_text;
	int r;

	if (na + nb == 0)
		return 0;
	if (s == CAST_STDERR && (r = buf_put(out, "#stderr\n", 8)) != 0)
		return r;
	if (!good && ((r = buf_put(out, "#bad ", 5)) != 0 || (r = put_bad(out, a, na)) != 0 || (r = put_bad(out, b,
	    nb)) != 0 ||
	    (r = buf_put_u8(out, '\n')) != 0))
		return r;
	if ((r = event_open(c, 'o', now_us, out)) != 0 || (r = put(out, a, na)) != 0 || (r = put(out, b, nb)) != 0)
		return r;
	return event_close(out);
}

static int
put_piece(struct cast *c, enum cast_stream s, const uint8_t *p, size_t n, int64_t now_us, struct buf *out)
{
	struct stream *st = &c->stream[s];
	uint8_t head[2 * UTF8_MAX];
	size_t nhead = 0, used = 0, take, tail;
	int r;

	if (st->nheld > 0) {
		take = n < UTF8_MAX - 1 ? n : UTF8_MAX - 1;
		memcpy(head, st->held, st->nheld);
		memcpy(head + st->nheld, p, take);
		while (nhead < st->nheld && (tail = utf8_step(head + nhead, st->nheld + take - nhead)) > 0)
			nhead += tail;
		if (nhead < st->nheld) {	/* still not whole: this was a very small piece */
			st->nheld += take - nhead;
			if ((r = put_output(c, s, head, nhead, p, 0, now_us, out)) == 0)
				memcpy(st->held, head + nhead, st->nheld);
			return r;
		}
		used = nhead - st->nheld;
	}
	tail = utf8_tail(p + used, n - used);
	if ((r = put_output(c, s, head, nhead, p + used, n - used - tail, now_us, out)) != 0)
		return r;
	memcpy(st->held, p + n - tail, tail);
	st->nheld = tail;
	return 0;
}

static void
hash_add(struct stream *st, const void *p, size_t n)
{
	if (st->hash == NULL)
		st->hash = sha256_new();
	sha256_update(st->hash, p, n);
	st->count += n;
}

/* Whether more than `most` of the bytes are NUL: counted until that is known. */
static bool
has_nuls(const uint8_t *p, size_t n, size_t most)
{
	size_t k = 0;

	for (size_t i = 0; i < n && k <= most;) {
		size_t end = n - i < COUNTED ? n : i + COUNTED;

		for (; i < end; i++)
			k += p[i] == 0;
	}
	return k > most;
}

static bool
is_mostly_bad(const uint8_t *p, size_t n)
{
	size_t bad = 0;

	for (size_t i = 0; i < n; bad += i < n, i++)
		i += utf8_valid(p + i, n - i);
	return bad > n / 4;
}

static bool
is_binary(const uint8_t *p, size_t n)
{
	if (memchr(p, 0, n) != NULL && has_nuls(p, n, n / 8))
		return true;
	if (n <= 3 * SAMPLE)
		return is_mostly_bad(p, n);
	return is_mostly_bad(p, SAMPLE) && is_mostly_bad(p + n / 2, SAMPLE) && is_mostly_bad(p + n - SAMPLE, SAMPLE);
}

/* Bytes that were held back and will not be completed. */
static int
held_flush(struct cast *c, enum cast_stream s, int64_t now_us, struct buf *out)
{
	struct stream *st = &c->stream[s];
	size_t n = st->nheld;

	st->nheld = 0;
	return put_output(c, s, st->held, n, st->held, 0, now_us, out);
}

static int
binary_end(struct cast *c, enum cast_stream s, int64_t now_us, struct buf *out)
{
	struct stream *st = &c->stream[s];
	char text[192], hex[SHA256_HEX];
	uint8_t digest[SHA256_LEN];

	if (!st->binary)
		return 0;
	sha256_final(st->hash, digest);
	sha256_hex(digest, hex);
	if (s == CAST_STDIN)
		(void)snprintf(text, sizeof(text), "stdin: %" PRIu64 " bytes, sha256 %s", st->count, hex);
	else
		(void)snprintf(text, sizeof(text), "binary: %" PRIu64 " bytes on %s, sha256 %s", st->count,
		    stream_name[s], hex);
	st->binary = false;
	st->count = 0;
	return event_text(c, 'm', text, now_us, out);
}

int
cast_data(struct cast *c, enum cast_stream s, const void *data, size_t n, int64_t now_us, struct buf *out)
{
	struct stream *st = &c->stream[s];
	const uint8_t *p = data;
	int r;

	if (n == 0)
		return 0;
	if (s == CAST_STDIN) {
		st->binary = true;
		hash_add(st, p, n);
		return 0;
	}
	if (!c->terminal && (st->binary || n >= BINARY_MIN) && is_binary(p, n)) {
		if ((r = held_flush(c, s, now_us, out)) != 0)
			return r;
		st->binary = true;
		hash_add(st, p, n);
		return 0;
	}
	if ((r = binary_end(c, s, now_us, out)) != 0)
		return r;
	return put_piece(c, s, p, n, now_us, out);
}

int
cast_resize(struct cast *c, unsigned cols, unsigned rows, int64_t now_us, struct buf *out)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ux%u", cols, rows);
	return event_text(c, 'r', text, now_us, out);
}

int
cast_marker(struct cast *c, const char *text, int64_t now_us, struct buf *out)
{
	return event_text(c, 'm', text, now_us, out);
}

/* The signals that SSH can name (RFC 4254 section 6.10), and what a shell would say. */
static int
signal_status(const char *name)
{
	static const struct {
		const char	*name;
		int		 number;
	} known[] = {
		{ "HUP", 1 }, { "INT", 2 }, { "QUIT", 3 }, { "ILL", 4 }, { "ABRT", 6 }, { "FPE", 8 }, { "KILL", 9 },
		{ "USR1", 10 }, { "SEGV", 11 }, { "USR2", 12 }, { "PIPE", 13 }, { "ALRM", 14 }, { "TERM", 15 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return 128 + known[i].number;
	return 255;
}

int
cast_exit(struct cast *c, int status, const char *signal, int64_t now_us, struct buf *out)
{
	char text[96];
	int r;

	for (int s = 0; s < STREAMS; s++)
		if ((r = held_flush(c, (enum cast_stream)s, now_us, out)) != 0 ||
		    (r = binary_end(c, (enum cast_stream)s, now_us, out)) != 0)
			return r;
	if (signal != NULL) {
		(void)snprintf(text, sizeof(text), "signal: %.64s", signal);
		if ((r = event_text(c, 'm', text, now_us, out)) != 0)
			return r;
		status = signal_status(signal);
	}
	(void)snprintf(text, sizeof(text), "%d", status);
	return event_text(c, 'x', text, now_us, out);
}
