/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/monitor_msg.h"
#include "bastion/ssh/push_digest.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/inspect.h"
#include "gitfilter/push.h"

#define INSPECTOR_MEMORY	((size_t)6 * 1024 * 1024 * 1024)	/* address space: the spool is mapped, rules are shared */
#define INSPECTOR_CPU		600	/* seconds */
#define INSPECTOR_DEPTH		250
#define OPS_MAX			1000

struct gitjob {
	struct gitjob	*next;
	struct peer	*peer;
	uint32_t	 id;
	bool		 push;
	char		*upstream, *repo;
	pid_t		 leg, inspector;	/* 0 = ended */
	struct link	*leg_link, *inspector_link;
	int		 spool;			/* -1 once handed over */
	/* the inspector's own word */
	bool		 have_result;
	uint8_t		 status;
	uint32_t	 findings;
	uint64_t	 length;
	struct push_command *cmds;
	uint8_t		*ops;			/* enum inspect_op */
	uint32_t	 ncmds;
	bool		 storing;
};

static void
gitjob_free(struct gitjob *j)
{
	/* A store that has begun is finished by the leg: killing it could not undo anything and would lose the answer. */
	if (j->leg > 0 && !j->storing)
		(void)kill(j->leg, SIGKILL);
	if (j->inspector > 0)
		(void)kill(j->inspector, SIGKILL);
	link_free(j->leg_link);
	link_free(j->inspector_link);
	if (j->spool != -1)
		close(j->spool);
	free(j->upstream);
	free(j->repo);
	free(j->cmds);
	free(j->ops);
	free(j);
}

/* What the leg said about the store, for the log; the session hears it from the leg itself. */
static int
on_stored(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	char *error = NULL;
	const uint8_t *report;
	uint8_t ok;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_peek_string(m->body, &report, &n)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	if (!ok)
		log_warn("%s: %s/%s: not stored: %s", j->peer->id, j->upstream, j->repo, error);
 out:
	free(error);
	return r;
}

/* INSPECT_RESULT, see inspect.h: the facts on which the store depends, from the process that saw the bytes. */
static int
on_result(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	const uint8_t *s;
	uint64_t skip;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &j->status)) != 0 || (r = buf_peek_string(m->body, &s, &n)) != 0 ||
	    (r = buf_get_u64(m->body, &skip)) != 0 || (r = buf_get_u64(m->body, &skip)) != 0 ||
	    (r = buf_get_u32(m->body, &j->findings)) != 0 || (r = buf_peek_string(m->body, &s, &n)) != 0 ||
	    (r = buf_get_u64(m->body, &j->length)) != 0 || (r = buf_get_u32(m->body, &j->ncmds)) != 0)
		return r;
	if (j->ncmds > OPS_MAX)
		return ERR_TOOBIG;
	j->cmds = xcalloc(j->ncmds, sizeof(*j->cmds));
	j->ops = xcalloc(j->ncmds, 1);
	for (uint32_t i = 0; i < j->ncmds; i++) {
		const uint8_t *name, *old, *new;
		size_t nname, nold, nnew;

		if ((r = buf_peek_string(m->body, &name, &nname)) != 0 || (r = buf_get_u8(m->body, &j->ops[i])) != 0 ||
		    (r = buf_peek_string(m->body, &old, &nold)) != 0 || (r = buf_peek_string(m->body, &new, &nnew)) != 0)
			return r;
		if (nname >= REF_NAME_MAX || nold != OID_HEX || nnew != OID_HEX)
			return ERR_FORMAT;
		memcpy(j->cmds[i].name, name, nname);
		memcpy(j->cmds[i].old_oid, old, nold);
		memcpy(j->cmds[i].new_oid, new, nnew);
	}
	j->have_result = true;
	return 0;
}

static const struct link_row leg_rows[] = {
	{ GITLEG_STORED, "stored", LINK_PERMIT | LINK_ONCE, on_stored },
	{ 0, NULL, 0, NULL }
};

static const struct link_row inspector_rows[] = {
	{ INSPECT_RESULT, "result", LINK_PERMIT | LINK_ONCE, on_result },
	{ 0, NULL, 0, NULL }
};

static void
on_gone(struct link *l, int r, void *arg)
{
	struct gitjob *j = arg;

	(void)r;
	if (l == j->leg_link)
		j->leg_link = NULL;
	else
		j->inspector_link = NULL;
	link_free(l);
}

static bool
send_fd(struct gitjob *j, enum monitor_git_fd which, int fd)
{
	struct buf *b = buf_new(16);
	bool ok = b != NULL && buf_put_u8(b, (uint8_t)which) == 0 &&
	    link_send(j->peer->monitor, MON_GIT_FD, j->id, b, fd) == 0;

	buf_free(b);
	return ok;
}

static struct link *
job_link(struct gitjob *j, int fd, const char *name, const struct link_row *rows)
{
	struct link_params p = { .base = j->peer->daemon->base, .fd = fd, .name = name, .rows = rows, .gone = on_gone,
	    .arg = j };
	struct link *l = link_new(&p);

	if (l == NULL)
		fatal("no link to the %s", name);
	return l;
}

/* The git leg: sees this one repository. */
static pid_t
spawn_leg(struct gitjob *j, const struct conf_upstream *u, const int fds[5], int nfds)
{
	char *path = spawn_helper_path("sallyport-gitleg"), mode[16];
	struct spawn_params sp = { .path = path, .nfds = nfds };
	char *argv[] = { path, mode, u->path, j->repo, NULL };
	pid_t pid;

	snprintf(mode, sizeof(mode), "%s", j->push ? "receive" : "upload");
	sp.argv = argv;
	for (int i = 0; i < nfds; i++)
		sp.fds[i] = fds[i];
	pid = spawn(&sp);
	free(path);
	return pid;
}

static bool
open_fetch(struct gitjob *j, const struct conf_upstream *u)
{
	int stream[2], errors[2], fds[5] = { -1, -1, -1, -1, -1 };
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == -1)
		return false;
	if (pipe2(errors, O_CLOEXEC) == -1) {
		close(stream[0]);
		close(stream[1]);
		return false;
	}
	fds[0] = fds[1] = stream[1];
	fds[2] = errors[1];
	j->leg = spawn_leg(j, u, fds, 3);
	close(stream[1]);
	close(errors[1]);
	ok = j->leg > 0;
	if (!ok)
		j->leg = 0;
	/* Both are handed over whether or not the first one went. */
	ok = send_fd(j, MONITOR_FD_STREAM, stream[0]) && ok;
	ok = send_fd(j, MONITOR_FD_ERRORS, errors[0]) && ok;
	return ok && send_fd(j, MONITOR_FD_DONE, -1);
}

/* In the child: three descriptors, the shared rules, a jail, and the work. */
static void
inspector_child(struct gitjob *j, int session, int parent)
{
	const struct conf *c = j->peer->conf->conf;
	struct inspect_params ip = { .session_fd = 3, .parent_fd = 4, .spool_fd = 5, .scanner = j->peer->daemon->scanner,
	    .max_pack_bytes = c->max_pack_bytes, .max_object_bytes = c->max_object_bytes,
	    .max_resolved_bytes = c->max_resolved_bytes, .max_objects = c->max_push_objects, .max_depth = INSPECTOR_DEPTH };
	int high[3], from[3] = { session, parent, j->spool };

	for (int i = 0; i < 3; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD, 100)) == -1)
			_exit(1);
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], 3 + i) == -1)
			_exit(1);
	if (close_range(6, ~0U, 0) == -1)
		_exit(1);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	log_init("sallyport-inspector", LOG_LEVEL_INFO);
	sandbox_prepare();
	if (sandbox_limits(INSPECTOR_MEMORY, INSPECTOR_CPU) != 0 || sandbox_enter(SANDBOX_INSPECTOR) != 0)
		_exit(1);
	_exit(inspect_run(&ip));
}

static bool
open_push(struct gitjob *j, const struct conf_upstream *u)
{
	char *spool = file_join(j->peer->conf->conf->state_dir, "spool");
	int sv[4][2], fds[5] = { -1, -1, STDERR_FILENO, -1, -1 };
	bool ok;

	j->spool = open(spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (j->spool == -1) {
		log_error("%s: no spool file: %s", spool, err_text(ERR_SYSTEM));
		free(spool);
		return false;
	}
	free(spool);
	for (int i = 0; i < 4; i++)
		if (msgio_pair(sv[i]) != 0)
			fatal("no descriptors left");
	fds[3] = sv[0][1];
	fds[4] = sv[1][1];
	j->leg = spawn_leg(j, u, fds, 5);
	if ((j->inspector = fork()) == 0)
		inspector_child(j, sv[2][1], sv[3][1]);
	ok = j->leg > 0 && j->inspector > 0;
	for (int i = 0; i < 4; i++)
		close(sv[i][1]);
	j->leg_link = job_link(j, sv[1][0], "git leg", leg_rows);
	j->inspector_link = job_link(j, sv[3][0], "inspector", inspector_rows);
	ok = send_fd(j, MONITOR_FD_LEG, sv[0][0]) && ok;
	ok = send_fd(j, MONITOR_FD_INSPECTOR, sv[2][0]) && ok;
	return ok && send_fd(j, MONITOR_FD_DONE, -1);
}

bool
gitjob_open(struct peer *p, uint32_t id, const char *upstream, const char *repo, bool push, const char **errorp)
{
	const struct conf *c = p->conf->conf;
	const struct conf_upstream *u = conf_upstream(c, upstream);
	struct gitjob *j;

	for (j = p->jobs; j != NULL; j = j->next)
		if (j->id == id)
			break;
	*errorp = j != NULL ? "asked for twice" : u == NULL ? "no such upstream" :
	    !policy_reaches(c->policy, &p->who, upstream, NULL) ? "no rule lets you reach it" :
	    !name_is_safe(repo, 256) ? "not a repository path" :
	    p->njobs >= c->max_channels ? "too many transfers on one connection" : NULL;
	if (*errorp != NULL)
		return false;
	j = xcalloc(1, sizeof(*j));
	j->peer = p;
	j->id = id;
	j->push = push;
	j->spool = -1;
	j->upstream = xstrdup(upstream);
	j->repo = xstrdup(repo);
	j->next = p->jobs;
	p->jobs = j;
	p->njobs++;
	if (push ? open_push(j, u) : open_fetch(j, u))
		return true;
	*errorp = "its processes could not be started";
	gitjob_end(p, id);
	return false;
}

/* Whether an approval for exactly this content was used up in this session. */
static bool
has_grant(struct peer *p, struct gitjob *j, const char *request)
{
	uint8_t digest[DIGEST_LEN];

	push_content_digest(p->who.identity, j->upstream, j->repo, j->cmds, j->ncmds, digest);
	for (unsigned i = 0; i < 16 && i < p->ngrants; i++)
		if (*request != '\0' && strcmp(p->grants[i].request, request) == 0 &&
		    memcmp(p->grants[i].digest, digest, DIGEST_LEN) == 0) {
			p->grants[i].request[0] = '\0';	/* once */
			return true;
		}
	return false;
}

/* The parent's own decision on every reference; what git must still enforce comes back in the two flags. */
static const char *
judge_refs(struct peer *p, struct gitjob *j, bool granted, bool *forcep, bool *deletep)
{
	struct request q = { .kind = REQUEST_PUSH, .target = j->upstream, .repo = j->repo };
	struct verdict v;

	*forcep = true;
	*deletep = true;
	for (uint32_t i = 0; i < j->ncmds; i++) {
		q.ref = j->cmds[i].name;
		q.op = j->ops[i] == INSPECT_CREATE ? REF_CREATE : j->ops[i] == INSPECT_DELETE ? REF_DELETE : REF_UPDATE;
		decide(p->conf->conf->policy, &p->who, &q, &v);
		if (j->ops[i] == INSPECT_UNSURE) {	/* forward or not: git finds out, and may force only where policy lets it */
			struct verdict f;

			q.op = REF_FORCE;
			decide(p->conf->conf->policy, &p->who, &q, &f);
			if (f.what == DECISION_DENY || (f.what == DECISION_ASK && !granted))
				*forcep = false;
		}
		if (v.what == DECISION_DENY && !(j->ops[i] == INSPECT_UNSURE && *forcep))
			return "policy refuses one of the references";
		if (v.what == DECISION_ASK && !granted)
			return "an approval is needed and there is none for exactly this";
		if (q.op == REF_DELETE && v.what == DECISION_DENY)
			*deletep = false;
	}
	return NULL;
}

const char *
gitjob_store(struct peer *p, uint32_t id, const char *request)
{
	struct gitjob *j = p->jobs;
	bool granted, force, deletes;
	struct buf *b;
	const char *why;

	while (j != NULL && j->id != id)
		j = j->next;
	if (j == NULL || !j->push || j->storing || j->leg_link == NULL || j->spool == -1)
		return "there is nothing to store";
	if (!j->have_result || j->status == INSPECT_BAD)
		return "the inspection has not passed it";
	granted = has_grant(p, j, request);
	if (j->findings > 0 && !granted)
		return "the inspection found secrets in it";
	if ((why = judge_refs(p, j, granted, &force, &deletes)) != NULL)
		return why;
	if ((b = buf_new(64)) == NULL || buf_put_u64(b, j->length) != 0 || buf_put_u8(b, force) != 0 ||
	    buf_put_u8(b, deletes) != 0)
		fatal("out of memory");
	/* The inspector has no more business with the spool, and must not have: what is stored is what was inspected. */
	if (j->inspector > 0) {
		(void)kill(j->inspector, SIGKILL);
		(void)waitpid(j->inspector, NULL, 0);	/* gone for sure, not just told to */
		j->inspector = 0;
	}
	why = link_send(j->leg_link, GITLEG_STORE, 0, b, j->spool) == 0 ? NULL : "the repository's process has gone";
	j->spool = -1;
	j->storing = why == NULL;
	buf_free(b);
	return why;
}

void
gitjob_end(struct peer *p, uint32_t id)
{
	for (struct gitjob **jp = &p->jobs; *jp != NULL; jp = &(*jp)->next)
		if ((*jp)->id == id) {
			struct gitjob *j = *jp;

			*jp = j->next;
			p->njobs--;
			gitjob_free(j);
			return;
		}
}

void
gitjob_end_all(struct peer *p)
{
	while (p->jobs != NULL)
		gitjob_end(p, p->jobs->id);
}

bool
gitjob_ended(struct daemon *d, pid_t pid)
{
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		for (struct gitjob *j = p->jobs; j != NULL; j = j->next) {
			if (j->leg == pid)
				j->leg = 0;
			else if (j->inspector == pid)
				j->inspector = 0;
			else
				continue;
			return true;
		}
	return false;
}
