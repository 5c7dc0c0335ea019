/* SPDX-License-Identifier: Apache-2.0 */
/* The program secretscan(1). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretscan/inspect.h"
#include "secretscan/ledger.h"
#include "secretscan/pool.h"
#include "secretscan/progress.h"
#include "secretscan/record.h"
#include "secretscan/report.h"
#include "secretscan/secretscan.h"
#include "secretscan/source.h"

enum {
	EXIT_CLEAN = 0,
	EXIT_FOUND = 1,
	EXIT_TROUBLE = 2,
};

enum option_id {
	OPT_EXPLAIN = 256,
	OPT_FORMAT,
	OPT_GIT,
	OPT_HELP,
	OPT_KEY,
	OPT_LIST,
	OPT_ONLY_RULES,
	OPT_RULES,
	OPT_SHOW_SECRETS,
	OPT_STAGED,
	OPT_THREADS,
	OPT_UNREACHABLE,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "explain", required_argument, NULL, OPT_EXPLAIN },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "git", required_argument, NULL, OPT_GIT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "only-rules", no_argument, NULL, OPT_ONLY_RULES },
	{ "rules", required_argument, NULL, OPT_RULES },
	{ "show-secrets", no_argument, NULL, OPT_SHOW_SECRETS },
	{ "staged", no_argument, NULL, OPT_STAGED },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "unreachable", no_argument, NULL, OPT_UNREACHABLE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char usage_text[] =
    "usage: secretscan [OPTIONS] PATH... | -\n"
    "       secretscan [OPTIONS] --git REPOSITORY [RANGE] | --staged [REPOSITORY]\n"
    "       secretscan [--rules PATH] [--only-rules] --list | --explain RULE\n"
    "options: --format text|json|jsonl|sarif|junit, --rules PATH, --only-rules, --key FILE, --show-secrets, --threads N, --unreachable\n"
    "Exit status: 0 nothing found, 1 secrets found, 2 not everything could be scanned.\n";

#define RULES_MAX	32	/* options --rules */

struct options {
	const char	*format;
	bool		 show_secrets;
	bool		 list;
	bool		 staged;
	bool		 unreachable;
	unsigned	 threads;
	const char	*explain;
	const char	*git;
	const char	*key;
	bool		 only_rules;
	const char	*rules[RULES_MAX];
	size_t		 nrules;
};

struct run {
	struct inspect	*inspect;
	struct ledger	*ledger;
	struct pool	*pool;
	struct progress	*progress;
	struct record	**old;		/* findings of what stood there before */
	size_t		 nold;
	size_t		 contents;
	size_t		 found;
	size_t		 errors;
	bool		 unwritten;
};

static void
complain(const char *what, const char *why)
{
	fprintf(stderr, "secretscan: ");
	report_put_safe(stderr, what, strlen(what));
	fprintf(stderr, ": %s\n", why);
}

static void
on_error(const char *name, const char *why, void *arg)
{
	struct run *run = arg;

	run->errors++;
	progress_clear(run->progress);
	complain(name, why);
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
	run->old = NULL;
	run->nold = 0;
}

static bool
was_there(const struct run *run, const struct record *r)
{
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
	if (was_there(run, r)) {
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
		job->records = NULL;
	} else {
		for (size_t i = 0; i < job->nrecords; i++)
			take_record(run, job->records[i]);
		forget_old(run);
	}
	job->nrecords = 0;
	progress_contents(run->progress, ++run->contents, run->found);
	inspect_job_free(job);
}

/* 32 bytes, or -1. Without a file fingerprints are comparable everywhere, but a weak secret can be guessed from one. */
static int
read_key(const char *path, uint8_t key[32])
{
	uint8_t more;
	int fd;
	bool ok;

	memset(key, 0, 32);
	if (path == NULL)
		return 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		complain(path, strerror(errno));
		return -1;
	}
	ok = read(fd, key, 32) == 32 && read(fd, &more, 1) == 0;
	close(fd);
	if (!ok)
		complain(path, "a key file holds exactly 32 bytes");
	return ok ? 0 : -1;
}

static int
list_rules(const struct secretscan *ss)
{
	struct secretscan_rule r;

	for (size_t i = 0; secretscan_rule(ss, i, &r); i++)
		printf("%-32s %-28s %s\n", r.id, r.provider, r.description);
	return fflush(stdout) != 0 ? EXIT_TROUBLE : EXIT_CLEAN;
}

static void
put_field(const char *name, const char *text)
{
	if (text != NULL)
		printf("%-12s %s\n", name, text);
}

static int
explain_rule(const struct secretscan *ss, const char *id)
{
	struct secretscan_rule r;

	for (size_t i = 0; secretscan_rule(ss, i, &r); i++) {
		if (strcmp(r.id, id) != 0)
			continue;
		put_field("rule", r.id);
		put_field("provider", r.provider);
		put_field("description", r.description);
		put_field("file", r.file);
		put_field("before", r.before);
		put_field("lead", r.lead);
		put_field("secret", r.secret);
		put_field("after", r.after);
		put_field("check", r.check);
		printf("%-12s %.1f\n", "entropy", r.entropy);
		return fflush(stdout) != 0 ? EXIT_TROUBLE : EXIT_CLEAN;
	}
	complain(id, "no such rule; --list names them");
	return EXIT_TROUBLE;
}

static void
walk(const struct options *o, char **paths, int npaths, struct run *run)
{
	const struct source_sink sink = { on_item, on_error, run };

	if (o->git != NULL)
		source_git(o->git, npaths > 0 ? paths[0] : NULL,
		    o->unreachable ? SOURCE_UNREACHABLE : SOURCE_REACHABLE, &sink);
	else if (o->staged)
		source_index(npaths > 0 ? paths[0] : ".", &sink);
	for (int i = 0; i < npaths && o->git == NULL && !o->staged; i++)
		source_path(paths[i], &sink);
}

static int
scan_all(const struct secretscan *ss, const struct options *o, char **paths, int npaths)
{
	struct run run = { .progress = progress_new() };
	const struct pool_ops ops = { on_work, on_done, on_tick, &run };
	struct report *report = report_new(o->format, o->show_secrets);

	if (report == NULL) {
		complain(o->format, "no such format");
		progress_free(run.progress);
		return EXIT_TROUBLE;
	}
	run.ledger = ledger_new(report, ss);
	if ((run.pool = pool_new(o->threads, &ops)) == NULL) {
		on_error("threads", "none can be started", &run);
	} else {
		run.inspect = inspect_new(&(struct inspect_params){ .ss = ss, .progress = run.progress,
		    .threads = pool_threads(run.pool), .show_secrets = o->show_secrets });
		walk(o, paths, npaths, &run);
		pool_end(run.pool);
	}
	progress_free(run.progress);
	run.unwritten |= ledger_flush(run.ledger) != 0;
	if (ledger_was_full(run.ledger))
		fprintf(stderr, "secretscan: more than %d findings: sorted and paired in parts\n", LEDGER_MAX);
	run.unwritten |= report_end(report) != 0;
	if (run.unwritten)
		complain("standard output", "cannot write");
	forget_old(&run);
	inspect_free(run.inspect);
	ledger_free(run.ledger);
	if (run.errors > 0 || run.unwritten)
		return EXIT_TROUBLE;
	return run.found > 0 ? EXIT_FOUND : EXIT_CLEAN;
}

static bool
parse_threads(const char *text, unsigned *threadsp)
{
	char *end = NULL;
	long n = strtol(text, &end, 10);

	*threadsp = (unsigned)n;
	return end != text && *end == '\0' && n >= 1 && n <= 64;
}

/* The number of the first argument that is no option; an exit status in *statusp when there is nothing to do. */
static int
parse_options(int argc, char **argv, struct options *o, int *statusp)
{
	int c;

	*statusp = -1;
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1 && *statusp == -1) {
		switch (c) {
		case OPT_EXPLAIN: o->explain = optarg; break;
		case OPT_GIT: o->git = optarg; break;
		case OPT_KEY: o->key = optarg; break;
		case OPT_LIST: o->list = true; break;
		case OPT_ONLY_RULES: o->only_rules = true; break;
		case OPT_RULES:
			if (o->nrules == RULES_MAX) {
				complain(optarg, "too many --rules");
				*statusp = EXIT_TROUBLE;
			} else
				o->rules[o->nrules++] = optarg;
			break;
		case OPT_SHOW_SECRETS: o->show_secrets = true; break;
		case OPT_STAGED: o->staged = true; break;
		case OPT_UNREACHABLE: o->unreachable = true; break;
		case OPT_THREADS:
			if (!parse_threads(optarg, &o->threads)) {
				complain(optarg, "threads: 1 to 64");
				*statusp = EXIT_TROUBLE;
			}
			break;
		case OPT_FORMAT: o->format = optarg; break;
		case OPT_HELP:
			printf("%s", usage_text);
			*statusp = EXIT_CLEAN;
			break;
		case OPT_VERSION:
			printf("secretscan %s\n", PACKAGE_VERSION);
			*statusp = EXIT_CLEAN;
			break;
		default:
			fprintf(stderr, "%s", usage_text);
			*statusp = EXIT_TROUBLE;
		}
	}
	return optind;
}

/* The options go together, and with so many arguments. */
static bool
is_sensible(const struct options *o, int nargs)
{
	const char *why = NULL;

	if (o->git != NULL && o->staged)
		why = "--git and --staged exclude each other";
	else if ((o->git != NULL || o->staged) && nargs > 1)
		why = o->staged ? "--staged takes one repository" : "--git takes one range";
	else if (o->unreachable && (o->git == NULL || nargs > 0))
		why = "--unreachable goes with --git and no range";
	if (why != NULL)
		complain("options", why);
	else if (o->git == NULL && !o->staged && !o->list && o->explain == NULL && nargs == 0)
		fprintf(stderr, "%s", why = usage_text);
	return why == NULL;
}

int
main(int argc, char **argv)
{
	struct options o = { .format = "text", .key = getenv("SECRETSCAN_KEY_FILE") };
	struct secretscan *ss;
	char *error = NULL;
	uint8_t key[32];
	int first, status;

	/* A reader or a git that goes away is an error to report, not a death. */
	signal(SIGPIPE, SIG_IGN);
	first = parse_options(argc, argv, &o, &status);
	if (status != -1)
		return status;
	if (!is_sensible(&o, argc - first))
		return EXIT_TROUBLE;
	if (read_key(o.key, key) != 0)
		return EXIT_TROUBLE;
	if ((ss = secretscan_new(&(struct secretscan_rules){ .paths = o.rules, .npaths = o.nrules,
	    .no_builtin = o.only_rules }, key, &error)) == NULL) {
		complain("rules", error != NULL ? error : "out of memory");
		free(error);
		return EXIT_TROUBLE;
	}
	if (o.list)
		status = list_rules(ss);
	else if (o.explain != NULL)
		status = explain_rule(ss, o.explain);
	else
		status = scan_all(ss, &o, argv + first, argc - first);
	secretscan_free(ss);
	return status;
}
