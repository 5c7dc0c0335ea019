/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/record/castread.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/record/utf8.h"

#define READ_PIECE	(256 * 1024)
#define SIZE_MAX_CELLS	10000		/* columns or rows */
#define INTERVAL_MAX	(10.0 * 366 * 24 * 3600)

struct castread {
	int			 fd;
	struct buf		*in;		/* unread bytes */
	size_t			 spent;		/* of in: the line last returned */
	struct buf		*data;		/* of the event last returned */
	struct buf		*bad;		/* of the "#bad" line before it */
	struct cast_header	 header;
	int64_t			 at_us;
	uint64_t		 line;
};

/* One line without its LF. */
static int
next_line(struct castread *c, const char **linep, size_t *np)
{
	const uint8_t *p, *lf;
	size_t seen = 0;
	int r;

	(void)buf_consume(c->in, c->spent);
	c->spent = 0;
	for (;;) {
		p = buf_ptr(c->in);
		lf = buf_len(c->in) == seen ? NULL : memchr(p + seen, '\n', buf_len(c->in) - seen);
		if (lf != NULL)
			break;
		seen = buf_len(c->in);
		if ((r = buf_read(c->in, c->fd, READ_PIECE)) != 0)
			return r == ERR_EOF && seen > 0 ? ERR_SHORT : r;
	}
	*linep = (const char *)p;
	*np = (size_t)(lf - p);
	c->spent = *np + 1;
	c->line++;
	return 0;
}

static char *
copy_member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? NULL : strdup(s);
}

static int
read_size(const json_t *v, unsigned *np)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > SIZE_MAX_CELLS)
		return ERR_FORMAT;
	*np = (unsigned)n;
	return 0;
}

static int
read_header(struct castread *c)
{
	struct cast_header *h = &c->header;
	const json_t *term;
	const char *p;
	json_t *o;
	size_t n;
	int r;

	if ((r = next_line(c, &p, &n)) != 0)
		return r == ERR_EOF ? ERR_SHORT : r;
	o = json_loadb(p, n, 0, NULL);
	term = json_object_get(o, "term");
	r = ERR_FORMAT;
	if (json_integer_value(json_object_get(o, "version")) != 3 ||
	    read_size(json_object_get(term, "cols"), &h->cols) != 0 ||
	    read_size(json_object_get(term, "rows"), &h->rows) != 0)
		goto out;
	h->timestamp = json_integer_value(json_object_get(o, "timestamp"));
	h->term = copy_member(term, "type");
	h->title = copy_member(o, "title");
	h->command = copy_member(o, "command");
	h->session = copy_member(json_object_get(o, "env"), "SALLYPORT_SESSION");
	r = 0;
out:
	json_decref(o);
	return r;
}

int
castread_open(int fd, struct castread **rp)
{
	struct castread *c = calloc(1, sizeof(*c));
	int r = ERR_NOMEM;

	if (c == NULL) {
		close(fd);
		return r;
	}
	c->fd = fd;
	c->in = buf_new(CAST_LINE_MAX);
	c->data = buf_new(CAST_LINE_MAX);
	c->bad = buf_new(CAST_LINE_MAX);
	if (c->in != NULL && c->data != NULL && c->bad != NULL && (r = read_header(c)) == 0) {
		*rp = c;
		return 0;
	}
	castread_free(c);
	return r;
}

void
castread_free(struct castread *c)
{
	if (c == NULL)
		return;
	close(c->fd);
	buf_free(c->in);
	buf_free(c->data);
	buf_free(c->bad);
	free(c->header.term);
	free(c->header.title);
	free(c->header.command);
	free(c->header.session);
	free(c);
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Put the bytes back that "#bad" tells of, in place of each U+FFFD. */
static int
undo_bad(struct castread *c, const char *text, size_t n)
{
	const char *bad = (const char *)buf_ptr(c->bad), *end = text + n, *at;
	size_t nbad = buf_len(c->bad);
	int r, hi, lo;

	while ((at = memmem(text, (size_t)(end - text), UTF8_REPLACEMENT, 3)) != NULL) {
		if ((r = buf_put(c->data, text, (size_t)(at - text))) != 0)
			return r;
		if (nbad < 2)
			return ERR_FORMAT;
		hi = hex_value(bad[0]);
		lo = hex_value(bad[1]);
		if (hi >= 0 && lo >= 0)
			r = buf_put_u8(c->data, (uint8_t)(hi << 4 | lo));
		else if (bad[0] == '-' && bad[1] == '-')
			r = buf_put(c->data, at, 3);
		else
			r = ERR_FORMAT;
		if (r != 0)
			return r;
		bad += 2;
		nbad -= 2;
		text = at + 3;
	}
	return nbad != 0 ? ERR_FORMAT : buf_put(c->data, text, (size_t)(end - text));
}

static int
read_event(struct castread *c, const char *line, size_t n, struct cast_event *e)
{
	json_t *a = json_loadb(line, n, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	const json_t *code = json_array_get(a, 1), *data = json_array_get(a, 2);
	double interval = json_real_value(json_array_get(a, 0));
	int r = ERR_FORMAT;

	if (!json_is_real(json_array_get(a, 0)) || !(interval >= 0) || interval > INTERVAL_MAX ||
	    json_string_length(code) != 1 || !json_is_string(data))
		goto out;
	c->at_us += llround(interval * 1e6);
	e->code = json_string_value(code)[0];
	e->at_us = c->at_us;
	buf_clear(c->data);
	if (buf_len(c->bad) > 0)
		r = undo_bad(c, json_string_value(data), json_string_length(data));
	else
		r = buf_put(c->data, json_string_value(data), json_string_length(data));
	e->data = buf_len(c->data) > 0 ? buf_ptr(c->data) : (const uint8_t *)"";
	e->ndata = buf_len(c->data);
out:
	json_decref(a);
	return r;
}

static bool
is_comment(const char *p, size_t n, const char *start)
{
	return n >= strlen(start) && memcmp(p, start, strlen(start)) == 0;
}

int
castread_next(struct castread *c, struct cast_event *e)
{
	const char *p;
	size_t n;
	int r;

	memset(e, 0, sizeof(*e));
	buf_clear(c->bad);
	while ((r = next_line(c, &p, &n)) == 0) {
		if (n == 0)
			continue;
		if (*p != '#')
			return read_event(c, p, n, e);
		if (n == 7 && is_comment(p, n, "#stderr"))
			e->from_stderr = true;
		else if (is_comment(p, n, "#bad ")) {
			buf_clear(c->bad);
			if ((r = buf_put(c->bad, p + 5, n - 5)) != 0)
				return r;
		}
	}
	return r;
}

const struct cast_header *
castread_header(const struct castread *c)
{
	return &c->header;
}

uint64_t
castread_line(const struct castread *c)
{
	return c->line;
}
