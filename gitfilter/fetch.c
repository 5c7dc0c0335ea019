/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"

#define AGENT	"agent=sallyport/" PACKAGE_VERSION

enum fetch_state { FETCH_ADVERTISE, FETCH_WANTS, FETCH_HAVES, FETCH_ASKED };

struct fetch {
	enum fetch_state	 state;
	fetch_want_fn		 want;
	void			*arg;
	struct pktline_reader	*server, *client;	/* owned */
	struct push_ref		*refs;			/* owned */
	size_t			 nrefs, cap;
	uint8_t			(*tips)[20];		/* owned; nrefs, sorted */
	bool			 first_seen;		/* of the server's lines */
	size_t			 nlines, nwants, nhaves;
	char			 why[REASON_MAX];
};

/* Capabilities of a stock server that are not shown to the client, each for a reason. */
static const char *const server_hidden[] = {
	"allow-tip-sha1-in-want",	/* objects that no reference names */
	"allow-reachable-sha1-in-want",
	"filter",			/* later fetches by bare object name, without a path */
	"session-id",			/* the repository's own, of no use to the client */
};

/* What a client may answer; a word that ends in '=' takes any value. */
static const char *const client_caps[] = {
	"multi_ack", "multi_ack_detailed", "no-done", "thin-pack", "side-band", "side-band-64k", "ofs-delta", "shallow",
	"deepen-since", "deepen-not", "deepen-relative", "no-progress", "include-tag", "object-format=sha1", "agent=",
};

struct fetch *
fetch_new(fetch_want_fn want, void *arg)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->want = want;
	f->arg = arg;
	f->server = pktline_reader_new(PKTLINE_MAX - 4);
	f->client = pktline_reader_new(CLIENT_LINE_MAX);
	if (f->server == NULL || f->client == NULL) {
		fetch_free(f);
		return NULL;
	}
	return f;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	pktline_reader_free(f->server);
	pktline_reader_free(f->client);
	free(f->refs);
	free(f->tips);
	free(f);
}

static int
fetch_fail(struct fetch *f, int r, const char *why)
{
	if (f->why[0] == '\0')
		(void)snprintf(f->why, sizeof(f->why), "%s", why);
	return r;
}

static int
oid_compare(const void *a, const void *b)
{
	return memcmp(a, b, 20);
}

/* The advertisement is whole: make its ids searchable. */
static int
fetch_index_tips(struct fetch *f)
{
	if ((f->tips = calloc(f->nrefs + 1, sizeof(*f->tips))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->nrefs; i++)
		oid_parse(f->refs[i].oid, f->tips[i]);
	qsort(f->tips, f->nrefs, sizeof(*f->tips), oid_compare);
	return 0;
}

bool
fetch_is_tip(const struct fetch *f, const char *oid)
{
	uint8_t raw[20];

	if (f->tips == NULL || !oid_is_hex((const uint8_t *)oid, strlen(oid)))
		return false;
	oid_parse(oid, raw);
	return bsearch(raw, f->tips, f->nrefs, sizeof(*f->tips), oid_compare) != NULL;
}

static int
fetch_add_ref(struct fetch *f, const uint8_t *oid, const uint8_t *name, size_t n)
{
	struct push_ref *more;
	size_t cap;

	if (n == 0 || n >= REF_NAME_MAX || memchr(name, '\0', n) != NULL)
		return fetch_fail(f, ERR_FORMAT, "the repository advertised a name that cannot be one");
	if (f->nrefs == FETCH_REFS_MAX)
		return fetch_fail(f, ERR_TOOBIG, "the repository has more references than can be served");
	if (f->nrefs == f->cap) {
		cap = f->cap == 0 ? 32 : f->cap * 2;
		if ((more = reallocarray(f->refs, cap, sizeof(*more))) == NULL)
			return ERR_NOMEM;
		f->refs = more;
		f->cap = cap;
	}
	memset(&f->refs[f->nrefs], 0, sizeof(f->refs[0]));
	memcpy(f->refs[f->nrefs].oid, oid, OID_HEX);
	memcpy(f->refs[f->nrefs].name, name, n);
	f->nrefs++;
	return 0;
}

static bool
is_hidden(const uint8_t *word, size_t n)
{
	for (size_t i = 0; i < sizeof(server_hidden) / sizeof(server_hidden[0]); i++) {
		size_t len = strlen(server_hidden[i]);

		if (n >= len && memcmp(word, server_hidden[i], len) == 0 && (n == len || word[len] == '='))
			return true;
	}
	return n >= 6 && memcmp(word, "agent=", 6) == 0;
}

/* The first line again with the capabilities that we let through; head is everything up to and with the NUL. */
static int
fetch_edit_caps(const uint8_t *head, size_t nhead, const uint8_t *caps, size_t n, struct buf *out)
{
	struct buf *line = buf_new(PKTLINE_MAX);
	int r = line == NULL ? ERR_NOMEM : buf_put(line, head, nhead);

	while (r == 0 && n > 0) {
		const uint8_t *space = memchr(caps, ' ', n);
		size_t len = space == NULL ? n : (size_t)(space - caps);

		if (len > 0 && !is_hidden(caps, len) && (r = buf_put_u8(line, ' ')) == 0)
			r = buf_put(line, caps, len);
		len += space != NULL;
		caps += len;
		n -= len;
	}
	if (r == 0 && (r = buf_putf(line, " " AGENT "\n")) == 0)
		r = pktline_put(out, buf_ptr(line), buf_len(line));
	buf_free(line);
	return r;
}

static int
fetch_server_line(struct fetch *f, const uint8_t *p, size_t n, struct buf *out)
{
	const uint8_t *nul = memchr(p, '\0', n);
	size_t text = n > 0 && p[n - 1] == '\n' ? n - 1 : n, end = nul == NULL ? text : (size_t)(nul - p);
	bool first = !f->first_seen;
	int r;

	f->first_seen = true;
	if (text >= 4 && memcmp(p, "ERR ", 4) == 0) {
		text_clean(f->why, sizeof(f->why), p + 4, text - 4);
		return ERR_DENIED;
	}
	if (text == 8 + OID_HEX && memcmp(p, "shallow ", 8) == 0 && oid_is_hex(p + 8, OID_HEX))
		return pktline_put(out, p, n);
	if (end < OID_HEX + 2 || !oid_is_hex(p, OID_HEX) || p[OID_HEX] != ' ' || (nul != NULL) != first)
		return fetch_fail(f, ERR_FORMAT, "the repository's advertisement is malformed");
	/* "capabilities^{}" stands for no reference at all. */
	if (memcmp(p, "0000000000000000000000000000000000000000", OID_HEX) != 0 &&
	    (r = fetch_add_ref(f, p, p + OID_HEX + 1, end - OID_HEX - 1)) != 0)
		return r;
	if (first)
		return fetch_edit_caps(p, end + 1, p + end + 1, text - end - 1, out);
	return pktline_put(out, p, n);
}

int
fetch_feed_server(struct fetch *f, const uint8_t *p, size_t n, size_t *usedp, struct buf *out)
{
	struct pktline line;
	size_t used;
	int r = 0;

	*usedp = 0;
	while (n > 0 && f->state == FETCH_ADVERTISE) {
		r = pktline_feed(f->server, p, n, &used, &line);
		*usedp += used;
		p += used;
		n -= used;
		if (r == ERR_SHORT)
			return 0;
		if (r != 0)
			return fetch_fail(f, r, "the repository's advertisement is malformed");
		if (line.type == PKTLINE_FLUSH) {
			if ((r = fetch_index_tips(f)) != 0 || (r = pktline_flush(out)) != 0)
				return r;
			f->state = FETCH_WANTS;
		} else if (line.type != PKTLINE_DATA)
			return fetch_fail(f, ERR_FORMAT, "the repository's advertisement is malformed");
		else if ((r = fetch_server_line(f, line.data, line.len, out)) != 0)
			return fetch_fail(f, r, err_text(r));
	}
	return 0;
}

bool
fetch_is_advertised(const struct fetch *f)
{
	return f->state != FETCH_ADVERTISE;
}

const struct push_ref *
fetch_refs(const struct fetch *f, size_t *np)
{
	*np = f->nrefs;
	return f->refs;
}

static bool
is_client_cap(const uint8_t *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word[i] <= 0x20 || word[i] >= 0x7f)
			return false;
	for (size_t i = 0; i < sizeof(client_caps) / sizeof(client_caps[0]); i++) {
		size_t len = strlen(client_caps[i]);

		if ((n == len || (n > len && client_caps[i][len - 1] == '=')) && memcmp(word, client_caps[i], len) == 0)
			return true;
	}
	return false;
}

static int
fetch_check_caps(struct fetch *f, const uint8_t *p, size_t n)
{
	char clean[64];

	while (n > 0) {
		const uint8_t *space = memchr(p, ' ', n);
		size_t len = space == NULL ? n : (size_t)(space - p);

		if (len > 0 && !is_client_cap(p, len)) {
			text_clean(clean, sizeof(clean), p, len);
			(void)snprintf(f->why, sizeof(f->why), "capability %s was not offered", clean);
			return ERR_DENIED;
		}
		len += space != NULL;
		p += len;
		n -= len;
	}
	return 0;
}

/* Handlers of one kind of line: p is what follows the word, without the newline. */
static int
fetch_want(struct fetch *f, const uint8_t *p, size_t n)
{
	char oid[OID_HEX + 1] = "";
	int r;

	if (n < OID_HEX || !oid_is_hex(p, OID_HEX) || (n > OID_HEX && (p[OID_HEX] != ' ' || f->nwants > 0)))
		return fetch_fail(f, ERR_FORMAT, "a want is not an object name");
	memcpy(oid, p, OID_HEX);
	if (n > OID_HEX && (r = fetch_check_caps(f, p + OID_HEX, n - OID_HEX)) != 0)
		return r;
	if (f->want != NULL ? !f->want(oid, f->arg) : !fetch_is_tip(f, oid)) {
		(void)snprintf(f->why, sizeof(f->why),
		    "object %s is not one that was advertised; fetch a branch or a tag", oid);
		return ERR_DENIED;
	}
	f->nwants++;
	return 0;
}

static int
fetch_have(struct fetch *f, const uint8_t *p, size_t n)
{
	if (!oid_is_hex(p, n))
		return fetch_fail(f, ERR_FORMAT, "a have is not an object name");
	f->nhaves++;
	return 0;
}

static int
fetch_shallow(struct fetch *f, const uint8_t *p, size_t n)
{
	return oid_is_hex(p, n) ? 0 : fetch_fail(f, ERR_FORMAT, "a shallow line is not an object name");
}

static int
fetch_number(struct fetch *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return fetch_fail(f, ERR_FORMAT, "a depth or time is not a number");
	return n >= 1 && n <= 19 ? 0 : fetch_fail(f, ERR_FORMAT, "a depth or time is not a number");
}

/* A reference's name, full or short as the user typed it: only its characters are judged here. */
static int
fetch_name(struct fetch *f, const uint8_t *p, size_t n)
{
	char full[REF_NAME_MAX];
	int len = snprintf(full, sizeof(full), "refs/heads/%.*s", (int)(n < REF_NAME_MAX ? n : REF_NAME_MAX), p);

	if (len < 0 || (size_t)len != n + 11 || refname_fault((const uint8_t *)full, (size_t)len) != NULL)
		return fetch_fail(f, ERR_FORMAT, "deepen-not does not name a reference");
	return 0;
}

static int
fetch_done(struct fetch *f, const uint8_t *p, size_t n)
{
	(void)p;
	if (n != 0)
		return fetch_fail(f, ERR_FORMAT, "a line of the fetch is malformed");
	f->state = FETCH_ASKED;
	return 0;
}

static const struct {
	const char		*word;
	enum fetch_state	 state;		/* the only one in which it may come */
	int			(*take)(struct fetch *, const uint8_t *, size_t);
} fetch_lines[] = {
	{ "want ", FETCH_WANTS, fetch_want },
	{ "shallow ", FETCH_WANTS, fetch_shallow },
	{ "deepen ", FETCH_WANTS, fetch_number },
	{ "deepen-since ", FETCH_WANTS, fetch_number },
	{ "deepen-not ", FETCH_WANTS, fetch_name },
	{ "have ", FETCH_HAVES, fetch_have },
	{ "done", FETCH_HAVES, fetch_done },
};

static int
fetch_client_line(struct fetch *f, const uint8_t *p, size_t n, struct buf *out)
{
	size_t text = n > 0 && p[n - 1] == '\n' ? n - 1 : n;
	char clean[64];
	int r;

	if (++f->nlines > FETCH_LINES_MAX)
		return fetch_fail(f, ERR_TOOBIG, "the fetch has too many lines");
	for (size_t i = 0; i < sizeof(fetch_lines) / sizeof(fetch_lines[0]); i++) {
		size_t len = strlen(fetch_lines[i].word);

		if (fetch_lines[i].state != f->state || text < len || memcmp(p, fetch_lines[i].word, len) != 0)
			continue;
		if ((r = fetch_lines[i].take(f, p + len, text - len)) != 0)
			return r;
		return pktline_put(out, p, n);
	}
	text_clean(clean, sizeof(clean), p, text < 40 ? text : 40);
	(void)snprintf(f->why, sizeof(f->why), "a fetch may not say this here: %s", clean);
	return ERR_DENIED;
}

static int
fetch_client_packet(struct fetch *f, const struct pktline *line, struct buf *out)
{
	if (line->type == PKTLINE_DATA)
		return fetch_client_line(f, line->data, line->len, out);
	if (line->type != PKTLINE_FLUSH)
		return fetch_fail(f, ERR_FORMAT, "a packet of a kind that has no place here");
	if (f->state == FETCH_WANTS)
		f->state = f->nwants == 0 ? FETCH_ASKED : FETCH_HAVES;
	if (++f->nlines > FETCH_LINES_MAX)
		return fetch_fail(f, ERR_TOOBIG, "the fetch has too many lines");
	return pktline_flush(out);
}

int
fetch_feed_client(struct fetch *f, const uint8_t *p, size_t n, struct buf *out)
{
	struct pktline line;
	size_t used;
	int r;

	while (n > 0) {
		if (f->state == FETCH_ADVERTISE || f->state == FETCH_ASKED)
			return fetch_fail(f, ERR_DENIED, "the client spoke out of turn");
		r = pktline_feed(f->client, p, n, &used, &line);
		p += used;
		n -= used;
		if (r == ERR_SHORT)
			return 0;
		if (r != 0)
			return fetch_fail(f, r, "this is not a git fetch");
		if ((r = fetch_client_packet(f, &line, out)) != 0)
			return fetch_fail(f, r, err_text(r));
	}
	return 0;
}

bool
fetch_is_asked(const struct fetch *f)
{
	return f->state == FETCH_ASKED;
}

size_t
fetch_nwants(const struct fetch *f)
{
	return f->nwants;
}

size_t
fetch_nhaves(const struct fetch *f)
{
	return f->nhaves;
}

const char *
fetch_kind(const struct fetch *f)
{
	if (f->nwants == 0)
		return "list";
	return f->nhaves == 0 ? "clone" : "fetch";
}

const char *
fetch_why(const struct fetch *f)
{
	return f->why;
}

int
fetch_refuse(const struct fetch *f, const char *text, struct buf *out)
{
	char clean[REASON_MAX];

	if (text == NULL)
		text = f->why[0] != '\0' ? f->why : "refused";
	text_clean(clean, sizeof(clean), text, strlen(text));
	return pktline_putf(out, "ERR %s\n", clean);
}
