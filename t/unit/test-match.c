/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/clock.h"
#include "bastion/base/match.h"

struct row {
	const char	*pattern, *text;
	int		 want;
};

static void
globs(void **state)
{
	static const struct row rows[] = {
		{ "", "", 1 }, { "", "a", 0 }, { "a", "", 0 }, { "*", "", 1 }, { "*", "a/b", 1 }, { "?", "", 0 },
		{ "?", "x", 1 }, { "?", "xy", 0 }, { "agent/*", "agent/ci", 1 }, { "agent/*", "agent/", 1 },
		{ "agent/*", "agent", 0 }, { "agent/*", "xagent/ci", 0 }, { "*ci", "agent/ci", 1 }, { "a*b*c", "abc", 1 },
		{ "a*b*c", "axbxbc", 1 }, { "a*b*c", "axbxb", 0 }, { "**", "x", 1 }, { "*a", "ba", 1 }, { "*a", "ab", 0 },
		{ "[a]", "a", 0 }, { "[a]", "[a]", 1 }, { "\\*", "*", 0 }, { "A", "a", 0 }, { "*", "*", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (match_glob(rows[i].pattern, rows[i].text) != (rows[i].want != 0))
			fail_msg("glob %s on %s is not %d", rows[i].pattern, rows[i].text, rows[i].want);
	}
}

static void
paths(void **state)
{
	static const struct row rows[] = {
		{ "a", "a", 1 }, { "*", "a", 1 }, { "*", "a/b", 0 }, { "a/*", "a/b", 1 }, { "a/*", "a/b/c", 0 },
		{ "a/?", "a/b", 1 }, { "a?b", "a/b", 0 }, { "**", "a/b/c", 1 }, { "**", "", 1 }, { "a/**", "a/b/c", 1 },
		{ "a/**", "a", 0 }, { "a/**", "ab/c", 0 }, { "**/c", "a/b/c", 1 }, { "**/c", "c", 1 }, { "**/c", "a/xc", 0 },
		{ "a/**/z", "a/z", 1 }, { "a/**/z", "a/b/c/z", 1 }, { "a/**/z", "a/b/c/y", 0 },
		{ "**/b/**/d", "a/b/c/b/d", 1 }, { "**/b/*", "b/b/c", 1 }, { "refs/heads/agent/**", "refs/heads/agent/x", 1 },
		{ "refs/heads/agent/**", "refs/heads/agentx/x", 0 }, { "refs/heads/*", "refs/heads/a/b", 0 },
		{ "a*c/d", "abc/d", 1 }, { "a*c/d", "ab/c/d", 0 }, { "a**", "a/b", 0 }, { "a**", "abc", 1 },
		{ "a", "a/", 0 }, { "a/", "a", 0 }, { "", "a", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (match_path(rows[i].pattern, rows[i].text) != (rows[i].want != 0))
			fail_msg("path %s on %s is not %d", rows[i].pattern, rows[i].text, rows[i].want);
	}
}

static void
below(void **state)
{
	static const struct row rows[] = {
		{ "/a/x", "/a", 1 }, { "/a/*", "/a", 1 }, { "**/x", "/a", 1 }, { "/a/b/c", "/a", 1 }, { "/a", "/a", 0 },
		{ "/a/x", "/a/x", 0 }, { "/a/x", "/b", 0 }, { "/?/x", "/b", 1 }, { "/a/**", "/a/b/c", 1 }, { "/ab/x", "/a", 0 },
		{ "/a/b", "/a/c", 0 }, { "~/x", "~", 1 }, { "/a/**/x", "/a/b", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (match_path_below(rows[i].pattern, rows[i].text) != (rows[i].want != 0))
			fail_msg("%s below %s is not %d", rows[i].pattern, rows[i].text, rows[i].want);
	}
}

/* Patterns that take a backtracking matcher longer than the universe. */
static void
no_pattern_explodes(void **state)
{
	static char text[4096], glob[1024], path[4096], deep[1024];
	int64_t start = clock_mono_ms();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	for (size_t i = 0; i + 2 < sizeof(glob); i += 2)
		memcpy(glob + i, "*a", 2);
	glob[sizeof(glob) - 2] = 'b';
	assert_false(match_glob(glob, text));
	for (size_t i = 0; i + 2 < sizeof(path); i += 2)
		memcpy(path + i, "a/", 2);
	for (size_t i = 0; i + 5 < sizeof(deep) - 2; i += 5)
		memcpy(deep + i, "**/a/", 5);
	deep[strlen(deep)] = 'b';
	assert_false(match_path(deep, path));
	assert_false(match_path(glob, text));
	assert_true(clock_mono_ms() - start < 5000);
}

static void
any_of_a_list(void **state)
{
	struct strvec v = STRVEC_INIT;

	(void)state;
	assert_false(match_any(&v, ""));
	strvec_push(&v, "human/*");
	strvec_push(&v, "agent/c?");
	assert_true(match_any(&v, "agent/ci"));
	assert_true(match_any(&v, "human/eva"));
	assert_false(match_any(&v, "agent/cix"));
	strvec_release(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs),
		cmocka_unit_test(paths),
		cmocka_unit_test(below),
		cmocka_unit_test(no_pattern_explodes),
		cmocka_unit_test(any_of_a_list),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
