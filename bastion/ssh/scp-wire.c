/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/scp-wire.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

#define PATH_MAX_BYTES	4096
#define SIZE_DIGITS	18	/* of a file; 2^60 has 19 */

enum state {
	STATE_HELLO,		/* the sink says that it is there */
	STATE_MESSAGE,		/* the source says what comes */
	STATE_ANSWER,		/* the sink says whether it takes that */
	STATE_DATA,
	STATE_DATA_END,		/* the source says whether it has sent the file as it is */
	STATE_DATA_ANSWER,	/* the sink says whether it has kept it */
	STATE_OVER,
};

struct scp_wire {
	bool		 recursive;
	enum state	 state;
	enum scp_kind	 last;			/* ANSWER: to what */
	uint64_t	 left;
	char		 name[SCP_NAME_MAX + 1];
	char		 folder[PATH_MAX_BYTES];	/* ends with '/' unless empty */
	size_t		 folder_len;
	unsigned	 depth;
	const char	*why;
};

struct scp_wire *
scp_wire_new(bool recursive)
{
	struct scp_wire *w = xcalloc(1, sizeof(*w));

	w->recursive = recursive;
	return w;
}

void
scp_wire_free(struct scp_wire *w)
{
	free(w);
}

enum scp_turn
scp_turn(const struct scp_wire *w)
{
	switch (w->state) {
	case STATE_HELLO:
	case STATE_ANSWER:
	case STATE_DATA_ANSWER:
		return SCP_SINK;
	case STATE_MESSAGE:
	case STATE_DATA:
	case STATE_DATA_END:
		return SCP_SOURCE;
	case STATE_OVER:
		break;
	}
	return SCP_NOBODY;
}

static int
bad(struct scp_wire *w, const char *why)
{
	w->why = why;
	w->state = STATE_OVER;
	return ERR_FORMAT;
}

/* The line at the front without its LF. 0, ERR_SHORT, ERR_FORMAT. */
static int
read_line(struct scp_wire *w, const char *p, size_t n, size_t *lenp)
{
	const char *lf = memchr(p, '\n', n < SCP_LINE_MAX ? n : SCP_LINE_MAX);

	if (lf == NULL)
		return n < SCP_LINE_MAX ? ERR_SHORT : bad(w, "a message without an end");
	*lenp = (size_t)(lf - p);
	return 0;
}

/* Digits of a base, at most max of them, up to `after`. */
static bool
read_number(const char **pp, const char *end, unsigned base, size_t max, char after, uint64_t *numberp)
{
	const char *p = *pp;
	uint64_t v = 0;

	for (; p < end && *p >= '0' && *p < '0' + (int)base; p++) {
		if ((size_t)(p - *pp) == max)
			return false;
		v = v * base + (uint64_t)(*p - '0');
	}
	if (p == *pp || p == end || *p != after)
		return false;
	*numberp = v;
	*pp = p + 1;
	return true;
}

/* T<mtime> 0 <atime> 0 */
static bool
times_are_good(const char *p, const char *end)
{
	uint64_t v;

	if (!read_number(&p, end, 10, SIZE_DIGITS, ' ', &v) || !read_number(&p, end, 10, 6, ' ', &v) ||
	    !read_number(&p, end, 10, SIZE_DIGITS, ' ', &v))
		return false;
	return end - p > 0 && end - p <= 6 && strspn(p, "0123456789") >= (size_t)(end - p);
}

static bool
name_is_good(const char *p, size_t n)
{
	if (n == 0 || n > SCP_NAME_MAX || memchr(p, '/', n) != NULL || memchr(p, '\0', n) != NULL)
		return false;
	return !(p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')));
}

/* C<mode> <size> <name>, D<mode> 0 <name> */
static int
read_entry(struct scp_wire *w, const char *p, size_t n, struct scp_piece *piece)
{
	const char *end = p + n, *at = p + 1;
	uint64_t mode, size;

	if (!read_number(&at, end, 8, 6, ' ', &mode) || !read_number(&at, end, 10, SIZE_DIGITS, ' ', &size))
		return bad(w, "a message that is none of scp's");
	if (!name_is_good(at, (size_t)(end - at)))
		return bad(w, "a name that is not one of a file in this folder");
	piece->kind = p[0] == 'C' ? SCP_FILE : SCP_FOLDER;
	if (piece->kind == SCP_FOLDER && !w->recursive)
		return bad(w, "a folder, and none was asked for");
	if (piece->kind == SCP_FOLDER && (w->depth == SCP_DEPTH_MAX ||
	    w->folder_len + (size_t)(end - at) + 2 > sizeof(w->folder)))
		return bad(w, "folders that are nested too deeply");
	memcpy(w->name, at, (size_t)(end - at));
	w->name[end - at] = '\0';
	piece->mode = (unsigned)mode;
	piece->size = w->left = piece->kind == SCP_FILE ? size : 0;
	return 0;
}

static int
read_message(struct scp_wire *w, const char *p, size_t n, struct scp_piece *piece)
{
	size_t len;
	int r;

	if (strchr("\001\002TCDE", p[0]) == NULL || p[0] == '\0')
		return bad(w, "a message that is none of scp's");
	if ((r = read_line(w, p, n, &len)) != 0)
		return r;
	piece->n = len + 1;
	if (p[0] == '\001' || p[0] == '\002') {
		piece->kind = SCP_NOTE;
		piece->text = p + 1;
		piece->text_len = len - 1;
		w->state = p[0] == '\001' ? STATE_MESSAGE : STATE_OVER;
		return 0;
	}
	if (p[0] == 'T') {
		piece->kind = SCP_TIMES;
		if (!times_are_good(p + 1, p + len))
			return bad(w, "a message that is none of scp's");
	} else if (p[0] == 'E') {
		piece->kind = SCP_LEAVE;
		if (len != 1 || w->depth == 0)
			return bad(w, "the end of a folder that has not begun");
	} else if ((r = read_entry(w, p, len, piece)) != 0)
		return r;
	w->last = piece->kind;
	w->state = STATE_ANSWER;
	return 0;
}

static void
enter_folder(struct scp_wire *w)
{
	size_t n = strlen(w->name);

	memcpy(w->folder + w->folder_len, w->name, n);
	w->folder_len += n;
	w->folder[w->folder_len++] = '/';
	w->folder[w->folder_len] = '\0';
	w->depth++;
}

static void
leave_folder(struct scp_wire *w)
{
	w->folder_len--;
	while (w->folder_len > 0 && w->folder[w->folder_len - 1] != '/')
		w->folder_len--;
	w->folder[w->folder_len] = '\0';
	w->depth--;
}

/* What an answer means depends on what it answers. */
static void
answered(struct scp_wire *w, enum scp_kind kind)
{
	enum state was = w->state;

	if (kind == SCP_STOP || (was == STATE_HELLO && kind != SCP_YES)) {
		w->state = STATE_OVER;
		return;
	}
	w->state = STATE_MESSAGE;
	if (was != STATE_ANSWER)
		return;
	if (w->last == SCP_LEAVE)
		leave_folder(w);
	if (kind != SCP_YES)
		return;		/* the source passes over it */
	if (w->last == SCP_FOLDER)
		enter_folder(w);
	else if (w->last == SCP_FILE)
		w->state = w->left > 0 ? STATE_DATA : STATE_DATA_END;
}

/* NUL, or a complaint of one line. */
static int
read_word(struct scp_wire *w, const char *p, size_t n, struct scp_piece *piece, bool sink)
{
	size_t len;
	int r;

	if (p[0] == '\0') {
		piece->n = 1;
		piece->kind = sink ? SCP_YES : SCP_DATA_END;
	} else if (p[0] != '\001' && p[0] != '\002')
		return bad(w, sink ? "an answer that is none of scp's" : "more of a file than was announced");
	else if ((r = read_line(w, p, n, &len)) != 0)
		return r;
	else {
		piece->n = len + 1;
		piece->kind = !sink ? SCP_DATA_END : p[0] == '\001' ? SCP_NO : SCP_STOP;
		piece->text = p + 1;
		piece->text_len = len - 1;
	}
	piece->answers = w->state == STATE_DATA_ANSWER ? SCP_DATA_END : w->state == STATE_ANSWER ? w->last : piece->kind;
	if (sink)
		answered(w, piece->kind);
	else
		w->state = STATE_DATA_ANSWER;
	return 0;
}

int
scp_next(struct scp_wire *w, const void *p, size_t n, struct scp_piece *piece)
{
	*piece = (struct scp_piece){ .n = 0 };
	if (n == 0 && w->state != STATE_OVER)
		return ERR_SHORT;
	switch (w->state) {
	case STATE_HELLO:
	case STATE_ANSWER:
	case STATE_DATA_ANSWER:
		return read_word(w, p, n, piece, true);
	case STATE_MESSAGE:
		return read_message(w, p, n, piece);
	case STATE_DATA_END:
		return read_word(w, p, n, piece, false);
	case STATE_DATA:
		piece->kind = SCP_DATA;
		piece->n = n < w->left ? n : (size_t)w->left;
		w->left -= piece->n;
		if (w->left == 0)
			w->state = STATE_DATA_END;
		return 0;
	case STATE_OVER:
		break;
	}
	return w->why != NULL ? ERR_FORMAT : bad(w, "more after the end");
}

const char *
scp_why(const struct scp_wire *w)
{
	return w->why == NULL ? "" : w->why;
}

const char *
scp_name(const struct scp_wire *w)
{
	return w->name;
}

const char *
scp_folder(const struct scp_wire *w)
{
	return w->folder;
}

uint64_t
scp_left(const struct scp_wire *w)
{
	return w->left;
}

void
scp_refuse(struct scp_wire *w)
{
	if (w->state == STATE_DATA_ANSWER || (w->state == STATE_ANSWER && (w->last == SCP_FILE || w->last == SCP_FOLDER)))
		answered(w, SCP_NO);
}

void
scp_accept(struct scp_wire *w)
{
	if (w->state == STATE_ANSWER && w->last == SCP_FILE)
		answered(w, SCP_YES);
}

bool
scp_is_at_rest(const struct scp_wire *w)
{
	return w->depth == 0 && (w->state == STATE_MESSAGE || w->state == STATE_OVER) && w->why == NULL;
}
