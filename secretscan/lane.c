/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/lane.h"

#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/limits.h"
#include "secretscan/prefilter.h"
#include "secretscan/scanner.h"

#define FIRST_BYTES	1024

void
lane_init(struct lane *l, const struct secretscan *ss, const char *decoded, secretscan_fn fn, void *arg)
{
	*l = (struct lane){ .ss = ss, .decoded = decoded, .fn = fn, .arg = arg };
}

void
lane_release(struct lane *l)
{
	if (l->text != NULL)
		digest_wipe(l->text, l->cap);
	free(l->text);
	free(l->places);
	scanner_give(l->ss, l->finder);
}

void
lane_open(struct lane *l)
{
	if (l->finder == NULL && (l->finder = scanner_take(l->ss)) == NULL)
		l->error = SECRETSCAN_NOMEM;
	else
		finder_reset(l->finder);
	l->len = l->looked = 0;
	l->base = 0;
	l->open = true;
}

void
lane_shut(struct lane *l)
{
	l->open = false;
	/* Streams are many and lanes seldom open: what a large one took goes to the next. */
	scanner_give(l->ss, l->finder);
	l->finder = NULL;
	if (l->cap <= 2 * LANE_BACK)
		return;
	digest_wipe(l->text, l->cap);
	free(l->text);
	free(l->places);
	l->text = NULL;
	l->places = NULL;
	l->len = l->cap = 0;
}

/* Not realloc: the old memory may hold a secret. */
static int
grow(struct lane *l, size_t n)
{
	size_t cap = l->cap > 0 ? l->cap : FIRST_BYTES;
	struct lane_place *places;
	uint8_t *text;

	if (l->cap - l->len >= n)
		return 0;
	while (cap - l->len < n)
		cap *= 2;
	if ((places = reallocarray(l->places, cap, sizeof(*places))) == NULL)
		return SECRETSCAN_NOMEM;
	l->places = places;
	if ((text = malloc(cap)) == NULL)
		return SECRETSCAN_NOMEM;
	if (l->text != NULL) {
		memcpy(text, l->text, l->len);
		digest_wipe(l->text, l->cap);
	}
	free(l->text);
	l->text = text;
	l->cap = cap;
	return 0;
}

void
lane_put(struct lane *l, uint8_t c, uint64_t start, uint64_t end)
{
	if (l->error != 0 || (l->error = grow(l, 1)) != 0)
		return;
	l->places[l->len] = (struct lane_place){ start, end };
	l->text[l->len++] = c;
}

void
lane_copy(struct lane *l, const uint8_t *p, size_t n, uint64_t pos)
{
	if (n == 0 || l->error != 0 || (l->error = grow(l, n)) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		l->places[l->len + i] = (struct lane_place){ pos + i, pos + i + 1 };
	memcpy(l->text + l->len, p, n);
	l->len += n;
}

void
lane_set_context(struct lane *l)
{
	l->looked = l->len;
}

static int
on_found(const struct secretscan_finding *finding, void *arg)
{
	struct lane *l = arg;
	struct secretscan_finding f = *finding;
	const struct lane_place *first = &l->places[f.start - l->base], *last = &l->places[f.end - 1 - l->base];

	for (size_t i = f.start; i < f.end; i++)
		f.secret_len += (size_t)(l->places[i - l->base].end - l->places[i - l->base].start);
	/*
	 * Where several bytes say one, some of them may be out before it is known what they say: a rule that begins with a
	 * public prefix begins after them.
	 */
	f.start = (size_t)first->start;
	if (first->end - first->start > 1 && finder_is_public(l->finder, finding))
		f.start = (size_t)first->end;
	f.end = (size_t)last->end;
	if (f.end <= f.start)
		return 0;
	f.decoded = l->decoded;
	return l->fn(&f, l->arg);
}

/* A piece was large, what is kept of it is small: streams are many. Without memory for less it stays as it is. */
static void
shrink(struct lane *l)
{
	size_t cap = 2 * LANE_BACK;
	struct lane_place *places;
	uint8_t *text;

	if (l->cap <= cap || l->len > cap / 2)
		return;
	text = malloc(cap);
	places = calloc(cap, sizeof(*places));
	if (text == NULL || places == NULL) {
		free(text);
		free(places);
		return;
	}
	memcpy(text, l->text, l->len);
	memcpy(places, l->places, l->len * sizeof(*places));
	digest_wipe(l->text, l->cap);
	free(l->text);
	free(l->places);
	l->text = text;
	l->places = places;
	l->cap = cap;
}

/* Forget what nobody needs. */
static void
trim(struct lane *l, const struct view *v)
{
	uint64_t needs = finder_needs(l->finder, v), hold = finder_hold(l->finder);
	size_t drop = (size_t)((needs < hold ? needs : hold) - l->base);

	if (drop < LANE_BACK)
		return;
	memmove(l->text, l->text + drop, l->len - drop);
	memmove(l->places, l->places + drop, (l->len - drop) * sizeof(*l->places));
	l->base += drop;
	l->len -= drop;
	l->looked -= drop;
	shrink(l);
}

static int
settle(struct lane *l, bool eof, const struct finder_out *out)
{
	struct view v = { .p = l->text, .base = l->base, .end = l->base + l->len, .eof = eof };
	size_t overlap = prefilter_longest(l->ss->prefilter) - 1;
	size_t old = l->looked < overlap ? l->looked : overlap, from = l->looked - old;
	uint64_t frontier = v.end;
	int e;

	if (l->error != 0)
		return l->error;
	if (l->len == 0)
		return 0;
	e = finder_look(l->finder, l->text + from, l->len - from, l->base + from, old, SIZE_MAX);
	l->looked = l->len;
	if (e == 0)
		e = finder_resolve(l->finder, &v);
	if (e == 0) {
		if (!eof)
			frontier -= finder_begin_length(l->finder, l->text, l->len);
		e = finder_settle(l->finder, frontier, out);
	}
	if (e == 0)
		trim(l, &v);
	return e;
}

int
lane_settle(struct lane *l, bool eof)
{
	struct finder_out out = { .found = on_found, .arg = l };

	return settle(l, eof, &out);
}

int
lane_catch_up(struct lane *l)
{
	static const struct finder_out nobody;

	return settle(l, false, &nobody);
}

bool
lane_is_idle(const struct lane *l)
{
	return l->finder == NULL || (finder_is_idle(l->finder) && finder_hold(l->finder) == l->base + l->len);
}

uint64_t
lane_hold(const struct lane *l)
{
	uint64_t hold;

	if (!l->open)
		return LANE_FREE;
	hold = finder_hold(l->finder);
	return hold < l->base + l->len ? l->places[hold - l->base].start : LANE_FREE;
}

bool
lane_may_flush(const struct lane *l, size_t most)
{
	return l->finder == NULL || finder_may_flush(l->finder, l->base + l->len, most);
}
