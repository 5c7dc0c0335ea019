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
#include "secretscan/inline.h"
#include "secretscan/pieces.h"
#include "secretscan/progress.h"
#include "secretscan/record.h"
#include "secretscan/secretscan.h"
#include "secretscan/source.h"

/* A hole of a sparse file that is passed over; a shorter one is read as the zeros that it is. */
#define HOLE_MIN	((off_t)1 << 20)

struct inspect {
	struct inspect_params	 params;
	struct secretscan_rule	*rules;		/* by id */
	size_t			 nrules;
	uint8_t			**buffers;	/* a window for each thread, made when first needed */
};

/* One content on its way. */
struct pass {
	const struct inspect		*in;
	struct inspect_job		*job;
	const struct pieces_window	*w;
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
	while (secretscan_rule(params->ss, in->nrules, &r)) {
		in->rules = xreallocarray(in->rules, in->nrules + 1, sizeof(*in->rules));
		in->rules[in->nrules++] = r;
	}
	if (in->nrules > 0)
		qsort(in->rules, in->nrules, sizeof(*in->rules), by_id);
	in->buffers = xcalloc(params->threads + 1, sizeof(*in->buffers));
	return in;
}

void
inspect_free(struct inspect *in)
{
	if (in == NULL)
		return;
	for (unsigned i = 0; i <= in->params.threads; i++)
		free(in->buffers[i]);
	free(in->buffers);
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

static const char *
provider_of(const struct inspect *in, const char *rule)
{
	const struct secretscan_rule key = { .id = rule };
	const struct secretscan_rule *r;

	r = in->nrules > 0 ? bsearch(&key, in->rules, in->nrules, sizeof(key), by_id) : NULL;
	return r != NULL ? r->provider : "";
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
	struct record *r = xcalloc(1, sizeof(*r));

	r->file = xstrdup(it->file);
	r->commit = xstrdup(it->commit);
	r->object = xstrdup(it->object);
	r->member = xstrdup(f->member != NULL ? f->member : "");
	r->decoded = xstrdup(f->decoded != NULL ? f->decoded : "");
	r->rule = f->rule;
	r->description = f->description;
	r->provider = provider_of(ps->in, f->rule);
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

static int
on_finding(const struct secretscan_finding *found, void *arg)
{
	struct pass *ps = arg;
	struct inspect_job *job = ps->job;
	struct secretscan_finding f = *found;

	if (f.start < ps->w->from || f.start >= ps->w->to)
		return 0;
	if (ps->in->params.allow_inline && inline_allows(ps->w->p, ps->w->n, f.start, f.end, f.rule))
		return 0;
	if (job->nrecords == INSPECT_FINDINGS_MAX) {
		job_error(job, "more findings than are listed of one content: the rest was not scanned");
		return 1;
	}
	/* Grown by powers of two. */
	if ((job->nrecords & (job->nrecords - 1)) == 0)
		job->records = xreallocarray(job->records, job->nrecords > 0 ? job->nrecords * 2 : 1,
		    sizeof(struct record *));
	job->records[job->nrecords++] = record_of(ps, &f);
	return 0;
}

static int
on_window(const struct pieces_window *w, void *arg)
{
	struct pass *ps = arg;
	int r;

	ps->w = w;
	r = secretscan_scan(ps->in->params.ss, w->p, w->n, on_finding, ps);
	progress_bytes(ps->in->params.progress, w->to - w->from);
	/* Windows after one that was not scanned still are. */
	if (r < 0)
		job_error(ps->job, secretscan_strerror(r));
	return r > 0 ? r : 0;
}

static int
read_some(int fd, uint8_t *p, size_t n, size_t *gotp)
{
	ssize_t r;

	do {
		r = read(fd, p, n);
	} while (r == -1 && errno == EINTR);
	*gotp = r > 0 ? (size_t)r : 0;
	return r == -1 ? errno : 0;
}

/* From a hole to where it ends, or to the end of the file, if that is worth it. Holes are asked for once a window. */
static int
pass_hole(int fd, struct pieces *pieces, off_t *atp)
{
	off_t data = lseek(fd, *atp, SEEK_DATA), to = data;
	int e = 0;

	if (data == -1 && errno == ENXIO)
		to = lseek(fd, 0, SEEK_END);
	if (to - *atp >= HOLE_MIN) {
		e = pieces_skip(pieces, (uint64_t)(to - *atp));
		*atp = to;
	}
	return lseek(fd, *atp, SEEK_SET) == -1 ? -errno : e;
}

static void
scan_fd(struct inspect_job *job, int fd, struct pieces *pieces)
{
	struct stat before, after;
	off_t at = 0, asked = 0;
	size_t room, got = 1;
	uint8_t *p;
	int e, stop = 0;

	if (fstat(fd, &before) == -1 || !S_ISREG(before.st_mode)) {
		job_error(job, "not a file any more");
		return;
	}
	for (e = 0; e == 0 && got > 0 && stop == 0; at += (off_t)got) {
		if (before.st_size > HOLE_MIN && at >= asked) {
			stop = pass_hole(fd, pieces, &at);
			asked = at + (off_t)PIECES_WINDOW;
		}
		p = pieces_room(pieces, &room);
		if (stop != 0 || (e = read_some(fd, p, room, &got)) != 0 || got == 0)
			break;
		stop = pieces_added(pieces, got);
	}
	if (stop == 0)
		stop = pieces_end(pieces);
	if (e != 0 || stop < 0)
		job_error(job, strerror(e != 0 ? e : -stop));
	if (fstat(fd, &after) == -1 || after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		job_error(job, "changed while it was read");
}

static void
scan_stream(struct inspect_job *job, struct pieces *pieces)
{
	const struct source_item *it = job->item;
	size_t left = it->n, room, got = 1;
	int stop = 0;

	while (left > 0 && got > 0) {
		uint8_t *p = pieces_room(pieces, &room);

		got = fread(p, 1, room < left ? room : left, it->stream);
		if (left != SIZE_MAX)
			left -= got;
		/* The rest is read in any case: something else follows it. */
		if (stop == 0 && got > 0)
			stop = pieces_added(pieces, got);
	}
	if (stop == 0)
		(void)pieces_end(pieces);
	if (ferror(it->stream))
		job_error(job, strerror(errno));
	else if (left > 0 && left != SIZE_MAX)
		job_error(job, "shorter than git said");
}

static void
scan_memory(const struct pass *ps)
{
	const struct source_item *it = ps->job->item;
	const struct pieces_window w = { .p = it->p, .n = it->n, .to = it->n };
	struct pass pass = *ps;

	(void)on_window(&w, &pass);
}

void
inspect_run(struct inspect *in, struct inspect_job *job, unsigned thread)
{
	const struct source_item *it = job->item;
	struct pass ps = { .in = in, .job = job };
	struct pieces *pieces;
	int fd = -1;

	if (it->p != NULL) {
		scan_memory(&ps);
		return;
	}
	if (it->path != NULL && (fd = open(it->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)) == -1) {
		job_error(job, strerror(errno));
		return;
	}
	if (in->buffers[thread] == NULL)
		in->buffers[thread] = xcalloc(PIECES_WINDOW, 1);
	pieces = pieces_new(in->buffers[thread], on_window, &ps);
	if (fd != -1)
		scan_fd(job, fd, pieces);
	else
		scan_stream(job, pieces);
	pieces_free(pieces);
	if (fd != -1)
		close(fd);
}
