/* SPDX-License-Identifier: Apache-2.0 */
/* A stream cut as the first byte says gives what the stream in one piece gives, with no more to be found in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/secretscan.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX	8192

struct sink {
	uint8_t	 p[INPUT_MAX * 16];
	size_t	 n;
	size_t	 findings;
};

static int
on_out(const void *p, size_t n, void *arg)
{
	struct sink *s = arg;

	if (n > sizeof(s->p) - s->n)
		abort();
	memcpy(s->p + s->n, p, n);
	s->n += n;
	return 0;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct sink *s = arg;

	if (f->end <= f->start)
		abort();
	s->findings++;
	return 0;
}

static int
mask(const struct secretscan *ss, const uint8_t *p, size_t n, const struct secretscan_masking *m, size_t step,
    struct sink *s)
{
	struct secretscan_stream *st = secretscan_stream_new(ss, m, on_out, on_finding, s);
	int e = 0;

	if (st == NULL)
		abort();
	s->n = 0;
	s->findings = 0;
	for (size_t at = 0; at < n && e == 0; at += step)
		e = secretscan_stream_feed(st, p + at, n - at < step ? n - at : step);
	if (e == 0)
		e = secretscan_stream_end(st);
	if (e == 0 && secretscan_stream_held(st) != 0)
		abort();
	secretscan_stream_free(st);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct secretscan *ss;
	static struct secretscan_known *known;
	static const uint8_t key[32];
	struct sink *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b)), *c = calloc(1, sizeof(*c));
	struct secretscan_masking m = { 0 };
	size_t step;
	char *error;

	if (ss == NULL && (ss = secretscan_new(NULL, key, &error)) != NULL && (known = secretscan_known_new(ss)) != NULL)
		(void)secretscan_known_add(known, "known", "a \"v'/ue\n", 9);
	if (known == NULL || a == NULL || b == NULL || c == NULL)
		abort();
	if (n > 1 && n <= INPUT_MAX) {
		step = (size_t)(p[0] & 0x7f) + 1;
		if (p[0] & 0x80)
			m = (struct secretscan_masking){ .known = known, .pii = UINT32_MAX };
		if (mask(ss, p + 1, n - 1, &m, n, a) == 0 && mask(ss, p + 1, n - 1, &m, step, b) == 0 &&
		    (a->n != b->n || memcmp(a->p, b->p, a->n) != 0 || a->findings != b->findings))
			abort();
		/* What was masked is gone, for whoever looks at all of it at once. */
		if (m.known == NULL && a->findings > 0 && secretscan_scan(ss, p + 1, n - 1, on_finding, b) == 0 &&
		    secretscan_scan(ss, a->p, a->n, on_finding, c) == 0 && c->findings > b->findings)
			abort();
	}
	free(a);
	free(b);
	free(c);
	return 0;
}
