/* SPDX-License-Identifier: Apache-2.0 */
/* What was inspected, from the spool to the upstream, and then into the mirror. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/fsck.h"
#include "gitfilter/gitchild.h"
#include "gitfilter/gitrepo.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/mirror.h"
#include "gitfilter/mirror_int.h"
#include "gitfilter/order.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/remote.h"

#define FRESH_MS	20000	/* a conversation that is older is begun anew: servers end those that are silent */
#define PACK_HEAD	12
#define NAME_BYTES	64

struct mirror_push {
	struct gitrepo			*repo;
	const struct remote_place	*place;
	struct remote			**rp;
	const struct gitstore_params	*p;
	struct order			 order;
	uint32_t			 objects;
	char				 dir[NAME_BYTES];	/* incoming-*, or "" */
	int				 dir_fd;
	char				 name[NAME_BYTES];	/* of the pack in it: 40 digits */
};

static int
push_fail(char *why, size_t size, const char *text)
{
	(void)snprintf(why, size, "%s", text);
	return ERR_DENIED;
}

/* The pack's own count of its objects; 0 when there is none. */
static int
push_read_count(struct mirror_push *m)
{
	uint8_t head[PACK_HEAD];

	if (!m->order.pack)
		return 0;
	if (pread(m->p->spool_fd, head, sizeof(head), (off_t)m->order.end) != PACK_HEAD || memcmp(head, "PACK", 4) != 0)
		return ERR_FORMAT;
	m->objects = (uint32_t)head[8] << 24 | (uint32_t)head[9] << 16 | (uint32_t)head[10] << 8 | head[11];
	return 0;
}

/* A conversation that is young enough to be alive. */
static int
push_connect(struct mirror_push *m, char *why, size_t size)
{
	if (*m->rp != NULL && clock_mono_ms() - remote_opened_ms(*m->rp) > FRESH_MS) {
		remote_close(*m->rp);
		*m->rp = NULL;
	}
	return *m->rp != NULL ? 0 : remote_open(m->place, "git-receive-pack", m->rp, why, size);
}

/* The report that an upstream would have given, had it been asked: it is known what it would say. */
static int
push_report_moved(struct mirror_push *m, struct buf *report)
{
	int r = pktline_putf(report, "unpack ok\n");

	for (size_t i = 0; i < m->order.n && r == 0; i++)
		r = pktline_putf(report, "ng %s %s\n", m->order.cmds[i].name, strcmp(remote_oid(*m->rp, m->order.cmds[i].name), m->order.cmds[i].old_oid) != 0 ?
		    "the upstream has moved meanwhile: fetch first" : "not sent: another reference has moved upstream");
	return r != 0 ? r : pktline_flush(report);
}

static bool
push_has_moved(const struct mirror_push *m)
{
	for (size_t i = 0; i < m->order.n; i++)
		if (strcmp(remote_oid(*m->rp, m->order.cmds[i].name), m->order.cmds[i].old_oid) != 0)
			return true;
	return false;
}

static int
push_check_rights(const struct mirror_push *m, char *why, size_t size)
{
	for (size_t i = 0; i < m->order.n; i++)
		if (oid_is_zero(m->order.cmds[i].new_oid)) {
			if (!m->p->allow_deletes)
				return push_fail(why, size, "policy does not let it delete");
			if (!remote_offers(*m->rp, "delete-refs"))
				return push_fail(why, size, "the upstream does not let references be deleted");
		}
	if (!remote_offers(*m->rp, "report-status"))
		return push_fail(why, size, "the upstream would not say what it has stored");
	if (m->order.atomic && !remote_offers(*m->rp, "atomic"))
		return push_fail(why, size, "the upstream cannot store several references at once or not at all (atomic)");
	return 0;
}

/* git index-pack's answer: "pack", a tab, the pack's name. */
static int
push_take_name(const uint8_t *p, size_t n, void *arg)
{
	struct mirror_push *m = arg;
	const uint8_t *tab = memchr(p, '\t', n);

	if (tab != NULL && (size_t)(p + n - tab - 1) >= OID_HEX && oid_is_hex(tab + 1, OID_HEX)) {
		memcpy(m->name, tab + 1, OID_HEX);
		m->name[OID_HEX] = '\0';
	}
	return 0;
}

static int
push_make_incoming(struct mirror_push *m)
{
	char *pack;
	int r = 0;

	(void)snprintf(m->dir, sizeof(m->dir), INCOMING "XXXXXX");
	if (mkdtemp(m->dir) == NULL) {
		m->dir[0] = '\0';
		return ERR_SYSTEM;
	}
	pack = xasprintf("%s/pack", m->dir);
	if ((m->dir_fd = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || flock(m->dir_fd, LOCK_EX) == -1 ||
	    mkdir(pack, 0700) == -1)
		r = ERR_SYSTEM;
	free(pack);
	return r;
}

/* "--strict", and the faults that are passed over: the same that git receive-pack passes over in a hosted repository. */
static char *
push_strictness(const char *faults)
{
	char *words = xstrdup(faults == NULL ? "" : faults), *rest = words, *word, *out = xstrdup("--strict"), *longer;
	bool first = true;

	while ((word = strsep(&rest, " ")) != NULL)
		for (int id = 0; id < FSCK_IDS; id++) {
			if (!fsck_is_gits((enum fsck_id)id) || strcmp(fsck_name((enum fsck_id)id), word) != 0)
				continue;
			longer = xasprintf("%s%s%s=ignore", out, first ? "=" : ",", word);
			free(out);
			out = longer;
			first = false;
		}
	free(words);
	return out;
}

/* The pack into a folder of its own, read whole by git: every object well-formed, and every object it names there or here. */
static int
push_take_in(struct mirror_push *m, char *why, size_t size)
{
	static char git[] = "git", index_pack[] = "index-pack", in[] = "--stdin";
	char *strict = push_strictness(m->p->faults), *const argv[] = { git, index_pack, in, strict, NULL };
	const struct gitpass pass = { .spool_fd = m->p->spool_fd, .offset = (off_t)m->order.end, .end = (off_t)m->p->length,
	    .take = push_take_name, .arg = m, .idle_ms = -1 };
	struct gitchild c = GITCHILD_INIT;
	struct strvec env = STRVEC_INIT;
	char words[REASON_MAX], *cwd = getcwd(NULL, 0);
	int r = ERR_SYSTEM, status;

	gitrun_env(&env, NULL, 0);
	if (cwd != NULL && push_make_incoming(m) == 0) {
		strvec_pushf(&env, "GIT_OBJECT_DIRECTORY=%s/%s", cwd, m->dir);
		strvec_pushf(&env, "GIT_ALTERNATE_OBJECT_DIRECTORIES=%s/objects", cwd);
		r = gitchild_start(&c, GIT_PROGRAM, argv, env.v);
	}
	if (r == 0) {
		r = gitchild_pass(&c, &pass);
		status = gitchild_end(&c, r != 0);
		gitchild_last_words(&c, words, sizeof(words));
		if (r == 0 && (status != 0 || m->name[0] == '\0')) {
			(void)snprintf(why, size, "git index-pack: %.120s", words[0] == '\0' ? "it failed" : words);
			r = ERR_DENIED;
		}
	}
	if (r != 0 && why[0] == '\0')
		(void)snprintf(why, size, "the objects cannot be taken in: %s", err_text(r));
	if (r == 0)
		r = gitrepo_add_objects(m->repo, m->dir);
	gitchild_release(&c);
	strvec_release(&env);
	free(strict);
	free(cwd);
	return r;
}

/* What no pack can show: that a tip is there at all, and that an update is forward. */
static int
push_check_tips(const struct mirror_push *m, char *why, size_t size)
{
	for (size_t i = 0; i < m->order.n; i++) {
		const struct push_command *c = &m->order.cmds[i];

		if (oid_is_zero(c->new_oid))
			continue;
		if (!gitrepo_has(m->repo, c->new_oid))
			return push_fail(why, size, "an object that a reference is to stand for is neither in the push nor in the mirror");
		if (!oid_is_zero(c->old_oid) && !m->p->allow_non_fast_forward && !gitrepo_is_ancestor(m->repo, c->old_oid, c->new_oid))
			return push_fail(why, size, "an update is not a forward, and policy does not let it be forced");
	}
	return 0;
}

/* Several references go together or not at all, wherever the upstream can. */
static int
push_write_order(const struct mirror_push *m, struct buf *order)
{
	bool atomic = m->order.atomic || (m->order.n > 1 && remote_offers(*m->rp, "atomic"));
	int r = 0;

	for (size_t i = 0; i < m->order.n && r == 0; i++) {
		const struct push_command *c = &m->order.cmds[i];

		if (i == 0)
			r = pktline_putf(order, "%s %s %s%c report-status%s%s%s%s agent=sallyport", c->old_oid, c->new_oid, c->name, '\0',
			    remote_offers(*m->rp, "side-band-64k") ? " side-band-64k" : "", atomic ? " atomic" : "",
			    remote_offers(*m->rp, "quiet") ? " quiet" : "",
			    remote_offers(*m->rp, "object-format") ? " object-format=sha1" : "");
		else
			r = pktline_putf(order, "%s %s %s", c->old_oid, c->new_oid, c->name);
	}
	return r != 0 ? r : pktline_flush(order);
}

/* The connection broke and nobody knows what the upstream did: it is asked. */
static int
push_find_out(struct mirror_push *m, struct buf *report, char *why, size_t size)
{
	char first[REASON_MAX], bad[REASON_MAX] = "";
	int r;

	(void)snprintf(first, sizeof(first), "%s", why);
	remote_close(*m->rp);
	*m->rp = NULL;
	buf_clear(report);
	if (remote_open(m->place, "git-receive-pack", m->rp, bad, sizeof(bad)) != 0) {
		(void)snprintf(why, size, "%.90s; whether it was stored is not known: fetch and look", first);
		return ERR_EOF;
	}
	r = pktline_putf(report, "unpack ok\n");
	for (size_t i = 0; i < m->order.n && r == 0; i++)
		if (strcmp(remote_oid(*m->rp, m->order.cmds[i].name), m->order.cmds[i].new_oid) == 0)
			r = pktline_putf(report, "ok %s\n", m->order.cmds[i].name);
		else
			r = pktline_putf(report, "ng %s %.80s; not stored so far: fetch and look\n", m->order.cmds[i].name, first);
	if (r == 0)
		r = pktline_flush(report);
	return r;
}

static bool
report_took(const struct buf *report, const char *name)
{
	return order_is_done(buf_ptr(report), buf_len(report), name);
}

static int
push_keep_file(const struct mirror_push *m, const char *suffix)
{
	char *from = xasprintf("%s/pack/pack-%s.%s", m->dir, m->name, suffix), *to = xasprintf("objects/pack/pack-%s.%s", m->name, suffix);
	int r = rename(from, to) == 0 ? 0 : ERR_SYSTEM;

	free(from);
	free(to);
	return r;
}

/* What the upstream took is here too. Should this be cut short, the next fetch does it. */
static void
push_keep(struct mirror_push *m, const struct buf *report)
{
	bool any = false;

	for (size_t i = 0; i < m->order.n; i++)
		any = any || report_took(report, m->order.cmds[i].name);
	/* The index comes last: with it the pack counts. */
	if (any && m->name[0] != '\0' && (push_keep_file(m, "pack") != 0 || push_keep_file(m, "idx") != 0))
		return;
	for (size_t i = 0; i < m->order.n; i++)
		if (report_took(report, m->order.cmds[i].name))
			(void)gitrepo_set_ref(m->repo, m->order.cmds[i].name, m->order.cmds[i].new_oid);
}

/* It moved between its advertisement and its lock: git says so in many words, and we in ours. */
static int
push_explain_race(struct mirror_push *m, struct buf *report, char *why, size_t size)
{
	for (size_t i = 0; i < m->order.n; i++)
		if (report_took(report, m->order.cmds[i].name))
			return 0;
	remote_close(*m->rp);
	*m->rp = NULL;
	if (remote_open(m->place, "git-receive-pack", m->rp, why, size) != 0 || !push_has_moved(m)) {
		why[0] = '\0';
		return 0;
	}
	buf_clear(report);
	return push_report_moved(m, report);
}

static int
push_steps(struct mirror_push *m, struct buf *order, struct remote_talk *talk, char *why, size_t size)
{
	int r;

	if ((r = order_read(m->p->spool_fd, m->p->length, &m->order)) != 0 || (r = push_read_count(m)) != 0)
		return push_fail(why, size, "the spool does not hold a push");
	if ((r = push_connect(m, why, size)) != 0)
		return r;
	if (push_has_moved(m))
		return push_report_moved(m, talk->report);
	if ((r = push_check_rights(m, why, size)) != 0 || (m->objects > 0 && (r = push_take_in(m, why, size)) != 0) ||
	    (r = push_check_tips(m, why, size)) != 0)
		return r;
	if ((r = push_write_order(m, order)) != 0)
		return push_fail(why, size, "too many references in one push");
	if ((r = remote_send(*m->rp, order, m->p->spool_fd, (off_t)m->order.end, (off_t)m->p->length, talk, why, size)) == ERR_EOF)
		r = push_find_out(m, talk->report, why, size);
	else if (r == 0)
		r = push_explain_race(m, talk->report, why, size);
	if (r == 0)
		push_keep(m, talk->report);
	return r;
}

int
mirror_push(struct gitrepo *repo, const struct remote_place *place, struct remote **rp, const struct gitstore_params *p,
    struct remote_talk *talk, char *why, size_t size)
{
	struct mirror_push m = { .repo = repo, .place = place, .rp = rp, .p = p, .dir_fd = -1 };
	struct buf *order = buf_new(CLIENT_LINE_MAX * (size_t)COMMANDS_MAX);
	int r = ERR_NOMEM;

	why[0] = '\0';
	if (order != NULL)
		r = push_steps(&m, order, talk, why, size);
	if (r != 0 && why[0] == '\0')
		(void)snprintf(why, size, "%s", err_text(r));
	if (m.dir[0] != '\0')
		mirror_remove_incoming(m.dir);
	if (m.dir_fd != -1)
		close(m.dir_fd);
	order_release(&m.order);
	buf_free(order);
	return r;
}
