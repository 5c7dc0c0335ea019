/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport audit: verify, search and export the audit log. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/audit/tilexport.h"
#include "bastion/audit/verify.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/match.h"
#include "bastion/cmd.h"
#include "bastion/evidence.h"

#define EXIT_TROUBLE	2	/* could not be judged, as with cmp(1) */

static void
print_problem(const char *line, void *arg)
{
	char *safe = text_printable(line, strlen(line));

	(void)arg;
	puts(safe);
	free(safe);
}

static int
audit_verify_cmd(int argc, char **argv, const char *state_dir)
{
	struct verify_report rep;
	char *why = NULL;
	int r;

	(void)argv;
	if (argc != 2)
		return CMD_USAGE;
	r = audit_verify(state_dir, print_problem, NULL, &rep, &why);
	if (r != 0 && r != ERR_CRYPTO) {
		fprintf(stderr, "sallyport: %s\n", why == NULL ? err_text(r) : why);
		free(why);
		return EXIT_TROUBLE;
	}
	printf("%s: %" PRIu64 " records", r == 0 ? "ok" : "ALTERED", rep.records);
	if (rep.records > rep.signed_records)
		printf(" (%" PRIu64 " not yet signed)", rep.records - rep.signed_records);
	printf(", %" PRIu64 " sealed recordings", rep.recordings);
	if (rep.open_recordings > 0)
		printf(", %" PRIu64 " open", rep.open_recordings);
	printf(", %" PRIu64 " bytes compared", rep.bytes);
	if (rep.problems > 0)
		printf(", %" PRIu64 " problems", rep.problems);
	putchar('\n');
	return r == 0 ? 0 : 1;
}

struct query {
	char	**terms;	/* KEY=VALUE */
	int	  n;
	int	  hits;
};

/* Whether a record's member matches; numbers and truth values are compared as JSON writes them. */
static bool
term_matches(const json_t *rec, const char *term)
{
	size_t n = strcspn(term, "=");
	char *key = strndup(term, n), *text;
	const json_t *v = key == NULL ? NULL : json_object_get(rec, key);
	bool yes = false;

	free(key);
	if (json_is_string(v))
		return match_glob(term + n + 1, json_string_value(v));
	if (v == NULL || (text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY)) == NULL)
		return false;
	yes = match_glob(term + n + 1, text);
	free(text);
	return yes;
}

static int
print_match(const json_t *rec, const char *line, size_t n, void *arg)
{
	struct query *q = arg;

	for (int i = 0; i < q->n; i++)
		if (!term_matches(rec, q->terms[i]))
			return 0;
	q->hits++;
	return printf("%.*s\n", (int)n, line) < 0 ? ERR_SYSTEM : 0;
}

static int
audit_search_cmd(int argc, char **argv, const char *state_dir)
{
	struct query q = { .terms = argv + 2, .n = argc - 2 };

	if (q.n < 1)
		return CMD_USAGE;
	for (int i = 0; i < q.n; i++)
		if (strchr(q.terms[i], '=') == NULL)
			return CMD_USAGE;
	return evidence_each(state_dir, "", print_match, &q) != 0 ? EXIT_TROUBLE : q.hits > 0 ? 0 : 1;
}

static int
audit_export_cmd(int argc, char **argv, const char *state_dir)
{
	struct query all = { .n = 0 };
	char *why = NULL;

	if (argc == 3 && strcmp(argv[2], "--jsonl") == 0)
		return evidence_each(state_dir, "", print_match, &all) != 0 ? EXIT_TROUBLE : 0;
	if (argc != 4 || strcmp(argv[2], "--tiles") != 0)
		return CMD_USAGE;
	if (tilexport(state_dir, argv[3], &why) == 0)
		return 0;
	fprintf(stderr, "sallyport: %s\n", why == NULL ? "cannot export" : why);
	free(why);
	return EXIT_TROUBLE;
}

int
cmd_audit(int argc, char **argv, const struct cmd_env *env)
{
	static const struct {
		const char	*name;
		int		(*run)(int, char **, const char *);
	} verbs[] = {
		{ "verify", audit_verify_cmd }, { "search", audit_search_cmd }, { "export", audit_export_cmd },
	};
	char *dir;
	int status = CMD_USAGE;

	if (argc < 2 || (dir = evidence_state_dir(env)) == NULL)
		return argc < 2 ? CMD_USAGE : EXIT_TROUBLE;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			status = verbs[i].run(argc, argv, dir);
	free(dir);
	return status;
}
