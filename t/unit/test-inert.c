/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/record/inert.h"

/* What passes to a terminal, and what is left in a file. */
static const struct {
	const char	*in, *terminal, *plain;
} cases[] = {
	{ "plain\r\n", "plain\r\n", "plain\n" },
	{ "\033[1;31mred\033[0m", "\033[1;31mred\033[0m", "red" },
	{ "\033[2J\033[H\033[?25l\033[?1049hx", "\033[2J\033[H\033[?25l\033[?1049hx", "x" },
	{ "\033(Bx\0337\0338", "\033(Bx\0337\0338", "x" },
	{ "a\033]52;c;aGFja2Vk\007b", "ab", "ab" },		/* clipboard */
	{ "a\033]0;title\033\\b", "ab", "ab" },			/* title */
	{ "a\033]8;;http://x\033\\link\033]8;;\033\\b", "alinkb", "alinkb" },
	{ "a\033P+q544e\033\\b", "ab", "ab" },			/* DCS */
	{ "a\033_Gi=1\033\\b\033^x\033\\c\033Xy\033\\d", "abcd", "abcd" },
	{ "a\033[21tb\033[6nc\033[cd\033[>0qe", "abcde", "abcde" },	/* reports */
	{ "a\033[?1000hb\033[5ic\033Zd", "abcd", "abcd" },		/* mouse, print, identify */
	{ "a\302\2330;31mb", "ab", "ab" },			/* C1 CSI in UTF-8 */
	{ "a\302\23552;c;x\302\234b", "ab", "ab" },		/* C1 OSC and ST */
	{ "caf\303\251 \302\251", "caf\303\251 \302\251", "caf\303\251 \302\251" },
	{ "a\342\200\256b\342\201\246c", "abc", "abc" },		/* text turned around */
	{ "\342\200\224 \342\202\254 \342\201\244", "\342\200\224 \342\202\254 \342\201\244", "\342\200\224 \342\202\254 \342\201\244" },
	{ "a\033[1\033[31mb", "a\033[31mb", "ab" },
	{ "a\033]0;x\033[31mb", "a\033[31mb", "ab" },		/* ESC ends a string */
	{ "a\033[38:2::1:2:3mb", "a\033[38:2::1:2:3mb", "ab" },
	{ "a\033[ qb\033[!pc\033[$pd", "a\033[ qbcd", "abcd" },
};

static void
assert_filtered(enum inert_mode mode, const char *in, size_t piece, const char *want)
{
	struct inert *i = inert_new(mode);
	struct buf *out = buf_new(4096);
	size_t n = strlen(in);

	for (size_t at = 0; at < n; at += piece)
		assert_int_equal(inert_filter(i, in + at, n - at < piece ? n - at : piece, out), 0);
	assert_int_equal(buf_put_u8(out, '\0'), 0);
	assert_string_equal((const char *)buf_ptr(out), want);
	buf_free(out);
	inert_free(i);
}

static void
only_what_is_shown_passes(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (size_t piece = 1; piece < 40; piece++) {
			assert_filtered(INERT_TERMINAL, cases[c].in, piece, cases[c].terminal);
			assert_filtered(INERT_PLAIN, cases[c].in, piece, cases[c].plain);
		}
}

static void
an_endless_sequence_does_not_pass(void **state)
{
	struct inert *i = inert_new(INERT_TERMINAL);
	struct buf *out = buf_new(4096);
	char in[1024] = "\033[";

	(void)state;
	memset(in + 2, '1', 500);
	memcpy(in + 502, "mok", 4);
	assert_int_equal(inert_filter(i, in, strlen(in), out), 0);
	assert_null(memchr(buf_ptr(out), 033, buf_len(out)));
	buf_free(out);
	inert_free(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_shown_passes),
		cmocka_unit_test(an_endless_sequence_does_not_pass),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
