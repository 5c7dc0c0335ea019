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
#include "gitfilter/gitleg-shelf.h"

#define OUTPUT_MAX	(64 * 1024)	/* of one git leg */
#define RECORDED_MAX	2048		/* of that, in the audit log */
#define SWEEP_LONGEST	3600		/* seconds between two sweeps */

/* One git leg after the other: each hosted upstream in turn, until one has what is looked for. */
struct shelfjob {
	struct shelfjob	*next;
	struct daemon	*daemon;
	struct conf_ref	*conf;
	char		 request[ID_TEXT], undo[ID_TEXT];	/* of a restoration; "" = a sweep */
	char		*who;
	char		*seconds;	/* of a sweep */
	shelf_fn	 fn;
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
	free(j->who);
	free(j->seconds);
	free(j);
}

static void
shelfjob_answer(struct shelfjob *j, uint8_t status, const char *text)
{
	if (j->fn != NULL)
		j->fn(status, text, j->arg);
	shelfjob_free(j);
}

static int
shelfjob_recorded(struct msg *m, void *arg)
{
	struct shelfjob *j = arg;
	char *text = xstrndup((const char *)buf_ptr(j->out), buf_len(j->out)), *line;
	bool done = j->status == GITLEG_SHELF_DONE;

	if (m == NULL)
		line = xasprintf("%s%s", text, "it could not be recorded\n");
	else
		line = done ? xasprintf("%sundo this with: sallyport restore %s\n", text, j->undo) : xstrdup(text);
	shelfjob_answer(j, done && m != NULL ? 0 : 1, line);
	free(line);
	free(text);
	return 0;
}

/* The leg of one upstream has ended and said all. */
static void
shelfjob_done(struct shelfjob *j)
{
	const char *upstream = j->conf->conf->upstreams[j->upstream].name;
	char *words;

	if (j->request[0] == '\0' || j->status == GITLEG_SHELF_NOT_HERE) {
		j->upstream++;
		shelfjob_next(j);
		return;
	}
	if (buf_len(j->out) == 0)
		(void)buf_putf(j->out, "upstream %s: its process ended before it answered; look before you try again\n", upstream);
	words = text_printable(buf_ptr(j->out), buf_len(j->out) < RECORDED_MAX ? buf_len(j->out) : RECORDED_MAX);
	if (!daemon_record(j->daemon, "push.restored", json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "request", j->request, "by", j->who,
	    "undo", j->undo, "upstream", upstream, "done", j->status == GITLEG_SHELF_DONE, "result", words), shelfjob_recorded, j))
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

static bool
shelfjob_spawn(struct shelfjob *j, const char *dir)
{
	char *path = spawn_helper_path("sallyport-gitleg"), *mode = xstrdup(j->request[0] != '\0' ? "restore" : "sweep");
	char *folder = xstrdup(dir), *first = xstrdup(j->request[0] != '\0' ? j->request : j->seconds);
	char *argv[] = { path, mode, folder, first, j->request[0] != '\0' ? j->undo : NULL, NULL };
	struct spawn_params sp = { .path = path, .argv = argv, .nfds = 3, .fds = { -1, -1, STDERR_FILENO } };
	int out[2] = { -1, -1 };

	buf_clear(j->out);
	j->exited = false;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0) {
		sp.fds[1] = out[1];
		j->pid = spawn(&sp);
		close(out[1]);
	}
	if (j->ev != NULL)
		event_free(j->ev);
	j->fd = out[0];
	j->ev = j->fd == -1 ? NULL : event_new(j->daemon->base, j->fd, EV_READ | EV_PERSIST, shelfjob_read, j);
	free(path);
	free(mode);
	free(folder);
	free(first);
	return j->pid > 0 && j->ev != NULL && event_add(j->ev, NULL) == 0;
}

/* The next upstream that has repositories here. */
static void
shelfjob_next(struct shelfjob *j)
{
	const struct conf *c = j->conf->conf;

	while (j->upstream < c->nupstreams && c->upstreams[j->upstream].kind != UPSTREAM_HOSTED)
		j->upstream++;
	if (j->upstream == c->nupstreams)
		shelfjob_answer(j, 1, "sallyport: nothing is kept under this request id: it replaced nothing, or it was too long ago\n");
	else if (!shelfjob_spawn(j, c->upstreams[j->upstream].path))
		shelfjob_answer(j, 1, "sallyport: the process that does this could not be started; try again\n");
}

static struct shelfjob *
shelfjob_new(struct daemon *d)
{
	struct shelfjob *j = xcalloc(1, sizeof(*j));

	j->daemon = d;
	j->conf = conf_ref_take(d->conf);
	j->fd = -1;
	if ((j->out = buf_new(OUTPUT_MAX)) == NULL)
		fatal("out of memory");
	j->next = d->shelfjobs;
	d->shelfjobs = j;
	return j;
}

static int
shelfjob_begin(struct msg *m, void *arg)
{
	struct shelfjob *j = arg;

	if (m == NULL)
		shelfjob_answer(j, 1, "sallyport: it cannot be recorded now, so it is not done; try again\n");
	else
		shelfjob_next(j);
	return 0;
}

bool
shelf_restore_push(struct daemon *d, const char *request, const char *who, shelf_fn fn, void *arg)
{
	struct shelfjob *j = shelfjob_new(d);

	memcpy(j->request, request, strlen(request) + 1);
	id_make("REQ-", REQUEST_ID_LEN, j->undo);
	j->who = xstrdup(who);
	j->fn = fn;
	j->arg = arg;
	if (daemon_record(d, "push.restore", json_pack("{s:s, s:s, s:s}", "request", request, "by", who, "undo", j->undo),
	    shelfjob_begin, j))
		return true;
	shelfjob_free(j);
	return false;
}

/* Often enough that nothing is kept much longer than it should be. */
static void
sweep_again(struct daemon *d)
{
	int64_t s = d->conf->conf->undo_ms / 4000;
	struct timeval tv = { .tv_sec = s < 1 ? 1 : s > SWEEP_LONGEST ? SWEEP_LONGEST : s };

	if (d->sweep_ev == NULL || evtimer_add(d->sweep_ev, &tv) == -1)
		log_error("no timer for what is kept in repositories");
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct shelfjob *j;

	(void)fd;
	(void)what;
	if (d->stopping)
		return;
	sweep_again(d);
	for (j = d->shelfjobs; j != NULL; j = j->next)
		if (j->request[0] == '\0')
			return;		/* the one before has not ended */
	j = shelfjob_new(d);
	j->seconds = xasprintf("%lld", (long long)(d->conf->conf->undo_ms / 1000));
	shelfjob_next(j);
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
