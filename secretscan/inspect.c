/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/container.h"
#include "secretscan/gitleaks.h"
#include "secretscan/inline.h"
#include "secretscan/pieces.h"
#include "secretscan/progress.h"
#include "secretscan/record.h"
#include "secretscan/ruleset.h"
#include "secretscan/secretscan.h"
#include "secretscan/source.h"

/* A hole of a sparse file that is passed over; a shorter one is read as the zeros that it is. */
#define HOLE_MIN	((off_t)1 << 20)
/* A container of more than one window is taken into memory up to this size; others never are. */
#define CONTAINER_WHOLE	((size_t)256 << 20)
#define KINDS_UNPACKED	((unsigned)(CONTAINER_ARCHIVE | CONTAINER_COMPRESSED | CONTAINER_ZLIB | CONTAINER_PACK | \
			    CONTAINER_PDF | CONTAINER_SQLITE | CONTAINER_NOTEBOOK | CONTAINER_OFFICE))
/* Findings by gitleaks' rules in one window: each is compared with each. */
#define INSPECT_OTHERS_MAX	4096

struct inspect {
	struct inspect_params	 params;
	const struct gitleaks	*gitleaks;	/* NULL for none */
	struct secretscan_rule	*rules;		/* of the scanner, by id */
	size_t			 nrules;
	struct desk		*desks;
};

/* What each thread has of its own, made when first needed. */
struct desk {
	uint8_t			*buffer;	/* a window */
	struct gitleaks_scratch	*gitleaks;
};

/* One content on its way. */
struct pass {
	const struct inspect		*in;
	struct inspect_job		*job;
	const struct pieces_window	*w;
	struct gitleaks_scratch		*scratch;	/* NULL without gitleaks' rules */
	struct secretscan_finding	*others;	/* by gitleaks' rules in this window; rule NULL: of another rule */
	size_t				 nothers;
};

static int
by_id(const void *va, const void *vb)
{
	const struct secretscan_rule *a = va, *b = vb;

	return strcmp(a->id, b->id);
}

struct inspect *
inspect_new(const struct inspect_params *params)
{
	struct inspect *in = xcalloc(1, sizeof(*in));
	struct secretscan_rule r;

	in->params = *params;
	in->gitleaks = params->rules->gitleaks;
	while (params->rules->ss != NULL && secretscan_rule(params->rules->ss, in->nrules, &r)) {
		in->rules = xreallocarray(in->rules, in->nrules + 1, sizeof(*in->rules));
		in->rules[in->nrules++] = r;
	}
	if (in->nrules > 0)
		qsort(in->rules, in->nrules, sizeof(*in->rules), by_id);
	in->desks = xcalloc(params->threads + 1, sizeof(*in->desks));
	return in;
}

void
inspect_free(struct inspect *in)
{
	if (in == NULL)
		return;
	for (unsigned i = 0; i <= in->params.threads; i++) {
		free(in->desks[i].buffer);
		gitleaks_scratch_free(in->desks[i].gitleaks);
	}
	free(in->desks);
	free(in->rules);
	free(in);
}

struct inspect_job *
inspect_job_new(struct source_item *item)
{
	struct inspect_job *job = xcalloc(1, sizeof(*job));

	job->item = item;
	return job;
}

void
inspect_job_free(struct inspect_job *job)
{
	for (size_t i = 0; i < job->nrecords; i++)
		record_free(job->records[i]);
	free(job->records);
	source_item_free(job->item);
	free(job->error);
	free(job);
}

/* Only the first reason is told. */
static void
job_error(struct inspect_job *job, const char *why)
{
	if (job->error == NULL)
		job->error = xstrdup(why);
}

/* NULL: not one of the scanner's. */
static const struct secretscan_rule *
rule_of(const struct inspect *in, const char *rule)
{
	const struct secretscan_rule key = { .id = rule };

	return in->nrules > 0 ? bsearch(&key, in->rules, in->nrules, sizeof(key), by_id) : NULL;
}

/* The column in characters of a byte that stands in column bytes of its line. */
static size_t
char_column(const struct pieces_window *w, size_t at, size_t column)
{
	size_t n = 1;

	if (column == 0 || column - 1 > at || at > w->n)
		return column;
	for (size_t i = at - (column - 1); i < at; i++)
		n += (w->p[i] & 0xc0) != 0x80;
	return n;
}

/* Places are those in the window; a place within a container is left as it is. */
static void
set_places(struct record *r, const struct pieces_window *w, const struct secretscan_finding *f)
{
	bool inside = f->member != NULL && f->member[0] != '\0';

	r->line = f->line;
	r->column = f->column;
	r->end_line = f->end_line;
	r->end_column = f->end_column;
	r->char_column = inside ? f->column : char_column(w, f->start, f->column);
	r->char_end_column = inside ? f->end_column + 1 : char_column(w, f->end, f->end_column + 1);
	if (inside)
		return;
	r->line += w->lines;
	r->end_line += w->lines;
	if (f->line == 1) {
		r->column += w->column;
		r->char_column += w->column;
	}
	if (f->end_line == 1) {
		r->end_column += w->column;
		r->char_end_column += w->column;
	}
}

static struct record *
record_of(const struct pass *ps, const struct secretscan_finding *f)
{
	const struct source_item *it = ps->job->item;
	const struct secretscan_rule *rule = rule_of(ps->in, f->rule);
	struct record *r = xcalloc(1, sizeof(*r));

	r->file = xstrdup(it->file);
	r->commit = xstrdup(it->commit);
	r->object = xstrdup(it->object);
	r->member = xstrdup(f->member != NULL ? f->member : "");
	r->decoded = xstrdup(f->decoded != NULL ? f->decoded : "");
	r->rule = f->rule;
	r->description = f->description;
	r->provider = rule != NULL ? rule->provider : "";
	r->start = ps->w->offset + f->start;
	memcpy(r->fingerprint, f->fingerprint, sizeof(r->fingerprint));
	memcpy(r->masked, f->masked, sizeof(r->masked));
	r->entropy = f->entropy;
	set_places(r, ps->w, f);
	if (ps->in->params.show_secrets) {
		r->secret = xmemdup(f->secret, f->secret_len);
		r->secret_len = f->secret_len;
	}
	return r;
}

/* Keep a finding that counts in this window. Non-zero when there are too many. */
static int
keep(struct pass *ps, const struct secretscan_finding *f)
{
	struct inspect_job *job = ps->job;

	if (f->start < ps->w->from || f->start >= ps->w->to)
		return 0;
	if (ps->in->params.allow_inline && inline_allows(ps->w->p, ps->w->n, f->start, f->end, f->rule))
		return 0;
	if (job->nrecords == INSPECT_FINDINGS_MAX) {
		job_error(job, "more findings than are listed of one content: the rest was not scanned");
		return 1;
	}
	/* Grown by powers of two. */
	if ((job->nrecords & (job->nrecords - 1)) == 0)
		job->records = xreallocarray(job->records, job->nrecords > 0 ? job->nrecords * 2 : 1,
		    sizeof(struct record *));
	job->records[job->nrecords++] = record_of(ps, f);
	return 0;
}

static struct gitleaks_content
content_of(const struct pass *ps)
{
	const struct source_item *it = ps->job->item;

	return (struct gitleaks_content){ it->file, it->commit, ps->w != NULL ? ps->w->p : NULL,
	    ps->w != NULL ? ps->w->n : 0 };
}

/*
 * One secret is one finding: where two kinds of rules find the same, the scanner's has its name, as that knows more about
 * it; but not a generic one, which knows less.
 */
static bool
gives_way(struct pass *ps, const struct secretscan_finding *f)
{
	const struct secretscan_rule *rule = rule_of(ps->in, f->rule);

	for (size_t i = 0; i < ps->nothers; i++) {
		struct secretscan_finding *o = &ps->others[i];

		if (o->rule == NULL || o->start >= f->end || f->start >= o->end)
			continue;
		if (rule != NULL && rule->generic)
			return true;
		o->rule = NULL;
	}
	return false;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct pass *ps = arg;
	const struct gitleaks_content content = content_of(ps);

	if (ps->scratch != NULL &&
	    (gitleaks_allows(ps->in->gitleaks, ps->scratch, &content, f) || gives_way(ps, f)))
		return 0;
	return keep(ps, f);
}

/* By a rule of gitleaks'. Of several that find the same the first counts. */
static int
on_other(const struct secretscan_finding *f, void *arg)
{
	struct pass *ps = arg;

	for (size_t i = 0; i < ps->nothers; i++) {
		if (ps->others[i].start == f->start && ps->others[i].end == f->end && f->end > 0)
			return 0;
	}
	if (ps->nothers == INSPECT_OTHERS_MAX) {
		job_error(ps->job, "more findings by gitleaks' rules than are kept at a time");
		return 1;
	}
	if ((ps->nothers & (ps->nothers - 1)) == 0)
		ps->others = xreallocarray(ps->others, ps->nothers > 0 ? ps->nothers * 2 : 1, sizeof(*ps->others));
	ps->others[ps->nothers++] = *f;
	return 0;
}

static void
scan_others(struct pass *ps)
{
	const struct gitleaks_content content = content_of(ps);
	const char *slow = NULL;
	char *why;
	int r;

	ps->nothers = 0;
	r = gitleaks_scan(ps->in->gitleaks, ps->scratch, &content, on_other, ps, &slow);
	if (r == SECRETSCAN_LIMIT && slow != NULL) {
		why = xasprintf("rule %s takes too long here: not fully scanned", slow);
		job_error(ps->job, why);
		free(why);
	} else if (r < 0)
		job_error(ps->job, secretscan_strerror(r));
}

static int
on_window(const struct pieces_window *w, void *arg)
{
	struct pass *ps = arg;
	int r = 0;

	ps->w = w;
	if (ps->scratch != NULL)
		scan_others(ps);
	if (ps->in->params.rules->ss != NULL)
		r = secretscan_scan(ps->in->params.rules->ss, w->p, w->n, on_finding, ps);
	for (size_t i = 0; i < ps->nothers && r <= 0; i++) {
		if (ps->others[i].rule != NULL && keep(ps, &ps->others[i]) != 0)
			r = 1;
	}
	progress_bytes(ps->in->params.progress, w->to - w->from);
	/* Windows after one that was not scanned still are. */
	if (r < 0)
		job_error(ps->job, secretscan_strerror(r));
	return r > 0 ? r : 0;
}

/* Where the bytes of a content come from. */
struct feed {
	int		 fd;		/* -1: the stream */
	FILE		*stream;
	size_t		 left;		/* of the stream; SIZE_MAX: as far as it goes */
	const uint8_t	*ahead;		/* what was read ahead comes first */
	size_t		 nahead;
	off_t		 at;		/* in a file */
	off_t		 asked;		/* where holes are looked for next */
};

/* Some bytes, none at the end. 0, or an errno. */
static int
feed_read(struct feed *feed, uint8_t *p, size_t n, size_t *gotp)
{
	ssize_t r;

	*gotp = n < feed->nahead ? n : feed->nahead;
	if (*gotp > 0) {
		memcpy(p, feed->ahead, *gotp);
		feed->ahead += *gotp;
		feed->nahead -= *gotp;
		return 0;
	}
	if (feed->fd == -1) {
		*gotp = fread(p, 1, n < feed->left ? n : feed->left, feed->stream);
		if (feed->left != SIZE_MAX)
			feed->left -= *gotp;
		return *gotp == 0 && ferror(feed->stream) ? errno : 0;
	}
	do {
		r = read(feed->fd, p, n);
	} while (r == -1 && errno == EINTR);
	*gotp = r > 0 ? (size_t)r : 0;
	feed->at += (off_t)*gotp;
	return r == -1 ? errno : 0;
}

/* From a hole to where it ends, or to the end of the file, if that is worth it. Holes are asked for once a window. */
static int
pass_hole(struct feed *feed, struct pieces *pieces)
{
	off_t data, to;
	int stop = 0;

	if (feed->fd == -1 || feed->nahead > 0 || feed->at < feed->asked)
		return 0;
	to = data = lseek(feed->fd, feed->at, SEEK_DATA);
	if (data == -1 && errno == ENXIO)
		to = lseek(feed->fd, 0, SEEK_END);
	if (to - feed->at >= HOLE_MIN) {
		stop = pieces_skip(pieces, (uint64_t)(to - feed->at));
		feed->at = to;
	}
	feed->asked = feed->at + (off_t)PIECES_WINDOW;
	return lseek(feed->fd, feed->at, SEEK_SET) == -1 ? -errno : stop;
}

/*
 * A container cannot be taken apart in windows: read on behind the first one. Returns all of it, for the caller to free,
 * and *wholep, or not all because it is too large.
 */
static uint8_t *
read_on(struct feed *feed, const uint8_t *first, size_t *np, bool *wholep)
{
	size_t n = PIECES_WINDOW, cap = 2 * PIECES_WINDOW, got = 1;
	uint8_t *all = xcalloc(cap, 1);
	int e = 0;

	memcpy(all, first, n);
	while (e == 0 && got > 0 && n < CONTAINER_WHOLE) {
		if (n == cap)
			all = xreallocarray(all, cap *= 2, 1);
		e = feed_read(feed, all + n, cap - n, &got);
		n += got;
	}
	*np = n;
	*wholep = e == 0 && got == 0;
	return all;
}

/* The first window is full. True when all of the content was scanned here. */
static bool
scan_container(struct pass *ps, struct feed *feed, const uint8_t *first, uint8_t **allp)
{
	struct pieces_window w = { 0 };
	bool whole;

	if ((container_guess(first, PIECES_WINDOW) & KINDS_UNPACKED) == 0)
		return false;
	w.p = *allp = read_on(feed, first, &w.n, &whole);
	w.to = w.n;
	if (whole) {
		(void)on_window(&w, ps);
		return true;
	}
	job_error(ps->job, "a container that is too large to be unpacked: scanned as it is");
	feed->ahead = *allp + PIECES_WINDOW;
	feed->nahead = w.n - PIECES_WINDOW;
	return false;
}

/* 0, or an errno. */
static int
scan_feed(struct pass *ps, struct feed *feed, uint8_t *buffer)
{
	struct pieces *pieces = pieces_new(buffer, on_window, ps);
	size_t room, got, total = 0;
	uint8_t *all = NULL, *p;
	int e = 0, stop = 0;
	bool done = false;

	while (e == 0 && stop == 0 && !done) {
		if ((stop = pass_hole(feed, pieces)) != 0)
			break;
		p = pieces_room(pieces, &room);
		if ((e = feed_read(feed, p, room, &got)) != 0 || got == 0)
			break;
		total += got;
		if (total == PIECES_WINDOW && p + got == buffer + PIECES_WINDOW)
			done = scan_container(ps, feed, buffer, &all);
		if (!done)
			stop = pieces_added(pieces, got);
	}
	if (stop == 0 && !done)
		stop = pieces_end(pieces);
	pieces_free(pieces);
	free(all);
	return e != 0 ? e : stop < 0 ? -stop : 0;
}

static void
scan_file(struct pass *ps, int fd, uint8_t *buffer)
{
	struct feed feed = { .fd = fd };
	struct stat before, after;
	int e;

	if (fstat(fd, &before) == -1 || !S_ISREG(before.st_mode)) {
		job_error(ps->job, "not a file any more");
		return;
	}
	if (before.st_size <= HOLE_MIN)
		feed.asked = before.st_size + 1;
	if ((e = scan_feed(ps, &feed, buffer)) != 0)
		job_error(ps->job, strerror(e));
	if (fstat(fd, &after) == -1 || after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		job_error(ps->job, "changed while it was read");
}

static void
scan_stream(struct pass *ps, uint8_t *buffer)
{
	const struct source_item *it = ps->job->item;
	struct feed feed = { .fd = -1, .stream = it->stream, .left = it->n };
	size_t got = 1;
	int e;

	if ((e = scan_feed(ps, &feed, buffer)) != 0)
		job_error(ps->job, strerror(e));
	/* Something else follows it. */
	feed.nahead = 0;
	while (e == 0 && feed.left > 0 && feed.left != SIZE_MAX && got > 0)
		e = feed_read(&feed, buffer, PIECES_WINDOW, &got);
	if (feed.left > 0 && feed.left != SIZE_MAX)
		job_error(ps->job, "shorter than git said");
}

static void
scan_memory(struct pass *ps)
{
	const struct source_item *it = ps->job->item;
	const struct pieces_window w = { .p = it->p, .n = it->n, .to = it->n };

	(void)on_window(&w, ps);
}

static void
scan_item(struct pass *ps, struct desk *desk)
{
	const struct source_item *it = ps->job->item;
	int fd = -1;

	if (it->p != NULL) {
		scan_memory(ps);
		return;
	}
	if (it->path != NULL && (fd = open(it->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)) == -1) {
		job_error(ps->job, strerror(errno));
		return;
	}
	if (desk->buffer == NULL)
		desk->buffer = xcalloc(PIECES_WINDOW, 1);
	if (fd == -1) {
		scan_stream(ps, desk->buffer);
		return;
	}
	scan_file(ps, fd, desk->buffer);
	close(fd);
}

void
inspect_run(struct inspect *in, struct inspect_job *job, unsigned thread)
{
	struct pass ps = { .in = in, .job = job };
	struct desk *desk = &in->desks[thread];
	struct gitleaks_content content = content_of(&ps);

	if (in->gitleaks != NULL) {
		if (desk->gitleaks == NULL && (desk->gitleaks = gitleaks_scratch_new(in->gitleaks)) == NULL) {
			job_error(job, "out of memory");
			return;
		}
		ps.scratch = desk->gitleaks;
	}
	/* What comes as a stream has to be read in any case. */
	if (ps.scratch == NULL || job->item->stream != NULL || !gitleaks_skips(in->gitleaks, ps.scratch, &content))
		scan_item(&ps, desk);
	free(ps.others);
}
