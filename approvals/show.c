/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "approvals/plain.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

#define SHOW_DUMP	(JSON_COMPACT)

struct show_list {
	bool	 json;
	int64_t	 now_ms;
	json_t	*array;
	size_t	 n, left_out, used;
	struct buf *text;
};

void
show_hex(const uint8_t *p, char out[2 * APPROVAL_DIGEST_LEN + 1])
{
	for (size_t i = 0; i < APPROVAL_DIGEST_LEN; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}

json_t *
show_plain(const char *s)
{
	char *plain = plain_string(s);
	json_t *j = json_string(plain);

	free(plain);
	return j;
}

static json_t *
json_time(int64_t ms)
{
	char out[CLOCK_TEXT];

	if (ms == 0)
		return json_null();
	clock_format(ms, out);
	return json_string(out);
}

static json_t *
json_hex(const uint8_t *p)
{
	char out[2 * APPROVAL_DIGEST_LEN + 1];

	show_hex(p, out);
	return json_string(out);
}

json_t *
show_common(const struct request *r)
{
	return json_pack("{s:s s:o s:o s:o s:o s:o s:o s:o s:o s:o s:i}", "request", r->id, "kind", show_plain(r->kind),
	    "target", show_plain(r->target), "login", show_plain(r->login), "rule", show_plain(r->rule), "because",
	    show_plain(r->because), "sha256", json_hex(r->digest), "policy", json_hex(r->policy), "asked",
	    json_time(r->asked_ms), "deadline", json_time(r->deadline_ms), "quorum", (int)r->quorum);
}

void
show_add_text(json_t *j, const struct request *r, size_t max)
{
	size_t n = r->text_len < max ? r->text_len : max;
	char *text;

	/* A cut inside a character would show its half as \xNN. */
	while (n < r->text_len && n > 0 && n + 4 > max && (r->text[n] & 0xc0) == 0x80)
		n--;
	text = plain_text(r->text, n);
	(void)json_object_set_new(j, "text", json_string(text));
	(void)json_object_set_new(j, "text_bytes", json_integer((json_int_t)r->text_len));
	if (n < r->text_len)
		(void)json_object_set_new(j, "text_more", json_sprintf("%zu bytes more", r->text_len - n));
	free(text);
}

static json_t *
votes_json(const struct request *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->nvotes; i++) {
		const struct vote *v = &r->votes[i];

		(void)json_array_append_new(a, json_pack("{s:o s:s s:o s:o s:b}", "by", show_plain(v->identity), "vote",
		    v->approve ? "approve" : "deny", "time", json_time(v->at_ms), "reason", show_plain(v->reason),
		    "break_glass", v->host));
	}
	return a;
}

static json_t *
status_json(const struct request *r)
{
	char *by = request_deciders(r);
	json_t *j = json_pack("{s:s s:s s:o s:o s:o s:o s:o s:i s:i}", "request", r->id, "state",
	    verdict_text(r->state), "by", show_plain(by),
	    "reason", show_plain(r->why), "deadline", json_time(r->deadline_ms), "decided",
	    json_time(r->decided_ms), "usable_until", json_time(r->grant_until_ms), "approvals",
	    (int)request_approvals(r), "quorum", (int)r->quorum);

	free(by);
	return j;
}

static int
put_json(struct buf *out, json_t *j)
{
	char *s = j == NULL ? NULL : json_dumps(j, SHOW_DUMP);
	int r = s == NULL ? ERR_NOMEM : buf_put(out, s, strlen(s));

	if (r == 0)
		r = buf_put(out, "\n", 1);
	free(s);
	json_decref(j);
	return r;
}

static int
put_field(struct buf *out, const char *name, const char *value)
{
	char *plain = plain_string(value);
	int r = buf_putf(out, "%-10s%s\n", name, plain);

	free(plain);
	return r;
}

/* Whole seconds, as people write them. */
static void
age_text(int64_t ms, char out[CLOCK_TEXT])
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s >= 7200)
		(void)snprintf(out, CLOCK_TEXT, "%lldh%02lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
	else if (s >= 120)
		(void)snprintf(out, CLOCK_TEXT, "%lldm%02llds", (long long)(s / 60), (long long)(s % 60));
	else
		(void)snprintf(out, CLOCK_TEXT, "%llds", (long long)s);
}

static int
put_times(struct buf *out, const struct request *r, int64_t now_ms)
{
	char at[CLOCK_TEXT], span[CLOCK_TEXT];
	int e;

	clock_format(r->asked_ms, at);
	age_text(now_ms - r->asked_ms, span);
	if ((e = buf_putf(out, "%-10s%s (%s ago)\n", "asked", at, span)) != 0)
		return e;
	clock_format(r->deadline_ms, at);
	age_text(r->deadline_ms - now_ms, span);
	if ((e = buf_putf(out, "%-10s%s (%s left)\n", "deadline", at,
	    r->state == APPROVAL_PENDING ? span : "none")) != 0)
		return e;
	if (r->grant_until_ms == 0)
		return 0;
	clock_format(r->grant_until_ms, at);
	return buf_putf(out, "%-10s%s, once\n", "usable", at);
}

static int
put_votes(struct buf *out, const struct request *r)
{
	int e = 0;

	for (size_t i = 0; i < r->nvotes && e == 0; i++) {
		const struct vote *v = &r->votes[i];
		char *by = plain_string(v->identity), *reason = plain_string(v->reason), at[CLOCK_TEXT];

		clock_format(v->at_ms, at);
		e = buf_putf(out, "%-10s%s by %s at %s%s%s%s\n", "vote", v->approve ? "approved" : "denied", by, at,
		    v->host ? " (break-glass)" : "", reason[0] == '\0' ? "" : ": ", reason);
		free(by);
		free(reason);
	}
	return e;
}

static int
show_request_text(const struct request *r, int64_t now_ms, struct buf *out)
{
	char hex[2 * APPROVAL_DIGEST_LEN + 1], *who;
	int e;

	who = r->owner[0] == '\0' ? xstrdup(r->identity) : xasprintf("%s (owner %s)", r->identity, r->owner);
	show_hex(r->digest, hex);
	if ((e = buf_putf(out, "%-10s%s\n", "request", r->id)) != 0 ||
	    (e = buf_putf(out, "%-10s%s, %u of %u approvals\n", "state", verdict_text(r->state), request_approvals(r),
	    r->quorum)) != 0 ||
	    (e = put_field(out, "who", who)) != 0 || (e = put_field(out, "session", r->session)) != 0 ||
	    (e = put_field(out, "kind", r->kind)) != 0 || (e = put_field(out, "target", r->target)) != 0 ||
	    (e = put_field(out, "login", r->login)) != 0 || (e = put_field(out, "rule", r->rule)) != 0 ||
	    (e = put_field(out, "because", r->because)) != 0 || (e = put_times(out, r, now_ms)) != 0 ||
	    (e = put_votes(out, r)) != 0 || (r->why[0] != '\0' && (e = put_field(out, "why", r->why)) != 0) ||
	    (e = buf_putf(out, "%-10s%s\n", "sha256", hex)) != 0 ||
	    (e = buf_putf(out, "%-10s%zu bytes, all of it:\n", "text", r->text_len)) != 0 ||
	    (e = plain_block(out, r->text, r->text_len)) != 0)
		goto out;
out:
	free(who);
	return e;
}

int
show_request(const struct request *r, int64_t now_ms, bool json, struct buf *out)
{
	json_t *j, *status;

	if (!json)
		return show_request_text(r, now_ms, out);
	j = show_common(r);
	status = status_json(r);
	(void)json_object_update_new(j, status);
	(void)json_object_set_new(j, "identity", show_plain(r->identity));
	(void)json_object_set_new(j, "owner", show_plain(r->owner));
	(void)json_object_set_new(j, "session", show_plain(r->session));
	(void)json_object_set_new(j, "votes", votes_json(r));
	show_add_text(j, r, SIZE_MAX);
	return put_json(out, j);
}

int
show_status(const struct request *r, int64_t now_ms, bool json, struct buf *out)
{
	char *by, *why, span[CLOCK_TEXT];
	int e;

	if (json)
		return put_json(out, status_json(r));
	by = request_deciders(r);
	why = plain_string(r->why);
	age_text(request_due_ms(r) - now_ms, span);
	e = buf_putf(out, "%s %s", r->id, verdict_text(r->state));
	if (e == 0 && r->state == APPROVAL_PENDING)
		e = buf_putf(out, ", %u of %u approvals, %s left", request_approvals(r), r->quorum, span);
	if (e == 0 && r->state == APPROVAL_APPROVED)
		e = buf_putf(out, " by %s, usable once for %s: send the very same again", by, span);
	if (e == 0 && r->state == APPROVAL_DENIED)
		e = buf_putf(out, " by %s", by);
	if (e == 0 && why[0] != '\0')
		e = buf_putf(out, ": %s", why);
	if (e == 0)
		e = buf_put(out, "\n", 1);
	free(by);
	free(why);
	return e;
}

struct show_list *
show_list_new(bool json, int64_t now_ms)
{
	struct show_list *l = xcalloc(1, sizeof(*l));

	l->json = json;
	l->now_ms = now_ms;
	l->array = json_array();
	if ((l->text = buf_new(SHOWN_MAX)) == NULL)
		abort();
	return l;
}

static int
put_row(struct show_list *l, const struct request *r, const char *you)
{
	char age[CLOCK_TEXT], left[CLOCK_TEXT], *who, *what, *rule;
	const char *at = r->login[0] == '\0' ? "" : "@";
	int e;

	age_text(l->now_ms - r->asked_ms, age);
	age_text(r->deadline_ms - l->now_ms, left);
	who = plain_string(r->identity);
	rule = plain_string(r->rule);
	what = xasprintf("%s %s%s%s", r->kind, r->login, at, r->target);
	if (l->n == 0)
		e = buf_putf(l->text, "%-10s  %-7s %-7s %-5s %-7s %-20s %-28s %s\n", "REQUEST", "AGE", "LEFT", "VOTES",
		    "YOU", "WHO", "WHAT", "RULE");
	else
		e = 0;
	if (e == 0) {
		char *plain = plain_string(what);

		e = buf_putf(l->text, "%-10s  %-7s %-7s %u/%-3u %-7s %-20.64s %-28.64s %.64s\n", r->id, age, left,
		    request_approvals(r), r->quorum, you, who, plain, rule);
		free(plain);
	}
	free(who);
	free(what);
	free(rule);
	return e;
}

void
show_list_add(struct show_list *l, const struct request *r, const char *you)
{
	json_t *j;

	if (!l->json) {
		if (put_row(l, r, you) != 0)
			l->left_out++;
		l->n++;
		return;
	}
	j = show_common(r);
	(void)json_object_set_new(j, "identity", show_plain(r->identity));
	(void)json_object_set_new(j, "owner", show_plain(r->owner));
	(void)json_object_set_new(j, "approvals", json_integer(request_approvals(r)));
	(void)json_object_set_new(j, "you", json_string(you));
	l->n++;
	l->used += json_dumpb(j, NULL, 0, SHOW_DUMP) + 1;
	if (l->used > SHOWN_MAX - 1024) {
		l->left_out++;
		json_decref(j);
		return;
	}
	(void)json_array_append_new(l->array, j);
}

int
show_list_end(struct show_list *l, struct buf *out)
{
	int e;

	if (l->json)
		e = put_json(out, json_pack("{s:O s:I}", "pending", l->array, "left_out", (json_int_t)l->left_out));
	else if (l->n == 0)
		e = buf_putf(out, "nothing is pending\n");
	else
		e = buf_put(out, buf_ptr(l->text), buf_len(l->text));
	if (e == 0 && !l->json && l->left_out > 0)
		e = buf_putf(out, "and %zu more\n", l->left_out);
	json_decref(l->array);
	buf_free(l->text);
	free(l);
	return e;
}
