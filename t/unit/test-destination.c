/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/policy/destination.h"

static void
one_spelling(void **state)
{
	static const struct { const char *host; unsigned port; const char *want; } cases[] = {
		{ "db", 5432, "db:5432" }, { "DB.Example.ORG.", 80, "db.example.org:80" },
		{ "127.0.0.1", 1, "127.0.0.1:1" }, { "127.1", 1, "127.0.0.1:1" }, { "0x7f.1", 1, "127.0.0.1:1" },
		{ "2130706433", 65535, "127.0.0.1:65535" }, { "0177.0.0.1", 1, "127.0.0.1:1" }, { "0", 9, "0.0.0.0:9" },
		{ "::1", 22, "[::1]:22" }, { "0:0::1", 22, "[::1]:22" }, { "::ffff:10.0.0.1", 80, "10.0.0.1:80" },
		{ "::ffff:7f00:1", 80, "127.0.0.1:80" }, { "FE80::1", 80, "[fe80::1]:80" },
		{ "", 1, NULL }, { "a b", 1, NULL }, { "a\nb", 1, NULL }, { "-oProxyCommand=x", 1, NULL }, { "a/b", 1, NULL },
		{ "x", 0, NULL }, { "x", 65536, NULL }, { "[::1]", 1, NULL }, { "fe80::1%eth0", 1, NULL }, { "*", 1, NULL },
	};
	char *s, big[300];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = destination_make(cases[i].host, cases[i].port);
		if (cases[i].want == NULL)
			assert_null(s);
		else {
			assert_non_null(s);
			assert_string_equal(s, cases[i].want);
		}
		free(s);
	}
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_null(destination_make(big, 1));
}

static bool
meets(const char *pattern, const char *destination, bool strict)
{
	struct strvec v = STRVEC_INIT;
	bool r;

	if (pattern != NULL)
		strvec_push(&v, pattern);
	r = destination_matches(&v, destination, strict);
	strvec_release(&v);
	return r;
}

static void
what_wildcards_do_not_give(void **state)
{
	static const char *const local[] = { "127.0.0.1:80", "127.8.0.1:80", "localhost:80", "a.localhost:80", "[::1]:80", "[::]:80",
		"0.0.0.0:80", "169.254.169.254:80", "[fe80::1]:80", "metadata.google.internal:80", "100.100.100.200:80" };

	(void)state;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		assert_false(meets("*:*", local[i], true));
		assert_false(meets("*:80", local[i], true));
		assert_false(meets(NULL, local[i], true));
		assert_true(meets("*:80", local[i], false));
		assert_true(meets(NULL, local[i], false));
		assert_true(meets(local[i], local[i], true));
	}
	assert_true(meets("*:80", "example.org:80", true));
	assert_true(meets("127.example.org:*", "127.example.org:80", true));
	assert_true(meets("*:*", "127.example.org:80", true));
	assert_false(meets("*:*", "example.org:22", true));
	assert_false(meets("example.org:*", "example.org:22", true));
	assert_false(meets(NULL, "example.org:22", true));
	assert_true(meets("*.org:22", "example.org:22", true));
	assert_true(meets("localhost:*", "localhost:80", true));
	assert_false(meets("local*:80", "localhost:80", true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_spelling), cmocka_unit_test(what_wildcards_do_not_give) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
