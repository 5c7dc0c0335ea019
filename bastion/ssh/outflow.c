/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/outflow.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/masking.h"
#include "bastion/ssh/tape.h"
#include "secretscan/secretscan.h"

#define TAKE_MAX	(256 * 1024)	/* raw bytes of one stream that wait */
#define PIECE		(64 * 1024)	/* masked and recorded at a time */
#define READY_HIGH	(512 * 1024)	/* masked bytes that wait for the recording or the agent */
#define READY_MAX	(4 * 1024 * 1024)	/* with what masking may add and had held back */
#define SEGMENTS	256
#define TERMINAL_HOLD_US 40000		/* masking may hold back a possible secret for so long without news */
#define STREAM_HOLD_US	1500000

/* A run of ready bytes of one stream that may go once the recording is this long. */
struct segment {
	enum sshchan_stream	 stream;
	size_t			 n;
	uint64_t		 need;
};

struct outflow {
	struct outflow_params	 p;
	struct buf		*raw[2];
	struct secretscan_stream *mask[2];
	struct buf		*ready;		/* masked; at its end what is being fed, .. */
	size_t			 nclean;	/* .. so many bytes that are not recorded yet */
	struct segment		 seg[SEGMENTS];	/* ring */
	size_t			 seg_at, nseg;
	bool			 ending, ended, dropping;
	int64_t			 held_us[2];	/* since when the masking has held something back, or 0 */
	uint64_t		 released;
};

static int
flow_masked(const void *p, size_t n, void *arg)
{
	struct outflow *f = arg;

	int r = buf_put(f->ready, p, n);

	if (r == 0)
		f->nclean += n;
	return r;
}

static int
flow_finding(const struct secretscan_finding *found, void *arg)
{
	struct outflow *f = arg;

	if (f->p.on_mask != NULL)
		f->p.on_mask(found, f->p.arg);
	return 0;
}

struct outflow *
outflow_new(const struct outflow_params *p)
{
	struct outflow *f = xcalloc(1, sizeof(*f));

	f->p = *p;
	f->ready = buf_new(READY_MAX);
	for (int i = 0; i < 2; i++) {
		f->raw[i] = buf_new(TAKE_MAX);
		if (f->raw[i] == NULL)
			fatal("out of memory");
	}
	if (f->ready == NULL)
		fatal("out of memory");
	return f;
}

void
outflow_free(struct outflow *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		buf_free(f->raw[i]);
		secretscan_stream_free(f->mask[i]);
	}
	buf_free(f->ready);
	free(f);
}

size_t
outflow_take(struct outflow *f, enum sshchan_stream st, const void *p, size_t n)
{
	size_t room = buf_room(f->raw[st]);

	if (f->ending)
		return n;	/* after its own EOF; whoever reads has had ours */
	if (n > room)
		n = room;
	return buf_put(f->raw[st], p, n) == 0 ? n : 0;
}

bool
outflow_has_room(const struct outflow *f)
{
	return buf_room(f->raw[SSHCHAN_OUT]) > 0 && buf_room(f->raw[SSHCHAN_ERR]) > 0;
}

void
outflow_end(struct outflow *f)
{
	f->ending = true;
}

void
outflow_drop(struct outflow *f)
{
	f->dropping = true;
}

/* Record what the masking gave out, and have it wait for its release. */
static int
flow_record(struct outflow *f, enum sshchan_stream st, int64_t now_us)
{
	struct segment *s;
	size_t n = f->nclean;
	int r;

	if (n == 0)
		return 0;
	if ((r = tape_data(f->p.tape, st == SSHCHAN_ERR ? CAST_STDERR : CAST_STDOUT, buf_ptr(f->ready) + buf_len(f->ready) - n, n,
	    now_us)) != 0)
		return r;
	f->nclean = 0;
	s = &f->seg[(f->seg_at + f->nseg++) % SEGMENTS];
	s->stream = st;
	s->n = n;
	s->need = tape_written(f->p.tape);
	return 0;
}

static bool
flow_can_mask(const struct outflow *f)
{
	return buf_len(f->ready) < READY_HIGH && f->nseg < SEGMENTS - 4 && tape_has_room(f->p.tape);
}

/* When the first bytes are there: only then is all known that the target was opened with. */
static struct secretscan_stream *
flow_masker(struct outflow *f, enum sshchan_stream st)
{
	struct secretscan_masking m = { .known = f->p.known != NULL ? f->p.known(f->p.arg) : NULL };

	if (f->mask[st] != NULL)
		return f->mask[st];
	if (f->p.masking != NULL) {
		m.pii = f->p.masking->personal;
		m.keep_columns = f->p.masking->keep_columns;
	}
	if ((f->mask[st] = secretscan_stream_new(f->p.scanner, &m, flow_masked, flow_finding, f)) == NULL)
		fatal("out of memory");
	return f->mask[st];
}

static int
flow_mask(struct outflow *f, enum sshchan_stream st, int64_t now_us)
{
	size_t n = buf_len(f->raw[st]) < PIECE ? buf_len(f->raw[st]) : PIECE;
	int r;

	if (n == 0 || !flow_can_mask(f))
		return 0;
	if (secretscan_stream_feed(flow_masker(f, st), buf_ptr(f->raw[st]), n) != 0)
		return ERR_FORMAT;	/* not scanned: not released */
	f->held_us[st] = 0;	/* news: the delay of what is held begins anew */
	(void)buf_consume(f->raw[st], n);
	r = flow_record(f, st, now_us);
	return r != 0 ? r : 1;
}

/*
 * What may become a secret is held until it cannot any more, but not for ever: on a terminal a person waits for the echo, and
 * elsewhere a program may wait for an answer to what looks like the beginning of a token. The flush gives out its first few
 * characters only; what follows of a secret after all is masked.
 */
static int
flow_flush(struct outflow *f, enum sshchan_stream st, int64_t now_us)
{
	struct secretscan_stream *m = f->mask[st];
	int r;

	if (f->ended || m == NULL || secretscan_stream_held(m) == 0) {
		f->held_us[st] = 0;
		return 0;
	}
	if (f->held_us[st] == 0)
		f->held_us[st] = now_us;
	if (now_us - f->held_us[st] < (f->p.terminal ? TERMINAL_HOLD_US : STREAM_HOLD_US) || !flow_can_mask(f))
		return 0;
	f->held_us[st] = now_us;
	if (secretscan_stream_flush(m) != 0)
		return ERR_FORMAT;
	r = flow_record(f, st, now_us);
	return r != 0 ? r : 1;
}

/* Once: give out what the masking held to the end. */
static int
flow_finish(struct outflow *f, int64_t now_us)
{
	int r;

	if (!f->ending || f->ended || buf_len(f->raw[0]) > 0 || buf_len(f->raw[1]) > 0 || !flow_can_mask(f))
		return 0;
	for (int st = SSHCHAN_OUT; st <= SSHCHAN_ERR; st++)
		if ((f->mask[st] != NULL && secretscan_stream_end(f->mask[st]) != 0) ||
		    (r = flow_record(f, (enum sshchan_stream)st, now_us)) != 0)
			return ERR_FORMAT;
	f->ended = true;
	return 1;
}

/* So many bytes of the first stream may go by now: one packet's worth or less, of as many segments as that takes. */
static size_t
flow_released(const struct outflow *f)
{
	const struct segment *first = &f->seg[f->seg_at];
	size_t n = 0;

	for (size_t i = 0; i < f->nseg && n < SSHCHAN_PIECE; i++) {
		const struct segment *s = &f->seg[(f->seg_at + i) % SEGMENTS];

		if (s->stream != first->stream || s->need > tape_kept(f->p.tape))
			break;
		n += s->n;
	}
	return n;
}

static void
flow_consume(struct outflow *f, size_t n)
{
	(void)buf_consume(f->ready, n);
	while (n > 0) {
		struct segment *s = &f->seg[f->seg_at];
		size_t k = n < s->n ? n : s->n;

		s->n -= k;
		n -= k;
		if (s->n > 0)
			break;
		f->seg_at = (f->seg_at + 1) % SEGMENTS;
		f->nseg--;
	}
}

static int
flow_release(struct outflow *f)
{
	int moved = 0;
	size_t most;

	while ((most = flow_released(f)) > 0) {
		ssize_t n = f->dropping ? ERR_EOF : sshchan_write(f->p.to, f->seg[f->seg_at].stream, buf_ptr(f->ready), most);

		if (n == 0)
			break;
		if (n < 0)	/* the agent has gone: nobody to release to */
			n = (ssize_t)most;
		else
			f->released += (uint64_t)n;
		moved = 1;
		flow_consume(f, (size_t)n);
	}
	return moved;
}

int
outflow_step(struct outflow *f, int64_t now_us)
{
	int moved = 0, r;

	for (int st = SSHCHAN_OUT; st <= SSHCHAN_ERR; st++) {
		if ((r = flow_mask(f, (enum sshchan_stream)st, now_us)) < 0)
			return r;
		moved |= r;
	}
	for (int st = SSHCHAN_OUT; st <= SSHCHAN_ERR; st++) {
		if ((r = flow_flush(f, (enum sshchan_stream)st, now_us)) < 0)
			return r;
		moved |= r;
	}
	if ((r = flow_finish(f, now_us)) < 0)
		return r;
	moved |= r;
	return moved | flow_release(f);
}

bool
outflow_is_waiting(const struct outflow *f)
{
	return f->nseg > 0 || buf_len(f->raw[SSHCHAN_OUT]) > 0 || buf_len(f->raw[SSHCHAN_ERR]) > 0 || f->held_us[SSHCHAN_OUT] != 0 ||
	    f->held_us[SSHCHAN_ERR] != 0;
}

bool
outflow_is_done(const struct outflow *f)
{
	return f->ended && f->nseg == 0;
}

uint64_t
outflow_bytes(const struct outflow *f)
{
	return f->released;
}
