/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/record.h"

#include <jansson.h>
#include <string.h>

#include "bastion/audit/logread.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"

#define EVENT_MAX	48
#define LINE_START	"{\"v\":1,\"seq\":"
/* The distance from the end of the seq number to the event's name: ,"time":"2026-11-21T10:15:30.123Z","event":" */
#define EVENT_LABEL	"\",\"event\":\""
#define TIME_LABEL	",\"time\":\""
#define TIME_LEN	24

/* Members of a stamp, in the order of a line; about: a daemon may set it where the stamp does not. */
static const struct {
	const char	*name;
	bool		 about;
} stamped[] = {
	{ "v", false }, { "seq", false }, { "time", false }, { "event", false }, { "session", true },
	{ "identity", true }, { "owner", true }, { "source", true }, { "daemon", false },
};

bool
record_event_is_valid(const char *event)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	size_t n = strnlen(event, EVENT_MAX + 1);

	return n >= 1 && n <= EVENT_MAX && event[0] >= 'a' && event[0] <= 'z' && strspn(event, ok) == n;
}

static int
members_judge(const struct record_stamp *st, enum record_sender sender, json_t *members)
{
	const char *said[] = { st->session, st->identity, st->owner, st->source };

	for (size_t i = 0; i < sizeof(stamped) / sizeof(stamped[0]); i++) {
		const json_t *v = json_object_get(members, stamped[i].name);

		if (v == NULL)
			continue;
		if (sender != RECORD_DAEMON || !stamped[i].about)
			return ERR_DENIED;
		if (!json_is_string(v))
			return ERR_FORMAT;
		if (said[i - 4] != NULL && said[i - 4][0] != '\0')
			return ERR_DENIED;
	}
	return 0;
}

static int
set_text(json_t *line, const char *name, const char *text, json_t *members)
{
	json_t *v = NULL;

	if (text != NULL && text[0] != '\0')
		v = json_string(text);
	else if (members != NULL && (v = json_object_get(members, name)) != NULL)
		json_incref(v);
	else
		return 0;
	/* json_string refuses text that is not UTF-8; a NULL value is refused by the set. */
	return json_object_set_new(line, name, v) == 0 ? 0 : ERR_FORMAT;
}

static int
put_piece(const char *p, size_t n, void *out)
{
	return buf_put(out, p, n) == 0 ? 0 : -1;
}

static int
line_dump(json_t *line, struct buf *out)
{
	size_t before = buf_len(out), n;

	if (json_dump_callback(line, put_piece, out, JSON_COMPACT) != 0 || buf_put_u8(out, '\n') != 0) {
		buf_trim(out, buf_len(out) - before);
		return ERR_TOOBIG;
	}
	n = buf_len(out) - before;
	if (n > AUDIT_LINE_MAX) {
		buf_trim(out, n);
		return ERR_TOOBIG;
	}
	return 0;
}

int
record_line(const struct record_stamp *st, enum record_sender sender, json_t *members, struct buf *out)
{
	char when[CLOCK_TEXT];
	json_t *line = NULL;
	int r;

	if (!record_event_is_valid(st->event) || (members != NULL && !json_is_object(members)))
		return ERR_FORMAT;
	if (members != NULL && (r = members_judge(st, sender, members)) != 0)
		return r;
	clock_format(st->wall_ms, when);
	if ((line = json_object()) == NULL || json_object_set_new(line, "v", json_integer(RECORD_VERSION)) != 0 ||
	    json_object_set_new(line, "seq", json_integer((json_int_t)st->seq)) != 0 ||
	    json_object_set_new(line, "time", json_string(when)) != 0 ||
	    json_object_set_new(line, "event", json_string(st->event)) != 0) {
		r = ERR_NOMEM;
		goto out;
	}
	if ((r = set_text(line, "session", st->session, members)) != 0 ||
	    (r = set_text(line, "identity", st->identity, members)) != 0 ||
	    (r = set_text(line, "owner", st->owner, members)) != 0 ||
	    (r = set_text(line, "source", st->source, members)) != 0 ||
	    (r = set_text(line, "daemon", st->daemon, NULL)) != 0)
		goto out;
	if (members != NULL && json_object_update_missing(line, members) != 0) {
		r = ERR_NOMEM;
		goto out;
	}
	r = line_dump(line, out);
out:
	json_decref(line);
	return r;
}

int
record_seq(const char *line, size_t n, uint64_t *seqp)
{
	size_t at = strlen(LINE_START), first = at;
	uint64_t v = 0;

	if (n <= at || memcmp(line, LINE_START, at) != 0)
		return ERR_FORMAT;
	for (; at < n && line[at] >= '0' && line[at] <= '9' && at - first < 19; at++)
		v = v * 10 + (uint64_t)(line[at] - '0');
	if (at == first || at == n || line[at] != ',' || (line[first] == '0' && at - first > 1))
		return ERR_FORMAT;
	*seqp = v;
	return 0;
}

bool
record_event_starts(const char *line, size_t n, const char *prefix)
{
	const char *comma = n == 0 ? NULL : memchr(line, ',', n);
	size_t at, len = strlen(prefix);

	if (comma == NULL || (comma = memchr(comma + 1, ',', n - (size_t)(comma + 1 - line))) == NULL)
		return false;
	at = (size_t)(comma - line) + strlen(TIME_LABEL) + TIME_LEN;
	return n >= at + strlen(EVENT_LABEL) + len && memcmp(line + at, EVENT_LABEL, strlen(EVENT_LABEL)) == 0 &&
	    memcmp(line + at + strlen(EVENT_LABEL), prefix, len) == 0;
}
