/* SPDX-License-Identifier: Apache-2.0 */
/* Known values in every form they are printed in, and personal data: masked whatever the split, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "secretscan/secretscan.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX	4096
#define VALUE		"pa\"ss/W0rd & <b>'s"
#define LINES		"first line\nsecond=line\nthird"

static const uint8_t key[32] = { 5 };
static struct secretscan *scanner;

struct sink {
	char	 p[TEXT_MAX * 8];
	size_t	 n;
	size_t	 findings;
	char	 rule[80];
};

static int
setup(void **state)
{
	char *error;

	(void)state;
	scanner = secretscan_new(NULL, key, &error);
	return scanner == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	secretscan_free(scanner);
	return 0;
}

static int
on_out(const void *p, size_t n, void *arg)
{
	struct sink *s = arg;

	assert_true(n < sizeof(s->p) - s->n);
	memcpy(s->p + s->n, p, n);
	s->n += n;
	s->p[s->n] = '\0';
	return 0;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct sink *s = arg;

	s->findings++;
	snprintf(s->rule, sizeof(s->rule), "%s", f->rule);
	return 0;
}

/* In pieces: the first of `first` bytes, the others of `step`. */
static void
run(const struct secretscan_masking *m, const char *p, size_t n, size_t first, size_t step, struct sink *s)
{
	struct secretscan_stream *st = secretscan_stream_new(scanner, m, on_out, on_finding, s);

	assert_non_null(st);
	s->n = s->findings = 0;
	s->p[0] = '\0';
	assert_int_equal(secretscan_stream_feed(st, p, first), 0);
	for (size_t at = first; at < n; at += step)
		assert_int_equal(secretscan_stream_feed(st, p + at, n - at < step ? n - at : step), 0);
	assert_int_equal(secretscan_stream_end(st), 0);
	assert_int_equal(secretscan_stream_held(st), 0);
	secretscan_stream_free(st);
}

/* One mask stands where the value stood, for every split in two and byte by byte. */
static void
assert_masked(const struct secretscan_masking *m, const char *p, size_t n, size_t before, size_t after)
{
	struct sink s, t;

	run(m, p, n, n, 1, &s);
	if (s.findings != 1 || memcmp(s.p, p, before) != 0 || memcmp(s.p + before, "[masked:", 8) != 0 ||
	    s.p[s.n - after - 1] != ']' || memcmp(s.p + s.n - after, p + n - after, after) != 0)
		fail_msg("%zu findings: %s -> %s", s.findings, p, s.p);
	for (size_t cut = 0; cut < n; cut++) {
		run(m, p, n, cut, n, &t);
		assert_int_equal(t.n, s.n);
		assert_memory_equal(t.p, s.p, s.n);
	}
	run(m, p, n, 0, 1, &t);
	assert_string_equal(t.p, s.p);
}

static struct secretscan_known *
known_of(const char *value)
{
	struct secretscan_known *k = secretscan_known_new(scanner);

	assert_non_null(k);
	assert_int_equal(secretscan_known_add(k, "target-password", value, strlen(value)), 0);
	return k;
}

static void
test_known_forms(void **state)
{
	/* Written by other programs: python3's json, html, urllib, shlex, base64 and binascii; xxd; printf %q. */
	static const char *const forms[] = {
		VALUE,
		"pa%22ss%2FW0rd%20%26%20%3Cb%3E%27s",
		"pa%22ss%2fW0rd%20%26%20%3cb%3e%27s",
		"pa%22ss%2FW0rd+%26+%3Cb%3E%27s",
		"pa\\\"ss/W0rd & <b>'s",
		"pa\\\"ss\\/W0rd \\u0026 \\u003cb\\u003e\\u0027s",
		"pa&quot;ss/W0rd &amp; &lt;b&gt;&#39;s",
		"pa\"ss/W0rd & <b>'\\''s",
		"pa\\\"ss/W0rd\\ \\&\\ \\<b\\>\\'s",
		"cGEic3MvVzByZCAmIDxiPidz",
		"706122737 32f5730726420 262 03c623e2773",
		"7061 2273 732f 5730 7264 2026 203c 623e 2773",
		"706122\n73732F57307264202620\n3C623E2773",
		"70:61:22:73:73:2f:57:30:72:64:20:26:20:3c:62:3e:27:73",
		"\\x70\\x61\\x22\\x73\\x73\\x2f\\x57\\x30\\x72\\x64\\x20\\x26\\x20\\x3c\\x62\\x3e\\x27\\x73",
		"0x70, 0x61, 0x22, 0x73, 0x73, 0x2f, 0x57, 0x30, 0x72, 0x64, 0x20, 0x26, 0x20, 0x3c, 0x62, 0x3e, 0x27, 0x73",
		"pa\"ss\x1b[01;31m/W0r\x1b[m\x1b[Kd & <b>'s",
		"pa\"ss\x1b]8;;https://example.org/\x1b\\/W0rd & <b>'s",
	};
	struct secretscan_known *k = known_of(VALUE);
	struct secretscan_masking m = { .known = k };
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		int n = snprintf(text, sizeof(text), "<pre>pa %s\n", forms[i]);

		assert_masked(&m, text, (size_t)n, 8, 1);
	}
	secretscan_known_free(k);
}

/* base64 of "user:" VALUE and other lengths before it: only the characters that others share stay. */
static void
test_known_base64(void **state)
{
	static const struct {
		const char	*text;
		size_t		 before, after;
	} forms[] = {
		{ "x cGEic3MvVzByZCAmIDxiPidz x", 2, 2 },
		{ "x dXNlcjpwYSJzcy9XMHJkICYgPGI+J3M= x", 2 + 7, 2 + 2 },
		{ "x dXNlcjpwYSJzcy9XMHJkICYgPGI-J3M= x", 2 + 7, 2 + 2 },
		{ "x dXNlcjpwYSJz\ncy9XMHJk\r\nICYgPGI+J3M= x", 2 + 7, 2 + 2 },
		{ "x eHhwYSJzcy9XMHJkICYgPGI+J3M= x", 2 + 3, 2 + 2 },
	};
	struct secretscan_known *k = known_of(VALUE);
	struct secretscan_masking m = { .known = k };

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++)
		assert_masked(&m, forms[i].text, strlen(forms[i].text), forms[i].before, forms[i].after);
	secretscan_known_free(k);
}

static void
test_known_lines(void **state)
{
	struct secretscan_known *k = known_of(LINES);
	struct secretscan_masking m = { .known = k };
	static const char utf16[] = "f\0i\0r\0s\0t\0 \0l\0i\0n\0e\0\n\0s\0e\0c\0o\0n\0d\0=\0l\0i\0n\0e\0\n\0t\0h\0i\0r\0d\0";

	(void)state;
	assert_masked(&m, "x " LINES " x", strlen("x " LINES " x"), 2, 2);
	assert_masked(&m, "x first line\r\nsecond=line\r\nthird x", strlen("x " LINES " x") + 2, 2, 2);
	assert_masked(&m, "x first line\\nsecond=line\\nthird x", strlen("x " LINES " x") + 2, 2, 2);
	assert_masked(&m, utf16, sizeof(utf16) - 1, 0, 0);
	secretscan_known_free(k);
}

static void
test_known_overlap(void **state)
{
	struct secretscan_known *k = known_of("secretvalue");
	struct secretscan_masking m = { .known = k };
	struct sink s;

	(void)state;
	assert_int_equal(secretscan_known_add(k, "longer", "secretvalue-and-more", 20), 0);
	assert_int_equal(secretscan_known_add(k, "short", "12345", 5), SECRETSCAN_LIMIT);
	assert_masked(&m, "x secretvalue-and-more x", 24, 2, 2);
	assert_masked(&m, "x secretvalue-and-mora x", 24, 2, 2 + 9);
	assert_masked(&m, "secretvsecretvalue", 18, 7, 0);
	run(&m, "secretvaluesecretvalue", 22, 22, 1, &s);
	assert_int_equal(s.findings, 2);
	run(&m, "secretvalu secretvalue", 22, 3, 2, &s);
	assert_int_equal(s.findings, 1);
	secretscan_known_free(k);
}

/* A pause gives out no more than four bytes of a value, however often it comes. */
static void
test_known_flush(void **state)
{
	struct secretscan_known *k = known_of("secretvalue");
	struct secretscan_masking m = { .known = k };
	struct sink s = { .n = 0 };
	struct secretscan_stream *st = secretscan_stream_new(scanner, &m, on_out, on_finding, &s);

	(void)state;
	assert_non_null(st);
	for (const char *c = "x secretvalue\n"; *c != '\0'; c++) {
		assert_int_equal(secretscan_stream_feed(st, c, 1), 0);
		assert_int_equal(secretscan_stream_flush(st), 0);
	}
	assert_int_equal(secretscan_stream_end(st), 0);
	secretscan_stream_free(st);
	assert_int_equal(strncmp(s.p, "x secr[masked:target-password:", 30), 0);
	assert_null(strstr(s.p, "value"));
	secretscan_known_free(k);
}

static void
test_keep_columns(void **state)
{
	struct secretscan_known *k = known_of("a value of some length that is longer than its mask, by far");
	struct secretscan_masking m = { .known = k, .keep_columns = true };
	const char *text = "x a value of some length that is longer than its mask, by far|x";
	struct sink s;

	(void)state;
	run(&m, text, strlen(text), 5, 3, &s);
	assert_int_equal(s.n, strlen(text));
	assert_int_equal(s.findings, 1);
	assert_string_equal(s.p + s.n - 4, "**|x");
	secretscan_known_free(k);
	k = known_of("shorty");
	m.known = k;
	run(&m, "x shorty x", 10, 5, 3, &s);
	assert_string_equal(s.p, "x [maske x");
	secretscan_known_free(k);
}

struct sample {
	const char	*kind, *text;
};

static const struct sample good[] = {
	{ "card", "4526018159083012" },
	{ "card", "5166 1318 6091 3906" },
	{ "card", "379960308246287" },
	{ "card", "6011194821993511" },
	{ "iban", "DE89370400440532013000" },
	{ "iban", "GB82 WEST 1234 5698 7654 32" },
	{ "iban", "MT84MALT011000012345MTLCAST001S" },
	{ "email", "first.last+tag@mail.example.org" },
	{ "phone", "+49 30 1234567" },
	{ "phone", "(415) 555-2671" },
	{ "ip", "203.0.113.77" },
	{ "ip", "2001:db8::8a2e:370:7334" },
	{ "us-ssn", "536-90-4399" },
	{ "gb-nhs", "8190937863" },
	{ "gb-nino", "AB 12 34 56 C" },
	{ "de-idnr", "68354371928" },
	{ "fr-nir", "185057800608491" },
	{ "fr-nir", "291012A00812313" },
	{ "es-dni", "12345678Z" },
	{ "es-dni", "Y1234567X" },
	{ "it-cf", "RSSMRA85T10A562S" },
	{ "nl-bsn", "875749112" },
	{ "be-nrn", "85.07.30-033.28" },
	{ "be-nrn", "01020301259" },
	{ "pl-pesel", "02270886256" },
	{ "pt-nif", "227601890" },
	{ "se-pnr", "811218-5551" },
	{ "fi-hetu", "131052-308T" },
	{ "no-fnr", "15038497917" },
	{ "dk-cpr", "131285-1234" },
	{ "ch-ahv", "756.7114.7104.90" },
	{ "br-cpf", "746.507.529-73" },
	{ "in-aadhaar", "3703 4236 6710" },
	{ "cn-rid", "11010519491231002X" },
	{ "ca-sin", "427-684-261" },
	{ "tr-tckn", "94656321220" },
};

/* Check digits changed by one, structures that do not exist, places where none of this is meant. */
static const struct sample bad[] = {
	{ "card", "4526018159083013" },
	{ "card", "1526018159083012" },
	{ "card", "45260181590830120" },
	{ "card", "0.4526018159083012" },
	{ "card", "a4526018159083012" },
	{ "iban", "DE88370400440532013000" },
	{ "iban", "XX89370400440532013000" },
	{ "email", "not@home" },
	{ "email", "git@@example.org" },
	{ "phone", "+49" },
	{ "phone", "115-555-2671" },
	{ "phone", "+0123456789" },
	{ "ip", "1.2.3" },
	{ "ip", "127.0.0.1" },
	{ "ip", "1.2.3.4.5" },
	{ "ip", "256.1.1.1" },
	{ "ip", "12:30:45" },
	{ "us-ssn", "666-90-4399" },
	{ "us-ssn", "536-00-4399" },
	{ "us-ssn", "536-90-43991" },
	{ "gb-nhs", "8190937864" },
	{ "gb-nino", "BG 12 34 56 C" },
	{ "de-idnr", "68354371929" },
	{ "fr-nir", "185057800608492" },
	{ "es-dni", "12345678A" },
	{ "it-cf", "RSSMRA85T10A562T" },
	{ "nl-bsn", "875749113" },
	{ "be-nrn", "85.07.30-033.29" },
	{ "pl-pesel", "02270886257" },
	{ "pt-nif", "227601891" },
	{ "se-pnr", "811218-5552" },
	{ "fi-hetu", "131052-308U" },
	{ "no-fnr", "15038497918" },
	{ "dk-cpr", "311185-12345" },
	{ "dk-cpr", "311185-1234" },
	{ "ch-ahv", "756.7114.7104.91" },
	{ "br-cpf", "746.507.529-74" },
	{ "br-cpf", "111.111.111-11" },
	{ "in-aadhaar", "3703 4236 6711" },
	{ "cn-rid", "110105194912310021" },
	{ "ca-sin", "427-684-262" },
	{ "tr-tckn", "94656321221" },
};

static void
test_pii(void **state)
{
	struct secretscan_masking m = { 0 };
	char text[TEXT_MAX];
	struct sink s;
	int n;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		m.pii = secretscan_pii_bit(good[i].kind);
		assert_int_not_equal(m.pii, 0);
		n = snprintf(text, sizeof(text), "is \"%s\", yes", good[i].text);
		assert_masked(&m, text, (size_t)n, 4, 6);
		run(&m, text, (size_t)n, 0, 1, &s);
		assert_int_equal(strncmp(s.rule, "pii-", 4), 0);
		assert_string_equal(s.rule + 4, good[i].kind);
		n = snprintf(text, sizeof(text), "so: %s", good[i].text);
		assert_masked(&m, text, (size_t)n, 4, 0);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		m.pii = secretscan_pii_bit(bad[i].kind);
		n = snprintf(text, sizeof(text), "is \"%s\", yes", bad[i].text);
		run(&m, text, (size_t)n, 3, 1, &s);
		if (s.findings != 0)
			fail_msg("%s: %s -> %s", bad[i].kind, bad[i].text, s.p);
		assert_string_equal(s.p, text);
	}
}

/* Off unless chosen; names that are none choose nothing. */
static void
test_pii_choice(void **state)
{
	struct secretscan_masking m = { .pii = secretscan_pii_bit("iban") };
	struct sink s;

	(void)state;
	assert_int_equal(secretscan_pii_bit("ibans"), 0);
	assert_int_equal(secretscan_pii_bit("all"), (1u << 26) - 1);
	run(&m, "card 4526018159083012", 21, 21, 1, &s);
	assert_int_equal(s.findings, 0);
	run(NULL, "DE89370400440532013000", 22, 22, 1, &s);
	assert_int_equal(s.findings, 0);
	for (unsigned i = 0; secretscan_pii_name(i) != NULL; i++)
		assert_int_equal(secretscan_pii_bit(secretscan_pii_name(i)), 1u << i);
}

/* All kinds at once on what is none: it passes as it is, and what cannot become anything is not held. */
static void
test_pii_plain(void **state)
{
	static const char text[] = "total 48\n-rw-r--r-- 1 root root 4711 2026-11-21 17:42:11.123456789 +0000 a-1.2.3.tar.gz\n"
	    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b\n\x1b[1mok\x1b[0m 100%|####| 1234567/7654321 [00:01<00:00]\n$ ";
	struct secretscan_masking m = { .pii = secretscan_pii_bit("all") };
	struct sink s, t = { .n = 0 };
	struct secretscan_stream *st;

	(void)state;
	run(&m, text, sizeof(text) - 1, 0, 1, &s);
	assert_string_equal(s.p, text);
	st = secretscan_stream_new(scanner, &m, on_out, on_finding, &t);
	assert_non_null(st);
	assert_int_equal(secretscan_stream_feed(st, text, sizeof(text) - 1), 0);
	assert_int_equal(secretscan_stream_held(st), 0);
	secretscan_stream_free(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_forms),
		cmocka_unit_test(test_known_base64),
		cmocka_unit_test(test_known_lines),
		cmocka_unit_test(test_known_overlap),
		cmocka_unit_test(test_known_flush),
		cmocka_unit_test(test_keep_columns),
		cmocka_unit_test(test_pii),
		cmocka_unit_test(test_pii_choice),
		cmocka_unit_test(test_pii_plain),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
