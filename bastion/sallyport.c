/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport: the admin command. One row a sub-command; each lives in its cmd-*.c. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/log.h"
#include "bastion/cmd.h"

#define EXIT_USAGE	2

struct cmd_row {
	const char	*name;
	cmd_fn		 run;
	const char	*usage;		/* lines divided by LF, without the program's name */
	const char	*help;
};

static int	cmd_help(int argc, char **argv, const struct cmd_env *env);

/* The table of sub-commands, in the order in which help prints them. */
static const struct cmd_row rows[] = {
	{ "init", cmd_init, "init DIR", "make a state directory: keys, configuration, a first policy" },
	{ "cert", cmd_cert,
	  "cert issue --identity NAME --key FILE [--ttl 15m] [--group G]... [--owner NAME] [--session ID]\n"
	  "           [--source-address CIDR] [--no-pty] [--no-port-forwarding]\n"
	  "cert revoke SERIAL|KEYID|FILE\n"
	  "cert list [--all] [--json]", "issue, revoke and list short-lived SSH certificates" },
	{ "ca", cmd_ca, "ca show", "show the key of the user CA, as sshd's TrustedUserCAKeys takes it" },
	{ "secret", cmd_secret, "secret put NAME --key FILE\nsecret put NAME --password-stdin\nsecret list\nsecret remove NAME",
	  "keys and passwords that open targets which know no CA" },
	{ "policy", cmd_policy, "policy check FILE\n"
	  "policy test FILE --as IDENTITY [--group G]... [--owner HUMAN] --on TARGET [--login L] -- COMMAND\n"
	  "policy test FILE --as IDENTITY ... --on UPSTREAM --push REPO REF create|update|delete|force\n"
	  "policy test FILE --as IDENTITY ... --on UPSTREAM --fetch REPO [REF]\n"
	  "policy test FILE --as IDENTITY ... --on TARGET --shell | --subsystem NAME | --forward HOST:PORT\n"
	  "  --pty: with a terminal; --at TIME: as of then, such as 2026-12-20T10:00Z, for freezes",
	  "check a policy, ask it for a verdict and why" },
	{ "sessions", cmd_sessions, "sessions list [--json] [--identity I] [--since 1h]\nsessions show ID\nsessions kill ID",
	  "who did what: recorded sessions" },
	{ "replay", cmd_replay, "replay ID [--speed N | --instant] [--max-idle S] [--stderr-only] [--force]",
	  "play a recording, its seal checked first" },
	{ "export", cmd_export, "export ID [--v2] [-o FILE]", "a recording as an asciicast for other players" },
	{ "audit", cmd_audit, "audit verify\naudit search KEY=GLOB...\naudit export --jsonl | --tiles DIR",
	  "prove, search and export the audit log" },
	{ "approvals", cmd_approvals, "approvals [pending]\napprovals show REQ\napprovals approve REQ [--false-positive | --test-value | --rotated [--for 90d]] [--reason TEXT]\n"
	  "approvals deny REQ --reason TEXT\napprovals findings\napprovals forget FINGERPRINT", "requests that wait for a human, decided from the host (break-glass)" },
	{ "host-key", cmd_host_key, "host-key show\nhost-key next\nhost-key rotate",
	  "the bastion's own host key: prepare the next one, make it the present one" },
	{ "client-config", cmd_client_config,
	  "client-config [--script | --leave] [--as IDENTITY [--group G]... [--owner NAME]]\n"
	  "              [--name N] [--address HOST:PORT] [--identity FILE]",
	  "what puts an agent's machine behind the bastion: known_hosts, ssh_config, git, a note" },
	{ "restore", cmd_restore, "restore REQ", "put back what a push replaced: the references that it updated, forced or deleted" },
	{ "parked", cmd_restore, "parked [REQ]", "pushes that policy parked: the list, or all about one" },
	{ "release", cmd_restore, "release REQ", "let a parked push through" },
	{ "drop", cmd_restore, "drop REQ [--reason TEXT]", "throw a parked push away" },
	{ "reload", cmd_reload, "reload", "have the daemon read its configuration again" },
	{ "help", cmd_help, "help [COMMAND]", "explain the commands, or one of them" },
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

static const struct cmd_row *
row_find(const char *name)
{
	for (size_t i = 0; i < NROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static void
row_print_usage(const struct cmd_row *row, FILE *f)
{
	const char *head = "usage: ";

	for (const char *s = row->usage; *s != '\0';) {
		size_t n = strcspn(s, "\n");

		/* A line that is not indented begins another form of the command. */
		fprintf(f, "%s%s%.*s\n", head, s[0] == ' ' ? "          " : "sallyport ", (int)n, s);
		s += n + (s[n] == '\n');
		head = "       ";
	}
}

static void
usage(FILE *f)
{
	fprintf(f, "usage: sallyport [-f FILE] COMMAND [ARGUMENT]...\n\n");
	for (size_t i = 0; i < NROWS; i++)
		fprintf(f, "  %-13s %s\n", rows[i].name, rows[i].help);
	fprintf(f, "\nFILE is the configuration: $SALLYPORT_CONF, or " CMD_CONF_DEFAULT ".\n"
	    "`sallyport help COMMAND` shows what a command takes.\n");
}

#define NAME_LEN_MAX	24

/* How many letters must be changed, added, left out or swapped with a neighbour to make b of a. */
static size_t
distance(const char *a, const char *b)
{
	size_t d[NAME_LEN_MAX + 1][NAME_LEN_MAX + 1], na = strlen(a), nb = strlen(b);

	if (na > NAME_LEN_MAX || nb > NAME_LEN_MAX)
		return NAME_LEN_MAX;
	for (size_t i = 0; i <= na; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++)
		for (size_t j = 1; j <= nb; j++) {
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
			best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[na][nb];
}

static int
unknown(const char *name)
{
	const struct cmd_row *near = NULL;
	size_t best = 3;

	for (size_t i = 0; i < NROWS; i++) {
		size_t n = distance(name, rows[i].name);

		if (n < best) {
			best = n;
			near = &rows[i];
		}
	}
	if (near != NULL)
		fprintf(stderr, "sallyport: there is no command '%s'; did you mean '%s'?\n", name, near->name);
	else
		fprintf(stderr, "sallyport: there is no command '%s'; see `sallyport help`\n", name);
	return EXIT_USAGE;
}

static int
cmd_help(int argc, char **argv, const struct cmd_env *env)
{
	const struct cmd_row *row;

	(void)env;
	if (argc > 2)
		return CMD_USAGE;
	if (argc == 1) {
		usage(stdout);
		return 0;
	}
	if ((row = row_find(argv[1])) == NULL)
		return unknown(argv[1]);
	row_print_usage(row, stdout);
	printf("\n%s\n", row->help);
	return 0;
}

static const char *
conf_default(void)
{
	const char *s = getenv("SALLYPORT_CONF");

	return s != NULL && s[0] != '\0' ? s : CMD_CONF_DEFAULT;
}

int
main(int argc, char **argv)
{
	struct cmd_env env = { .conf_path = conf_default() };
	const struct cmd_row *row;
	int i = 1, status;

	log_init("sallyport", LOG_LEVEL_INFO);
	if (sodium_init() == -1)
		fatal("no source of randomness");
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--version") == 0) {
			printf("sallyport %s\n", PACKAGE_VERSION);
			return 0;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			usage(stdout);
			return 0;
		} else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc) {
			env.conf_path = argv[++i];
		} else {
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (i >= argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if ((row = row_find(argv[i])) == NULL)
		return unknown(argv[i]);
	if (i + 1 < argc && (strcmp(argv[i + 1], "--help") == 0 || strcmp(argv[i + 1], "-h") == 0)) {
		row_print_usage(row, stdout);
		return 0;
	}
	if ((status = row->run(argc - i, argv + i, &env)) != CMD_USAGE)
		return status;
	row_print_usage(row, stderr);
	return EXIT_USAGE;
}
