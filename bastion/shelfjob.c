/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/shelfjob.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/msgio.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/reviewer.h"
#include "gitfilter/gitleg-shelf.h"

#define OUTPUT_MAX	(512 * 1024)	/* of all git legs of one job */
#define RECORDED_MAX	2048		/* of that, in the audit log */
#define SWEEP_LONGEST	3600		/* seconds between two sweeps */
#define JOBS_MAX	32		/* at a time: a process each */
#define EXIT_DENIED	77

/* What a git leg is started for, in words; looks: the first one that has it ends the search. */
enum leg_mode { LEG_RESTORE, LEG_SWEEP, LEG_LIST, LEG_NOTE, LEG_RELEASE, LEG_DROP };

static const struct {
	const char	*word;
	bool		 looks;
	const char	*before, *after;	/* events of the audit log, NULL = none */
} modes[] = {
	[LEG_RESTORE] = { "restore", true, "push.restore", "push.restored" },
	[LEG_SWEEP] = { "sweep", false, NULL, NULL },
	[LEG_LIST] = { "parked", false, NULL, NULL },
	[LEG_NOTE] = { "note", true, NULL, NULL },
	[LEG_RELEASE] = { "release", true, "push.release", "push.released" },
	[LEG_DROP] = { "drop", true, "push.drop", "push.dropped" },
};

/* One git leg after the other: each hosted upstream in turn, until one has what is looked for. */
struct shelfjob {
	struct shelfjob	*next;
	struct daemon	*daemon;
	struct conf_ref	*conf;
	enum leg_mode	 mode, then;	/* then: what follows a note; LEG_NOTE = nothing */
	char		 request[ID_TEXT], undo[ID_TEXT];	/* "" = none */
	char		*reason;
	/* who asks, owned */
	char		*identity, *owner;
	struct strvec	 groups;
	bool		 host;
	shelf_fn	 fn;		/* NULL: nobody waits */
	void		*arg;
	size_t		 upstream;	/* the one whose leg runs */
	pid_t		 pid;
	int		 fd;		/* its standard output; -1 = ended */
	struct event	*ev;
	struct buf	*out;
	int		 status;
	bool		 exited;
};

static void	shelfjob_next(struct shelfjob *);
static void	shelfjob_start(struct shelfjob *);

static void
shelfjob_free(struct shelfjob *j)
{
	for (struct shelfjob **jp = &j->daemon->shelfjobs; *jp != NULL; jp = &(*jp)->next)
		if (*jp == j) {
			*jp = j->next;
			break;
		}
	if (j->ev != NULL)
		event_free(j->ev);
	if (j->fd != -1)
		close(j->fd);
	conf_ref_drop(j->conf);
	buf_free(j->out);
	strvec_release(&j->groups);
	free(j->identity);
	free(j->owner);
	free(j->reason);
	free(j);
}

static void
shelfjob_answer(struct shelfjob *j, uint8_t status, const char *text)
{
	if (j->fn != NULL)
		j->fn(status, text, j->arg);
	shelfjob_free(j);
}

static char *
lines_of(const struct buf *b)
{
	return buf_len(b) == 0 ? xstrdup("") : xstrndup((const char *)buf_ptr(b), buf_len(b));
}

static char *
shelfjob_text(const struct shelfjob *j)
{
	return lines_of(j->out);
}

static int
shelfjob_recorded(struct msg *m, void *arg)
{
	struct shelfjob *j = arg;
	char *text = shelfjob_text(j), *line;
	bool done = j->status == GITLEG_SHELF_DONE;

	if (m == NULL)
		line = xasprintf("%sit could not be recorded\n", text);
	else if (done && j->mode != LEG_DROP)
		line = xasprintf("%sundo this with: sallyport restore %s\n", text, j->undo[0] ? j->undo : j->request);
	else
		line = xstrdup(text);
	shelfjob_answer(j, done && m != NULL ? 0 : 1, line);
	free(line);
	free(text);
	return 0;
}

static struct reviewer
shelfjob_reviewer(const struct shelfjob *j)
{
	return (struct reviewer){ .identity = j->identity, .owner = j->owner, .groups = &j->groups, .host = j->host };
}

/* Of "KEY VALUE" lines, up to an empty one; the caller frees. "" when there is none. */
static char *
note_value(const char *note, const char *key)
{
	size_t n = strlen(key);

	while (*note != '\0' && *note != '\n') {
		size_t len = strcspn(note, "\n");

		if (len > n && strncmp(note, key, n) == 0 && note[n] == ' ')
			return xstrndup(note + n + 1, len - n - 1);
		note += len + (note[len] == '\n');
	}
	return xstrdup("");
}

static const struct strvec *
approvers_of(const struct shelfjob *j, const char *rule)
{
	const struct approver_rule *a;

	for (size_t i = 0; (a = policy_approvers(j->conf->conf->policy, i)) != NULL; i++)
		if (strcmp(a->rule, rule) == 0)
			return &a->who;
	return NULL;
}

/* May who asks decide on the push of this note? NULL, or why not. */
static const char *
note_fault(const struct shelfjob *j, const char *note)
{
	char *identity = note_value(note, "identity"), *owner = note_value(note, "owner"), *rule = note_value(note, "rule");
	const struct reviewer who = shelfjob_reviewer(j);
	const char *why = reviewer_fault(&who, identity, owner, approvers_of(j, rule));

	free(identity);
	free(owner);
	free(rule);
	return why;
}

static int
shelfjob_begin(struct msg *m, void *arg)
{
	struct shelfjob *j = arg;

	if (m == NULL)
		shelfjob_answer(j, 1, "it cannot be recorded now, so it is not done; try again\n");
	else
		shelfjob_next(j);
	return 0;
}

/* Nothing is done before the record of it is durable. */
static void
shelfjob_start(struct shelfjob *j)
{
	if (modes[j->mode].before == NULL)
		shelfjob_next(j);
	else if (!daemon_record(j->daemon, modes[j->mode].before, json_pack("{s:s, s:s, s:s*, s:s*}", "request", j->request, "by",
	    j->identity, "undo", j->undo[0] ? j->undo : NULL, "reason", j->reason[0] ? j->reason : NULL), shelfjob_begin, j))
		(void)shelfjob_begin(NULL, j);
}

/* A parked push has been found. Who asks may see it, or decide on it, or hears why not; that is a refusal like any. */
static void
shelfjob_judge(struct shelfjob *j)
{
	char *note = shelfjob_text(j), *line;
	const char *why = note_fault(j, note);

	if (why != NULL) {
		line = xasprintf("denied %s: %s\n", j->request, why);
		(void)daemon_record(j->daemon, "push.decide.refused", json_pack("{s:s, s:s, s:s}", "request", j->request, "by",
		    j->identity, "reason", why), NULL, NULL);
		shelfjob_answer(j, EXIT_DENIED, line);
		free(line);
	} else if (j->then == LEG_NOTE)
		shelfjob_answer(j, 0, note);
	else {
		j->mode = j->then;
		buf_clear(j->out);
		shelfjob_start(j);	/* at the upstream where it was found */
	}
	free(note);
}

/* "REQ TIME IDENTITY owner=OWNER rule=RULE repository=PATH REF..": those lines that who asks may decide on. */
static void
shelfjob_list(struct shelfjob *j)
{
	char *text = shelfjob_text(j), *rest = text, *line;
	struct buf *out = buf_new(OUTPUT_MAX);
	char *all;

	if (out == NULL)
		fatal("out of memory");
	while ((line = strsep(&rest, "\n")) != NULL) {
		char identity[128] = "", owner[128] = "", rule[128] = "", *note;

		if (sscanf(line, "%*s %*s %127s owner=%127s rule=%127s", identity, owner, rule) != 3)
			continue;
		note = xasprintf("identity %s\nowner %s\nrule %s\n", identity, strcmp(owner, "-") == 0 ? "" : owner, rule);
		if (note_fault(j, note) == NULL)
			(void)buf_putf(out, "%s\n", line);
		free(note);
	}
	all = lines_of(out);
	shelfjob_answer(j, 0, all);
	free(all);
	free(text);
	buf_free(out);
}

/* The leg of one upstream has ended and said all. */
static void
shelfjob_done(struct shelfjob *j)
{
	const char *upstream = j->conf->conf->upstreams[j->upstream].name;
	char *words;

	if (!modes[j->mode].looks || j->status == GITLEG_SHELF_NOT_HERE) {
		j->upstream++;
		shelfjob_next(j);
		return;
	}
	if (j->mode == LEG_NOTE && j->status == GITLEG_SHELF_DONE) {
		shelfjob_judge(j);
		return;
	}
	if (buf_len(j->out) == 0)
		(void)buf_putf(j->out, "upstream %s: its process ended before it answered; look before you try again\n", upstream);
	words = text_printable(buf_ptr(j->out), buf_len(j->out) < RECORDED_MAX ? buf_len(j->out) : RECORDED_MAX);
	if (modes[j->mode].after == NULL)
		shelfjob_answer(j, 1, words);
	else if (!daemon_record(j->daemon, modes[j->mode].after, json_pack("{s:s, s:s, s:s*, s:s, s:b, s:s}", "request", j->request,
	    "by", j->identity, "undo", j->undo[0] ? j->undo : NULL, "upstream", upstream, "done", j->status == GITLEG_SHELF_DONE,
	    "result", words), shelfjob_recorded, j))
		(void)shelfjob_recorded(NULL, j);
	free(words);
}

static void
shelfjob_read(evutil_socket_t fd, short what, void *arg)
{
	struct shelfjob *j = arg;
	int r = buf_read(j->out, (int)fd, 4096);

	(void)what;
	if (r == 0 || r == ERR_AGAIN)
		return;
	(void)event_del(j->ev);
	close(j->fd);
	j->fd = -1;
	if (j->exited)
		shelfjob_done(j);
}

static void
leg_words(const struct shelfjob *j, struct strvec *argv)
{
	const struct conf *c = j->conf->conf;

	if (j->mode == LEG_SWEEP) {
		strvec_pushf(argv, "%lld", (long long)(c->undo_ms / 1000));
		strvec_pushf(argv, "%lld", (long long)(c->park_ms / 1000));
	} else if (j->mode != LEG_LIST)
		strvec_push(argv, j->request);
	if (j->mode == LEG_RESTORE)
		strvec_push(argv, j->undo);
	if (j->mode == LEG_RELEASE)
		strvec_push(argv, c->undo_ms > 0 ? "1" : "0");
}

static bool
shelfjob_spawn(struct shelfjob *j, const char *dir)
{
	char *path = spawn_helper_path("sallyport-gitleg");
	struct strvec argv = STRVEC_INIT;
	struct spawn_params sp = { .path = path, .nfds = 3, .fds = { -1, -1, STDERR_FILENO } };
	int out[2] = { -1, -1 };

	strvec_push(&argv, path);
	strvec_push(&argv, modes[j->mode].word);
	strvec_push(&argv, dir);
	leg_words(j, &argv);
	sp.argv = argv.v;
	j->exited = false;
	j->pid = 0;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0) {
		sp.fds[1] = out[1];
		j->pid = spawn(&sp);
		close(out[1]);
	}
	if (j->ev != NULL)
		event_free(j->ev);
	j->fd = out[0];
	j->ev = j->fd == -1 ? NULL : event_new(j->daemon->base, j->fd, EV_READ | EV_PERSIST, shelfjob_read, j);
	strvec_release(&argv);
	free(path);
	return j->pid > 0 && j->ev != NULL && event_add(j->ev, NULL) == 0;
}

/* The next upstream that has repositories here, or the end. */
static void
shelfjob_next(struct shelfjob *j)
{
	const struct conf *c = j->conf->conf;

	while (j->upstream < c->nupstreams && c->upstreams[j->upstream].kind != UPSTREAM_HOSTED)
		j->upstream++;
	if (j->upstream < c->nupstreams) {
		if (!shelfjob_spawn(j, c->upstreams[j->upstream].path))
			shelfjob_answer(j, 1, "the process that does this could not be started; try again\n");
	} else if (j->mode == LEG_LIST)
		shelfjob_list(j);
	else if (j->mode == LEG_RESTORE)
		shelfjob_answer(j, 1, "nothing is kept under this request id: it replaced nothing, or it was too long ago\n");
	else
		shelfjob_answer(j, 1, "nothing is parked under this request id: it was released or dropped, or it waited too long\n");
}

static struct shelfjob *
shelfjob_new(struct daemon *d, enum leg_mode mode)
{
	struct shelfjob *j = xcalloc(1, sizeof(*j));

	j->daemon = d;
	j->conf = conf_ref_take(d->conf);
	j->mode = mode;
	j->fd = -1;
	if ((j->out = buf_new(OUTPUT_MAX)) == NULL)
		fatal("out of memory");
	j->next = d->shelfjobs;
	d->shelfjobs = j;
	return j;
}

static void
shelfjob_run(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	shelfjob_start(arg);
}

bool
shelf_do(struct daemon *d, const struct shelf_request *q, shelf_fn fn, void *arg)
{
	static const enum leg_mode then[] = { [SHELF_VERB_RESTORE] = LEG_RESTORE, [SHELF_VERB_PARKED] = LEG_NOTE,
	    [SHELF_VERB_RELEASE] = LEG_RELEASE, [SHELF_VERB_DROP] = LEG_DROP };
	const struct timeval now = { 0, 0 };
	struct shelfjob *j;
	unsigned n = 0;

	for (j = d->shelfjobs; j != NULL; j = j->next)
		n++;
	if (n >= JOBS_MAX)
		return false;
	j = shelfjob_new(d, q->verb == SHELF_VERB_RESTORE ? LEG_RESTORE : q->request == NULL ? LEG_LIST : LEG_NOTE);
	j->then = then[q->verb];
	if (q->request != NULL)
		snprintf(j->request, sizeof(j->request), "%s", q->request);
	if (q->verb == SHELF_VERB_RESTORE)
		id_make("REQ-", REQUEST_ID_LEN, j->undo);
	j->reason = xstrdup(q->reason);
	j->identity = xstrdup(q->who->identity);
	j->owner = xstrdup(q->who->owner != NULL ? q->who->owner : "");
	for (size_t i = 0; q->who->groups != NULL && i < q->who->groups->n; i++)
		strvec_push(&j->groups, q->who->groups->v[i]);
	j->host = q->who->host;
	j->fn = fn;
	j->arg = arg;
	if (event_base_once(d->base, -1, EV_TIMEOUT, shelfjob_run, j, &now) == -1)
		fatal("no event");
	return true;
}

void
shelf_forget(struct daemon *d, const void *arg)
{
	for (struct shelfjob *j = d->shelfjobs; j != NULL; j = j->next)
		if (j->arg == arg)
			j->fn = NULL;
}

/* Often enough that nothing is kept much longer than it should be. */
static void
sweep_again(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	int64_t s = (c->undo_ms < c->park_ms ? c->undo_ms : c->park_ms) / 4000;
	struct timeval tv = { .tv_sec = s < 1 ? 1 : s > SWEEP_LONGEST ? SWEEP_LONGEST : s };

	if (d->sweep_ev == NULL || evtimer_add(d->sweep_ev, &tv) == -1)
		log_error("no timer for what is kept in repositories");
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	if (d->stopping)
		return;
	sweep_again(d);
	for (const struct shelfjob *j = d->shelfjobs; j != NULL; j = j->next)
		if (j->mode == LEG_SWEEP)
			return;		/* the one before has not ended */
	shelfjob_next(shelfjob_new(d, LEG_SWEEP));
}

void
shelf_watch(struct daemon *d)
{
	if (d->sweep_ev == NULL)
		d->sweep_ev = evtimer_new(d->base, on_sweep, d);
	sweep_again(d);
}

bool
shelfjob_ended(struct daemon *d, pid_t pid, int status)
{
	for (struct shelfjob *j = d->shelfjobs; j != NULL; j = j->next) {
		if (j->pid != pid)
			continue;
		j->pid = 0;
		j->exited = true;
		j->status = WIFEXITED(status) ? WEXITSTATUS(status) : GITLEG_SHELF_REFUSED;
		if (j->fd == -1)
			shelfjob_done(j);
		return true;
	}
	return false;
}
