/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/container.h"
#include "secretscan/feed.h"
#include "secretscan/gitleaks.h"
#include "secretscan/inline.h"
#include "secretscan/maskname.h"
#include "secretscan/pieces.h"
#include "secretscan/progress.h"
#include "secretscan/record.h"
#include "secretscan/ruleset.h"
#include "secretscan/secretscan.h"
#include "secretscan/source.h"

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
	struct secretscan_finding	*others;	/* by gitleaks' rules in this window; rule NULL: taken away */
	size_t				 nothers;
	bool				 naming;	/* the window is the name of the content */
	bool				 cut;		/* it was said that not everything was scanned */
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
	const char *member;

	r->file = ps->in->params.show_secrets ? xstrdup(it->file) : maskname(ps->in->params.rules->ss, it->file);
	r->commit = xstrdup(it->commit);
	r->object = xstrdup(it->object);
	member = ps->naming ? "(name)" : f->member != NULL ? f->member : "";
	r->member = ps->in->params.show_secrets ? xstrdup(member) : maskname(ps->in->params.rules->ss, member);
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

/*
 * What is said of a window as such begins where it does. That bytes look like random ones is said of the first window;
 * that not everything was scanned is said of any, once.
 */
static bool
counts(struct pass *ps, const struct secretscan_finding *f)
{
	bool is_cut = strcmp(f->rule, container_report(CONTAINER_IS_CUT)->rule) == 0;
	bool is_again = ps->w->offset > 0 && (is_cut ? ps->cut :
	    f->member[0] == '\0' && strcmp(f->rule, container_report(CONTAINER_IS_OPAQUE)->rule) == 0);

	ps->cut |= is_cut;
	return !is_again;
}

/* In what the window is as a container, such as a zip at its end. */
static bool
is_whole(const struct pass *ps, const struct secretscan_finding *f)
{
	return f->member != NULL && f->member[0] != '\0' && f->start == 0 && f->end == ps->w->n;
}

/* Keep a finding that counts in this window. Non-zero when there are too many. */
static int
keep(struct pass *ps, const struct secretscan_finding *f)
{
	struct inspect_job *job = ps->job;

	if (f->notice && ps->naming)
		return 0;
	if (f->notice ? !counts(ps, f) : !is_whole(ps, f) && (f->start < ps->w->from || f->start >= ps->w->to))
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
 * One secret is one finding: where two kinds of rules find the same, the scanner's has its name, as that knows more
 * about it; but not a generic one, which knows less.
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
	if (ps->job->item->stream != NULL)
		progress_draw(ps->in->params.progress);
	/* Windows after one that was not scanned still are. */
	if (r < 0)
		job_error(ps->job, secretscan_strerror(r));
	return r > 0 ? r : 0;
}

static void
scan_memory(struct pass *ps)
{
	const struct source_item *it = ps->job->item;
	const struct pieces_window w = { .p = it->p, .n = it->n, .to = it->n };

	(void)on_window(&w, ps);
}

static void
scan_name(struct pass *ps)
{
	const struct source_item *it = ps->job->item;
	const char *slash = strrchr(it->file, '/'), *name = slash != NULL ? slash + 1 : it->file;
	const struct pieces_window w = { .p = (const uint8_t *)name, .n = strlen(name), .to = strlen(name) };
	int r;

	ps->w = &w;
	ps->naming = true;
	if ((r = secretscan_scan(ps->in->params.rules->ss, w.p, w.n, on_finding, ps)) < 0)
		job_error(ps->job, secretscan_strerror(r));
	ps->naming = false;
	ps->w = NULL;
}

static void
scan_item(struct pass *ps, struct desk *desk)
{
	const struct source_item *it = ps->job->item;
	struct feed_params feed = { .fn = on_window, .arg = ps };
	const char *why;
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
	feed.buffer = desk->buffer;
	if (fd == -1) {
		why = feed_stream(it->stream, it->n, &feed);
	} else {
		why = feed_file(fd, &feed);
		close(fd);
	}
	if (why != NULL)
		job_error(ps->job, why);
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
	if (job->item->named && in->params.rules->ss != NULL)
		scan_name(&ps);
	free(ps.others);
}
