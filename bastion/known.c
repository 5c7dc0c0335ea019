/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/known.h"

#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

struct known {
	struct known_finding	*all;	/* owned */
	size_t			 n;
};

static int
known_read_one(struct buf *b, struct known_finding *f)
{
	char **texts[] = { &f->rule, &f->fingerprint, &f->target, &f->repo, &f->choice, &f->by, &f->request };
	uint64_t until;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = buf_get_cstring(b, texts[i]);
	if (r == 0 && (r = buf_get_u64(b, &until)) == 0)
		f->until_ms = (int64_t)until;
	return r;
}

int
known_read(struct buf *b, struct known **kp)
{
	struct known *k = xcalloc(1, sizeof(*k));
	uint32_t n;
	int r;

	if ((r = buf_get_u32(b, &n)) == 0 && n > MEMORIES_MAX)
		r = ERR_TOOBIG;
	if (r == 0)
		k->all = xcalloc(n, sizeof(*k->all));
	while (r == 0 && k->n < n)
		r = known_read_one(b, &k->all[k->n++]);
	if (r == 0)
		r = buf_end(b);
	if (r == 0) {
		*kp = k;
		return 0;
	}
	known_free(k);
	return r;
}

void
known_free(struct known *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++) {
		free(k->all[i].rule);
		free(k->all[i].fingerprint);
		free(k->all[i].target);
		free(k->all[i].repo);
		free(k->all[i].choice);
		free(k->all[i].by);
		free(k->all[i].request);
	}
	free(k->all);
	free(k);
}

const struct known_finding *
known_find(const struct known *k, const char *rule, const char *fingerprint, const char *target, const char *repo,
    int64_t now_ms)
{
	for (size_t i = 0; k != NULL && i < k->n; i++) {
		const struct known_finding *f = &k->all[i];

		if (f->until_ms > now_ms && strcmp(f->fingerprint, fingerprint) == 0 && strcmp(f->rule, rule) == 0 &&
		    strcmp(f->target, target) == 0 && strcmp(f->repo, repo) == 0)
			return f;
	}
	return NULL;
}
