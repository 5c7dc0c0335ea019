/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	OPEN	the target's SFTP is opened beside the command, which waits: nothing of the agent's has reached it
 *	PATHS	each path of the command is resolved and decided
 *	RUN	copy-scp.c or copy-rsync.c has its turn
 */
#include "bastion/ssh/copy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/path.h"
#include "bastion/ssh/copy_int.h"
#include "bastion/ssh/lookup.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sshconn.h"
#include "bastion/ssh/tape.h"

void
copy_break(struct copy *x, int status, const char *fmt, ...)
{
	va_list ap;

	if (x->why != NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&x->why, fmt, ap) == -1)
		fatal("out of memory formatting a reason");
	va_end(ap);
	x->status = status;
}

struct buf *
copy_from(struct copy *x, bool agent)
{
	return agent ? x->p.channel->in : x->from;
}

struct buf *
copy_to(struct copy *x, bool agent)
{
	return agent ? x->to_agent : x->to_up;
}

bool
copy_agent_is_silent(const struct copy *x)
{
	return x->p.channel->in_eof && !sshchan_has_unread(x->p.channel->ssh);
}

char *
copy_shown(const struct copy *x, const char *path)
{
	return session_mask(x->s, path, strlen(path));
}

/* The paths of the command */

/* From the home folder where it is not absolute; NULL when only the target's shell knows (~user). Borrowed. */
static const char *
plain_path(const struct transfer_path *p)
{
	const char *s = p->text;

	if (!p->tilde)
		return s;
	if (strcmp(s, "~") == 0 || strcmp(s, "~/") == 0)
		return ".";
	return s[1] == '/' ? s + 2 + strspn(s + 2, "/") : NULL;
}

/* The last part of a path without the slashes after it; the home folder's for nothing. The caller frees. */
static char *
last_part(const char *path, const char *home)
{
	size_t n = strlen(path);
	const char *slash;

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n == 1 && path[0] == '.')
		return last_part(home, "");
	slash = memrchr(path, '/', n);
	return slash == NULL ? xstrndup(path, n) : xstrndup(slash + 1, n - (size_t)(slash + 1 - path));
}

/* A pattern is looked for in one folder, whose own name has none. The caller frees. */
static char *
folder_of_pattern(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	if (memchr(path, '*', (size_t)(slash - path)) != NULL || memchr(path, '?', (size_t)(slash - path)) != NULL ||
	    memchr(path, '[', (size_t)(slash - path)) != NULL)
		return NULL;
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static void
copy_ask_path(struct copy *x, int64_t now_us)
{
	const struct transfer_path *t = &x->cmd.paths[x->nplaces];
	struct copy_place *place = &x->places[x->nplaces];
	const char *path = plain_path(t), *home = lookup_home(x->lookup);
	char *shown = copy_shown(x, t->text), *folder;

	folder = path == NULL ? NULL : t->glob ? folder_of_pattern(path) : xstrdup(path);
	if (path == NULL)
		copy_break(x, EXIT_DENIED, "denied %s rule=unresolved: only the target's shell knows where %s is; name it without ~USER",
		    x->p.request, shown);
	else if (folder == NULL)
		copy_break(x, EXIT_DENIED, "denied %s rule=unresolved: %s may lead into several folders; use patterns in the last part "
		    "of a path only", x->p.request, shown);
	else {
		place->glob = t->glob;
		place->name = last_part(path, home);
		place->asked = path_canon(home, folder, false);
		/* A folder that is still to be made is known without the slashes after it. */
		for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
			folder[n - 1] = '\0';
		if (place->asked == NULL)
			copy_break(x, EXIT_DENIED, "denied %s rule=unresolved: it cannot be told where %s is; name it from / on", x->p.request, shown);
		lookup_ask(x->lookup, folder, now_us);
		x->asking = true;
	}
	free(folder);
	free(shown);
}

/* What can be decided before anything is copied; the rest is, name by name. */
static void
copy_decide_path(struct copy *x, const struct copy_place *place)
{
	struct verdict v;
	enum file_op op;
	char *line;

	if (x->cmd.program == TRANSFER_RSYNC) {
		(void)copy_rsync_may(x, place);
		return;
	}
	if (x->cmd.to_target && place->exists && place->is_folder)
		return;
	op = x->cmd.to_target ? FILE_WRITE : place->glob || (place->exists && place->is_folder) ? FILE_LIST : FILE_READ;
	/* With -r what comes may be a folder. */
	if (copy_may(x, op, place->asked, place->real, false, &v) || (x->cmd.to_target && x->cmd.recursive &&
	    copy_may(x, FILE_MKDIR, place->asked, place->real, false, &v)))
		return;
	line = copy_refuse(x, op, place->asked, place->real, &v);
	copy_break(x, EXIT_DENIED, "%s", line);
	free(line);
}

static void
copy_take_path(struct copy *x)
{
	struct copy_place *place = &x->places[x->nplaces];
	const struct lookup_place *found = lookup_place(x->lookup);
	char *shown;

	x->asking = false;
	x->nplaces++;
	if (found->real == NULL) {
		shown = copy_shown(x, place->asked);
		copy_break(x, 1, "not found %s: %s is in no folder of the target that this login can see; make its folder first, or name another",
		    x->p.request, shown);
		free(shown);
		return;
	}
	place->real = xstrdup(found->real);
	place->exists = found->exists;
	place->is_folder = found->is_folder;
	copy_decide_path(x, place);
}

static void
copy_step_paths(struct copy *x, int64_t now_us)
{
	switch (lookup_step(x->lookup, now_us)) {
	case LOOKUP_BUSY:
		return;
	case LOOKUP_DEAD:
		copy_break(x, EXIT_DENIED, "denied %s rule=unresolved: the target's paths cannot be resolved, %s; copying needs its sftp "
		    "subsystem", x->p.request, lookup_why(x->lookup));
		return;
	case LOOKUP_READY:
		break;
	}
	if (x->asking)
		copy_take_path(x);
	if (x->why != NULL)
		return;
	if (x->nplaces < x->cmd.npaths) {
		copy_ask_path(x, now_us);
		return;
	}
	if (x->cmd.program == TRANSFER_SCP)
		x->scp = copy_scp_new(x);
	else
		x->rsync = copy_rsync_new(x);
	x->state = COPY_RUN;
	x->moved = true;
}

/* Once a turn */

static void
copy_flush(struct copy *x)
{
	bool all = sshchan_flush(x->up, SSHCHAN_OUT, x->to_up, &x->moved);

	(void)sshchan_flush(x->p.channel->ssh, SSHCHAN_OUT, x->to_agent, &x->moved);
	/* The agent has said all that it will: so hears the target, once it has all that may pass. */
	if (all && x->agent_is_through && !x->eof_sent && copy_agent_is_silent(x)) {
		(void)sshchan_send_eof(x->up);
		x->eof_sent = true;
		x->moved = true;
	}
}

static int
copy_step(struct dialogue *d, struct sshchan *up, int64_t now_us)
{
	struct copy *x = (struct copy *)d;

	x->up = up;
	x->moved = x->agent_is_through = x->target_is_through = false;
	if (x->state == COPY_OPEN) {
		x->lookup = lookup_new(x->s, now_us);
		x->state = COPY_PATHS;
	}
	if (x->state == COPY_PATHS)
		copy_step_paths(x, now_us);
	else if (x->scp != NULL)
		copy_scp_step(x->scp, now_us);
	else
		copy_rsync_step(x->rsync, now_us);
	if (x->why != NULL)
		return ERR_DENIED;
	copy_flush(x);
	return x->moved;
}

static size_t
copy_take(struct dialogue *d, const void *p, size_t n)
{
	struct copy *x = (struct copy *)d;
	size_t room = buf_room(x->from);

	if (n > room)
		n = room;
	return buf_put(x->from, p, n) == 0 ? n : 0;
}

static bool
copy_has_room(const struct dialogue *d)
{
	return buf_room(((const struct copy *)d)->from) > 0;
}

static void
copy_end(struct dialogue *d)
{
	((struct copy *)d)->ended = true;
}

/* What the target left unfinished stays here: half a file whose end was never scanned. */
static bool
copy_is_done(const struct dialogue *d)
{
	const struct copy *x = (const struct copy *)d;

	return x->ended && x->target_is_through && buf_len(x->to_agent) == 0;
}

static bool
copy_is_waiting(const struct dialogue *d)
{
	const struct copy *x = (const struct copy *)d;

	return x->state != COPY_RUN || buf_len(x->to_up) > 0 || buf_len(x->to_agent) > 0 || buf_len(x->from) > 0;
}

static const char *
copy_why(const struct dialogue *d, int *statusp)
{
	const struct copy *x = (const struct copy *)d;

	*statusp = x->status;
	return x->why;
}

static void
copy_stop(struct dialogue *d, const char *why)
{
	struct copy *x = (struct copy *)d;

	(void)why;
	if (x->scp != NULL)
		copy_scp_drop(x->scp, "cut short");
	if (x->rsync != NULL)
		copy_rsync_drop(x->rsync, "cut short");
}

static void
copy_report(const struct dialogue *d, json_t *o)
{
	const struct copy *x = (const struct copy *)d;

	(void)json_object_set_new(o, "files", json_integer((json_int_t)x->files));
	(void)json_object_set_new(o, "file_bytes", json_integer((json_int_t)x->bytes));
	(void)json_object_set_new(o, "refusals", json_integer((json_int_t)x->refusals));
}

static void
copy_free(struct dialogue *d)
{
	struct copy *x = (struct copy *)d;

	copy_stop(d, "");
	copy_scp_free(x->scp);
	copy_rsync_free(x->rsync);
	lookup_free(x->lookup);
	for (size_t i = 0; i < TRANSFER_PATHS_MAX; i++) {
		free(x->places[i].asked);
		free(x->places[i].real);
		free(x->places[i].name);
	}
	transfer_command_release(&x->cmd);
	buf_free(x->from);
	buf_free(x->to_up);
	buf_free(x->to_agent);
	free(x->why);
	free(x);
}

static const struct dialogue_ops copy_ops = {
	.take = copy_take,
	.has_room = copy_has_room,
	.step = copy_step,
	.end = copy_end,
	.is_done = copy_is_done,
	.is_waiting = copy_is_waiting,
	.why = copy_why,
	.stop = copy_stop,
	.report = copy_report,
	.free = copy_free,
};

struct dialogue *
copy_new(const struct dialogue_params *p, struct transfer_command *cmd)
{
	struct copy *x = xcalloc(1, sizeof(*x));

	x->d.ops = &copy_ops;
	x->p = *p;
	x->s = p->channel->session;
	x->cmd = *cmd;
	*cmd = (struct transfer_command){ .npaths = 0 };
	x->from = buf_new(COPY_FROM_MAX);
	x->to_up = buf_new(COPY_TO_MAX);
	x->to_agent = buf_new(COPY_TO_MAX);
	if (x->from == NULL || x->to_up == NULL || x->to_agent == NULL)
		fatal("out of memory");
	return &x->d;
}
