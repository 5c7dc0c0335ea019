/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole content, in every form in which it says something: the finder over it as it stands; over the layers that
 * decoders make of it, each of which is decoded again; and over the members of the container that it is, each a
 * content again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/budget.h"
#include "secretscan/container.h"
#include "secretscan/decode.h"
#include "secretscan/finder.h"
#include "secretscan/findings.h"
#include "secretscan/layer.h"
#include "secretscan/limits.h"
#include "secretscan/lines.h"
#include "secretscan/prefilter.h"
#include "secretscan/rule.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"

#define NAMES_MAX	128	/* of encodings, in one finding */
#define OPENED_MAX	16	/* more may be opened twice, in two forms */
#define PLAIN_MIN	12	/* bytes of text that are none by chance */
#define UNNAMED		"data"	/* a member without a name, such as the one of a gzip file */

/* One call of secretscan_scan. */
struct job {
	const struct secretscan	*ss;
	struct budget		 budget;
	bool			 cut;		/* said that not everything is scanned */
	unsigned		 blobs;		/* containers in base64 that were opened */
};

/* Ranges of a content that were opened as containers, the first of them. */
struct opened {
	size_t	start[OPENED_MAX], end[OPENED_MAX];
	size_t	n;
};

struct content {
	struct job		*job;
	const uint8_t		*p;
	size_t			 n;
	uint64_t		 at;		/* where it begins in a member that comes in pieces */
	const char		*member;	/* "" for the content that the caller has given */
	struct lines		 lines;
	struct findings		 found;
	struct opened		 opened;
	size_t			 decoded;	/* bytes that decoders may still make of the segment */
	secretscan_fn		 fn;
	void			*arg;
};

/* A layer over a layer over .. a part of a content. */
struct form {
	struct content		*content;
	const struct form	*outer;		/* NULL: its text is that of the content, from `base` on */
	size_t			 base;
	const struct layer	*layer;
	const struct decoder	*decoder;
	size_t			 order;		/* of the decoder */
	unsigned		 depth;
};

static int
tell(const struct secretscan_finding *finding, void *arg)
{
	struct content *c = arg;
	struct secretscan_finding f = *finding;

	if (c->fn == NULL)
		return 0;
	if (f.member[0] == '\0') {
		lines_place(&c->lines, &f);
		f.member = c->member;
	}
	return c->fn(&f, c->arg);
}

static int
keep(struct content *c, const struct secretscan_finding *f, const struct findings_extra *extra)
{
	int e = findings_add(&c->found, f, extra);

	/* Too many to be weighed against each other: none is lost, but some may be told twice. */
	if (e == SECRETSCAN_LIMIT && (e = findings_tell(&c->found, SIZE_MAX, tell, c)) == 0)
		e = findings_add(&c->found, f, extra);
	return e;
}

/* A word about the content or about a member of it. */
static int
keep_notice(struct content *c, enum container_notice what, const char *member, const char *text)
{
	const struct container_report *report = container_report(what);
	struct findings_extra extra = { .copy = true };
	struct secretscan_finding f = {
		.rule = report->rule, .description = report->description, .end = c->n, .line = 1, .column = 1, .end_line = 1,
		.end_column = 1, .decoded = "", .member = member, .secret = c->p, .notice = true,
	};
	struct digest *d;

	if ((d = digest_new(c->job->ss->key)) == NULL)
		return SECRETSCAN_NOMEM;
	digest_update(d, report->rule, strlen(report->rule) + 1);
	digest_update(d, text, strlen(text));
	digest_hex(d, f.fingerprint);
	digest_free(d);
	(void)snprintf(f.masked, sizeof(f.masked), "%s", text);
	return keep(c, &f, &extra);
}

/* A bound was reached. Said once: the rest of the reasons would be the same. */
static int
cut(struct content *c, const char *why)
{
	if (c->job->cut)
		return 0;
	c->job->cut = true;
	return keep_notice(c, CONTAINER_IS_CUT, "", why);
}

static bool
is_generic(const struct secretscan *ss, const char *id)
{
	for (size_t i = 0; i < ss->rules.n; i++) {
		if (ss->rules.v[i].id == id)
			return ss->rules.v[i].generic;
	}
	return false;
}

static int
on_plain(const struct secretscan_finding *finding, void *arg)
{
	struct content *c = arg;
	struct secretscan_finding f = *finding;
	struct findings_extra extra = { .generic = is_generic(c->job->ss, f.rule) };

	f.secret = c->p + f.start;
	f.secret_len = f.end - f.start;
	return keep(c, &f, &extra);
}

static enum findings_form
worse(enum findings_form a, const struct decoder *d)
{
	enum findings_form b = d->kind == DECODE_NOISE ? FINDINGS_NOISE : d->kind == DECODE_GUESS ? FINDINGS_GUESS :
	    FINDINGS_ENCODING;

	return a > b ? a : b;
}

/* Put the name of an encoding before the names of those inside it. */
static void
put_name(char names[NAMES_MAX], const char *name)
{
	size_t len = strlen(name), rest = strlen(names);

	if (rest > 0 && len + 1 + rest + 1 <= NAMES_MAX) {
		memmove(names + len + 1, names, rest + 1);
		memcpy(names, name, len);
		names[len] = ',';
	} else if (rest == 0)
		memcpy(names, name, len + 1);
}

/* From a range of a layer to that of the content, and the names of the encodings on the way. */
static void
map_out(const struct form *form, size_t *start, size_t *end, char names[NAMES_MAX])
{
	for (; form != NULL; form = form->outer) {
		if (layer_map(form->layer, *start, *end, start, end))
			put_name(names, form->decoder->name);
		if (form->outer == NULL) {
			*start += form->base;
			*end += form->base;
		}
	}
}

static int
on_layered(const struct secretscan_finding *finding, void *arg)
{
	const struct form *form = arg;
	struct content *c = form->content;
	struct secretscan_finding f = *finding;
	struct findings_extra extra = { .depth = form->depth, .generic = is_generic(c->job->ss, f.rule), .copy = true };
	char names[NAMES_MAX] = "";

	f.secret = form->layer->p + f.start;
	f.secret_len = f.end - f.start;
	for (const struct form *outer = form; outer != NULL; outer = outer->outer)
		extra.form = worse(extra.form, outer->decoder);
	map_out(form, &f.start, &f.end, names);
	/* Made of nothing, between two pieces: no place can be named. */
	if (f.end <= f.start)
		return 0;
	f.decoded = names;
	return keep(c, &f, &extra);
}

/* A finder on its way through a text. */
struct walk {
	struct finder	*finder;
	const uint8_t	*p;
	size_t		 n, at;
};

static int
walk_to(struct walk *w, const struct secretscan *ss, size_t to, const struct finder_out *out)
{
	struct view view = { .p = w->p, .end = w->n, .eof = true, .whole = true };
	size_t overlap = prefilter_longest(ss->prefilter) - 1;
	int e = 0;

	for (; w->at < to && e == 0; w->at += SS_PIECE) {
		size_t at = w->at, len = w->n - at < SS_PIECE ? w->n - at : SS_PIECE;
		size_t old = at < overlap ? at : overlap;
		/* An anchor that begins in this piece and ends in the next one is not seen yet, nor a secret that began before. */
		uint64_t frontier = at + len == w->n ? w->n : at + len - overlap - SS_BEHIND_MAX;

		e = finder_look(w->finder, w->p + at - old, len + old, at - old, old, SIZE_MAX);
		if (e == 0 && !finder_is_idle(w->finder))
			e = finder_resolve(w->finder, &view);
		if (e == 0 && !finder_is_idle(w->finder))
			e = finder_settle(w->finder, frontier, out);
	}
	return e;
}

static int
scan_layer(struct form *form)
{
	const struct secretscan *ss = form->content->job->ss;
	struct finder_out out = { .found = on_layered, .arg = form };
	struct walk w = { scanner_take(ss), form->layer->p, form->layer->n, 0 };
	int e;

	if (w.finder == NULL)
		return SECRETSCAN_NOMEM;
	e = walk_to(&w, ss, w.n, &out);
	scanner_give(ss, w.finder);
	return e == SECRETSCAN_LIMIT ? cut(form->content, "too much to look at in a decoded text") : e;
}

static int	peel(struct content *, const uint8_t *p, size_t n, size_t base, const struct form *outer);
static int	open_blobs(struct content *, struct sieve *, size_t base, const struct form *outer);

#define DEEP_WORD	12	/* signs in a row, NUL bytes between them or not (UTF-16) */
#define DEEP_BYTES	48

/*
 * Whether what is left below the last depth could be anything. A decoder finds something in noise now and then, and the next one
 * in that: of random bytes a few survive all of them, once in some hundred megabytes, and they are no text.
 */
static bool
may_hide(const struct layer *l)
{
	size_t run = 0;

	for (size_t i = 0; i < l->n && run < DEEP_WORD; i++)
		if (l->p[i] > 0x20 && l->p[i] < 0x7f)
			run++;
		else if (l->p[i] != 0)
			run = 0;
	return run == DEEP_WORD || l->n >= DEEP_BYTES;
}

/* What one decoder makes of a text: scanned, then decoded again. */
static int
peel_one(struct content *c, struct sieve *s, size_t base, const struct form *outer, size_t order)
{
	const struct decoder *d = decode_get(order);
	struct form form = { c, outer, base, NULL, d, order, outer != NULL ? outer->depth + 1 : 1 };
	struct layer l;
	int e = 0;

	if ((s->signs & d->signs) == 0 && (s->kinds & d->kinds) == 0)
		return 0;
	/*
	 * Two encodings that stand side by side are peeled in one order only. What an outer layer has brought to light is
	 * looked at by all.
	 */
	s->fresh = outer != NULL && order <= outer->order ? outer->layer : NULL;
	layer_init(&l, c->decoded);
	form.layer = &l;
	d->run(s, &l);
	c->decoded -= l.n;
	if (l.error == SECRETSCAN_LIMIT || (c->member[0] != '\0' && budget_take(&c->job->budget, l.n) != 0))
		e = cut(c, "too much that is encoded");
	else
		e = l.error;
	if (e == 0 && l.n > 0) {
		if (form.depth > SS_DEPTH)
			e = may_hide(&l) ? cut(c, "encoded too many times") : 0;
		else if ((e = scan_layer(&form)) == 0)
			e = peel(c, l.p, l.n, 0, &form);
	}
	layer_release(&l);
	return e;
}

static int
peel(struct content *c, const uint8_t *p, size_t n, size_t base, const struct form *outer)
{
	struct sieve s;
	int e;

	if ((e = sieve_init(&s, p, n)) != 0)
		return e;
	if ((s.kinds & SIEVE_BLOB) != 0)
		e = open_blobs(c, &s, base, outer);
	for (size_t i = 0; decode_get(i) != NULL && e == 0; i++)
		e = peel_one(c, &s, base, outer, i);
	sieve_release(&s);
	return e;
}

static int
scan_segments(struct content *c)
{
	const struct secretscan *ss = c->job->ss;
	struct finder_out out = { .found = on_plain, .arg = c };
	struct walk w = { scanner_take(ss), c->p, c->n, 0 };
	size_t end = 0, from, below;
	int e = 0;

	if (w.finder == NULL)
		return SECRETSCAN_NOMEM;
	while (end < c->n && e == 0) {
		from = end > SS_SEGMENT_OVERLAP ? end - SS_SEGMENT_OVERLAP : 0;
		end = c->n - end > SS_SEGMENT ? end + SS_SEGMENT : c->n;
		e = walk_to(&w, ss, end, &out);
		if (end == c->n) {
			scanner_give(ss, w.finder);
			w.finder = NULL;
		}
		c->decoded = SS_DECODED_BYTES;
		if (e == 0)
			e = peel(c, c->p + from, end - from, from, NULL);
		/* What begins in the overlap is seen again, and perhaps better. */
		below = end == c->n ? SIZE_MAX : end - SS_SEGMENT_OVERLAP;
		if (e == 0)
			e = findings_tell(&c->found, below, tell, c);
	}
	if (w.finder != NULL)
		scanner_give(ss, w.finder);
	return e;
}

/* A container: the whole content, or a part of it that is one once it is decoded. */
struct box {
	struct content	*content;
	size_t		 start, end;
	const char	*decoded;	/* of the container itself */
	bool		 doubtful;	/* two bytes alone speak for it */
	bool		 readable;	/* it has members */
};

/* In a member, on its way up: it becomes one of the content around it. */
static int
on_member_finding(const struct secretscan_finding *finding, void *arg)
{
	const struct box *box = arg;
	struct secretscan_finding f = *finding;
	struct findings_extra extra = { .copy = true };
	char names[NAMES_MAX];

	(void)snprintf(names, sizeof(names), "%s", f.decoded);
	if (box->decoded[0] != '\0')
		put_name(names, box->decoded);
	f.decoded = names;
	f.start = box->start;
	f.end = box->end;
	return keep(box->content, &f, &extra);
}

static int	scan_content(struct content *);

/* NULL when there is no memory. */
static char *
member_path(const struct content *c, const char *name)
{
	char *path = NULL;

	if (name[0] == '\0')
		name = UNNAMED;
	if (asprintf(&path, "%s%s%s", c->member, c->member[0] != '\0' ? "!" : "", name) == -1)
		return NULL;
	return path;
}

static bool
is_plain(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < PLAIN_MIN && decode_is_text(p[i]))
		i++;
	return i == PLAIN_MIN;
}

static int
on_member(const struct container_member *m, void *arg)
{
	struct box *box = arg;
	struct content *c = box->content;
	char *path = member_path(c, m->name);
	struct content name = { .job = c->job, .p = (const uint8_t *)m->name, .n = strlen(m->name), .member = path,
	    .fn = on_member_finding, .arg = arg };
	struct content bytes = { .job = c->job, .p = m->p, .n = m->n, .at = m->at, .member = path,
	    .fn = on_member_finding, .arg = arg };
	int e = 0;

	box->readable |= !box->doubtful || is_plain(m->p, m->n);
	if (path == NULL)
		return SECRETSCAN_NOMEM;
	if (m->at == 0)
		e = scan_content(&name);
	if (e == 0)
		e = scan_content(&bytes);
	free(path);
	return e;
}

static int
on_notice(enum container_notice what, const char *about, const char *text, void *arg)
{
	const struct box *box = arg;
	char *path;
	int e;

	/* What only begins like one is none, where it stands in a text. */
	if (box->decoded[0] != '\0' && !box->readable)
		return 0;
	if (about[0] == '\0')
		return keep_notice(box->content, what, "", text);
	if ((path = member_path(box->content, about)) == NULL)
		return SECRETSCAN_NOMEM;
	e = keep_notice(box->content, what, path, text);
	free(path);
	return e;
}

static int
open_box(struct box *box, unsigned kinds, const uint8_t *p, size_t n)
{
	struct content *c = box->content;
	struct container_sink sink = { on_member, on_notice, box };
	int e;

	if (budget_enter(&c->job->budget) != 0)
		return cut(c, "containers within containers");
	e = container_each(kinds, p, n, &c->job->budget, &sink);
	budget_leave(&c->job->budget);
	return e == SECRETSCAN_LIMIT ? cut(c, "too much in a container") : e;
}

/* False when it was opened already, in another form of the text. */
static bool
is_new_box(struct opened *o, const struct box *box)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->start[i] == box->start && o->end[i] == box->end)
			return false;
	}
	if (o->n < OPENED_MAX) {
		o->start[o->n] = box->start;
		o->end[o->n++] = box->end;
	}
	return true;
}

/* Containers that stand in a text in base64 or hexadecimal. */
static int
open_blobs(struct content *c, struct sieve *s, size_t base, const struct form *outer)
{
	struct decode_blob blob;
	size_t place = 0;
	unsigned kinds;
	int e = 0;

	s->fresh = outer != NULL ? outer->layer : NULL;
	while (e == 0 && decode_blob_find(s, &place, &blob)) {
		char names[NAMES_MAX];
		struct box box = { .content = c, .start = blob.start, .end = blob.end, .decoded = names };
		struct layer l;

		(void)snprintf(names, sizeof(names), "%s", blob.is_hex ? "hex" : "base64");
		map_out(outer, &box.start, &box.end, names);
		if (outer == NULL) {
			box.start += base;
			box.end += base;
		}
		if (!is_new_box(&c->opened, &box))
			continue;
		if (c->job->blobs++ >= SS_BLOBS_MAX)
			return cut(c, "too many containers in base64 or hexadecimal");
		layer_init(&l, c->decoded);
		decode_blob(s, &blob, &l);
		c->decoded -= l.n;
		kinds = container_guess(l.p, l.n) & ~(unsigned)(CONTAINER_OPAQUE | CONTAINER_SEALED);
		box.doubtful = kinds == CONTAINER_ZLIB;
		if (l.error == SECRETSCAN_LIMIT)
			e = cut(c, "too much that is encoded");
		else if ((e = l.error) == 0 && kinds != 0)
			e = open_box(&box, kinds, l.p, l.n);
		layer_release(&l);
	}
	return e;
}

static int
scan_members(struct content *c)
{
	struct box box = { .content = c, .end = c->n, .decoded = "" };
	/* The middle of something is nothing by itself. */
	unsigned kinds = c->at == 0 ? container_guess(c->p, c->n) : 0;

	return kinds == 0 ? 0 : open_box(&box, kinds, c->p, c->n);
}

static int
scan_content(struct content *c)
{
	int e;

	lines_init(&c->lines, c->p);
	if ((e = scan_members(c)) == 0)
		e = scan_segments(c);
	if (e == 0)
		e = findings_tell(&c->found, SIZE_MAX, tell, c);
	findings_release(&c->found);
	return e;
}

int
secretscan_scan(const struct secretscan *ss, const void *p, size_t n, secretscan_fn on_finding, void *arg)
{
	struct job job = { .ss = ss, .budget = { SS_MADE_BYTES, SS_MADE_ITEMS, SS_DEPTH } };
	struct content content = { .job = &job, .p = p, .n = n, .member = "", .fn = on_finding, .arg = arg };

	if (n < (SS_MADE_BYTES - SS_MADE_FREE) / SS_MADE_TIMES)
		job.budget.bytes = SS_MADE_FREE + n * SS_MADE_TIMES;
	return scan_content(&content);
}
