/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noise: what stands in a text and is not seen. Control sequences of terminals (ECMA-48, 5.4 and 5.6), overstrikes (x BS x
 * is a bold x, _ BS x an underlined one), and characters of no width. Read byte by byte, never going back, so a sequence
 * that is broken off is noise up to there.
 */
#include <string.h>

#include "secretscan/lane.h"
#include "secretscan/limits.h"

/* The lane is open for so many bytes after the last noise: it then begins anew less often than it reads on. */
#define FORWARD		4096
/* Bytes of noise in a row, and how many more each byte of text allows: a colour for each character is text. */
#define CREDIT_MAX	4096
#define CREDIT_GAIN	32
#define RENDITION_MAX	48
#define CHUNK		64
#define WIDTH		32

typedef uint8_t ubytes32 __attribute__((vector_size(WIDTH)));

/* Compiled for the processors with wide vectors as well, and chosen when the program starts. */
#if defined(__x86_64__)
#define WIDE	__attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

enum state {
	TEXT,
	ESCAPE,			/* ESC */
	CSI,			/* until 0x40..0x7e */
	STRING,			/* of an operating system command or the like, until BEL or ESC \ */
	STRING_ESCAPE,
	BEGUN,			/* the first byte of a character that may have no width */
	BEGUN_MORE,		/* two of them */
	STRUCK,			/* BS */
	UNDERLINE,		/* _ , which a BS can follow */
	UNDERLINE_STRUCK,
};

void
noise_init(struct noise *z, const struct secretscan *ss, secretscan_fn fn, void *arg)
{
	*z = (struct noise){ .state = TEXT };
	lane_init(&z->lane, ss, "terminal", fn, arg);
}

/* Spaces, joiners, marks of direction and of byte order, none of which has a width; soft hyphens. n < 3 may become one. */
static bool
is_invisible(const uint8_t *p, size_t n)
{
	switch (p[0]) {
	case 0xc2: return n < 2 || p[1] == 0xad;
	case 0xef: return n < 2 || (p[1] == 0xbb && (n < 3 || p[2] == 0xbf));
	case 0xe2: break;
	default: return false;
	}
	if (n < 2 || (n < 3 && (p[1] == 0x80 || p[1] == 0x81)))
		return true;
	return (p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae))) ||
	    (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf);
}

static bool
is_noise(const uint8_t *p, size_t n)
{
	return p[0] == 0x1b || p[0] == '\b' || p[0] == '\a' || (p[0] >= 0xc2 && is_invisible(p, n < 3 ? n : 3));
}

/* The first CHUNK with a byte that noise can begin with, or the rest. In vectors: this is asked of every byte of a stream. */
WIDE static size_t
next_sign(const uint8_t *p, size_t n, size_t at)
{
	uint64_t part[WIDTH / 8];
	ubytes32 v, any;

	for (; n - at >= CHUNK; at += CHUNK) {
		any = (ubytes32){ 0 };
		for (size_t i = 0; i < CHUNK; i += WIDTH) {
			memcpy(&v, p + at + i, sizeof(v));
			any |= (ubytes32)(v == 0x1b) | (ubytes32)((ubytes32)(v - '\a') <= 1) | (ubytes32)((v & 0xdf) == 0xc2) |
			    (ubytes32)(v == 0xef);
		}
		memcpy(part, &any, sizeof(part));
		if ((part[0] | part[1] | part[2] | part[3]) != 0)
			break;
	}
	return at;
}

size_t
noise_find(const uint8_t *p, size_t n, size_t at)
{
	size_t begin = at, end;

	while (at < n) {
		at = next_sign(p, n, at);
		for (end = n - at < CHUNK ? n : at + CHUNK; at < end; at++) {
			if (is_noise(p + at, n - at))
				return p[at] == '\b' && at > begin && p[at - 1] == '_' ? at - 1 : at;
		}
	}
	/* A BS can follow. */
	return n > begin && p[n - 1] == '_' ? n - 1 : n;
}

static void
put_text(struct noise *z, uint8_t c, uint64_t pos)
{
	lane_put(&z->lane, c, pos, pos + 1);
	z->last = c;
	z->credit = z->credit + CREDIT_GAIN > CREDIT_MAX ? CREDIT_MAX : z->credit + CREDIT_GAIN;
}

static void
read_text(struct noise *z, uint8_t c, uint64_t pos)
{
	z->state = TEXT;
	z->pending = pos;
	switch (c) {
	case 0x1b: z->state = ESCAPE; break;
	case '\b': z->state = STRUCK; break;
	case '_': z->state = UNDERLINE; break;
	case '\a': break;
	case 0xc2:
	case 0xe2:
	case 0xef:
		z->lead[0] = c;
		z->state = BEGUN;
		break;
	default: put_text(z, c, pos); break;
	}
}

static void
read_escape(struct noise *z, uint8_t c, uint64_t pos)
{
	if (c == '[')
		z->state = CSI;
	else if (memchr("]PX^_", c, 5) != NULL)
		z->state = STRING;
	else if (c >= 0x20 && c <= 0x2f)
		z->state = ESCAPE;
	else if (c >= 0x30 && c <= 0x7e)
		z->state = TEXT;
	else
		read_text(z, c, pos);
}

/* Movements of the cursor are blanks. */
static void
read_csi(struct noise *z, uint8_t c, uint64_t pos)
{
	if (c >= 0x20 && c <= 0x3f)
		return;
	if (c < 0x40 || c > 0x7e) {
		read_text(z, c, pos);
		return;
	}
	z->state = TEXT;
	if (memchr("BCEGHdf", c, 7) != NULL)
		put_text(z, c == 'C' || c == 'G' ? ' ' : '\n', pos);
}

static void
read_begun(struct noise *z, uint8_t c, uint64_t pos)
{
	size_t n = z->state == BEGUN ? 2 : 3;
	uint8_t whole[3] = { z->lead[0], n == 3 ? z->lead[1] : c, c };

	if (is_invisible(whole, n)) {
		z->lead[1] = c;
		z->state = n == 3 || whole[0] == 0xc2 ? TEXT : BEGUN_MORE;
		return;
	}
	for (size_t i = 0; i + 1 < n; i++)
		put_text(z, whole[i], z->pending + i);
	read_text(z, c, pos);
}

static void
read_state(struct noise *z, uint8_t c, uint64_t pos)
{
	switch ((enum state)z->state) {
	case TEXT: read_text(z, c, pos); break;
	case ESCAPE: read_escape(z, c, pos); break;
	case CSI: read_csi(z, c, pos); break;
	case STRING:
		if (c == '\a')
			z->state = TEXT;
		else if (c == 0x1b)
			z->state = STRING_ESCAPE;
		else if (c < ' ')
			read_text(z, c, pos);
		break;
	case STRING_ESCAPE:
		if (c == '\\')
			z->state = TEXT;
		else
			read_escape(z, c, pos);
		break;
	case BEGUN:
	case BEGUN_MORE: read_begun(z, c, pos); break;
	case STRUCK:
		z->state = TEXT;
		if (c != z->last && c != '_')
			read_text(z, c, pos);
		break;
	case UNDERLINE:
		if (c == '\b') {
			z->state = UNDERLINE_STRUCK;
			break;
		}
		put_text(z, '_', z->pending);
		read_text(z, c, pos);
		break;
	case UNDERLINE_STRUCK:
		if (c <= ' ')
			put_text(z, '_', z->pending);
		z->state = TEXT;
		if (c == '_')
			put_text(z, c, pos);
		else
			read_text(z, c, pos);
		break;
	}
}

static void
read_byte(struct noise *z, uint8_t c, uint64_t pos)
{
	size_t len = z->lane.len;

	read_state(z, c, pos);
	/* A token that has more noise than this between its characters ends here. */
	if (z->lane.len == len && --z->credit < 0) {
		put_text(z, '\n', pos);
		z->state = TEXT;
	}
}

/* Bytes before `sign`, where the next noise begins, are text by themselves once nothing is undecided. */
static void
read_bytes(struct noise *z, const struct lane_view *v, size_t from, size_t to, size_t sign)
{
	size_t n;

	for (; from < to && (from >= sign || z->state != TEXT); from++)
		read_byte(z, v->p[from], v->base + from);
	if (from < to) {
		n = (to < sign ? to : sign) - from;
		lane_copy(&z->lane, v->p + from, n, v->base + from);
		z->last = v->p[from + n - 1];
		z->credit = z->credit + (long)n * CREDIT_GAIN > CREDIT_MAX ? CREDIT_MAX : z->credit + (long)n * CREDIT_GAIN;
		for (from += n; from < to; from++)
			read_byte(z, v->p[from], v->base + from);
	}
}

static int
open_at(struct noise *z, const struct lane_view *v, size_t at)
{
	size_t from = at > LANE_BACK ? at - LANE_BACK : 0;
	size_t context = from > 0 || v->base > 0 ? from + SS_CONTEXT : from, sign;

	lane_open(&z->lane);
	z->state = TEXT;
	z->last = 0;
	z->credit = CREDIT_MAX;
	if (context > at)
		context = at;
	sign = noise_find(v->p, at, from);
	read_bytes(z, v, from, context, sign);
	lane_set_context(&z->lane);
	read_bytes(z, v, context, at, sign);
	return lane_catch_up(&z->lane);
}

/* Noise was read up to here. A _ that nothing follows yet is hardly ever noise, which the byte after it tells. */
static void
reach(struct noise *z, const struct lane_view *v, size_t at)
{
	uint64_t until = v->base + at + (at == v->n && v->p[at - 1] == '_' ? 1 : FORWARD);

	if (z->until < until)
		z->until = until;
}

int
noise_feed(struct noise *z, const struct lane_view *v)
{
	size_t at = v->n - v->fresh, sign, stop;
	int e;

	for (;;) {
		sign = noise_find(v->p, v->n, at);
		if (!z->lane.open) {
			if (sign == v->n)
				return 0;
			if ((e = open_at(z, v, sign)) != 0)
				return e;
			at = sign;
			z->until = 0;
		}
		/* To the noise, or to where the lane is shut if none came. */
		stop = sign < v->n ? sign + 1 : v->n;
		if (at != sign && v->base + stop > z->until)
			stop = (size_t)(z->until - v->base);
		read_bytes(z, v, at, stop, sign);
		at = stop;
		if (stop == sign + 1)
			reach(z, v, stop);
		if (at < v->n && v->base + at < z->until)
			continue;
		if ((e = lane_settle(&z->lane, false)) != 0)
			return e;
		if (v->base + at == z->until) {
			z->until += FORWARD;
			if (lane_is_idle(&z->lane) && z->state == TEXT)
				lane_shut(&z->lane);
		}
		if (at == v->n)
			return 0;
	}
}

int
noise_end(struct noise *z)
{
	if (!z->lane.open)
		return 0;
	if (z->state == UNDERLINE)
		put_text(z, '_', z->pending);
	return lane_settle(&z->lane, true);
}

uint64_t
noise_hold(const struct noise *z)
{
	uint64_t hold = lane_hold(&z->lane);

	if (hold == LANE_FREE && z->lane.open && z->state >= BEGUN && !lane_is_idle(&z->lane))
		return z->pending;
	return hold;
}

bool
noise_may_flush(const struct noise *z, size_t most)
{
	return !z->lane.open || lane_may_flush(&z->lane, most);
}

size_t
noise_rendition(const uint8_t *p, size_t n)
{
	size_t i = 2;

	if (n < 3 || p[0] != 0x1b)
		return 0;
	if (p[1] == '(' || p[1] == ')')
		return 3;
	if (p[1] != '[')
		return 0;
	while (i < n && i < RENDITION_MAX && ((p[i] >= '0' && p[i] <= '9') || p[i] == ';' || p[i] == ':'))
		i++;
	return i < n && p[i] == 'm' ? i + 1 : 0;
}
