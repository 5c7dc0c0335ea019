/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personal data in a stream: asked at every place where a word, a number or a plus begins. Where a kind cannot tell yet, the
 * stream is held from there on, at most PII_MAX bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/pii.h"
#include "secretscan/scanner.h"
#include "secretscan/stage.h"

struct pii_stage {
	const struct secretscan	*ss;
	struct stage_out	 to;
	uint32_t		 kinds;
	uint8_t			 prev;		/* the byte before what is next, 0 at the start */
	size_t			 out;		/* bytes of held that a flush gave out already */
	size_t			 len;
	uint8_t			 held[2 * PII_MAX];
	uint64_t		 pos;		/* of held in the input */
};

void *
stage_pii_new(const struct secretscan *ss, uint32_t kinds, const struct stage_out *to)
{
	struct pii_stage *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->ss = ss;
	st->kinds = kinds;
	st->to = *to;
	return st;
}

static void
pii_free(void *arg)
{
	if (arg != NULL)
		digest_wipe(arg, sizeof(struct pii_stage));
	free(arg);
}

/* Can personal data begin with c after prev? Not within a word, a version, a path, a range. */
static bool
is_begin(uint8_t prev, uint8_t c)
{
	if (c == '+' || c == '(')
		return !pii_is_word(prev);
	if (c == ':')
		return prev != ':' && !pii_is_word(prev);
	return pii_is_word(c) && !pii_is_word(prev) && (prev == '\0' || strchr(".-+@%/&#", prev) == NULL);
}

/* What stands at the beginning of t. All kinds have to know before one is believed, so that a split changes nothing. */
static enum pii_result
look(const struct pii_stage *st, const struct pii_text *t, const struct pii_kind **kindp, size_t *np)
{
	*kindp = NULL;
	*np = 0;
	for (size_t i = 0; i < PII_KINDS; i++) {
		size_t n = 0;

		if ((st->kinds >> i & 1) == 0)
			continue;
		switch (pii_kinds[i].look(t, &n)) {
		case PII_MORE:
			return PII_MORE;
		case PII_YES:
			if (n > *np) {
				*np = n;
				*kindp = &pii_kinds[i];
			}
			break;
		case PII_NO:
			break;
		}
	}
	return *kindp != NULL ? PII_YES : PII_NO;
}

static int
mask(struct pii_stage *st, const struct pii_kind *kind, const uint8_t *p, uint64_t at, size_t n, size_t out)
{
	struct secretscan_finding f = { .rule = kind->rule, .description = kind->description, .start = (size_t)(at + out),
	    .end = (size_t)(at + n), .decoded = "", .member = "", .masked = "********" };
	struct digest *d;

	if ((d = digest_new(st->ss->key)) == NULL)
		return SECRETSCAN_NOMEM;
	digest_update(d, p, n);
	digest_hex(d, f.fingerprint);
	digest_free(d);
	return stage_mask(&st->to, &f);
}

/*
 * Release what can be of p, of which the first st->out bytes are out already; *usedp is how much is done with. What is
 * left is a possible beginning.
 */
static int
release(struct pii_stage *st, const uint8_t *p, size_t n, bool more, size_t *usedp)
{
	size_t at = 0, from = st->out, len;
	const struct pii_kind *kind;
	int e = 0;

	while (at < n && e == 0) {
		struct pii_text t = { p + at, n - at, more };
		enum pii_result r = is_begin(st->prev, p[at]) ? look(st, &t, &kind, &len) : PII_NO;

		if (r == PII_MORE)
			break;
		if (r == PII_NO) {
			st->prev = p[at++];
			continue;
		}
		if (at > from)
			e = st->to.out(p + from, at - from, st->to.arg);
		if (e == 0)
			e = mask(st, kind, p + at, st->pos + at, len, from > at ? from - at : 0);
		at += len;
		from = at;
		st->prev = p[at - 1];
	}
	if (e == 0 && at > from)
		e = st->to.out(p + from, at - from, st->to.arg);
	*usedp = at;
	st->pos += at;
	st->out = from > at ? from - at : 0;
	return e;
}

static int
pii_feed(void *arg, const uint8_t *p, size_t n)
{
	struct pii_stage *st = arg;
	size_t used;
	int e;

	/* First what is held, with as much of the new as one kind can need. */
	while (st->len > 0 && n > 0) {
		size_t take = sizeof(st->held) - st->len < n ? sizeof(st->held) - st->len : n;

		if (take == 0)
			return SECRETSCAN_ENGINE;	/* a kind that never knows */
		memcpy(st->held + st->len, p, take);
		if ((e = release(st, st->held, st->len + take, true, &used)) != 0)
			return e;
		st->len += take;
		memmove(st->held, st->held + used, st->len - used);
		st->len -= used;
		p += take;
		n -= take;
	}
	if (n == 0)
		return 0;
	if ((e = release(st, p, n, true, &used)) != 0)
		return e;
	if (n - used > sizeof(st->held))
		return SECRETSCAN_ENGINE;
	memcpy(st->held, p + used, n - used);
	st->len = n - used;
	return 0;
}

static size_t
pii_held(const void *arg)
{
	const struct pii_stage *st = arg;

	return st->len - st->out;
}

static int
pii_flush(void *arg)
{
	struct pii_stage *st = arg;
	size_t out = st->out;

	if (st->len == out || st->len > STAGE_FLUSH_MAX)
		return 0;
	st->out = st->len;
	return st->to.out(st->held + out, st->len - out, st->to.arg);
}

static int
pii_end(void *arg)
{
	struct pii_stage *st = arg;
	size_t used;
	int e = release(st, st->held, st->len, false, &used);

	st->len = 0;
	return e;
}

const struct stage_ops stage_pii_ops = {
	.feed = pii_feed,
	.held = pii_held,
	.flush = pii_flush,
	.end = pii_end,
	.free = pii_free,
};
