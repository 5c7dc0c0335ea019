/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport sessions: what sessions there were, what one of them did, and the end of one. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/match.h"
#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/ctl.h"
#include "bastion/evidence.h"

struct listing {
	json_t		*sessions;	/* id -> what is printed of it */
	const char	*identity;	/* pattern, or NULL */
	char		 since[CLOCK_TEXT];	/* "" = all */
};

static void
count(json_t *row, const char *name)
{
	(void)json_object_set_new(row, name, json_integer(json_integer_value(json_object_get(row, name)) + 1));
}

static void
take(json_t *row, const json_t *rec, const char *name)
{
	json_t *v = json_object_get(rec, name);

	if (json_is_string(v))
		(void)json_object_set(row, name, v);
}

/* A session's row is made by its first record, whichever that is. */
static int
list_record(const json_t *rec, const char *line, size_t n, void *arg)
{
	struct listing *l = arg;
	const char *id = evidence_text(rec, "session"), *event = evidence_text(rec, "event");
	json_t *row;

	(void)line;
	(void)n;
	if (*id == '\0')
		return 0;
	if ((row = json_object_get(l->sessions, id)) == NULL) {
		row = json_pack("{s:s, s:s, s:n, s:s, s:s, s:i, s:i, s:i}", "session", id, "start",
		    evidence_text(rec, "time"), "end", "identity", "", "source", "", "commands", 0, "refused", 0,
		    "recordings", 0);
		if (row == NULL || json_object_set_new(l->sessions, id, row) != 0)
			return ERR_NOMEM;
	}
	take(row, rec, "identity");
	take(row, rec, "owner");
	take(row, rec, "source");
	take(row, rec, "target");
	if (strcmp(event, "session.end") == 0)
		(void)json_object_set_new(row, "end", json_string(evidence_text(rec, "time")));
	if (strcmp(event, "exec.start") == 0)
		count(row, "commands");
	if (strcmp(event, "recording.open") == 0)
		count(row, "recordings");
	if (strcmp(evidence_text(rec, "verdict"), "deny") == 0)
		count(row, "refused");
	return 0;
}

static void
print_row(const json_t *row)
{
	char *identity = text_printable(evidence_text(row, "identity"), strlen(evidence_text(row, "identity")));
	char *source = text_printable(evidence_text(row, "source"), strlen(evidence_text(row, "source")));

	printf("%-12s  %.19sZ  %-8s  %8d  %7d  %10d  %-20s  %s\n", evidence_text(row, "session"),
	    evidence_text(row, "start"), json_is_null(json_object_get(row, "end")) ? "open" : "ended",
	    (int)json_integer_value(json_object_get(row, "commands")),
	    (int)json_integer_value(json_object_get(row, "refused")),
	    (int)json_integer_value(json_object_get(row, "recordings")), *identity == '\0' ? "-" : identity, source);
	free(identity);
	free(source);
}

static void
print_listing(const struct listing *l, bool json)
{
	const char *id;
	json_t *row;

	if (!json)
		printf("%-12s  %-20s  %-8s  %8s  %7s  %10s  %-20s  %s\n", "SESSION", "START", "STATE", "COMMANDS",
		    "REFUSED",
		    "RECORDINGS", "IDENTITY", "SOURCE");
	json_object_foreach(l->sessions, id, row) {
		if ((l->identity != NULL && !match_glob(l->identity, evidence_text(row, "identity"))) ||
		    strcmp(evidence_text(row, "start"), l->since) < 0)
			continue;
		if (!json) {
			print_row(row);
			continue;
		}
		(void)json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

static int
sessions_list(int argc, char **argv, const char *state_dir)
{
	struct listing l = { .sessions = json_object() };
	bool json = false;
	int64_t ago;
	int status = CMD_USAGE;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--identity") == 0 && i + 1 < argc)
			l.identity = argv[++i];
		else if (strcmp(argv[i], "--since") == 0 && i + 1 < argc &&
		    clock_parse_duration(argv[i + 1], &ago) == 0) {
			clock_format(clock_wall_ms() - ago, l.since);
			i++;
		} else
			goto out;
	}
	status = 1;
	if (evidence_each(state_dir, "", list_record, &l) != 0)
		goto out;
	print_listing(&l, json);
	status = 0;
out:
	json_decref(l.sessions);
	return status;
}

/* Events in plain words; one that is not here is shown by its name. */
static const struct {
	const char	*event, *words;
} plain[] = {
	{ "session.start", "connected" },
	{ "session.auth", "authenticated" },
	{ "session.end", "connection ended" },
	{ "auth.fail", "authentication failed" },
	{ "exec.decision", "command judged" },
	{ "exec.start", "command started" },
	{ "exec.end", "command ended" },
	{ "shell.start", "shell started" },
	{ "shell.end", "shell ended" },
	{ "fetch.decision", "fetch judged" },
	{ "push.decision", "push judged" },
	{ "push.stored", "push stored" },
	{ "approval.ask", "approval asked for" },
	{ "approval.grant", "approved" },
	{ "approval.deny", "refused by a human" },
	{ "approval.expire", "approval not given in time" },
	{ "approval.use", "approval used" },
	{ "approval.return", "approval unused after all: the upstream took nothing" },
	{ "mask.hit", "secret masked" },
	{ "cert.mint", "certificate made for the target" },
	{ "recording.open", "recording began" },
	{ "recording.close", "recording sealed" },
	{ "recording.cut", "recording cut short and sealed" },
	{ "recording.recovered", "recording sealed after a restart" },
	{ "recording.fail", "recording could not be made" },
};

static const char *
words_of(const char *event)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(plain[i].event, event) == 0)
			return plain[i].words;
	return event;
}

/* Whether a member is worth its place: not those that every line repeats, nor what only a verifier reads. */
static bool
is_told(const char *name)
{
	static const char *const dull[] = { "v", "seq", "time", "event", "session", "identity", "owner", "source",
	    "sha256" };

	for (size_t i = 0; i < sizeof(dull) / sizeof(dull[0]); i++)
		if (strcmp(dull[i], name) == 0)
			return false;
	return true;
}

static int
show_record(const json_t *rec, const char *line, size_t n, void *arg)
{
	const char *id = arg, *event = evidence_text(rec, "event"), *name;
	char *text, *safe;
	json_t *v;

	(void)line;
	(void)n;
	if (strcmp(evidence_text(rec, "session"), id) != 0 || strcmp(event, "recording.chunk") == 0)
		return 0;
	printf("%s  %s", evidence_text(rec, "time"), words_of(event));
	/* jansson's iteration wants a value it may change; this one does not. */
	json_object_foreach((json_t *)(uintptr_t)rec, name, v) {
		if (!is_told(name))
			continue;
		text = json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		safe = text == NULL ? NULL : text_printable(text, strlen(text));
		printf("  %s=%s", name, safe == NULL ? "?" : safe);
		free(safe);
		free(text);
	}
	putchar('\n');
	return 0;
}

static void
print_member(const json_t *row, const char *name)
{
	char *safe = text_printable(evidence_text(row, name), strlen(evidence_text(row, name)));

	if (*safe != '\0')
		printf("  %s %s", name, safe);
	free(safe);
}

static int
sessions_show(int argc, char **argv, const char *state_dir)
{
	struct listing l = { .sessions = NULL };
	json_t *row;
	int status = 1;

	if (argc != 3)
		return CMD_USAGE;
	l.sessions = json_object();
	if (evidence_each(state_dir, "", list_record, &l) != 0)
		goto out;
	if ((row = json_object_get(l.sessions, argv[2])) == NULL) {
		char *shown = text_printable(argv[2], strlen(argv[2]));

		fprintf(stderr, "sallyport: no record of session %s; see: sallyport sessions list\n", shown);
		free(shown);
		goto out;
	}
	printf("session %s", argv[2]);
	print_member(row, "identity");
	print_member(row, "owner");
	print_member(row, "source");
	putchar('\n');
	status = evidence_each(state_dir, "", show_record, argv[2]) == 0 ? 0 : 1;
out:
	json_decref(l.sessions);
	return status;
}

/* Only the daemon can end a session. */
static int
sessions_kill(int argc, char **argv, const struct cmd_env *env)
{
	struct strvec words = STRVEC_INIT;
	int status;

	if (argc != 3)
		return CMD_USAGE;
	strvec_push(&words, "sessions");
	strvec_push(&words, "kill");
	strvec_push(&words, argv[2]);
	status = ctl_ask(env, &words, NULL);
	strvec_release(&words);
	return status;
}

int
cmd_sessions(int argc, char **argv, const struct cmd_env *env)
{
	char *dir;
	int status = CMD_USAGE;

	if (argc >= 2 && strcmp(argv[1], "kill") == 0)
		return sessions_kill(argc, argv, env);
	if (argc < 2 || (dir = evidence_state_dir(env)) == NULL)
		return argc < 2 ? CMD_USAGE : 1;
	if (strcmp(argv[1], "list") == 0)
		status = sessions_list(argc, argv, dir);
	else if (strcmp(argv[1], "show") == 0)
		status = sessions_show(argc, argv, dir);
	free(dir);
	return status;
}
