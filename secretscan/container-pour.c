/* SPDX-License-Identifier: Apache-2.0 */
/* A member in the making: see container_int.h. */
#include <stdlib.h>
#include <string.h>

#include "secretscan/budget.h"
#include "secretscan/container_int.h"
#include "secretscan/digest.h"
#include "secretscan/limits.h"
#include "secretscan/secretscan.h"

#define FIRST_CAP	4096

static int
give(struct pour *m)
{
	const struct container_member member = { m->name, m->p, m->n, m->at };

	m->fresh = 0;
	return m->n == 0 ? 0 : m->in->sink->member(&member, m->in->sink->arg);
}

int
pour_begin(struct pour *m, const char *name)
{
	free(m->name);
	m->n = m->fresh = 0;
	m->at = 0;
	if ((m->name = strdup(name)) == NULL)
		return SECRETSCAN_NOMEM;
	return budget_take_item(m->in->budget);
}

static int
make_room(struct pour *m, size_t n)
{
	size_t cap = m->cap > 0 ? m->cap : FIRST_CAP;
	uint8_t *grown;

	while (cap < SS_MEMBER_PIECE && cap - m->n < n)
		cap *= 2;
	if (cap == m->cap)
		return 0;
	if ((grown = malloc(cap)) == NULL)
		return SECRETSCAN_NOMEM;
	if (m->n > 0)
		memcpy(grown, m->p, m->n);
	digest_wipe(m->p, m->cap);
	free(m->p);
	m->p = grown;
	m->cap = cap;
	return 0;
}

/* A full piece goes; its end stays for the next one. */
static int
next_piece(struct pour *m)
{
	size_t keep = SS_MEMBER_OVERLAP;
	int e;

	if ((e = give(m)) != 0)
		return e;
	memmove(m->p, m->p + m->n - keep, keep);
	m->at += m->n - keep;
	m->n = keep;
	return 0;
}

int
pour_add(struct pour *m, const void *p, size_t n)
{
	const uint8_t *from = p;
	int e;

	if (!m->in->paid && budget_take(m->in->budget, n) != 0)
		return !m->hold && (e = pour_end(m)) != 0 ? e : SECRETSCAN_LIMIT;
	while (n > 0) {
		size_t some;

		if (m->n == SS_MEMBER_PIECE && m->hold) {
			m->cut = true;
			return 0;
		}
		if (m->n == SS_MEMBER_PIECE && (e = next_piece(m)) != 0)
			return e;
		some = n < SS_MEMBER_PIECE - m->n ? n : SS_MEMBER_PIECE - m->n;
		if ((e = make_room(m, some)) != 0)
			return e;
		memcpy(m->p + m->n, from, some);
		m->n += some;
		m->fresh += some;
		from += some;
		n -= some;
	}
	return 0;
}

int
pour_text(struct pour *m, const char *s)
{
	return pour_add(m, s, strlen(s));
}

int
pour_end(struct pour *m)
{
	int e = m->fresh > 0 ? give(m) : 0;

	m->n = 0;
	return e;
}

void
pour_release(struct pour *m)
{
	if (m->p != NULL)
		digest_wipe(m->p, m->cap);
	free(m->p);
	free(m->name);
	memset(m, 0, sizeof(*m));
}
