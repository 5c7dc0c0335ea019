/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/baseline.h"
#include "secretscan/inspect.h"
#include "secretscan/ledger.h"
#include "secretscan/maskname.h"
#include "secretscan/options.h"
#include "secretscan/pool.h"
#include "secretscan/progress.h"
#include "secretscan/record.h"
#include "secretscan/report.h"
#include "secretscan/ruleset.h"
#include "secretscan/source.h"

#define SHOWN	((size_t)200)	/* bytes of a long name, at its beginning and at its end */

struct run {
	struct inspect	*inspect;
	struct ledger	*ledger;
	struct pool	*pool;
	struct progress	*progress;
	struct baseline	*known;		/* what is not reported */
	struct baseline	*accepted;	/* what is to be known from now on; NULL when there is a report */
	bool		 paths;		/* accepted in its file only */
	struct record	**old;		/* findings of what stood there before */
	size_t		 nold;
	char		*old_file;	/* where; NULL when there is nothing */
	const struct secretscan	*ss;	/* NULL for none */
	bool		 show_secrets;
	size_t		 contents;
	size_t		 found;
	size_t		 errors;
	bool		 unwritten;
};

void
run_complain(const char *what, const char *why)
{
	size_t n = strlen(what);

	fprintf(stderr, "secretscan: ");
	if (n > 2 * SHOWN) {
		report_put_safe(stderr, what, SHOWN);
		fprintf(stderr, "[..]");
		what += n - SHOWN;
		n = SHOWN;
	}
	report_put_safe(stderr, what, n);
	fprintf(stderr, ": %s\n", why);
}

static void
on_error(const char *name, const char *why, void *arg)
{
	struct run *run = arg;

	char *shown = run->show_secrets ? xstrdup(name) : maskname(run->ss, name);

	run->errors++;
	progress_clear(run->progress);
	run_complain(shown, why);
	free(shown);
}

static void
on_item(struct source_item *it, void *arg)
{
	struct run *run = arg;
	bool here = it->stream != NULL;
	struct inspect_job *job = inspect_job_new(it);

	if (here)
		pool_put_here(run->pool, job);
	else
		pool_put(run->pool, job, it->n);
}

static void
on_work(void *job, unsigned thread, void *arg)
{
	struct run *run = arg;

	inspect_run(run->inspect, job, thread);
}

static void
on_tick(void *arg)
{
	struct run *run = arg;

	progress_draw(run->progress);
}

static void
forget_old(struct run *run)
{
	for (size_t i = 0; i < run->nold; i++)
		record_free(run->old[i]);
	free(run->old);
	free(run->old_file);
	run->old = NULL;
	run->old_file = NULL;
	run->nold = 0;
}

static bool
was_there(const struct run *run, const struct record *r)
{
	if (run->old_file == NULL || strcmp(run->old_file, r->file) != 0)
		return false;
	for (size_t i = 0; i < run->nold; i++) {
		if (strcmp(run->old[i]->fingerprint, r->fingerprint) == 0 && strcmp(run->old[i]->rule, r->rule) == 0)
			return true;
	}
	return false;
}

static void
take_record(struct run *run, struct record *r)
{
	r->content = run->contents;
	if (run->accepted != NULL)
		baseline_add(run->accepted, r->rule, r->fingerprint, run->paths ? r->file : NULL);
	if (run->accepted != NULL || was_there(run, r) || baseline_has(run->known, r->rule, r->fingerprint, r->file)) {
		record_free(r);
		return;
	}
	run->found++;
	if (ledger_add(run->ledger, r) != 0)
		run->unwritten = true;
}

/* In the order in which the contents came. */
static void
on_done(void *arg_job, void *arg)
{
	struct inspect_job *job = arg_job;
	struct run *run = arg;

	if (job->error != NULL)
		on_error(job->item->file, job->error, run);
	if (job->item->is_old) {
		forget_old(run);
		run->old = job->records;
		run->nold = job->nrecords;
		run->old_file = run->show_secrets ? xstrdup(job->item->file) : maskname(run->ss, job->item->file);
		job->records = NULL;
	} else {
		for (size_t i = 0; i < job->nrecords; i++)
			take_record(run, job->records[i]);
	}
	job->nrecords = 0;
	progress_contents(run->progress, ++run->contents, run->found);
	inspect_job_free(job);
}

static void
walk(const struct options *o, struct run *run)
{
	const struct source_sink sink = { on_item, on_error, run };

	if (o->git != NULL)
		source_git(o->git, o->nargs > 0 ? o->args[0] : NULL,
		    o->unreachable ? SOURCE_UNREACHABLE : SOURCE_REACHABLE, &sink);
	else if (o->staged)
		source_index(o->nargs > 0 ? o->args[0] : ".", &sink);
	for (int i = 0; i < o->nargs && o->git == NULL && !o->staged; i++)
		source_path(o->args[i], &sink);
}

static bool
read_baseline(struct baseline *b, const char *path)
{
	char *error = NULL;
	bool ok = baseline_read(b, path, &error) == 0;

	if (!ok)
		run_complain("baseline", error);
	free(error);
	return ok;
}

/* Baselines that lie in what is scanned: at the top of each folder, where there is one. */
static bool
read_tree_baseline(struct baseline *b, const char *folder)
{
	char *path = xasprintf("%s/.secretscan-baseline", folder);
	bool ok = access(path, F_OK) == -1 || read_baseline(b, path);

	free(path);
	return ok;
}

/* What is known already. False after a complaint. */
static bool
read_known(struct baseline *b, const struct options *o)
{
	bool ok = true;

	for (size_t i = 0; i < o->baselines.n && ok; i++)
		ok = read_baseline(b, o->baselines.v[i]);
	if (!o->allow_tree || !ok)
		return ok;
	if (o->git != NULL)
		return read_tree_baseline(b, o->git);
	if (o->staged)
		return read_tree_baseline(b, o->nargs > 0 ? o->args[0] : ".");
	for (int i = 0; i < o->nargs && ok; i++)
		ok = read_tree_baseline(b, o->args[i]);
	return ok;
}

static void
scan_all(struct run *run, const struct run_params *params)
{
	const struct pool_ops ops = { on_work, on_done, on_tick, run };
	const struct options *o = params->options;

	run->progress = progress_new();
	if ((run->pool = pool_new(o->threads, &ops)) == NULL) {
		on_error("threads", "none can be started", run);
	} else {
		run->inspect = inspect_new(&(struct inspect_params){ .rules = params->rules, .progress = run->progress,
		    .threads = pool_threads(run->pool), .show_secrets = o->show_secrets,
		    .allow_inline = o->allow_inline });
		walk(o, run);
		pool_end(run->pool);
	}
	progress_free(run->progress);
	forget_old(run);
	inspect_free(run->inspect);
}

static int
accept_all(struct run *run, const struct run_params *params)
{
	const char *path = params->options->write_baseline;
	size_t n = 0;
	int e;

	if ((run->accepted = baseline_new(params->key)) == NULL) {
		run_complain("fingerprints", "cannot be made");
		return RUN_TROUBLE;
	}
	scan_all(run, params);
	if ((e = baseline_write(run->accepted, path, &n)) != 0) {
		run_complain(path, strerror(e));
		return RUN_TROUBLE;
	}
	fprintf(stderr, "secretscan: %zu entries written\n", n);
	if (params->keyless && n > 0)
		fprintf(stderr,
		    "secretscan: made without a key: a weak secret can be guessed from its entry (--key)\n");
	return run->errors > 0 ? RUN_TROUBLE : RUN_CLEAN;
}

static int
report_all(struct run *run, const struct run_params *params)
{
	struct report *report = report_new(params->options->format, params->options->show_secrets);

	if (report == NULL) {
		run_complain(params->options->format, "no such format");
		return RUN_TROUBLE;
	}
	run->ledger = ledger_new(report, params->rules->ss);
	scan_all(run, params);
	run->unwritten |= ledger_flush(run->ledger) != 0;
	if (ledger_was_full(run->ledger))
		fprintf(stderr, "secretscan: more than %d findings: sorted and paired in parts\n", LEDGER_MAX);
	run->unwritten |= report_end(report) != 0;
	if (run->unwritten)
		run_complain("standard output", "cannot write");
	ledger_free(run->ledger);
	if (run->errors > 0 || run->unwritten)
		return RUN_TROUBLE;
	return run->found > 0 ? RUN_FOUND : RUN_CLEAN;
}

int
run_all(const struct run_params *params)
{
	struct run run = { .paths = params->options->baseline_paths, .ss = params->rules->ss,
	    .show_secrets = params->options->show_secrets };
	int status = RUN_TROUBLE;

	if ((run.known = baseline_new(params->key)) == NULL) {
		run_complain("fingerprints", "cannot be made");
	} else if (read_known(run.known, params->options)) {
		status = params->options->write_baseline == NULL ? report_all(&run, params) : accept_all(&run, params);
	}
	baseline_free(run.known);
	baseline_free(run.accepted);
	return status;
}
