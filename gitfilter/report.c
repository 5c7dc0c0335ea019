/* SPDX-License-Identifier: Apache-2.0 */
/* The half of push.h that speaks: to the client on the side-band and in the report, to git-receive-pack in the order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/pktline.h"
#include "gitfilter/push.h"
#include "gitfilter/push_int.h"
#include "gitfilter/refcmd.h"

#define BAND_PACK	1	/* the report travels here */
#define BAND_TEXT	2
#define LINE_TEXT_MAX	1000	/* of one progress line, so that it is one packet for every client */

static int
report_text_line(struct push *p, const char *line, size_t n, struct buf *out, struct buf *stderr_out)
{
	char clean[LINE_TEXT_MAX + 2];
	size_t len;

	text_clean(clean, LINE_TEXT_MAX, line, n);
	len = strlen(clean);
	clean[len++] = '\n';
	if (p->caps & PUSH_CAP_BAND)
		return pktline_band(out, BAND_TEXT, clean, len);
	return stderr_out == NULL ? 0 : buf_put(stderr_out, clean, len);
}

int
push_progress(struct push *p, const char *text, struct buf *out, struct buf *stderr_out)
{
	int r = 0;

	while (r == 0 && *text != '\0') {
		size_t n = strcspn(text, "\n");

		r = report_text_line(p, text, n, out, stderr_out);
		text += n + (text[n] == '\n');
	}
	return r;
}

int
push_keepalive(struct push *p, struct buf *out)
{
	return p->caps & PUSH_CAP_BAND ? pktline_band(out, BAND_TEXT, NULL, 0) : 0;
}

int
push_refuse(struct push *p, const char *text, struct buf *out)
{
	char clean[LINE_TEXT_MAX];
	struct buf *inner = NULL;
	int r;

	if (text == NULL)
		text = p->why[0] != '\0' ? p->why : "refused";
	text_clean(clean, sizeof(clean), text, strlen(text));
	p->state = PUSH_DONE;
	if (!(p->caps & PUSH_CAP_BAND))
		return pktline_putf(out, "ERR %s\n", clean);
	/* Inside the side-band the line must be wrapped, or the client shows "bad band" and hides the reason. */
	if ((inner = buf_new(PKTLINE_MAX)) == NULL)
		return ERR_NOMEM;
	if ((r = pktline_putf(inner, "ERR %s\n", clean)) == 0 &&
	    (r = pktline_band(out, BAND_PACK, buf_ptr(inner), buf_len(inner))) == 0)
		r = pktline_flush(out);
	buf_free(inner);
	return r;
}

/* Every command gets its final error: all fail with the pack, or with one of them when the push is atomic. */
static void
report_settle(struct push *p, const char *unpack_error)
{
	bool failed = false;

	for (size_t i = 0; i < p->n; i++)
		failed = failed || p->commands[i].error[0] != '\0';
	for (size_t i = 0; i < p->n; i++) {
		char *error = p->commands[i].error;

		if (error[0] != '\0')
			continue;
		if (unpack_error != NULL)
			(void)snprintf(error, sizeof(p->commands[i].error), "nothing was stored");
		else if (failed && push_is_atomic(p))
			(void)snprintf(error, sizeof(p->commands[i].error), "atomic push failed");
	}
}

bool
push_hears_options(const struct push *p)
{
	return (p->caps & PUSH_CAP_REPORT_V2) != 0;
}

/* What was stored under another name is told so, as something new (gitprotocol-pack, "option-line"). */
static int
report_done(const struct push *p, const struct push_command *c, struct buf *b)
{
	static const char zero[] = "0000000000000000000000000000000000000000";
	int r = pktline_putf(b, "ok %s\n", c->name);

	if (r != 0 || c->landed[0] == '\0' || !push_hears_options(p))
		return r;
	if ((r = pktline_putf(b, "option refname %s\n", c->landed)) == 0)
		r = pktline_putf(b, "option old-oid %s\n", zero);
	return r;
}

static int
report_lines(struct push *p, const char *unpack_error, struct buf *b)
{
	char clean[REASON_MAX];
	int r;

	text_clean(clean, sizeof(clean), unpack_error == NULL ? "ok" : unpack_error,
	    unpack_error == NULL ? 2 : strlen(unpack_error));
	if ((r = pktline_putf(b, "unpack %s\n", clean)) != 0)
		return r;
	for (size_t i = 0; i < p->n; i++) {
		const struct push_command *c = &p->commands[i];

		text_clean(clean, sizeof(clean), c->error, strlen(c->error));
		if (c->error[0] == '\0')
			r = report_done(p, c, b);
		else
			r = pktline_putf(b, "ng %s %s\n", c->name, clean);
		if (r != 0)
			return r;
	}
	return pktline_flush(b);
}

int
push_report(struct push *p, const char *unpack_error, struct buf *out)
{
	struct buf *inner = NULL;
	int r = 0;

	p->state = PUSH_DONE;
	if (p->reported)
		return 0;
	p->reported = true;
	report_settle(p, unpack_error);
	if (p->n > 0 && (p->caps & (PUSH_CAP_REPORT | PUSH_CAP_REPORT_V2))) {
		if ((inner = buf_new(REPORT_MAX * 2)) == NULL)
			return ERR_NOMEM;
		if ((r = report_lines(p, unpack_error, inner)) != 0)
			goto out;
		if (!(p->caps & PUSH_CAP_BAND))
			r = buf_put(out, buf_ptr(inner), buf_len(inner));
		else
			r = pktline_band(out, BAND_PACK, buf_ptr(inner), buf_len(inner));
	}
	if (r == 0 && p->n > 0 && (p->caps & PUSH_CAP_BAND))
		r = pktline_flush(out);
out:
	buf_free(inner);
	return r;
}

int
push_order(struct push *p, struct buf *out)
{
	bool first = true;
	int r;

	for (size_t i = 0; i < p->n; i++) {
		const struct push_command *c = &p->commands[i];

		if (c->error[0] != '\0' && push_is_atomic(p))
			return ERR_DENIED;
		if (c->error[0] != '\0')
			continue;
		if (first)
			r = pktline_putf(out, "%s %s %s%c report-status%s quiet object-format=sha1 agent=%s", c->old_oid,
			    c->new_oid, c->name, '\0', push_is_atomic(p) ? " atomic" : "", PUSH_AGENT);
		else
			r = pktline_putf(out, "%s %s %s", c->old_oid, c->new_oid, c->name);
		if (r != 0)
			return r;
		first = false;
	}
	return first ? ERR_DENIED : pktline_flush(out);
}

static int
report_find(const struct push *p, const uint8_t *name, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (strlen(p->commands[i].name) == n && memcmp(p->commands[i].name, name, n) == 0)
			return (int)i;
	return -1;
}

/* One line of stock git's report; seen[i] marks that command i was spoken of. */
static int
report_take_line(struct push *p, const uint8_t *data, size_t n, bool *unpackedp, bool *seen)
{
	const uint8_t *space;
	size_t len;
	int i;

	if (n > 0 && data[n - 1] == '\n')
		n--;
	if (n >= 7 && memcmp(data, "unpack ", 7) == 0) {
		*unpackedp = n == 9 && memcmp(data + 7, "ok", 2) == 0;
		if (!*unpackedp)
			text_clean(p->why, sizeof(p->why), data + 7, n - 7);
		return 0;
	}
	if (n < 4 || (memcmp(data, "ok ", 3) != 0 && memcmp(data, "ng ", 3) != 0))
		return ERR_FORMAT;
	space = memchr(data + 3, ' ', n - 3);
	len = space == NULL ? n - 3 : (size_t)(space - data) - 3;
	if ((i = report_find(p, data + 3, len)) == -1 || seen[i])
		return ERR_FORMAT;
	seen[i] = true;
	if (data[0] == 'o')
		return 0;
	text_clean(p->commands[i].error, sizeof(p->commands[i].error), space == NULL ? data : space + 1,
	    space == NULL ? 0 : n - 3 - len - 1);
	if (p->commands[i].error[0] == '\0')
		(void)snprintf(p->commands[i].error, sizeof(p->commands[i].error), "refused by the repository");
	return 0;
}

int
push_take_report(struct push *p, const uint8_t *data, size_t n)
{
	struct pktline_reader *reader = pktline_reader_new(CLIENT_LINE_MAX);
	bool unpacked = false, *seen = calloc(p->n + 1, sizeof(*seen));
	struct pktline line;
	size_t used;
	int r = ERR_NOMEM;

	if (reader == NULL || seen == NULL)
		goto out;
	while ((r = pktline_feed(reader, data, n, &used, &line)) == 0 && line.type == PKTLINE_DATA) {
		data += used;
		n -= used;
		if ((r = report_take_line(p, line.data, line.len, &unpacked, seen)) != 0)
			goto out;
	}
	if (r == 0 && line.type != PKTLINE_FLUSH)
		r = ERR_FORMAT;
out:
	/* Whatever was not said to be stored counts as not stored. */
	for (size_t i = 0; i < p->n; i++) {
		char *error = p->commands[i].error;

		if (error[0] != '\0')
			continue;
		if (seen == NULL || !seen[i])
			(void)snprintf(error, sizeof(p->commands[i].error), "the repository did not say that it was stored");
		else if (!unpacked)
			(void)snprintf(error, sizeof(p->commands[i].error), "not stored: %.100s", p->why);
	}
	pktline_reader_free(reader);
	free(seen);
	return r;
}
