/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/inspect_int.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "gitfilter/changes.h"
#include "gitfilter/contents.h"
#include "gitfilter/excerpt.h"
#include "gitfilter/lfsnames.h"
#include "gitfilter/lfsscan.h"
#include "gitfilter/limits.h"
#include "gitfilter/pack.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/walk.h"
#include "secretscan/secretscan.h"

/* The first reason stays. */
int
inspect_fail(struct inspect *x, int r, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	if (x->why[0] != '\0')
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(x->why, sizeof(x->why), text, strlen(text));
	return r;
}

/* Whether a link is still there, without reading it: its messages wait until the present one is done. */
static bool
is_hung_up(const struct link *l)
{
	struct pollfd pfd = { .fd = link_fd(l), .events = 0 };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR)) != 0;
}

/* From time to time in long work: tell how far it is, and see whether anybody still wants to know. */
static int
inspect_tick(struct inspect *x, uint64_t sofar, uint64_t total)
{
	int64_t now = clock_mono_ms();
	struct buf *b;

	if (now - x->told_ms < TICK_MS)
		return 0;
	x->told_ms = now;
	if (is_hung_up(x->session) || is_hung_up(x->parent))
		return inspect_fail(x, ERR_EOF, "the session has gone");
	if (link_queued(x->session) > 0)
		return 0;	/* nobody reads: not worth queueing */
	if ((b = buf_new(64)) == NULL)
		return ERR_NOMEM;
	(void)buf_put_u8(b, x->phase >= PHASE_WALK);
	(void)buf_put_u64(b, sofar);
	(void)buf_put_u64(b, total);
	(void)link_send(x->session, INSPECT_PROGRESS, 0, b, -1);
	buf_free(b);
	return 0;
}

/* An approval is for exactly what was met: the order in which a pack brings it must not matter. */
int
inspect_met(struct inspect *x, const struct fact *f, const struct fact_verdict *v)
{
	const char *words[] = { v->rule, f->rule, f->fingerprint, f->path };
	const uint8_t head[] = { (uint8_t)f->kind, (uint8_t)f->op, (uint8_t)v->word };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint64_t sum[4];
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(ctx, head, sizeof(head)) == 1;

	for (size_t i = 0; ok && i < sizeof(words) / sizeof(words[0]); i++) {
		const char *word = words[i] == NULL ? "" : words[i];

		ok = EVP_DigestUpdate(ctx, word, strlen(word) + 1) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(ctx, (unsigned char *)sum, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; ok && i < sizeof(sum) / sizeof(sum[0]); i++)
		x->met[i] += sum[i];
	return ok ? 0 : ERR_CRYPTO;
}

/* What policy says to a fact; nothing is judged where nobody judges. */
struct fact_verdict
inspect_judge(const struct inspect *x, const struct fact *f)
{
	struct fact_verdict v = { .word = FACT_ALLOWED, .rule = "" };

	if (x->params->judge != NULL)
		x->params->judge(f, &v, x->params->judge_arg);
	return v;
}

/* A root is one where the repository has something to build on: the parent need not be told by the session where it updates. */
static bool
is_first_push(const struct inspect *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (!oid_is_zero(x->commands[i].old_oid))
			return false;
	return (x->tell & INSPECT_OLD_REPOSITORY) == 0;
}

static int
inspect_judge_commit(struct inspect *x, const uint8_t oid[20], const uint8_t *p, size_t n, bool veiled)
{
	const struct fact f = { .kind = FACT_COMMIT, .text = p, .ntext = n, .first = is_first_push(x), .veiled = veiled };
	struct fact_verdict v;

	if ((x->params->judges & INSPECT_TELL_COMMITS) == 0)
		return 0;
	v = inspect_judge(x, &f);
	return judged_add_commit(x->judged, oid, &v);
}

static int
inspect_object(uint32_t index, enum object_type type, const uint8_t oid[20], const uint8_t *p, size_t n, void *arg)
{
	static const char *const kinds[] = { "", "commit", "tree", "blob", "tag" };
	struct inspect *x = arg;
	char hex[OID_HEX + 1];
	uint32_t findings;
	int r;

	if ((r = walk_object(x->walk, index, type, oid, p, n)) != 0)
		return inspect_fail(x, r, "%s", walk_why(x->walk));
	findings = x->findings;
	if (type == OBJECT_BLOB && (r = lfsnames_blob(x->lfs, index, p, n)) != 0)
		return inspect_fail(x, r, "it has more than %d LFS pointers", LFS_NAMED_MAX);
	if (type != OBJECT_TREE) {	/* a tree's text is its names: they are scanned with their paths */
		oid_format(oid, hex);
		x->kind = kinds[type];
		x->index = index;
		x->commit = type == OBJECT_BLOB ? NULL : hex;
		x->path = NULL;
		r = inspect_scan(x, p, n);
		x->commit = NULL;
	}
	if (r == 0 && type == OBJECT_COMMIT) {
		x->commits++;
		r = inspect_judge_commit(x, oid, p, n, x->findings != findings);
	} else if (r == 0 && type == OBJECT_BLOB)
		r = contents_add(x->contents, index, p, n, (x->params->judges & INSPECT_TELL_CHANGES) != 0);
	return r != 0 ? r : inspect_tick(x, pack_read_count(x->pack), pack_count(x->pack));
}

static int
inspect_path(const char *p, size_t n, const char *commit, void *arg)
{
	struct inspect *x = arg;

	x->kind = "path";
	x->index = PACK_NONE;
	x->commit = commit;
	x->path = p;
	return inspect_scan(x, p, n);
}

static int
inspect_placed(uint32_t placed, void *arg)
{
	struct inspect *x = arg;

	return inspect_tick(x, placed, pack_count(x->pack));
}

static int
inspect_spool(struct inspect *x, const uint8_t *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t w = pwrite(x->params->spool_fd, p + done, n - done, (off_t)(x->spooled + done));

		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0)
			return inspect_fail(x, ERR_SYSTEM, "the spool cannot be written");
		done += (size_t)w;
	}
	x->spooled += n;
	if (EVP_DigestUpdate(x->digest, p, n) != 1)
		return inspect_fail(x, ERR_NOMEM, "SHA-256 failed");
	return 0;
}

/* Everything is known, or nothing more will be: say so to both. Without a result both take it for refused. */
static void
inspect_finish(struct inspect *x, int r)
{
	enum inspect_status status;
	struct buf *b;
	int told;

	if (x->phase == PHASE_OVER)
		return;
	x->phase = PHASE_OVER;
	if (x->gone || r == ERR_EOF)
		return;
	if ((told = inspect_tell_warnings(x)) == 0 && (told = inspect_send_findings(x)) == 0)
		told = inspect_send_judged(x);
	r = r != 0 ? r : told;
	if (r != 0)
		(void)inspect_fail(x, r, "%s", err_text(r));
	status = r != 0 ? INSPECT_BAD : x->findings > 0 ? INSPECT_FOUND : INSPECT_CLEAN;
	if (x->why[0] == '\0' && status == INSPECT_FOUND)
		(void)snprintf(x->why, sizeof(x->why), "%u secret%s found", x->findings, x->findings == 1 ? "" : "s");
	if ((b = buf_new(MSG_MAX)) != NULL && inspect_put_result(x, status, b) == 0) {
		(void)link_send(x->session, INSPECT_RESULT, 0, b, -1);
		(void)link_send(x->parent, INSPECT_RESULT, 0, b, -1);
		x->said = true;
	}
	buf_free(b);
}

/* The pack is whole: what is left of it, then where everything stands. */
static int
inspect_walk(struct inspect *x)
{
	const char *tips[COMMANDS_MAX];
	size_t n = 0;
	uint32_t left;
	int r;

	if ((r = pack_finish(x->pack)) != 0)
		return inspect_fail(x, r, "%s", pack_why(x->pack));
	x->phase = PHASE_WALK;
	for (size_t i = 0; i < x->n; i++)
		if (!oid_is_zero(x->commands[i].new_oid))
			tips[n++] = x->commands[i].new_oid;
	if ((r = walk_run(x->walk, x->pack, tips, n)) != 0)
		return inspect_fail(x, r, "%s", walk_why(x->walk));
	if ((left = walk_unreached(x->walk)) > 0)
		return inspect_fail(x, ERR_DENIED, "%u object%s reachable from no pushed reference", left,
		    left == 1 ? " is" : "s are");
	return 0;
}

static int
inspect_want(struct inspect *x)
{
	struct buf *b = buf_new(64);
	char hex[OID_HEX + 1];
	int r = b == NULL ? ERR_NOMEM : 0;

	oid_format(changes_wanted(x->changes), hex);
	if (r == 0 && x->object == NULL && (x->object = buf_new(OUTSIDE_BYTES)) == NULL)
		r = ERR_NOMEM;
	if (r == 0 && (r = buf_put_cstring(b, hex)) == 0 && (r = buf_put_u64(b, buf_len(x->object))) == 0)
		r = link_send(x->session, INSPECT_WANT, 0, b, -1);
	buf_free(b);
	return r;
}

/* The whole pack has been walked: what is left depends on what is to be told. */
static void
inspect_compare(struct inspect *x)
{
	if (((x->tell | x->params->judges) & INSPECT_TELL_CHANGES) == 0) {
		x->phase = PHASE_TELL;
		return;
	}
	x->phase = PHASE_COMPARE;
	if ((x->changes = changes_new(x->walk, x->pack, x->contents)) == NULL)
		inspect_finish(x, ERR_NOMEM);
}

/* Content that a pointer of the push names: judged as the file would be that it stands for. */
static int
inspect_lfs_content(int fd, uint64_t size, uint32_t index, void *arg)
{
	struct inspect *x = arg;
	int r;

	x->kind = "LFS object";
	x->index = index;
	x->commit = x->path = NULL;
	if ((r = lfs_scan(x->params->scanner, fd, size, inspect_on_finding, x)) != 0)
		return inspect_fail(x, ERR_DENIED, "an LFS object was not fully scanned: %s", secretscan_strerror(r));
	return inspect_tick(x, pack_read_count(x->pack), pack_count(x->pack));
}

static int
inspect_lfs_fault(struct inspect *x, int r)
{
	struct lfsnames_fault f = lfsnames_fault(x->lfs);
	char commit[OID_HEX + 1], path[PATH_LEN_MAX + 1], oid[LFS_OID_HEX + 1], more[64] = "";
	const char *where = path;

	walk_commit(x->walk, f.index, commit);
	walk_path(x->walk, f.index, path, sizeof(path));
	if (inspect_is_secret_name(x, path))
		where = "a file whose name is a secret";
	lfs_oid_format(f.object.oid, oid);
	if (f.count > 1)
		(void)snprintf(more, sizeof(more), " (and %zu more)", f.count - 1);
	if (r == ERR_FORMAT)
		return inspect_fail(x, r, "%s of commit %.12s is meant as an LFS pointer, but names no object%s; git add it again "
		    "with git-lfs", where, commit, more);
	return inspect_fail(x, r, "LFS object %s is not here: git lfs push REMOTE BRANCH first; it is %s of commit %.12s%s", oid,
	    where, commit, more);
}

/* Whether what the pointers name is there; r != 0 ends the inspection, ERR_AGAIN waits. */
static int
inspect_lfs(struct inspect *x)
{
	int r = lfsnames_run(x->lfs);

	if (r == ERR_FORMAT || r == ERR_NOTFOUND)
		return inspect_lfs_fault(x, r);
	return r == 0 || r == ERR_AGAIN ? r : inspect_fail(x, ERR_DENIED, "its LFS objects cannot be looked at; push again");
}

/* What is not done in a handler, because it waits: for objects of the repository, and for the session to take it all in. */
static void
inspect_advance(struct inspect *x)
{
	int r = 0;

	if (x->phase == PHASE_LFS && (r = inspect_lfs(x)) == 0)
		inspect_compare(x);
	else if (r == ERR_AGAIN)
		return;
	if (r == 0 && x->phase == PHASE_COMPARE && x->object == NULL) {
		if ((r = changes_run(x->changes)) == 0)
			x->phase = PHASE_TELL;
		else if (r == ERR_AGAIN)
			r = inspect_want(x);
		else
			(void)inspect_fail(x, r, "%s", changes_why(x->changes));
	}
	while (r == 0 && x->phase == PHASE_TELL && inspect_has_needs(x) && link_queued(x->session) < MSG_OUT_HIGH)
		r = inspect_tell_needs(x);
	while (r == 0 && x->phase == PHASE_TELL && inspect_has_commits(x) && link_queued(x->session) < MSG_OUT_HIGH)
		r = inspect_tell_commits(x);
	while (r == 0 && x->phase == PHASE_TELL && inspect_has_changes(x) && link_queued(x->session) < MSG_OUT_HIGH)
		r = inspect_tell_changes(x);
	if (r != 0 || (x->phase == PHASE_TELL && !inspect_has_needs(x) && !inspect_has_commits(x) && !inspect_has_changes(x)))
		inspect_finish(x, r);
}

/* The whole pack has been walked. What its pointers name, only the keeper can tell, whom the parent starts. */
static void
inspect_walked(struct inspect *x)
{
	if (lfsnames_count(x->lfs) == 0) {
		inspect_compare(x);
		return;
	}
	x->phase = PHASE_LFS;
	if (link_send(x->parent, INSPECT_KEEPER_WANTED, 0, NULL, -1) != 0)
		inspect_finish(x, ERR_EOF);
}

/* INSPECT_KEEPER: s why there is none, or ""; descriptor. */
static int
inspect_keeper(struct link *l, struct msg *m, void *arg)
{
	struct inspect *x = arg;
	const uint8_t *why;
	size_t n;
	int fd, r;

	(void)l;
	if ((r = buf_peek_string(m->body, &why, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (x->phase == PHASE_OVER)
		return 0;
	if (x->phase != PHASE_LFS)
		return ERR_DENIED;
	if ((fd = msg_take_fd(m)) == -1)
		inspect_finish(x, inspect_fail(x, ERR_DENIED, "it names LFS objects: %.*s", (int)n, (const char *)why));
	else if ((r = lfsnames_begin(x->lfs, fd)) != 0)
		inspect_finish(x, r);
	return 0;
}

/* INSPECT_OBJECT: s oid, u64 size, s bytes. */
static int
inspect_object_piece(struct link *l, struct msg *m, void *arg)
{
	struct inspect *x = arg;
	const uint8_t *oid, *p;
	char hex[OID_HEX + 1];
	uint64_t size;
	size_t noid, n;
	int r;

	(void)l;
	if ((r = buf_peek_string(m->body, &oid, &noid)) != 0 || (r = buf_get_u64(m->body, &size)) != 0 ||
	    (r = buf_peek_string(m->body, &p, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (x->phase == PHASE_OVER)
		return 0;
	if (x->phase != PHASE_COMPARE || x->object == NULL)
		return ERR_DENIED;
	oid_format(changes_wanted(x->changes), hex);
	if (noid != OID_HEX || memcmp(oid, hex, OID_HEX) != 0)
		return ERR_FORMAT;
	if (size == 0 || n == 0 || size > OUTSIDE_BYTES || n > size - buf_len(x->object))
		r = inspect_fail(x, ERR_NOTFOUND, "it builds on %.12s, which the repository does not have; fetch (a shallow clone: "
		    "git fetch --unshallow) and push again", hex);
	else if ((r = buf_put(x->object, p, n)) == 0 && buf_len(x->object) < size)
		r = inspect_want(x);
	else if (r == 0) {
		if ((r = changes_give(x->changes, buf_ptr(x->object), buf_len(x->object))) != 0)
			(void)inspect_fail(x, r, "%s", changes_why(x->changes));
		buf_free(x->object);
		x->object = NULL;
	}
	if (r != 0)
		inspect_finish(x, r);
	return 0;
}

static int
inspect_scan_names(struct inspect *x)
{
	int r = 0;

	x->kind = "reference";
	x->index = PACK_NONE;
	x->commit = NULL;
	for (size_t i = 0; r == 0 && i < x->n; i++) {
		x->path = x->commands[i].name;
		r = inspect_scan(x, x->path, strlen(x->path));
	}
	return r;
}

static int
inspect_start_pack(struct inspect *x)
{
	const struct pack_params pp = {
		.spool_fd = x->params->spool_fd,
		.spool_offset = x->spooled,
		.max_pack_bytes = x->params->max_pack_bytes,
		.max_object_bytes = x->params->max_object_bytes,
		.max_resolved_bytes = x->params->max_resolved_bytes,
		.max_objects = x->params->max_objects,
		.max_depth = x->params->max_depth,
		.object = inspect_object,
		.arg = x,
	};
	const struct walk_params wp = { .path = inspect_path, .tick = inspect_placed, .arg = x,
	    .fsck = x->params->fsck };

	x->walk = walk_new(&wp);
	x->pack = pack_new(&pp);
	return x->walk == NULL || x->pack == NULL ? ERR_NOMEM : 0;
}

/* A push option is recorded, and shown to whoever is asked: as every other text of the push. */
static int
inspect_option(struct link *l, struct msg *m, void *arg)
{
	struct inspect *x = arg;
	const uint8_t *p;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_peek_string(m->body, &p, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (x->phase != PHASE_BEGIN || x->options++ == OPTIONS_HEARD_MAX)
		return ERR_DENIED;
	x->kind = "option";
	x->index = PACK_NONE;
	x->commit = x->path = NULL;
	(void)inspect_scan(x, p, n);	/* a failure is the reason with which INSPECT_BEGIN ends */
	return 0;
}

static int
inspect_begin(struct link *l, struct msg *m, void *arg)
{
	struct inspect *x = arg;
	const uint8_t *order;
	size_t norder;
	uint8_t follows, tell;
	int r;

	(void)l;
	if ((r = buf_peek_string(m->body, &order, &norder)) != 0 || (r = inspect_take_commands(x, m->body)) != 0 ||
	    (r = buf_get_u8(m->body, &follows)) != 0 || (r = buf_get_u8(m->body, &tell)) != 0 ||
	    (r = inspect_check_order(x, order, norder)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	x->phase = PHASE_RECEIVE;
	x->tell = tell;
	if ((r = x->why[0] != '\0' ? ERR_DENIED : inspect_spool(x, order, norder)) == 0 && (r = inspect_scan_names(x)) == 0 && follows)
		r = inspect_start_pack(x);
	for (size_t i = 0; r == 0 && i < x->n && !follows; i++)
		if (!oid_is_zero(x->commands[i].new_oid))
			r = inspect_fail(x, ERR_FORMAT, "a push that is not all deletes needs a pack");
	if (!follows || r != 0)
		inspect_finish(x, r);
	return 0;
}

static int
inspect_tell_taken(struct inspect *x)
{
	struct buf *b = buf_new(16);
	int r;

	if (b == NULL)
		return ERR_NOMEM;
	if ((r = buf_put_u64(b, x->taken)) == 0)
		r = link_send(x->session, INSPECT_TAKEN, 0, b, -1);
	buf_free(b);
	return r;
}

static int
inspect_pack(struct link *l, struct msg *m, void *arg)
{
	struct inspect *x = arg;
	const uint8_t *p;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_peek_string(m->body, &p, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (x->phase == PHASE_OVER)
		return 0;	/* sent before the result was seen; it goes nowhere */
	if (x->phase != PHASE_RECEIVE)
		return ERR_DENIED;
	if (n > x->params->max_pack_bytes - (x->pack == NULL ? 0 : pack_bytes(x->pack)))
		r = inspect_fail(x, ERR_TOOBIG, "the pack is over the limit of %llu bytes",
		    (unsigned long long)x->params->max_pack_bytes);
	else if ((r = inspect_spool(x, p, n)) == 0 && (r = pack_feed(x->pack, p, n)) != 0)
		(void)inspect_fail(x, r, "%s", pack_why(x->pack));
	x->taken += n;
	if (r == 0 && (r = inspect_tell_taken(x)) != 0)
		return r;
	if (r == 0 && !pack_is_whole(x->pack))
		return 0;
	if (r == 0 && (r = inspect_walk(x)) == 0)
		inspect_walked(x);
	else
		inspect_finish(x, r);
	return 0;
}

static int
inspect_eof(struct link *l, struct msg *m, void *arg)
{
	struct inspect *x = arg;
	int r;

	(void)l;
	if ((r = buf_end(m->body)) != 0)
		return r;
	x->eof = true;
	if (x->phase == PHASE_RECEIVE)
		inspect_finish(x, inspect_fail(x, ERR_FORMAT, "the pack ends early"));
	return 0;
}

static void
inspect_gone(struct link *l, int r, void *arg)
{
	struct inspect *x = arg;

	(void)l;
	(void)r;
	x->gone = true;
}

static const struct link_row session_rows[] = {
	{ INSPECT_OPTION, "option", LINK_PERMIT, inspect_option },
	{ INSPECT_BEGIN, "begin", LINK_PERMIT | LINK_ONCE, inspect_begin },
	{ INSPECT_PACK, "pack", LINK_PERMIT, inspect_pack },
	{ INSPECT_EOF, "eof", LINK_PERMIT | LINK_ONCE, inspect_eof },
	{ INSPECT_OBJECT, "object", LINK_PERMIT, inspect_object_piece },
	{ 0, NULL, 0, NULL }
};

static const struct link_row parent_rows[] = {
	{ INSPECT_KEEPER, "keeper", LINK_PERMIT | LINK_ONCE, inspect_keeper },
	{ 0, NULL, 0, NULL }
};

/* One turn of the loop; ms = -1 waits for ever. */
static void
inspect_turn(struct inspect *x, int ms)
{
	struct link *links[3] = { x->session, x->parent, lfsnames_link(x->lfs) };
	nfds_t n = links[2] == NULL ? 2 : 3;
	struct pollfd pfd[3];

	for (nfds_t i = 0; i < n; i++)
		pfd[i] = (struct pollfd){
			.fd = link_fd(links[i]),
			.events = (short)(POLLIN | (link_queued(links[i]) > 0 ? POLLOUT : 0)),
		};
	if (poll(pfd, n, ms) == -1) {
		x->gone = x->gone || errno != EINTR;
		return;
	}
	for (nfds_t i = 0; i < n && !x->gone; i++)
		if (pfd[i].revents != 0)
			(void)link_pump(links[i]);
}

/* Whether the session may still be sending a pack. */
static bool
inspect_may_hear_more(const struct inspect *x)
{
	return x->pack != NULL && !pack_is_whole(x->pack) && !x->eof;
}

static void
inspect_loop(struct inspect *x)
{
	int64_t until;

	while (!x->gone && x->phase != PHASE_OVER) {
		inspect_turn(x, -1);
		inspect_advance(x);
	}
	until = clock_mono_ms() + FINISH_MS;
	/* What was sent before the result was seen is read to its end: it would take the result with it. */
	while (!x->gone && (link_queued(x->session) > 0 || link_queued(x->parent) > 0 || inspect_may_hear_more(x)) &&
	    clock_mono_ms() < until)
		inspect_turn(x, TICK_MS);
}

static void
inspect_release(struct inspect *x)
{
	link_free(x->session);
	link_free(x->parent);
	changes_free(x->changes);
	buf_free(x->object);
	pack_free(x->pack);
	walk_free(x->walk);
	lfsnames_free(x->lfs);
	judged_free(x->judged);
	contents_free(x->contents);
	EVP_MD_CTX_free(x->digest);
	for (size_t i = 0; i < x->nkept; i++) {
		free(x->kept[i].path);
		free(x->kept[i].member);
		free(x->kept[i].decoded);
		free(x->kept[i].excerpt);
	}
	free(x->kept);
	secretscan_pairs_free(x->pairs);
	free(x->commands);
}

int
inspect_run(const struct inspect_params *params)
{
	struct inspect x = { .params = params };
	const struct link_params session = {
		.fd = params->session_fd, .name = "session", .rows = session_rows, .gone = inspect_gone, .arg = &x,
	};
	const struct link_params parent = {
		.fd = params->parent_fd, .name = "parent", .rows = parent_rows, .gone = inspect_gone, .arg = &x,
	};
	const struct lfsnames_params names = { .scan = inspect_lfs_content, .arg = &x };
	int status = 1;

	x.session = link_new(&session);
	x.parent = link_new(&parent);
	x.digest = EVP_MD_CTX_new();
	x.judged = judged_new();
	x.lfs = lfsnames_new(&names);
	x.contents = contents_new();
	if (x.session == NULL || x.parent == NULL || x.digest == NULL || x.judged == NULL || x.lfs == NULL || x.contents == NULL ||
	    EVP_DigestInit_ex(x.digest, EVP_sha256(), NULL) != 1)
		goto out;
	inspect_loop(&x);
	if (x.said && link_queued(x.session) == 0 && link_queued(x.parent) == 0)
		status = 0;
out:
	inspect_release(&x);
	return status;
}
