/* SPDX-License-Identifier: Apache-2.0 */
/* The masker is a line of stages: values known to the owner, then the rules, then personal data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/secretscan.h"
#include "secretscan/stage.h"

#define STAGES	3

/* A stage and what hands its output to the next one. */
struct link {
	struct secretscan_stream	*stream;
	const struct stage_ops		*ops;
	void				*stage;
	size_t				 at;
};

struct secretscan_stream {
	secretscan_out_fn	 out;
	secretscan_fn		 on_finding;
	void			*arg;
	int			 failed;	/* the first error; nothing is released after it */
	size_t			 n;
	struct link		 links[STAGES];
};

static int
on_stage_out(const void *p, size_t n, void *arg)
{
	const struct link *l = arg;
	struct secretscan_stream *st = l->stream;
	const struct link *next = l + 1;

	return l->at + 1 == st->n ? st->out(p, n, st->arg) : next->ops->feed(next->stage, p, n);
}

static int
on_stage_finding(const struct secretscan_finding *f, void *arg)
{
	const struct link *l = arg;

	return l->stream->on_finding != NULL ? l->stream->on_finding(f, l->stream->arg) : 0;
}

static struct stage_out
next_link(struct secretscan_stream *st, const struct stage_ops *ops, bool keep_columns)
{
	struct link *l = &st->links[st->n];

	*l = (struct link){ .stream = st, .ops = ops, .at = st->n };
	return (struct stage_out){ on_stage_out, on_stage_finding, l, keep_columns };
}

static bool
add_link(struct secretscan_stream *st, void *stage)
{
	st->links[st->n].stage = stage;
	return stage != NULL && ++st->n > 0;
}

static bool
add_stages(struct secretscan_stream *st, const struct secretscan *ss, const struct secretscan_masking *m)
{
	struct stage_out out;

	if (m->known != NULL) {
		out = next_link(st, &stage_known_ops, m->keep_columns);
		if (!add_link(st, stage_known_new(m->known, &out)))
			return false;
	}
	out = next_link(st, &stage_secrets_ops, m->keep_columns);
	if (!add_link(st, stage_secrets_new(ss, &out)))
		return false;
	if (m->pii != 0) {
		out = next_link(st, &stage_pii_ops, m->keep_columns);
		if (!add_link(st, stage_pii_new(ss, m->pii, &out)))
			return false;
	}
	return true;
}

struct secretscan_stream *
secretscan_stream_new(const struct secretscan *ss, const struct secretscan_masking *m, secretscan_out_fn out,
    secretscan_fn on_finding, void *arg)
{
	static const struct secretscan_masking plain;
	struct secretscan_stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->out = out;
	st->on_finding = on_finding;
	st->arg = arg;
	if (add_stages(st, ss, m != NULL ? m : &plain))
		return st;
	secretscan_stream_free(st);
	return NULL;
}

void
secretscan_stream_free(struct secretscan_stream *st)
{
	if (st == NULL)
		return;
	for (size_t i = 0; i < st->n; i++)
		st->links[i].ops->free(st->links[i].stage);
	free(st);
}

int
secretscan_stream_feed(struct secretscan_stream *st, const void *p, size_t n)
{
	if (st->failed == 0 && n > 0)
		st->failed = st->links[0].ops->feed(st->links[0].stage, p, n);
	return st->failed;
}

size_t
secretscan_stream_held(const struct secretscan_stream *st)
{
	size_t held = 0;

	for (size_t i = 0; i < st->n; i++)
		held += st->links[i].ops->held(st->links[i].stage);
	return held;
}

int
secretscan_stream_flush(struct secretscan_stream *st)
{
	for (size_t i = 0; i < st->n && st->failed == 0; i++)
		st->failed = st->links[i].ops->flush(st->links[i].stage);
	return st->failed;
}

int
secretscan_stream_end(struct secretscan_stream *st)
{
	for (size_t i = 0; i < st->n && st->failed == 0; i++)
		st->failed = st->links[i].ops->end(st->links[i].stage);
	return st->failed;
}

int
stage_mask(const struct stage_out *to, const struct secretscan_finding *f)
{
	char token[sizeof("[masked::]") + 64 + SECRETSCAN_FINGERPRINT];
	size_t width = f->secret_len > 0 ? f->secret_len : f->end - f->start, n;
	char stars[64];
	int e;

	if (to->on_finding != NULL && (e = to->on_finding(f, to->arg)) != 0)
		return e;
	n = (size_t)snprintf(token, sizeof(token), "[masked:%s:%s]", f->rule, f->fingerprint);
	if (!to->keep_columns)
		return to->out(token, n, to->arg);
	/* As wide as what it stands for: cut off, or filled up. */
	memset(stars, '*', sizeof(stars));
	if ((e = to->out(token, n < width ? n : width, to->arg)) != 0)
		return e;
	for (width -= n < width ? n : width; width > 0 && e == 0; width -= n) {
		n = width < sizeof(stars) ? width : sizeof(stars);
		e = to->out(stars, n, to->arg);
	}
	return e;
}
