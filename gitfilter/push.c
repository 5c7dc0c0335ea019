/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/pktline.h"
#include "gitfilter/push_int.h"
#include "gitfilter/refcmd.h"

#define ADVERTISED	"report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta no-thin " \
			"push-options object-format=sha1 agent=" PUSH_AGENT

/* What a client may ask for: words, and words with a value. Anything else it was never offered. */
static const struct {
	const char	*word;
	unsigned	 cap;
} push_caps[] = {
	{ "report-status", PUSH_CAP_REPORT },
	{ "report-status-v2", PUSH_CAP_REPORT_V2 },
	{ "delete-refs", PUSH_CAP_DELETE },
	{ "side-band-64k", PUSH_CAP_BAND },
	{ "quiet", PUSH_CAP_QUIET },
	{ "atomic", PUSH_CAP_ATOMIC },
	{ "ofs-delta", PUSH_CAP_OFS },
	{ "no-thin", PUSH_CAP_NO_THIN },
	{ "push-options", PUSH_CAP_OPTIONS },
	{ "object-format=sha1", 0 },
};

struct push *
push_new(const struct push_limits *limits)
{
	struct push *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->limits = *limits;
	if (p->limits.max_commands > COMMANDS_MAX)
		p->limits.max_commands = COMMANDS_MAX;
	if ((p->reader = pktline_reader_new(CLIENT_LINE_MAX)) == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void
push_free(struct push *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->noptions; i++)
		free(p->options[i]);
	free(p->options);
	free(p->commands);
	pktline_reader_free(p->reader);
	free(p);
}

int
push_advertise(struct push *p, const struct push_ref *refs, size_t n, struct buf *out)
{
	static const char none[] = "0000000000000000000000000000000000000000 capabilities^{}";
	char line[OID_HEX + REF_NAME_MAX + sizeof(ADVERTISED) + 4];
	int r, len;

	(void)p;	/* every push is offered the same */
	for (size_t i = 0; i < n || i == 0; i++) {
		if (n == 0)
			len = snprintf(line, sizeof(line), "%s", none);
		else
			len = snprintf(line, sizeof(line), "%s %s", refs[i].oid, refs[i].name);
		if (len < 0 || (size_t)len + 1 + sizeof(ADVERTISED) + 1 > sizeof(line))
			return ERR_TOOBIG;
		if (i == 0) {
			memcpy(line + len + 1, ADVERTISED, sizeof(ADVERTISED) - 1);
			len += (int)sizeof(ADVERTISED);
		}
		line[len++] = '\n';
		if ((r = pktline_put(out, line, (size_t)len)) != 0)
			return r;
	}
	return pktline_flush(out);
}

static int
push_fail(struct push *p, int r, const char *why)
{
	if (p->why[0] == '\0')
		(void)snprintf(p->why, sizeof(p->why), "%s", why);
	return r;
}

static int
push_cap(struct push *p, const uint8_t *word, size_t n)
{
	char clean[64];

	for (size_t i = 0; i < sizeof(push_caps) / sizeof(push_caps[0]); i++)
		if (strlen(push_caps[i].word) == n && memcmp(push_caps[i].word, word, n) == 0) {
			p->caps |= push_caps[i].cap;
			return 0;
		}
	/* Claims about the client itself. They decide nothing and go no further. */
	if ((n >= 6 && memcmp(word, "agent=", 6) == 0) || (n >= 11 && memcmp(word, "session-id=", 11) == 0))
		return 0;
	if (n >= 14 && memcmp(word, "object-format=", 14) == 0)
		return push_fail(p, ERR_DENIED, "only repositories with SHA-1 object names are served");
	text_clean(clean, sizeof(clean), word, n);
	(void)snprintf(p->why, sizeof(p->why), "capability %s was not offered", clean);
	return ERR_DENIED;
}

static int
push_take_caps(struct push *p, const uint8_t *caps, size_t n)
{
	while (n > 0) {
		const uint8_t *space = memchr(caps, ' ', n);
		size_t len = space == NULL ? n : (size_t)(space - caps);
		size_t word = len > 0 && caps[len - 1] == '\n' ? len - 1 : len;
		int r;

		if (word > 0 && (r = push_cap(p, caps, word)) != 0)
			return r;
		len += space != NULL;
		caps += len;
		n -= len;
	}
	return 0;
}

static int
push_add(struct push *p, const struct push_command *c)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->commands[i].name, c->name) == 0)
			return push_fail(p, ERR_DENIED, "a reference is named twice in one push");
	if (p->n == p->limits.max_commands)
		return push_fail(p, ERR_TOOBIG, "too many references in one push; push fewer at a time");
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 8 : p->cap * 2;
		struct push_command *more = reallocarray(p->commands, cap, sizeof(*more));

		if (more == NULL)
			return ERR_NOMEM;
		p->commands = more;
		p->cap = cap;
	}
	p->commands[p->n++] = *c;
	return 0;
}

static int
push_command_line(struct push *p, const uint8_t *data, size_t n)
{
	struct push_command c;
	const uint8_t *caps;
	const char *why;
	size_t ncaps;
	int r;

	if (n >= 9 && memcmp(data, "push-cert", 9) == 0)
		return push_fail(p, ERR_DENIED, "signed pushes are not taken; push without --signed");
	if (n >= 8 && memcmp(data, "shallow ", 8) == 0) {
		if (!oid_is_hex(data + 8, n - 8 - (data[n - 1] == '\n')))
			return push_fail(p, ERR_FORMAT, "a shallow line without an object name");
		/*
		 * Where the client's history is cut. It is the repository that must have what is beyond: that is found out for
		 * every object that the push refers to and does not bring, whatever is said here.
		 */
		if (++p->shallows > SHALLOWS_MAX)
			return push_fail(p, ERR_TOOBIG, "the clone is cut at too many commits; run git fetch --unshallow and push again");
		return 0;
	}
	if ((r = refcmd_parse(data, n, &c, &caps, &ncaps, &why)) != 0)
		return push_fail(p, r, why);
	if (caps != NULL && p->n > 0)
		return push_fail(p, ERR_FORMAT, "capabilities on a line that is not the first");
	if (caps != NULL && (r = push_take_caps(p, caps, ncaps)) != 0)
		return r;
	return push_add(p, &c);
}

static int
push_option_line(struct push *p, const uint8_t *data, size_t n)
{
	char **more, *text;

	if (n > 0 && data[n - 1] == '\n')
		n--;
	if (n > OPTION_MAX || p->noptions == p->limits.max_options)
		return push_fail(p, ERR_TOOBIG, "too many or too long push options");
	for (size_t i = 0; i < n; i++)
		if (data[i] < 0x20 || data[i] == 0x7f)
			return push_fail(p, ERR_FORMAT, "a push option with control characters");
	if ((more = reallocarray(p->options, p->noptions + 1, sizeof(*more))) == NULL)
		return ERR_NOMEM;
	p->options = more;
	if ((text = malloc(n + 1)) == NULL)
		return ERR_NOMEM;
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	p->options[p->noptions++] = text;
	return 0;
}

/* The one place where a flush moves the state on. */
static void
push_flush_seen(struct push *p)
{
	if (p->state == PUSH_COMMANDS && p->n == 0)
		p->state = PUSH_DONE;
	else if (p->state == PUSH_COMMANDS && (p->caps & PUSH_CAP_OPTIONS))
		p->state = PUSH_OPTIONS;
	else
		p->state = push_wants_pack(p) ? PUSH_PACK : PUSH_JUDGED;
}

static int
push_line(struct push *p, const struct pktline *line)
{
	if (line->type == PKTLINE_FLUSH) {
		push_flush_seen(p);
		return 0;
	}
	if (line->type != PKTLINE_DATA)
		return push_fail(p, ERR_FORMAT, "a packet of a kind that has no place here");
	if (p->state == PUSH_OPTIONS)
		return push_option_line(p, line->data, line->len);
	return push_command_line(p, line->data, line->len);
}

int
push_feed(struct push *p, const uint8_t *data, size_t n, size_t *usedp)
{
	struct pktline line;
	size_t used;
	int r = 0;

	*usedp = 0;
	while (r == 0 && n > 0 && (p->state == PUSH_COMMANDS || p->state == PUSH_OPTIONS)) {
		r = pktline_feed(p->reader, data, n, &used, &line);
		*usedp += used;
		data += used;
		n -= used;
		if (r == 0)
			r = push_line(p, &line);
		else if (r != ERR_SHORT)
			return push_fail(p, r, r == ERR_TOOBIG ? "a line of the push is too long" :
			    "this is not a git push");
	}
	if (r != 0 && r != ERR_SHORT)
		return push_fail(p, r, err_text(r));
	if (n > 0 && p->state == PUSH_JUDGED)
		return push_fail(p, ERR_FORMAT, "bytes after a push that needs no pack");
	if (p->state == PUSH_DONE)
		*usedp += n;	/* the client may still be sending what was refused */
	return 0;
}

enum push_state
push_state(const struct push *p)
{
	return p->state;
}

const char *
push_why(const struct push *p)
{
	return p->why;
}

struct push_command *
push_commands(struct push *p, size_t *np)
{
	*np = p->n;
	return p->commands;
}

bool
push_wants_pack(const struct push *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!oid_is_zero(p->commands[i].new_oid))
			return true;
	return false;
}

bool
push_is_atomic(const struct push *p)
{
	return (p->caps & PUSH_CAP_ATOMIC) != 0;
}

bool
push_has_band(const struct push *p)
{
	return (p->caps & PUSH_CAP_BAND) != 0;
}

const char *
push_option(const struct push *p, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < p->noptions; i++)
		if (strncmp(p->options[i], key, len) == 0 && p->options[i][len] == '=')
			return p->options[i] + len + 1;
	return NULL;
}

size_t
push_noptions(const struct push *p)
{
	return p->noptions;
}

const char *
push_option_at(const struct push *p, size_t i)
{
	return i < p->noptions ? p->options[i] : NULL;
}
