/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of RE2 mean the same after their translation, and what RE2 does not have is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secretscan/re2.h"
#include "secretscan/search.h"

static struct search_scratch *scratch;

/* What the expression matches first in the text; NULL for nothing. */
static const char *
first_match(const char *expression, const char *text)
{
	static char found[64];
	const char *why = NULL;
	struct search_match m;
	enum search_result r;
	bool utf = false;
	char *pattern = re2_translate(expression, &utf, &why), *error = NULL;
	struct search *s;

	if (pattern == NULL)
		fail_msg("%s: %s", expression, why);
	if ((s = search_new(pattern, utf, &error)) == NULL)
		fail_msg("%s: %s: %s", expression, pattern, error);
	r = search_next(s, scratch, (const uint8_t *)text, strlen(text), 0, search_clock() + 1000000000, &m);
	if (r == SEARCH_FOUND) {
		memcpy(found, text + m.start[0], m.end[0] - m.start[0]);
		found[m.end[0] - m.start[0]] = '\0';
	}
	search_free(s);
	free(pattern);
	return r == SEARCH_FOUND ? found : NULL;
}

static void
test_means_the_same(void **state)
{
	static const struct {
		const char	*expression, *text, *match;
	} rows[] = {
		{ "a\\vb", "a\nb", NULL },			/* one character, no class */
		{ "a\\vb", "a\013b", "a\013b" },
		{ "a\\sb", "a\013b", NULL },			/* no vertical tab */
		{ "[\\s]+", "x \t\n\r\fy", " \t\n\r\f" },
		{ "[\\v]", "\013", "\013" },
		{ "a\\Sb", "a\013b", "a\013b" },
		{ "x{,3}", "x{,3}", "x{,3}" },			/* no repetition */
		{ "x{a}", "x{a}", "x{a}" },
		{ "\\{\\{x\\}\\}", "{{x}}", "{{x}}" },
		{ "x{2,3}?", "xxxx", "xx" },
		{ "\\Qa.b*\\E+", "a.b**", "a.b**" },
		{ "\\Q[x", "[x", "[x" },
		{ "\\101\\x42\\x{43}", "ABC", "ABC" },
		{ "\\07", "\007", "\007" },
		{ "(?P<n>a)(?<m>b)", "ab", "ab" },
		{ "(?i:A)(?-i)b", "ab", "ab" },
		{ "(?i)a(?-i:B)", "AB", "AB" },
		{ "(?i)a(?-i:B)", "Ab", NULL },
		{ "(?U)a+", "aaa", "a" },
		{ "[]a]+", "]a]", "]a]" },
		{ "[^]a]", "]ab", "b" },
		{ "[[:alpha:][]+", "1ab[2", "ab[" },
		{ "[\\x60'\"\\s=]{0,5}k", "`'= k", "`'= k" },
		{ "[\\w.-]+", "a-b.c_", "a-b.c_" },
		{ "[a\\-z]+", "-", "-" },
		{ "a$", "a\n", NULL },				/* the end of the text, and nothing before it */
		{ "(?m)a$", "a\n", "a" },
		{ "a\\z", "a", "a" },
		{ "\\pL+", "\303\251x1", "\303\251x" },
		{ "\303\251+", "\303\251\303\251", "\303\251\303\251" },
		{ "[\303\251]", "\303\250", NULL },		/* characters, not bytes */
		{ "a|ab", "ab", "a" },				/* the first, not the longest */
		{ "\\C\\C", "ab", "ab" },
		{ "#\\#\\ x", "## x", "## x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *match = first_match(rows[i].expression, rows[i].text);

		if ((match == NULL) != (rows[i].match == NULL) || (match != NULL && strcmp(match, rows[i].match) != 0))
			fail_msg("%s on %s gives %s", rows[i].expression, rows[i].text, match != NULL ? match : "nothing");
	}
}

static void
test_refuses(void **state)
{
	static const char *const rows[] = {
		"(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?|a)", "(?#a)", "(?R)", "(?1)", "(?P=n)", "(?P>n)", "(*FAIL)",
		"(a)\\1", "\\K", "\\G", "\\R", "\\X", "\\h", "\\N", "\\g1", "\\k<n>", "\\Z", "a++", "a*+", "a{2}+", "a**",
		"[a", "[\\z]", "\\", "\\x{12", "\\xg", "(?x)a", "\\cA", "\\e",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;
		bool utf = false;
		char *pattern = re2_translate(rows[i], &utf, &why);

		if (pattern != NULL || why == NULL)
			fail_msg("%s became %s", rows[i], pattern);
	}
}

static void
test_ends(void **state)
{
	char *error = NULL, text[20001];
	struct search *s = search_new("(a+)+$", false, &error);
	struct search_match m;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 'b';
	assert_non_null(s);
	assert_int_equal(search_next(s, scratch, (const uint8_t *)text, sizeof(text), 0, search_clock() + 1000000000, &m),
	    SEARCH_LIMIT);
	search_free(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_means_the_same),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_ends),
	};
	int r;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if ((scratch = search_scratch_new()) == NULL)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	search_scratch_free(scratch);
	return r;
}
