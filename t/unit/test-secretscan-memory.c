/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation fails, each in its turn: the answer is a code, never a crash, a wrong finding or a leak of the secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "secretscan/secretscan.h"

#define BODY		"aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
#define TOKEN		"gh" "p_" BODY
#define BASE64		"Z2hwX2FCM2RFNWZHN2hKOWtMMW1OM3BRNXJTN3RVOXZXMXhZM3pBNQ=="

static const uint8_t key[32] = { 1 };
/* No archive: the library for them does not live through what is done here. */
static const char text[] = "one\ntwo " TOKEN "\npassword = 'x9Kq72LmVb'\nencoded: " BASE64 "\n"
    "%67%68%70%5F" BODY "\n-----BEGIN RSA PRIVATE" " KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE" " KEY-----\n"
    "\x1b[1mgh" "p_aB3dE5fG\x1b[m7hJ9kL1mN3pQ5rS7tU9vW1xY3zB7\n"
    "{\\\"a\\\": \\\"%67%68%70%5f" "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zC9\\\"}\n"
    "&#103;" "hp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zD1\n"
    "6768705f6142" "33644535664737684a396b4c316d4e33" "7051357253377455397657317859337a4135\n"
    "WjJod1gyRkNN" "MlJGTldaSE4yaEtPV3RNTVcx" "T00zQlJOWEpUTjNSVk9YWlhNWGhaTTNwQk5RPT0=\n"
    "67:68:70:5f:61:42:33:64:45:35:66:47:37:68:4a:39:6b:4c:31:6d:4e:33:70:51:35:72:53:37:74:55:39:76:57:31:78:59:33"
    ":7a:45:31\n"
    "00000000: 67 68 70 5f 61 42 33 64 45 35 66 47 37 68 4a 39\n"
    "00000010: 6b 4c 31 6d 4e 33 70 51 35 72 53 37 74 55 39 76\n"
    "00000020: 57 31 78 59 33 7a 46 32\n"
    "[103,104,112,95,97,66,51,100,69,53,102,71,55,104,74,57,107,76,49,109,78,51,112,81,53,114,83"
    ",55,116,85,57,118,87,49,120,89,51,122,72,52]\n"
    "k = \"gh" "p_aB3dE5fG7hJ9kL1m\" + \"N3pQ5rS7tU9vW1xY3zJ5\"\n"
    "gh" "p_aB3dE5fG7hJ9kL\rN3mN3pQ5rS7tU9vW1xY3zK6\n"
    "gh" "p_aB3dE5fG7hJ9kL1m\xef\xbc\xae" "3pQ5rS7tU9vW1xY3zL7\n"
    "78da4b4c4fcccc5348cc4b514804b174201442c04a213da3203ed1c938c5d534cddd3cc3cb32dbc730d7cfb820d0b428d8bc"
    "24d4b22cdcb022d2b8cadd1800a8d8186e\n";

#ifndef SALLYPORT_SANITIZE

void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);
void	*__libc_memalign(size_t, size_t);

static unsigned long left;	/* until the one that fails; 0 = none does */
static unsigned long count;
static size_t expected;		/* findings */

static int
is_the_one(void)
{
	count++;
	return left > 0 && --left == 0;
}

void *
malloc(size_t n)
{
	return is_the_one() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return is_the_one() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return is_the_one() ? NULL : __libc_realloc(p, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
	return is_the_one() ? NULL : __libc_memalign(align, n);
}

struct output {
	char	text[2 * sizeof(text)];
	size_t	n;
};

static int
on_out(const void *p, size_t n, void *arg)
{
	struct output *o = arg;

	if (n > sizeof(o->text) - 1 - o->n)
		return 1;
	memcpy(o->text + o->n, p, n);
	o->n += n;
	return 0;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	(void)f;
	(*(size_t *)arg)++;
	return 0;
}

static void
expect_refused(int e, const char *what)
{
	if (e != SECRETSCAN_NOMEM && e != SECRETSCAN_LIMIT)
		fail_msg("%s: %d instead of an error of memory", what, e);
}

/* With the fail-th allocation missing; how many there were is left in count. */
static void
use_scanner(const struct secretscan *ss, unsigned long fail)
{
	struct secretscan_stream *st;
	struct output out = { .n = 0 };
	size_t found = 0;
	int e;

	count = 0;
	left = fail;
	e = secretscan_scan(ss, text, sizeof(text) - 1, on_finding, &found);
	if (e != 0)
		expect_refused(e, "scan");
	else if (fail > 0)
		assert_int_equal(found, expected);
	e = SECRETSCAN_NOMEM;
	if ((st = secretscan_stream_new(ss, NULL, on_out, NULL, &out)) != NULL) {
		if ((e = secretscan_stream_feed(st, text, sizeof(text) - 1)) == 0)
			e = secretscan_stream_end(st);
	}
	secretscan_stream_free(st);
	left = 0;
	if (e != 0)
		expect_refused(e, "stream");
	assert_null(strstr(out.text, TOKEN));
	if (fail == 0) {
		assert_true(found >= 15);
		expected = found;
	}
}

static void
test_scanning(void **state)
{
	char *error = NULL;
	struct secretscan *ss = secretscan_new(NULL, key, &error);
	unsigned long all, k;

	(void)state;
	assert_non_null(ss);
	use_scanner(ss, 0);
	use_scanner(ss, 0);
	all = count;
	for (k = 1; k <= all; k++)
		use_scanner(ss, k);
	use_scanner(ss, 0);
	secretscan_free(ss);
}

/* The first use compiles expressions. */
static void
test_first_use(void **state)
{
	char *error = NULL;

	(void)state;
	for (unsigned long k = 1; k < 400; k += 7) {
		struct secretscan *ss = secretscan_new(NULL, key, &error);

		assert_non_null(ss);
		use_scanner(ss, k);
		secretscan_free(ss);
	}
}

static unsigned long
load(const struct secretscan_rules *rules, unsigned long fail)
{
	struct secretscan *ss;
	char *error = NULL;

	count = 0;
	left = fail;
	ss = secretscan_new(rules, key, &error);
	if (ss != NULL && secretscan_prepare(ss) != 0)
		assert_true(fail > 0);
	left = 0;
	assert_true(ss != NULL || fail > 0);
	free(error);
	secretscan_free(ss);
	return count;
}

static void
test_loading(void **state)
{
	unsigned long all = load(NULL, 0);

	(void)state;
	/* There are thousands, most of them alike. */
	for (unsigned long k = 1; k <= all; k += k < 100 ? 1 : 211)
		load(NULL, k);
}

static void
test_loading_files(void **state)
{
	static const char rule[] = "provider: Example\nrules:\n  - id: example-key\n    description: Example key\n"
	    "    anchors: [exk_]\n    secret: 'exk_[a-z0-9]{32}'\n    stop: [example]\n"
	    "    good: [[exk, _p9k3x7q2m5w8d4f6h1j0r9t3v7b2n5c8]]\n    bad: [exk_short]\n";
	char path[] = "rules.XXXXXX";
	const char *const paths[] = { path };
	const struct secretscan_rules rules = { .paths = paths, .npaths = 1, .no_builtin = true };
	int fd = mkstemp(path);
	unsigned long all;

	(void)state;
	assert_true(fd != -1);
	assert_int_equal(write(fd, rule, sizeof(rule) - 1), sizeof(rule) - 1);
	close(fd);
	all = load(&rules, 0);
	for (unsigned long k = 1; k <= all; k++)
		load(&rules, k);
	unlink(path);
}

/* Two halves next to each other, and two in contents of their own. */
static unsigned long
pair_up(const struct secretscan *ss, unsigned long fail)
{
	static const struct secretscan_half halves[] = {
		{ "aws-access-key-id", 0, 10, "0000000000000001" }, { "aws-secret-access-key", 0, 60, "0000000000000002" },
		{ "plaid-client-id", 1, 0, "0000000000000003" }, { "plaid-secret", 2, 0, "0000000000000004" },
		{ "github-token", 2, 9, "0000000000000005" },
	};
	struct secretscan_pairs *pairs;
	int e = 0;

	count = 0;
	left = fail;
	pairs = secretscan_pairs_new(ss);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]) && pairs != NULL && e == 0; i++)
		e = secretscan_pairs_add(pairs, &halves[i]);
	if (pairs != NULL && e == 0)
		e = secretscan_pairs_find(pairs);
	left = 0;
	if (pairs == NULL || e != 0) {
		assert_true(fail > 0 && (pairs == NULL || e == SECRETSCAN_NOMEM));
	} else {
		for (size_t i = 0; i < 4; i++)
			assert_string_equal(secretscan_pairs_other(pairs, i), halves[i ^ 1].fingerprint);
		assert_null(secretscan_pairs_other(pairs, 4));
		assert_null(secretscan_pairs_other(pairs, 5));
	}
	secretscan_pairs_free(pairs);
	return count;
}

static void
test_pairs(void **state)
{
	char *error = NULL;
	struct secretscan *ss = secretscan_new(NULL, key, &error);
	unsigned long all;

	(void)state;
	assert_non_null(ss);
	all = pair_up(ss, 0);
	assert_true(all >= 4);
	for (unsigned long k = 1; k <= all; k++)
		pair_up(ss, k);
	secretscan_free(ss);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scanning),
		cmocka_unit_test(test_first_use),
		cmocka_unit_test(test_loading),
		cmocka_unit_test(test_loading_files),
		cmocka_unit_test(test_pairs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* The sanitizers have an allocator of their own. */
int
main(void)
{
	(void)key;
	printf("1..0 # SKIP sanitizers\n");
	return strlen(text) == 0;
}

#endif
