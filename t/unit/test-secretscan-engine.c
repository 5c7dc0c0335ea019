/* SPDX-License-Identifier: Apache-2.0 */
/* What makes the scanner fast must not change what it finds: each short cut beside the long way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "secretscan/builtin-pack.h"
#include "secretscan/limits.h"
#include "secretscan/marks.h"
#include "secretscan/nouns.h"
#include "secretscan/pattern.h"
#include "secretscan/prefilter.h"
#include "secretscan/rule.h"
#include "secretscan/rulefile.h"
#include "secretscan/rulepack.h"
#include "secretscan/secretscan.h"
#include "secretscan/sieve.h"
#include "secretscan/tokens.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX	300

/* The same numbers in every run. */
static unsigned
next_number(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static void
make_text(uint8_t *p, size_t n, unsigned *seed)
{
	static const char some[] = "abcdefABCZ019_+/=.~-azAZ";

	for (size_t i = 0; i < n; i++)
		p[i] = next_number(seed) % 24 == 0 ? (uint8_t)next_number(seed) :
		    (uint8_t)some[next_number(seed) % (sizeof(some) - 1)];
}

struct runs {
	size_t	v[TEXT_MAX][2];
	size_t	n;
};

static void
on_run(size_t start, size_t end, void *arg)
{
	struct runs *r = arg;

	assert_true(r->n < COUNT(r->v));
	r->v[r->n][0] = start;
	r->v[r->n++][1] = end;
}

static void
test_tokens(void **state)
{
	uint8_t text[TEXT_MAX];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = next_number(&seed) % TEXT_MAX, k = 0, end;
		struct runs r = { .n = 0 };

		make_text(text, n, &seed);
		tokens_each(text, n, on_run, &r);
		for (size_t at = 0; at < n; at = end + 1) {
			for (end = at; end < n && byteset_has(&tokens_set, text[end]); end++)
				;
			if (end == at || (end - at < SS_TOKEN_MIN && at > 0 && end < n))
				continue;
			assert_true(k < r.n);
			assert_int_equal(r.v[k][0], at);
			assert_int_equal(r.v[k++][1], end);
		}
		assert_int_equal(k, r.n);
	}
}

static void
test_token_bytes(void **state)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/=.~-";

	(void)state;
	for (int c = 0; c < 256; c++)
		assert_int_equal(byteset_has(&tokens_set, (uint8_t)c), c != 0 && strchr(all, c) != NULL);
}

static const struct {
	const struct marks_class	*class;
	const char			*bytes;
} classes[] = {
#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"
	{ &marks_token, LOWER UPPER DIGITS "_+/=.~-" },
	{ &marks_digit64, LOWER UPPER DIGITS "+/-_" },
	{ &marks_first64, UPPER "abcdef" },
	{ &marks_digit16, DIGITS "abcdefABCDEF" },
	{ &marks_separator, "/+-_" },
	{ &marks_line_feed, "\n" },
};

static void
test_classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(classes); i++) {
		for (int c = 0; c < 256; c++)
			assert_int_equal(marks_has(classes[i].class, (uint8_t)c), c != 0 && strchr(classes[i].bytes, c) != NULL);
	}
}

/* Any number of classes, in each way that this processor has. */
static void
test_marks(void **state)
{
	enum { CHUNKS = 5, STRIDE = 7 };
	uint8_t text[CHUNKS * MARKS_CHUNK + 1];
	uint64_t rows[MARKS_CLASSES * STRIDE];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		const struct marks_class *chosen[MARKS_CLASSES];
		size_t nclasses = 1 + next_number(&seed) % MARKS_CLASSES, n = next_number(&seed) % (CHUNKS + 1);
		const uint8_t *p = text + round % 2;

		make_text(text, sizeof(text), &seed);
		for (size_t c = 0; c < nclasses; c++)
			chosen[c] = classes[next_number(&seed) % COUNT(classes)].class;
		for (enum marks_way way = MARKS_PLAIN; way <= marks_best(); way++) {
			memset(rows, 0x5a, sizeof(rows));
			marks_fill_by(way, chosen, nclasses, p, n, rows, STRIDE);
			for (size_t c = 0; c < nclasses; c++) {
				for (size_t at = 0; at < n * MARKS_CHUNK; at++)
					assert_int_equal(rows[c * STRIDE + at / MARKS_CHUNK] >> at % MARKS_CHUNK & 1,
					    marks_has(chosen[c], p[at]));
				assert_int_equal(rows[c * STRIDE + n], 0x5a5a5a5a5a5a5a5a);
			}
		}
	}
}

static void
test_find(void **state)
{
	uint8_t text[TEXT_MAX];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const struct marks_class *class = classes[next_number(&seed) % COUNT(classes)].class;
		size_t n = next_number(&seed) % TEXT_MAX, from = next_number(&seed) % (n + 1), at = 0;
		bool in = next_number(&seed) % 2 == 0;

		/* What is looked for comes late. */
		make_text(text, n, &seed);
		for (size_t i = 0; i < from; i++) {
			while (marks_has(class, text[i]) == in)
				text[i] = (uint8_t)next_number(&seed);
		}
		while (at < n && marks_has(class, text[at]) != in)
			at++;
		assert_int_equal(marks_find(class, in, text, n), at);
	}
}

/* So many bytes from `at` on, each so many places further, are of the class; behind the end there are blanks. */
static bool
all_of(const struct marks_class *c, const uint8_t *p, size_t n, size_t at, size_t count, size_t step)
{
	for (size_t i = 0; i < count; i++) {
		if (at + i * step >= n || !marks_has(c, p[at + i * step]))
			return false;
	}
	return true;
}

static bool
is_before(const struct marks_class *c, const uint8_t *p, size_t at)
{
	return at > 0 && marks_has(c, p[at - 1]);
}

/* What sieve.h says of a place, word by word. */
static unsigned
kinds_at(const uint8_t *p, size_t n, size_t at)
{
	bool run = all_of(&marks_digit64, p, n, at, 16, 1), start = !is_before(&marks_digit64, p, at);
	unsigned kinds = 0, firsts = 0;

	if (run && (start || is_before(&marks_separator, p, at)) && all_of(&marks_first64, p, n, at, 4, 4))
		kinds |= SIEVE_BASE64;
	if (all_of(&marks_digit16, p, n, at, 16, 1) && !is_before(&marks_digit16, p, at))
		kinds |= SIEVE_HEX;
	if (p[at] == '\n' && is_before(&marks_digit64, p, at) && all_of(&marks_digit64, p, n, at + 1, 1, 1))
		kinds |= SIEVE_JOINT;
	if (at % MARKS_CHUNK == 0 && all_of(&marks_digit64, p, n, at, MARKS_CHUNK, 1)) {
		for (size_t i = 0; i < MARKS_CHUNK; i++)
			firsts += marks_has(&marks_first64, p[at + i]);
		kinds |= firsts > 0 ? SIEVE_LONG : 0;
	}
	return kinds;
}

static void
test_sieve(void **state)
{
	enum { MOST = 2 * SIEVE_BLOCK + 100, KINDS = SIEVE_BASE64 | SIEVE_HEX | SIEVE_JOINT | SIEVE_LONG };
	static const char *const alphabets[] = { "aB3_\n", "0123abCDef/ ", "abcdefghijklmnopqrstuvwxyzABCDE-+\n" };
	uint8_t text[MOST], got[MOST];
	unsigned seed = 1, seen = 0;

	(void)state;
	for (int round = 0; round < 600; round++) {
		const char *some = alphabets[round % COUNT(alphabets)];
		size_t n = 1 + next_number(&seed) % MOST;
		struct sieve s;

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)(next_number(&seed) % 64 == 0 ? ' ' : some[next_number(&seed) % strlen(some)]);
		assert_int_equal(sieve_init(&s, text, n), 0);
		memset(got, 0, sizeof(got));
		for (size_t i = 0; i < s.nplaces; i++)
			got[s.places[i].at] |= (uint8_t)(s.places[i].kinds & KINDS);
		for (size_t at = 0; at < n; at++) {
			assert_int_equal(got[at], kinds_at(text, n, at));
			seen |= got[at];
		}
		sieve_release(&s);
	}
	assert_int_equal(seen, KINDS);
}

static void
test_nouns(void **state)
{
	static const char *const nouns[] = {
		"key", "token", "secret", "auth", "pass", "pwd", "cred", "api", "bearer", "pat", "sid", "access", "client",
	};
	uint8_t text[SS_CONTEXT];

	(void)state;
	for (size_t w = 0; w < COUNT(nouns); w++) {
		size_t len = strlen(nouns[w]);

		for (size_t n = 0; n <= sizeof(text); n++) {
			for (size_t at = 0; at < n; at++) {
				memset(text, '.', sizeof(text));
				memcpy(text + at, nouns[w], len < sizeof(text) - at ? len : sizeof(text) - at);
				text[at] = (uint8_t)(at % 2 == 0 ? text[at] - 32 : text[at]);
				assert_int_equal(nouns_within(text, n), at + len <= n);
			}
		}
	}
	assert_false(nouns_within((const uint8_t *)"kez tokem secre aut pas pw cre ap beare pa si acces", 51));
}

static void
test_pattern_bytes(void **state)
{
	static const struct {
		const char	*pattern;
		const char	*bytes;		/* NULL: every byte */
		bool		 caseless;
	} rows[] = {
		{ "[a-c]{32}", "abc", false },
		{ "[a-c]{3,4}-[0-2_]+", "abc-012_", false },
		{ "(?=[A-C]{0,13}[0-1])(?:pk|sk)_\\d?", "ABC0123456789pks_", false },
		{ "ab", "abAB", true },
		{ "[]a-]", "]a-", false },
		{ "\\.\\-\\$", ".-$", false },
		{ "x\\b", "x", false },
		{ "[^a]", NULL, false },
		{ "a.c", NULL, false },
		{ "\\x41", NULL, false },
		{ "[[:alpha:]]", NULL, false },
		{ "[a\\Wb]", NULL, false },
		{ "(?i)a", NULL, false },
		{ "(*ANY)a", NULL, false },
		{ "a{b", NULL, false },
		{ "[ab", NULL, false },
		{ "a\\", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct byteset set;

		pattern_bytes(rows[i].pattern, rows[i].caseless, &set);
		for (int c = 0; c < 256; c++)
			assert_int_equal(byteset_has(&set, (uint8_t)c),
			    rows[i].bytes == NULL || (c != 0 && strchr(rows[i].bytes, c) != NULL));
	}
}

static void
test_pack_again(void **state)
{
	struct rulepack_extra extra = { 0 };
	struct rules rules = { 0 };
	const uint8_t *pack;
	uint8_t *again;
	size_t n, again_n;

	(void)state;
	pack = builtin_pack(&n);
	assert_int_equal(rulepack_read(pack, n, &rules, &extra), 0);
	assert_true(rules.n > 90);
	assert_int_equal(rulepack_write(&rules, &extra, &again, &again_n), 0);
	assert_int_equal(again_n, n);
	assert_memory_equal(again, pack, n);
	free(again);
	rules_release(&rules);
}

/* Whatever a pack holds, reading it ends with an answer. */
static void
test_bad_pack(void **state)
{
	struct rulepack_extra extra;
	const uint8_t *pack;
	unsigned seed = 7;
	uint8_t *copy;
	size_t n;

	(void)state;
	pack = builtin_pack(&n);
	assert_non_null(copy = malloc(n));
	for (int round = 0; round < 300; round++) {
		size_t len = round % 2 == 0 ? n : next_number(&seed) * 32768UL % n + next_number(&seed) % 64;
		struct rules rules = { 0 };
		int e;

		len = len < n ? len : n;
		memcpy(copy, pack, n);
		for (int k = 0; k < 3 && round % 2 == 0; k++)
			copy[(next_number(&seed) << 15 | next_number(&seed)) % n] = (uint8_t)next_number(&seed);
		if (round % 8 == 0)
			copy[16 + 32 + next_number(&seed) % 64] = (uint8_t)next_number(&seed);
		e = rulepack_read(copy, len, &rules, &extra);
		assert_true(e == 0 || e == SECRETSCAN_RULES || e == SECRETSCAN_NOMEM);
		assert_true(len == n || e != 0);
		rules_release(&rules);
	}
	free(copy);
}

/* A database of another processor cannot be read, and nobody notices. */
static void
test_foreign_database(void **state)
{
	struct prefilter_saved foreign = { 0 }, again;
	struct rulepack_extra extra = { 0 };
	struct rules rules = { 0 };
	struct prefilter *pf = NULL;
	const uint8_t *pack;
	size_t n;

	(void)state;
	pack = builtin_pack(&n);
	assert_int_equal(rulepack_read(pack, n, &rules, &extra), 0);
	for (int i = 0; i < PREFILTER_TABLES; i++) {
		uint8_t *copy = malloc(extra.prefilter.len[i]);

		assert_non_null(copy);
		memcpy(copy, extra.prefilter.db[i], extra.prefilter.len[i]);
		/* After magic, version and length: the platform. */
		memset(copy + 12, 0xff, 8);
		foreign.db[i] = copy;
		foreign.len[i] = extra.prefilter.len[i];
	}
	assert_int_equal(prefilter_new(&rules, &foreign, &pf), 0);
	assert_int_equal(prefilter_save(pf, &again), 0);
	for (int i = 0; i < PREFILTER_TABLES; i++) {
		assert_int_equal(again.len[i], extra.prefilter.len[i]);
		assert_memory_equal(again.db[i], extra.prefilter.db[i], again.len[i]);
	}
	prefilter_saved_release(&again);
	prefilter_saved_release(&foreign);
	prefilter_free(pf);
	rules_release(&rules);
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	if (strcmp(f->rule, "besttime-key") == 0)
		(*(int *)arg)++;
	return 0;
}

/* A keyword of the table that is asked around tokens only, at every place where two pieces meet. */
static void
test_keyword_across_pieces(void **state)
{
	static const char line[] = "\nbesttime_key = \"p9k3x7q2m5w8d4f6h1j0r9t3v7b2n5c8\"\n";
	static const uint8_t key[32];
	size_t n = 2 * SS_PIECE;
	struct secretscan *ss;
	char *error, *text;

	(void)state;
	assert_non_null(ss = secretscan_new(NULL, key, &error));
	assert_non_null(text = malloc(n));
	for (size_t at = SS_PIECE - 250; at < SS_PIECE + 150; at++) {
		int found = 0;

		for (size_t i = 0; i < n; i++)
			text[i] = "a few words \n"[i % 13];
		memcpy(text + at, line, sizeof(line) - 1);
		assert_int_equal(secretscan_scan(ss, text, n, on_finding, &found), 0);
		assert_int_equal(found, 1);
	}
	free(text);
	secretscan_free(ss);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_token_bytes),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_sieve),
		cmocka_unit_test(test_nouns),
		cmocka_unit_test(test_pattern_bytes),
		cmocka_unit_test(test_pack_again),
		cmocka_unit_test(test_bad_pack),
		cmocka_unit_test(test_foreign_database),
		cmocka_unit_test(test_keyword_across_pieces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
