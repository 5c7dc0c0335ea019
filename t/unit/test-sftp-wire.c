/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP packets: byte for byte as the draft and OpenSSH have them, and what must not be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/ssh/sftp-wire.h"

#define BYTES(s)	(s), sizeof(s) - 1

/* Packets as they are on the wire, without the length: each reads, and writes the same again. */
static void
test_both_ways(void **state)
{
	static const struct { const char *p; size_t n; const char *word; } rows[] = {
		{ BYTES("\1\0\0\0\3"), "init" },
		{ BYTES("\2\0\0\0\3\0\0\0\1x\0\0\0\1y"), "version" },
		{ BYTES("\3\0\0\0\7\0\0\0\4/a/b\0\0\0\32\0\0\0\4\0\0\1\244"), "open" },
		{ BYTES("\4\0\0\0\7\0\0\0\2hh"), "close" },
		{ BYTES("\5\0\0\0\7\0\0\0\1h\0\0\0\1\0\0\0\0\0\0\200\0"), "read" },
		{ BYTES("\6\0\0\0\7\0\0\0\1h\0\0\0\0\0\0\0\0\0\0\0\3abc"), "write" },
		{ BYTES("\11\0\0\0\7\0\0\0\1a\0\0\0\17\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\1\355\0\0\0\4\0\0\0\5"), "setstat" },
		{ BYTES("\14\0\0\0\7\0\0\0\1h"), "readdir" },
		{ BYTES("\22\0\0\0\7\0\0\0\1a\0\0\0\1b"), "rename" },
		{ BYTES("\24\0\0\0\7\0\0\0\1a\0\0\0\1b"), "symlink" },
		{ BYTES("\145\0\0\0\7\0\0\0\3\0\0\0\2no\0\0\0\0"), "status" },
		{ BYTES("\146\0\0\0\7\0\0\0\1h"), "handle" },
		{ BYTES("\147\0\0\0\7\0\0\0\2\0\1"), "data" },
		{ BYTES("\150\0\0\0\7\0\0\0\1\0\0\0\1a\0\0\0\1l\0\0\0\0"), "name" },
		{ BYTES("\151\0\0\0\7\0\0\0\1\0\0\0\0\0\0\1\0"), "attrs" },
		{ BYTES("\310\0\0\0\7\0\0\0\30posix-rename@openssh.com\0\0\0\1a\0\0\0\1b"), "posix-rename@openssh.com" },
		{ BYTES("\310\0\0\0\7\0\0\0\22limits@openssh.com"), "limits@openssh.com" },
		{ BYTES("\311\0\0\0\7xyz"), "extended-reply" },
	};
	struct buf *b = buf_new(SFTP_PACKET_MAX);
	struct sftp_packet k;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (sftp_parse(rows[i].p, rows[i].n, &k) != 0 || strcmp(sftp_type_word(&k), rows[i].word) != 0)
			fail_msg("%s does not read", rows[i].word);
		if (k.type != SFTP_INIT && k.type != SFTP_HELLO)
			assert_int_equal(k.id, 7);
		assert_int_equal(sftp_put(b, &k), 0);
		assert_int_equal(sftp_frame(buf_ptr(b), buf_len(b), &len), 0);
		assert_int_equal(len, rows[i].n + 4);
		assert_memory_equal(buf_ptr(b) + 4, rows[i].p, rows[i].n);
		buf_clear(b);
	}
	buf_free(b);
}

static void
test_fields(void **state)
{
	struct sftp_packet k;
	struct sftp_name n;

	(void)state;
	assert_int_equal(sftp_parse(BYTES("\3\0\0\0\1\0\0\0\2/a\0\0\0\32\0\0\0\4\0\0\1\244"), &k), 0);
	assert_true(sftp_bytes_are(k.path, "/a"));
	assert_int_equal(k.flags, SFTP_FOR_WRITE | SFTP_CREATE | SFTP_TRUNCATE);
	assert_int_equal(k.attrs.mode, 0644);
	assert_int_equal(sftp_parse(BYTES("\5\0\0\0\1\0\0\0\1h\0\0\0\1\0\0\0\2\0\0\0\3"), &k), 0);
	assert_int_equal(k.offset, UINT64_C(0x100000002));
	assert_int_equal(k.len, 3);
	/* Servers of old leave a status without words. */
	assert_int_equal(sftp_parse(BYTES("\145\0\0\0\1\0\0\0\2"), &k), 0);
	assert_int_equal(k.status, SFTP_NO_SUCH_FILE);
	/* Extended attributes are read over, and not passed on. */
	assert_int_equal(sftp_parse(BYTES("\150\0\0\0\1\0\0\0\1\0\0\0\1a\0\0\0\1l\200\0\0\0\0\0\0\1\0\0\0\1x\0\0\0\1y"), &k), 0);
	assert_int_equal(sftp_name_next(&k.rest, &n), 0);
	assert_int_equal(n.attrs.flags, 0);
	assert_int_equal(k.rest.n, 0);
	assert_int_equal(sftp_name_next(&k.rest, &n), ERR_FORMAT);
	assert_int_equal(sftp_parse(BYTES("\310\0\0\0\1\0\0\0\11copy-data\0\0\0\1h"), &k), 0);
	assert_int_equal(k.ext, SFTP_EXT_UNKNOWN);
}

static void
test_bad(void **state)
{
	static const struct { const char *what, *p; size_t n; int want; } rows[] = {
		{ "nothing", BYTES(""), ERR_FORMAT }, { "no id", BYTES("\3\0\0"), ERR_FORMAT },
		{ "a type of version 6", BYTES("\26\0\0\0\1"), ERR_NOTFOUND }, { "type 0", BYTES("\0\0\0\0\1"), ERR_NOTFOUND },
		{ "a path that is not there", BYTES("\15\0\0\0\1"), ERR_FORMAT },
		{ "a path longer than the packet", BYTES("\15\0\0\0\1\0\0\0\5abc"), ERR_FORMAT },
		{ "a path of 4 GiB", BYTES("\15\0\0\0\1\377\377\377\377abc"), ERR_FORMAT },
		{ "bytes behind the end", BYTES("\15\0\0\0\1\0\0\0\1ab"), ERR_FORMAT },
		{ "half an offset", BYTES("\5\0\0\0\1\0\0\0\1h\0\0\0\1"), ERR_FORMAT },
		{ "attributes of version 4", BYTES("\11\0\0\0\1\0\0\0\1a\0\0\0\100"), ERR_FORMAT },
		{ "a size that is cut", BYTES("\11\0\0\0\1\0\0\0\1a\0\0\0\1\0\0"), ERR_FORMAT },
		{ "a million extended attributes", BYTES("\11\0\0\0\1\0\0\0\1a\200\0\0\0\0\17\102\100"), ERR_FORMAT },
		{ "an extension without its handle", BYTES("\310\0\0\0\1\0\0\0\21fsync@openssh.com"), ERR_FORMAT },
	};
	static char handle[5 + 4 + SFTP_HANDLE_MAX + 1] = "\4\0\0\0\1\0\0\1\1";
	struct sftp_packet k;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sftp_parse(rows[i].p, rows[i].n, &k) != rows[i].want)
			fail_msg("%s", rows[i].what);
	assert_int_equal(sftp_parse(handle, sizeof(handle), &k), ERR_FORMAT);
	handle[8] = 0;
	assert_int_equal(sftp_parse(handle, sizeof(handle) - 1, &k), 0);
}

static void
test_frames(void **state)
{
	size_t len = 0;

	(void)state;
	assert_int_equal(sftp_frame(BYTES("\0\0\0"), &len), ERR_SHORT);
	assert_int_equal(sftp_frame(BYTES("\0\0\0\0"), &len), ERR_FORMAT);
	assert_int_equal(sftp_frame(BYTES("\0\0\0\4abcd"), &len), ERR_FORMAT);
	assert_int_equal(sftp_frame(BYTES("\0\4\0\1"), &len), ERR_TOOBIG);
	assert_int_equal(sftp_frame(BYTES("SSH-2.0-x"), &len), ERR_TOOBIG);
	assert_int_equal(sftp_frame(BYTES("\0\0\0\5abcd"), &len), ERR_SHORT);
	assert_int_equal(sftp_frame(BYTES("\0\0\0\5abcdef"), &len), 0);
	assert_int_equal(len, 9);
}

/* Nothing is written by halves, and nothing that nobody could read. */
static void
test_full(void **state)
{
	struct buf *b = buf_new(20);
	struct sftp_packet k = { .type = SFTP_HANDLE, .id = 1, .handle = { (const uint8_t *)"0123456789", 10 } };

	(void)state;
	assert_int_equal(sftp_put(b, &k), ERR_TOOBIG);
	assert_int_equal(buf_len(b), 0);
	k.handle.n = 7;
	assert_int_equal(sftp_put(b, &k), 0);
	k.type = (enum sftp_type)99;
	assert_int_equal(sftp_put(b, &k), ERR_FORMAT);
	k = (struct sftp_packet){ .type = SFTP_EXTENDED, .ext = SFTP_EXT_UNKNOWN };
	assert_int_equal(sftp_put(b, &k), ERR_FORMAT);
	buf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_full),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
