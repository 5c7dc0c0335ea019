/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/gitjob_int.h"
#include "bastion/legspawn.h"
#include "bastion/lfsjob.h"
#include "bastion/monitor_msg.h"
#include "bastion/pool.h"
#include "bastion/pushjudge.h"
#include "bastion/ssh/sshconn.h"
#include "gitfilter/fsck.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/inspect.h"
#include "gitfilter/order.h"
#include "gitfilter/push.h"

#define INSPECTOR_MEMORY	((size_t)6 * 1024 * 1024 * 1024)	/* address space: the spool is mapped, rules are shared */
#define INSPECTOR_CPU		600	/* seconds */
#define INSPECTOR_DEPTH		250
#define OPS_MAX			1000
#define SPOOL_EXTRA		(1024 * 1024)	/* the order before the pack */
#define DISK_FLOOR		((uint64_t)256 * 1024 * 1024)	/* free bytes that spools must leave to the evidence */

static void	order_run(struct gitjob *);

/* A mirror that could not be made leaves an empty folder. One that holds anything stays, of course. */
static void
gitjob_sweep(const struct gitjob *j)
{
	char *path;

	if (j->place->kind == UPSTREAM_HOSTED)
		return;
	path = legspawn_mirror(j->conf->conf, j->place, j->repo);
	(void)rmdir(path);
	free(path);
}

static void
gitjob_free(struct gitjob *j)
{
	j->daemon->njobs--;
	if (j->leg > 0)
		(void)kill(j->leg, SIGKILL);
	if (j->inspector > 0)
		(void)kill(j->inspector, SIGKILL);
	lfsjob_free(j->keeper);
	link_free(j->leg_link);
	link_free(j->inspector_link);
	if (j->spool != -1)
		close(j->spool);
	pool_drop(&j->hold);
	gitjob_sweep(j);
	conf_ref_drop(j->conf);
	free(j->identity);
	free(j->upstream);
	free(j->repo);
	free(j->cmds);
	free(j->ops);
	strvec_release(&j->denials);
	strvec_release(&j->asks);
	strvec_release(&j->parks);
	strvec_release(&j->spent);
	free(j->rule);
	free(j->text);
	free(j);
}

/* The session records how a store went. When it has gone meanwhile, this is the record. */
static void
record_orphan(struct gitjob *j, const char *result)
{
	json_t *refs = json_array();

	for (uint32_t i = 0; i < j->ncmds; i++)
		(void)json_array_append_new(refs, json_pack("{s:s, s:s, s:s}", "ref", j->cmds[i].name, "old", j->cmds[i].old_oid, "new",
		    j->cmds[i].new_oid));
	(void)daemon_record(j->daemon, j->park ? "push.parked" : "push.stored", json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "session", j->session,
	    "identity", j->identity, "upstream", j->upstream, "repository", j->repo, "updates", refs, "result", result), NULL, NULL);
}

/* Whether a report says of any reference that it was stored. */
static bool
any_stored(const struct gitjob *j, const uint8_t *report, size_t n)
{
	for (uint32_t i = 0; i < j->ncmds; i++)
		if (order_is_done(report, n, j->cmds[i].name))
			return true;
	return false;
}

/* What the leg said about the store; a live session hears it from the leg itself. */
static int
on_stored(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	char *error = NULL;
	const uint8_t *report;
	uint32_t kept;
	uint8_t ok;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_cstring(m->body, &error)) != 0 ||
	    (r = buf_peek_string(m->body, &report, &n)) != 0 || (r = buf_get_u32(m->body, &kept)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	j->reported = true;
	if (j->place->kind != UPSTREAM_HOSTED && (ok == GITLEG_NOT_STORED || (ok == GITLEG_ANSWERED && !any_stored(j, report, n))))
		gitjob_return_grants(j);
	if (ok != GITLEG_ANSWERED)
		log_warn("%s: %s/%s: not stored: %s", j->session, j->upstream, j->repo, error);
	if (j->peer == NULL) {	/* git's own words for each reference are in its report: what matters is that it is over */
		char *words = text_printable(report, n < 2048 ? n : 2048), *line = xasprintf("%s %s", ok == GITLEG_ANSWERED ? "answered:" : error, words);

		record_orphan(j, line);
		free(words);
		free(line);
	}
 out:
	free(error);
	return r;
}

/* What the leg says about objects that the push refers to and does not bring. */
static int
on_needs(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	const uint8_t *oid, *digest;
	uint8_t yes;
	size_t noid, n;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &yes)) != 0 || (r = buf_peek_string(m->body, &oid, &noid)) != 0 ||
	    (r = buf_peek_string(m->body, &digest, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (n != DIGEST_LEN)
		return ERR_FORMAT;
	j->may_need = yes != 0;
	memcpy(j->may_need_digest, digest, n);
	j->needs_heard = true;
	order_run(j);
	return 0;
}

/* INSPECT_RESULT, see inspect.h: the facts on which the store depends, from the process that saw the bytes. */
static int
on_result(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	const uint8_t *s, *needs, *met;
	uint64_t skip;
	uint32_t findings;
	size_t n, nneeds, nmet;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &j->status)) != 0 || (r = buf_peek_string(m->body, &s, &n)) != 0 ||
	    (r = buf_get_u64(m->body, &skip)) != 0 || (r = buf_get_u64(m->body, &skip)) != 0 ||
	    (r = buf_get_u32(m->body, &findings)) != 0 || (r = buf_get_u32(m->body, &j->extent.commits)) != 0 ||
	    (r = buf_get_u32(m->body, &j->extent.files)) != 0 || (r = buf_get_u64(m->body, &j->extent.bytes)) != 0 ||
	    (r = buf_peek_string(m->body, &s, &n)) != 0 || (r = buf_get_u64(m->body, &j->length)) != 0 ||
	    (r = buf_peek_string(m->body, &needs, &nneeds)) != 0 || (r = buf_peek_string(m->body, &met, &nmet)) != 0 ||
	    (r = buf_get_u32(m->body, &j->ncmds)) != 0)
		return r;
	if ((nneeds != 0 && nneeds != DIGEST_LEN) || nmet != DIGEST_LEN)
		return ERR_FORMAT;
	memcpy(j->met, met, DIGEST_LEN);
	j->needs = nneeds != 0;
	memcpy(j->needs_digest, needs, nneeds);
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
	order_run(j);
	return 0;
}

/* INSPECT_VERDICTS: u32 n, n * (u8 enum fact_word, s rule). */
static int
on_verdicts(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	for (; r == 0 && n > 0; n--) {
		char *rule = NULL;
		uint8_t word;

		if ((r = buf_get_u8(m->body, &word)) == 0 && (r = buf_get_cstring(m->body, &rule)) == 0)
			strvec_take(word == FACT_ASKED ? &j->asks : word == FACT_PARKED ? &j->parks : &j->denials, rule);
	}
	j->judged = r == 0 && buf_end(m->body) == 0;
	return r != 0 ? r : buf_end(m->body);
}

/* The leg has let its conversation go: so may the connection. */
static int
on_released(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;

	(void)l;
	pool_drop(&j->hold);
	return buf_end(m->body);
}

static const struct link_row leg_rows[] = {
	{ GITLEG_RELEASED, "released", LINK_PERMIT, on_released },
	{ GITLEG_STORED, "stored", LINK_PERMIT | LINK_ONCE, on_stored },
	{ GITLEG_NEEDS_ANSWER, "needs-answer", LINK_PERMIT, on_needs },
	{ 0, NULL, 0, NULL }
};

/* INSPECT_KEEPER_WANTED: the push names LFS objects. */
static int
on_keeper_wanted(struct link *l, struct msg *m, void *arg)
{
	struct gitjob *j = arg;
	const char *why = "nobody waits for it";
	struct buf *b = buf_new(1024);
	int fd = -1, r = b == NULL ? ERR_NOMEM : buf_end(m->body);

	if (r == 0 && j->peer != NULL)
		j->keeper = lfsjob_for_push(j->peer, j->upstream, j->repo, &fd, &why);
	if (r == 0 && (r = buf_put_cstring(b, fd == -1 ? why : "")) == 0)
		(void)link_send(l, INSPECT_KEEPER, 0, b, fd);
	else if (fd != -1)
		close(fd);
	buf_free(b);
	return r;
}

static const struct link_row inspector_rows[] = {
	{ INSPECT_VERDICTS, "verdicts", LINK_PERMIT | LINK_ONCE, on_verdicts },
	{ INSPECT_KEEPER_WANTED, "keeper-wanted", LINK_PERMIT | LINK_ONCE, on_keeper_wanted },
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
	order_run(j);
}

static bool
send_fd(struct gitjob *j, enum monitor_git_fd which, int fd)
{
	struct buf *b = buf_new(16);
	bool ok = b != NULL && j->peer->monitor != NULL && buf_put_u8(b, (uint8_t)which) == 0;

	if (ok)
		ok = link_send(j->peer->monitor, MON_GIT_FD, j->id, b, fd) == 0;
	else if (fd != -1)
		close(fd);

	buf_free(b);
	return ok;
}

static struct link *
job_link(struct gitjob *j, int fd, const char *name, const struct link_row *rows)
{
	struct link_params p = { .base = j->daemon->base, .fd = fd, .name = name, .rows = rows, .gone = on_gone,
	    .arg = j };

	return fd == -1 ? NULL : link_new(&p);
}

/* The session asked for descriptors, and there are none. */
static void
tell_failed(struct gitjob *j, const char *why)
{
	struct buf *b = buf_new(1024);

	if (b != NULL && j->peer->monitor != NULL && buf_put_u8(b, MONITOR_FD_FAILED) == 0 && buf_put_cstring(b, why) == 0)
		(void)link_send(j->peer->monitor, MON_GIT_FD, j->id, b, -1);
	buf_free(b);
}

/* Its key or password is not to be had. The session hears why; the leg ends by itself. */
static void
leg_lost(const char *session, unsigned id, const char *why, void *arg)
{
	const struct peer *p = peer_find(arg, session);
	struct gitjob *j = p == NULL ? NULL : p->jobs;

	while (j != NULL && j->id != id)
		j = j->next;
	if (j != NULL)
		tell_failed(j, why);
}

/* The git leg: sees this one repository. */
static pid_t
spawn_leg(struct gitjob *j, const int fds[LEGSPAWN_FDS], int nfds)
{
	struct legspawn_params p = { .peer = j->peer, .id = j->id, .conf = j->conf->conf, .upstream = j->place, .repo = j->repo,
	    .mode = j->push ? "receive" : policy_reads_reviews(j->conf->conf->policy, &j->peer->who, j->upstream, j->repo) ?
	    "upload-reviews" : "upload", .socket = j->place->kind == UPSTREAM_SSH ? pool_socket(&j->hold) : NULL, .nfds = nfds, .lost = leg_lost,
	    .arg = j->daemon };
	pid_t pid;

	memcpy(p.fds, fds, sizeof(p.fds));
	pid = legspawn(&p);
	free(p.socket);
	return pid;
}

static bool
open_fetch(struct gitjob *j)
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
	j->leg = spawn_leg(j, fds, 3);
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
	struct pushjudge judge = { .policy = c->policy, .who = &j->peer->who, .upstream = j->upstream, .repo = j->repo,
	    .known = j->daemon->known };
	struct rlimit file = { c->max_pack_bytes + SPOOL_EXTRA, c->max_pack_bytes + SPOOL_EXTRA };
	struct inspect_params ip = { .session_fd = 3, .parent_fd = 4, .spool_fd = 5, .scanner = j->daemon->scanner,
	    .max_pack_bytes = c->max_pack_bytes, .max_object_bytes = c->max_object_bytes,
	    .max_resolved_bytes = c->max_resolved_bytes, .max_objects = c->max_push_objects, .max_depth = INSPECTOR_DEPTH,
	    .judge = pushjudge_fact, .judge_arg = &judge, .judges = pushjudge_wants(&judge) };
	int high[3], from[3] = { session, parent, j->spool };

	for (int i = 0; i < 3; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD, 100)) == -1)
			_exit(1);
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], 3 + i) == -1)
			_exit(1);
	ip.fsck = &j->place->fsck;
	if (close_range(6, ~0U, 0) == -1)
		_exit(1);
	log_init("sallyport-inspector", LOG_LEVEL_INFO);
	sandbox_prepare();
	sshserver_free(j->daemon->server);	/* the host key is none of its business */
	if (setrlimit(RLIMIT_FSIZE, &file) == -1)
		_exit(1);
	if (sandbox_limits(INSPECTOR_MEMORY, INSPECTOR_CPU) != 0 || sandbox_enter(SANDBOX_INSPECTOR) != 0)
		_exit(1);
	_exit(inspect_run(&ip));
}

/* Spools lie on the same disk as the evidence, which comes first. */
static bool
disk_has_room(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize > DISK_FLOOR;
}

static int
open_spool(const struct gitjob *j)
{
	char *path = file_join(j->peer->conf->conf->state_dir, "spool");
	int fd = -1;

	if (!disk_has_room(path))
		log_error("%s: too little room on the disk for a push", path);
	else if ((fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) == -1)
		log_error("%s: no spool file: %s", path, err_text(ERR_SYSTEM));
	free(path);
	return fd;
}

/* Pairs for: session and leg, parent and leg, session and inspector, parent and inspector. Ours first, theirs second. */
enum { PAIR_LEG, PAIR_LEG_PARENT, PAIR_INSPECTOR, PAIR_INSPECTOR_PARENT, PAIRS };

static bool
open_push(struct gitjob *j)
{
	int sv[PAIRS][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } }, fds[5] = { -1, -1, STDERR_FILENO, -1, -1 };
	bool ok = (j->spool = open_spool(j)) != -1;

	for (int i = 0; i < PAIRS && ok; i++)
		ok = msgio_pair(sv[i]) == 0;
	fds[3] = sv[PAIR_LEG][1];
	fds[4] = sv[PAIR_LEG_PARENT][1];
	if (ok && (j->leg = spawn_leg(j, fds, 5)) <= 0)
		j->leg = 0;
	if (ok && (j->inspector = spawn_fork()) == 0)
		inspector_child(j, sv[PAIR_INSPECTOR][1], sv[PAIR_INSPECTOR_PARENT][1]);
	if (j->inspector == -1)
		j->inspector = 0;
	for (int i = 0; i < PAIRS; i++)
		if (sv[i][1] != -1)
			close(sv[i][1]);
	j->leg_link = job_link(j, sv[PAIR_LEG_PARENT][0], "git leg", leg_rows);
	j->inspector_link = job_link(j, sv[PAIR_INSPECTOR_PARENT][0], "inspector", inspector_rows);
	ok = j->leg > 0 && j->inspector > 0 && j->leg_link != NULL && j->inspector_link != NULL && ok;
	/* What is handed over is handed over or closed, whether or not the one before went. */
	ok = (sv[PAIR_LEG][0] != -1 && send_fd(j, MONITOR_FD_LEG, sv[PAIR_LEG][0])) && ok;
	ok = (sv[PAIR_INSPECTOR][0] != -1 && send_fd(j, MONITOR_FD_INSPECTOR, sv[PAIR_INSPECTOR][0])) && ok;
	return ok && send_fd(j, MONITOR_FD_DONE, -1);
}

/* The way to the upstream is there, or is not. */
static void
opened_upstream(struct pool_hold *h, const char *why)
{
	struct gitjob *j = (struct gitjob *)(void *)((char *)h - offsetof(struct gitjob, hold));

	if (why == NULL && !(j->push ? open_push(j) : open_fetch(j)))
		why = "its processes could not be started; try again";
	if (why != NULL)
		tell_failed(j, why);	/* the session ends the job */
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
	*errorp = j != NULL ? "asked for twice" : u == NULL ? "no such upstream" : gitjob_may_open(p, upstream, repo, push);
	if (*errorp != NULL)
		return false;
	j = xcalloc(1, sizeof(*j));
	j->daemon = p->daemon;
	j->peer = p;
	memcpy(j->session, p->id, sizeof(j->session));
	j->identity = xstrdup(p->who.identity);
	j->id = id;
	j->push = push;
	j->spool = -1;
	j->place = u;
	j->conf = conf_ref_take(p->conf);
	j->upstream = xstrdup(upstream);
	j->repo = xstrdup(repo);
	j->next = p->jobs;
	p->jobs = j;
	p->njobs++;
	p->daemon->njobs++;
	if (u->kind == UPSTREAM_SSH) {
		j->hold.fn = opened_upstream;
		pool_take(&j->hold, p, u);
		return true;
	}
	if (push ? open_push(j) : open_fetch(j))
		return true;
	*errorp = "its processes could not be started; try again";
	gitjob_end(p, id);
	return false;
}

/* Who pushed what, for those who will decide on a parked push. */
static char *
park_about(const struct gitjob *j)
{
	const struct peer *p = j->peer;

	return xasprintf("identity %s\nowner %s\nsession %s\nupstream %s\nrepository %s\nrule %s\n", j->identity,
	    p != NULL && p->who.owner != NULL ? p->who.owner : "", j->session, j->upstream, j->repo, j->rule);
}

/* The faults that are no error for this upstream, by name. */
static char *
faults_passed(const struct fsck *fsck)
{
	char *list = xstrdup(""), *longer;

	for (int id = 0; id < FSCK_IDS; id++)
		if (fsck->severity[id] != FSCK_ERROR) {
			longer = xasprintf("%s%s ", list, fsck_name((enum fsck_id)id));
			free(list);
			list = longer;
		}
	return list;
}

/* The leg takes the spool. From now on it, and nobody else, says how that ends. */
static void
store_begin(struct gitjob *j)
{
	char *socket = j->place->kind != UPSTREAM_SSH ? xstrdup("") : pool_socket(&j->hold);
	char *about = j->park ? park_about(j) : xstrdup(""), *faults = faults_passed(&j->place->fsck);
	struct buf *b = buf_new(MSG_MAX);

	if (b == NULL || buf_put_u64(b, j->length) != 0 || buf_put_u8(b, j->force) != 0 || buf_put_u8(b, j->deletes) != 0 ||
	    buf_put_cstring(b, (j->keep || j->park) && j->place->kind == UPSTREAM_HOSTED ? j->request : "") != 0 ||
	    buf_put_u64(b, (uint64_t)(clock_wall_ms() / 1000)) != 0 || buf_put_cstring(b, socket) != 0 ||
	    buf_put_u8(b, j->park) != 0 || buf_put_cstring(b, about) != 0 || buf_put_cstring(b, j->text) != 0 ||
	    buf_put_cstring(b, faults) != 0)
		fatal("out of memory");
	free(faults);
	free(socket);
	free(about);
	if (j->leg_link != NULL && link_send(j->leg_link, GITLEG_STORE, 0, b, j->spool) == 0)
		j->storing = true;
	else if (j->leg > 0)
		(void)kill(j->leg, SIGKILL);	/* the session sees it go and says so */
	j->spool = -1;
	buf_free(b);
}

/* The connection for a store is there, or is not: then the leg is told, whose word the session waits for. */
static void
store_connected(struct pool_hold *h, const char *why)
{
	struct gitjob *j = (struct gitjob *)(void *)((char *)h - offsetof(struct gitjob, hold));
	struct buf *b;

	if (why == NULL) {
		store_begin(j);
		return;
	}
	if ((b = buf_new(1024)) == NULL || buf_put_cstring(b, why) != 0)
		fatal("out of memory");
	if (j->leg_link == NULL || link_send(j->leg_link, GITLEG_CANNOT, 0, b, -1) != 0)
		log_warn("%s: %s/%s: %s", j->session, j->upstream, j->repo, why);
	buf_free(b);
}

/* The inspector has ended for sure: what is in the spool now is what it read. */
static void
store_now(struct gitjob *j)
{
	j->approved = false;
	if (j->place->kind != UPSTREAM_SSH || j->hold.pool != NULL) {
		store_begin(j);
		return;
	}
	j->hold.fn = store_connected;
	pool_take(&j->hold, j->peer, j->place);
}

static void
job_approved(struct gitjob *j)
{
	j->approved = true;
	if (j->inspector > 0)
		(void)kill(j->inspector, SIGKILL);	/* goes on in gitjob_ended */
	else
		store_now(j);
}

/* The LFS objects that the push names are in the repository, before any reference that leads to them; or nothing is stored. */
static void
on_promoted(bool ok, uint32_t objects, void *arg)
{
	static const char why[] = "its LFS objects could not be moved into the repository; nothing was stored; push again";
	struct gitjob *j = arg;
	struct buf *b;

	if (objects > 0)
		(void)daemon_record(j->daemon, "lfs.stored", json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "session", j->session,
		    "identity", j->identity, "request", j->request, "upstream", j->upstream, "repository", j->repo, "objects",
		    (json_int_t)objects), NULL, NULL);
	if (ok) {
		job_approved(j);
		return;
	}
	log_error("%s: %s/%s: %s", j->session, j->upstream, j->repo, why);
	if (j->peer->monitor != NULL && (b = buf_new(256)) != NULL) {
		if (buf_put_u8(b, MONITOR_FD_FAILED) == 0 && buf_put_cstring(b, why) == 0)
			(void)link_send(j->peer->monitor, MON_GIT_FD, j->id, b, -1);
		buf_free(b);
	}
	if (j->leg > 0)
		(void)kill(j->leg, SIGKILL);	/* the session sees it go, and says so */
}

/* NULL: the store is on its way. */
static const char *
order_try(struct gitjob *j)
{
	const char *why;

	if (!j->have_result || j->status == INSPECT_BAD)
		return "the inspection has not passed it";
	if (j->needs && (!j->may_need || memcmp(j->needs_digest, j->may_need_digest, DIGEST_LEN) != 0))
		return "it builds on objects that the repository does not show";
	if ((why = gitjob_judge(j)) != NULL)
		return why;
	gitjob_take_grants(j);
	j->keep = j->peer->conf->conf->undo_ms > 0;
	if (j->keeper == NULL)
		job_approved(j);
	else {
		j->promoting = true;
		lfsjob_promote(j->keeper, on_promoted, j);
	}
	return NULL;
}

/* Inspector and leg each have a link of their own: the session, who has heard them too, may be faster with its order. */
static void
order_run(struct gitjob *j)
{
	bool heard = j->have_result ? !j->needs || j->needs_heard || j->leg_link == NULL : j->inspector_link == NULL;

	if (!j->ordered || !heard)
		return;
	j->ordered = false;
	monitor_storing(j->peer, j->order_msg, order_try(j));
}

void
gitjob_store(struct peer *p, uint32_t id, uint32_t msg, const struct gitjob_order *o)
{
	struct gitjob *j = p->jobs;

	while (j != NULL && j->id != id)
		j = j->next;
	if (j == NULL || !j->push || j->ordered || j->storing || j->promoting || j->approved || j->leg_link == NULL ||
	    j->spool == -1) {
		monitor_storing(p, msg, "there is nothing to store");
		return;
	}
	if (!id_is(o->request, "REQ-", REQUEST_ID_LEN)) {
		monitor_storing(p, msg, "its request has no name");
		return;
	}
	memcpy(j->request, o->request, strlen(o->request) + 1);
	free(j->rule);
	free(j->text);
	j->park = o->park;
	j->rule = o->park ? xstrdup(o->rule) : NULL;
	j->text = xstrdup(o->text);
	j->order_msg = msg;
	j->ordered = true;
	order_run(j);
}

void
gitjob_end(struct peer *p, uint32_t id)
{
	for (struct gitjob **jp = &p->jobs; *jp != NULL; jp = &(*jp)->next)
		if ((*jp)->id == id) {
			struct gitjob *j = *jp;

			*jp = j->next;
			p->njobs--;
			/* Killing a store could undo nothing and would lose the answer. */
			if (j->storing && !j->reported && j->leg > 0) {
				j->peer = NULL;
				j->next = p->daemon->orphans;
				p->daemon->orphans = j;
			} else
				gitjob_free(j);
			return;
		}
}

void
gitjob_end_all(struct peer *p)
{
	lfsjob_end_all(p);
	while (p->jobs != NULL)
		gitjob_end(p, p->jobs->id);
}

static bool
orphan_ended(struct daemon *d, pid_t pid)
{
	for (struct gitjob **jp = &d->orphans; *jp != NULL; jp = &(*jp)->next) {
		struct gitjob *j = *jp;

		if (j->leg != pid)
			continue;
		j->leg = 0;
		/* What it said last may still lie in its link. */
		if (!j->reported && j->leg_link != NULL)
			(void)link_pump(j->leg_link);
		if (!j->reported)
			record_orphan(j, "the repository's process ended before it answered");
		*jp = j->next;
		gitjob_free(j);
		return true;
	}
	return false;
}

bool
gitjob_ended(struct daemon *d, pid_t pid)
{
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		for (struct gitjob *j = p->jobs; j != NULL; j = j->next) {
			if (j->leg == pid)
				j->leg = 0;
			else if (j->inspector == pid) {
				j->inspector = 0;
				if (j->approved)
					store_now(j);
			} else
				continue;
			return true;
		}
	return orphan_ended(d, pid) || lfsjob_ended(d, pid);
}
