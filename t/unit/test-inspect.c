/* SPDX-License-Identifier: Apache-2.0 */
/* The inspector in a process of its own, on packs that the real git makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "bastion/base/err.h"
#include "bastion/base/msgio.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/fsck.h"
#include "gitfilter/excerpt.h"
#include "gitfilter/inspect.h"
#include "gitfilter/pktline.h"
#include "secretscan/secretscan.h"
#include "t/unit/gitbox.h"
#include "t/unit/packmake.h"

#define ZERO	"0000000000000000000000000000000000000000"
#define PIECE	30000

struct outcome {
	uint8_t		status, op;
	char		*reason;
	uint64_t	objects, packed, spooled;
	uint32_t	findings, outside, commits, files;
	uint64_t	bytes;
	/* of the first finding */
	char		*kind, *commit, *path;
	uint32_t	line;
	unsigned	sent;
	bool		digest_ok;
	/* what the parent heard of policy */
	uint32_t	nrules;
	uint8_t		word;
	char		*rule;		/* the first */
	size_t		needs;		/* bytes of their digest; 0 = the push brings all that it refers to */
	size_t		needed;		/* names that were told */
};

/* The judge of the next inspection, if any, and what it wants to judge. */
static judge_fn	judge;
static unsigned	judges;

struct rig {
	struct msgio	*session, *parent;
	int		 spool;
	pid_t		 pid;
};

static void
rig_start(struct rig *g)
{
	int s[2], p[2];

	assert_int_equal(msgio_pair(s), 0);
	assert_int_equal(msgio_pair(p), 0);
	g->spool = memfd_create("spool", MFD_CLOEXEC);
	assert_int_not_equal(g->spool, -1);
	fflush(NULL);
	if ((g->pid = fork()) == 0) {
		const uint8_t key[32] = { 0 };
		struct fsck fsck;
		struct secretscan *scanner = secretscan_new(NULL, key, NULL);
		struct inspect_params params = {
			.session_fd = s[1], .parent_fd = p[1], .spool_fd = g->spool, .scanner = scanner, .fsck = &fsck,
			.max_pack_bytes = 32 << 20, .max_object_bytes = 16 << 20, .max_resolved_bytes = 64 << 20,
			.max_objects = 100000, .max_depth = 250, .judge = judge, .judges = judges,
		};
		int status;

		fsck_init(&fsck);
		close(s[0]);
		close(p[0]);
		sandbox_prepare();
		if (sandbox_enter(SANDBOX_INSPECTOR) != 0)
			_exit(99);
		status = inspect_run(&params);
		secretscan_free(scanner);
		_exit(status);
	}
	close(s[1]);
	close(p[1]);
	g->session = msgio_new(s[0]);
	g->parent = msgio_new(p[0]);
}

static void
rig_send_begin(struct rig *g, const char *old, const char *new, const char *name, bool pack)
{
	struct buf *b = buf_new(MSG_MAX), *order = buf_new(MSG_MAX);

	assert_int_equal(pktline_putf(order, "%s %s %s%c report-status agent=x", old, new, name, '\0'), 0);
	assert_int_equal(pktline_flush(order), 0);
	assert_int_equal(buf_put_string(b, buf_ptr(order), buf_len(order)), 0);
	assert_int_equal(buf_put_u32(b, 1), 0);
	assert_int_equal(buf_put_cstring(b, old), 0);
	assert_int_equal(buf_put_cstring(b, new), 0);
	assert_int_equal(buf_put_cstring(b, name), 0);
	assert_int_equal(buf_put_u8(b, pack), 0);
	assert_int_equal(buf_put_u8(b, 0), 0);	/* the changed paths are not asked for */
	assert_int_equal(msgio_send(g->session, INSPECT_BEGIN, 1, b, -1), 0);
	buf_free(b);
	buf_free(order);
}

static void
rig_send_pack(struct rig *g, const uint8_t *p, size_t n)
{
	struct buf *b = buf_new(MSG_MAX);

	for (size_t i = 0; i < n; i += PIECE) {
		buf_clear(b);
		assert_int_equal(buf_put_string(b, p + i, n - i < PIECE ? n - i : PIECE), 0);
		assert_int_equal(msgio_send(g->session, INSPECT_PACK, 0, b, -1), 0);
	}
	buf_free(b);
}

static void
take_finding(struct msg *m, struct outcome *o)
{
	char *rule, *description, *masked, *fingerprint, *kind, *commit, *path, *member, *decoded, *other, *where, *known, *excerpt;
	uint32_t line;
	uint8_t notice;

	assert_true(buf_get_cstring(m->body, &rule) == 0 && buf_get_cstring(m->body, &description) == 0 &&
	    buf_get_cstring(m->body, &kind) == 0 && buf_get_cstring(m->body, &commit) == 0 &&
	    buf_get_cstring(m->body, &path) == 0 && buf_get_u32(m->body, &line) == 0 &&
	    buf_get_cstring(m->body, &masked) == 0 && buf_get_cstring(m->body, &fingerprint) == 0 &&
	    buf_get_cstring(m->body, &member) == 0 && buf_get_cstring(m->body, &decoded) == 0 &&
	    buf_get_cstring(m->body, &other) == 0 && buf_get_cstring(m->body, &where) == 0 &&
	    buf_get_cstring(m->body, &known) == 0 && buf_get_cstring(m->body, &excerpt) == 0 && buf_get_u8(m->body, &notice) == 0 && buf_end(m->body) == 0);
	assert_string_equal(member, "");
	assert_string_equal(decoded, "");
	assert_int_equal(notice, 0);
	assert_string_equal(other, "");
	assert_string_equal(known, "");
	free(known);
	free(excerpt);
	assert_string_equal(where, "");
	free(other);
	free(where);
	free(member);
	free(decoded);
	if (o->sent++ == 0) {
		o->kind = xstrdup(kind);
		o->commit = xstrdup(commit);
		o->path = xstrdup(path);
		o->line = line;
	}
	assert_string_equal(rule, "example");
	assert_string_equal(masked, "EX****ET");
	free(rule);
	free(description);
	free(masked);
	free(fingerprint);
	free(kind);
	free(commit);
	free(path);
}

static void
take_needs(struct msg *m, struct outcome *o)
{
	const uint8_t *p;
	uint8_t last;
	size_t n;

	assert_true(buf_get_u8(m->body, &last) == 0 && buf_peek_string(m->body, &p, &n) == 0 && buf_end(m->body) == 0);
	assert_int_equal(last, 1);
	o->needed += n / 20;
}

static bool
is_digest_of_spool(struct rig *g, const uint8_t *want, size_t n, uint64_t spooled)
{
	uint8_t *all = xmalloc(spooled + 1), sum[EVP_MAX_MD_SIZE];
	bool ok = n == 32 && pread(g->spool, all, spooled + 1, 0) == (ssize_t)spooled &&
	    EVP_Digest(all, spooled, sum, NULL, EVP_sha256(), NULL) == 1 && memcmp(sum, want, 32) == 0;

	free(all);
	return ok;
}

static void
take_result(struct rig *g, struct msg *m, struct outcome *o)
{
	const uint8_t *digest, *needs, *met;
	size_t ndigest, nmet;
	uint32_t n;
	char *s;

	assert_true(buf_get_u8(m->body, &o->status) == 0 && buf_get_cstring(m->body, &o->reason) == 0 &&
	    buf_get_u64(m->body, &o->objects) == 0 && buf_get_u64(m->body, &o->packed) == 0 &&
	    buf_get_u32(m->body, &o->findings) == 0 && buf_get_u32(m->body, &o->commits) == 0 &&
	    buf_get_u32(m->body, &o->files) == 0 && buf_get_u64(m->body, &o->bytes) == 0 &&
	    buf_peek_string(m->body, &digest, &ndigest) == 0 && buf_get_u64(m->body, &o->spooled) == 0 &&
	    buf_peek_string(m->body, &needs, &o->needs) == 0 && buf_peek_string(m->body, &met, &nmet) == 0 &&
	    buf_get_u32(m->body, &n) == 0);
	assert_int_equal(nmet, 32);
	assert_int_equal(n, 1);
	o->digest_ok = is_digest_of_spool(g, digest, ndigest, o->spooled);
	assert_int_equal(buf_get_cstring(m->body, &s), 0);
	free(s);
	assert_int_equal(buf_get_u8(m->body, &o->op), 0);
	assert_int_equal(buf_get_cstring(m->body, &s), 0);
	free(s);
	assert_int_equal(buf_get_cstring(m->body, &s), 0);
	free(s);
	assert_int_equal(buf_get_u32(m->body, &o->outside), 0);
	for (uint32_t i = 0; i < o->outside; i++) {
		assert_int_equal(buf_get_cstring(m->body, &s), 0);
		free(s);
	}
	assert_int_equal(buf_end(m->body), 0);
}

static void
take_verdicts(struct msg *m, struct outcome *o)
{
	assert_int_equal(m->type, INSPECT_VERDICTS);
	assert_int_equal(buf_get_u32(m->body, &o->nrules), 0);
	for (uint32_t i = 0; i < o->nrules; i++) {
		uint8_t word;
		char *rule;

		assert_int_equal(buf_get_u8(m->body, &word), 0);
		assert_int_equal(buf_get_cstring(m->body, &rule), 0);
		if (i == 0) {
			o->word = word;
			o->rule = rule;
		} else
			free(rule);
	}
	assert_int_equal(buf_end(m->body), 0);
}

static void
rig_finish(struct rig *g, struct outcome *o)
{
	struct msg m;
	int status, r;

	memset(o, 0, sizeof(*o));
	while ((r = msgio_wait(g->session, &m, 20000)) == 0 && m.type != INSPECT_RESULT)
		if (m.type == INSPECT_FINDING)
			take_finding(&m, o);
		else if (m.type == INSPECT_NEEDS)
			take_needs(&m, o);
	assert_int_equal(r, 0);
	take_result(g, &m, o);
	assert_int_equal(msgio_wait(g->parent, &m, 20000), 0);
	take_verdicts(&m, o);
	assert_int_equal(msgio_wait(g->parent, &m, 20000), 0);
	assert_int_equal(m.type, INSPECT_RESULT);
	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	assert_int_equal(status, 0);
	msgio_free(g->session);
	msgio_free(g->parent);
	close(g->spool);
}

static void
outcome_release(struct outcome *o)
{
	free(o->reason);
	free(o->kind);
	free(o->rule);
	free(o->commit);
	free(o->path);
}

/* What the inspector says of an update old..new of repository "work", with these words of rev-list on stdin. */
static void
inspect_push(const char *old, const char *new, const char *name, const char *revs, struct outcome *o)
{
	struct buf *pack = buf_new(32 << 20);
	struct rig g;

	gitbox_git_bytes(pack, revs, "-C", "work", "pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset", NULL);
	rig_start(&g);
	rig_send_begin(&g, old, new, name, true);
	rig_send_pack(&g, buf_ptr(pack), buf_len(pack));
	rig_finish(&g, o);
	assert_true(o->digest_ok);
	buf_free(pack);
}

static int
setup(void **state)
{
	(void)state;
	gitbox_begin();
	free(gitbox_git(NULL, "init", "-q", "-b", "main", "work", NULL));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	gitbox_end();
	return 0;
}

static void
test_clean_history(void **state)
{
	struct outcome o;
	char text[64], *tip = NULL, *base = NULL, *revs;

	(void)state;
	for (int i = 0; i < 12; i++) {
		(void)snprintf(text, sizeof(text), "line %d\nof a file\n", i);
		free(tip);
		tip = gitbox_commit("work", i % 2 ? "src/lib/a.c" : "b.txt", text, "change");
		if (i == 5)
			base = xstrdup(tip);
	}
	inspect_push(ZERO, tip, "refs/heads/main", tip, &o);
	assert_int_equal(o.status, INSPECT_CLEAN);
	assert_int_equal(o.op, INSPECT_CREATE);
	assert_int_equal(o.outside, 0);
	assert_int_equal(o.needs, 0);
	outcome_release(&o);
	revs = xasprintf("%s\n^%s\n", tip, base);
	inspect_push(base, tip, "refs/heads/main", revs, &o);
	assert_int_equal(o.status, INSPECT_CLEAN);
	assert_int_equal(o.op, INSPECT_FORWARD);
	assert_int_equal(o.outside, 1);
	assert_int_equal(o.needs, 32);
	assert_int_equal(o.needed, 2);	/* the parent, and its folder src, which the first commit leaves as it is */
	outcome_release(&o);
	inspect_push("1111111111111111111111111111111111111111", tip, "refs/heads/main", revs, &o);
	assert_int_equal(o.op, INSPECT_UNSURE);
	outcome_release(&o);
	free(revs);
	free(tip);
	free(base);
}

static void
test_secret_is_named_by_commit_path_and_line(void **state)
{
	struct outcome o;
	char *first, *bad, *tip;

	(void)state;
	first = gitbox_commit("work", "a", "fine\n", "one");
	bad = gitbox_commit("work", "conf/deep/app.ini", "user = x\nkey = EXAMPLE-SECRET\n", "two");
	free(gitbox_git(NULL, "-C", "work", "rm", "-q", "conf/deep/app.ini", NULL));
	tip = gitbox_commit("work", "a", "fine again\n", "removed");	/* in history all the same */
	inspect_push(ZERO, tip, "refs/heads/main", tip, &o);
	assert_int_equal(o.status, INSPECT_FOUND);
	assert_int_equal(o.findings, 1);
	assert_string_equal(o.kind, "blob");
	assert_string_equal(o.commit, bad);
	assert_string_equal(o.path, "conf/deep/app.ini");
	assert_int_equal(o.line, 2);
	outcome_release(&o);
	free(first);
	free(bad);
	free(tip);
}

static void
test_secret_elsewhere(void **state)
{
	struct outcome o;
	char *tip, *tag;

	(void)state;
	tip = gitbox_commit("work", "a", "fine\n", "message with EXAMPLE-SECRET");
	inspect_push(ZERO, tip, "refs/heads/main", tip, &o);
	assert_string_equal(o.kind, "commit");
	assert_string_equal(o.commit, tip);
	outcome_release(&o);
	free(tip);
	free(gitbox_git(NULL, "-C", "work", "commit", "-q", "--amend", "-m", "ok", NULL));
	tip = gitbox_git(NULL, "-C", "work", "rev-parse", "HEAD", NULL);
	inspect_push(ZERO, tip, "refs/heads/EXAMPLE-SECRET", tip, &o);
	assert_string_equal(o.kind, "reference");
	outcome_release(&o);
	free(gitbox_git(NULL, "-C", "work", "tag", "-a", "-m", "EXAMPLE-SECRET", "v1", NULL));
	tag = gitbox_git(NULL, "-C", "work", "rev-parse", "v1", NULL);
	inspect_push(ZERO, tag, "refs/tags/v1", tag, &o);
	assert_string_equal(o.kind, "tag");
	outcome_release(&o);
	free(tag);
	free(tip);
	tip = gitbox_commit("work", "keys/EXAMPLE-SECRET/x", "x\n", "path");
	inspect_push(ZERO, tip, "refs/heads/main", tip, &o);
	assert_int_equal(o.status, INSPECT_FOUND);
	assert_string_equal(o.kind, "path");
	assert_string_equal(o.path, "");	/* never the secret itself */
	outcome_release(&o);
	free(tip);
}

static void
test_secret_name_for_old_content(void **state)
{
	struct outcome o;
	char *base, *tip, *revs;

	(void)state;
	base = gitbox_commit("work", "a", "same\n", "one");
	tip = gitbox_commit("work", "EXAMPLE-SECRET", "same\n", "a copy: no new blob in the pack");
	revs = xasprintf("%s\n^%s\n", tip, base);
	inspect_push(base, tip, "refs/heads/main", revs, &o);
	assert_int_equal(o.status, INSPECT_FOUND);
	assert_string_equal(o.kind, "path");
	outcome_release(&o);
	free(revs);
	free(base);
	free(tip);
}

static void
test_not_fully_scanned_is_bad(void **state)
{
	struct outcome o;
	char *tip;

	(void)state;
	tip = gitbox_commit("work", "a", "UNSCANNABLE\n", "one");
	inspect_push(ZERO, tip, "refs/heads/main", tip, &o);
	assert_int_equal(o.status, INSPECT_BAD);
	assert_non_null(strstr(o.reason, "not fully scanned"));
	outcome_release(&o);
	free(tip);
}

static void
test_unreachable_object_is_bad(void **state)
{
	struct outcome o;
	char *tip, *other, *revs;

	(void)state;
	tip = gitbox_commit("work", "a", "one\n", "one");
	other = gitbox_commit("work", "b", "two\n", "two");
	revs = xasprintf("%s\n", other);	/* more than the tip needs */
	inspect_push(ZERO, tip, "refs/heads/main", revs, &o);
	assert_int_equal(o.status, INSPECT_BAD);
	assert_string_equal(o.reason, "3 objects are reachable from no pushed reference");
	outcome_release(&o);
	free(revs);
	free(tip);
	free(other);
}

static void
test_thin_pack_is_bad(void **state)
{
	struct buf *pack = buf_new(1 << 20);
	struct outcome o;
	struct rig g;
	char *base, *tip, *revs, big[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(big) - 1; i++)
		big[i] = (char)('a' + (i * i) % 23);
	big[sizeof(big) - 1] = '\0';
	base = gitbox_commit("work", "a", big, "one");
	big[100] = '!';
	tip = gitbox_commit("work", "a", big, "two");
	revs = xasprintf("%s\n^%s\n", tip, base);
	gitbox_git_bytes(pack, revs, "-C", "work", "pack-objects", "--revs", "--stdout", "-q", "--thin", NULL);
	rig_start(&g);
	rig_send_begin(&g, base, tip, "refs/heads/main", true);
	rig_send_pack(&g, buf_ptr(pack), buf_len(pack));
	rig_finish(&g, &o);
	assert_int_equal(o.status, INSPECT_BAD);
	assert_non_null(strstr(o.reason, "--no-thin"));
	outcome_release(&o);
	buf_free(pack);
	free(revs);
	free(base);
	free(tip);
}

static void
test_delete_needs_no_pack(void **state)
{
	struct outcome o;
	struct rig g;

	(void)state;
	rig_start(&g);
	rig_send_begin(&g, "1111111111111111111111111111111111111111", ZERO, "refs/heads/old", false);
	rig_finish(&g, &o);
	assert_int_equal(o.status, INSPECT_CLEAN);
	assert_int_equal(o.op, INSPECT_DELETE);
	assert_true(o.digest_ok);
	outcome_release(&o);
}

static void
test_early_end_is_bad(void **state)
{
	struct outcome o;
	struct rig g;

	(void)state;
	rig_start(&g);
	rig_send_begin(&g, ZERO, "1111111111111111111111111111111111111111", "refs/heads/x", true);
	rig_send_pack(&g, (const uint8_t *)"PACK\0\0\0\2\0\0\0\1", 12);
	assert_int_equal(msgio_send(g.session, INSPECT_EOF, 0, NULL, -1), 0);
	rig_finish(&g, &o);
	assert_int_equal(o.status, INSPECT_BAD);
	assert_string_equal(o.reason, "the pack ends early");
	outcome_release(&o);
}

/* An order that is not what was judged, and a session that goes: no result, no trace, and the process ends. */
static void
test_hostile_session_gets_no_result(void **state)
{
	struct buf *b = buf_new(MSG_MAX), *order = buf_new(MSG_MAX);
	struct rig g;
	struct msg m;
	int status;

	(void)state;
	rig_start(&g);
	assert_int_equal(pktline_putf(order, "%s %s refs/heads/evil%c report-status", ZERO,
	    "1111111111111111111111111111111111111111", '\0'), 0);
	assert_int_equal(pktline_flush(order), 0);
	assert_int_equal(buf_put_string(b, buf_ptr(order), buf_len(order)), 0);
	assert_int_equal(buf_put_u32(b, 1), 0);
	assert_int_equal(buf_put_cstring(b, ZERO), 0);
	assert_int_equal(buf_put_cstring(b, "1111111111111111111111111111111111111111"), 0);
	assert_int_equal(buf_put_cstring(b, "refs/heads/good"), 0);
	assert_int_equal(buf_put_u8(b, 1), 0);
	assert_int_equal(buf_put_u8(b, 0), 0);
	assert_int_equal(msgio_send(g.session, INSPECT_BEGIN, 1, b, -1), 0);
	assert_int_equal(msgio_wait(g.parent, &m, 20000), ERR_EOF);
	assert_int_equal(waitpid(g.pid, &status, 0), g.pid);
	assert_int_not_equal(status, 0);
	msgio_free(g.session);
	msgio_free(g.parent);
	buf_free(b);
	buf_free(order);
}

/* Ten folders that each hold the next ten times: a million paths, ten objects. */
static void
test_tree_bomb_ends_quickly(void **state)
{
	struct packmake *m = packmake_new(13);
	uint8_t oid[20], tree[10 * 30];
	char commit[512], hex[41];
	struct outcome o;
	struct rig g;
	size_t n;
	const uint8_t *p;
	int len;

	(void)state;
	(void)packmake_object(m, 3, "x", 1);
	packmake_name("blob", "x", 1, oid);
	for (int level = 0; level < 11; level++) {
		n = 0;
		for (int i = 0; i < 10; i++) {
			len = snprintf((char *)tree + n, 20, "%s %c", level == 0 ? "100644" : "40000", 'a' + i);
			memcpy(tree + n + len + 1, oid, 20);
			n += (size_t)len + 21;
		}
		(void)packmake_object(m, 2, tree, n);
		packmake_name("tree", tree, n, oid);
	}
	for (int i = 0; i < 20; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", oid[i]);
	len = snprintf(commit, sizeof(commit), "tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n", hex);
	(void)packmake_object(m, 1, commit, (size_t)len);
	packmake_name("commit", commit, (size_t)len, oid);
	for (int i = 0; i < 20; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", oid[i]);
	packmake_end(m);
	p = packmake_bytes(m, &n);
	rig_start(&g);
	rig_send_begin(&g, ZERO, hex, "refs/heads/bomb", true);
	rig_send_pack(&g, p, n);
	rig_finish(&g, &o);
	assert_int_equal(o.status, INSPECT_BAD);
	assert_non_null(strstr(o.reason, "paths lead through the 13 objects"));
	outcome_release(&o);
	packmake_free(m);
}

/* Denies one path, asks about commits that say so and about the scanner's one rule. */
static void
strict(const struct fact *f, struct fact_verdict *v, void *arg)
{
	(void)arg;
	if (f->kind == FACT_CHANGE && strcmp(f->path, "locked") == 0)
		*v = (struct fact_verdict){ .word = FACT_DENIED, .rule = "locked" };
	else if (f->kind == FACT_COMMIT && memmem(f->text, f->ntext, "ask me", 6) != NULL)
		*v = (struct fact_verdict){ .word = FACT_ASKED, .rule = "asked" };
	else if (f->kind == FACT_FINDING && strcmp(f->rule, "example") == 0)
		*v = (struct fact_verdict){ .word = FACT_DENIED, .rule = "secret" };
}

/* The session in these tests asks for nothing to be told: the parent hears what policy says all the same. */
static void
test_parent_hears_the_judge(void **state)
{
	const struct { const char *path, *text, *message, *rule; uint8_t word; unsigned judges; } rows[] = {
		{ "open", "1\n", "one", NULL, 0, INSPECT_TELL_CHANGES | INSPECT_TELL_COMMITS },
		{ "locked", "1\n", "two", "locked", FACT_DENIED, INSPECT_TELL_CHANGES },
		{ "open", "2\n", "ask me", "asked", FACT_ASKED, INSPECT_TELL_COMMITS },
		{ "open", "EXAMPLE-SECRET\n", "three", "secret", FACT_DENIED, 0 },
	};
	struct outcome o;

	(void)state;
	judge = strict;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *tip;

		free(gitbox_git(NULL, "init", "-q", "-b", "main", "work", NULL));
		free(gitbox_git(NULL, "-C", "work", "switch", "-q", "--orphan", rows[i].message[0] == 'a' ? "asked" : rows[i].message,
		    NULL));
		tip = gitbox_commit("work", rows[i].path, rows[i].text, rows[i].message);
		judges = rows[i].judges;
		inspect_push(ZERO, tip, "refs/heads/main", tip, &o);
		assert_int_equal(o.nrules, rows[i].rule != NULL);
		if (rows[i].rule != NULL)
			assert_string_equal(o.rule, rows[i].rule);
		assert_int_equal(o.word, rows[i].word);
		assert_int_equal(o.commits, 1);
		assert_int_equal(o.bytes, strlen(rows[i].text));
		assert_int_equal(o.files, (judges & INSPECT_TELL_CHANGES) != 0 ? 1 : UINT32_MAX);
		outcome_release(&o);
		free(tip);
	}
	judge = NULL;
	judges = 0;
}

static void
assert_excerpt(const char *text, const struct excerpt_hole *holes, size_t nholes, size_t which, const char *want)
{
	char *got = excerpt_make((const uint8_t *)text, strlen(text), holes, nholes, which);

	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
	free(got);
}

static void
test_excerpts_hold_no_secret(void **state)
{
	const struct excerpt_hole one[] = { { 9, 15, "S**" } }, two[] = { { 2, 8, "A**" }, { 11, 17, "B**" }, { 4, 20, "C**" } };
	const struct excerpt_hole beyond[] = { { 3, 30, "X" } };
	char line[400];
	struct excerpt_hole far[] = { { 200, 210, "F**" }, { 280, 300, "G**" } };

	(void)state;
	assert_excerpt("line\na = SECRET # why\nnext", one, 1, 0, "a = S** # why");
	assert_excerpt("SECRET", &(struct excerpt_hole){ 0, 6, "S**" }, 1, 0, "S**");
	assert_excerpt("a FIRST1 b SECOND after it", two, 2, 0, "a A** b B** after it");
	assert_excerpt("a FIRST1 b SECOND after it", two, 3, 1, "a A**C**ter it");
	assert_excerpt("short", beyond, 1, 0, NULL);
	/* A word that the window would cut is left out whole; so is what is in a hole at its end. */
	memset(line, 'x', sizeof(line));
	line[399] = '\0';
	line[150] = line[199] = line[210] = line[260] = ' ';
	assert_excerpt(line, far, 2, 0, " xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx F** "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_excerpts_hold_no_secret),
		cmocka_unit_test_setup_teardown(test_clean_history, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret_is_named_by_commit_path_and_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret_name_for_old_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_fully_scanned_is_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable_object_is_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thin_pack_is_bad, setup, teardown),
		cmocka_unit_test(test_delete_needs_no_pack),
		cmocka_unit_test(test_early_end_is_bad),
		cmocka_unit_test(test_hostile_session_gets_no_result),
		cmocka_unit_test(test_tree_bomb_ends_quickly),
		cmocka_unit_test_setup_teardown(test_parent_hears_the_judge, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
