/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/audit/checkpoint.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "t/unit/notekey.h"

static char note[2048];
static struct notekey key;
static struct audit_key pub;

static void
make_note(const char *extension)
{
	struct checkpoint c = { .origin = "bastion.example/log", .size = 17 };
	struct buf *b = buf_new(2048);
	char sig[512];

	memset(c.root, 7, sizeof(c.root));
	assert_int_equal(checkpoint_body(&c, b), 0);
	assert_int_equal(buf_putf(b, "%s", extension), 0);
	notekey_sign(&key, buf_ptr(b), buf_len(b), sig);
	(void)snprintf(note, sizeof(note), "%.*s\n%s", (int)buf_len(b), (const char *)buf_ptr(b), sig);
	buf_free(b);
}

static int
setup(void **state)
{
	(void)state;
	if (sodium_init() == -1)
		return -1;
	notekey_make(&key, "bastion.example/log");
	make_note("");
	return audit_key_parse(key.line, strlen(key.line), &pub);
}

static void
a_signed_note_comes_back(void **state)
{
	struct checkpoint c;

	(void)state;
	assert_int_equal(checkpoint_verify(note, strlen(note), &pub, &c), 0);
	assert_string_equal(c.origin, "bastion.example/log");
	assert_int_equal(c.size, 17);
	assert_int_equal(c.root[31], 7);
}

static void
extension_lines_are_signed_too(void **state)
{
	struct checkpoint c;

	(void)state;
	make_note("more of it\n");
	assert_int_equal(checkpoint_verify(note, strlen(note), &pub, &c), 0);
	memcpy(strstr(note, "more"), "MORE", 4);
	assert_int_equal(checkpoint_verify(note, strlen(note), &pub, &c), ERR_CRYPTO);
	make_note("");
}

static void
any_changed_byte_is_refused(void **state)
{
	size_t n = strlen(note);
	struct checkpoint c;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		note[i] ^= 1;
		assert_int_not_equal(checkpoint_verify(note, n, &pub, &c), 0);
		note[i] ^= 1;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(checkpoint_verify(note, i, &pub, &c), 0);
}

static void
another_key_of_the_same_name_does_not_pass(void **state)
{
	struct notekey other;
	struct audit_key theirs;
	struct checkpoint c;

	(void)state;
	notekey_make(&other, key.name);
	assert_int_equal(audit_key_parse(other.line, strlen(other.line), &theirs), 0);
	assert_int_equal(checkpoint_verify(note, strlen(note), &theirs, &c), ERR_CRYPTO);
}

static void
bad_key_lines_are_refused(void **state)
{
	static const char *const bad[] = { "", "+", "a+b", "a+00000000+", "a b+00000000+AAAA", "name+zzzzzzzz+AQ==" };
	struct audit_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(audit_key_parse(bad[i], strlen(bad[i]), &k), ERR_FORMAT);
	key.line[strlen(key.name) + 1] ^= 1;	/* a hash that is not this key's */
	assert_int_equal(audit_key_parse(key.line, strlen(key.line), &k), ERR_FORMAT);
	key.line[strlen(key.name) + 1] ^= 1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_note_comes_back),
		cmocka_unit_test(extension_lines_are_signed_too),
		cmocka_unit_test(any_changed_byte_is_refused),
		cmocka_unit_test(another_key_of_the_same_name_does_not_pass),
		cmocka_unit_test(bad_key_lines_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
