/* SPDX-License-Identifier: Apache-2.0 */
/* What a git-lfs client says, cut at a place that the first byte chooses: the cut must not matter. Then a pointer. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/lfs.h"
#include "gitfilter/limits.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What came out, in a number. */
struct seen {
	uint64_t	sum;
	int		r;
};

static void
note(struct seen *s, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		s->sum = s->sum * 31 + b[i];
}

static void
note_request(struct seen *s, const struct lfs_event *e)
{
	const struct lfs_request *q = e->request;

	note(s, &e->what, sizeof(e->what));
	note(s, &q->kind, sizeof(q->kind));
	note(s, &q->has_size, sizeof(q->has_size));
	note(s, q->object.oid, sizeof(q->object.oid));
	note(s, &q->object.size, sizeof(q->object.size));
	for (size_t i = 0; i < q->nbatch; i++)
		note(s, &q->batch[i].size, sizeof(q->batch[i].size));
	if (q->nbatch > LFS_BATCH_MAX || q->object.size > INT64_MAX || (q->nbatch > 0 && q->kind != LFS_BATCH))
		abort();
}

static void
feed(struct lfs *l, const uint8_t *p, size_t n, struct seen *s)
{
	struct lfs_event e;
	size_t used;

	while (s->r == 0 && (s->r = lfs_feed(l, p, n, &used, &e)) == 0) {
		if (used > n)
			abort();
		p += used;
		n -= used;
		note_request(s, &e);
		if (e.what == LFS_CONTENT)
			note(s, e.content, e.n);
	}
	if (s->r == ERR_SHORT)
		s->r = 0;
}

static struct seen
talk(const uint8_t *p, size_t n, size_t cut)
{
	struct seen s = { .sum = 0 };
	struct lfs *l = lfs_new();

	feed(l, p, cut, &s);
	feed(l, p + cut, n - cut, &s);
	if ((s.r != 0) != (lfs_why(l)[0] != '\0'))
		abort();
	lfs_free(l);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct lfs_object o = { .size = 0 }, again = { .size = 0 };
	struct seen whole, parts;
	char hex[LFS_OID_HEX + 1];

	if (n == 0)
		return 0;
	whole = talk(p + 1, n - 1, n - 1);
	parts = talk(p + 1, n - 1, p[0] % n);
	if (whole.r != parts.r || whole.sum != parts.sum)
		abort();
	if (lfs_pointer_read(p + 1, n - 1, &o) == LFS_POINTER_GOOD) {
		lfs_oid_format(o.oid, hex);
		if (memmem(p, n, hex, LFS_OID_HEX) == NULL || !lfs_oid_parse((const uint8_t *)hex, LFS_OID_HEX, again.oid) ||
		    memcmp(o.oid, again.oid, sizeof(o.oid)) != 0 || o.size > INT64_MAX)
			abort();
	}
	return 0;
}
