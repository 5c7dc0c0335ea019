/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/maskname.h"

#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/secretscan.h"

struct masking {
	const char	*name;
	size_t		 at;		/* up to where it is copied */
	char		*out;
	size_t		 n;
};

static void
put(struct masking *m, const char *p, size_t n)
{
	m->out = xreallocarray(m->out, m->n + n + 1, 1);
	memcpy(m->out + m->n, p, n);
	m->n += n;
	m->out[m->n] = '\0';
}

static int
on_secret(const struct secretscan_finding *f, void *arg)
{
	struct masking *m = arg;

	if (f->notice || f->start < m->at)
		return 0;
	put(m, m->name + m->at, f->start - m->at);
	put(m, f->masked, strlen(f->masked));
	m->at = f->end;
	return 0;
}

char *
maskname(const struct secretscan *ss, const char *name)
{
	struct masking m = { .name = name };
	size_t n = strlen(name);

	if (ss != NULL && secretscan_scan(ss, name, n, on_secret, &m) < 0) {
		put(&m, "[name that could not be scanned]", strlen("[name that could not be scanned]"));
		return m.out;
	}
	put(&m, name + m.at, n - m.at);
	return m.out;
}
