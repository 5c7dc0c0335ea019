/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/pack.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/basecache.h"
#include "gitfilter/delta.h"
#include "gitfilter/inflate.h"
#include "gitfilter/limits.h"
#include "gitfilter/objidx.h"

#define HEAD_SIZE	12
#define TRAILER_SIZE	20
#define DEPTH_CEILING	4096
#define INPUT_MAX	(4 * 1024 * 1024)	/* one feed and a head that was cut */

enum pack_state { PACK_HEAD, PACK_ENTRY, PACK_INFLATE, PACK_TRAILER, PACK_WHOLE };
enum entry_kind { KIND_WHOLE, KIND_OFS, KIND_REF };

struct entry {
	uint64_t	offset;		/* from the pack's start */
	uint32_t	size;		/* after inflating: of the object, or of the delta */
	uint32_t	base;		/* index; PACK_NONE: none, or not known yet */
	uint16_t	depth;
	uint8_t		kind;		/* enum entry_kind */
	uint8_t		type;		/* enum object_type; 0 until it is resolved */
	uint8_t		oid[20];	/* its own once resolved; before, a KIND_REF's base */
};

struct waiting {			/* a delta that came before its base */
	uint32_t	index;
	uint32_t	base;		/* of a KIND_OFS */
	uint8_t		base_oid[20];	/* of a KIND_REF */
};

struct pack {
	struct pack_params	 params;
	enum pack_state		 state;
	struct buf		*in;		/* owned: bytes not yet understood */
	uint64_t		 fed, at;	/* bytes fed; bytes understood */
	uint64_t		 resolved, work;
	EVP_MD_CTX		*trailer, *name;	/* owned: SHA-1 over the pack, and of one object */
	EVP_MD			*sha1;		/* owned */
	struct inflater		*inflater;	/* owned */
	struct basecache	*cache;		/* owned */
	struct objidx		*idx;		/* owned */
	struct entry		*entries;	/* owned */
	uint32_t		 count, n, cap, done;	/* announced, begun, room, handed out */
	uint8_t			*raw;		/* owned: the entry that is being inflated */
	struct waiting		*ref_waiting, *ofs_waiting;	/* owned */
	size_t			 nref, nofs;
	uint8_t			*scratch;	/* owned: compressed bytes read back */
	size_t			 nscratch;
	char			 why[REASON_MAX];
};

static int	pack_fail(struct pack *, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
pack_fail(struct pack *k, int r, const char *fmt, ...)
{
	va_list ap;

	if (k->why[0] != '\0')
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(k->why, sizeof(k->why), fmt, ap);
	va_end(ap);
	return r;
}

struct pack *
pack_new(const struct pack_params *params)
{
	struct pack *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->params = *params;
	if (k->params.max_depth > DEPTH_CEILING)
		k->params.max_depth = DEPTH_CEILING;
	if (k->params.max_object_bytes > INT32_MAX)
		k->params.max_object_bytes = INT32_MAX;
	if (k->params.max_objects > INT32_MAX)
		k->params.max_objects = INT32_MAX;
	k->in = buf_new(INPUT_MAX);
	k->trailer = EVP_MD_CTX_new();
	k->name = EVP_MD_CTX_new();
	k->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	k->inflater = inflater_new();
	k->cache = basecache_new(BASE_CACHE_BYTES);
	k->idx = objidx_new();
	if (k->in == NULL || k->trailer == NULL || k->name == NULL || k->sha1 == NULL || k->inflater == NULL ||
	    k->cache == NULL || k->idx == NULL || EVP_DigestInit_ex(k->trailer, k->sha1, NULL) != 1) {
		pack_free(k);
		return NULL;
	}
	return k;
}

void
pack_free(struct pack *k)
{
	if (k == NULL)
		return;
	buf_free(k->in);
	EVP_MD_CTX_free(k->trailer);
	EVP_MD_CTX_free(k->name);
	EVP_MD_free(k->sha1);
	inflater_free(k->inflater);
	basecache_free(k->cache);
	objidx_free(k->idx);
	free(k->entries);
	free(k->raw);
	free(k->ref_waiting);
	free(k->ofs_waiting);
	free(k->scratch);
	free(k);
}

/* Count bytes inflated or copied; a pack may not make us do endlessly more than it gives. */
static int
pack_work(struct pack *k, uint64_t n)
{
	uint64_t limit = k->params.max_resolved_bytes < UINT64_MAX / WORK_FACTOR ?
	    k->params.max_resolved_bytes * WORK_FACTOR : UINT64_MAX;

	if (n > limit - k->work)
		return pack_fail(k, ERR_TOOBIG, "the pack's deltas take too much work; repack with git repack -adf");
	k->work += n;
	return 0;
}

static int
pack_name(struct pack *k, enum object_type type, const uint8_t *p, size_t n, uint8_t oid[20])
{
	static const char *const words[] = { "", "commit", "tree", "blob", "tag" };
	char head[32];
	int len = snprintf(head, sizeof(head), "%s %zu", words[type], n);

	if (EVP_DigestInit_ex(k->name, k->sha1, NULL) != 1 || EVP_DigestUpdate(k->name, head, (size_t)len + 1) != 1 ||
	    EVP_DigestUpdate(k->name, p, n) != 1 || EVP_DigestFinal_ex(k->name, oid, NULL) != 1)
		return pack_fail(k, ERR_NOMEM, "SHA-1 failed");
	return 0;
}

/* The object is whole: name it, hand it out, keep it as a base. Takes over p. */
static int
pack_settle(struct pack *k, uint32_t i, enum object_type type, uint8_t *p, size_t n)
{
	struct entry *e = &k->entries[i];
	int r;

	if (n > k->params.max_resolved_bytes - k->resolved) {
		r = pack_fail(k, ERR_TOOBIG, "the pack's objects together are over the limit of %llu bytes",
		    (unsigned long long)k->params.max_resolved_bytes);
		goto out;
	}
	k->resolved += n;
	if ((r = pack_name(k, type, p, n, e->oid)) != 0)
		goto out;
	if ((r = objidx_add(k->idx, e->oid, i)) != 0) {
		r = pack_fail(k, r == ERR_EXISTS ? ERR_FORMAT : r, "object %u of the pack is there twice", i);
		goto out;
	}
	e->type = (uint8_t)type;
	k->done++;
	if ((r = k->params.object(i, type, e->oid, p, n, k->params.arg)) != 0)
		goto out;
	r = basecache_put(k->cache, i, p, n);
	p = NULL;
out:
	free(p);
	return r;
}

/* base and delta give an object in fresh memory. */
static int
pack_patch(struct pack *k, uint32_t i, const uint8_t *base, size_t nbase, const uint8_t *delta, size_t n, uint8_t **pp,
    size_t *np)
{
	uint64_t want_base, want;
	uint8_t *p;
	size_t used;
	int r;

	if (delta_sizes(delta, n, &want_base, &want, &used) != 0)
		return pack_fail(k, ERR_FORMAT, "object %u of the pack is a malformed delta", i);
	if (want > k->params.max_object_bytes)
		return pack_fail(k, ERR_TOOBIG, "object %u of the pack has %llu bytes; the limit is %llu", i,
		    (unsigned long long)want, (unsigned long long)k->params.max_object_bytes);
	if ((r = pack_work(k, want)) != 0)
		return r;
	if ((p = malloc((size_t)want + 1)) == NULL)
		return pack_fail(k, ERR_NOMEM, "out of memory");
	if (delta_apply(base, nbase, delta, n, p, (size_t)want) != 0) {
		free(p);
		return pack_fail(k, ERR_FORMAT, "object %u of the pack is a malformed delta", i);
	}
	*pp = p;
	*np = (size_t)want;
	return 0;
}

/* How many bytes of the pack an entry takes. */
static size_t
pack_extent(const struct pack *k, uint32_t i)
{
	return (size_t)((i + 1 < k->n ? k->entries[i + 1].offset : k->at) - k->entries[i].offset);
}

/* Skip type, size and base of an entry of ours; it has been parsed before. */
static size_t
entry_head_size(const struct entry *e, const uint8_t *p, size_t n)
{
	size_t off = 0;

	while (off < n && (p[off++] & 0x80))
		;
	if (e->kind == KIND_REF)
		off += 20;
	else if (e->kind == KIND_OFS)
		while (off < n && (p[off++] & 0x80))
			;
	return off < n ? off : n;
}

static int
pack_read_back(struct pack *k, uint32_t i, size_t extent)
{
	size_t done = 0;
	uint8_t *more;

	if (extent > k->nscratch) {
		if ((more = realloc(k->scratch, extent)) == NULL)
			return pack_fail(k, ERR_NOMEM, "out of memory");
		k->scratch = more;
		k->nscratch = extent;
	}
	while (done < extent) {
		ssize_t n = pread(k->params.spool_fd, k->scratch + done, extent - done,
		    (off_t)(k->params.spool_offset + k->entries[i].offset + done));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return pack_fail(k, ERR_SYSTEM, "the spool cannot be read back");
		done += (size_t)n;
	}
	return 0;
}

/* An entry's inflated bytes again (object or delta), in fresh memory. */
static int
pack_inflate_again(struct pack *k, uint32_t i, uint8_t **pp)
{
	const struct entry *e = &k->entries[i];
	size_t extent = pack_extent(k, i), head, used;
	uint8_t *p;
	int r;

	if ((r = pack_work(k, (uint64_t)e->size + extent)) != 0 || (r = pack_read_back(k, i, extent)) != 0)
		return r;
	if ((p = malloc((size_t)e->size + 1)) == NULL)
		return pack_fail(k, ERR_NOMEM, "out of memory");
	head = entry_head_size(e, k->scratch, extent);
	if (inflate_whole(k->inflater, k->scratch + head, extent - head, p, e->size, &used) != 0) {
		free(p);
		return pack_fail(k, ERR_FORMAT, "object %u of the pack cannot be inflated", i);
	}
	*pp = p;
	return 0;
}

/* Rebuild one entry from the spool into the cache; its base, if any, is there already. */
static int
pack_rebuild(struct pack *k, uint32_t i)
{
	const uint8_t *base = NULL;
	uint8_t *raw = NULL, *p = NULL;
	size_t nbase = 0, n;
	int r;

	if ((r = pack_inflate_again(k, i, &raw)) != 0)
		return r;
	if (k->entries[i].kind == KIND_WHOLE)
		return basecache_put(k->cache, i, raw, k->entries[i].size);
	if (!basecache_get(k->cache, k->entries[i].base, &base, &nbase))
		r = pack_fail(k, ERR_FORMAT, "object %u of the pack has no base", i);
	else if ((r = pack_patch(k, i, base, nbase, raw, k->entries[i].size, &p, &n)) == 0)
		r = basecache_put(k->cache, i, p, n);
	free(raw);
	return r;
}

int
pack_content(struct pack *k, uint32_t index, const uint8_t **pp, size_t *np)
{
	uint32_t chain[DEPTH_CEILING + 2];
	size_t n = 0;
	int r;

	for (uint32_t i = index; !basecache_get(k->cache, i, pp, np); i = k->entries[i].base) {
		if (n == DEPTH_CEILING + 2)
			return pack_fail(k, ERR_TOOBIG, "a chain of deltas is too long");
		chain[n++] = i;
		if (k->entries[i].kind == KIND_WHOLE)
			break;
	}
	while (n > 0)
		if ((r = pack_rebuild(k, chain[--n])) != 0)
			return r;
	return basecache_get(k->cache, index, pp, np) ? 0 : pack_fail(k, ERR_NOMEM, "out of memory");
}

/* The delta of entry i is at hand, and its base is resolved. */
static int
pack_resolve(struct pack *k, uint32_t i, uint32_t base, const uint8_t *delta, size_t n)
{
	struct entry *e = &k->entries[i];
	const uint8_t *b;
	uint8_t *p;
	size_t nb, np;
	int r;

	if (k->entries[base].depth >= k->params.max_depth)
		return pack_fail(k, ERR_TOOBIG, "object %u of the pack ends a chain of more than %u deltas", i,
		    k->params.max_depth);
	e->base = base;
	e->depth = (uint16_t)(k->entries[base].depth + 1);
	if ((r = pack_content(k, base, &b, &nb)) != 0 || (r = pack_patch(k, i, b, nb, delta, n, &p, &np)) != 0)
		return r;
	return pack_settle(k, i, k->entries[base].type, p, np);
}

static int
pack_wait(struct pack *k, uint32_t i, struct waiting **listp, size_t *np)
{
	struct waiting *more;

	/* Grown by doubling: at every power of two. */
	if ((*np & (*np - 1)) == 0) {
		if ((more = reallocarray(*listp, *np == 0 ? 1 : *np * 2, sizeof(*more))) == NULL)
			return pack_fail(k, ERR_NOMEM, "out of memory");
		*listp = more;
	}
	(*listp)[*np] = (struct waiting){ .index = i, .base = k->entries[i].base };
	memcpy((*listp)[*np].base_oid, k->entries[i].oid, 20);
	(*np)++;
	return 0;
}

/* The entry's bytes are inflated, in k->raw. */
static int
pack_entry_done(struct pack *k)
{
	uint32_t i = k->n - 1, base;
	struct entry *e = &k->entries[i];
	uint8_t *raw = k->raw;
	int r;

	k->raw = NULL;
	k->state = k->n == k->count ? PACK_TRAILER : PACK_ENTRY;
	if (pack_extent(k, i) > inflate_bound(e->size) + ENTRY_HEAD_MAX + 4096) {
		r = pack_fail(k, ERR_FORMAT, "object %u of the pack is padded", i);
		goto out;
	}
	if (e->kind == KIND_WHOLE)
		return pack_settle(k, i, e->type, raw, e->size);
	base = e->kind == KIND_OFS ? e->base : objidx_find(k->idx, e->oid);
	if (e->kind == KIND_REF && base == OBJIDX_NONE)
		r = pack_wait(k, i, &k->ref_waiting, &k->nref);
	else if (k->entries[base].type == 0)
		r = pack_wait(k, i, &k->ofs_waiting, &k->nofs);
	else
		r = pack_resolve(k, i, base, raw, e->size);
out:
	free(raw);
	return r;
}

/* Take n bytes that have been understood off the input. */
static int
pack_eat(struct pack *k, size_t n)
{
	if (EVP_DigestUpdate(k->trailer, buf_ptr(k->in), n) != 1)
		return pack_fail(k, ERR_NOMEM, "SHA-1 failed");
	k->at += n;
	return buf_consume(k->in, n);
}

static int
pack_take_head(struct pack *k)
{
	const uint8_t *p = buf_ptr(k->in);

	if (buf_len(k->in) < HEAD_SIZE)
		return ERR_SHORT;
	if (memcmp(p, "PACK\0\0\0\2", 8) != 0)
		return pack_fail(k, ERR_FORMAT, "this is not a pack of version 2");
	k->count = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
	if (k->count > k->params.max_objects)
		return pack_fail(k, ERR_TOOBIG, "the pack has %u objects; the limit is %u", k->count,
		    k->params.max_objects);
	k->state = k->count == 0 ? PACK_TRAILER : PACK_ENTRY;
	return pack_eat(k, HEAD_SIZE);
}

/* The entry whose offset is exactly this one, or PACK_NONE. */
static uint32_t
pack_entry_at(const struct pack *k, uint64_t offset)
{
	uint32_t lo = 0, hi = k->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (k->entries[mid].offset == offset)
			return mid;
		if (k->entries[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return PACK_NONE;
}

/* The distance back to an OFS_DELTA's base. ERR_SHORT, ERR_FORMAT. */
static int
entry_distance(const uint8_t *p, size_t n, size_t *offp, uint64_t *distancep)
{
	uint64_t v = 0;

	for (int i = 0; i < 9; i++) {
		if (*offp >= n)
			return ERR_SHORT;
		v = (i == 0 ? 0 : (v + 1) << 7) | (p[*offp] & 0x7f);
		if (!(p[(*offp)++] & 0x80)) {
			*distancep = v;
			return 0;
		}
	}
	return ERR_FORMAT;
}

/* Parse type, size and base at p into *e. */
static int
pack_parse_entry(struct pack *k, const uint8_t *p, size_t n, struct entry *e, size_t *offp)
{
	uint64_t size, distance;
	unsigned shift = 4, type;
	size_t off = 1;
	int r;

	if (n == 0)
		return ERR_SHORT;
	type = p[0] >> 4 & 7;
	size = p[0] & 15;
	while (p[off - 1] & 0x80) {
		if (shift > 53)
			return ERR_FORMAT;
		if (off >= n)
			return ERR_SHORT;
		size |= (uint64_t)(p[off++] & 0x7f) << shift;
		shift += 7;
	}
	*e = (struct entry){ .offset = k->at, .base = PACK_NONE, .kind = KIND_WHOLE };
	if (type >= OBJECT_COMMIT && type <= OBJECT_TAG)
		e->type = (uint8_t)type;
	else if (type == 6) {
		e->kind = KIND_OFS;
		if ((r = entry_distance(p, n, &off, &distance)) != 0)
			return r;
		if (distance > k->at || (e->base = pack_entry_at(k, k->at - distance)) == PACK_NONE)
			return ERR_FORMAT;
	} else if (type == 7) {
		e->kind = KIND_REF;
		if (n - off < 20)
			return ERR_SHORT;
		memcpy(e->oid, p + off, 20);
		off += 20;
	} else
		return ERR_FORMAT;
	if (size > k->params.max_object_bytes)
		return pack_fail(k, ERR_TOOBIG, "object %u of the pack has %llu bytes; the limit is %llu", k->n,
		    (unsigned long long)size, (unsigned long long)k->params.max_object_bytes);
	e->size = (uint32_t)size;
	*offp = off;
	return 0;
}

static int
pack_take_entry(struct pack *k)
{
	struct entry e, *more;
	size_t off, used;
	int r;

	if ((r = pack_parse_entry(k, buf_ptr(k->in), buf_len(k->in), &e, &off)) == ERR_SHORT)
		return r;
	if (r != 0)
		return pack_fail(k, r, "object %u of the pack is of no known kind, or has no base before it", k->n);
	if (k->n == k->cap) {
		uint32_t cap = k->cap == 0 ? 64 : k->cap * 2;

		if ((more = reallocarray(k->entries, cap, sizeof(*more))) == NULL)
			return pack_fail(k, ERR_NOMEM, "out of memory");
		k->entries = more;
		k->cap = cap;
	}
	if ((r = pack_work(k, e.size)) != 0)
		return r;
	k->entries[k->n++] = e;
	if ((r = pack_eat(k, off)) != 0)
		return r;
	if ((k->raw = malloc((size_t)e.size + 1)) == NULL)
		return pack_fail(k, ERR_NOMEM, "out of memory");
	/* The fast way, when the entry's end may be at hand. A failure proves nothing: more of it may have to come. */
	if (e.size <= SMALL_ENTRY &&
	    inflate_whole(k->inflater, buf_ptr(k->in), buf_len(k->in), k->raw, e.size, &used) == 0)
		return (r = pack_eat(k, used)) != 0 ? r : pack_entry_done(k);
	k->state = PACK_INFLATE;
	return inflate_begin(k->inflater, k->raw, e.size);
}

static int
pack_take_inflate(struct pack *k)
{
	size_t used;
	int r, e;

	r = inflate_more(k->inflater, buf_ptr(k->in), buf_len(k->in), &used);
	if (r == ERR_FORMAT)
		return pack_fail(k, r, "object %u of the pack cannot be inflated to its size", k->n - 1);
	if ((e = pack_eat(k, used)) != 0)
		return e;
	if (r == ERR_SHORT && k->at - k->entries[k->n - 1].offset >
	    inflate_bound(k->entries[k->n - 1].size) + ENTRY_HEAD_MAX + 4096)
		return pack_fail(k, ERR_FORMAT, "object %u of the pack is padded", k->n - 1);
	return r != 0 ? r : pack_entry_done(k);
}

static int
pack_take_trailer(struct pack *k)
{
	uint8_t sum[EVP_MAX_MD_SIZE];

	if (buf_len(k->in) < TRAILER_SIZE)
		return ERR_SHORT;
	if (EVP_DigestFinal_ex(k->trailer, sum, NULL) != 1 || CRYPTO_memcmp(sum, buf_ptr(k->in), TRAILER_SIZE) != 0)
		return pack_fail(k, ERR_FORMAT, "the pack's checksum is wrong");
	k->state = PACK_WHOLE;
	return buf_consume(k->in, TRAILER_SIZE);
}

static int
pack_step(struct pack *k)
{
	switch (k->state) {
	case PACK_HEAD:
		return pack_take_head(k);
	case PACK_ENTRY:
		return pack_take_entry(k);
	case PACK_INFLATE:
		return pack_take_inflate(k);
	case PACK_TRAILER:
		return pack_take_trailer(k);
	case PACK_WHOLE:
		return pack_fail(k, ERR_FORMAT, "bytes after the end of the pack");
	}
	return ERR_FORMAT;
}

int
pack_feed(struct pack *k, const uint8_t *p, size_t n)
{
	int r;

	if (n > k->params.max_pack_bytes - k->fed)
		return pack_fail(k, ERR_TOOBIG, "the pack is over the limit of %llu bytes",
		    (unsigned long long)k->params.max_pack_bytes);
	k->fed += n;
	if ((r = buf_put(k->in, p, n)) != 0)
		return pack_fail(k, r, "too many bytes at once");
	while (buf_len(k->in) > 0)
		if ((r = pack_step(k)) != 0)
			return r == ERR_SHORT ? 0 : pack_fail(k, r, "%s", err_text(r));
	return 0;
}

bool
pack_is_whole(const struct pack *k)
{
	return k->state == PACK_WHOLE;
}

static int
waiting_by_oid(const void *a, const void *b)
{
	return memcmp(((const struct waiting *)a)->base_oid, ((const struct waiting *)b)->base_oid, 20);
}

static int
waiting_by_base(const void *a, const void *b)
{
	uint32_t x = ((const struct waiting *)a)->base, y = ((const struct waiting *)b)->base;

	return x < y ? -1 : x > y;
}

/* The first of a sorted list that is not less than key. */
static size_t
waiting_first(const struct waiting *list, size_t n, const struct waiting *key,
    int (*compare)(const void *, const void *))
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(&list[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Resolve all that wait for base in one list, and add them to the queue: others may wait for them. */
static int
pack_wake(struct pack *k, uint32_t base, const struct waiting *list, size_t n,
    int (*compare)(const void *, const void *), uint32_t *queue, size_t *nqueue)
{
	struct waiting key = { .base = base };
	uint8_t *raw;
	int r;

	memcpy(key.base_oid, k->entries[base].oid, 20);
	for (size_t i = waiting_first(list, n, &key, compare); i < n && compare(&list[i], &key) == 0; i++) {
		if (k->entries[list[i].index].type != 0)
			continue;
		if ((r = pack_inflate_again(k, list[i].index, &raw)) != 0)
			return r;
		r = pack_resolve(k, list[i].index, base, raw, k->entries[list[i].index].size);
		free(raw);
		if (r != 0)
			return r;
		queue[(*nqueue)++] = list[i].index;
	}
	return 0;
}

int
pack_finish(struct pack *k)
{
	uint32_t *queue = NULL;
	size_t nqueue = 0;
	int r = 0;

	if (k->state != PACK_WHOLE)
		return pack_fail(k, ERR_FORMAT, "the pack ends early");
	if (k->nref == 0 && k->nofs == 0)
		return 0;
	if ((queue = reallocarray(NULL, k->nref + k->nofs, sizeof(*queue))) == NULL)
		return pack_fail(k, ERR_NOMEM, "out of memory");
	if (k->nref > 0)
		qsort(k->ref_waiting, k->nref, sizeof(*k->ref_waiting), waiting_by_oid);
	if (k->nofs > 0)
		qsort(k->ofs_waiting, k->nofs, sizeof(*k->ofs_waiting), waiting_by_base);
	for (uint32_t i = 0; r == 0 && i < k->nref; i++) {
		uint32_t base = objidx_find(k->idx, k->ref_waiting[i].base_oid);

		if (base != OBJIDX_NONE)
			r = pack_wake(k, base, k->ref_waiting, k->nref, waiting_by_oid, queue, &nqueue);
	}
	for (size_t i = 0; r == 0 && i < nqueue; i++)
		if ((r = pack_wake(k, queue[i], k->ref_waiting, k->nref, waiting_by_oid, queue, &nqueue)) == 0)
			r = pack_wake(k, queue[i], k->ofs_waiting, k->nofs, waiting_by_base, queue, &nqueue);
	if (r == 0 && k->done != k->count)
		r = pack_fail(k, ERR_FORMAT, "%u objects of the pack need a base that is not in it (a thin pack); "
		    "push again with --no-thin", k->count - k->done);
	free(queue);
	return r;
}

const char *
pack_why(const struct pack *k)
{
	return k->why;
}

uint64_t
pack_bytes(const struct pack *k)
{
	return k->fed;
}

uint32_t
pack_count(const struct pack *k)
{
	return k->count;
}

uint32_t
pack_read_count(const struct pack *k)
{
	return k->done;
}

enum object_type
pack_type(const struct pack *k, uint32_t index)
{
	return k->entries[index].type;
}

const uint8_t *
pack_oid(const struct pack *k, uint32_t index)
{
	return k->entries[index].oid;
}

uint32_t
pack_find(const struct pack *k, const uint8_t oid[20])
{
	return objidx_find(k->idx, oid);
}
