/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/lfsjob.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/digest.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/ssh/sshconn.h"
#include "gitfilter/gitdir.h"
#include "gitfilter/lfskeep.h"
#include "gitfilter/lfskeep_msg.h"
#include "secretscan/secretscan.h"

#define KEEPER_MEMORY	((size_t)6 * 1024 * 1024 * 1024)	/* address space: an object is mapped, rules are shared */
#define KEEPER_CPU	3600		/* seconds: an upload of a terabyte */
#define HELD_KEY_HEX	32		/* of the name of the folder of one identity and one repository */
#define OBJECTS		"lfs/objects"

struct lfsjob {
	struct lfsjob	*next;
	struct daemon	*daemon;
	struct peer	*peer;		/* a session's own; NULL for a push */
	uint32_t	 id;
	pid_t		 pid;		/* 0 = ended */
	struct link	*link;		/* of a push's keeper */
	lfsjob_fn	 fn;		/* who waits for the move */
	void		*arg;
};

/* What the child is made of, worked out before the fork. */
struct keeper {
	enum lfskeep_mode	 mode;
	const struct conf	*conf;
	const char		*repos, *repo;
	char			*top, *held;	/* owned: the folders of all that is held, and of this identity's for this repository */
	int			 owner, parent;	/* its ends; -1 = none */
};

/* Where objects wait is told by who brings them for which repository, and by nothing that they could choose otherwise. */
static char *
held_folder(const char *top, const char *identity, const char *upstream, const char *repo)
{
	char *name = xasprintf("%s\n%s\n%s", identity, upstream, repo), hex[DIGEST_HEX], *path;
	uint8_t digest[DIGEST_LEN];

	digest_sha256(name, strlen(name), digest);
	digest_to_hex(digest, hex);
	hex[HELD_KEY_HEX] = '\0';
	path = xasprintf("%s/%s", top, hex);
	free(name);
	return path;
}

/* In the child: its links on 3 and 4, nothing else open, no key of ours. */
static void
keeper_settle(const struct keeper *k, struct daemon *d)
{
	const int from[2] = { k->owner, k->parent };
	int high[2] = { -1, -1 }, n = k->parent == -1 ? 1 : 2;

	for (int i = 0; i < n; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD, 100)) == -1)
			_exit(1);
	for (int i = 0; i < n; i++)
		if (dup2(high[i], 3 + i) == -1)
			_exit(1);
	if (close_range((unsigned)(3 + n), ~0U, 0) == -1)
		_exit(1);
	log_init("sallyport-lfs", LOG_LEVEL_INFO);
	sandbox_prepare();
	sshserver_free(d->server);
}

static int
open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The two folders, then nothing else of the file system. False is logged. */
static bool
keeper_enter(const struct keeper *k, struct lfs_store *store)
{
	bool download = k->mode == LFSKEEP_DOWNLOAD;
	const struct sandbox_path paths[] = {
		{ OBJECTS, k->mode == LFSKEEP_PUSH ? SANDBOX_WRITE : SANDBOX_READ },
		{ download ? OBJECTS : k->held, download ? SANDBOX_READ : SANDBOX_WRITE },
	};
	struct rlimit file = { k->conf->max_lfs_bytes, k->conf->max_lfs_bytes };
	char why[256];

	if (gitdir_enter(k->repos, k->repo, why, sizeof(why)) != 0) {
		log_warn("%s", why);
		return false;
	}
	if (!download && file_mkdirs(k->held, 0700) != 0) {
		log_error("%s: %s", k->held, err_text(ERR_SYSTEM));
		return false;
	}
	if (!download)
		lfs_held_sweep(k->top, (clock_wall_ms() - k->conf->lfs_held_ms) / 1000);
	if (k->mode == LFSKEEP_PUSH && file_mkdirs(OBJECTS, 0777) != 0) {
		log_error("%s/%s: %s: %s", k->repos, k->repo, OBJECTS, err_text(ERR_SYSTEM));
		return false;
	}
	store->objects = open_folder(OBJECTS);	/* not there: nothing is stored */
	store->held = download ? -1 : open_folder(k->held);
	return setrlimit(RLIMIT_FSIZE, &file) == 0 && sandbox_paths(paths, sizeof(paths) / sizeof(paths[0])) == 0 &&
	    sandbox_limits(KEEPER_MEMORY, KEEPER_CPU) == 0 && sandbox_enter(SANDBOX_STORE) == 0;
}

static void
keeper_child(const struct keeper *k, struct daemon *d)
{
	struct lfskeep_params p = { .mode = k->mode, .owner_fd = 3, .parent_fd = k->parent == -1 ? -1 : 4,
	    .scanner = d->scanner, .max_object = k->conf->max_lfs_bytes, .max_held = k->conf->lfs_held_bytes };
	char hex[DIGEST_HEX];

	keeper_settle(k, d);
	digest_to_hex(secretscan_hash(d->scanner), hex);
	memcpy(p.store.rules, hex, LFS_RULES_HEX);
	if (!keeper_enter(k, &p.store))
		_exit(1);
	_exit(lfskeep_run(&p));
}

static void
job_fork(struct lfsjob *j, struct keeper *k, const struct peer *p, const char *upstream, const char *repo)
{
	k->top = file_join(k->conf->state_dir, "lfs");
	k->held = held_folder(k->top, p->who.identity, upstream, repo);
	k->repo = repo;
	if ((j->pid = spawn_fork()) == 0)
		keeper_child(k, j->daemon);
	if (j->pid == -1)
		j->pid = 0;
	free(k->top);
	free(k->held);
}

static struct lfsjob *
job_new(struct daemon *d)
{
	struct lfsjob *j = xcalloc(1, sizeof(*j));

	j->daemon = d;
	j->next = d->keepers;
	d->keepers = j;
	d->njobs++;
	return j;
}

void
lfsjob_free(struct lfsjob *j)
{
	if (j == NULL)
		return;
	for (struct lfsjob **jp = &j->daemon->keepers; *jp != NULL; jp = &(*jp)->next)
		if (*jp == j) {
			*jp = j->next;
			break;
		}
	j->daemon->njobs--;
	if (j->peer != NULL)
		j->peer->njobs--;
	if (j->pid > 0)
		(void)kill(j->pid, SIGKILL);
	link_free(j->link);
	free(j);
}

/* NULL or why there can be none. */
static const char *
refuse_upstream(const struct conf_upstream *u)
{
	return u == NULL ? "no such upstream" : u->kind != UPSTREAM_HOSTED ? "LFS objects are kept for repositories that the "
	    "bastion hosts itself, not for this upstream" : NULL;
}

static bool
send_link(struct peer *p, uint32_t id, int fd)
{
	static const uint8_t which[2] = { MONITOR_FD_LEG, MONITOR_FD_DONE };
	bool ok = true;

	for (int i = 0; i < 2; i++) {
		struct buf *b = buf_new(16);

		if (b == NULL || buf_put_u8(b, which[i]) != 0)
			fatal("out of memory");
		ok = link_send(p->monitor, MON_GIT_FD, id, b, i == 0 ? fd : -1) == 0 && ok;
		buf_free(b);
	}
	return ok;
}

bool
lfsjob_open(struct peer *p, uint32_t id, const char *upstream, const char *repo, bool upload, const char **errorp)
{
	const struct conf_upstream *u = conf_upstream(p->conf->conf, upstream);
	struct keeper k = { .mode = upload ? LFSKEEP_UPLOAD : LFSKEEP_DOWNLOAD, .conf = p->conf->conf, .parent = -1 };
	struct lfsjob *j;
	int sv[2];

	for (j = p->daemon->keepers; j != NULL; j = j->next)
		if (j->peer == p && j->id == id)
			break;
	*errorp = j != NULL ? "asked for twice" : refuse_upstream(u);
	if (*errorp == NULL)
		*errorp = gitjob_may_open(p, upstream, repo, upload);
	if (*errorp == NULL && msgio_pair(sv) != 0)
		*errorp = "no descriptors; try again";
	if (*errorp != NULL)
		return false;
	j = job_new(p->daemon);
	j->peer = p;
	p->njobs++;
	j->id = id;
	k.repos = u->path;
	k.owner = sv[1];
	job_fork(j, &k, p, upstream, repo);
	close(sv[1]);
	if (j->pid > 0 && send_link(p, id, sv[0]))
		return true;
	if (j->pid == 0)
		close(sv[0]);
	*errorp = "its process could not be started; try again";
	lfsjob_free(j);
	return false;
}

void
lfsjob_end(struct peer *p, uint32_t id)
{
	for (struct lfsjob *j = p->daemon->keepers; j != NULL; j = j->next)
		if (j->peer == p && j->id == id) {
			lfsjob_free(j);
			return;
		}
}

void
lfsjob_end_all(struct peer *p)
{
	for (struct lfsjob *j = p->daemon->keepers, *next; j != NULL; j = next) {
		next = j->next;
		if (j->peer == p)
			lfsjob_free(j);
	}
}

/* Pushes */

static void
job_answer(struct lfsjob *j, bool ok, uint32_t objects)
{
	lfsjob_fn fn = j->fn;

	j->fn = NULL;
	if (fn != NULL)
		fn(ok, objects, j->arg);		/* which may free the job */
}

/* LFSKEEP_PROMOTED: u8 ok, u32 objects. */
static int
on_promoted(struct link *l, struct msg *m, void *arg)
{
	struct lfsjob *j = arg;
	uint32_t n;
	uint8_t ok;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_get_u32(m->body, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	job_answer(j, ok == 1, n);
	return 0;
}

static void
on_gone(struct link *l, int r, void *arg)
{
	struct lfsjob *j = arg;

	(void)r;
	j->link = NULL;
	link_free(l);
	job_answer(j, false, 0);
}

static const struct link_row keeper_rows[] = {
	{ LFSKEEP_PROMOTED, "promoted", LINK_PERMIT | LINK_ONCE, on_promoted },
	{ 0, NULL, 0, NULL }
};

struct lfsjob *
lfsjob_for_push(struct peer *p, const char *upstream, const char *repo, int *fdp, const char **errorp)
{
	const struct conf_upstream *u = conf_upstream(p->conf->conf, upstream);
	struct keeper k = { .mode = LFSKEEP_PUSH, .conf = p->conf->conf };
	struct link_params lp = { .base = p->daemon->base, .name = "LFS keeper", .rows = keeper_rows, .gone = on_gone };
	int owner[2], parent[2];
	struct lfsjob *j;

	if ((*errorp = refuse_upstream(u)) != NULL)
		return NULL;
	*errorp = "their process could not be started; push again";
	if (msgio_pair(owner) != 0)
		return NULL;
	if (msgio_pair(parent) != 0) {
		close(owner[0]);
		close(owner[1]);
		return NULL;
	}
	j = job_new(p->daemon);
	k.repos = u->path;
	k.owner = owner[1];
	k.parent = parent[1];
	job_fork(j, &k, p, upstream, repo);
	close(owner[1]);
	close(parent[1]);
	lp.fd = parent[0];
	lp.arg = j;
	j->link = link_new(&lp);
	if (j->pid > 0 && j->link != NULL) {
		*fdp = owner[0];
		return j;
	}
	close(owner[0]);
	lfsjob_free(j);
	return NULL;
}

void
lfsjob_promote(struct lfsjob *j, lfsjob_fn fn, void *arg)
{
	j->fn = fn;
	j->arg = arg;
	if (j->link == NULL || link_send(j->link, LFSKEEP_PROMOTE, 0, NULL, -1) != 0)
		job_answer(j, false, 0);
}

bool
lfsjob_ended(struct daemon *d, pid_t pid)
{
	for (struct lfsjob *j = d->keepers; j != NULL; j = j->next)
		if (j->pid == pid) {
			j->pid = 0;
			return true;
		}
	return false;
}
