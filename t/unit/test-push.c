/* SPDX-License-Identifier: Apache-2.0 */
/* pkt-lines, reference names, and the dialogue of a push. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/pktline.h"
#include "gitfilter/push.h"
#include "gitfilter/refcmd.h"

#define ZERO	"0000000000000000000000000000000000000000"
#define ONE	"1111111111111111111111111111111111111111"
#define TWO	"2222222222222222222222222222222222222222"

static const struct push_limits limits = { .max_commands = 4, .max_options = 2, .max_pack_bytes = 1000 };

static void
test_pktline_takes_one_line_and_no_more(void **state)
{
	static const char in[] = "0009hello0000" "000500004PACK";
	struct pktline_reader *r = pktline_reader_new(100);
	struct pktline line = { .len = 0 };
	size_t used, at = 0;

	(void)state;
	assert_int_equal(pktline_feed(r, (const uint8_t *)in, 3, &used, &line), ERR_SHORT);
	assert_int_equal(used, 3);
	assert_true(pktline_reader_is_inside(r));
	at = 3;
	assert_int_equal(pktline_feed(r, (const uint8_t *)in + at, sizeof(in) - 1 - at, &used, &line), 0);
	assert_int_equal(line.type, PKTLINE_DATA);
	assert_int_equal(line.len, 5);
	assert_memory_equal(line.data, "hello", 5);
	at += used;
	assert_int_equal(at, 9);
	assert_int_equal(pktline_feed(r, (const uint8_t *)in + at, sizeof(in) - 1 - at, &used, &line), 0);
	assert_int_equal(line.type, PKTLINE_FLUSH);
	at += used;
	assert_int_equal(at, 13);
	pktline_reader_free(r);
}

static void
test_pktline_refuses_bad_lengths(void **state)
{
	static const struct { const char *in; int r; } bad[] = {
		{ "0003", ERR_FORMAT }, { "fff1", ERR_FORMAT }, { "zzzz", ERR_FORMAT }, { "-001", ERR_FORMAT },
		{ " 009", ERR_FORMAT }, { "ffff", ERR_FORMAT }, { "0069", ERR_TOOBIG }, { "fff0", ERR_TOOBIG },
	};
	struct pktline line;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pktline_reader *r = pktline_reader_new(100);

		assert_int_equal(pktline_feed(r, (const uint8_t *)bad[i].in, 4, &used, &line), bad[i].r);
		pktline_reader_free(r);
	}
}

static void
test_reference_names(void **state)
{
	static const char *const good[] = {
		"refs/heads/main", "refs/heads/a/b.c", "refs/tags/v1.0", "refs/heads/\xc3\xa9", "refs/x/@", "refs/heads/-x",
	};
	static const char *const bad[] = {
		"", "HEAD", "refs/", "refs/heads", "refs/heads/", "refs//heads/x", "/refs/heads/x", "refs/heads/a..b",
		"refs/heads/.a", "refs/heads/a.lock", "refs/heads/a.lock/b", "refs/heads/a.", "refs/heads/a b",
		"refs/heads/a~1", "refs/heads/a^", "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/[a",
		"refs/heads/a\\b", "refs/heads/a@{0}", "refs/heads/a\x7f", "refs/heads/a\n", "refs/heads/\xc3",
		"refs/heads/\xe2\x80\xae" "x", "refs/heads/\xc0\xaf", "refs/heads/\xed\xa0\x80", "refs/heads/\xc2\x85",
		"../refs/heads/x", "refs/../heads/x",
	};
	char big[REF_NAME_MAX + 16];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(refname_fault((const uint8_t *)good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (refname_fault((const uint8_t *)bad[i], strlen(bad[i])) == NULL)
			fail_msg("%s was taken", bad[i]);
	memset(big, 'a', sizeof(big));
	memcpy(big, "refs/heads/", 11);
	assert_null(refname_fault((const uint8_t *)big, REF_NAME_MAX - 1));
	assert_non_null(refname_fault((const uint8_t *)big, REF_NAME_MAX));
}

/* Feeds the lines (NULL-ended; "" = flush; '|' stands for NUL), byte by byte. */
static int
feed(struct push *p, const char *const *lines)
{
	struct buf *b = buf_new(1 << 20);
	size_t used;
	int r = 0;

	for (; *lines != NULL; lines++) {
		char *copy = strdup(*lines);
		size_t n = strlen(copy);

		for (size_t i = 0; i < n; i++)
			if (copy[i] == '|')
				copy[i] = '\0';
		assert_int_equal(n == 0 ? pktline_flush(b) : pktline_put(b, copy, n), 0);
		free(copy);
	}
	while (r == 0 && buf_len(b) > 0) {
		if ((r = push_feed(p, buf_ptr(b), 1, &used)) == 0 && used == 0)
			break;
		(void)buf_consume(b, used);
	}
	buf_free(b);
	return r;
}

static void
expect_bytes(struct buf *b, const char *want, size_t n)
{
	assert_int_equal(buf_len(b), n);
	assert_memory_equal(buf_ptr(b), want, n);
	buf_clear(b);
}

static void
test_advertisement(void **state)
{
	static const struct push_ref ref = { .oid = ONE, .name = "refs/heads/main" };
	struct push *p = push_new(&limits);
	struct buf *b = buf_new(4096);

	(void)state;
	assert_int_equal(push_advertise(p, NULL, 0, b), 0);
	assert_memory_equal(buf_ptr(b) + 4, ZERO " capabilities^{}\0report-status ", 70);
	assert_memory_equal(buf_ptr(b) + buf_len(b) - 5, "\n0000", 5);
	buf_clear(b);
	assert_int_equal(push_advertise(p, &ref, 1, b), 0);
	assert_memory_equal(buf_ptr(b) + 4, ONE " refs/heads/main\0report", 60);
	assert_non_null(memmem(buf_ptr(b), buf_len(b), " no-thin ", 9));
	buf_free(b);
	push_free(p);
}

static void
test_a_push_with_options_is_judged_and_reported(void **state)
{
	static const char *const lines[] = {
		ZERO " " ONE " refs/heads/new| report-status-v2 side-band-64k push-options object-format=sha1 agent=git/2.39.5",
		TWO " " ONE " refs/heads/main\n", "", "sallyport.reason=because", "plain", "", NULL,
	};
	static const char order[] = "00b2" ZERO " " ONE " refs/heads/new\0 report-status";
	struct push *p = push_new(&limits);
	struct buf *b = buf_new(4096);
	struct push_command *c;
	size_t n;

	(void)state;
	assert_int_equal(feed(p, lines), 0);
	assert_int_equal(push_state(p), PUSH_PACK);
	c = push_commands(p, &n);
	assert_int_equal(n, 2);
	assert_string_equal(c[1].name, "refs/heads/main");
	assert_string_equal(push_option(p, "sallyport.reason"), "because");
	assert_null(push_option(p, "sallyport"));
	assert_int_equal(push_noptions(p), 2);
	assert_string_equal(push_option_at(p, 1), "plain");
	assert_int_equal(push_progress(p, "one\033[2J\ntwo", b, NULL), 0);
	expect_bytes(b, "000d\2one?[2J\n0009\2two\n", 22);
	assert_int_equal(push_keepalive(p, b), 0);
	expect_bytes(b, "0005\2", 5);
	(void)snprintf(c[1].error, sizeof(c[1].error), "no\nway");
	assert_int_equal(push_order(p, b), 0);
	assert_memory_equal(buf_ptr(b) + 4, order + 4, sizeof(order) - 5);
	assert_null(memmem(buf_ptr(b), buf_len(b), "main", 4));
	buf_clear(b);
	assert_int_equal(push_report(p, NULL, b), 0);
	expect_bytes(b, "004b\1" "000eunpack ok\n0016ok refs/heads/new\n001eng refs/heads/main no?way\n00000000", 79);
	assert_int_equal(push_state(p), PUSH_DONE);
	buf_free(b);
	push_free(p);
}

static void
test_atomic_push_fails_as_one(void **state)
{
	static const char *const lines[] = {
		ZERO " " ONE " refs/heads/a| report-status atomic", ZERO " " ONE " refs/heads/b", "", NULL,
	};
	struct push *p = push_new(&limits);
	struct buf *b = buf_new(4096), *err = buf_new(4096);
	struct push_command *c;
	size_t n;

	(void)state;
	assert_int_equal(feed(p, lines), 0);
	assert_true(push_is_atomic(p));
	assert_int_equal(push_progress(p, "wait", b, err), 0);
	assert_int_equal(buf_len(b), 0);
	expect_bytes(err, "wait\n", 5);
	c = push_commands(p, &n);
	(void)snprintf(c[0].error, sizeof(c[0].error), "no");
	assert_int_equal(push_order(p, b), ERR_DENIED);
	assert_int_equal(push_report(p, NULL, b), 0);
	expect_bytes(b, "000eunpack ok\n0017ng refs/heads/a no\n0027ng refs/heads/b atomic push failed\n0000", 80);
	buf_free(b);
	buf_free(err);
	push_free(p);
}

static void
test_deletes_need_no_pack_and_nothing_is_nothing(void **state)
{
	static const char *const deletes[] = { ONE " " ZERO " refs/heads/a|report-status delete-refs", "", NULL };
	static const char *const nothing[] = { "", NULL };
	struct push *p = push_new(&limits);
	size_t n;

	(void)state;
	assert_int_equal(feed(p, deletes), 0);
	assert_int_equal(push_state(p), PUSH_JUDGED);
	assert_false(push_wants_pack(p));
	push_free(p);
	p = push_new(&limits);
	assert_int_equal(feed(p, nothing), 0);
	assert_int_equal(push_state(p), PUSH_DONE);
	(void)push_commands(p, &n);
	assert_int_equal(n, 0);
	push_free(p);
}

static void
test_what_is_refused(void **state)
{
	static const struct { const char *lines[8]; int r; const char *why; } bad[] = {
		{ { "push-cert| report-status" }, ERR_DENIED, "--signed" },
		{ { "shallow x" }, ERR_FORMAT, "shallow" },
		{ { ZERO " " ONE " refs/heads/a|object-format=sha256" }, ERR_DENIED, "SHA-1" },
		{ { ZERO " " ONE " refs/heads/a|frobnicate" }, ERR_DENIED, "frobnicate was not offered" },
		{ { ZERO " " ONE " refs/heads/a|", ZERO " " ONE " refs/heads/b|atomic" }, ERR_FORMAT, "not the first" },
		{ { ZERO " " ONE " refs/heads/a", ONE " " TWO " refs/heads/a" }, ERR_DENIED, "twice" },
		{ { ZERO " " ZERO " refs/heads/a" }, ERR_FORMAT, "no object" },
		{ { ZERO " " ONE " HEAD" }, ERR_FORMAT, "refs/" },
		{ { ZERO " " ONE " refs/heads/a b" }, ERR_FORMAT, "spaces" },
		{ { ZERO " " ONE }, ERR_FORMAT, "OLD NEW" },
		{ { ZERO "  " ONE "refs/heads/a" }, ERR_FORMAT, "OLD NEW" },
		{ { ZERO " " ONE " refs/heads/a", ZERO " " ONE " refs/heads/b", ZERO " " ONE " refs/heads/c",
		    ZERO " " ONE " refs/heads/d", ZERO " " ONE " refs/heads/e" }, ERR_TOOBIG, "too many" },
		{ { ZERO " " ONE " refs/heads/a|push-options", "", "a", "b", "c" }, ERR_TOOBIG, "options" },
		{ { ZERO " " ONE " refs/heads/a|push-options", "", "a\033b" }, ERR_FORMAT, "control" },
		{ { ONE " " ZERO " refs/heads/a", "", "more" }, ERR_FORMAT, "no pack" },
	};
	struct buf *b = buf_new(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct push *p = push_new(&limits);

		assert_int_equal(feed(p, bad[i].lines), bad[i].r);
		if (strstr(push_why(p), bad[i].why) == NULL)
			fail_msg("%zu: %s", i, push_why(p));
		buf_clear(b);
		assert_int_equal(push_refuse(p, NULL, b), 0);
		assert_memory_equal(buf_ptr(b) + 4, "ERR ", 4);
		assert_int_equal(push_state(p), PUSH_DONE);
		push_free(p);
	}
	buf_free(b);
}

static void
test_report_of_git_is_read(void **state)
{
	static const char *const lines[] = {
		ZERO " " ONE " refs/heads/a|", ZERO " " ONE " refs/heads/b", ZERO " " ONE " refs/heads/c", "", NULL,
	};
	static const char good[] = "000eunpack ok\n0014ok refs/heads/a\n0025ng refs/heads/b non-fast-forward\n0000";
	static const char broken[] = "0015unpack disk full\n0014ok refs/heads/a\n0000";
	struct push_command *c;
	struct push *p = push_new(&limits);
	size_t n;

	(void)state;
	assert_int_equal(feed(p, lines), 0);
	assert_int_equal(push_take_report(p, (const uint8_t *)good, sizeof(good) - 1), 0);
	c = push_commands(p, &n);
	assert_string_equal(c[0].error, "");
	assert_string_equal(c[1].error, "non-fast-forward");
	assert_string_not_equal(c[2].error, "");	/* not spoken of is not stored */
	push_free(p);
	p = push_new(&limits);
	assert_int_equal(feed(p, lines), 0);
	assert_int_equal(push_take_report(p, (const uint8_t *)broken, sizeof(broken) - 1), 0);
	c = push_commands(p, &n);
	assert_non_null(strstr(c[0].error, "disk full"));
	push_free(p);
	p = push_new(&limits);
	assert_int_equal(feed(p, lines), 0);
	assert_int_not_equal(push_take_report(p, (const uint8_t *)good, 20), 0);
	c = push_commands(p, &n);
	assert_string_not_equal(c[0].error, "");
	push_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pktline_takes_one_line_and_no_more),
		cmocka_unit_test(test_pktline_refuses_bad_lengths),
		cmocka_unit_test(test_reference_names),
		cmocka_unit_test(test_advertisement),
		cmocka_unit_test(test_a_push_with_options_is_judged_and_reported),
		cmocka_unit_test(test_atomic_push_fails_as_one),
		cmocka_unit_test(test_deletes_need_no_pack_and_nothing_is_nothing),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_report_of_git_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
