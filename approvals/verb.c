/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/verb.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/approvals_msg.h"
#include "approvals/limits.h"
#include "approvals/memory.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"

#define REQ_PREFIX	"REQ-"

enum { TAKES_REQ = 1, TAKES_REASON = 2, NEEDS_REASON = 4, TAKES_CHOICE = 8, TAKES_FINGERPRINT = 16 };

static const struct verb_row {
	const char	*name;
	enum verb_kind	 kind;
	unsigned	 flags;
	const char	*usage;
} verbs[] = {
	{ "pending", VERB_PENDING, 0, "usage: pending" },
	{ "show", VERB_SHOW, TAKES_REQ, "usage: show REQ" },
	{ "status", VERB_STATUS, TAKES_REQ, "usage: status REQ" },
	{ "approve", VERB_APPROVE, TAKES_REQ | TAKES_REASON | TAKES_CHOICE,
	    "usage: approve REQ [--false-positive | --test-value | --rotated [--for 90d]] [--reason TEXT]" },
	{ "deny", VERB_DENY, TAKES_REQ | TAKES_REASON | NEEDS_REASON,
	    "usage: deny REQ --reason TEXT (the reason tells the requester what to do instead)" },
	{ "findings", VERB_FINDINGS, 0, "usage: findings" },
	{ "forget", VERB_FORGET, TAKES_FINGERPRINT, "usage: forget FINGERPRINT (16 digits; `findings` lists them)" },
	{ NULL, VERB_BAD, 0, NULL }
};

/* "req-7f3k2q" and "7F3K2Q" are what people type; O, I and L are what they misread. */
static bool
parse_req(const char *word, char out[ID_TEXT])
{
	size_t n = strlen(REQ_PREFIX);

	if (strncasecmp(word, REQ_PREFIX, n) == 0)
		word += n;
	if (strlen(word) != REQUEST_ID_LEN)
		return false;
	memcpy(out, REQ_PREFIX, n);
	for (; *word != '\0'; word++) {
		char c = (char)toupper((unsigned char)*word);

		out[n++] = (char)(c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c);
	}
	out[n] = '\0';
	return id_is(out, REQ_PREFIX, REQUEST_ID_LEN);
}

/* "--reason" and the rest, or "--reason=x" and the rest. NULL: not that, or nothing in it. */
static char *
parse_reason(const struct strvec *words, size_t from)
{
	struct strvec rest = STRVEC_INIT;
	const char *first = words->v[from];
	char *reason;

	if (strncmp(first, "--reason=", 9) == 0)
		strvec_push(&rest, first + 9);
	else if (strcmp(first, "--reason") != 0)
		return NULL;
	for (size_t i = from + 1; i < words->n; i++)
		strvec_push(&rest, words->v[i]);
	reason = rest.n == 0 ? NULL : strvec_join(&rest, " ");
	strvec_release(&rest);
	if (reason != NULL && reason[strspn(reason, " ")] == '\0') {
		free(reason);
		reason = NULL;
	}
	return reason;
}

/* --false-positive and the like, and --for DURATION after it. False: a duration that is none, or not for so long. */
static bool
parse_choice(struct verb *v, const struct strvec *words, size_t *nextp)
{
	const char *word = words->n > *nextp ? words->v[*nextp] : "";

	if (strncmp(word, "--", 2) != 0 || !memory_is_choice(word + 2))
		return true;
	v->choice = xstrdup(word + 2);
	v->for_ms = MEMORY_MS;
	(*nextp)++;
	if (words->n <= *nextp || strcmp(words->v[*nextp], "--for") != 0)
		return true;
	if (words->n == *nextp + 1 || clock_parse_duration(words->v[*nextp + 1], &v->for_ms) != 0 || v->for_ms <= 0 ||
	    v->for_ms > MEMORY_LONGEST_MS)
		return false;
	*nextp += 2;
	return true;
}

static void
verb_understand(struct verb *v, const struct strvec *words)
{
	const struct verb_row *row = verbs;
	size_t next = 1;

	while (words->n > 0 && row->name != NULL && strcmp(row->name, words->v[0]) != 0)
		row++;
	if (words->n == 0 || row->name == NULL) {
		v->problem = "usage: pending | show REQ | status REQ | approve REQ [--reason TEXT] | "
		    "deny REQ --reason TEXT";
		return;
	}
	v->problem = row->usage;
	if (row->flags & TAKES_REQ) {
		if (words->n < 2)
			return;
		if (!parse_req(words->v[1], v->req)) {
			v->problem = "a request is named like REQ-7F3K2Q; `pending` lists them";
			return;
		}
		next = 2;
	}
	if ((row->flags & TAKES_CHOICE) && !parse_choice(v, words, &next)) {
		v->problem = "--for takes a duration of at most a year, such as 30d";
		return;
	}
	if (row->flags & TAKES_FINGERPRINT) {
		if (words->n != 2 || !memory_is_fingerprint(words->v[1]))
			return;
		v->fingerprint = xstrdup(words->v[1]);
		next = 2;
	}
	if (words->n > next) {
		char *reason = row->flags & TAKES_REASON ? parse_reason(words, next) : NULL;

		if (reason == NULL)
			return;
		free(v->reason);
		v->reason = reason;
		if (strlen(reason) > APPROVAL_REASON_MAX) {
			v->problem = "the reason is over 1024 bytes; shorten it";
			return;
		}
	} else if (row->flags & NEEDS_REASON)
		return;
	v->kind = row->kind;
	v->problem = NULL;
}

static int
get_words(struct buf *b, struct strvec *words, char **formatp)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > ARGS_MAX)
		return ERR_TOOBIG;
	for (; n > 0; n--) {
		char *word;

		if ((r = buf_get_cstring(b, &word)) != 0)
			return r;
		strvec_take(words, word);
	}
	if ((r = buf_get_cstring(b, formatp)) != 0)
		return r;
	return buf_end(b);
}

int
verb_parse(struct buf *b, struct verb **vp)
{
	struct strvec words = STRVEC_INIT;
	struct verb *v = xcalloc(1, sizeof(*v));
	char *format = NULL;
	int r;

	v->reason = xstrdup("");
	if ((r = get_words(b, &words, &format)) != 0)
		goto out;
	v->json = strcmp(format, "json") == 0;
	if (v->json || strcmp(format, "text") == 0 || format[0] == '\0')
		verb_understand(v, &words);
	else
		v->problem = "the format is text or json";
	*vp = v;
	v = NULL;
out:
	verb_free(v);
	strvec_release(&words);
	free(format);
	return r;
}

void
verb_free(struct verb *v)
{
	if (v == NULL)
		return;
	free(v->reason);
	free(v->choice);
	free(v->fingerprint);
	free(v);
}
