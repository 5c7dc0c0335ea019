/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known values in a stream. Two tries read along; bytes that may come between those of a value (terminal escapes, line ends)
 * are passed over, so each trie keeps the places of the last bytes that it did read. From the earliest beginning of a text on
 * the stream is held.
 */
#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/known.h"
#include "secretscan/limits.h"
#include "secretscan/stage.h"

/* What may stand between two bytes of a value and is passed over: longer, and the value has ended. */
#define BETWEEN_MAX	256

/* Where in a terminal escape (ECMA-48, 5.4) the stream is. */
enum escape {
	ESCAPE_NONE,
	ESCAPE_BEGUN,		/* ESC */
	ESCAPE_CSI,		/* until 0x40..0x7e */
	ESCAPE_OSC,		/* until BEL or ESC \ */
	ESCAPE_OSC_END,		/* ESC seen */
};

struct reader {
	const struct trie	*trie;
	uint32_t		 state;
	uint32_t		 between;	/* bytes passed over since the last that was read */
	uint64_t		*places;	/* of the bytes read, a ring */
	uint64_t		 nread;
	size_t			 cap;		/* a power of two */
};

struct region {
	uint64_t	 start, end;
	uint32_t	 label;
};

struct known_stage {
	struct secretscan_known		*known;
	struct stage_out		 to;
	struct reader			 plain, coded;
	enum escape			 escape;
	uint8_t				*buf;		/* what is held */
	size_t				 len, cap;
	uint64_t			 base;		/* of buf in the input */
	uint64_t			 flushed;	/* everything before it is out */
	struct region			*regions;	/* in order, apart from each other */
	size_t				 nregions, regions_cap;
};

static bool
reader_init(struct reader *r, const struct trie *t)
{
	r->trie = t;
	for (r->cap = 16; r->cap < trie_longest(t); r->cap *= 2)
		;
	r->places = calloc(r->cap, sizeof(*r->places));
	return r->places != NULL;
}

static void
known_free(void *arg)
{
	struct known_stage *st = arg;

	if (st == NULL)
		return;
	if (st->buf != NULL)
		digest_wipe(st->buf, st->cap);
	free(st->buf);
	free(st->plain.places);
	free(st->coded.places);
	free(st->regions);
	secretscan_known_free(st->known);
	free(st);
}

void *
stage_known_new(struct secretscan_known *known, const struct stage_out *to)
{
	struct known_stage *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->known = known;
	atomic_fetch_add(&known->users, 1);
	st->to = *to;
	if (reader_init(&st->plain, known->plain) && reader_init(&st->coded, known->coded))
		return st;
	known_free(st);
	return NULL;
}

/* Where the text begins that the reader is in, or `now`. */
static uint64_t
reader_start(const struct reader *r, uint32_t depth, uint64_t now)
{
	return depth == 0 ? now : r->places[(r->nread - depth) & (r->cap - 1)];
}

static int
add_region(struct known_stage *st, uint64_t start, uint64_t end, uint32_t label)
{
	struct region *grown;
	size_t cap = st->regions_cap > 0 ? st->regions_cap * 2 : 8;

	if (start < st->flushed)
		start = st->flushed;
	while (st->nregions > 0 && st->regions[st->nregions - 1].end > start) {
		struct region *last = &st->regions[--st->nregions];

		if (last->start < start)
			start = last->start;
		label = last->label;
	}
	if (st->nregions == st->regions_cap) {
		if ((grown = reallocarray(st->regions, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		st->regions = grown;
		st->regions_cap = cap;
	}
	st->regions[st->nregions++] = (struct region){ start, end, label };
	return 0;
}

static int
reader_read(struct known_stage *st, struct reader *r, uint8_t c, uint64_t at)
{
	uint32_t label, n;

	r->places[r->nread++ & (r->cap - 1)] = at;
	r->between = 0;
	r->state = trie_step(r->trie, r->state, c);
	if ((n = trie_match(r->trie, r->state, &label)) == 0)
		return 0;
	return add_region(st, reader_start(r, n, at), at + 1, label);
}

static void
reader_pass_over(struct reader *r)
{
	if (++r->between > BETWEEN_MAX)
		r->state = TRIE_ROOT;
}

/* A byte of a terminal escape; only within a text, as nothing else can be broken by one. */
static bool
is_escape(struct known_stage *st, uint8_t c)
{
	switch (st->escape) {
	case ESCAPE_NONE:
		if (c == 0x1b && (st->plain.state != TRIE_ROOT || st->coded.state != TRIE_ROOT)) {
			st->escape = ESCAPE_BEGUN;
			return true;
		}
		return false;
	case ESCAPE_BEGUN:
		st->escape = c == '[' ? ESCAPE_CSI : c == ']' ? ESCAPE_OSC : ESCAPE_NONE;
		return true;
	case ESCAPE_CSI:
		if (c >= 0x40 && c <= 0x7e)
			st->escape = ESCAPE_NONE;
		return true;
	case ESCAPE_OSC:
		st->escape = c == 0x07 ? ESCAPE_NONE : c == 0x1b ? ESCAPE_OSC_END : ESCAPE_OSC;
		return true;
	case ESCAPE_OSC_END:
		st->escape = ESCAPE_NONE;
		return true;
	}
	return false;
}

static int
read_byte(struct known_stage *st, uint8_t c, uint64_t at)
{
	bool escape = is_escape(st, c);
	int e = 0;

	if (escape || (c == '\r' && st->plain.state != TRIE_ROOT))
		reader_pass_over(&st->plain);
	else
		e = reader_read(st, &st->plain, c, at);
	if (e != 0)
		return e;
	if (escape || (st->coded.state != TRIE_ROOT && (c == ' ' || c == '\t' || c == '\r' || c == '\n')))
		reader_pass_over(&st->coded);
	else
		e = reader_read(st, &st->coded, c, at);
	if (st->plain.state == TRIE_ROOT && st->coded.state == TRIE_ROOT)
		st->escape = ESCAPE_NONE;
	return e;
}

/* Everything from here on can still become a part of a known value. */
static uint64_t
hold_from(const struct known_stage *st, uint64_t now)
{
	uint64_t a = reader_start(&st->plain, trie_depth(st->plain.trie, st->plain.state), now);
	uint64_t b = reader_start(&st->coded, trie_depth(st->coded.trie, st->coded.state), now);

	a = a < b ? a : b;
	return a > st->flushed ? a : st->flushed;
}

/* The input from st->flushed on lies in the buffer, then in p. */
static int
pass_on(struct known_stage *st, const uint8_t *p, uint64_t to)
{
	uint64_t seam = st->base + st->len;
	int e = 0;

	if (st->flushed < to && st->flushed < seam) {
		uint64_t end = to < seam ? to : seam;

		e = st->to.out(st->buf + (st->flushed - st->base), (size_t)(end - st->flushed), st->to.arg);
		st->flushed = end;
	}
	if (e == 0 && st->flushed < to) {
		e = st->to.out(p + (st->flushed - seam), (size_t)(to - st->flushed), st->to.arg);
		st->flushed = to;
	}
	return e;
}

static int
release(struct known_stage *st, const uint8_t *p, uint64_t hold)
{
	size_t done = 0;
	int e = 0;

	for (; done < st->nregions && e == 0; done++) {
		const struct region *r = &st->regions[done];
		const struct known_value *v = &st->known->v[r->label];
		struct secretscan_finding f = {
			.rule = v->name, .description = "value known to be secret", .start = (size_t)r->start, .end = (size_t)r->end,
			.decoded = "", .member = "", .masked = "********",
		};

		if (r->end > hold)
			break;
		memcpy(f.fingerprint, v->fingerprint, sizeof(f.fingerprint));
		if ((e = pass_on(st, p, r->start)) == 0)
			e = stage_mask(&st->to, &f);
		st->flushed = r->end;
	}
	st->nregions -= done;
	if (st->nregions > 0)
		memmove(st->regions, st->regions + done, st->nregions * sizeof(*st->regions));
	if (e == 0)
		e = pass_on(st, p, st->nregions > 0 && st->regions[0].start < hold ? st->regions[0].start : hold);
	return e;
}

/* Keep what is not out yet: the end of the buffer and of p, which stand one after the other. */
static int
keep(struct known_stage *st, const uint8_t *p, size_t n)
{
	uint64_t seam = st->base + st->len, end = seam + n;
	size_t old = st->flushed < seam ? (size_t)(seam - st->flushed) : 0;
	size_t new = st->flushed < seam ? n : (size_t)(end - st->flushed);
	size_t cap = st->cap > 0 ? st->cap : 256;
	uint8_t *grown;

	if (old > 0)
		memmove(st->buf, st->buf + (st->len - old), old);
	while (cap < old + new)
		cap *= 2;
	if (cap > st->cap && old + new > 0) {
		if ((grown = malloc(cap)) == NULL)
			return SECRETSCAN_NOMEM;
		if (old > 0)
			memcpy(grown, st->buf, old);
		if (st->buf != NULL)
			digest_wipe(st->buf, st->cap);
		free(st->buf);
		st->buf = grown;
		st->cap = cap;
	}
	if (new > 0)
		memcpy(st->buf + old, p + (n - new), new);
	st->len = old + new;
	st->base = end - st->len;
	return 0;
}

static int
feed_piece(struct known_stage *st, const uint8_t *p, size_t n)
{
	uint64_t seam = st->base + st->len;
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++) {
		/* Outside of any text the many bytes that begin none cost one look-up each. */
		if (st->plain.state == TRIE_ROOT && st->coded.state == TRIE_ROOT && !trie_begins(st->plain.trie, p[i]) &&
		    !trie_begins(st->coded.trie, p[i]))
			continue;
		e = read_byte(st, p[i], seam + i);
	}
	if (e == 0)
		e = release(st, p, hold_from(st, seam + n));
	return e != 0 ? e : keep(st, p, n);
}

static int
known_feed(void *arg, const uint8_t *p, size_t n)
{
	int e = 0;

	for (size_t at = 0; at < n && e == 0; at += SS_PIECE)
		e = feed_piece(arg, p + at, n - at < SS_PIECE ? n - at : SS_PIECE);
	return e;
}

static size_t
known_held(const void *arg)
{
	const struct known_stage *st = arg;

	return (size_t)(st->base + st->len - st->flushed);
}

static int
known_flush(void *arg)
{
	struct known_stage *st = arg;
	uint64_t seam = st->base + st->len;
	uint64_t begun = seam;

	if (st->nregions > 0 || known_held(st) == 0)
		return 0;
	/* What is out of the value already counts as well, or flush after flush would give out all of it. */
	for (int i = 0; i < 2; i++) {
		const struct reader *r = i == 0 ? &st->plain : &st->coded;
		uint64_t start = reader_start(r, trie_depth(r->trie, r->state), seam);

		if (start < begun)
			begun = start;
	}
	return seam - begun > STAGE_FLUSH_MAX ? 0 : pass_on(st, NULL, seam);
}

static int
known_end(void *arg)
{
	struct known_stage *st = arg;

	return release(st, NULL, st->base + st->len);
}

const struct stage_ops stage_known_ops = {
	.feed = known_feed,
	.held = known_held,
	.flush = known_flush,
	.end = known_end,
	.free = known_free,
};
