/* SPDX-License-Identifier: Apache-2.0 */
/* A content goes to the readers that it is for and to one more that the first byte names, its members likewise. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/budget.h"
#include "secretscan/container.h"
#include "secretscan/limits.h"
#include "secretscan/secretscan.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX	((size_t)1 << 20)
#define BYTES		((size_t)8 << 20)
#define ITEMS		2000
#define DEPTH		4
#define KINDS		12

struct walk {
	struct budget	budget;
	size_t		given;
	uint8_t		sum;
};

static int	descend(struct walk *, unsigned kinds, const uint8_t *p, size_t n);

static int
on_member(const struct container_member *m, void *arg)
{
	struct walk *w = arg;
	int r = 0;

	if (m->n == 0 || m->n > SS_MEMBER_PIECE)
		abort();
	/* Every byte that is given is there. */
	for (size_t i = 0; i < m->n; i++)
		w->sum ^= m->p[i];
	w->given += m->n;
	if (w->given > 2 * BYTES)
		abort();
	if (m->at == 0 && budget_enter(&w->budget) == 0) {
		r = descend(w, container_guess(m->p, m->n), m->p, m->n);
		budget_leave(&w->budget);
	}
	return r;
}

static int
on_notice(enum container_notice what, const char *about, const char *text, void *arg)
{
	struct walk *w = arg;

	if (container_report(what)->rule == NULL)
		abort();
	w->sum ^= (uint8_t)(strlen(about) + strlen(text));
	return 0;
}

static int
descend(struct walk *w, unsigned kinds, const uint8_t *p, size_t n)
{
	const struct container_sink sink = { on_member, on_notice, w };

	return kinds == 0 ? 0 : container_each(kinds, p, n, &w->budget, &sink);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct walk w = { .budget = { BYTES, ITEMS, DEPTH } };
	uint8_t *exact;
	int r;

	if (n < 9 || n > INPUT_MAX)
		return 0;
	/* Of its own, so that a read past its end is seen. */
	if ((exact = malloc(n - 1)) == NULL)
		abort();
	memcpy(exact, p + 1, n - 1);
	r = descend(&w, container_guess(exact, n - 1) | 1u << p[0] % KINDS, exact, n - 1);
	if (r != 0 && r != SECRETSCAN_LIMIT && r != SECRETSCAN_NOMEM)
		abort();
	free(exact);
	return 0;
}
