/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner for tests of what surrounds one: finds the word EXAMPLE-SECRET, and cannot scan what holds UNSCANNABLE. It knows no pairs. */
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

/* A stream is scanned piece by piece: a word across two pieces is not found. */
struct secretscan_stream {
	const struct secretscan	*scanner;
	secretscan_fn		 on_finding;
	void			*arg;
};

struct secretscan_stream *
secretscan_stream_new(const struct secretscan *s, const struct secretscan_masking *masking, secretscan_out_fn out,
    secretscan_fn on_finding, void *arg)
{
	struct secretscan_stream *stream = calloc(1, sizeof(*stream));

	(void)masking;
	(void)out;
	if (stream != NULL)
		*stream = (struct secretscan_stream){ .scanner = s, .on_finding = on_finding, .arg = arg };
	return stream;
}

void
secretscan_stream_free(struct secretscan_stream *stream)
{
	free(stream);
}

int
secretscan_stream_feed(struct secretscan_stream *stream, const void *p, size_t n)
{
	return secretscan_scan(stream->scanner, p, n, stream->on_finding, stream->arg);
}

int
secretscan_stream_end(struct secretscan_stream *stream)
{
	(void)stream;
	return 0;
}

struct secretscan_pairs *
secretscan_pairs_new(const struct secretscan *s)
{
	(void)s;
	return calloc(1, sizeof(int));
}

void
secretscan_pairs_free(struct secretscan_pairs *ps)
{
	free(ps);
}

int
secretscan_pairs_add(struct secretscan_pairs *ps, const struct secretscan_half *half)
{
	(void)ps;
	(void)half;
	return 0;
}

int
secretscan_pairs_find(struct secretscan_pairs *ps)
{
	(void)ps;
	return 0;
}

const char *
secretscan_pairs_other(const struct secretscan_pairs *ps, size_t i)
{
	(void)ps;
	(void)i;
	return NULL;
}
