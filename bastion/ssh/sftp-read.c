/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file of the target. The agent's READs are not passed on: a window of the file is fetched ahead, in order, and
 * scanned in order, and a READ is answered from what is known to be clean. So it does not matter in which pieces or in which
 * order an agent reads. A READ elsewhere begins the window anew, some way before it, for a secret that begins there.
 *
 *	base             clean             fetched            next
 *	|--- may be answered ---|--- held back ---|--- asked for ---|
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp_int.h"
#include "bastion/ssh/tape.h"
#include "bastion/ssh/transfer.h"

#define WINDOW_MAX	(2 * 1024 * 1024)
#define AHEAD_MIN	(64 * 1024)	/* asked for beyond what is wanted; doubled while the agent goes on in order */
#define AHEAD_MAX	(1024 * 1024)
#define AHEAD_ALL	(8 * 1024 * 1024)	/* shared by all files that are read */
#define CONTEXT		(16 * 1024)	/* scanned before an offset that was jumped to: most keys are shorter */
#define BEHIND		(16 * 1024)	/* kept of what was answered */
#define READ_MAX	(64 * 1024)	/* of one READ; a shorter answer is allowed */
#define READS_MAX	128		/* of the agent, unanswered */
#define NOWHERE		UINT64_MAX

/* One READ of ours. They stand in the order of their offsets. */
struct fetch {
	struct fetch		*next;
	struct sftp_reader	*r;
	bool			 dead;		/* the window has moved elsewhere */
	bool			 answered;
	uint64_t		 offset;
	uint32_t		 len;
	struct buf		*data;		/* an answer that came before its turn */
	uint32_t		 status;
};

struct want {
	uint32_t	 id;
	uint64_t	 offset;
	uint32_t	 len;
};

struct sftp_reader {
	struct sftp		*x;
	struct sftp_file	*f;
	struct transfer		*t;		/* NULL: a secret was found, nothing more is read */
	char			*refusal;
	struct buf		*window;
	uint64_t		 base;		/* offset of the window's first byte */
	uint64_t		 origin;	/* where the scanner began */
	uint64_t		 next;
	uint64_t		 stop;		/* where the file ends, or cannot be read on; NOWHERE: not known */
	uint32_t		 stop_status;
	bool			 told_stop;
	struct fetch		*fetches;
	unsigned		 nfetches;	/* that are not dead */
	struct want		 wants[READS_MAX];	/* ring */
	size_t			 want_at, nwants;
	uint64_t		 after;		/* where the last answer ended */
	size_t			 ahead;
	uint64_t		 passed;	/* bytes given to the agent */
	uint64_t		 front;		/* all before it was given */
};

struct sftp_reader *
sftp_reader_new(struct sftp_file *f)
{
	struct sftp_reader *r = xcalloc(1, sizeof(*r));
	struct transfer_params p = { .session = f->x->s, .request = f->x->p.request, .how = "sftp", .to_target = false,
	    .path = f->place.asked, .resolved = f->place.real, .file = true, .hold = SFTP_HOLD };

	r->x = f->x;
	r->f = f;
	r->t = transfer_new(&p);
	r->stop = NOWHERE;
	r->ahead = AHEAD_MIN;
	if ((r->window = buf_new(WINDOW_MAX + 2 * SFTP_PIECE)) == NULL)
		fatal("out of memory");
	r->x->transfers++;
	r->x->nreaders++;
	return r;
}

static void
fetch_free(struct fetch *f)
{
	buf_free(f->data);
	free(f);
}

/* What is under way is for nothing now. */
static void
reader_abandon(struct sftp_reader *r)
{
	for (struct fetch **fp = &r->fetches; *fp != NULL;) {
		struct fetch *f = *fp;

		if (f->answered) {
			*fp = f->next;
			fetch_free(f);
			continue;
		}
		f->dead = true;
		fp = &f->next;
	}
	r->nfetches = 0;
}

static void
reader_jump(struct sftp_reader *r, uint64_t offset)
{
	uint64_t start = offset > CONTEXT ? offset - CONTEXT : 0;

	reader_abandon(r);
	buf_clear(r->window);
	transfer_seek(r->t, start);
	r->base = r->origin = r->next = start;
	r->stop = NOWHERE;
	r->told_stop = false;
	r->ahead = AHEAD_MIN;
}

void
sftp_reader_forget(struct sftp_reader *r)
{
	if (r->t != NULL)
		reader_jump(r, r->after);
}

static void
reader_deny(struct sftp_reader *r)
{
	r->refusal = xstrdup(transfer_why(r->t));
	sftp_tell_refusal(r->x, r->refusal);
	transfer_passed(r->t, r->passed, false);
	transfer_end(r->t, "denied");
	r->t = NULL;
	reader_abandon(r);
	buf_clear(r->window);
}

/* What comes from the target */

static void fetch_send(struct sftp_reader *, struct fetch **at, uint64_t offset, uint32_t len);

static int
reader_append(struct sftp_reader *r, const uint8_t *p, size_t n)
{
	if (buf_put(r->window, p, n) != 0)
		fatal("SFTP: a window is over its ceiling");
	if (transfer_feed(r->t, p, n) != 0) {
		reader_deny(r);
		return ERR_DENIED;
	}
	return 0;
}

/* The first of our READs is answered: its bytes are the next of the window. */
static void
reader_absorb(struct sftp_reader *r, struct fetch *f, const uint8_t *p, size_t n)
{
	uint64_t offset = f->offset;
	uint32_t len = f->len, status = f->status;

	r->fetches = f->next;
	r->nfetches--;
	if (status != SFTP_OK) {
		r->stop = offset;
		r->stop_status = status;
		reader_abandon(r);
		r->next = offset;
		if (transfer_settle(r->t) != 0)
			reader_deny(r);
		return;
	}
	if (reader_append(r, p, n) == 0 && n < len)	/* less than was asked for: the rest, first of all */
		fetch_send(r, &r->fetches, offset + n, len - (uint32_t)n);
}

static void
reader_absorb_all(struct sftp_reader *r)
{
	while (r->t != NULL && r->fetches != NULL && r->fetches->answered && !r->fetches->dead) {
		struct fetch *f = r->fetches;

		reader_absorb(r, f, f->data == NULL ? NULL : buf_ptr(f->data), f->data == NULL ? 0 : buf_len(f->data));
		fetch_free(f);
	}
}

static void
fetch_unlink(struct sftp_reader *r, struct fetch *f)
{
	for (struct fetch **fp = &r->fetches; *fp != NULL; fp = &(*fp)->next)
		if (*fp == f) {
			*fp = f->next;
			return;
		}
}

static struct fetch *
first_alive(const struct sftp_reader *r)
{
	struct fetch *f = r->fetches;

	while (f != NULL && f->dead)
		f = f->next;
	return f;
}

static int
on_read(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct fetch *f = arg;
	struct sftp_reader *r = f->r;

	r->f->pending--;
	x->moved = true;
	if ((k->type != SFTP_DATA || k->data.n == 0 || k->data.n > f->len) && (k->type != SFTP_STATUS || k->status == SFTP_OK))
		return ERR_FORMAT;
	if (f->dead) {
		fetch_unlink(r, f);
		fetch_free(f);
		return 0;
	}
	f->answered = true;
	f->status = k->type == SFTP_STATUS ? k->status : SFTP_OK;
	if (first_alive(r) == f) {
		fetch_unlink(r, f);	/* dead ones may stand before it */
		f->next = r->fetches;
		r->fetches = f;
		reader_absorb(r, f, k->data.p, k->data.n);
		fetch_free(f);
		reader_absorb_all(r);
	} else if (k->type == SFTP_DATA) {
		if ((f->data = buf_new(k->data.n)) == NULL || buf_put(f->data, k->data.p, k->data.n) != 0)
			fatal("out of memory");
	}
	return 0;
}

static void
fetch_send(struct sftp_reader *r, struct fetch **at, uint64_t offset, uint32_t len)
{
	struct sftp_packet k = { .type = SFTP_READ, .handle = sftp_file_target(r->f), .offset = offset, .len = len };
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->r = r;
	f->offset = offset;
	f->len = len;
	f->next = *at;
	*at = f;
	r->nfetches++;
	r->f->pending++;
	sftp_ask(r->x, &k, on_read, f);
}

/* What the agent gets */

bool
sftp_reader_ask(struct sftp_reader *r, uint32_t id, uint64_t offset, uint32_t len)
{
	struct want *w = &r->wants[(r->want_at + r->nwants) % READS_MAX];

	if (r->nwants == READS_MAX)
		return false;
	if (len == 0 || offset > INT64_MAX - READ_MAX) {
		sftp_reply_status(r->x, id, len == 0 ? SFTP_FAILURE : SFTP_EOF, NULL);
		return true;
	}
	*w = (struct want){ .id = id, .offset = offset, .len = len < READ_MAX ? len : READ_MAX };
	r->nwants++;
	/* Whoever asks again behind the end wants to know whether there is more by now. */
	if (r->told_stop) {
		r->stop = NOWHERE;
		r->told_stop = false;
	}
	return true;
}

static void
reader_give(struct sftp_reader *r, const struct want *w, size_t n)
{
	struct sftp_packet k = { .type = SFTP_DATA, .id = w->id };
	size_t behind;

	k.data = (struct sftp_bytes){ buf_ptr(r->window) + (w->offset - r->base), n };
	sftp_reply(r->x, &k);
	r->passed += n;
	r->x->bytes_out += n;
	if (w->offset <= r->front && w->offset + n > r->front)
		r->front = w->offset + n;
	if (w->offset == r->after && r->ahead < AHEAD_MAX && 2 * r->ahead * r->x->nreaders <= AHEAD_ALL)
		r->ahead *= 2;
	r->after = w->offset + n;
	behind = (size_t)(r->after - r->base);
	if (behind > BEHIND) {
		(void)buf_consume(r->window, behind - BEHIND);
		r->base += behind - BEHIND;
	}
}

/* The first READ that waits. True when it was answered. */
static bool
reader_answer(struct sftp_reader *r)
{
	const struct want *w = &r->wants[r->want_at];
	uint64_t clean;

	if (r->t == NULL) {
		sftp_reply_status(r->x, w->id, SFTP_PERMISSION_DENIED, r->refusal);
		return true;
	}
	if (w->offset < r->base || w->offset > r->next + AHEAD_MAX) {
		reader_jump(r, w->offset);
		return false;
	}
	clean = r->origin + transfer_clean(r->t);
	if (w->offset + w->len <= clean) {
		reader_give(r, w, w->len);
		return true;
	}
	if (r->stop == NOWHERE)
		return false;
	if (w->offset < r->stop)
		reader_give(r, w, (size_t)(r->stop - w->offset));
	else {
		sftp_reply_status(r->x, w->id, r->stop_status, NULL);
		r->told_stop = true;
	}
	return true;
}

/* Ask for what the first READ needs, and ahead of it; in batches, so that the window seldom moves in memory. */
static void
reader_fetch(struct sftp_reader *r)
{
	const struct want *w = &r->wants[r->want_at];
	size_t ahead = r->ahead * r->x->nreaders <= AHEAD_ALL ? r->ahead : AHEAD_MIN;
	uint64_t need = w->offset + w->len, until = need + ahead;
	struct fetch **end = &r->fetches;

	if (r->nwants == 0 || r->t == NULL || r->stop != NOWHERE)
		return;
	if (r->next >= until && r->nfetches == 0)
		until = r->next + SFTP_PIECE;	/* the scanner holds back what is there until it has seen more */
	if (r->next + ahead / 2 > until && r->nfetches > 0)
		return;
	if (until > r->base + WINDOW_MAX)
		until = r->base + WINDOW_MAX;
	while (*end != NULL)
		end = &(*end)->next;
	while (r->next < until && sftp_may_fetch(r->x)) {
		fetch_send(r, end, r->next, SFTP_PIECE);
		end = &(*end)->next;
		r->next += SFTP_PIECE;
	}
}

void
sftp_reader_step(struct sftp_reader *r)
{
	reader_absorb_all(r);
	while (r->nwants > 0 && buf_len(r->x->to_agent) < SFTP_OUT_HIGH && reader_answer(r)) {
		r->want_at = (r->want_at + 1) % READS_MAX;
		r->nwants--;
	}
	reader_fetch(r);
}

bool
sftp_reader_is_idle(const struct sftp_reader *r)
{
	return r->nwants == 0;
}

void
sftp_reader_end(struct sftp_reader *r, const char *result)
{
	char *shown;

	if (r == NULL)
		return;
	if (r->t != NULL) {
		transfer_passed(r->t, r->passed, r->stop_status == SFTP_EOF && r->front == r->stop && r->stop != NOWHERE);
		shown = sftp_shown(r->x, r->f->place.asked);
		tape_notef(r->x->p.tape, "out %s %llu bytes: %s", shown, (unsigned long long)r->passed, result);
		free(shown);
		transfer_end(r->t, result);
	}
	for (struct fetch *f = r->fetches, *next; f != NULL; f = next) {
		next = f->next;
		fetch_free(f);
	}
	r->x->nreaders--;
	buf_free(r->window);
	free(r->refusal);
	free(r);
}
