/* SPDX-License-Identifier: Apache-2.0 */
/* The masker's two promises: no split of the input changes its output, and nothing is held back that may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "secretscan/rule.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX	65536
#define LEAK		8		/* so many bytes of a secret in a row are a leak */

#define TOKEN		"gh" "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
#define AWS		"AK" "IAQ7ZXN3LKT2MWB5RY"
#define PEM		"-----BEGIN RSA PRI" "VATE KEY-----"
#define PEM_END		"-----END RSA PRI" "VATE KEY-----"
#define LINE		"MIIEpAIBAAKCAQEA7synthetic0Body1Of2A3Key4That5Is6None7xY9zQ2wE4r"

struct sink {
	uint8_t	*p;
	size_t	 n;
	size_t	 findings;
};

static const uint8_t key[32] = { 3 };

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

static int
on_out(const void *p, size_t n, void *arg)
{
	struct sink *s = arg;

	assert_true(n <= 2 * TEXT_MAX - s->n);
	memcpy(s->p + s->n, p, n);
	s->n += n;
	return 0;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct sink *s = arg;

	(void)f;
	s->findings++;
	return 0;
}

static void
sink_init(struct sink *s)
{
	memset(s, 0, sizeof(*s));
	s->p = malloc(2 * TEXT_MAX);
	assert_non_null(s->p);
}

/* Mask text, given in pieces that end at the cuts and then of `step` bytes each. */
static void
mask(const struct secretscan *ss, const char *text, size_t n, size_t cut, size_t step, struct sink *s)
{
	struct secretscan_stream *st = secretscan_stream_new(ss, NULL, on_out, on_finding, s);
	size_t at = 0;

	assert_non_null(st);
	s->n = 0;
	s->findings = 0;
	while (at < n) {
		size_t len = at < cut ? cut - at : step;

		if (len > n - at)
			len = n - at;
		assert_int_equal(secretscan_stream_feed(st, text + at, len), 0);
		at += len;
	}
	assert_int_equal(secretscan_stream_end(st), 0);
	assert_int_equal(secretscan_stream_held(st), 0);
	secretscan_stream_free(st);
}

/* Where a stream begins to mask: the secret, or the end of an anchor that stands in it. */
static size_t
masked_from(const struct secretscan *ss, const char *text, const struct secretscan_finding *f)
{
	const struct rule *r = ss->rules.v;
	const char *at;

	while (strcmp(r->id, f->rule) != 0)
		r++;
	for (size_t i = 0; r->behind > 0 && i < r->anchors.n; i++) {
		at = memmem(text + f->start, f->end - f->start, r->anchors.v[i].p, r->anchors.v[i].n);
		if (at != NULL)
			return (size_t)(at - text) + r->anchors.v[i].n;
	}
	return f->start;
}

struct expect {
	const struct secretscan	*ss;
	const char		*text;
	struct sink		*sink;
	size_t			 at;
};

static int
expect_finding(const struct secretscan_finding *f, void *arg)
{
	struct expect *e = arg;
	char token[128];
	int n = snprintf(token, sizeof(token), "[masked:%s:%s]", f->rule, f->fingerprint);

	on_out(e->text + e->at, masked_from(e->ss, e->text, f) - e->at, e->sink);
	on_out(token, (size_t)n, e->sink);
	e->at = f->end;
	return 0;
}

/* What a scan of the whole says the output is. */
static void
mask_by_scan(const struct secretscan *ss, const char *text, size_t n, struct sink *s)
{
	struct expect e = { ss, text, s, 0 };

	s->n = 0;
	assert_int_equal(secretscan_scan(ss, text, n, expect_finding, &e), 0);
	on_out(text + e.at, n - e.at, s);
}

struct leak {
	const struct secretscan	*ss;
	const char		*text;
	size_t			 n;
	const struct sink	*sink;
};

/* What stands elsewhere in the text as well, did not get out of the secret. */
static bool
stands_elsewhere(const struct leak *l, const struct secretscan_finding *f, const char *piece)
{
	return memmem(l->text, f->start, piece, LEAK) != NULL ||
	    memmem(l->text + f->end, l->n - f->end, piece, LEAK) != NULL;
}

static int
check_leak(const struct secretscan_finding *f, void *arg)
{
	const struct leak *l = arg;

	/* The public prefix of a token is no secret, and may be a part of the rule's name. */
	size_t from = masked_from(l->ss, l->text, f), shown = f->start + strcspn(f->masked, "*");

	for (size_t at = from > shown ? from : shown; at + LEAK <= f->end; at++) {
		if (memmem(l->sink->p, l->sink->n, l->text + at, LEAK) != NULL &&
		    !stands_elsewhere(l, f, l->text + at))
			fail_msg("%s: %.*s got out", f->rule, LEAK, l->text + at);
	}
	return 0;
}

static void
same(const struct sink *a, const struct sink *b, const char *what, size_t cut)
{
	if (a->n != b->n || memcmp(a->p, b->p, a->n) != 0)
		fail_msg("%s, cut at %zu:\n%.*s\nnot\n%.*s", what, cut, (int)b->n, b->p, (int)a->n, a->p);
}

static void
check_text(const struct secretscan *ss, const char *text, size_t n, const char *what)
{
	struct sink whole, cut;
	struct leak leak = { ss, text, n, &whole };

	sink_init(&whole);
	sink_init(&cut);
	mask_by_scan(ss, text, n, &whole);
	mask(ss, text, n, n, n, &cut);
	same(&whole, &cut, what, n);
	assert_int_equal(secretscan_scan(ss, text, n, check_leak, &leak), 0);
	for (size_t at = 0; at <= n; at++) {
		mask(ss, text, n, at, n, &cut);
		same(&whole, &cut, what, at);
	}
	for (size_t step = 1; step < 10; step += 2) {
		mask(ss, text, n, 0, step, &cut);
		same(&whole, &cut, what, step);
	}
	free(whole.p);
	free(cut.p);
}

static void
test_no_split_matters(void **state)
{
	static const char *const texts[] = {
		TOKEN,
		TOKEN "|" TOKEN,
		"begin " TOKEN " middle " AWS " end",
		"at the end " AWS,
		"x=" TOKEN "\nPASSWORD=\"" TOKEN "\"\n",
		"postgres://app:w7Kq2vXz@db.internal/x and https://oauth2:" TOKEN "@git.example.net/\n",
		"a\n" PEM "\n" LINE "\n" LINE "\n" PEM_END "\nb\n",
		"never ends\n" PEM "\n" LINE "\n" LINE "\n",
		"text after\n" PEM "\n" LINE "\n\nThe key above is (made up), " TOKEN "\n",
		PEM " is only spoken of here. " AWS "\n",
		PEM "\n" LINE PEM "\n" LINE "\n" PEM_END "\n",
		"key: \"" PEM "\\n" LINE "\\n" PEM_END "\\n\"\n",
		"Authorization: Bearer " TOKEN "\r\n"
		    "Cookie: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.QWxhZGRpbjpvcGVuc2VzYW1l\r\n",
		"password=password=password=x9Kq72LmVb\n",
		"gh" "p_ gh" "p_short AKI AKIA AKIAA\n-----BEG -----BEGIN -----BEGIN RSA\n",
		"the bot is 2491426214:A" "AnxsL0TVFzwdl6LAU87ayaCFyPJugrKJzW, https://api.example.org/bot2491426214:A"
		    "AnxsL0TVFzwdl6LAU87ayaCFyPJugrKJzW/getMe\n",
		"7f3e9a1c5b2d8f4e6a0c7b9d1e3f5a82-u" "s14 7f3e9a1c5b2d8f4e6a0c7b9d1e3f5a82-usa x7f3e9a1c5b2d8f4e6a0c7b9d1e3f5a82-us1",
		"k3Rt9Z_q8Wd2Lx5Vb7Nm4Tc1Yh6Jf0Ps3Gu5_m" "mk k3Rt9Z_q8Wd2Lx5Vb7Nm4Tc1Yh6Jf0Ps3Gu5_mm",
		"MAILCHIMP_API_KEY=7f3e9a1c5b2d8f4e6a0c7b9d1e3f5a82-u" "s14\n",
		"login: \r\nPassword: \r\nLast login\r\n$ \x1b[0m\x00\xff\xfe binary",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		check_text(*state, texts[i], strlen(texts[i]), texts[i]);
}

/* What overlaps in a scan stands side by side in a stream, where the beginning of the second was let go. */
static void
test_second_begins_before_its_anchor(void **state)
{
	static const char text[] = "twilio_token = 7f3e9a1c5b2d8f4e6a0c7b9d1e3f5a82-u" "s14\n";
	struct sink whole, cut;
	size_t n = strlen(text);

	sink_init(&whole);
	sink_init(&cut);
	mask(*state, text, n, n, n, &whole);
	assert_int_equal(whole.findings, 2);
	for (size_t at = 0; at <= n; at++) {
		mask(*state, text, n, at, n, &cut);
		same(&whole, &cut, text, at);
	}
	for (size_t step = 1; step < n; step++) {
		mask(*state, text, n, 0, step, &cut);
		same(&whole, &cut, text, step);
	}
	free(whole.p);
	free(cut.p);
}

/* Each rule's own samples: a rule whose lead is not unambiguous fails here. */
static void
test_samples_in_pieces(void **state)
{
	const struct secretscan *ss = *state;

	for (size_t i = 0; i < ss->rules.n; i++) {
		const struct rule *r = &ss->rules.v[i];

		for (size_t k = 0; k < r->good.n; k++)
			check_text(ss, r->good.v[k].p, r->good.v[k].n, r->id);
		for (size_t k = 0; k < r->bad.n; k++)
			check_text(ss, r->bad.v[k].p, r->bad.v[k].n, r->id);
	}
}

/* Larger than the pieces that the stream works in, with secrets across their seams. */
static void
test_large_stream(void **state)
{
	char *text = malloc(TEXT_MAX);
	struct sink whole, cut;

	assert_non_null(text);
	sink_init(&whole);
	sink_init(&cut);
	for (size_t i = 0; i < TEXT_MAX; i++)
		text[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 23);
	for (size_t at = 1000; at + 200 < TEXT_MAX; at += 3981)
		memcpy(text + at, " " TOKEN " ", strlen(TOKEN) + 2);
	mask_by_scan(*state, text, TEXT_MAX, &whole);
	for (size_t cuts = 0; cuts < 60; cuts++) {
		mask(*state, text, TEXT_MAX, 32768 - 30 + cuts, 4096 + cuts * 7, &cut);
		same(&whole, &cut, "large", cuts);
	}
	free(text);
	free(whole.p);
	free(cut.p);
}

/* The output with <RULE> for each mask. */
static void
short_form(const struct sink *s, char *out, size_t size)
{
	static const char begin[] = "[masked:";
	size_t at = 0, n = 0;

	while (at < s->n) {
		const uint8_t *p = s->p + at, *end;

		if (s->n - at > sizeof(begin) && memcmp(p, begin, sizeof(begin) - 1) == 0 &&
		    (end = memchr(p, ']', s->n - at)) != NULL) {
			n += (size_t)snprintf(out + n, size - n, "<%.*s>", (int)strcspn((const char *)p + 8, ":"), p + 8);
			at += (size_t)(end - p) + 1;
		} else {
			assert_true(n + 1 < size);
			out[n++] = (char)s->p[at++];
		}
	}
	out[n] = '\0';
}

struct peeled {
	const char	*text;
	const char	*masked;
};

/* Any cut into two, any pieces of one size. */
static void
check_peeled(const struct secretscan *ss, const struct peeled *c)
{
	size_t n = strlen(c->text);
	struct sink whole, cut;
	char out[8192];

	sink_init(&whole);
	sink_init(&cut);
	mask(ss, c->text, n, n, n, &whole);
	short_form(&whole, out, sizeof(out));
	assert_string_equal(out, c->masked);
	for (size_t at = 0; at <= n; at++) {
		mask(ss, c->text, n, at, n, &cut);
		same(&whole, &cut, c->text, at);
	}
	for (size_t step = 1; step < 40; step += 1 + step / 4) {
		mask(ss, c->text, n, 0, step, &cut);
		same(&whole, &cut, c->text, step);
	}
	free(whole.p);
	free(cut.p);
}

#define HALF		"gh" "p_aB3dE5fG7hJ9"
#define REST		"kL1mN3pQ5rS7tU9vW1xY3zA5"
#define RED		"\x1b[01;31m\x1b[K"
#define PLAIN		"\x1b[m\x1b[K"
#define ZERO		"\xe2\x80\x8b"

static void
test_noise_hides_nothing(void **state)
{
	static const struct peeled cases[] = {
		{ "a " HALF RED "kL1" PLAIN "mN3pQ5rS7tU9vW1xY3zA5 b\n", "a <github-token>\x1b[01;31m\x1b[m b\n" },
		{ RED HALF PLAIN REST, RED "<github-token>\x1b[m" },
		{ "g\x1b[1mh\x1b[0mp_aB3dE5fG7hJ9" REST "|", "<github-token>\x1b[1m\x1b[0m|" },
		{ "a" RED " = " PLAIN TOKEN " b", "a" RED " = " PLAIN "<github-token> b" },
		{ "password = \x1b[32m\"x9Kq72LmVb\"\x1b[0m\r\n", "password = \x1b[32m\"<generic-password>\"\x1b[0m\r\n" },
		{ "password = \"x9Kq\x1b[32m72LmVb\"\x1b[0m\r\n", "password = \"<generic-password>\x1b[32m\"\x1b[0m\r\n" },
		{ HALF "\x1b]8;;http://a/\x1b\\" REST "\x1b]8;;\a.", "<github-token>\x1b]8;;\a." },
		{ HALF "\x1b(B" REST ".", "<github-token>\x1b(B." },
		{ HALF ZERO REST "\xc2\xad.", "<github-token>\xc2\xad." },
		{ "\xe2\x80\x9c" HALF ZERO REST "\xe2\x80\x9d", "\xe2\x80\x9c<github-token>\xe2\x80\x9d" },
		{ "A\bAK\bKI\bIA\bAQ7ZXN3LKT2MWB5RY.", "<aws-access-key-id>." },
		{ "_\bA_\bKIAQ7ZXN3LKT2MWB5RY_\b.", "_\b<aws-access-key-id>_\b." },
		{ "gh" "p\x1b[0m" "_aB3dE5fG7hJ9" REST, "<github-token>\x1b[0m" },
		{ "a\n" PEM "\n" LINE "\x1b[31m" LINE "\x1b[0m\n" LINE "\n" PEM_END "\nb\n",
		    "a\n" PEM "<private-key>\x1b[31m\x1b[0m" PEM_END "\nb\n" },
		{ "_secret=x9Kq72LmVb7QwP\x1b[m b", "_secret=<generic-token-plain>\x1b[m b" },
		/* Nothing to hide: everything stays as it was. */
		{ "\x1b[1;32muser@host\x1b[0m:~$ ls --color\r\n\x1b[01;34mbin\x1b[0m  \x1b[?2004h",
		    "\x1b[1;32muser@host\x1b[0m:~$ ls --color\r\n\x1b[01;34mbin\x1b[0m  \x1b[?2004h" },
		{ "\b\b\x1b[\x1b]0;title\n_\b_x_\b\xe2\x80\xef\xbb\xe2\x80\x8b\x1b", "\b\b\x1b[\x1b]0;title\n_\b_x_\b\xe2\x80"
		    "\xef\xbb\xe2\x80\x8b\x1b" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check_peeled(*state, &cases[i]);
}

/* Base64 of "a token: TOKEN" and the like, in pieces, so that nothing here looks like one. */
#define B64_TOKEN	"Z2hwX2" "FCM2RFNWZHN2hKOWtMMW1OM3BRNXJTN3RV" "OXZXMXhZM3pBNQo="
#define B64_JSON	"eyJhdXRoIjogImdocF" "9hQjNkRTVmRzdoSjlrTDFtTjNwUTVyUzd0VTl2VzF4" "WTN6QTUifQ=="
#define B64_WORDS	"bm8gc2VjcmV0IGF0IGFsbCwganVzdCB3b3JkcyBoZXJl"

static void
test_base64_hides_nothing(void **state)
{
	static const struct peeled cases[] = {
		{ "a " B64_TOKEN " b\n", "a Z2<github-token>o= b\n" },
		{ "auth=" B64_JSON "\n", "auth=eyJhdXRoIjogIm<github-token>ifQ==\n" },
		{ "eyJhdXRoIjogImdocF9hQjNk\r\n  RTVmRzdoSjlrTDFtTjNwUTVyUzd0\r\n  VTl2VzF4" "WTN6QTUifQ==\r\n",
		    "eyJhdXRoIjogIm<github-token>ifQ==\r\n" },
		{ "data:\n  password: \"" "eDlLcTcy" "TG1WYnE3\"\n", "data:\n  password: \"<generic-password>\"\n" },
		{ B64_WORDS " " B64_TOKEN, B64_WORDS " Z2<github-token>o=" },
		/* Nothing to hide. */
		{ B64_WORDS "\n" B64_WORDS, B64_WORDS "\n" B64_WORDS },
		{ "Z2hwX2FC", "Z2hwX2FC" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check_peeled(*state, &cases[i]);
}

/* A long one without a secret flows. */
static void
test_base64_flows(void **state)
{
	struct sink s;
	struct secretscan_stream *st;

	sink_init(&s);
	st = secretscan_stream_new(*state, NULL, on_out, on_finding, &s);
	assert_non_null(st);
	for (size_t i = 0; i < 500; i++) {
		assert_int_equal(secretscan_stream_feed(st, B64_WORDS "IGFuZCBt" + i % 4, sizeof(B64_WORDS) + 7 - i % 4), 0);
		assert_true(secretscan_stream_held(st) < 32);
	}
	assert_int_equal(secretscan_stream_end(st), 0);
	assert_int_equal(s.findings, 0);
	secretscan_stream_free(st);
	free(s.p);
}

static void
test_nothing_is_held_without_reason(void **state)
{
	static const struct {
		const char	*text;
		size_t		 n, held;
	} cases[] = {
		{ "", 1, 0 },			/* a NUL */
		{ "OK", 2, 0 },
		{ "OK\n", 3, 0 },
		{ "Continue? ", 10, 0 },
		{ "$ ", 2, 0 },
		{ "user@host:~$ ls", 15, 0 },
		{ "100%\r", 5, 0 },
		{ "Password: ", 10, 0 },
		{ "Enter passphrase for key '/home/a/.ssh/id': ", 44, 0 },
		{ "Token: ", 7, 0 },
		{ "https://example.net/", 20, 0 },
		{ "\x1b[2J\x1b[H\xff\x00\x01\x80", 11, 0 },
		{ PEM, sizeof(PEM) - 1, 0 },
		{ "--", 2, 0 },
		{ "id AKI", 6, 3 },
		{ "xAKI", 4, 0 },
		{ "use gh" "p_aB3", 11, 7 },
		{ "password=\"x9K", 13, 3 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sink s;
		struct secretscan_stream *st;

		sink_init(&s);
		st = secretscan_stream_new(*state, NULL, on_out, on_finding, &s);
		assert_non_null(st);
		assert_int_equal(secretscan_stream_feed(st, cases[i].text, cases[i].n), 0);
		if (secretscan_stream_held(st) != cases[i].held)
			fail_msg("%s: holds %zu", cases[i].text, secretscan_stream_held(st));
		assert_int_equal(s.n, cases[i].n - cases[i].held);
		secretscan_stream_free(st);
		free(s.p);
	}
}

static void
test_flush(void **state)
{
	struct sink s;
	struct secretscan_stream *st;

	sink_init(&s);
	st = secretscan_stream_new(*state, NULL, on_out, on_finding, &s);
	assert_non_null(st);
	assert_int_equal(secretscan_stream_feed(st, "AK", 2), 0);
	assert_int_equal(secretscan_stream_flush(st), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(secretscan_stream_feed(st, AWS + 2, 4), 0);
	assert_int_equal(secretscan_stream_flush(st), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(secretscan_stream_feed(st, AWS + 6, strlen(AWS) - 6), 0);
	assert_int_equal(secretscan_stream_feed(st, "\n", 1), 0);
	assert_int_equal(secretscan_stream_held(st), 0);
	assert_int_equal(s.findings, 1);
	assert_memory_equal(s.p, "AK[masked:aws-access-key-id:", 28);
	secretscan_stream_free(st);
	free(s.p);
}

/* A private key is swallowed while it comes, not collected. */
static void
test_block_is_not_held(void **state)
{
	struct sink s;
	struct secretscan_stream *st;
	size_t shown;

	sink_init(&s);
	st = secretscan_stream_new(*state, NULL, on_out, on_finding, &s);
	assert_non_null(st);
	assert_int_equal(secretscan_stream_feed(st, PEM "\n" LINE, sizeof(PEM "\n" LINE) - 1), 0);
	shown = s.n;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(secretscan_stream_feed(st, "\n" LINE, sizeof("\n" LINE) - 1), 0);
		assert_true(secretscan_stream_held(st) < 16);
	}
	assert_int_equal(s.n, shown);
	assert_int_equal(secretscan_stream_feed(st, "\n" PEM_END "\n", sizeof("\n" PEM_END "\n") - 1), 0);
	assert_int_equal(s.findings, 1);
	assert_int_equal(secretscan_stream_held(st), 0);
	secretscan_stream_free(st);
	free(s.p);
}

static int
refuse(const struct secretscan_finding *f, void *arg)
{
	(void)f;
	(void)arg;
	return 9;
}

static void
test_failure_is_final(void **state)
{
	struct sink s;
	struct secretscan_stream *st;

	sink_init(&s);
	st = secretscan_stream_new(*state, NULL, on_out, refuse, &s);
	assert_non_null(st);
	assert_int_equal(secretscan_stream_feed(st, TOKEN " after", sizeof(TOKEN " after") - 1), 9);
	assert_int_equal(s.n, 0);
	assert_int_equal(secretscan_stream_feed(st, "more", 4), 9);
	assert_int_equal(secretscan_stream_end(st), 9);
	assert_int_equal(s.n, 0);
	secretscan_stream_free(st);
	free(s.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_split_matters),
		cmocka_unit_test(test_second_begins_before_its_anchor),
		cmocka_unit_test(test_samples_in_pieces),
		cmocka_unit_test(test_large_stream),
		cmocka_unit_test(test_noise_hides_nothing),
		cmocka_unit_test(test_base64_hides_nothing),
		cmocka_unit_test(test_base64_flows),
		cmocka_unit_test(test_nothing_is_held_without_reason),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_block_is_not_held),
		cmocka_unit_test(test_failure_is_final),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
