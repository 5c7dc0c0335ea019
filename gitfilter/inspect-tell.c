/* SPDX-License-Identifier: Apache-2.0 */
/* inspect-tell: commits, changes, verdicts and the result, as the session and the parent hear them. */
#include "gitfilter/inspect_int.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "gitfilter/changes.h"
#include "gitfilter/commitfacts.h"
#include "gitfilter/contents.h"
#include "gitfilter/limits.h"
#include "gitfilter/pack.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/walk.h"
#include "secretscan/secretscan.h"

/* The parent hears which rules were met, the session by which commits. */
int
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
int
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

int
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
int
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
int
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

bool
inspect_has_commits(const struct inspect *x)
{
	return (x->tell & INSPECT_TELL_COMMITS) != 0 && x->commits_told < walk_nsteps(x->walk);
}

bool
inspect_has_changes(const struct inspect *x)
{
	return x->changes != NULL && x->told < changes_count(x->changes);
}

bool
inspect_has_needs(const struct inspect *x)
{
	size_t n = 0;

	if (x->walk != NULL)
		(void)walk_needs(x->walk, &n);
	return x->needs_told < n;
}

int
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
