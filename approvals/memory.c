/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/memory.h"

#include <stdlib.h>
#include <string.h>

#include "approvals/request.h"
#include "bastion/base/xmalloc.h"

#define LINE_HEAD	"finding: rule="
#define LINE_TAIL	" fingerprint="

void
memory_release(struct memory *m)
{
	free(m->rule);
	free(m->fingerprint);
	free(m->target);
	free(m->repo);
	free(m->choice);
	free(m->by);
	free(m->request);
}

bool
memory_is_choice(const char *word)
{
	static const char *const choices[] = { "false-positive", "test-value", "rotated" };

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (strcmp(choices[i], word) == 0)
			return true;
	return false;
}

bool
memory_is_fingerprint(const char *word)
{
	return strlen(word) == MEMORY_FINGERPRINT && strspn(word, "0123456789abcdef") == MEMORY_FINGERPRINT;
}

/* "finding: rule=RULE (..) .. fingerprint=16 digits", where only the ends are ours: between them there may be anything. */
static bool
line_read(const char *p, size_t n, struct memory *m)
{
	const size_t head = strlen(LINE_HEAD), tail = strlen(LINE_TAIL) + MEMORY_FINGERPRINT;
	const char *rule = p + head, *end;

	if (n < head + tail + 1 || memcmp(p, LINE_HEAD, head) != 0 ||
	    memcmp(p + n - tail, LINE_TAIL, strlen(LINE_TAIL)) != 0 ||
	    (end = memchr(rule, ' ', n - head - tail + 1)) == NULL || end == rule)
		return false;
	m->fingerprint = xstrndup(p + n - MEMORY_FINGERPRINT, MEMORY_FINGERPRINT);
	if (!memory_is_fingerprint(m->fingerprint)) {
		free(m->fingerprint);
		m->fingerprint = NULL;
		return false;
	}
	m->rule = xstrndup(rule, (size_t)(end - rule));
	return true;
}

static bool
is_known(const struct memory *all, size_t n, const struct memory *m)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].rule, m->rule) == 0 && strcmp(all[i].fingerprint, m->fingerprint) == 0)
			return true;
	return false;
}

size_t
memory_findings(const struct request *r, struct memory *out, size_t max)
{
	const char *p = (const char *)r->text;
	size_t left = r->text_len, n = 0;

	while (left > 0 && n < max) {
		const char *end = memchr(p, '\n', left);
		size_t len = end == NULL ? left : (size_t)(end - p);
		struct memory m = { .rule = NULL };

		if (line_read(p, len, &m)) {
			if (is_known(out, n, &m))
				memory_release(&m);
			else
				out[n++] = m;
		}
		len += end != NULL;
		p += len;
		left -= len;
	}
	return n;
}
