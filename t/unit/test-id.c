/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/id.h"

static void
made_ids_are_ids(void **state)
{
	char a[ID_TEXT], b[ID_TEXT];

	(void)state;
	id_make("REQ-", REQUEST_ID_LEN, a);
	id_make("REQ-", REQUEST_ID_LEN, b);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 10);
	assert_true(id_is(a, "REQ-", REQUEST_ID_LEN));
	assert_false(id_is(a, "S-", REQUEST_ID_LEN));
	assert_false(id_is(a, "REQ-", REQUEST_ID_LEN + 1));
	id_make("S-", SESSION_ID_LEN, a);
	assert_true(id_is(a, "S-", SESSION_ID_LEN));
}

static void
what_is_no_id(void **state)
{
	static const char *const rows[] = {
		"", "REQ-", "REQ-7F3K2", "REQ-7F3K2QX", "req-7F3K2Q", "REQ-7f3k2q", "REQ-7F3K2I", "REQ-7F3K2L", "REQ-7F3K2O",
		"REQ-7F3K2U", "REQ-7F3K2/", "REQ-../../", "REQ-7F3K2\n", " REQ-7F3K2Q",
	};

	(void)state;
	assert_true(id_is("REQ-7F3K2Q", "REQ-", REQUEST_ID_LEN));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (id_is(rows[i], "REQ-", REQUEST_ID_LEN))
			fail_msg("taken for an id: %s", rows[i]);
}

static void
names_from_outside(void **state)
{
	static const struct {
		const char	*s;
		int		 want;
	} rows[] = {
		{ "deploy", 1 }, { "agent/ci", 1 }, { "team/app.git", 1 }, { "a", 1 }, { ".profile", 1 }, { "a/.b", 1 },
		{ "user@host", 1 }, { "a+b_c-d", 1 }, { "a.b/c.", 1 },
		{ "", 0 }, { "-x", 0 }, { "/etc", 0 }, { "..", 0 }, { "a/../b", 0 }, { "a//b", 0 }, { "a/", 0 }, { ".", 0 },
		{ "./a", 0 }, { "a/./b", 0 }, { "a/.", 0 }, { "a b", 0 }, { "a\nb", 0 }, { "a;b", 0 }, { "a$b", 0 },
		{ "a\\b", 0 }, { "a:b", 0 }, { "a*b", 0 }, { "~a", 0 }, { "caf\xc3\xa9", 0 }, { "0123456789abcdefg", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (name_is_safe(rows[i].s, 16) != (rows[i].want != 0))
			fail_msg("\"%s\" is not %d", rows[i].s, rows[i].want);
}

static void
text_for_a_terminal(void **state)
{
	static const struct {
		const char	*what, *in, *want;
	} rows[] = {
		{ "plain", "abc ~", "abc ~" },
		{ "UTF-8", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "escape", "\x1b[2J", "\\x1b[2J" },
		{ "line end", "a\r\nb\t", "a\\x0d\\x0ab\\x09" },
		{ "DEL", "\x7f", "\\x7f" },
		{ "C1 in UTF-8", "\xc2\x9b" "2J", "\\xc2\\x9b2J" },
		{ "C1 as a raw byte", "\x9b" "2J", "\\x9b2J" },
		{ "right-to-left override", "\xe2\x80\xae", "\\xe2\\x80\\xae" },
		{ "isolate", "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
		{ "Arabic letter mark", "\xd8\x9c", "\\xd8\\x9c" },
		{ "line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
		{ "invisible tag", "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81" },
		{ "overlong escape", "\xc0\x9b", "\\xc0\\x9b" },
		{ "surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "cut off", "\xe2\x82", "\\xe2\\x82" },
		{ "beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *s = text_printable(rows[i].in, strlen(rows[i].in));

		print_message("# %s\n", rows[i].what);
		assert_string_equal(s, rows[i].want);
		free(s);
	}
}

static void
text_with_nul_and_empty(void **state)
{
	char *s = text_printable("a\0b", 3);

	(void)state;
	assert_string_equal(s, "a\\x00b");
	free(s);
	s = text_printable("", 0);
	assert_string_equal(s, "");
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_ids_are_ids),
		cmocka_unit_test(what_is_no_id),
		cmocka_unit_test(names_from_outside),
		cmocka_unit_test(text_for_a_terminal),
		cmocka_unit_test(text_with_nul_and_empty),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
