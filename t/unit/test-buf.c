/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"

static void
integers_are_big_endian(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct buf *b = buf_new(64);
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	assert_int_equal(buf_put_u8(b, 1), 0);
	assert_int_equal(buf_put_u16(b, 0x0203), 0);
	assert_int_equal(buf_put_u32(b, 0x04050607), 0);
	assert_int_equal(buf_put_u64(b, 0x08090a0b0c0d0e0f), 0);
	assert_int_equal(buf_len(b), sizeof(want));
	assert_memory_equal(buf_ptr(b), want, sizeof(want));
	assert_int_equal(buf_get_u8(b, &u8), 0);
	assert_int_equal(buf_get_u16(b, &u16), 0);
	assert_int_equal(buf_get_u32(b, &u32), 0);
	assert_int_equal(buf_get_u64(b, &u64), 0);
	assert_int_equal(u8, 1);
	assert_int_equal(u16, 0x0203);
	assert_int_equal(u32, 0x04050607);
	assert_true(u64 == 0x08090a0b0c0d0e0f);
	assert_int_equal(buf_end(b), 0);
	buf_free(b);
}

static void
short_gets_consume_nothing(void **state)
{
	struct buf *b = buf_new(16);
	uint64_t u64;
	uint32_t u32;
	uint8_t *p;
	size_t n;

	(void)state;
	assert_int_equal(buf_put_u16(b, 7), 0);
	assert_int_equal(buf_get_u32(b, &u32), ERR_SHORT);
	assert_int_equal(buf_get_u64(b, &u64), ERR_SHORT);
	assert_int_equal(buf_get_string(b, &p, &n), ERR_SHORT);
	assert_int_equal(buf_consume(b, 3), ERR_SHORT);
	assert_int_equal(buf_len(b), 2);
	assert_int_equal(buf_end(b), ERR_FORMAT);
	buf_free(b);
}

static void
the_ceiling_holds(void **state)
{
	struct buf *b = buf_new(10);
	uint8_t *p;

	(void)state;
	assert_int_equal(buf_put(b, "0123456789", 10), 0);
	assert_int_equal(buf_room(b), 0);
	assert_int_equal(buf_put_u8(b, 1), ERR_TOOBIG);
	assert_int_equal(buf_reserve(b, SIZE_MAX, &p), ERR_TOOBIG);
	assert_int_equal(buf_len(b), 10);
	/* What has been read makes room again, however often. */
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buf_consume(b, 3), 0);
		assert_int_equal(buf_put(b, "abc", 3), 0);
	}
	assert_memory_equal(buf_ptr(b), "cabcabcabc", 10);
	buf_trim(b, 4);
	assert_int_equal(buf_len(b), 6);
	buf_trim(b, 400);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

static void
a_failed_put_adds_nothing(void **state)
{
	struct buf *b = buf_new(6);

	(void)state;
	assert_int_equal(buf_put_string(b, "abc", 3), ERR_TOOBIG);
	assert_int_equal(buf_putf(b, "%s", "1234567"), ERR_TOOBIG);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(buf_put_string(b, "ab", 2), 0);
	buf_free(b);
}

static void
strings_that_lie_about_their_length(void **state)
{
	static const uint8_t lies[][8] = {
		{ 0, 0, 0, 5, 'a', 'b', 'c', 'd' },
		{ 0xff, 0xff, 0xff, 0xff, 'a', 'b', 'c', 'd' },
		{ 0x80, 0, 0, 0, 'a', 'b', 'c', 'd' },
	};
	const uint8_t *q;
	uint8_t *p;
	char *s;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct buf *b = buf_view(lies[i], sizeof(lies[i]));

		assert_int_equal(buf_get_string(b, &p, &n), ERR_SHORT);
		assert_int_equal(buf_get_cstring(b, &s), ERR_SHORT);
		assert_int_equal(buf_peek_string(b, &q, &n), ERR_SHORT);
		assert_int_equal(buf_len(b), 8);
		buf_free(b);
	}
}

static void
a_c_string_holds_no_nul(void **state)
{
	struct buf *b = buf_new(64);
	uint8_t *p;
	char *s;
	size_t n;

	(void)state;
	assert_int_equal(buf_put_string(b, "a\0b", 3), 0);
	assert_int_equal(buf_get_cstring(b, &s), ERR_FORMAT);
	assert_int_equal(buf_get_string(b, &p, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(p[3], 0);
	free(p);
	assert_int_equal(buf_put_cstring(b, NULL), 0);
	assert_int_equal(buf_get_cstring(b, &s), 0);
	assert_string_equal(s, "");
	free(s);
	buf_free(b);
}

static void
a_view_cannot_be_written(void **state)
{
	struct buf *b = buf_view("abc", 3);

	(void)state;
	assert_int_equal(buf_room(b), 0);
	assert_int_equal(buf_put_u8(b, 1), ERR_TOOBIG);
	assert_memory_equal(buf_ptr(b), "abc", 3);
	buf_free(b);
}

static void
putf_of_any_length(void **state)
{
	struct buf *b = buf_new(4096);
	char big[1001];

	(void)state;
	memset(big, 'x', 1000);
	big[1000] = '\0';
	assert_int_equal(buf_putf(b, "%s-%d", big, 7), 0);
	assert_int_equal(buf_len(b), 1002);
	assert_memory_equal(buf_ptr(b) + 999, "x-7", 3);
	buf_clear(b);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

static void
reading_and_writing_a_pipe(void **state)
{
	struct buf *b = buf_new(8), *c = buf_new(8);
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(buf_put(b, "0123456", 7), 0);
	assert_int_equal(buf_write(b, p[1]), 0);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(buf_read(c, p[0], 5), 0);
	assert_int_equal(buf_len(c), 5);
	assert_int_equal(buf_read(c, p[0], 100), 0);
	assert_memory_equal(buf_ptr(c), "0123456", 7);
	close(p[1]);
	assert_int_equal(buf_read(c, p[0], 100), ERR_EOF);
	assert_int_equal(buf_put_u8(c, 0), 0);
	assert_int_equal(buf_read(c, p[0], 1), ERR_TOOBIG);
	close(p[0]);
	buf_free(b);
	buf_free(c);
	buf_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(short_gets_consume_nothing),
		cmocka_unit_test(the_ceiling_holds),
		cmocka_unit_test(a_failed_put_adds_nothing),
		cmocka_unit_test(strings_that_lie_about_their_length),
		cmocka_unit_test(a_c_string_holds_no_nul),
		cmocka_unit_test(a_view_cannot_be_written),
		cmocka_unit_test(putf_of_any_length),
		cmocka_unit_test(reading_and_writing_a_pipe),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
