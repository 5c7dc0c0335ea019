/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are decoded: what comes out has its place in them, findings are in order, and a token put behind is
 * found.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/layer.h"
#include "secretscan/secretscan.h"
#include "secretscan/sieve.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX	16384
#define LAYER_MAX	(16 * INPUT_MAX)

struct seen {
	const uint8_t	*p;
	size_t		 n;
	size_t		 start;		/* of the finding before */
	bool		 token;
};

/* Synthetic, in pieces. */
static const char token[] = "\n\n gh" "p_" "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5\n";

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct seen *s = arg;

	if (f->end > s->n || f->end <= f->start || f->line == 0 || f->end_line < f->line || f->decoded == NULL ||
	    f->member == NULL || (f->secret == NULL && f->secret_len > 0))
		abort();
	if (!f->notice && f->member[0] == '\0' && f->start < s->start)
		abort();
	if (!f->notice && f->member[0] == '\0')
		s->start = f->start;
	/* Perhaps as a part of something that is longer. */
	if (f->start <= s->n - sizeof(token) + 4 && f->end >= s->n - 2)
		s->token = true;
	return 0;
}

static void
check_decoder(const struct decoder *d, const struct sieve *s)
{
	struct layer l;
	size_t start, end;

	layer_init(&l, LAYER_MAX);
	d->run(s, &l);
	if (l.error != 0 && l.error != SECRETSCAN_LIMIT)
		abort();
	for (size_t i = 0; i < l.n; i++) {
		(void)layer_map(&l, i, i + 1, &start, &end);
		if (start > end || end > s->n)
			abort();
	}
	layer_release(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct secretscan *ss;
	static const uint8_t key[32];
	struct seen seen = { 0 };
	struct sieve s;
	uint8_t *text;
	char *error;

	if (ss == NULL && (ss = secretscan_new(NULL, key, &error)) == NULL)
		abort();
	if (n > INPUT_MAX || (text = malloc(n + sizeof(token))) == NULL)
		return 0;
	if (n > 0)
		memcpy(text, p, n);
	memcpy(text + n, token, sizeof(token));
	if (sieve_init(&s, text, n) != 0)
		abort();
	for (size_t i = 0; decode_get(i) != NULL; i++)
		check_decoder(decode_get(i), &s);
	sieve_release(&s);
	seen.p = text;
	seen.n = n + sizeof(token) - 1;
	if (secretscan_scan(ss, text, seen.n, on_finding, &seen) == 0 && !seen.token)
		abort();
	free(text);
	return 0;
}
