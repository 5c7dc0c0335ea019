/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/fetch.h"
#include "gitfilter/pktline.h"

#define ONE	"1111111111111111111111111111111111111111"
#define TWO	"2222222222222222222222222222222222222222"
#define SECRET	"3333333333333333333333333333333333333333"
#define CAPS	"multi_ack thin-pack side-band-64k ofs-delta allow-tip-sha1-in-want filter symref=HEAD:refs/heads/main agent=git/2"

/* A checker that has seen an advertisement; what the client would see goes to out when it is not NULL. */
static struct fetch *
advertised(struct buf *out)
{
	struct fetch *f = fetch_new(NULL, NULL);
	struct buf *in = buf_new(8192), *sink = out == NULL ? buf_new(8192) : out;
	size_t used;

	assert_int_equal(pktline_putf(in, ONE " HEAD%c" CAPS "\n", '\0'), 0);
	assert_int_equal(pktline_putf(in, ONE " refs/heads/main\n"), 0);
	assert_int_equal(pktline_putf(in, TWO " refs/tags/v1^{}\n"), 0);
	assert_int_equal(pktline_flush(in), 0);
	assert_int_equal(buf_put(in, "tail", 4), 0);
	for (; !fetch_is_advertised(f); (void)buf_consume(in, used))
		assert_int_equal(fetch_feed_server(f, buf_ptr(in), 1, &used, sink), 0);
	assert_int_equal(fetch_feed_server(f, buf_ptr(in), buf_len(in), &used, sink), 0);
	assert_int_equal(used, 0);
	assert_int_equal(buf_len(in), 4);
	buf_free(in);
	if (out == NULL)
		buf_free(sink);
	return f;
}

static void
test_advertisement_is_read_and_edited(void **state)
{
	struct buf *out = buf_new(8192);
	struct fetch *f = advertised(out);
	const struct push_ref *refs;
	const char *s = (const char *)buf_ptr(out);
	size_t n;

	(void)state;
	refs = fetch_refs(f, &n);
	assert_int_equal(n, 3);
	assert_string_equal(refs[0].name, "HEAD");
	assert_string_equal(refs[2].name, "refs/tags/v1^{}");
	assert_true(fetch_is_tip(f, TWO));
	assert_false(fetch_is_tip(f, SECRET));
	assert_false(fetch_is_tip(f, "x"));
	assert_null(memmem(s, buf_len(out), "allow-tip", 9));
	assert_null(memmem(s, buf_len(out), "filter", 6));
	assert_null(memmem(s, buf_len(out), "agent=git", 9));
	assert_non_null(memmem(s, buf_len(out), "agent=sallyport/", 16));
	assert_non_null(memmem(s, buf_len(out), "symref=HEAD:refs/heads/main", 27));
	buf_free(out);
	fetch_free(f);
}

static int
ask(struct fetch *f, const char *const *lines, struct buf *out)
{
	struct buf *in = buf_new(8192);
	int r;

	for (; *lines != NULL; lines++)
		assert_int_equal(**lines == '\0' ? pktline_flush(in) : pktline_put(in, *lines, strlen(*lines)), 0);
	r = fetch_feed_client(f, buf_ptr(in), buf_len(in), out);
	if (r == 0) {
		assert_int_equal(buf_len(in), buf_len(out));
		assert_memory_equal(buf_ptr(in), buf_ptr(out), buf_len(in));
	}
	buf_free(in);
	return r;
}

static void
test_good_fetches_pass_unchanged(void **state)
{
	static const struct { const char *lines[12], *kind; } good[] = {
		{ { "want " ONE " multi_ack side-band-64k ofs-delta agent=git/2.39.5\n", "want " TWO "\n", "", "done\n" }, "clone" },
		{ { "want " ONE " thin-pack\n", "shallow " SECRET "\n", "deepen 1\n", "deepen-not main", "", "have " SECRET "\n", "",
		    "have " SECRET "\n", "done\n" }, "fetch" },
		{ { "" }, "list" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct fetch *f = advertised(NULL);
		struct buf *out = buf_new(8192);

		assert_int_equal(ask(f, good[i].lines, out), 0);
		assert_true(fetch_is_asked(f));
		assert_string_equal(fetch_kind(f), good[i].kind);
		buf_free(out);
		fetch_free(f);
	}
}

static void
test_what_is_refused(void **state)
{
	static const struct { const char *lines[6]; int r; const char *why; } bad[] = {
		{ { "want " SECRET "\n" }, ERR_DENIED, SECRET },
		{ { "want " ONE "\n", "want " SECRET "\n" }, ERR_DENIED, SECRET },
		{ { "want " ONE " filter\n" }, ERR_DENIED, "filter was not offered" },
		{ { "want " ONE "\n", "filter blob:none\n" }, ERR_DENIED, "filter blob:none" },
		{ { "want " ONE "x\n" }, ERR_FORMAT, "not an object name" },
		{ { "want refs/heads/main\n" }, ERR_FORMAT, "not an object name" },
		{ { "have " ONE "\n" }, ERR_DENIED, "may not say this here" },
		{ { "want " ONE "\n", "", "want " ONE "\n" }, ERR_DENIED, "may not say this here" },
		{ { "want " ONE "\n", "", "done\n", "done\n" }, ERR_DENIED, "out of turn" },
		{ { "want " ONE "\n", "deepen -1\n" }, ERR_FORMAT, "number" },
		{ { "want " ONE "\n", "deepen-not ../x\n" }, ERR_FORMAT, "deepen-not" },
		{ { "command=ls-refs\n" }, ERR_DENIED, "may not say this here" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fetch *f = advertised(NULL);
		struct buf *out = buf_new(8192);

		assert_int_equal(ask(f, bad[i].lines, out), bad[i].r);
		if (strstr(fetch_why(f), bad[i].why) == NULL)
			fail_msg("%zu: %s", i, fetch_why(f));
		assert_true(buf_len(out) == 0 || memmem(buf_ptr(out), buf_len(out), "want " SECRET, 45) == NULL);
		buf_clear(out);
		assert_int_equal(fetch_refuse(f, NULL, out), 0);
		assert_memory_equal(buf_ptr(out) + 4, "ERR ", 4);
		buf_free(out);
		fetch_free(f);
	}
}

static void
test_server_that_refuses(void **state)
{
	struct fetch *f = fetch_new(NULL, NULL);
	struct buf *out = buf_new(8192);
	size_t used;

	(void)state;
	assert_int_equal(fetch_feed_server(f, (const uint8_t *)"000fERR no\033such", 15, &used, out), ERR_DENIED);
	assert_string_equal(fetch_why(f), "no?such");
	assert_int_equal(buf_len(out), 0);
	assert_int_equal(fetch_feed_client(f, (const uint8_t *)"0000", 4, out), ERR_DENIED);
	buf_free(out);
	fetch_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advertisement_is_read_and_edited),
		cmocka_unit_test(test_good_fetches_pass_unchanged),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_server_that_refuses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
