/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/lfs.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/pktline.h"

enum place { AT_COMMAND, AT_ARGUMENTS, AT_LINES, AT_CONTENT };

struct lfs {
	struct pktline_reader	*reader;	/* owned */
	enum place		 place;
	unsigned		 narguments;
	struct lfs_request	 request;
	struct lfs_object	*batch;		/* owned; room for LFS_BATCH_MAX */
	const char		*why;
};

struct lfs *
lfs_new(void)
{
	struct lfs *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->why = "";
	l->reader = pktline_reader_new(PKTLINE_MAX - 4);
	l->batch = calloc(LFS_BATCH_MAX, sizeof(*l->batch));
	if (l->reader == NULL || l->batch == NULL) {
		lfs_free(l);
		return NULL;
	}
	return l;
}

void
lfs_free(struct lfs *l)
{
	if (l == NULL)
		return;
	pktline_reader_free(l->reader);
	free(l->batch);
	free(l);
}

const char *
lfs_why(const struct lfs *l)
{
	return l->why;
}

static int
lfs_fail(struct lfs *l, int r, const char *why)
{
	if (l->why[0] == '\0')
		l->why = why;
	return r;
}

/* The next word of a line and the blank after it. */
static size_t
word_length(const uint8_t *p, size_t n)
{
	const uint8_t *space = memchr(p, ' ', n);

	return space == NULL ? n : (size_t)(space - p);
}

static bool
is_word(const uint8_t *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

/* What a request is about: "OID", or for verify by the letter of the specification "OID SIZE". */
static bool
read_object(struct lfs_request *q, const uint8_t *p, size_t n)
{
	size_t len = word_length(p, n);

	if (!lfs_oid_parse(p, len, q->object.oid))
		return false;
	if (len == n)
		return true;
	q->has_size = true;
	return q->kind == LFS_VERIFY && lfs_size_parse(p + len + 1, n - len - 1, &q->object.size);
}

static int
read_command(struct lfs *l, const uint8_t *p, size_t n)
{
	static const struct {
		const char	*word;
		enum lfs_kind	 kind;
		bool		 object;
	} commands[] = {
		{ "version", LFS_VERSION, false }, { "batch", LFS_BATCH, false }, { "put-object", LFS_PUT, true },
		{ "verify-object", LFS_VERIFY, true }, { "get-object", LFS_GET, true }, { "lock", LFS_LOCKS, false },
		{ "unlock", LFS_LOCKS, false }, { "list-lock", LFS_LOCKS, false }, { "list-locks", LFS_LOCKS, false },
		{ "quit", LFS_QUIT, false },
	};
	size_t len = word_length(p, n);

	l->request = (struct lfs_request){ .kind = LFS_OTHER, .batch = l->batch };
	l->narguments = 0;
	l->place = AT_ARGUMENTS;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!is_word(p, len, commands[i].word))
			continue;
		l->request.kind = commands[i].kind;
		if (commands[i].object && (len == n || !read_object(&l->request, p + len + 1, n - len - 1)))
			return lfs_fail(l, ERR_FORMAT, "an object is named by 64 lower-case hexadecimal digits");
		l->request.good_version = len < n && is_word(p + len + 1, n - len - 1, "1");
	}
	return 0;
}

/* KEY=VALUE; those that are not known mean nothing. */
static int
read_argument(struct lfs *l, const uint8_t *p, size_t n)
{
	if (++l->narguments > LFS_ARGUMENTS_MAX)
		return lfs_fail(l, ERR_TOOBIG, "too many arguments");
	if (n > 10 && memcmp(p, "hash-algo=", 10) == 0 && !is_word(p + 10, n - 10, "sha256"))
		return lfs_fail(l, ERR_FORMAT, "objects are named by SHA-256 here");
	if (n <= 5 || memcmp(p, "size=", 5) != 0)
		return 0;
	l->request.has_size = true;
	return lfs_size_parse(p + 5, n - 5, &l->request.object.size) ? 0 :
	    lfs_fail(l, ERR_FORMAT, "a size is a decimal number");
}

/* "OID SIZE", and perhaps more that means nothing. */
static int
read_line(struct lfs *l, const uint8_t *p, size_t n)
{
	size_t len = word_length(p, n), size;
	struct lfs_object *o;

	if (l->request.kind != LFS_BATCH)
		return ++l->narguments > LFS_ARGUMENTS_MAX ? lfs_fail(l, ERR_TOOBIG, "too many lines") : 0;
	if (l->request.nbatch == LFS_BATCH_MAX)
		return lfs_fail(l, ERR_TOOBIG, "too many objects in one batch");
	o = &l->batch[l->request.nbatch];
	if (len == n)
		return lfs_fail(l, ERR_FORMAT, "an object in a batch has no size");
	size = word_length(p + len + 1, n - len - 1);
	if (!lfs_oid_parse(p, len, o->oid) || !lfs_size_parse(p + len + 1, size, &o->size))
		return lfs_fail(l, ERR_FORMAT, "a line of a batch is not OID SIZE");
	l->request.nbatch++;
	return 0;
}

static int
read_text(struct lfs *l, const struct pktline *line)
{
	size_t n = line->len;

	if (n > LFS_LINE_MAX)
		return lfs_fail(l, ERR_TOOBIG, "a line is too long");
	if (n > 0 && line->data[n - 1] == '\n')
		n--;
	if (l->place == AT_COMMAND)
		return read_command(l, line->data, n);
	return l->place == AT_ARGUMENTS ? read_argument(l, line->data, n) : read_line(l, line->data, n);
}

/* One packet. ERR_AGAIN: nothing for the owner yet. */
static int
read_packet(struct lfs *l, const struct pktline *line, struct lfs_event *event)
{
	int r;

	*event = (struct lfs_event){ .what = LFS_WHOLE, .request = &l->request };
	switch (line->type) {
	case PKTLINE_DATA:
		if (l->place == AT_CONTENT) {
			*event = (struct lfs_event){ .what = LFS_CONTENT, .request = &l->request, .content = line->data, .n = line->len };
			return 0;
		}
		r = read_text(l, line);
		return r == 0 ? ERR_AGAIN : r;
	case PKTLINE_DELIM:
		if (l->place != AT_ARGUMENTS)
			return lfs_fail(l, ERR_FORMAT, "a delimiter stands where none is expected");
		l->place = l->request.kind == LFS_PUT ? AT_CONTENT : AT_LINES;
		event->what = LFS_HEAD;
		return l->place == AT_CONTENT ? 0 : ERR_AGAIN;
	case PKTLINE_FLUSH:
		if (l->place == AT_COMMAND)
			return lfs_fail(l, ERR_FORMAT, "a request is empty");
		if (l->request.kind == LFS_PUT && l->place != AT_CONTENT)
			return lfs_fail(l, ERR_FORMAT, "a put-object has no content");
		l->place = AT_COMMAND;
		return 0;
	case PKTLINE_END:
		break;
	}
	return lfs_fail(l, ERR_FORMAT, "a packet is of an unknown kind");
}

int
lfs_feed(struct lfs *l, const uint8_t *p, size_t n, size_t *usedp, struct lfs_event *event)
{
	struct pktline line;
	size_t used;
	int r;

	*usedp = 0;
	if (l->why[0] != '\0')
		return ERR_FORMAT;
	do {
		r = pktline_feed(l->reader, p + *usedp, n - *usedp, &used, &line);
		*usedp += used;
		if (r == ERR_FORMAT || r == ERR_TOOBIG)
			return lfs_fail(l, r, "what was sent is not in packet lines");
		if (r == 0)
			r = read_packet(l, &line, event);
	} while (r == ERR_AGAIN);
	return r;
}

int
lfs_put_capabilities(struct buf *out)
{
	int r = pktline_putf(out, "version=1\n");

	return r != 0 ? r : pktline_flush(out);
}

static int
put_delimiter(struct buf *out)
{
	return buf_put(out, "0001", 4);
}

int
lfs_put_status(struct buf *out, unsigned status, const char *text)
{
	int r = pktline_putf(out, "status %03u\n", status);

	if (r == 0 && text != NULL && (r = put_delimiter(out)) == 0)
		r = pktline_putf(out, "%s\n", text);
	return r != 0 ? r : pktline_flush(out);
}

int
lfs_put_batch(struct buf *out)
{
	int r = pktline_putf(out, "status 200\n");

	return r != 0 ? r : put_delimiter(out);
}

int
lfs_put_action(struct buf *out, const struct lfs_object *o, const char *action)
{
	char hex[LFS_OID_HEX + 1];

	lfs_oid_format(o->oid, hex);
	return pktline_putf(out, "%s %llu %s\n", hex, (unsigned long long)o->size, action);
}

int
lfs_put_object(struct buf *out, uint64_t size)
{
	int r;

	if ((r = pktline_putf(out, "status 200\n")) == 0)
		r = pktline_putf(out, "size=%llu\n", (unsigned long long)size);
	return r != 0 ? r : put_delimiter(out);
}

int
lfs_put_content(struct buf *out, const void *p, size_t n)
{
	return pktline_put(out, p, n);
}

int
lfs_put_end(struct buf *out)
{
	return pktline_flush(out);
}
