/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/inspect.h"

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
#include "gitfilter/lfsnames.h"
#include "gitfilter/lfsscan.h"
#include "gitfilter/commitfacts.h"
#include "gitfilter/contents.h"
#include "gitfilter/excerpt.h"
#include "gitfilter/limits.h"
#include "gitfilter/pack.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/walk.h"
#include "secretscan/secretscan.h"

#define WHY_MAX		400	/* a sentence with a path in it; what does not fit into an `ng` is said before */

enum inspect_phase { PHASE_BEGIN, PHASE_RECEIVE, PHASE_WALK, PHASE_LFS, PHASE_COMPARE, PHASE_TELL, PHASE_OVER };

struct kept {			/* a finding, until its place is known */
	const char	*kind;
	const char	*rule, *description;	/* the scanner's */
	uint32_t	 index;			/* object; PACK_NONE: commit and path are set */
	uint32_t	 line;
	char		*path;			/* owned, or NULL */
	char		*member, *decoded;	/* owned: where in a container, in which encodings; or NULL */
	bool		 notice;
	uint64_t	 start, end;		/* in its content */
	char		*excerpt;		/* owned, or NULL */
	size_t		 half;			/* number among pairs */
	char		 commit[OID_HEX + 1];
	char		 fingerprint[SECRETSCAN_FINGERPRINT + 1];
	char		 masked[SECRETSCAN_MASKED];
};

struct inspect {
	const struct inspect_params	*params;
	struct link		*session, *parent;	/* owned */
	enum inspect_phase	 phase;
	bool			 gone, eof, said;	/* said: the result is on its way */
	struct push_command	*commands;		/* owned */
	size_t			 n;
	struct pack		*pack;			/* owned */
	struct walk		*walk;			/* owned */
	struct lfsnames		*lfs;			/* owned: what the pointers in the pack name */
	unsigned		 tell;			/* enum inspect_tell */
	size_t			 commits_told;
	struct changes		*changes;		/* owned */
	struct buf		*object;		/* owned: the part that is there of the object that is wanted, or NULL */
	size_t			 told;			/* changes */
	size_t			 needs_told;
	unsigned		 options;		/* heard */
	uint64_t		 met[4];		/* the sum of SHA-256 over each fact that is not simply allowed */
	EVP_MD_CTX		*digest;		/* owned: SHA-256 over the spool */
	uint64_t		 spooled, taken;
	struct kept		*kept;			/* owned */
	size_t			 nkept;
	struct secretscan_pairs	*pairs;			/* owned: which halves of credentials go together */
	uint32_t		 findings, notices, kept_notices;
	struct judged		*judged;		/* owned */
	struct contents		*contents;		/* owned: of the blobs */
	uint32_t		 commits;		/* read so far */
	int64_t			 told_ms;		/* when the last progress was sent */
	/* What is being scanned now. */
	const char		*kind, *commit, *path;
	uint32_t		 index;
	char			 why[WHY_MAX];
};

static int	inspect_fail(struct inspect *, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The first reason stays. */
static int
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

/* NULL stays NULL, and so does what is empty. */
static bool
copy_text(char **top, const char *text)
{
	return text == NULL || *text == '\0' || (*top = strdup(text)) != NULL;
}

static int
inspect_keep(struct inspect *x, const struct secretscan_finding *f)
{
	struct kept *k;

	if (x->kept == NULL && (x->kept = calloc(FINDINGS_KEPT_MAX + NOTICES_KEPT_MAX, sizeof(*x->kept))) == NULL)
		return SECRETSCAN_NOMEM;
	k = &x->kept[x->nkept++];	/* counted at once: what it owns is freed then */
	if (!copy_text(&k->path, x->path) || !copy_text(&k->member, f->member) || !copy_text(&k->decoded, f->decoded))
		return SECRETSCAN_NOMEM;
	k->notice = f->notice && strcmp(f->rule, "not-fully-scanned") != 0;
	k->kind = x->kind;
	k->rule = f->rule;
	k->description = f->description;
	k->index = x->index;
	k->start = f->start;
	k->end = f->end;
	k->line = f->line > UINT32_MAX ? UINT32_MAX : (uint32_t)f->line;
	(void)snprintf(k->commit, sizeof(k->commit), "%s", x->commit == NULL ? "" : x->commit);
	memcpy(k->fingerprint, f->fingerprint, sizeof(k->fingerprint));
	memcpy(k->masked, f->masked, sizeof(k->masked));
	k->fingerprint[sizeof(k->fingerprint) - 1] = k->masked[sizeof(k->masked) - 1] = '\0';
	return 0;
}

static int
inspect_on_notice(struct inspect *x, const struct secretscan_finding *f)
{
	if (x->notices < UINT32_MAX)
		x->notices++;
	if (x->kept_notices == NOTICES_KEPT_MAX)
		return 0;
	x->kept_notices++;
	return inspect_keep(x, f);
}

static int
inspect_on_finding(const struct secretscan_finding *f, void *arg)
{
	struct inspect *x = arg;

	/* What is encrypted is policy's to judge; but what could have been read and was not is as bad as a secret. */
	if (f->notice && strcmp(f->rule, "not-fully-scanned") != 0)
		return inspect_on_notice(x, f);
	if (x->findings < UINT32_MAX)
		x->findings++;
	return x->nkept - x->kept_notices == FINDINGS_KEPT_MAX ? 0 : inspect_keep(x, f);
}

/* The lines around what was just found in one content, from this one on. What is in a container has none. */
static void
inspect_excerpts(struct inspect *x, size_t before, const uint8_t *p, size_t n)
{
	size_t nholes = x->nkept - before;
	struct excerpt_hole *holes = calloc(nholes, sizeof(*holes));

	for (size_t i = 0; holes != NULL && i < nholes; i++)
		holes[i] = (struct excerpt_hole){ x->kept[before + i].start, x->kept[before + i].end, x->kept[before + i].masked };
	for (size_t i = 0; holes != NULL && i < nholes; i++) {
		struct kept *k = &x->kept[before + i];

		/* With more than can be kept, a secret in the line could be missed. */
		if (!k->notice && k->member == NULL && x->nkept - x->kept_notices < FINDINGS_KEPT_MAX)
			k->excerpt = excerpt_make(p, n, holes, nholes, i);
	}
	free(holes);
}

/* Scan one piece of content; not being able to means that the push is not clean. */
static int
inspect_scan(struct inspect *x, const void *p, size_t n)
{
	size_t before = x->nkept;
	int r;

	if (n == 0)
		return 0;
	if ((r = secretscan_scan(x->params->scanner, p, n, inspect_on_finding, x)) != 0)
		return inspect_fail(x, ERR_DENIED, "not fully scanned: %s", secretscan_strerror(r));
	if (x->index != PACK_NONE && x->nkept > before)
		inspect_excerpts(x, before, p, n);
	return 0;
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
static int
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
static struct fact_verdict
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

/* A name that is itself a secret, or lies below one, is not repeated in clear. */
static bool
is_secret_name(const struct inspect *x, const char *path)
{
	for (size_t i = 0; i < x->nkept; i++)
		if (!x->kept[i].notice && x->kept[i].path != NULL && strncmp(path, x->kept[i].path, strlen(x->kept[i].path)) == 0)
			return true;
	return false;
}

/* known: what is remembered of this finding, as the judge says, for the session; NULL where that is of no interest. */
static int
inspect_judge_finding(struct inspect *x, const struct fact *f, char known[sizeof(((struct fact_verdict *)0)->detail)])
{
	struct fact_verdict v = inspect_judge(x, f);

	if (known != NULL)
		(void)snprintf(known, sizeof(v.detail), "%s", v.word == FACT_ALLOWED && strcmp(v.rule, "remembered") == 0 ? v.detail : "");
	if (v.word != FACT_ALLOWED && inspect_met(x, f, &v) != 0)
		return ERR_CRYPTO;
	return judged_add(x->judged, &v);
}

/* What is not named one by one is judged as what it could be. */
static int
inspect_judge_unnamed(struct inspect *x)
{
	static const struct fact_verdict many = { .word = FACT_DENIED, .rule = "secret-in-push" };
	const struct fact sealed = { .kind = FACT_FINDING, .rule = "encrypted-container", .notice = true };
	const struct fact opaque = { .kind = FACT_FINDING, .rule = "opaque-data", .notice = true };
	int r = 0;

	if (x->notices > x->kept_notices && (r = inspect_judge_finding(x, &sealed, NULL)) == 0)
		r = inspect_judge_finding(x, &opaque, NULL);
	if (r == 0 && x->findings > FINDINGS_SENT_MAX)
		r = judged_add(x->judged, &many);
	return r;
}

/* Key ids and secrets of one push go together, whichever files they stand in. */
static int
inspect_pair(struct inspect *x)
{
	size_t n = 0;
	int r = 0;

	if (x->nkept > 0 && (x->pairs = secretscan_pairs_new(x->params->scanner)) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; r == 0 && i < x->nkept; i++) {
		struct kept *k = &x->kept[i];
		struct secretscan_half half = { .rule = k->rule, .start = k->start, .fingerprint = k->fingerprint,
		    .content = k->index != PACK_NONE ? k->index : SIZE_MAX - i };

		if (k->notice)
			continue;
		k->half = n++;
		r = secretscan_pairs_add(x->pairs, &half);
	}
	return r == 0 && (x->pairs == NULL || secretscan_pairs_find(x->pairs) == 0) ? 0 : ERR_NOMEM;
}

/* The other half of a finding: the first that has this fingerprint; NULL = none. */
static const struct kept *
inspect_other(const struct inspect *x, const struct kept *k)
{
	const char *fingerprint = k->notice ? NULL : secretscan_pairs_other(x->pairs, k->half);

	for (size_t i = 0; fingerprint != NULL && i < x->nkept; i++)
		if (strcmp(x->kept[i].fingerprint, fingerprint) == 0)
			return &x->kept[i];
	return NULL;
}

/* s rule, s path of the other half, or empty. */
static int
inspect_put_other(struct inspect *x, const struct kept *other, struct buf *b)
{
	char path[PATH_LEN_MAX + 1] = "";
	const char *where = path;
	int r;

	if (other != NULL && other->path != NULL)
		where = other->path;
	else if (other != NULL && other->index != PACK_NONE)
		walk_path(x->walk, other->index, path, sizeof(path));
	if ((r = buf_put_cstring(b, other == NULL ? "" : other->rule)) != 0)
		return r;
	return buf_put_cstring(b, is_secret_name(x, where) ? "" : where);
}

static int
inspect_put_finding(struct inspect *x, const struct kept *k, struct buf *b)
{
	char commit[OID_HEX + 1], path[PATH_LEN_MAX + 1] = "";
	const char *where = k->path != NULL ? k->path : path;
	char known[sizeof(((struct fact_verdict *)0)->detail)];
	struct fact f = { .kind = FACT_FINDING, .rule = k->rule, .notice = k->notice, .fingerprint = k->fingerprint };
	int r;

	(void)snprintf(commit, sizeof(commit), "%s", k->commit);
	if (k->index != PACK_NONE && k->commit[0] == '\0')
		walk_commit(x->walk, k->index, commit);
	if (k->index != PACK_NONE)
		walk_path(x->walk, k->index, path, sizeof(path));
	if (is_secret_name(x, where))
		where = "";
	f.path = where;
	if ((r = inspect_judge_finding(x, &f, known)) != 0)
		return r;
	if ((r = buf_put_cstring(b, k->rule)) != 0 || (r = buf_put_cstring(b, k->description)) != 0 ||
	    (r = buf_put_cstring(b, k->kind)) != 0 || (r = buf_put_cstring(b, commit)) != 0 ||
	    (r = buf_put_cstring(b, where)) != 0 || (r = buf_put_u32(b, k->line)) != 0 ||
	    (r = buf_put_cstring(b, k->masked)) != 0 || (r = buf_put_cstring(b, k->fingerprint)) != 0 ||
	    (r = buf_put_cstring(b, k->member)) != 0 || (r = buf_put_cstring(b, k->decoded)) != 0 ||
	    (r = inspect_put_other(x, inspect_other(x, k), b)) != 0 || (r = buf_put_cstring(b, known)) != 0 ||
	    (r = buf_put_cstring(b, k->excerpt)) != 0)
		return r;
	return buf_put_u8(b, k->notice);
}

static int
inspect_send_findings(struct inspect *x)
{
	struct buf *more = buf_new(8);
	size_t sent = 0;
	int r = inspect_judge_unnamed(x);

	if (r == 0)
		r = inspect_pair(x);
	if (more != NULL && x->notices > x->kept_notices && buf_put_u32(more, x->notices) == 0)
		(void)link_send(x->session, INSPECT_NOTICES, 0, more, -1);
	buf_free(more);
	for (size_t i = 0; r == 0 && i < x->nkept; i++) {
		struct buf *b;

		if (!x->kept[i].notice && sent++ >= FINDINGS_SENT_MAX)
			continue;
		if ((b = buf_new(MSG_MAX)) == NULL)
			r = ERR_NOMEM;
		else if ((r = inspect_put_finding(x, &x->kept[i], b)) == 0)
			r = link_send(x->session, INSPECT_FINDING, 0, b, -1);
		buf_free(b);
	}
	return r;
}

/* The parent hears which rules were met, the session by which commits. */
static int
inspect_send_judged(struct inspect *x)
{
	struct buf *rules = buf_new(MSG_MAX), *commits = buf_new(MSG_MAX);
	int r = rules == NULL || commits == NULL ? ERR_NOMEM : judged_put_rules(x->judged, rules);

	if (r == 0 && (r = judged_put_commits(x->judged, commits)) == 0 &&
	    (r = link_send(x->parent, INSPECT_VERDICTS, 0, rules, -1)) == 0)
		r = link_send(x->session, INSPECT_JUDGED, 0, commits, -1);
	buf_free(rules);
	buf_free(commits);
	return r;
}

/* Faults that are let pass, one line a kind. */
static int
inspect_tell_warnings(struct inspect *x)
{
	char first[REASON_MAX];
	int r = 0;

	for (int id = 0; r == 0 && x->walk != NULL && id < FSCK_IDS; id++) {
		uint32_t n = walk_faults(x->walk, (enum fsck_id)id, first, sizeof(first));
		struct buf *b = n == 0 ? NULL : buf_new(2 * REASON_MAX);

		if (n > 0 && (r = b == NULL ? ERR_NOMEM : buf_put_u32(b, n)) == 0 && (r = buf_put_cstring(b, first)) == 0)
			r = link_send(x->session, INSPECT_WARNING, 0, b, -1);
		buf_free(b);
	}
	return r;
}

static enum inspect_op
inspect_op_of(struct inspect *x, const struct push_command *c)
{
	if (oid_is_zero(c->old_oid))
		return INSPECT_CREATE;
	if (oid_is_zero(c->new_oid))
		return INSPECT_DELETE;
	if (strcmp(c->old_oid, c->new_oid) == 0 ||
	    (x->walk != NULL && walk_descends(x->walk, c->new_oid, c->old_oid)))
		return INSPECT_FORWARD;
	return INSPECT_UNSURE;
}

static int
inspect_put_updates(struct inspect *x, struct buf *b)
{
	char hex[OID_HEX + 1];
	size_t outside = x->walk == NULL ? 0 : walk_noutside(x->walk);
	int r;

	if ((r = buf_put_u32(b, (uint32_t)x->n)) != 0)
		return r;
	for (size_t i = 0; i < x->n; i++)
		if ((r = buf_put_cstring(b, x->commands[i].name)) != 0 ||
		    (r = buf_put_u8(b, (uint8_t)inspect_op_of(x, &x->commands[i]))) != 0 ||
		    (r = buf_put_cstring(b, x->commands[i].old_oid)) != 0 ||
		    (r = buf_put_cstring(b, x->commands[i].new_oid)) != 0)
			return r;
	if ((r = buf_put_u32(b, (uint32_t)outside)) != 0)
		return r;
	for (size_t i = 0; i < outside; i++) {
		oid_format(walk_outside(x->walk, i), hex);
		if ((r = buf_put_cstring(b, hex)) != 0)
			return r;
	}
	return 0;
}

static int
inspect_put_needs_digest(const struct inspect *x, struct buf *b)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t n = 0;
	const uint8_t *needs = x->walk == NULL ? NULL : walk_needs(x->walk, &n);

	if (n > 0 && EVP_Digest(needs, n * 20, digest, NULL, EVP_sha256(), NULL) != 1)
		return ERR_CRYPTO;
	return buf_put_string(b, digest, n > 0 ? 32 : 0);
}

static int
inspect_put_result(struct inspect *x, enum inspect_status status, struct buf *b)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	int r;

	if (EVP_DigestFinal_ex(x->digest, digest, NULL) != 1)
		return ERR_CRYPTO;
	if ((r = buf_put_u8(b, (uint8_t)status)) != 0 || (r = buf_put_cstring(b, x->why)) != 0 ||
	    (r = buf_put_u64(b, x->pack == NULL ? 0 : pack_read_count(x->pack))) != 0 ||
	    (r = buf_put_u64(b, x->pack == NULL ? 0 : pack_bytes(x->pack))) != 0 ||
	    (r = buf_put_u32(b, x->findings)) != 0 || (r = buf_put_u32(b, x->commits)) != 0 ||
	    (r = buf_put_u32(b, x->changes == NULL ? UINT32_MAX : (uint32_t)changes_npaths(x->changes))) != 0 ||
	    (r = buf_put_u64(b, contents_bytes(x->contents))) != 0 || (r = buf_put_string(b, digest, 32)) != 0 ||
	    (r = buf_put_u64(b, x->spooled)) != 0 || (r = inspect_put_needs_digest(x, b)) != 0 ||
	    (r = buf_put_string(b, x->met, sizeof(x->met))) != 0)
		return r;
	return inspect_put_updates(x, b);
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

static int
inspect_put_change(struct buf *b, const struct change *c)
{
	char hex[OID_HEX + 1];
	int r;

	oid_format(c->commit, hex);
	if ((r = buf_put_u8(b, (uint8_t)c->op)) != 0 || (r = buf_put_u8(b, c->plain)) != 0 || (r = buf_put_cstring(b, hex)) != 0 ||
	    (r = buf_put_cstring(b, c->path)) != 0 || (r = buf_put_u8(b, c->content != NULL)) != 0 ||
	    (r = buf_put_u8(b, c->content == NULL ? 0 : c->content->type)) != 0)
		return r;
	return buf_put_u32(b, c->content == NULL ? 0 : c->content->size);
}

static int
inspect_judge_change(struct inspect *x, const struct change *c)
{
	const struct fact f = { .kind = FACT_CHANGE, .op = c->op, .plain = c->plain, .path = c->path, .content = c->content };
	struct fact_verdict v;

	if ((x->params->judges & INSPECT_TELL_CHANGES) == 0)
		return 0;
	v = inspect_judge(x, &f);
	if (v.word != FACT_ALLOWED && inspect_met(x, &f, &v) != 0)
		return ERR_CRYPTO;
	return judged_add(x->judged, &v);
}

/* As many changes as one message holds. */
static int
inspect_tell_changes(struct inspect *x)
{
	struct buf *list = buf_new(OBJECT_PIECE), *b = buf_new(MSG_MAX);
	uint32_t n = 0;
	int r = list == NULL || b == NULL ? ERR_NOMEM : 0;

	for (; r == 0 && x->told < changes_count(x->changes); n++) {
		struct change c = changes_nth(x->changes, x->told);

		if (buf_room(list) < strlen(c.path) + OID_HEX + 24)
			break;
		if ((r = inspect_judge_change(x, &c)) == 0)
			r = inspect_put_change(list, &c);
		x->told++;
	}
	if (r == 0 && (x->tell & INSPECT_TELL_CHANGES) != 0 && (r = buf_put_u32(b, n)) == 0 &&
	    (r = buf_put(b, buf_ptr(list), buf_len(list))) == 0)
		r = link_send(x->session, INSPECT_CHANGES, 0, b, -1);
	buf_free(list);
	buf_free(b);
	return r;
}

static int
inspect_put_commit(struct inspect *x, size_t i, struct buf *b)
{
	const struct walk_step step = walk_step(x->walk, i);
	uint32_t index = pack_find(x->pack, step.oid);
	struct commit_facts facts;
	char hex[OID_HEX + 1];
	const uint8_t *p;
	size_t n;
	int r;

	oid_format(step.oid, hex);
	if (index == PACK_NONE)
		return inspect_fail(x, ERR_FORMAT, "commit %s is not in the pack", hex);
	if ((r = pack_content(x->pack, index, &p, &n)) != 0)
		return inspect_fail(x, r, "%s", pack_why(x->pack));
	commitfacts_read(p, n, &facts);
	return commitfacts_put(&facts, hex, step.nparents, b);
}

/* As many commits as one message holds. */
static int
inspect_tell_commits(struct inspect *x)
{
	struct buf *list = buf_new(2 * OBJECT_PIECE), *b = buf_new(MSG_MAX);
	uint32_t n = 0;
	int r = list == NULL || b == NULL ? ERR_NOMEM : 0;

	for (; r == 0 && x->commits_told < walk_nsteps(x->walk) && buf_len(list) < OBJECT_PIECE; n++)
		r = inspect_put_commit(x, x->commits_told++, list);
	if (r == 0 && (r = buf_put_u32(b, n)) == 0 && (r = buf_put(b, buf_ptr(list), buf_len(list))) == 0)
		r = link_send(x->session, INSPECT_COMMITS, 0, b, -1);
	buf_free(list);
	buf_free(b);
	return r;
}

static bool
inspect_has_commits(const struct inspect *x)
{
	return (x->tell & INSPECT_TELL_COMMITS) != 0 && x->commits_told < walk_nsteps(x->walk);
}

static bool
inspect_has_changes(const struct inspect *x)
{
	return x->changes != NULL && x->told < changes_count(x->changes);
}

static bool
inspect_has_needs(const struct inspect *x)
{
	size_t n = 0;

	if (x->walk != NULL)
		(void)walk_needs(x->walk, &n);
	return x->needs_told < n;
}

static int
inspect_tell_needs(struct inspect *x)
{
	struct buf *b = buf_new(MSG_MAX);
	size_t all, n;
	const uint8_t *needs = walk_needs(x->walk, &all);
	int r = b == NULL ? ERR_NOMEM : 0;

	n = all - x->needs_told < NEEDS_PIECE ? all - x->needs_told : NEEDS_PIECE;
	if (r == 0 && (r = buf_put_u8(b, x->needs_told + n == all)) == 0 &&
	    (r = buf_put_string(b, needs + x->needs_told * 20, n * 20)) == 0)
		r = link_send(x->session, INSPECT_NEEDS, 0, b, -1);
	x->needs_told += n;
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
	if (is_secret_name(x, path))
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
inspect_take_command(struct buf *body, struct push_command *c)
{
	const struct { char *to; size_t size; } fields[] = {
		{ c->old_oid, sizeof(c->old_oid) }, { c->new_oid, sizeof(c->new_oid) }, { c->name, sizeof(c->name) },
	};
	const uint8_t *p;
	size_t n;
	int r;

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if ((r = buf_peek_string(body, &p, &n)) != 0)
			return r;
		if (n >= fields[i].size || n == 0 || memchr(p, '\0', n) != NULL)
			return ERR_FORMAT;
		memcpy(fields[i].to, p, n);
	}
	if (!oid_is_hex((const uint8_t *)c->old_oid, strlen(c->old_oid)) ||
	    !oid_is_hex((const uint8_t *)c->new_oid, strlen(c->new_oid)) ||
	    refname_fault((const uint8_t *)c->name, strlen(c->name)) != NULL)
		return ERR_FORMAT;
	return oid_is_zero(c->old_oid) && oid_is_zero(c->new_oid) ? ERR_FORMAT : 0;
}

static int
inspect_take_commands(struct inspect *x, struct buf *body)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(body, &n)) != 0)
		return r;
	if (n == 0 || n > COMMANDS_MAX)
		return ERR_TOOBIG;
	if ((x->commands = calloc(n, sizeof(*x->commands))) == NULL)
		return ERR_NOMEM;
	for (; x->n < n; x->n++)
		if ((r = inspect_take_command(body, &x->commands[x->n])) != 0)
			return r;
	return 0;
}

static bool
is_order_cap(const uint8_t *p, size_t n)
{
	static const char *const words[] = { "report-status", "atomic", "quiet", "object-format=sha1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
			return true;
	return n == 0 || (n >= 6 && memcmp(p, "agent=", 6) == 0);
}

/* One line of the order: it must be one of the commands that are judged here, and its capabilities ours. */
static int
inspect_order_line(const struct inspect *x, const struct pktline *line, bool first)
{
	const uint8_t *caps;
	const char *why;
	struct push_command c;
	size_t n, i;

	if (refcmd_parse(line->data, line->len, &c, &caps, &n, &why) != 0 || (caps != NULL) != first)
		return ERR_FORMAT;
	while (n > 0) {
		const uint8_t *space = memchr(caps, ' ', n);
		size_t len = space == NULL ? n : (size_t)(space - caps);

		if (!is_order_cap(caps, len))
			return ERR_FORMAT;
		len += space != NULL;
		caps += len;
		n -= len;
	}
	for (i = 0; i < x->n; i++)
		if (strcmp(c.name, x->commands[i].name) == 0 && strcmp(c.old_oid, x->commands[i].old_oid) == 0 &&
		    strcmp(c.new_oid, x->commands[i].new_oid) == 0)
			return 0;
	return ERR_DENIED;
}

/* The session may have been taken over: what git will be told must be what is judged here. */
static int
inspect_check_order(const struct inspect *x, const uint8_t *p, size_t n)
{
	struct pktline_reader *reader = pktline_reader_new(CLIENT_LINE_MAX);
	struct pktline line;
	bool first = true;
	size_t used;
	int r;

	if (reader == NULL)
		return ERR_NOMEM;
	while ((r = pktline_feed(reader, p, n, &used, &line)) == 0) {
		p += used;
		n -= used;
		if (line.type != PKTLINE_DATA)
			break;
		if ((r = inspect_order_line(x, &line, first)) != 0)
			break;
		first = false;
	}
	if (r == 0 && (line.type != PKTLINE_FLUSH || n != 0 || first))
		r = ERR_FORMAT;
	pktline_reader_free(reader);
	return r == ERR_SHORT ? ERR_FORMAT : r;
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
