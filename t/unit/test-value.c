/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a secret and what does not, and how unlike words it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "secretscan/value.h"
#include "secretscan/words.h"

static bool
is_credible(enum value_kind kind, const char *text)
{
	return value_is_credible(kind, (const uint8_t *)text, strlen(text));
}

static double
density(const char *text)
{
	return words_surprise((const uint8_t *)text, strlen(text)) / (double)strlen(text);
}

static void
test_words_cost_little(void **state)
{
	static const char *const words[] = {
		"password", "internationalization", "getPasswordFromUser", "ACCESS_TOKEN_TYPE", "com.example.security.token",
		"Enter your password", "application/x-www-form-urlencoded",
	};
	static const char *const tokens[] = { "tq7Kx2", "xkfjqevd", "aHgWtIib6q1N9POPOVBZ", "zRqLbTxo", "t4Xq8-Lm2vRz" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_true(density(words[i]) < 5);
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		assert_true(density(tokens[i]) > 6.5);
	assert_true(words_surprise((const uint8_t *)"", 0) == 0);
}

static void
test_placeholders(void **state)
{
	static const char *const fillers[] = { "EXAMPLEKEY", "xxxxxxxx", "changeme", "your-token-here", "****" };

	(void)state;
	for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++)
		assert_true(value_is_placeholder((const uint8_t *)fillers[i], strlen(fillers[i])));
	assert_false(value_is_placeholder((const uint8_t *)"tq7Kx2vW", 8));
}

static void
test_passwords(void **state)
{
	static const char *const good[] = { "hunter2!", "tq7Kx2", "zRqLbTxo", "P@ssw0rd!", "a{{b}c)d${e]words(here", "84720391" };
	static const char *const bad[] = {
		"password", "Password1", "test", "${PASSWORD}", "{{ password_2 }}", "<password>", "%s", "getPassword()", "$pass",
		"12345678", "2021-11-03", "1.2.3.4", "ops@example.net", "https://h/p4x", "/etc/pw3q", "abc123", "env.PASS_W0RD()",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(is_credible(VALUE_PASSWORD, good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(is_credible(VALUE_PASSWORD, bad[i]));
}

static void
test_tokens(void **state)
{
	(void)state;
	assert_true(is_credible(VALUE_TOKEN, "9fb6d0818c84d7a659a2feaac0c55ad0"));
	assert_true(is_credible(VALUE_TOKEN, "ryjYmuTwvksotKed2SZCGd8n"));
	assert_false(is_credible(VALUE_TOKEN, "urn:ietf:params:oauth:grant-type:jwt-bearer"));
	assert_false(is_credible(VALUE_TOKEN, "00000000000000000000000000000001"));
	/* A key by name alone: digests and test vectors have it too. */
	assert_false(is_credible(VALUE_KEY, "9fb6d0818c84d7a659a2feaac0c55ad0"));
	assert_true(is_credible(VALUE_KEY, "ryjYmuTwvksotKed2SZCGd8n"));
	assert_true(is_credible(VALUE_ANY, "anything"));
}

/* Names of programs, and random letters of the same length. */
static void
test_wordy(void **state)
{
	static const char *const wordy[] = { "AbstractEjbTxTestsRunner", "GoogleCloudApigeeV1Query", "AWSEBSInTreePluginName", "internationalization" };
	static const char *const drawn[] = { "qJmBgVdFhTeuwvXnABvodKyb", "hjmVkIQVTejdNUVx", "x9mUtYCAObNkBtzVoWqNlyGF", "ogplzkybortjqthxjjmrwlzx" };

	(void)state;
	for (size_t i = 0; i < sizeof(wordy) / sizeof(wordy[0]); i++)
		assert_true(value_is_wordy((const uint8_t *)wordy[i], strlen(wordy[i])));
	for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++)
		assert_false(value_is_wordy((const uint8_t *)drawn[i], strlen(drawn[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_cost_little),
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_wordy),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
