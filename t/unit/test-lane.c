/* SPDX-License-Identifier: Apache-2.0 */
/* Where noise and base64 begin is found many bytes at a time: it is what looking at one byte after the other finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "secretscan/decode.h"
#include "secretscan/lane.h"

#define LONGEST	420
#define ROUNDS	40000

/* As base64_find says it: a run of 16 digits or more, or of 3 at the end, of which the first 16 say text. */
static size_t
slow_base64(const uint8_t *p, size_t n, size_t at, size_t *endp)
{
	for (size_t end; at < n; at = end + 1) {
		uint32_t bits = 0;
		bool text = true;

		for (end = at; end < n && base64_is_digit(p[end]); end++)
			;
		for (size_t i = 0; i < end - at && i < 16; i++) {
			bits = bits << 6 | (uint32_t)(decode_base64_values[p[at + i]] - 1);
			text = text && (i % 4 == 0 || decode_is_text((uint8_t)(bits >> (6 - 2 * (i % 4)))));
		}
		if (text && (end - at >= 16 || (end == n && end - at >= 3))) {
			*endp = end;
			return at;
		}
	}
	*endp = n;
	return n;
}

/* Words of text in base64 between other words, so that runs of all lengths stand at all places. */
static size_t
fill(uint8_t *p, size_t n)
{
	static const char *const words[] = { "aGVsbG8gd29ybGQg", "c29tZSB0ZXh0IHRo", "YXQg", "identifier_of_theirs", ", ", ".", " ", "\n",
	    "x-y/z+0", "4f2e9c", "\"", "YT8_Yj8/YT8-YT8+" };
	size_t len = 0;

	while (len < n) {
		const char *w = words[(size_t)random() % (sizeof(words) / sizeof(words[0]))];
		size_t k = strlen(w) < n - len ? strlen(w) : n - len;

		memcpy(p + len, w, k);
		len += k;
	}
	return n;
}

static void
base64_is_found_wherever_it_begins(void **state)
{
	uint8_t p[LONGEST];
	size_t found = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = fill(p, (size_t)random() % LONGEST + 1), at = (size_t)random() % n, end, want_end;
		size_t want = slow_base64(p, n, at, &want_end);

		assert_int_equal(base64_find(p, n, at, &end), want);
		assert_int_equal(end, want_end);
		found += want < n && want > at + 128;
	}
	assert_true(found > ROUNDS / 50);
}

static void
noise_is_found_wherever_it_begins(void **state)
{
	static const char *const signs[] = { "\x1b", "\b", "\a", "\xc2\xad", "\xe2\x80\x8b", "\xef\xbb\xbf" };
	uint8_t p[LONGEST];

	(void)state;
	for (size_t s = 0; s < sizeof(signs) / sizeof(signs[0]); s++)
		for (size_t at = 0; at + 3 < LONGEST; at++) {
			size_t n = strlen(signs[s]);

			memset(p, 'x', sizeof(p));
			memcpy(p + at, signs[s], n);
			assert_int_equal(noise_find(p, sizeof(p), 0), at);
			assert_int_equal(noise_find(p, sizeof(p), at), at);
			assert_int_equal(noise_find(p, sizeof(p), at + n), sizeof(p));
			assert_int_equal(noise_find(p, at + 1, 0), at);
			if (at > 0)
				p[at - 1] = '_';
			assert_int_equal(noise_find(p, sizeof(p), 0), at > 0 && *signs[s] == '\b' ? at - 1 : at);
		}
	memset(p, 'x', sizeof(p));
	memcpy(p + 100, "\xc3\xa9 \xe2\x82\xac \xef\xbf\xbd", 10);	/* these have a width */
	assert_int_equal(noise_find(p, sizeof(p), 0), sizeof(p));
	p[sizeof(p) - 1] = '_';
	assert_int_equal(noise_find(p, sizeof(p), 0), sizeof(p) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_found_wherever_it_begins),
		cmocka_unit_test(noise_is_found_wherever_it_begins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
