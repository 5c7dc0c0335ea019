/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/dictation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/tape.h"
#include "secretscan/secretscan.h"

#define LINE_MAX_BYTES	2048
#define SHOWN_MAX	(1024 * 1024)

struct dictation {
	struct secretscan_stream *masker;
	struct tape		*tape;
	struct buf		*line;		/* masked, not yet a whole line */
	size_t			 shown;
	int64_t			 now_us;
	bool			 ended;
};

/* One line into the recording; over the ceiling a word that there is more. */
static int
dictation_line(struct dictation *d, const void *p, size_t n)
{
	char *text, *marker;
	int r;

	if (d->shown >= SHOWN_MAX)
		return 0;
	d->shown += n + 1;
	if (d->shown >= SHOWN_MAX)
		return tape_marker(d->tape, "input: the rest is not shown", d->now_us);
	text = text_printable(p, n);
	marker = xasprintf("input: %s", text);
	r = tape_marker(d->tape, marker, d->now_us);
	free(marker);
	free(text);
	return r;
}

static int
dictation_masked(const void *p, size_t n, void *arg)
{
	struct dictation *d = arg;
	const uint8_t *s = p, *end = s + n;
	int r = 0;

	while (s < end && r == 0) {
		size_t left = (size_t)(end - s), room = LINE_MAX_BYTES - buf_len(d->line);
		const uint8_t *lf = memchr(s, '\n', left);
		size_t take = lf != NULL ? (size_t)(lf - s) : left;

		if (take > room)
			take = room;
		if ((r = buf_put(d->line, s, take)) != 0)
			return r;
		s += take;
		if (s < end && *s == '\n')
			s++;
		else if (take < room)
			break;
		r = dictation_line(d, buf_ptr(d->line), buf_len(d->line));
		buf_clear(d->line);
	}
	return r;
}

static int
dictation_found(const struct secretscan_finding *f, void *arg)
{
	(void)f;	/* the mask says what it is */
	(void)arg;
	return 0;
}

struct dictation *
dictation_new(const struct secretscan *scanner, struct tape *tape)
{
	struct dictation *d = xcalloc(1, sizeof(*d));

	d->tape = tape;
	d->line = buf_new(LINE_MAX_BYTES);
	d->masker = secretscan_stream_new(scanner, NULL, dictation_masked, dictation_found, d);
	if (d->line == NULL || d->masker == NULL)
		fatal("out of memory");
	return d;
}

void
dictation_free(struct dictation *d)
{
	if (d == NULL)
		return;
	secretscan_stream_free(d->masker);
	buf_free(d->line);
	free(d);
}

int
dictation_take(struct dictation *d, const void *p, size_t n, int64_t now_us)
{
	d->now_us = now_us;
	return d->ended || d->shown >= SHOWN_MAX ? 0 : secretscan_stream_feed(d->masker, p, n);
}

int
dictation_end(struct dictation *d, int64_t now_us)
{
	int r;

	if (d->ended)
		return 0;
	d->ended = true;
	d->now_us = now_us;
	if ((r = secretscan_stream_end(d->masker)) == 0 && buf_len(d->line) > 0)
		r = dictation_line(d, buf_ptr(d->line), buf_len(d->line));
	buf_clear(d->line);
	return r;
}
