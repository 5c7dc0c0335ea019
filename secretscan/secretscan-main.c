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
	OPT_RULES,
	OPT_SHOW_SECRETS,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "explain", required_argument, NULL, OPT_EXPLAIN },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "git", required_argument, NULL, OPT_GIT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "rules", required_argument, NULL, OPT_RULES },
	{ "show-secrets", no_argument, NULL, OPT_SHOW_SECRETS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char usage_text[] =
    "usage: secretscan [--format text|json|jsonl] [--rules DIR] [--key FILE] [--show-secrets] PATH... | -\n"
    "       secretscan [OPTIONS] --git REPOSITORY [RANGE]\n"
    "       secretscan [--rules DIR] --list | --explain RULE\n"
    "Exit status: 0 nothing found, 1 secrets found, 2 not everything could be scanned.\n";

struct options {
	enum report_format	 format;
	bool			 show_secrets;
	bool			 list;
	const char		*explain;
	const char		*git;
	const char		*key;
	const char		*rules;
};

struct run {
	const struct secretscan	*ss;
	struct report		*report;
	size_t			 found;
	size_t			 errors;
	const char		*name;		/* of the content at hand */
	const uint8_t		*p;
	size_t			 n;
};

static void
complain(const char *what, const char *why)
{
	fprintf(stderr, "secretscan: %s: %s\n", what, why);
}

static void
on_error(const char *name, const char *why, void *arg)
{
	struct run *run = arg;

	run->errors++;
	complain(name, why);
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct run *run = arg;

	run->found++;
	if (report_add(run->report, run->name, run->p, run->n, f) == 0)
		return 0;
	on_error("standard output", "cannot write", run);
	return 1;
}

static int
on_content(const char *name, const uint8_t *p, size_t n, void *arg)
{
	struct run *run = arg;
	int r;

	run->name = name;
	run->p = p;
	run->n = n;
	r = secretscan_scan(run->ss, p, n, on_finding, run);
	if (r < 0)
		on_error(name, secretscan_strerror(r), run);
	return r > 0 ? r : 0;
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

static int
scan_all(const struct secretscan *ss, const struct options *o, char **paths, int npaths)
{
	struct run run = { .ss = ss };
	struct source_sink sink = { on_content, on_error, &run };
	int r = 0;

	if ((run.report = report_new(o->format, o->show_secrets)) == NULL)
		return EXIT_TROUBLE;
	if (o->git != NULL)
		r = source_git(o->git, npaths > 0 ? paths[0] : NULL, &sink);
	for (int i = 0; i < npaths && r == 0 && o->git == NULL; i++)
		r = source_path(paths[i], &sink);
	if (report_end(run.report) != 0)
		on_error("standard output", "cannot write", &run);
	report_free(run.report);
	if (run.errors > 0 || r != 0)
		return EXIT_TROUBLE;
	return run.found > 0 ? EXIT_FOUND : EXIT_CLEAN;
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
		case OPT_RULES: o->rules = optarg; break;
		case OPT_SHOW_SECRETS: o->show_secrets = true; break;
		case OPT_FORMAT:
			if (!report_format_parse(optarg, &o->format)) {
				complain(optarg, "no such format");
				*statusp = EXIT_TROUBLE;
			}
			break;
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

int
main(int argc, char **argv)
{
	struct options o = { .format = REPORT_TEXT, .key = getenv("SECRETSCAN_KEY_FILE") };
	struct secretscan *ss;
	char *error = NULL;
	uint8_t key[32];
	int first, status;

	/* A reader or a git that goes away is an error to report, not a death. */
	signal(SIGPIPE, SIG_IGN);
	first = parse_options(argc, argv, &o, &status);
	if (status != -1)
		return status;
	if (o.git == NULL && !o.list && o.explain == NULL && first == argc) {
		fprintf(stderr, "%s", usage_text);
		return EXIT_TROUBLE;
	}
	if (o.git != NULL && argc - first > 1) {
		complain(argv[first + 1], "--git takes one range");
		return EXIT_TROUBLE;
	}
	if (read_key(o.key, key) != 0)
		return EXIT_TROUBLE;
	if ((ss = secretscan_new(o.rules, key, &error)) == NULL) {
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
