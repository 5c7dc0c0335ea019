/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/rewrite.h"

#include <string.h>

#include "secretscan/layer.h"
#include "secretscan/limits.h"
#include "secretscan/marks.h"
#include "secretscan/sieve.h"

/* What is asked about every byte. */
enum {
	TRIGGER = 1,		/* it can begin with this where it tells something */
	OTHER = 2,		/* or with this, beside such */
};

struct hunt {
	const struct rewriter	*w;
	const struct sieve	*s;
	uint8_t			 begins[256];
};

static void
hunt_init(struct hunt *h, const struct rewriter *w, const struct sieve *s)
{
	*h = (struct hunt){ .w = w, .s = s };
	for (const char *c = w->triggers; *c != '\0'; c++)
		h->begins[(uint8_t)*c] = TRIGGER;
	for (const char *c = w->others; c != NULL && *c != '\0'; c++)
		h->begins[(uint8_t)*c] = OTHER;
}

static size_t
find(const struct hunt *h, size_t at)
{
	const struct rewriter *w = h->w;
	const struct sieve *s = h->s;

	if (w->triggers[1] == '\0')
		return sieve_find(s, w->signs, (uint8_t)w->triggers[0], at);
	for (at = sieve_next(s, w->signs, at); at < s->n; at = sieve_next(s, w->signs, at)) {
		for (size_t end = sieve_block_end(s, at); at < end; at++) {
			if (h->begins[s->p[at]] == TRIGGER)
				return at;
		}
	}
	return s->n;
}

/* The next one in a neighbourhood. */
static size_t
find_in(const struct hunt *h, size_t at, size_t end)
{
	const uint8_t *p = h->s->p, *hit;

	if (h->w->triggers[1] == '\0' && h->w->others == NULL) {
		hit = memchr(p + at, h->w->triggers[0], end - at);
		return hit != NULL ? (size_t)(hit - p) : end;
	}
	while (at < end && h->begins[p[at]] == 0)
		at++;
	return at;
}

/* What text does not hold, but for what terminals are told: binary data, of which no neighbourhood is made. */
static const struct marks_class junk = { {
	0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x02, 0x02, 0x02, 0x02, 0x01, 0x03, 0x02, 0x03, 0x03,
} };
/* The same, and a line feed. */
static const struct marks_class junk_or_line_feed = { {
	0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x02, 0x02, 0x02, 0x03, 0x01, 0x03, 0x02, 0x03, 0x03,
} };

/* Where the neighbourhood of what stands before `at` begins, at `least` or later. */
static size_t
reach_back(const struct sieve *s, size_t at, size_t least)
{
	size_t from = at;

	while (from > least && at - from < SS_AROUND && !marks_has(&junk, s->p[from - 1]))
		from--;
	return from;
}

/* Where it ends. */
static size_t
reach(const struct rewriter *w, const struct sieve *s, size_t at)
{
	size_t most = s->n - at < SS_WINDOW_MAX ? s->n : at + SS_WINDOW_MAX;

	return at + marks_find(w->across ? &junk : &junk_or_line_feed, true, s->p + at, most - at);
}

/* The neighbourhood of `at`, and of all others that it runs into; returns its end. */
static size_t
region(const struct hunt *h, size_t at, size_t done, struct layer *out)
{
	const struct rewriter *w = h->w;
	const struct sieve *s = h->s;
	size_t pos = reach_back(s, at, done), last = at, end = reach(w, s, at), next;

	if (pos > done || out->n == 0)
		layer_break(out, pos);
	while (pos < end && out->error == 0) {
		struct rewrite_step step = { .used = 1 };

		next = find_in(h, pos, end);
		if (next == end) {
			layer_copy(out, s->p + pos, end - pos, pos);
			pos = end;
			end = reach(w, s, last);
			continue;
		}
		layer_copy(out, s->p + pos, next - pos, pos);
		if (!w->read(s->p, s->n, next, &step))
			layer_copy(out, s->p + next, 1, next);
		else if (step.erase)
			layer_erase(out);
		else
			layer_put(out, step.out, step.n, next, step.used);
		pos = next + step.used;
		if (step.telling)
			last = pos;
		if (pos >= end)
			end = reach(w, s, last);
	}
	return pos;
}

void
rewrite(const struct rewriter *w, const struct sieve *s, struct layer *out)
{
	struct hunt h;
	size_t done = 0;

	if ((s->signs & w->signs) == 0)
		return;
	hunt_init(&h, w, s);
	for (size_t at = find(&h, 0); at < s->n && out->error == 0; at = find(&h, at)) {
		struct rewrite_step step = { .used = 1 };

		if (w->read(s->p, s->n, at, &step) && step.telling && sieve_counts(s, at, at + step.used))
			at = done = region(&h, at, done, out);
		else
			at += step.used;
	}
}
