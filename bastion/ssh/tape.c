/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

#define TAPE_AHEAD	(2 * 1024 * 1024)	/* bytes that may be on their way to the file */
#define TAPE_LINES	(4 * 1024 * 1024)	/* cast lines of one call */
#define TAPE_PIECE	(20 * 1024)		/* bytes of one event: six times as many still fit AUDIT_DATA_MAX */

struct tape {
	struct link	*audit;
	uint32_t	 channel;
	enum tape_state	 state;
	struct cast	*cast;
	struct buf	*lines;		/* encoded, to be sent */
	uint64_t	 written, kept;
	char		*id;
};

struct tape *
tape_new(struct link *audit, uint32_t channel, const struct cast_params *p)
{
	struct tape *t = xcalloc(1, sizeof(*t));
	struct buf *m = buf_new(MSG_MAX), *head = buf_new(AUDIT_DATA_MAX);

	t->audit = audit;
	t->channel = channel;
	t->id = xstrdup("");
	t->lines = buf_new(TAPE_LINES);
	if (m == NULL || head == NULL || t->lines == NULL || (t->cast = cast_new(p, head)) == NULL ||
	    buf_put_u32(m, channel) != 0 || buf_put_string(m, buf_ptr(head), buf_len(head)) != 0 ||
	    link_send(audit, AUDIT_REC_OPEN, channel, m, -1) != 0)
		t->state = TAPE_FAILED;
	t->written = t->state == TAPE_FAILED ? 0 : buf_len(head) + 1;	/* and its LF */
	buf_free(m);
	buf_free(head);
	return t;
}

/* Ask for the seal; the audit process answers when it is durable. */
static int
tape_seal(struct tape *t)
{
	struct buf *m = buf_new(64);
	int r;

	if (m == NULL || buf_put_u32(m, t->channel) != 0)
		fatal("out of memory");
	r = link_send(t->audit, AUDIT_REC_CLOSE, 0, m, -1);
	buf_free(m);
	t->state = r == 0 ? TAPE_CLOSING : TAPE_FAILED;
	return r;
}

void
tape_free(struct tape *t)
{
	if (t == NULL)
		return;
	if (t->state == TAPE_OPEN)
		(void)tape_seal(t);
	cast_free(t->cast);
	buf_free(t->lines);
	free(t->id);
	free(t);
}

enum tape_state
tape_state(const struct tape *t)
{
	return t->state;
}

const char *
tape_id(const struct tape *t)
{
	return t->id;
}

uint32_t
tape_channel(const struct tape *t)
{
	return t->channel;
}

uint64_t
tape_written(const struct tape *t)
{
	return t->written;
}

uint64_t
tape_kept(const struct tape *t)
{
	return t->kept;
}

bool
tape_has_room(const struct tape *t)
{
	return t->state == TAPE_OPEN && t->written - t->kept < TAPE_AHEAD && link_queued(t->audit) < MSG_OUT_HIGH;
}

/* As many whole lines as fit one message. */
static size_t
tape_whole_lines(const struct tape *t)
{
	size_t n = buf_len(t->lines) < AUDIT_DATA_MAX ? buf_len(t->lines) : AUDIT_DATA_MAX;
	const uint8_t *end = memrchr(buf_ptr(t->lines), '\n', n);

	return end == NULL ? 0 : (size_t)(end - buf_ptr(t->lines)) + 1;
}

/* Send the encoded lines in pieces of whole lines. */
static int
tape_send(struct tape *t)
{
	struct buf *m = buf_new(16);
	int r = 0;

	if (m == NULL)
		fatal("out of memory");
	while (r == 0 && buf_len(t->lines) > 0) {
		size_t n = tape_whole_lines(t);

		if (n == 0)
			fatal("a line of a recording is over its ceiling");
		buf_clear(m);	/* u32 channel, s lines: of the string, only its length is in m */
		if ((r = buf_put_u32(m, t->channel)) == 0 && (r = buf_put_u32(m, (uint32_t)n)) == 0)
			r = link_send_long(t->audit, AUDIT_REC_DATA, 0, m, buf_ptr(t->lines), n);
		t->written += n;
		(void)buf_consume(t->lines, n);
	}
	buf_free(m);
	if (r != 0)
		t->state = TAPE_FAILED;
	return r;
}

int
tape_data(struct tape *t, enum cast_stream st, const void *p, size_t n, int64_t now_us)
{
	const uint8_t *s = p;
	int r = t->state == TAPE_OPEN ? 0 : ERR_DENIED;

	for (size_t at = 0; r == 0 && at < n; at += TAPE_PIECE)
		r = cast_data(t->cast, st, s + at, n - at < TAPE_PIECE ? n - at : TAPE_PIECE, now_us, t->lines);
	return r != 0 ? r : tape_send(t);
}

int
tape_resize(struct tape *t, unsigned cols, unsigned rows, int64_t now_us)
{
	int r = t->state == TAPE_OPEN ? cast_resize(t->cast, cols, rows, now_us, t->lines) : ERR_DENIED;

	return r != 0 ? r : tape_send(t);
}

int
tape_marker(struct tape *t, const char *text, int64_t now_us)
{
	int r = t->state == TAPE_OPEN ? cast_marker(t->cast, text, now_us, t->lines) : ERR_DENIED;

	return r != 0 ? r : tape_send(t);
}

void
tape_notef(struct tape *t, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		fatal("out of memory formatting a marker");
	va_end(ap);
	(void)tape_marker(t, text, clock_mono_us());
	free(text);
}

int
tape_close(struct tape *t, int status, const char *signal, int64_t now_us)
{
	int r;

	if (t->state != TAPE_OPEN)
		return ERR_DENIED;
	if ((r = cast_exit(t->cast, status, signal, now_us, t->lines)) != 0 || (r = tape_send(t)) != 0)
		return r;
	return tape_seal(t);
}

void
tape_opened(struct tape *t, int ok, const char *text)
{
	if (t->state != TAPE_OPENING)
		return;
	free(t->id);
	t->id = xstrdup(text);
	t->state = ok ? TAPE_OPEN : TAPE_FAILED;
	if (ok)
		t->kept = t->written;	/* the header line: nothing else can have been written yet */
}

void
tape_acked(struct tape *t, uint64_t bytes)
{
	if (bytes > t->kept && bytes <= t->written)
		t->kept = bytes;
}

void
tape_fail(struct tape *t)
{
	if (t->state != TAPE_CLOSED)
		t->state = TAPE_FAILED;
}

void
tape_sealed(struct tape *t)
{
	if (t->state == TAPE_CLOSING)
		t->state = TAPE_CLOSED;
}
