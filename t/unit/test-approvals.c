/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, who may decide them, how they are shown, what is typed, and that they survive. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "approvals/ask.h"
#include "approvals/judge.h"
#include "approvals/limits.h"
#include "approvals/memory.h"
#include "approvals/plain.h"
#include "approvals/request.h"
#include "approvals/settings.h"
#include "approvals/show.h"
#include "approvals/store.h"
#include "approvals/verb.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

#define NOW	INT64_C(1790000000000)
#define GRANT	1000

static struct request *
a_request(unsigned quorum)
{
	struct request *r = request_new();

	id_make("REQ-", REQUEST_ID_LEN, r->id);
	request_set(&r->identity, "agent/ci");
	request_set(&r->owner, "alice");
	request_set(&r->session, "S-0123456789");
	request_set(&r->kind, "exec");
	request_set(&r->target, "web1");
	request_set(&r->login, "deploy");
	request_set(&r->rule, "ask-all");
	r->text = (uint8_t *)xstrdup("make deploy");
	r->text_len = strlen("make deploy");
	memset(r->digest, 1, sizeof(r->digest));
	memset(r->policy, 2, sizeof(r->policy));
	r->quorum = quorum;
	strvec_push(&r->approvers, "bob");
	strvec_push(&r->approvers, "group:ops");
	strvec_push(&r->approvers, "agent/*");
	r->asked_ms = NOW;
	r->deadline_ms = NOW + 10000;
	return r;
}

static struct vote
a_vote(const char *who, bool approve, int64_t at)
{
	return (struct vote){ .identity = (char *)(uintptr_t)who, .owner = (char *)(uintptr_t)"",
	    .reason = (char *)(uintptr_t)"because", .approve = approve, .at_ms = at };
}

static void
test_one_approval_is_used_once(void **state)
{
	struct request *r = a_request(1);
	struct vote v = a_vote("bob", true, NOW + 1);
	uint8_t digest[APPROVAL_DIGEST_LEN], policy[APPROVAL_DIGEST_LEN];

	(void)state;
	memcpy(digest, r->digest, sizeof(digest));
	memcpy(policy, r->policy, sizeof(policy));
	assert_int_equal(request_use(r, "agent/ci", digest, policy, NOW), ERR_DENIED);	/* not approved yet */
	assert_int_equal(request_vote(r, &v, GRANT), 0);
	assert_int_equal(r->state, APPROVAL_APPROVED);
	assert_int_equal(request_use(r, "agent/other", digest, policy, NOW + 2), ERR_DENIED);
	digest[31] ^= 1;
	assert_int_equal(request_use(r, "agent/ci", digest, policy, NOW + 2), ERR_DENIED);
	digest[31] ^= 1;
	policy[0] ^= 1;
	assert_int_equal(request_use(r, "agent/ci", digest, policy, NOW + 2), ERR_DENIED);
	policy[0] ^= 1;
	assert_int_equal(request_use(r, "agent/ci", digest, policy, NOW + 1 + GRANT), ERR_DENIED);	/* too late */
	assert_int_equal(request_use(r, "agent/ci", digest, policy, NOW + GRANT), 0);
	assert_int_equal(r->state, APPROVAL_USED);
	assert_int_equal(request_use(r, "agent/ci", digest, policy, NOW + GRANT), ERR_DENIED);
	assert_int_equal(request_expire(r, NOW + GRANT, "x"), ERR_DENIED);
	request_free(r);
}

static void
test_one_denial_ends_it(void **state)
{
	struct request *r = a_request(2);
	struct vote yes = a_vote("bob", true, NOW + 1), no = a_vote("carol", false, NOW + 2);

	(void)state;
	assert_int_equal(request_vote(r, &yes, GRANT), 0);
	assert_int_equal(r->state, APPROVAL_PENDING);
	assert_int_equal(request_vote(r, &no, GRANT), 0);
	assert_int_equal(r->state, APPROVAL_DENIED);
	assert_string_equal(r->why, "because");
	assert_int_equal(request_vote(r, &yes, GRANT), ERR_DENIED);
	request_free(r);
}

static void
test_a_vote_after_the_deadline_does_not_count(void **state)
{
	struct request *r = a_request(1);
	struct vote late = a_vote("bob", true, NOW + 10000);

	(void)state;
	assert_false(request_is_due(r, NOW + 9999));
	assert_true(request_is_due(r, NOW + 10000));
	assert_int_equal(request_vote(r, &late, GRANT), ERR_EXPIRED);
	assert_int_equal(request_expire(r, NOW + 10000, "nobody"), 0);
	assert_int_equal(r->state, APPROVAL_EXPIRED);
	request_free(r);
}

static void
test_who_may_decide(void **state)
{
	static const struct {
		const char	*identity, *owner, *group;
		bool		 may_decide, host;
		enum judgement	 approve;
	} rows[] = {
		{ "bob", "", NULL, true, false, JUDGE_MAY },
		{ "bob-laptop", "bob", "ops", true, false, JUDGE_MAY },
		{ "bob", "", NULL, false, false, JUDGE_NOT_HERE },
		{ "dave", "", NULL, true, false, JUDGE_NOT_APPROVER },
		{ "dave", "", "op", true, false, JUDGE_NOT_APPROVER },
		{ "dave", "", "ops", true, false, JUDGE_MAY },
		{ "agent/ci", "alice", "ops", true, false, JUDGE_SELF },
		{ "alice", "", "ops", true, false, JUDGE_OWNER },
		{ "alice-laptop", "alice", "ops", true, false, JUDGE_SAME_HUMAN },
		{ "sub", "agent/ci", "ops", true, false, JUDGE_SAME_HUMAN },
		{ "agent/other", "bob", "ops", true, false, JUDGE_AGENT },
		{ "tool", "agent/other", "ops", true, false, JUDGE_AGENT },
		{ "carol", "", "ops", true, false, JUDGE_TWICE },
		{ "carol-phone", "carol", "ops", true, false, JUDGE_TWICE },
		{ "host/root", "", NULL, true, true, JUDGE_MAY },
	};
	struct request *r = a_request(3);
	struct vote carol = a_vote("carol", true, NOW + 1);

	(void)state;
	assert_int_equal(request_vote(r, &carol, GRANT), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct person *p = person_new(rows[i].identity, rows[i].owner);

		if (rows[i].group != NULL)
			strvec_push(&p->groups, rows[i].group);
		p->may_decide = rows[i].may_decide;
		p->host = rows[i].host;
		if (judge_vote(r, p, true) != rows[i].approve)
			fail_msg("%s: %s", rows[i].identity, judge_text(judge_vote(r, p, true)));
		/* Who has approved may still deny. */
		if (rows[i].approve == JUDGE_TWICE)
			assert_int_equal(judge_vote(r, p, false), JUDGE_MAY);
		person_free(p);
	}
	request_free(r);
}

static void
test_who_may_see(void **state)
{
	static const struct {
		const char	*identity, *owner;
		bool		 may_decide, sees;
	} rows[] = {
		{ "agent/ci", "alice", false, true },
		{ "alice", "", false, true },
		{ "alice-laptop", "alice", false, true },
		{ "agent/sibling", "alice", false, false },
		{ "agent/other", "carol", true, false },
		{ "bob", "", true, true },
		{ "bob", "", false, false },
		{ "dave", "", true, false },
	};
	struct request *r = a_request(1);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct person *p = person_new(rows[i].identity, rows[i].owner);

		p->may_decide = rows[i].may_decide;
		if (judge_may_see(r, p) != rows[i].sees)
			fail_msg("%s (%s)", rows[i].identity, rows[i].owner);
		person_free(p);
	}
	request_free(r);
}

static void
test_all_of_the_host_is_one_human(void **state)
{
	struct request *r = a_request(2);
	struct vote v = a_vote("host/root", true, NOW + 1);
	struct person *other = person_new("host/admin", "");

	(void)state;
	v.host = other->host = other->may_decide = true;
	assert_int_equal(judge_vote(r, other, true), JUDGE_MAY);
	assert_int_equal(request_vote(r, &v, GRANT), 0);
	assert_int_equal(judge_vote(r, other, true), JUDGE_TWICE);
	person_free(other);
	request_free(r);
}

static void
test_text_is_made_plain(void **state)
{
	static const struct {
		const char	*raw, *plain;
	} rows[] = {
		{ "plain", "plain" },
		{ "\x1b]52;c;x\a", "\\x1b]52;c;x\\x07" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "bad \xff\xfe", "bad \\xff\\xfe" },
		{ "over\xc0\xaf", "over\\xc0\\xaf" },
		{ "cut \xe2\x82", "cut \\xe2\\x82" },
		{ "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80" },
		{ "rtl\xe2\x80\xae", "rtl\\xe2\\x80\\xae" },
		{ "zero\xe2\x80\x8bwidth", "zero\\xe2\\x80\\x8bwidth" },
		{ "line\xe2\x80\xa8sep", "line\\xe2\\x80\\xa8sep" },
		{ "tag\xf3\xa0\x80\xa1", "tag\\xf3\\xa0\\x80\\xa1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = plain_string(rows[i].raw);

		assert_string_equal(got, rows[i].plain);
		free(got);
	}
}

/* No line of the text can look like a line of ours, however it is broken, padded or wrapped. */
static void
test_text_cannot_forge_fields(void **state)
{
	struct request *r = a_request(1);
	struct buf *out = buf_new(SHOWN_MAX);
	char *shown, *line, *rest;
	size_t whos = 0;

	(void)state;
	free(r->text);
	r->text = (uint8_t *)xasprintf("ls\nwho       bob\n\r\x1b[Awho       eve%300swho       carol\n", "");
	r->text_len = strlen((char *)r->text);
	request_set(&r->because, "why\nwho       mallory");
	assert_int_equal(show_request(r, NOW, false, out), 0);
	assert_int_equal(buf_put_u8(out, 0), 0);
	rest = shown = xstrdup((const char *)buf_ptr(out));
	assert_non_null(strstr(shown, "  | who       bob\n"));
	while ((line = strsep(&rest, "\n")) != NULL) {
		whos += strncmp(line, "who ", 4) == 0;
		if (strlen(line) > 4 + LINE_COLUMNS)
			fail_msg("a terminal may break: %s", line);
	}
	assert_int_equal(whos, 1);
	free(shown);
	buf_free(out);
	request_free(r);
}

static struct verb *
typed(const char *format, size_t n, const char *const *words)
{
	struct buf *b = buf_new(65536);
	struct verb *v = NULL;

	assert_int_equal(buf_put_u32(b, (uint32_t)n), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_put_cstring(b, words[i]), 0);
	assert_int_equal(buf_put_cstring(b, format), 0);
	assert_int_equal(verb_parse(b, &v), 0);
	buf_free(b);
	return v;
}

#define TYPED(...)	typed("text", sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
	    (const char *const[]){ __VA_ARGS__ })

static void
test_verbs_as_people_type_them(void **state)
{
	struct verb *v = TYPED("deny", "req-7f3k2o", "--reason", "too", "risky");

	(void)state;
	assert_int_equal(v->kind, VERB_DENY);
	assert_string_equal(v->req, "REQ-7F3K20");
	assert_string_equal(v->reason, "too risky");
	verb_free(v);
	v = TYPED("approve", "7F3K2Q");
	assert_int_equal(v->kind, VERB_APPROVE);
	assert_string_equal(v->req, "REQ-7F3K2Q");
	verb_free(v);
	v = typed("json", 1, (const char *const[]){ "pending" });
	assert_int_equal(v->kind, VERB_PENDING);
	assert_true(v->json);
	verb_free(v);
}

static void
test_verbs_that_make_no_sense(void **state)
{
	char *longer = xmalloc(APPROVAL_REASON_MAX + 2);
	struct verb *bad[9];

	(void)state;
	memset(longer, 'x', APPROVAL_REASON_MAX + 1);
	longer[APPROVAL_REASON_MAX + 1] = '\0';
	bad[0] = TYPED("deny", "REQ-7F3K2Q");
	bad[1] = TYPED("deny", "REQ-7F3K2Q", "--reason");
	bad[2] = TYPED("deny", "REQ-7F3K2Q", "--reason", " ");
	bad[3] = TYPED("approve", "REQ-7F3K2Q", "REQ-7F3K2R");
	bad[4] = TYPED("approve", "../../etc");
	bad[5] = TYPED("pending", "all");
	bad[6] = TYPED("launch");
	bad[7] = TYPED("deny", "REQ-7F3K2Q", "--reason", longer);
	bad[8] = typed("xml", 1, (const char *const[]){ "pending" });
	for (size_t i = 0; i < 9; i++) {
		assert_int_equal(bad[i]->kind, VERB_BAD);
		assert_non_null(bad[i]->problem);
		verb_free(bad[i]);
	}
	free(longer);
}

static void
test_cut_messages_are_refused(void **state)
{
	struct buf *b = buf_new(65536);
	size_t n;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(buf_put_cstring(b, "word"), 0);
	assert_int_equal(buf_put_string(b, "te\0xt", 5), 0);
	assert_int_equal(buf_put_string(b, "0123456789abcdef0123456789abcdef", 32), 0);
	assert_int_equal(buf_put_string(b, "0123456789abcdef0123456789abcdef", 32), 0);
	n = buf_len(b);
	for (size_t i = 0; i <= n; i++) {
		struct buf *cut = buf_view(buf_ptr(b), i);
		struct ask *a = NULL;

		assert_int_equal(ask_parse(cut, &a) == 0, i == n);
		assert_int_equal(a != NULL, i == n);
		ask_free(a);
		buf_free(cut);
	}
	assert_int_equal(buf_put_u8(b, 0), 0);
	{
		struct ask *a = NULL;

		assert_int_equal(ask_parse(b, &a), ERR_FORMAT);
		assert_null(a);
	}
	buf_free(b);
}

static void
test_what_cannot_be_shown_whole_is_refused(void **state)
{
	struct request *r = a_request(1);
	struct buf *out = buf_new(SHOWN_MAX);

	(void)state;
	free(r->text);
	r->text_len = APPROVAL_TEXT_MAX;
	r->text = xmalloc(r->text_len + 1);
	memset(r->text, 1, r->text_len);
	assert_int_equal(show_request(r, NOW, true, out), ERR_TOOBIG);
	memset(r->text, 'x', r->text_len);
	buf_clear(out);
	assert_int_equal(show_request(r, NOW, true, out), 0);
	buf_clear(out);
	assert_int_equal(show_request(r, NOW, false, out), 0);
	buf_free(out);
	request_free(r);
}

static void
test_json_view(void **state)
{
	struct request *r = a_request(2);
	struct vote v = a_vote("bob", true, NOW + 1);
	struct buf *out = buf_new(SHOWN_MAX);
	json_t *j, *vote;

	(void)state;
	assert_int_equal(request_vote(r, &v, GRANT), 0);
	assert_int_equal(show_request(r, NOW, true, out), 0);
	assert_non_null(j = json_loadb((const char *)buf_ptr(out), buf_len(out), JSON_REJECT_DUPLICATES, NULL));
	assert_string_equal(json_string_value(json_object_get(j, "state")), "pending");
	assert_string_equal(json_string_value(json_object_get(j, "owner")), "alice");
	assert_string_equal(json_string_value(json_object_get(j, "text")), "make deploy");
	assert_int_equal(json_integer_value(json_object_get(j, "quorum")), 2);
	assert_string_equal(json_string_value(json_object_get(j, "deadline")), "2026-09-21T14:13:30.000Z");
	assert_int_equal(strspn(json_string_value(json_object_get(j, "sha256")), "01"), 64);
	vote = json_array_get(json_object_get(j, "votes"), 0);
	assert_string_equal(json_string_value(json_object_get(vote, "by")), "bob");
	json_decref(j);
	buf_free(out);
	request_free(r);
}

struct place {
	char	dir[64];
	char	db[96];
};

static int
place_setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/sp-approvals-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	(void)snprintf(p->db, sizeof(p->db), "%s/approvals.db", p->dir);
	*state = p;
	return 0;
}

static int
place_teardown(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		char *path = xasprintf("%s%s", p->db, tails[i]);

		(void)unlink(path);
		free(path);
	}
	(void)rmdir(p->dir);
	free(p);
	return 0;
}

static struct store *
opened(const struct place *p)
{
	struct store *s = NULL;
	char *error = NULL;

	if (store_open(p->db, &s, &error) != 0)
		fail_msg("%s", error);
	return s;
}

static void
take_into(struct request *r, void *arg)
{
	struct request **rp = arg;

	request_free(*rp);
	*rp = r;
}

/* Ask and approve in a process that is killed; everything is there afterwards, and an approval is used once. */
static void
test_store_survives_kill(void **state)
{
	struct request *r = a_request(1), *back = NULL;
	struct vote v = a_vote("bob", true, NOW + 1);
	struct store *s;
	pid_t pid;
	int status;

	if ((pid = fork()) == 0) {
		char *error = NULL;

		if (store_open(((struct place *)*state)->db, &s, &error) != 0 || store_insert(s, r) != 0 ||
		    request_vote(r, &v, GRANT) != 0 || store_vote(s, r) != 0)
			_exit(3);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	s = opened(*state);
	assert_int_equal(store_each_open(s, take_into, &back), 0);
	assert_non_null(back);
	assert_string_equal(back->id, r->id);
	assert_string_equal(back->owner, "alice");
	assert_int_equal(back->text_len, r->text_len);
	assert_memory_equal(back->digest, r->digest, sizeof(r->digest));
	assert_memory_equal(back->policy, r->policy, sizeof(r->policy));
	assert_int_equal(back->state, APPROVAL_APPROVED);
	assert_int_equal(back->grant_until_ms, NOW + 1 + GRANT);
	assert_int_equal(back->approvers.n, 3);
	assert_string_equal(back->approvers.v[1], "group:ops");
	assert_int_equal(back->nvotes, 1);
	assert_string_equal(back->votes[0].identity, "bob");
	assert_int_equal(store_use(s, r->id, "S-1", NOW + 1 + GRANT), ERR_DENIED);	/* too late */
	assert_int_equal(store_use(s, r->id, "S-1", NOW + 2), 0);
	assert_int_equal(store_use(s, r->id, "S-1", NOW + 2), ERR_DENIED);
	store_close(s);
	s = opened(*state);
	assert_int_equal(store_use(s, r->id, "S-1", NOW + 2), ERR_DENIED);
	request_free(back);
	back = NULL;
	assert_int_equal(store_find(s, r->id, &back), 0);
	assert_int_equal(back->state, APPROVAL_USED);
	store_close(s);
	request_free(back);
	request_free(r);
}

static void
test_store_remembers_a_denial(void **state)
{
	struct request *r = a_request(1), *back = NULL;
	struct vote v = a_vote("bob", false, NOW + 1);
	struct store *s = opened(*state);

	assert_int_equal(store_insert(s, r), 0);
	assert_int_equal(store_insert(s, r), ERR_SYSTEM);	/* an id is taken once */
	assert_int_equal(request_vote(r, &v, GRANT), 0);
	assert_int_equal(store_vote(s, r), 0);
	assert_int_equal(store_use(s, r->id, "S-1", NOW + 2), ERR_DENIED);
	assert_int_equal(store_find_denied(s, "agent/ci", r->digest, r->policy, NOW, &back), 0);
	request_free(back);
	assert_int_equal(store_find_denied(s, "agent/ci", r->digest, r->policy, NOW + 1, &back), ERR_NOTFOUND);
	assert_int_equal(store_find_denied(s, "agent/x", r->digest, r->policy, NOW, &back), ERR_NOTFOUND);
	assert_int_equal(store_prune(s, NOW + 1), 0);
	assert_int_equal(store_find(s, r->id, &back), ERR_NOTFOUND);
	store_close(s);
	request_free(r);
}

static void
test_store_of_another_version_is_refused(void **state)
{
	struct place *p = *state;
	struct store *s = NULL;
	char *error = NULL;
	FILE *f = fopen(p->db, "w");

	assert_non_null(f);
	(void)fputs("this is no database, and long enough to be looked at as one: ....................", f);
	(void)fclose(f);
	assert_int_not_equal(store_open(p->db, &s, &error), 0);
	assert_non_null(error);
	assert_null(s);
	free(error);
}

static void
test_findings_are_read_off_what_was_shown(void **state)
{
	static const char text[] =
	    "finding: rule=github-token (a token) blob commit=1234 a/b:1 value=ghp_**xy fingerprint=0123456789abcdef\n"
	    "finding: rule=github-token (a token) blob commit=5678 c:9 value=ghp_**xy fingerprint=0123456789abcdef\n"
	    "finding: rule=aws-key (x) blob commit=- x fingerprint=ffffffffffffffff:1 value=A fingerprint=00000000000000aa\n"
	    "commit: 1234 finding: rule=forged fingerprint=1111111111111111\n"
	    "finding: rule=short fingerprint=111\n"
	    "finding: rule=upper fingerprint=ABCDEF0123456789\n"
	    "finding: rule= fingerprint=2222222222222222\n"
	    "finding: rule=last (x) fingerprint=3333333333333333";
	static const char *const want[][2] = { { "github-token", "0123456789abcdef" }, { "aws-key", "00000000000000aa" },
	    { "last", "3333333333333333" } };
	struct request *r = request_new();
	struct memory found[8];
	size_t n;

	(void)state;
	r->text = (uint8_t *)xstrdup(text);
	r->text_len = strlen(text);
	n = memory_findings(r, found, 8);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(found[i].rule, want[i][0]);
		assert_string_equal(found[i].fingerprint, want[i][1]);
		memory_release(&found[i]);
	}
	request_free(r);
}

static void
test_what_an_approver_says_of_findings(void **state)
{
	struct verb *v = TYPED("approve", "REQ-7F3K2Q", "--test-value", "--for", "30d", "--reason", "from", "the", "manual");

	(void)state;
	assert_int_equal(v->kind, VERB_APPROVE);
	assert_string_equal(v->choice, "test-value");
	assert_true(v->for_ms == INT64_C(30) * 24 * 3600 * 1000);
	assert_string_equal(v->reason, "from the manual");
	verb_free(v);
	v = TYPED("approve", "REQ-7F3K2Q", "--rotated");
	assert_int_equal(v->kind, VERB_APPROVE);
	assert_true(v->for_ms == MEMORY_MS);
	verb_free(v);
	for (int i = 0; i < 6; i++) {
		v = i == 0 ? TYPED("approve", "REQ-7F3K2Q", "--rotated", "--for") :
		    i == 1 ? TYPED("approve", "REQ-7F3K2Q", "--rotated", "--for", "1000d") :
		    i == 2 ? TYPED("approve", "REQ-7F3K2Q", "--harmless") :
		    i == 3 ? TYPED("deny", "REQ-7F3K2Q", "--rotated", "--reason", "x") :
		    i == 4 ? TYPED("forget", "x") : TYPED("approve", "REQ-7F3K2Q", "--rotated", "--for", "0");
		assert_int_equal(v->kind, VERB_BAD);
		assert_non_null(v->problem);
		verb_free(v);
	}
}

static void
count_memory(const struct memory *m, void *arg)
{
	assert_string_equal(m->repo, "demo");
	(*(int *)arg)++;
}

static char *
word(const char *s)
{
	return xstrdup(s);
}

static void
test_store_of_version_1_gains_a_memory(void **state)
{
	struct place *p = *state;
	struct memory m = { word("r"), word("0123456789abcdef"), word("hosted"), word("demo"), word("rotated"), word("human/eva"),
	    word("REQ-7F3K2Q"), NOW, NOW + 1000 };
	struct store *s = NULL;
	sqlite3 *db = NULL;
	char *error = NULL;
	unsigned gone = 0;
	int n = 0;

	assert_int_equal(store_open(p->db, &s, &error), 0);
	store_close(s);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE memory; PRAGMA user_version = 1;", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_open(p->db, &s, &error), 0);
	assert_int_equal(store_remember(s, &m, 1), 0);
	assert_int_equal(store_remember(s, &m, 1), 0);
	assert_int_equal(store_each_memory(s, NOW, count_memory, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_forget(s, "0123456789abcdef", &gone), 0);
	assert_int_equal(gone, 1);
	assert_int_equal(store_remember(s, &m, 1), 0);
	assert_int_equal(store_each_memory(s, NOW + 1000, count_memory, &n), 0);
	assert_int_equal(n, 1);		/* it is over */
	store_close(s);
	memory_release(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_approval_is_used_once),
		cmocka_unit_test(test_one_denial_ends_it),
		cmocka_unit_test(test_a_vote_after_the_deadline_does_not_count),
		cmocka_unit_test(test_who_may_decide),
		cmocka_unit_test(test_who_may_see),
		cmocka_unit_test(test_all_of_the_host_is_one_human),
		cmocka_unit_test(test_text_is_made_plain),
		cmocka_unit_test(test_text_cannot_forge_fields),
		cmocka_unit_test(test_verbs_as_people_type_them),
		cmocka_unit_test(test_verbs_that_make_no_sense),
		cmocka_unit_test(test_what_an_approver_says_of_findings),
		cmocka_unit_test(test_findings_are_read_off_what_was_shown),
		cmocka_unit_test(test_cut_messages_are_refused),
		cmocka_unit_test(test_what_cannot_be_shown_whole_is_refused),
		cmocka_unit_test(test_json_view),
		cmocka_unit_test_setup_teardown(test_store_survives_kill, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_store_remembers_a_denial, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_store_of_version_1_gains_a_memory, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_store_of_another_version_is_refused, place_setup, place_teardown),
	};

	if (sodium_init() == -1)
		return 2;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
