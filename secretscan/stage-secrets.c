/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer holds the last bytes of the input: what is held back, what open candidates need, and some context that was
 * released already. In the usual case a piece holds no anchor and passes from the caller's memory, never copied.
 *
 * Where a text has noise or base64 in it, a lane reads what it says (lane.h). What a lane finds goes to the finder of
 * the stream, which settles what overlaps; nothing is released that a lane holds.
 */
#include <stdlib.h>
#include <string.h>

#include "secretscan/finder.h"
#include "secretscan/lane.h"
#include "secretscan/limits.h"
#include "secretscan/prefilter.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"
#include "secretscan/stage.h"

/*
 * What stays behind of a piece that passed: what a lane begins with, which is more than the context of a look-behind and
 * the beginning of an anchor.
 */
#define CARRY		LANE_BACK
#define RENDITIONS	32		/* kept of one mask, the last ones */
#define RENDITION_MAX	64

/* A colour or a character set that was switched within what is masked. */
struct rendition {
	uint64_t	 pos;
	size_t		 n;
	uint8_t		 p[RENDITION_MAX];
};

struct secrets {
	const struct secretscan	*ss;
	struct finder		*finder;	/* from the first byte on */
	struct stage_out	 to;
	uint8_t			*buf;
	size_t			 len, cap;
	uint64_t		 base;		/* of buf in the input */
	struct noise		 noise;
	struct base64		 base64;
	struct rendition	*renditions;	/* by pos; to be said after their mask */
	size_t			 nrenditions;
};

static int	on_lane_found(const struct secretscan_finding *, void *arg);

void *
stage_secrets_new(const struct secretscan *ss, const struct stage_out *to)
{
	struct secrets *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->ss = ss;
	st->to = *to;
	noise_init(&st->noise, ss, on_lane_found, st);
	base64_init(&st->base64, ss, on_lane_found, st);
	return st;
}

static void
secrets_free(void *arg)
{
	struct secrets *st = arg;

	if (st == NULL)
		return;
	finder_free(st->finder);
	lane_release(&st->noise.lane);
	lane_release(&st->base64.lane);
	free(st->renditions);
	digest_wipe(st->buf, st->cap);
	free(st->buf);
	free(st);
}

static struct view
view_of(const struct secrets *st, bool eof)
{
	return (struct view){ .p = st->buf, .base = st->base, .end = st->base + st->len, .eof = eof };
}

static int
on_raw(uint64_t from, uint64_t to, void *arg)
{
	struct secrets *st = arg;

	return st->to.out(st->buf + (from - st->base), (size_t)(to - from), st->to.arg);
}

static int
on_found(const struct secretscan_finding *f, void *arg)
{
	struct secrets *st = arg;
	uint64_t done = finder_released(st->finder);
	size_t n = 0;
	int e = stage_mask(&st->to, f);

	/* What was switched within goes on behind it. */
	for (; e == 0 && n < st->nrenditions && st->renditions[n].pos < done; n++)
		e = st->to.out(st->renditions[n].p, st->renditions[n].n, st->to.arg);
	if (n > 0) {
		st->nrenditions -= n;
		memmove(st->renditions, st->renditions + n, st->nrenditions * sizeof(*st->renditions));
	}
	return e;
}

static int
keep_rendition(struct secrets *st, const uint8_t *p, size_t n, uint64_t pos)
{
	if (st->renditions == NULL && (st->renditions = calloc(RENDITIONS, sizeof(*st->renditions))) == NULL)
		return SECRETSCAN_NOMEM;
	if (st->nrenditions > 0 && pos <= st->renditions[st->nrenditions - 1].pos)
		return 0;
	if (st->nrenditions == RENDITIONS)
		memmove(st->renditions, st->renditions + 1, --st->nrenditions * sizeof(*st->renditions));
	st->renditions[st->nrenditions] = (struct rendition){ .pos = pos, .n = n };
	memcpy(st->renditions[st->nrenditions++].p, p, n);
	return 0;
}

static int
on_lane_found(const struct secretscan_finding *f, void *arg)
{
	struct secrets *st = arg;
	uint64_t end = st->base + st->len, at = f->start > st->base ? f->start : st->base;
	size_t n;
	int e = 0;

	for (; at < f->end && e == 0; at++) {
		const uint8_t *p = st->buf + (at - st->base);

		if (*p == 0x1b && (n = noise_rendition(p, (size_t)(end - at))) > 0)
			e = keep_rendition(st, p, n, at);
	}
	return e != 0 ? e : finder_add(st->finder, f);
}

/* Room for n more bytes. The old memory is wiped, as it may hold a secret. */
static int
reserve(struct secrets *st, size_t n)
{
	size_t cap = st->cap > 0 ? st->cap : 256;
	uint8_t *p;

	if (st->cap - st->len >= n)
		return 0;
	while (cap - st->len < n)
		cap *= 2;
	if ((p = malloc(cap)) == NULL)
		return SECRETSCAN_NOMEM;
	if (st->len > 0)
		memcpy(p, st->buf, st->len);
	digest_wipe(st->buf, st->cap);
	free(st->buf);
	st->buf = p;
	st->cap = cap;
	return 0;
}

/* Anchors that end in p: those across the seam, then those inside. */
static int
look(struct secrets *st, const uint8_t *p, size_t n)
{
	size_t overlap = prefilter_longest(st->ss->prefilter) - 1;
	size_t left = st->len < overlap ? st->len : overlap;
	size_t right = n < overlap ? n : overlap;
	uint64_t end = st->base + st->len;
	uint8_t seam[2 * SS_ANCHOR_MAX];
	int e;

	if (left > 0) {
		memcpy(seam, st->buf + st->len - left, left);
		memcpy(seam + left, p, right);
		if ((e = finder_look(st->finder, seam, left + right, end - left, left, left)) != 0)
			return e;
	}
	return finder_look(st->finder, p, n, end, 0, SIZE_MAX);
}

/* Forget what nobody needs. Not at every byte: moving the rest costs too. */
static void
trim(struct secrets *st)
{
	struct view v = view_of(st, false);
	size_t drop = (size_t)(finder_needs(st->finder, &v) - st->base);

	/* A lane can begin so far back. */
	if (st->len - drop < CARRY)
		drop = st->len > CARRY ? st->len - CARRY : 0;

	if (drop < CARRY || drop < st->len / 4)
		return;
	memmove(st->buf, st->buf + drop, st->len - drop);
	st->base += drop;
	st->len -= drop;
}

/* A piece without anchors, and nothing is open: out from where it lies. */
static int
pass(struct secrets *st, const uint8_t *p, size_t n)
{
	size_t held = finder_begin_length(st->finder, p, n);
	uint64_t end = st->base + st->len + n;
	int e;

	st->len = 0;
	if ((e = reserve(st, CARRY)) != 0)
		return e;
	memcpy(st->buf, p + n - CARRY, CARRY);
	st->len = CARRY;
	st->base = end - CARRY;
	finder_set_released(st->finder, end - held);
	return n > held ? st->to.out(p, n - held, st->to.arg) : 0;
}

static int
settle(struct secrets *st, bool eof)
{
	struct finder_out out = { on_raw, on_found, st };
	struct view v = view_of(st, eof);
	uint64_t frontier, hold;
	int e;

	if ((e = finder_resolve(st->finder, &v)) != 0)
		return e;
	frontier = eof ? v.end : v.end - finder_begin_length(st->finder, st->buf, st->len);
	hold = noise_hold(&st->noise);
	if (st->base64.hold < hold)
		hold = st->base64.hold;
	if (hold < frontier && !eof)
		frontier = hold;
	return finder_settle(st->finder, frontier, &out);
}

/* Nothing to peel off: none of the lanes has to know of p. */
static bool
is_quiet(const struct secrets *st, const uint8_t *p, size_t n)
{
	size_t end;

	if (st->noise.lane.open || st->base64.lane.open || st->base64.hold != LANE_FREE)
		return false;
	if (st->len > 0 && base64_is_digit(p[0]) && base64_is_digit(st->buf[st->len - 1]))
		return false;
	return noise_find(p, n, 0) == n && base64_find(p, n, 0, &end) == n;
}

static int
feed_lanes(struct secrets *st, size_t fresh)
{
	struct lane_view v = { st->buf, st->len, st->base, fresh };
	int e = noise_feed(&st->noise, &v);

	return e == 0 ? base64_feed(&st->base64, &v) : e;
}

static int
feed_piece(struct secrets *st, const uint8_t *p, size_t n)
{
	bool quiet = is_quiet(st, p, n);
	int e;

	if ((e = look(st, p, n)) != 0)
		return e;
	if (quiet && n >= CARRY && finder_is_idle(st->finder) && finder_released(st->finder) == st->base + st->len)
		return pass(st, p, n);
	if ((e = reserve(st, n)) != 0)
		return e;
	memcpy(st->buf + st->len, p, n);
	st->len += n;
	if (!quiet && (e = feed_lanes(st, n)) != 0)
		return e;
	if ((e = settle(st, false)) != 0)
		return e;
	trim(st);
	return 0;
}

static int
secrets_feed(void *arg, const uint8_t *p, size_t n)
{
	struct secrets *st = arg;
	int e = 0;

	if (st->finder == NULL && (st->finder = finder_new(st->ss)) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t at = 0; at < n && e == 0; at += SS_PIECE)
		e = feed_piece(st, p + at, n - at < SS_PIECE ? n - at : SS_PIECE);
	return e;
}

static size_t
secrets_held(const void *arg)
{
	const struct secrets *st = arg;
	uint64_t end = st->base + st->len;

	if (st->finder == NULL || finder_released(st->finder) >= end)
		return 0;
	return (size_t)(end - finder_released(st->finder));
}

static int
secrets_flush(void *arg)
{
	struct secrets *st = arg;
	size_t held = secrets_held(st);
	uint64_t end = st->base + st->len;

	if (held == 0 || held > STAGE_FLUSH_MAX || !finder_may_flush(st->finder, end, STAGE_FLUSH_MAX) ||
	    !noise_may_flush(&st->noise, STAGE_FLUSH_MAX) || !base64_may_flush(&st->base64, STAGE_FLUSH_MAX))
		return 0;
	finder_set_released(st->finder, end);
	return on_raw(end - held, end, st);
}

static int
secrets_end(void *arg)
{
	struct secrets *st = arg;
	int e;

	if (st->finder == NULL)
		return 0;
	if ((e = noise_end(&st->noise)) == 0)
		e = base64_end(&st->base64);
	return e == 0 ? settle(st, true) : e;
}

const struct stage_ops stage_secrets_ops = {
	.feed = secrets_feed,
	.held = secrets_held,
	.flush = secrets_flush,
	.end = secrets_end,
	.free = secrets_free,
};
