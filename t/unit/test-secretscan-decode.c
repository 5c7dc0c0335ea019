/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every encoding, at every alignment and one within the other: the secret itself comes out, with the range it is
 * written in.
 */
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
#define TEXT_MAX	(64 * 1024)

/* Synthetic, and in pieces so that no tool takes this file for a leak. */
#define TOKEN		"gh" "p_" "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"

struct seen {
	size_t	 n;
	char	 rule[64];
	size_t	 start, end;
	char	 decoded[64];
	char	 secret[256];
};

struct text {
	char	 p[TEXT_MAX];
	size_t	 n;
};

static const uint8_t key[32] = { 1 };
static struct secretscan *ss;

static int
setup(void **state)
{
	char *error;

	(void)state;
	ss = secretscan_new(NULL, key, &error);
	if (ss == NULL)
		print_error("%s\n", error);
	return ss == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	secretscan_free(ss);
	return 0;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct seen *s = arg;

	assert_true(f->end > f->start);
	assert_non_null(f->member);
	if (s->n++ > 0)
		return 0;
	snprintf(s->rule, sizeof(s->rule), "%s", f->rule);
	snprintf(s->decoded, sizeof(s->decoded), "%s", f->decoded);
	snprintf(s->secret, sizeof(s->secret), "%.*s", (int)f->secret_len, (const char *)f->secret);
	s->start = f->start;
	s->end = f->end;
	return 0;
}

static void
scan(const struct text *t, struct seen *s)
{
	*s = (struct seen){ 0 };
	assert_int_equal(secretscan_scan(ss, t->p, t->n, on_finding, s), 0);
}

static void
add(struct text *t, const void *p, size_t n)
{
	assert_true(n <= sizeof(t->p) - t->n);
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

static void
add_s(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

/* An encoder. start and end are of a range of in; on return of what it is written as. */
typedef void	(*encoder)(const struct text *in, struct text *out, size_t *start, size_t *end);

static void
encode_base64(const char *digits, const struct text *in, struct text *out, size_t *start, size_t *end)
{
	size_t from = out->n;

	for (size_t i = 0; i < in->n; i += 3) {
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < in->n ? (uint8_t)in->p[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			add(out, i * 8 + k * 6 < in->n * 8 ? &digits[v >> (18 - 6 * k) & 63] : "=", 1);
	}
	*start = from + *start * 8 / 6;
	*end = from + (*end * 8 + 5) / 6;
}

static void
to_base64(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	encode_base64("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", in, out, start, end);
}

static void
to_base64url(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	encode_base64("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", in, out, start, end);
	while (out->p[out->n - 1] == '=')
		out->n--;
}

/* Each byte as a fixed number of characters. */
static void
encode_each(size_t (*write)(char *, size_t, unsigned), const struct text *in, struct text *out, size_t *start,
    size_t *end)
{
	char one[16];
	size_t from = out->n, n = 1;

	for (size_t i = 0; i < in->n; i++) {
		n = write(one, sizeof(one), (uint8_t)in->p[i]);
		add(out, one, n);
	}
	*start = from + *start * n;
	*end = from + *end * n;
}

#define EACH(name, format)									\
static size_t											\
name ## _one(char *out, size_t n, unsigned c)							\
{												\
	return (size_t)snprintf(out, n, format, c);						\
}												\
static void											\
name(const struct text *in, struct text *out, size_t *start, size_t *end)			\
{												\
	encode_each(name ## _one, in, out, start, end);						\
}

EACH(to_hex, "%02x")
EACH(to_percent, "%%%02X")
EACH(to_escape_x, "\\x%02x")
EACH(to_escape_u, "\\u%04x")
EACH(to_escape_octal, "\\%03o")
EACH(to_entity, "&#x%02X;")

static void
to_wide(size_t unit, size_t lane, const struct text *in, struct text *out, size_t *start, size_t *end)
{
	size_t from = out->n;

	for (size_t i = 0; i < in->n; i++) {
		char c[4] = { 0 };

		c[lane] = in->p[i];
		add(out, c, unit);
	}
	*start = from + *start * unit;
	*end = from + *end * unit;
}

static void
to_utf16le(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	to_wide(2, 0, in, out, start, end);
}

static void
to_utf16be(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	to_wide(2, 1, in, out, start, end);
}

static void
to_utf32le(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	to_wide(4, 0, in, out, start, end);
}

static void
to_utf32be(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	to_wide(4, 3, in, out, start, end);
}

/* Lines of 64 characters. */
static void
to_lines(const struct text *in, struct text *out, size_t *start, size_t *end)
{
	size_t from = out->n;

	for (size_t i = 0; i < in->n; i++) {
		if (i > 0 && i % 64 == 0)
			add_s(out, "\n");
		add(out, &in->p[i], 1);
	}
	*start = from + *start + *start / 64;
	*end = from + *end + (*end - 1) / 64;
}

static const struct coder {
	const char	*name;
	encoder		 encode;
	bool		 binary;	/* what it makes is no text, which not every other one can take */
} coders[] = {
	{ "base64", to_base64, false },
	{ "base64", to_base64url, false },
	{ "hex", to_hex, false },
	{ "percent", to_percent, false },
	{ "escape", to_escape_x, false },
	{ "escape", to_escape_u, false },
	{ "escape", to_escape_octal, false },
	{ "html", to_entity, false },
	{ "utf-16", to_utf16le, true },
	{ "utf-16", to_utf16be, true },
	{ "utf-32", to_utf32le, true },
	{ "utf-32", to_utf32be, true },
};

/* The token with so much before it and something after it. */
static void
make_plain(size_t before, struct text *t, size_t *start, size_t *end)
{
	t->n = 0;
	for (size_t i = 0; i < before; i++)
		add_s(t, " ");
	*start = t->n;
	add_s(t, TOKEN);
	*end = t->n;
	add_s(t, " and more\n");
}

/* So much of an inner encoding as what surrounds it in a file. */
static void
surround(const struct coder *c, const struct text *in, struct text *out, size_t *start, size_t *end)
{
	out->n = 0;
	if (!c->binary)
		add_s(out, "the value: \"");
	c->encode(in, out, start, end);
	if (!c->binary)
		add_s(out, "\"\nend\n");
}

static void
expect(const struct text *t, const char *decoded, size_t start, size_t end)
{
	struct seen s;

	scan(t, &s);
	if (s.n != 1 || s.start != start || s.end != end || strcmp(s.decoded, decoded) != 0)
		print_error("%zu findings, %zu-%zu by %s, not %zu-%zu by %s: %.200s\n", s.n, s.start, s.end, s.decoded, start, end,
		    decoded, t->p);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.rule, "github-token");
	assert_string_equal(s.secret, TOKEN);
	assert_string_equal(s.decoded, decoded);
	assert_int_equal(s.start, start);
	assert_int_equal(s.end, end);
}

static void
test_each_at_every_alignment(void **state)
{
	static struct text plain, out;
	size_t start, end;

	(void)state;
	for (size_t i = 0; i < COUNT(coders); i++) {
		for (size_t before = 0; before < 70; before++) {
			make_plain(before, &plain, &start, &end);
			surround(&coders[i], &plain, &out, &start, &end);
			expect(&out, coders[i].name, start, end);
		}
	}
}

static void
test_nested(void **state)
{
	static struct text plain, inner, out;
	char names[32];
	size_t start, end;

	(void)state;
	for (size_t i = 0; i < COUNT(coders); i++) {
		for (size_t k = 0; k < COUNT(coders); k++) {
			/* Bytes of UTF-32 in base64 are more zeros than text; of the others only this one is in use. */
			if (coders[i].binary && (coders[k].binary || coders[i].encode != to_utf16le))
				continue;
			for (size_t before = 0; before < 4; before++) {
				make_plain(before, &plain, &start, &end);
				inner.n = 0;
				coders[i].encode(&plain, &inner, &start, &end);
				surround(&coders[k], &inner, &out, &start, &end);
				snprintf(names, sizeof(names), "%s,%s", coders[k].name, coders[i].name);
				expect(&out, names, start, end);
			}
		}
	}
}

static void
test_deep(void **state)
{
	static struct text a, b;
	size_t start, end;
	struct seen s;

	(void)state;
	make_plain(3, &a, &start, &end);
	for (int depth = 1; depth <= 5; depth++) {
		b.n = 0;
		to_base64(&a, &b, &start, &end);
		a = b;
	}
	expect(&a, "base64,base64,base64,base64,base64", start, end);
	b.n = 0;
	to_base64(&a, &b, &start, &end);
	/* Too deep is said. */
	scan(&b, &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.rule, "not-fully-scanned");
}

static void
test_wrapped(void **state)
{
	static struct text plain, digits, out;
	size_t start, end;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t before = 0; before < 200; before++) {
			make_plain(before, &plain, &start, &end);
			digits.n = out.n = 0;
			coders[i].encode(&plain, &digits, &start, &end);
			to_lines(&digits, &out, &start, &end);
			add_s(&out, "\nend\n");
			expect(&out, coders[i].name, start, end);
		}
	}
}

static void
test_noise(void **state)
{
	static const struct {
		const char	*text, *secret;	/* as it stands there */
	} cases[] = {
		{ "x \x1b[32mgh" "p_aB3dE5fG\x1b[01;31m\x1b[K7hJ9kL1mN3\x1b[m\x1b[KpQ5rS7tU9vW1xY3zA5\x1b[0m\n",
		    "gh" "p_aB3dE5fG\x1b[01;31m\x1b[K7hJ9kL1mN3\x1b[m\x1b[KpQ5rS7tU9vW1xY3zA5" },
		{ "x gh" "p_aB3dE5fG\x1b]8;;http://example.org/\x1b\\7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5 x",
		    "gh" "p_aB3dE5fG\x1b]8;;http://example.org/\x1b\\7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5" },
		{ "x gh" "p_aB3dE5fG7hJ9kL1m\xe2\x80\x8bN3pQ5rS7tU9vW1xY3zA5 x",
		    "gh" "p_aB3dE5fG7hJ9kL1m\xe2\x80\x8bN3pQ5rS7tU9vW1xY3zA5" },
		{ "x gh" "p_aB3dE5fG7hJ9kL1mx\bN3pQ5rS7tU9vW1xY3zA5 x", "gh" "p_aB3dE5fG7hJ9kL1mx\bN3pQ5rS7tU9vW1xY3zA5" },
		{ "x gh" "p_aB3dE5fG7hJ9kL1mN3\\\n    pQ5rS7tU9vW1xY3zA5 x",
		    "gh" "p_aB3dE5fG7hJ9kL1mN3\\\n    pQ5rS7tU9vW1xY3zA5" },
	};
	static struct text t;
	struct seen s;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t at = (size_t)(strstr(cases[i].text, cases[i].secret) - cases[i].text);

		t.n = 0;
		add_s(&t, cases[i].text);
		scan(&t, &s);
		assert_int_equal(s.n, 1);
		assert_string_equal(s.secret, TOKEN);
		assert_int_equal(s.start, at);
		assert_int_equal(s.end, at + strlen(cases[i].secret));
	}
}

/* Text that was copied from a terminal of 80 columns, at every place that the token can be broken. */
static void
test_broken_lines(void **state)
{
	static struct text line, t;
	struct seen s;

	(void)state;
	for (size_t before = 0; before < 76; before++) {
		line.n = t.n = 0;
		for (size_t i = 0; i < before; i++)
			add_s(&line, i % 8 == 7 ? " " : "x");
		add_s(&line, " --token " TOKEN " and what follows it on that line\n");
		for (size_t i = 0; i < line.n; i += 80) {
			add(&t, line.p + i, line.n - i < 80 ? line.n - i : 80);
			if (line.n - i > 80)
				add_s(&t, "\n");
		}
		scan(&t, &s);
		assert_int_equal(s.n, 1);
		assert_string_equal(s.secret, TOKEN);
		assert_int_equal(s.end - s.start, strlen(TOKEN) + (before + 9 < 80 && before + 9 + strlen(TOKEN) > 80));
	}
}

static void
test_mail(void **state)
{
	static struct text t;
	struct seen s;

	(void)state;
	t.n = 0;
	add_s(&t, "Please use the following token to log in to the service, token=3Dgh" "p_=\r\n"
	    "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5 and nothing else. It is=\r\n yours.\r\n");
	scan(&t, &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.decoded, "quoted-printable");
	assert_string_equal(s.secret, TOKEN);
}

/* What stands plainly beside an escape is plain: no encoding is named, and it is told once. */
static void
test_escaped_text(void **state)
{
	static const char *const cases[] = {
		"\"first\\n" TOKEN "\\nlast\"", "{\\\"token\\\": \\\"" TOKEN "\\\"}", "\"\\\"a\\\\n" TOKEN "\\\\n\\\"\"",
		"q=token%20" TOKEN "%20x", "&quot;" TOKEN "&quot;", "q=some%20token+" TOKEN "+x",
	};
	static struct text t;
	struct seen s;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		t.n = 0;
		add_s(&t, cases[i]);
		scan(&t, &s);
		assert_int_equal(s.n, 1);
		assert_string_equal(s.decoded, "");
		assert_string_equal(s.secret, TOKEN);
		assert_int_equal(s.start, strstr(cases[i], TOKEN) - cases[i]);
	}
}

/* The name of a key stands before the digits, so the rules that want one see it. */
static void
test_name_of_a_key(void **state)
{
	static struct text plain, t;
	size_t start, end;
	struct seen s;

	(void)state;
	plain.n = t.n = start = 0;
	add_s(&plain, "Kx9" "mQ2vLw7TzR4bN");
	end = plain.n;
	add_s(&t, "  db_password: ");
	to_base64(&plain, &t, &start, &end);
	add_s(&t, "\n");
	scan(&t, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.start, 15);
}

/* A long content in segments: each place is found once, across their seams as well. */
static void
test_segments(void **state)
{
	size_t n = 9 * 1024 * 1024, len, found = 0;
	char *p = malloc(n);
	static struct text plain, t;
	size_t start, end;
	struct seen s;

	(void)state;
	assert_non_null(p);
	make_plain(1, &plain, &start, &end);
	t.n = 0;
	to_hex(&plain, &t, &start, &end);
	len = t.n;
	for (size_t seam = 4 * 1024 * 1024, k = 0; k < 12; k++) {
		memset(p, ' ', n);
		memcpy(p + seam - k * len / 8, t.p, len);
		memcpy(p + n - len, t.p, len);
		memcpy(p + seam - 64 * 1024 - k * 50, t.p, len);
		s = (struct seen){ 0 };
		assert_int_equal(secretscan_scan(ss, p, n, on_finding, &s), 0);
		found += s.n;
	}
	assert_int_equal(found, 12 * 3);
	free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_at_every_alignment),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_broken_lines),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_escaped_text),
		cmocka_unit_test(test_name_of_a_key),
		cmocka_unit_test(test_segments),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
