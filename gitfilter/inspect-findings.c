/* SPDX-License-Identifier: Apache-2.0 */
/* inspect-findings: contents are scanned, findings kept until their place is known, then judged and told. */
#include "gitfilter/inspect_int.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "gitfilter/excerpt.h"
#include "gitfilter/limits.h"
#include "gitfilter/pack.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/walk.h"
#include "secretscan/secretscan.h"

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

int
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
int
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

/* A name that is itself a secret, or lies below one, is not repeated in clear. */
bool
inspect_is_secret_name(const struct inspect *x, const char *path)
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
	return buf_put_cstring(b, inspect_is_secret_name(x, where) ? "" : where);
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
	if (inspect_is_secret_name(x, where))
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

int
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
