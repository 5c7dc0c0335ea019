/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"

#define PIECE	(64 * 1024)

static int
order_line(struct order *o, const struct pktline *line)
{
	const uint8_t *caps;
	const char *why;
	size_t ncaps;
	int r;

	if (o->n == COMMANDS_MAX)
		return ERR_TOOBIG;
	if (o->cmds == NULL && (o->cmds = calloc(COMMANDS_MAX, sizeof(*o->cmds))) == NULL)
		return ERR_NOMEM;
	r = refcmd_parse(line->data, line->len, &o->cmds[o->n], &caps, &ncaps, &why);
	if (r == 0 && o->n++ == 0 && caps != NULL)
		o->atomic = memmem(caps, ncaps, " atomic", 7) != NULL;
	return r;
}

/* One piece of the spool; *donep once the flush has been read. */
static int
order_piece(struct order *o, struct pktline_reader *reader, const uint8_t *p, size_t n, bool *donep)
{
	struct pktline line;
	size_t used;
	int r = 0;

	while (n > 0 && !*donep) {
		r = pktline_feed(reader, p, n, &used, &line);
		o->end += used;
		p += used;
		n -= used;
		if (r == ERR_SHORT)
			return 0;
		if (r == 0 && line.type == PKTLINE_DATA)
			r = order_line(o, &line);
		else if (r == 0 && line.type == PKTLINE_FLUSH)
			*donep = true;
		if (r != 0)
			return r;
	}
	return 0;
}

int
order_read(int fd, uint64_t length, struct order *o)
{
	struct pktline_reader *reader = pktline_reader_new(CLIENT_LINE_MAX);
	uint8_t *piece = malloc(PIECE);
	bool done = false;
	int r = reader == NULL || piece == NULL ? ERR_NOMEM : 0;

	memset(o, 0, sizeof(*o));
	while (r == 0 && !done) {
		uint64_t at = o->end, left = length - at;
		ssize_t n = pread(fd, piece, left < PIECE ? (size_t)left : PIECE, (off_t)at);

		if (n == -1 && errno == EINTR)
			continue;
		r = n == -1 ? ERR_SYSTEM : n == 0 ? ERR_FORMAT : order_piece(o, reader, piece, (size_t)n, &done);
	}
	if (r == 0 && o->n == 0)
		r = ERR_FORMAT;
	o->pack = r == 0 && o->end < length;
	pktline_reader_free(reader);
	free(piece);
	return r;
}

void
order_release(struct order *o)
{
	free(o->cmds);
	o->cmds = NULL;
	o->n = 0;
}

/* The line without its newline is WORD and a name. */
static bool
line_is(const struct pktline *line, const char *word, const char *name)
{
	size_t n = line->len, nword = strlen(word), nname = strlen(name);

	if (n > 0 && line->data[n - 1] == '\n')
		n--;
	return n == nword + nname && memcmp(line->data, word, nword) == 0 && memcmp(line->data + nword, name, nname) == 0;
}

bool
order_is_done(const uint8_t *report, size_t n, const char *name)
{
	struct pktline_reader *reader = pktline_reader_new(CLIENT_LINE_MAX);
	bool unpacked = false, done = false;
	struct pktline line;
	size_t used;

	while (reader != NULL && pktline_feed(reader, report, n, &used, &line) == 0 && line.type == PKTLINE_DATA) {
		report += used;
		n -= used;
		unpacked |= line_is(&line, "unpack ", "ok");
		done |= line_is(&line, "ok ", name);
	}
	pktline_reader_free(reader);
	return unpacked && done;
}
