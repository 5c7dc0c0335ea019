/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/audit/logread.h"
#include "bastion/audit/reccheck.h"
#include "bastion/audit/record.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/cmd.h"
#include "bastion/conf.h"

/*
 * The configuration's state directory. Evidence must be readable where the bastion itself could not start: when the
 * configuration is wrong, the folder it lies in is taken, as sallyport init lays it out.
 */
char *
evidence_state_dir(const struct cmd_env *env)
{
	struct conf *conf = NULL;
	char *error = NULL, *dir = NULL;

	if (conf_load(env->conf_path, &conf, &error) == 0)
		dir = xstrdup(conf->state_dir);
	else {
		dir = file_dir(env->conf_path);
		fprintf(stderr, "sallyport: %s; reading the evidence in %s\n",
		    error == NULL ? "the configuration cannot be read" : error, dir);
	}
	conf_free(conf);
	free(error);
	return dir;
}

int
evidence_each(const char *state_dir, const char *prefix, evidence_fn fn, void *arg)
{
	char *path = file_join(state_dir, "audit/log.jsonl");
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = ERR_SYSTEM;
	struct logread *lr = fd == -1 ? NULL : logread_new(fd);
	const char *line;
	json_t *rec;
	size_t n;

	while (lr != NULL && (r = logread_next(lr, &line, &n)) == 0) {
		if (*prefix != '\0' && !record_event_starts(line, n, prefix))
			continue;
		if ((rec = json_loadb(line, n, 0, NULL)) != NULL)
			r = fn(rec, line, n, arg);
		json_decref(rec);
		if (r != 0)
			goto out;
	}
	if (lr != NULL && (r == ERR_EOF || r == ERR_SHORT))
		r = 0;
	else
		fprintf(stderr, "sallyport: %s: %s\n", path, err_text(r));
out:
	logread_free(lr);
	free(path);
	return r;
}

const char *
evidence_text(const json_t *record, const char *name)
{
	const char *s = json_string_value(json_object_get(record, name));

	return s == NULL ? "" : s;
}

struct search {
	const char	*name;
	struct strvec	 ids;		/* recordings of the session */
	struct reccheck	*check;
	char		 problem[512];	/* the first */
	uint64_t	 seq;
};

static int
find_recording(const json_t *rec, const char *line, size_t n, void *arg)
{
	struct search *s = arg;
	const char *id = evidence_text(rec, "recording");

	(void)line;
	(void)n;
	if (strcmp(evidence_text(rec, "event"), "recording.open") == 0 &&
	    (strcmp(id, s->name) == 0 || strcmp(evidence_text(rec, "session"), s->name) == 0))
		strvec_push(&s->ids, id);
	return 0;
}

static int
check_recording(const json_t *rec, const char *line, size_t n, void *arg)
{
	struct search *s = arg;
	uint64_t seq = 0;

	(void)record_seq(line, n, &seq);
	reccheck_record(s->check, rec, seq);
	return 0;
}

static void
keep_problem(const char *line, void *arg)
{
	struct search *s = arg;

	if (s->problem[0] == '\0')
		(void)snprintf(s->problem, sizeof(s->problem), "%s", line);
}

static int
judge_recording(const char *state_dir, const char *id, struct search *s, enum evidence_seal *sealp)
{
	char *dir = file_join(state_dir, "recordings");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;
	uint64_t sealed, open_ones, bytes;

	if (fd == -1) {
		fprintf(stderr, "sallyport: %s: %s\n", dir, err_text(ERR_SYSTEM));
		goto out;
	}
	s->check = reccheck_new(fd, id, keep_problem, s);
	if (evidence_each(state_dir, "recording.", check_recording, s) != 0)
		goto out;
	reccheck_end(s->check, NULL);
	reccheck_counts(s->check, &sealed, &open_ones, &bytes);
	*sealp = s->problem[0] != '\0' ? EVIDENCE_ALTERED : sealed > 0 ? EVIDENCE_SEALED :
	    open_ones > 0 ? EVIDENCE_OPEN : EVIDENCE_NONE;
	if (s->problem[0] != '\0')
		fprintf(stderr, "sallyport: altered: %s\n", s->problem);
	r = 0;
out:
	reccheck_free(s->check);
	if (fd != -1)
		close(fd);
	free(dir);
	return r;
}

int
evidence_recording(const char *state_dir, const char *name, char id[EVIDENCE_ID], enum evidence_seal *sealp)
{
	struct search s = { .name = name };
	char *shown = text_printable(name, strlen(name));
	int r = -1;

	if (evidence_each(state_dir, "recording.", find_recording, &s) != 0)
		goto out;
	if (s.ids.n == 1 && strlen(s.ids.v[0]) < EVIDENCE_ID) {
		(void)snprintf(id, EVIDENCE_ID, "%s", s.ids.v[0]);
		r = judge_recording(state_dir, id, &s, sealp);
	} else if (s.ids.n == 0)
		fprintf(stderr, "sallyport: no recording of %s; see: sallyport sessions list\n", shown);
	else {
		fprintf(stderr, "sallyport: session %s has %zu recordings; name one of them:\n", shown, s.ids.n);
		for (size_t i = 0; i < s.ids.n; i++)
			fprintf(stderr, "\t%s\n", s.ids.v[i]);
	}
out:
	strvec_release(&s.ids);
	free(shown);
	return r;
}

int
evidence_open(const char *state_dir, const char *id)
{
	char *path = xasprintf("%s/recordings/%s.cast", state_dir, id);
	int fd = strchr(id, '/') != NULL ? -1 : open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		fprintf(stderr, "sallyport: %s: %s\n", path, strerror(errno));
	free(path);
	return fd;
}
