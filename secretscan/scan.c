/* SPDX-License-Identifier: Apache-2.0 */
/* Whole content: the finder over all of it, then, for UTF-16, over what it says. */
#include <stdlib.h>
#include <string.h>

#include "secretscan/finder.h"
#include "secretscan/limits.h"
#include "secretscan/prefilter.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"
#include "secretscan/utf16.h"

#define COUNT_BLOCK	128	/* of which a byte can count every one */

/* How far the lines of the content are counted. */
struct lines {
	const uint8_t	*p;
	size_t		 at;
	size_t		 line;
	size_t		 start;		/* of that line */
};

struct scan {
	struct lines	 lines;
	secretscan_fn	 fn;
	void		*arg;
};

/* In blocks of a fixed size and in bytes, which compilers turn into vector code. */
static size_t
count_newlines(const uint8_t *p, size_t n)
{
	size_t total = 0, i = 0;

	for (; i + COUNT_BLOCK <= n; i += COUNT_BLOCK) {
		uint8_t some = 0;

		for (size_t k = 0; k < COUNT_BLOCK; k++)
			some = (uint8_t)(some + (p[i + k] == '\n'));
		total += some;
	}
	for (; i < n; i++)
		total += p[i] == '\n';
	return total;
}

static void
place(struct lines *l, struct secretscan_finding *f)
{
	const uint8_t *nl;

	l->line += count_newlines(l->p + l->at, f->start - l->at);
	nl = memrchr(l->p + l->at, '\n', f->start - l->at);
	if (nl != NULL)
		l->start = (size_t)(nl - l->p) + 1;
	l->at = f->start;
	f->line = l->line;
	f->column = f->start - l->start + 1;
	f->end_line = f->line;
	f->end_column = f->column + (f->end - f->start) - 1;
	if ((nl = memrchr(l->p + f->start, '\n', f->end - f->start - 1)) != NULL) {
		f->end_line += count_newlines(l->p + f->start, f->end - f->start - 1);
		f->end_column = f->end - 1 - (size_t)(nl - l->p);
	}
}

static int
on_found(const struct secretscan_finding *finding, void *arg)
{
	struct scan *s = arg;
	struct secretscan_finding f = *finding;

	if (s->fn == NULL)
		return 0;
	place(&s->lines, &f);
	f.secret = s->lines.p + f.start;
	f.secret_len = f.end - f.start;
	return s->fn(&f, s->arg);
}

static int
scan_bytes(const struct secretscan *ss, const uint8_t *p, size_t n, const struct finder_out *out)
{
	struct view view = { p, 0, n, true };
	size_t overlap = prefilter_longest(ss->prefilter) - 1;
	struct finder *f;
	int e = 0;

	if ((f = scanner_take(ss)) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t at = 0; at < n && e == 0; at += SS_PIECE) {
		size_t len = n - at < SS_PIECE ? n - at : SS_PIECE;
		size_t old = at < overlap ? at : overlap;
		/* An anchor that begins in this piece and ends in the next one is not seen yet. */
		uint64_t frontier = at + len == n ? n : at + len - overlap;

		e = finder_look(f, p + at - old, len + old, at - old, old, SIZE_MAX);
		if (e == 0 && !finder_is_idle(f))
			e = finder_resolve(f, &view);
		if (e == 0 && !finder_is_idle(f))
			e = finder_settle(f, frontier, out);
	}
	scanner_give(ss, f);
	return e;
}

struct findings {
	struct secretscan_finding	*v;
	size_t				 n, cap;
	size_t				 shift;		/* 1: positions are those of characters of two bytes */
};

static int
keep(const struct secretscan_finding *finding, void *arg)
{
	struct findings *k = arg;
	struct secretscan_finding *grown, *f;
	size_t cap = k->cap > 0 ? k->cap * 2 : 16;

	if (k->n == k->cap) {
		if (k->n >= SS_MATCHES_MAX)
			return SECRETSCAN_LIMIT;
		if ((grown = reallocarray(k->v, cap, sizeof(*grown))) == NULL)
			return SECRETSCAN_NOMEM;
		k->v = grown;
		k->cap = cap;
	}
	f = &k->v[k->n++];
	*f = *finding;
	f->start <<= k->shift;
	f->end <<= k->shift;
	return 0;
}

static int
by_start(const void *va, const void *vb)
{
	const struct secretscan_finding *a = va, *b = vb;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* As it stands and as text, in one order. */
static int
scan_utf16(const struct secretscan *ss, enum utf16 kind, const uint8_t *p, size_t n, struct scan *s)
{
	struct findings k = { 0 };
	struct finder_out out = { .found = keep, .arg = &k };
	uint8_t *text;
	int e;

	if ((text = malloc(n / 2 + 1)) == NULL)
		return SECRETSCAN_NOMEM;
	utf16_narrow(kind, p, n, text);
	if ((e = scan_bytes(ss, p, n, &out)) == 0) {
		k.shift = 1;
		e = scan_bytes(ss, text, n / 2, &out);
	}
	if (e == 0 && k.n > 0)
		qsort(k.v, k.n, sizeof(*k.v), by_start);
	for (size_t i = 0; i < k.n && e == 0; i++)
		e = on_found(&k.v[i], s);
	digest_wipe(text, n / 2);
	free(text);
	free(k.v);
	return e;
}

int
secretscan_scan(const struct secretscan *ss, const void *p, size_t n, secretscan_fn on_finding, void *arg)
{
	struct scan s = { { p, 0, 1, 0 }, on_finding, arg };
	struct finder_out out = { .found = on_found, .arg = &s };
	enum utf16 kind = utf16_guess(p, n);

	if (kind != UTF16_NONE)
		return scan_utf16(ss, kind, p, n, &s);
	return scan_bytes(ss, p, n, &out);
}
