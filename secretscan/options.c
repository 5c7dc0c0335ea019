/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX	64

enum kind {
	KIND_FLAG,
	KIND_TEXT,
	KIND_LIST,
	KIND_THREADS,
	KIND_HELP,
	KIND_VERSION,
};

#define OPTION(kind, name, field)	{ name, kind, offsetof(struct options, field) }

static const struct entry {
	const char	*name;
	enum kind	 kind;
	size_t		 offset;
} entries[] = {
	OPTION(KIND_FLAG, "allow-inline", allow_inline),
	OPTION(KIND_FLAG, "allow-tree", allow_tree),
	OPTION(KIND_LIST, "baseline", baselines),
	OPTION(KIND_FLAG, "baseline-paths", baseline_paths),
	OPTION(KIND_TEXT, "explain", explain),
	OPTION(KIND_TEXT, "format", format),
	OPTION(KIND_TEXT, "git", git),
	{ "help", KIND_HELP, 0 },
	OPTION(KIND_FLAG, "keep-columns", keep_columns),
	OPTION(KIND_TEXT, "key", key),
	OPTION(KIND_FLAG, "list", list),
	OPTION(KIND_FLAG, "mask", mask),
	OPTION(KIND_FLAG, "only-rules", only_rules),
	OPTION(KIND_TEXT, "pii", pii),
	OPTION(KIND_LIST, "rules", rules),
	OPTION(KIND_FLAG, "show-secrets", show_secrets),
	OPTION(KIND_FLAG, "staged", staged),
	OPTION(KIND_THREADS, "threads", threads),
	OPTION(KIND_FLAG, "unreachable", unreachable),
	{ "version", KIND_VERSION, 0 },
	OPTION(KIND_TEXT, "write-baseline", write_baseline),
};
#define NENTRIES	(sizeof(entries) / sizeof(entries[0]))

static const char usage_text[] =
    "usage: secretscan [OPTIONS] PATH... | -\n"
    "       secretscan [OPTIONS] --git REPOSITORY [--unreachable | RANGE]\n"
    "       secretscan [OPTIONS] --staged [REPOSITORY]\n"
    "       secretscan [OPTIONS] --mask [--pii KINDS] [--keep-columns] <INPUT >OUTPUT\n"
    "       secretscan [--rules PATH] [--only-rules] --list | --explain RULE\n"
    "  --format text|json|jsonl|sarif|junit    --show-secrets    --threads N\n"
    "  --rules PATH [--only-rules]             rules of your own: YAML, a folder of it, or gitleaks' TOML\n"
    "  --baseline FILE    --write-baseline FILE [--baseline-paths]    --key FILE\n"
    "  --allow-inline     --allow-tree         comments and baselines in what is scanned count\n"
    "Exit status: 0 nothing found, 1 secrets found, 2 not everything could be scanned.\n";

static const char *
set_option(struct options *o, const struct entry *en)
{
	void *where = (char *)o + en->offset;
	struct options_list *list;
	char *end = NULL;
	long n;

	switch (en->kind) {
	case KIND_FLAG:
		*(bool *)where = true;
		return NULL;
	case KIND_TEXT:
		*(const char **)where = optarg;
		return NULL;
	case KIND_LIST:
		list = where;
		if (list->n == OPTIONS_LIST_MAX)
			return "given too often";
		list->v[list->n++] = optarg;
		return NULL;
	case KIND_THREADS:
		n = strtol(optarg, &end, 10);
		if (end == optarg || *end != '\0' || n < 1 || n > THREADS_MAX)
			return "expected 1 to 64";
		*(unsigned *)where = (unsigned)n;
		return NULL;
	case KIND_HELP:
	case KIND_VERSION:
		break;
	}
	return NULL;
}

/* The options go together, and with so many arguments. */
static const char *
check(const struct options *o)
{
	if (o->git != NULL && o->staged)
		return "--git and --staged exclude each other";
	if ((o->git != NULL || o->staged) && o->nargs > 1)
		return o->staged ? "--staged takes one repository" : "--git takes one range";
	if (o->unreachable && (o->git == NULL || o->nargs > 0))
		return "--unreachable goes with --git and no range";
	if (o->only_rules && o->rules.n == 0)
		return "--only-rules needs --rules";
	if (o->baseline_paths && o->write_baseline == NULL)
		return "--baseline-paths goes with --write-baseline";
	if ((o->pii != NULL || o->keep_columns) && !o->mask)
		return "--pii and --keep-columns go with --mask";
	if (o->mask && (o->git != NULL || o->staged || o->nargs > 1 || (o->nargs == 1 && strcmp(o->args[0], "-") != 0)))
		return "--mask reads standard input";
	return NULL;
}

enum options_result
options_parse(int argc, char **argv, struct options *o)
{
	struct option longs[NENTRIES + 1] = { { 0 } };
	const char *why;
	int c, index;

	*o = (struct options){ .format = "text" };
	for (size_t i = 0; i < NENTRIES; i++) {
		longs[i].name = entries[i].name;
		longs[i].has_arg = entries[i].kind == KIND_TEXT || entries[i].kind == KIND_LIST ||
		    entries[i].kind == KIND_THREADS ? required_argument : no_argument;
	}
	while ((c = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (c != 0) {
			fprintf(stderr, "%s", usage_text);
			return OPTIONS_WRONG;
		}
		if (entries[index].kind == KIND_HELP || entries[index].kind == KIND_VERSION) {
			printf("%s", entries[index].kind == KIND_HELP ? usage_text :
			    "secretscan " PACKAGE_VERSION "\n");
			return OPTIONS_DONE;
		}
		if ((why = set_option(o, &entries[index])) != NULL) {
			fprintf(stderr, "secretscan: --%s: %s\n", entries[index].name, why);
			return OPTIONS_WRONG;
		}
	}
	o->args = argv + optind;
	o->nargs = argc - optind;
	if ((why = check(o)) != NULL) {
		fprintf(stderr, "secretscan: %s\n", why);
		return OPTIONS_WRONG;
	}
	if (o->git == NULL && !o->staged && !o->mask && !o->list && o->explain == NULL && o->nargs == 0) {
		fprintf(stderr, "%s", usage_text);
		return OPTIONS_WRONG;
	}
	return OPTIONS_GO;
}
