/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/rewrite.h"

#include <string.h>

#include "secretscan/layer.h"
#include "secretscan/limits.h"
#include "secretscan/sieve.h"

static size_t
find(const struct rewriter *w, const struct sieve *s, size_t at)
{
	if (w->triggers[1] == '\0')
		return sieve_find(s, w->signs, (uint8_t)w->triggers[0], at);
	for (at = sieve_next(s, w->signs, at); at < s->n; at = sieve_next(s, w->signs, at)) {
		for (size_t end = sieve_block_end(s, at); at < end; at++) {
			if (s->p[at] != '\0' && strchr(w->triggers, s->p[at]) != NULL)
				return at;
		}
	}
	return s->n;
}

/* The next one in a neighbourhood. */
static size_t
find_in(const struct rewriter *w, const struct sieve *s, size_t at, size_t end)
{
	const uint8_t *hit;

	if (w->triggers[1] == '\0' && w->others == NULL) {
		hit = memchr(s->p + at, w->triggers[0], end - at);
		return hit != NULL ? (size_t)(hit - s->p) : end;
	}
	for (; at < end; at++) {
		uint8_t c = s->p[at];

		if (c != '\0' && (strchr(w->triggers, c) != NULL || (w->others != NULL && strchr(w->others, c) != NULL)))
			break;
	}
	return at;
}

/* What text does not hold, but for what terminals are told: binary data, of which no neighbourhood is made. */
static bool
is_junk(uint8_t c)
{
	return c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\a' && c != '\b' && c != 0x1b;
}

/* Where the neighbourhood of what stands before `at` begins, at `least` or later. */
static size_t
reach_back(const struct sieve *s, size_t at, size_t least)
{
	size_t from = at;

	while (from > least && at - from < SS_AROUND && !is_junk(s->p[from - 1]))
		from--;
	return from;
}

/* Where it ends. */
static size_t
reach(const struct rewriter *w, const struct sieve *s, size_t at)
{
	size_t most = s->n - at < SS_WINDOW_MAX ? s->n : at + SS_WINDOW_MAX;

	while (at < most && !is_junk(s->p[at]) && (w->across || s->p[at] != '\n'))
		at++;
	return at;
}

/* The neighbourhood of `at`, and of all others that it runs into; returns its end. */
static size_t
region(const struct rewriter *w, const struct sieve *s, size_t at, size_t done, struct layer *out)
{
	size_t pos = reach_back(s, at, done), last = at, end = reach(w, s, at), next;

	if (pos > done || out->n == 0)
		layer_break(out, pos);
	while (pos < end && out->error == 0) {
		struct rewrite_step step = { .used = 1 };

		next = find_in(w, s, pos, end);
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
	size_t done = 0;

	for (size_t at = find(w, s, 0); at < s->n && out->error == 0; at = find(w, s, at)) {
		struct rewrite_step step = { .used = 1 };

		if (w->read(s->p, s->n, at, &step) && step.telling && sieve_counts(s, at, at + step.used))
			at = done = region(w, s, at, done, out);
		else
			at += step.used;
	}
}
