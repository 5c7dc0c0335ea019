/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "secretscan/check.h"
#include "secretscan/measure.h"
#include "secretscan/rulefile.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Synthetic, and in pieces so that no tool takes this file for a leak. */
/* Made with a location, an identifier, a caveat and a signature of random bytes. */
#define MACAROON	"pypi-AgEIcHlwaS5v" "cmcCJDNmMWMwZTUyLTlhN2ItNGQ2OC04ZTIxLTBiNWM3ZDlhNGUxMwACKlszLCI1ZDBlN2M0MS0yYjlm" \
			"LTRhODYtYjNkNy02MWY4ZTBjMmE5NWIiXQAABiCCtw7ufxpQOb7wfsI0fwZu0I9d"
#define TOKEN_BODY	"aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
#define TOKEN		"gh" "p_" TOKEN_BODY

struct seen {
	size_t				 n;
	struct secretscan_finding	 f[16];
	int				 answer;
};

static const uint8_t key[32] = { 1 };

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct seen *s = arg;

	if (s->n < COUNT(s->f))
		s->f[s->n] = *f;
	s->n++;
	return s->answer;
}

static int
setup(void **state)
{
	char *error;

	*state = secretscan_new(NULL, key, &error);
	if (*state == NULL)
		print_error("%s\n", error);
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	secretscan_free(*state);
	return 0;
}

static void
scan(void **state, const void *p, size_t n, struct seen *s)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(secretscan_scan(*state, p, n, on_finding, s), 0);
}

static void
test_place(void **state)
{
	static const char text[] = "one\ntwo " TOKEN "\n\nPASSWORD='x9Kq72LmVb'\n";
	struct seen s;

	scan(state, text, strlen(text), &s);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.f[0].rule, "github-token");
	assert_int_equal(s.f[0].start, 8);
	assert_int_equal(s.f[0].end, 48);
	assert_int_equal(s.f[0].line, 2);
	assert_int_equal(s.f[0].column, 5);
	assert_int_equal(s.f[0].end_line, 2);
	assert_int_equal(s.f[0].end_column, 44);
	assert_int_equal(s.f[0].secret_len, 40);
	assert_ptr_equal(s.f[0].secret, text + 8);
	assert_string_equal(s.f[0].decoded, "");
	assert_string_equal(s.f[0].member, "");
	assert_string_equal(s.f[0].masked, "ghp_************A5");
	assert_int_equal(strlen(s.f[0].fingerprint), SECRETSCAN_FINGERPRINT);
	assert_string_equal(s.f[1].rule, "generic-password");
	assert_int_equal(s.f[1].line, 4);
	assert_int_equal(s.f[1].column, 11);
	assert_string_equal(s.f[1].masked, "************");
}

static void
test_fingerprint_is_keyed(void **state)
{
	static const uint8_t other[32] = { 2 };
	struct seen a, b, c;
	char *error;
	struct secretscan *ss = secretscan_new(NULL, other, &error);

	assert_non_null(ss);
	scan(state, TOKEN, strlen(TOKEN), &a);
	scan(state, "again " TOKEN " ", strlen(TOKEN) + 7, &b);
	scan((void **)&ss, TOKEN, strlen(TOKEN), &c);
	assert_string_equal(a.f[0].fingerprint, b.f[0].fingerprint);
	assert_string_not_equal(a.f[0].fingerprint, c.f[0].fingerprint);
	assert_memory_equal(secretscan_hash(ss), secretscan_hash(*state), 32);
	secretscan_free(ss);
}

static void
test_large_content_and_seams(void **state)
{
	size_t n = 300 * 1024, len = strlen(TOKEN);
	char *p = malloc(n);
	struct seen s;

	assert_non_null(p);
	for (size_t at = 32 * 1024 - len - 1; at < 32 * 1024 + 2; at++) {
		memset(p, ' ', n);
		memcpy(p + at, TOKEN, len);
		memcpy(p + n - len, TOKEN, len);
		scan(state, p, n, &s);
		assert_int_equal(s.n, 2);
		assert_int_equal(s.f[0].start, at);
		assert_int_equal(s.f[1].start, n - len);
	}
	free(p);
}

static void
test_callback_stops(void **state)
{
	static const char text[] = TOKEN " " TOKEN;
	struct seen s = { .answer = 7 };

	assert_int_equal(secretscan_scan(*state, text, strlen(text), on_finding, &s), 7);
	assert_int_equal(s.n, 1);
	assert_int_equal(secretscan_scan(*state, text, strlen(text), NULL, NULL), 0);
	assert_int_equal(secretscan_scan(*state, NULL, 0, on_finding, &s), 0);
}

static void
test_utf16(void **state)
{
	static const char text[] = "key = " TOKEN "\r\n";
	uint8_t wide[2 * sizeof(text) + 2] = { 0xff, 0xfe };
	struct seen s;

	for (size_t i = 0; i < strlen(text); i++) {
		wide[2 + 2 * i] = (uint8_t)text[i];
		wide[3 + 2 * i] = 0;
	}
	scan(state, wide, 2 + 2 * strlen(text), &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.f[0].start, 2 + 2 * 6);
	assert_int_equal(s.f[0].end, 2 + 2 * (6 + strlen(TOKEN)));
	/* Without the mark, and the other way round. */
	memmove(wide, wide + 1, sizeof(wide) - 1);
	wide[0] = 0;
	scan(state, wide + 2, 2 * strlen(text), &s);
	assert_int_equal(s.n, 1);
}

static void
test_overlong_is_masked(void **state)
{
	static const char head[] = "eyJhbGciOiJIUzI1NiJ9";
	size_t n = 20000;
	char *p = malloc(n);
	struct seen s;

	assert_non_null(p);
	memset(p, 'x', n);
	memcpy(p, head, strlen(head));
	memcpy(p + strlen(head), ".eyJ", 4);
	p[15000] = ' ';
	scan(state, p, n, &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.f[0].rule, "jwt");
	assert_int_equal(s.f[0].end, 15000);
	free(p);
}

static void
test_many_secrets(void **state)
{
	size_t len = strlen(TOKEN) + 1, n = 20000 * len;
	char *p = malloc(n);
	struct seen s;

	assert_non_null(p);
	for (size_t i = 0; i < n; i += len)
		memcpy(p + i, TOKEN " ", len);
	scan(state, p, n, &s);
	assert_int_equal(s.n, 20000);
	free(p);
}

/* Known by its end, found from its beginning. */
static void
test_secret_before_its_anchor(void **state)
{
	static const char before[] = "key 7f3e9a1c5b2d8f4e6a0c7b9d1e3f5a82-u" "s14, ";
	static const char after[] = "https://api.example.org/bot2491426214:A" "AnxsL0TVFzwdl6LAU87ayaCFyPJugrKJzW/getMe";
	size_t n = 32768 + 100;
	char *p = malloc(n);
	struct seen s;

	assert_non_null(p);
	/* Across the pieces that are looked at in one go, too. */
	for (size_t at = 32768 - strlen(before); at < 32768; at++) {
		memset(p, ' ', n);
		memcpy(p + at, before, strlen(before));
		scan(state, p, n, &s);
		assert_int_equal(s.n, 1);
		assert_string_equal(s.f[0].rule, "mailchimp-key-by-its-data-centre");
		assert_int_equal(s.f[0].start, at + 4);
		assert_int_equal(s.f[0].end, at + strlen(before) - 2);
	}
	free(p);
	scan(state, after, strlen(after), &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.f[0].start, strlen("https://api.example.org/bot"));
	assert_int_equal(s.f[0].end, strlen(after) - strlen("/getMe"));
	scan(state, before + 5, strlen(before) - 5, &s);
	assert_int_equal(s.n, 0);
}

/* A check that is worth its name tells a made-up token from an issued one. */
static void
test_checks(void **state)
{
	static const struct {
		const char		*check;
		const char		*text;
		enum check_result	 want;
	} cases[] = {
		{ "crc32-base62", "gh" "p_0000000000000000000000000000000" "00000", CHECK_UNKNOWN },
		{ "crc32-base62", "short", CHECK_UNKNOWN },
		{ "crc32-base62", "", CHECK_UNKNOWN },
		{ "jwt", "eyJhbGciOiJIUzI1NiJ9.e30.x", CHECK_PROVEN },
		{ "jwt", "eyJub3QiOiJhbCJ9.e30.x", CHECK_REFUTED },
		{ "jwt", "eyJ", CHECK_REFUTED },
		{ "key", "\n" "MIIEpAIBAAKCAQEAlKBlaF1k", CHECK_PROVEN },
		{ "key", "\\n" "MC4CAQAwBQYDK2VwxJgLuNRU", CHECK_PROVEN },
		{ "key", "\n" "b3BlbnNzaC1rZXktdjEAAAAA", CHECK_PROVEN },
		{ "key", "Version: 1\n\n" "lQeYBEqHIamaAa0hnrWc9qFe", CHECK_PROVEN },
		{ "key", "AAABAfbxWh2DC7fOCda7", CHECK_PROVEN },
		{ "key", "\n" "wATnF1xkPH3ssLWA7De8lxLd", CHECK_UNKNOWN },
		{ "key", "\n" "VGhpcyBpcyBub3QgYSBrZXku", CHECK_REFUTED },
		{ "key", "\n" "java/nio/charset/Standard", CHECK_REFUTED },
		{ "key", "", CHECK_UNKNOWN },
		{ "macaroon", MACAROON "x1EkR-NAQwACa25UVQ", CHECK_PROVEN },
		{ "macaroon", MACAROON "x1EkR-NAQwACa25U", CHECK_UNKNOWN },
		{ "macaroon", MACAROON "x1EkR-NAQwACa25UVQAA", CHECK_UNKNOWN },
		{ "macaroon", "pypi-AgEIcHlwaS5vcmc", CHECK_UNKNOWN },
		{ "macaroon", "pypi-AgH_AgIA", CHECK_UNKNOWN },
		{ "macaroon", "", CHECK_UNKNOWN },
		{ "basic", "Ym90OnB3cHc=", CHECK_PROVEN },
		{ "basic", "Ym90cHdwdw==", CHECK_REFUTED },
		{ "basic", "", CHECK_REFUTED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct check *c = check_find(cases[i].check);

		assert_non_null(c);
		assert_int_equal(c->run((const uint8_t *)cases[i].text, strlen(cases[i].text)), cases[i].want);
	}
	assert_null(check_find("no-such-check"));
}

static void
test_measure(void **state)
{
	char out[SECRETSCAN_MASKED];

	(void)state;
	assert_true(measure_entropy((const uint8_t *)"aaaa", 4) < 0.001);
	assert_true(measure_entropy((const uint8_t *)"abcd", 4) > 1.999);
	assert_true(measure_entropy(NULL, 0) < 0.001);
	measure_mask((const uint8_t *)"short", 5, 4, out, sizeof(out));
	assert_string_equal(out, "************");
	measure_mask((const uint8_t *)"AKIA0123456789abcdef", 20, 4, out, sizeof(out));
	assert_string_equal(out, "AKIA************");
}

/* One line that names the place, for everything an author of rules gets wrong. */
static void
test_bad_rules(void **state)
{
#define RULE	"provider: X\nrules:\n  - id: x\n    description: X\n    anchors: ['abcd']\n"
	static const struct {
		const char	*text;
		const char	*want;
	} cases[] = {
		{ "", "f:1: " },
		{ "rules: []\n", "f:1: expected" },
		{ "provider: [", "f:" },
		{ RULE "    secret: 'abcd['\n    good: [abcd]\n    bad: [a]\n", "f:3: x: secret: " },
		{ RULE "    secret: 'abcd'\n    bad: [a]\n", "f:3: x: needs good" },
		{ RULE "    secrets: 'abcd'\n", "f:6: unknown field" },
		{ RULE "    secret: 'abcd'\n    check: none\n", "f:7: no such check" },
		{ RULE "    secret: 'abcd'\n    entropy: 9\n", "f:7: expected a number" },
		{ RULE "    secret: 'abcd'\n    window: 100000\n    good: [a]\n    bad: [a]\n", "f:3: x: window" },
		{ RULE "    secret: 'abcd'\n    secret: 'abcd'\n", "f:7: given twice" },
		{ RULE "    secret: 'x{9}abcd'\n    behind: 9\n    near: 9\n    good: [a]\n    bad: [a]\n", "f:3: x: `behind` goes" },
		{ RULE "    secret: 'x{49}abcd'\n    behind: 49\n    good: [a]\n    bad: [a]\n", "f:3: x: behind is" },
		{ RULE "    before: '(?<![x]{20})'\n    secret: 'x{48}abcd'\n    behind: 48\n    good: [a]\n    bad: [a]\n",
		    "f:3: x: behind, anchor" },
		{ RULE "    secret: '(?<=.{100})abcd'\n    good: [a]\n    bad: [a]\n", "f:3: x: secret: looks back" },
		{ "provider: X\nrules:\n  - id: x\n    description: X\n    anchors: ['ab']\n    secret: ab\n"
		    "    good: [a]\n    bad: [b]\n", "f:5: x: an anchor" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rules rules = { 0 };
		char *error = NULL;

		assert_int_equal(rulefile_parse(&rules, "f", cases[i].text, strlen(cases[i].text), &error),
		    SECRETSCAN_RULES);
		assert_non_null(error);
		if (strncmp(error, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("case %zu: %s", i, error);
		free(error);
		rules_release(&rules);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_fingerprint_is_keyed),
		cmocka_unit_test(test_large_content_and_seams),
		cmocka_unit_test(test_callback_stops),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_overlong_is_masked),
		cmocka_unit_test(test_many_secrets),
		cmocka_unit_test(test_secret_before_its_anchor),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_measure),
		cmocka_unit_test(test_bad_rules),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
