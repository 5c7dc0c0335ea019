/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/penalty.h"

#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"
#include "bastion/source.h"

#define BUCKETS		1024
#define WAYS		8
#define TELL_MS		60000
#define TELLS_MAX	60	/* in TELL_MS, whoever they are about: a crowd must not write our log full */

static const int64_t cost_ms[] = {
	[PENALTY_NOTHING] = 1000, [PENALTY_REFUSED] = 5000, [PENALTY_GRACE] = 10000, [PENALTY_CRASH] = 90000,
};

struct entry {
	struct source	 source;
	bool		 used;
	bool		 out;		/* refused until the time is over */
	int64_t		 until_ms;
	int64_t		 told_ms;	/* 0 = never */
};

struct penalties {
	uint8_t		 key[crypto_shorthash_KEYBYTES];	/* nobody can choose addresses that share a bucket */
	struct entry	 entry[BUCKETS][WAYS];
	int64_t		 tells_since_ms;
	unsigned	 tells;
};

struct penalties *
penalties_new(void)
{
	struct penalties *p = xcalloc(1, sizeof(*p));

	randombytes_buf(p->key, sizeof(p->key));
	return p;
}

void
penalties_free(struct penalties *p)
{
	free(p);
}

static size_t
bucket_of(const struct penalties *p, const struct source *s)
{
	uint8_t h[crypto_shorthash_BYTES];

	crypto_shorthash(h, s->bytes, sizeof(s->bytes), p->key);
	return (size_t)(h[0] | h[1] << 8) % BUCKETS;
}

static const struct entry *
look(const struct penalties *p, const struct source *s)
{
	const struct entry *e = p->entry[bucket_of(p, s)];

	for (size_t i = 0; i < WAYS; i++)
		if (e[i].used && source_is_equal(&e[i].source, s))
			return &e[i];
	return NULL;
}

/* Its entry, or a fresh one in the place of the one that runs down first. */
static struct entry *
take(struct penalties *p, const struct source *s)
{
	struct entry *e = p->entry[bucket_of(p, s)], *least = e;

	for (size_t i = 0; i < WAYS; i++) {
		if (e[i].used && source_is_equal(&e[i].source, s))
			return &e[i];
		if (least->used && (!e[i].used || e[i].until_ms < least->until_ms))
			least = &e[i];
	}
	memset(least, 0, sizeof(*least));
	least->source = *s;
	least->used = true;
	return least;
}

void
penalties_add(struct penalties *p, const struct source *s, enum penalty what, int64_t start_ms, int64_t max_ms, int64_t now_ms)
{
	struct entry *e;

	if (start_ms == 0)
		return;
	e = take(p, s);
	if (e->until_ms <= now_ms) {
		e->until_ms = now_ms;
		e->out = false;
	}
	e->until_ms += cost_ms[what];
	if (e->until_ms - now_ms > max_ms)
		e->until_ms = now_ms + max_ms;
	if (e->until_ms - now_ms >= start_ms)
		e->out = true;
}

void
penalties_forgive(struct penalties *p, const struct source *s)
{
	struct entry *e = p->entry[bucket_of(p, s)];

	for (size_t i = 0; i < WAYS; i++)
		if (e[i].used && source_is_equal(&e[i].source, s))
			memset(&e[i], 0, sizeof(e[i]));
}

int64_t
penalties_left(const struct penalties *p, const struct source *s, int64_t now_ms)
{
	const struct entry *e = look(p, s);

	return e == NULL || !e->out || e->until_ms <= now_ms ? 0 : e->until_ms - now_ms;
}

bool
penalties_worth_telling(struct penalties *p, const struct source *s, int64_t now_ms)
{
	struct entry *e = take(p, s);

	if (e->told_ms != 0 && now_ms - e->told_ms < TELL_MS)
		return false;
	if (now_ms - p->tells_since_ms >= TELL_MS) {
		p->tells_since_ms = now_ms;
		p->tells = 0;
	}
	if (p->tells >= TELLS_MAX)
		return false;
	p->tells++;
	e->told_ms = now_ms;
	return true;
}
