/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner for tests of what surrounds one: finds the word EXAMPLE-SECRET, and cannot scan what holds UNSCANNABLE. */
#include <stdlib.h>
#include <string.h>

#include "secretscan/secretscan.h"

#define WORD	"EXAMPLE-SECRET"
#define POISON	"UNSCANNABLE"

struct secretscan {
	int	unused;
};

struct secretscan *
secretscan_new(const struct secretscan_rules *rules, const uint8_t key[32], char **errorp)
{
	(void)rules;
	(void)key;
	(void)errorp;
	return calloc(1, sizeof(struct secretscan));
}

void
secretscan_free(struct secretscan *s)
{
	free(s);
}

const char *
secretscan_strerror(int r)
{
	return r == SECRETSCAN_LIMIT ? "limit" : "failed";
}

int
secretscan_scan(const struct secretscan *s, const void *p, size_t n, secretscan_fn on_finding, void *arg)
{
	struct secretscan_finding f = { .rule = "example", .description = "Example", .fingerprint = "0123456789abcdef",
	    .masked = "EX****ET", .line = 1, .column = 1 };
	const char *text = p, *at = text, *hit;
	int r;

	(void)s;
	if (memmem(text, n, POISON, strlen(POISON)) != NULL)
		return SECRETSCAN_LIMIT;
	while ((hit = memmem(at, n - (size_t)(at - text), WORD, strlen(WORD))) != NULL) {
		for (; at < hit; at++)
			f.line += *at == '\n';
		f.start = (size_t)(hit - text);
		f.end = f.start + strlen(WORD);
		if ((r = on_finding(&f, arg)) != 0)
			return r;
		at = hit + strlen(WORD);
	}
	return 0;
}
