/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a file of the target. What the agent writes is scanned in order, and goes to the target as far as it is known to
 * be clean. The scanner's last bytes wait for the next WRITE, or for whatever asks to have it all there: a close, a stat.
 *
 * A WRITE is answered when what went to the target for it has been answered, so its errors reach the agent, and one that
 * writes a byte at a time is not stuck on bytes that are held.
 *
 * Writes that jump about could spell a secret in pieces that are none. A file that this handle made is therefore read back
 * and scanned once more before it is closed; of one that was there before, only the pieces are known to be clean. What is
 * read back is hardly more than what was written: a WRITE that would leave a large hole before it is refused.
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

#define HOLD_MAX	(SFTP_HOLD + 2 * SFTP_PACKET_MAX)	/* a small file, or one WRITE and what the scanner can hold */
#define WRITE_MAX	(SFTP_PIECE + 512)	/* of one WRITE of ours: a piece, and what was held before it */

#define HOLE_MAX	(64ULL * 1024 * 1024)	/* in a file that is made: clients that write in parallel are less ahead */

/* One WRITE of the agent's, or a flush. */
struct write {
	struct write		*next;
	struct sftp_writer	*w;
	bool			 answer;	/* somebody waits */
	uint32_t		 id;
	unsigned		 waiting;	/* of ours */
	uint32_t		 error;
};

struct sftp_writer {
	struct sftp		*x;
	struct sftp_file	*f;
	struct write		*writes;
	struct transfer		*t;		/* NULL: a secret was found, nothing more is written */
	char			*refusal;
	struct buf		*hold;
	uint64_t		 hold_at;	/* offset of its first byte */
	uint64_t		 fed, sent;	/* since the last jump */
	uint64_t		 passed;
	uint64_t		 size;		/* of the file, at its close; UINT64_MAX: not known */
	bool			 jumped;
	uint64_t		 high;		/* where the furthest WRITE ended */
	enum check { CHECK_NOT_YET, CHECK_RUNS, CHECK_DONE } check;
	uint8_t			 check_handle[SFTP_HANDLE_MAX];
	size_t			 ncheck_handle;
	uint64_t		 checked;
	unsigned		 waiting;
	bool			 failed;	/* the target did not take all of it */
	uint32_t		 error;		/* of bytes whose WRITE was answered before */
};

struct sftp_writer *
sftp_writer_new(struct sftp_file *f)
{
	struct sftp_writer *w = xcalloc(1, sizeof(*w));
	struct transfer_params p = { .session = f->x->s, .request = f->x->p.request, .how = "sftp", .to_target = true,
	    .path = f->place.asked, .resolved = f->place.real, .file = true, .hold = SFTP_HOLD };

	w->x = f->x;
	w->f = f;
	w->t = transfer_new(&p);
	if ((w->hold = buf_new(HOLD_MAX)) == NULL)
		fatal("out of memory");
	w->size = UINT64_MAX;
	w->x->transfers++;
	return w;
}

void
sftp_writer_measure(struct sftp_writer *w, uint64_t size)
{
	w->size = size;
}

static void
write_done(struct write *one)
{
	struct sftp_writer *w = one->w;
	struct write **wp = &w->writes;

	while (*wp != one)
		wp = &(*wp)->next;
	*wp = one->next;
	w->failed |= one->error != SFTP_OK;
	if (one->answer)
		sftp_reply_status(w->x, one->id, one->error, NULL);
	else if (w->error == SFTP_OK)
		w->error = one->error;
	free(one);
}

static int
on_written(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct write *one = arg;
	struct sftp_writer *w = one->w;

	w->f->pending--;
	w->waiting--;
	x->moved = true;
	if (one->error == SFTP_OK)
		one->error = k->status;
	if (--one->waiting == 0)
		write_done(one);
	return k->type == SFTP_STATUS ? 0 : ERR_FORMAT;
}

static int
on_emptied(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_file *f = arg;

	f->pending--;
	x->moved = true;
	return k->type == SFTP_STATUS ? 0 : ERR_FORMAT;
}

/* What this handle made is emptied; what was there before it stays as it is, for it is not ours to throw away. */
static void
writer_deny(struct sftp_writer *w, const char *why)
{
	bool made = w->f->made;
	struct sftp_packet k = { .type = SFTP_FSETSTAT, .handle = sftp_file_target(w->f), .attrs = { .flags = SFTP_ATTR_SIZE } };

	w->refusal = xasprintf("%s; %s", why, made ? "the file on the target was emptied" :
	    "what came before it is on the target");
	sftp_tell_refusal(w->x, w->refusal);
	transfer_passed(w->t, w->passed, false);
	transfer_end(w->t, "denied");
	w->t = NULL;
	buf_clear(w->hold);
	if (!made)
		return;
	sftp_ask(w->x, &k, on_emptied, w->f);
	w->f->pending++;
}

static void
writer_send(struct sftp_writer *w, struct write *one, size_t n)
{
	struct sftp_packet k = { .type = SFTP_WRITE, .handle = sftp_file_target(w->f), .offset = w->hold_at };

	k.data = (struct sftp_bytes){ buf_ptr(w->hold), n };
	sftp_ask(w->x, &k, on_written, one);
	one->waiting++;
	w->waiting++;
	w->f->pending++;
	(void)buf_consume(w->hold, n);
	w->hold_at += n;
	w->sent += n;
	w->passed += n;
	w->x->bytes_in += n;
}

/* All that is clean. The write is answered, and gone, when its own have been. */
static void
writer_send_clean(struct sftp_writer *w, struct write *one)
{
	uint64_t clean = transfer_clean(w->t);

	while (w->sent < clean)
		writer_send(w, one, clean - w->sent < WRITE_MAX ? (size_t)(clean - w->sent) : WRITE_MAX);
	if (one->waiting == 0)
		write_done(one);
}

static struct write *
write_new(struct sftp_writer *w, bool answer, uint32_t id)
{
	struct write *one = xcalloc(1, sizeof(*one));

	one->w = w;
	one->answer = answer;
	one->id = id;
	one->next = w->writes;
	w->writes = one;
	return one;
}

void
sftp_writer_flush(struct sftp_writer *w)
{
	if (w->t == NULL || w->check != CHECK_NOT_YET)	/* what is read back is not to be sent once more */
		return;
	if (transfer_settle(w->t) != 0)
		writer_deny(w, transfer_why(w->t));
	else if (buf_len(w->hold) > 0)
		writer_send_clean(w, write_new(w, false, 0));
}

void
sftp_writer_write(struct sftp_writer *w, uint32_t id, uint64_t offset, struct sftp_bytes data)
{
	static const struct verdict far = { .rule = "not-scanned", .because = "more than 64 MiB before it would be a hole",
	    .detail = "write the file from its beginning on" };
	bool append = (w->f->flags & SFTP_APPEND) != 0;

	if (!append && w->t != NULL && w->f->made && offset > w->passed + buf_len(w->hold) + HOLE_MAX) {
		sftp_refuse(w->x, id, "write", &w->f->place, &far);
		return;
	}
	if (!append && offset != w->hold_at + buf_len(w->hold)) {	/* elsewhere: what is held has no more to come */
		sftp_writer_flush(w);
		if (w->t != NULL) {
			transfer_seek(w->t, offset);
			w->hold_at = offset;
			w->sent = 0;
			w->jumped = true;
		}
	}
	if (w->t != NULL && transfer_feed(w->t, data.p, data.n) != 0)
		writer_deny(w, transfer_why(w->t));
	if (w->t == NULL) {
		sftp_reply_status(w->x, id, SFTP_PERMISSION_DENIED, w->refusal);
		return;
	}
	if (buf_put(w->hold, data.p, data.n) != 0)
		fatal("SFTP: more is held than can be");
	if (w->hold_at + buf_len(w->hold) > w->high)
		w->high = w->hold_at + buf_len(w->hold);
	writer_send_clean(w, write_new(w, true, id));
}

/* Reading back */

static int on_read_back(struct sftp *, const struct sftp_packet *, void *);

static void
check_end(struct sftp_writer *w)
{
	struct sftp_packet k = { .type = SFTP_CLOSE, .handle = { w->check_handle, w->ncheck_handle } };

	w->check = CHECK_DONE;
	sftp_ask(w->x, &k, on_emptied, w->f);
	w->f->pending++;
}

static void
check_read(struct sftp_writer *w)
{
	struct sftp_packet k = { .type = SFTP_READ, .handle = { w->check_handle, w->ncheck_handle }, .offset = w->checked,
	    .len = SFTP_PIECE };

	sftp_ask(w->x, &k, on_read_back, w);
	w->f->pending++;
}

static void
check_fail(struct sftp_writer *w)
{
	char *line = xasprintf("denied %s rule=not-scanned: what was written out of order could not be read back; write it in order",
	    w->x->p.request);

	writer_deny(w, line);
	free(line);
}

static int
on_read_back(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_writer *w = arg;
	bool data = k->type == SFTP_DATA && k->data.n > 0 && k->data.n <= SFTP_PIECE;

	w->f->pending--;
	x->moved = true;
	if (!data && k->type != SFTP_STATUS)
		return ERR_FORMAT;
	if (data && transfer_feed(w->t, k->data.p, k->data.n) != 0) {
		writer_deny(w, transfer_why(w->t));
		check_end(w);
		return 0;
	}
	w->checked += data ? k->data.n : 0;
	if (data && w->checked < w->high) {
		check_read(w);
		return 0;
	}
	if (!data && (k->status != SFTP_EOF || w->checked < w->high))
		check_fail(w);
	else if (transfer_settle(w->t) != 0)
		writer_deny(w, transfer_why(w->t));
	check_end(w);
	return 0;
}

static int
on_opened_back(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_writer *w = arg;

	w->f->pending--;
	x->moved = true;
	if (k->type == SFTP_STATUS) {
		w->check = CHECK_DONE;
		check_fail(w);
		return 0;
	}
	if (k->type != SFTP_HANDLE)
		return ERR_FORMAT;
	memcpy(w->check_handle, k->handle.p, k->handle.n);
	w->ncheck_handle = k->handle.n;
	transfer_seek(w->t, 0);
	check_read(w);
	return 0;
}

bool
sftp_writer_check(struct sftp_writer *w)
{
	struct sftp_packet k = { .type = SFTP_OPEN, .path = sftp_text(w->f->place.real), .flags = SFTP_FOR_READ };

	if (w->check == CHECK_DONE || (w->check == CHECK_NOT_YET && (!w->jumped || !w->f->made || w->t == NULL)))
		return true;
	if (w->check == CHECK_NOT_YET) {
		w->check = CHECK_RUNS;
		sftp_ask(w->x, &k, on_opened_back, w);
		w->f->pending++;
	}
	return false;
}

bool
sftp_writer_is_idle(const struct sftp_writer *w)
{
	return w->waiting == 0 && buf_len(w->hold) == 0;
}

uint32_t
sftp_writer_error(const struct sftp_writer *w, const char **textp)
{
	*textp = w->refusal;
	return w->t == NULL ? SFTP_PERMISSION_DENIED : w->error;
}

void
sftp_writer_end(struct sftp_writer *w, const char *result)
{
	char *shown;

	if (w == NULL)
		return;
	if (w->t != NULL) {
		transfer_passed(w->t, w->passed, !w->jumped && w->size == w->passed && buf_len(w->hold) == 0);
		if (w->failed)
			result = "failed";
		shown = sftp_shown(w->x, w->f->place.asked);
		tape_notef(w->x->p.tape, "in %s %llu bytes: %s", shown, (unsigned long long)w->passed, result);
		free(shown);
		transfer_end(w->t, result);
	}
	for (struct write *one = w->writes, *next; one != NULL; one = next) {
		next = one->next;
		free(one);
	}
	buf_free(w->hold);
	free(w->refusal);
	free(w);
}
