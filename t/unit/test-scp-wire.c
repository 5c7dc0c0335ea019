/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of scp between two ends, of which either may be hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/err.h"
#include "bastion/ssh/scp-wire.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* One piece of the end whose turn it is; NULL text = any. */
static void
take(struct scp_wire *w, const char *bytes, size_t n, enum scp_kind kind, size_t used)
{
	struct scp_piece piece;
	int r = scp_next(w, bytes, n, &piece);

	if (r != 0)
		fail_msg("'%s': %d, %s", bytes, r, scp_why(w));
	assert_int_equal(piece.kind, kind);
	assert_int_equal(piece.n, used);
}

#define TAKE(w, s, kind)	take(w, s, sizeof(s) - 1, kind, sizeof(s) - 1)

static void
test_one_file(void **state)
{
	struct scp_wire *w = scp_wire_new(false);
	struct scp_piece piece;

	(void)state;
	assert_int_equal(scp_turn(w), SCP_SINK);
	TAKE(w, "\0", SCP_YES);
	assert_true(scp_is_at_rest(w));
	TAKE(w, "T1700000000 0 1700000001 0\n", SCP_TIMES);
	assert_int_equal(scp_turn(w), SCP_SINK);
	TAKE(w, "\0", SCP_YES);
	assert_int_equal(scp_next(w, "C0644 5 a b.txt\nhello", 21, &piece), 0);
	assert_int_equal(piece.kind, SCP_FILE);
	assert_int_equal(piece.n, 16);
	assert_int_equal(piece.size, 5);
	assert_int_equal(piece.mode, 0644);
	assert_string_equal(scp_name(w), "a b.txt");
	assert_string_equal(scp_folder(w), "");
	assert_false(scp_is_at_rest(w));
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "hel", SCP_DATA);
	assert_int_equal(scp_left(w), 2);
	take(w, "lo\0", 3, SCP_DATA, 2);
	TAKE(w, "\0", SCP_DATA_END);
	assert_int_equal(scp_turn(w), SCP_SINK);
	TAKE(w, "\0", SCP_YES);
	assert_true(scp_is_at_rest(w));
	scp_wire_free(w);
}

static void
test_folders(void **state)
{
	struct scp_wire *w = scp_wire_new(true);

	(void)state;
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "D0755 0 d\n", SCP_FOLDER);
	assert_string_equal(scp_folder(w), "");
	TAKE(w, "\0", SCP_YES);
	assert_string_equal(scp_folder(w), "d/");
	TAKE(w, "D0755 0 no\n", SCP_FOLDER);
	TAKE(w, "\001scp: no\n", SCP_NO);	/* the source passes over it, and sends no E */
	assert_string_equal(scp_folder(w), "d/");
	TAKE(w, "D0755 0 e\n", SCP_FOLDER);
	TAKE(w, "\0", SCP_YES);
	assert_string_equal(scp_folder(w), "d/e/");
	TAKE(w, "C0600 0 empty\n", SCP_FILE);
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "\0", SCP_DATA_END);
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "\001scp: x: Permission denied\n", SCP_NOTE);
	TAKE(w, "E\n", SCP_LEAVE);
	assert_string_equal(scp_folder(w), "d/e/");
	TAKE(w, "\0", SCP_YES);
	assert_string_equal(scp_folder(w), "d/");
	assert_false(scp_is_at_rest(w));
	TAKE(w, "E\n", SCP_LEAVE);
	TAKE(w, "\0", SCP_YES);
	assert_string_equal(scp_folder(w), "");
	assert_true(scp_is_at_rest(w));
	scp_wire_free(w);
}

static void
test_refusals(void **state)
{
	struct scp_wire *w = scp_wire_new(true);
	struct scp_piece piece;

	(void)state;
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "C0644 5 a\n", SCP_FILE);
	assert_int_equal(scp_next(w, "\001a: No space left\nmore", 22, &piece), 0);
	assert_int_equal(piece.kind, SCP_NO);
	assert_int_equal(piece.n, 18);
	assert_int_equal(piece.text_len, 16);
	assert_memory_equal(piece.text, "a: No space left", 16);
	assert_int_equal(scp_turn(w), SCP_SOURCE);
	TAKE(w, "C0644 5 b\n", SCP_FILE);	/* the next file, not the bytes of the refused one */
	scp_refuse(w);
	TAKE(w, "D0755 0 d\n", SCP_FOLDER);
	scp_refuse(w);
	assert_string_equal(scp_folder(w), "");
	TAKE(w, "C0644 1 c\n", SCP_FILE);
	TAKE(w, "\0", SCP_YES);
	scp_refuse(w);			/* too late to have any effect */
	TAKE(w, "x", SCP_DATA);
	TAKE(w, "\001c: file changed size\n", SCP_DATA_END);
	TAKE(w, "\002c: disk quota\n", SCP_STOP);
	assert_int_equal(scp_turn(w), SCP_NOBODY);
	assert_int_equal(scp_next(w, "E\n", 2, &piece), ERR_FORMAT);
	scp_wire_free(w);
}

/* The sink may be none at all, or not a folder: then nothing comes. */
static void
test_no_start(void **state)
{
	struct scp_wire *w = scp_wire_new(false);

	(void)state;
	TAKE(w, "\001scp: x: Not a directory\n", SCP_NO);
	assert_int_equal(scp_turn(w), SCP_NOBODY);
	assert_true(scp_is_at_rest(w));
	scp_wire_free(w);
	w = scp_wire_new(false);
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "\002scp: gone\n", SCP_NOTE);
	assert_int_equal(scp_turn(w), SCP_NOBODY);
	scp_wire_free(w);
}

static const char *const hostile[] = {
	"C0644 5 ../x\n", "C0644 5 /etc/passwd\n", "C0644 5 a/b\n", "C0644 5 ..\n", "C0644 5 .\n", "C0644 5 \n", "C0644 5\n",
	"C0644  5 x\n", "C0644 -5 x\n", "C-644 5 x\n", "C0944 5 x\n", "C00000644 5 x\n", "C0644 9999999999999999999 x\n",
	"C0644 5x x\n", "C 5 x\n", "C\n", "D0755 0 ..\n", "D0755 0 a/../b\n", "D0755 0 /\n", "D0755 x y\n", "E\n", "Ex\n",
	"T1 0 1\n", "T1 0 1 \n", "Tx 0 1 0\n", "T1 0 1 0x\n", "T1 0 1 12345678\n", "T-1 0 1 0\n", "X0644 5 x\n", "\003x\n", "hello\n",
	"c0644 5 x\n", "\n", " C0644 5 x\n",
};

static void
test_hostile_source(void **state)
{
	char line[2 * SCP_LINE_MAX];
	struct scp_piece piece;

	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct scp_wire *w = scp_wire_new(true);

		TAKE(w, "\0", SCP_YES);
		if (scp_next(w, hostile[i], strlen(hostile[i]), &piece) != ERR_FORMAT)
			fail_msg("'%s' passes", hostile[i]);
		assert_true(scp_why(w)[0] != '\0');
		assert_int_equal(scp_turn(w), SCP_NOBODY);
		assert_int_equal(scp_next(w, "E\n", 2, &piece), ERR_FORMAT);
		scp_wire_free(w);
	}
	/* A NUL as a message, a NUL in a name, a name that is too long, a line that never ends. */
	for (int i = 0; i < 4; i++) {
		static const char start[] = "C0644 5 ";
		struct scp_wire *w = scp_wire_new(false);
		size_t n = sizeof(line);

		TAKE(w, "\0", SCP_YES);
		memset(line, 'a', sizeof(line));
		memcpy(line, start, strlen(start));
		if (i == 0)
			memcpy(line, "\0", n = 1);
		else if (i == 1)
			memcpy(line, "C0644 5 a\0b\n", n = 12);
		else if (i == 2)
			line[strlen(start) + SCP_NAME_MAX + 1] = '\n';
		if (i == 3)
			assert_int_equal(scp_next(w, line, SCP_LINE_MAX - 1, &piece), ERR_SHORT);
		assert_int_equal(scp_next(w, line, n, &piece), ERR_FORMAT);
		scp_wire_free(w);
	}
}

static void
test_not_asked_for(void **state)
{
	struct scp_wire *w = scp_wire_new(false);
	struct scp_piece piece;

	(void)state;
	TAKE(w, "\0", SCP_YES);
	assert_int_equal(scp_next(w, "D0755 0 d\n", 10, &piece), ERR_FORMAT);
	scp_wire_free(w);
	w = scp_wire_new(true);
	TAKE(w, "\0", SCP_YES);
	for (int i = 0; i < SCP_DEPTH_MAX; i++) {
		TAKE(w, "D0755 0 d\n", SCP_FOLDER);
		TAKE(w, "\0", SCP_YES);
	}
	assert_int_equal(scp_next(w, "D0755 0 d\n", 10, &piece), ERR_FORMAT);
	scp_wire_free(w);
	/* More of a file than it said. */
	w = scp_wire_new(false);
	TAKE(w, "\0", SCP_YES);
	TAKE(w, "C0644 1 a\n", SCP_FILE);
	TAKE(w, "\0", SCP_YES);
	take(w, "xyz", 3, SCP_DATA, 1);
	assert_int_equal(scp_next(w, "yz", 2, &piece), ERR_FORMAT);
	scp_wire_free(w);
	/* A sink that talks nonsense. */
	w = scp_wire_new(false);
	assert_int_equal(scp_next(w, "Welcome!\n", 9, &piece), ERR_FORMAT);
	scp_wire_free(w);
}

/* Every message in every two pieces: more is wanted until it is whole, and the result is the same. */
static void
test_pieces(void **state)
{
	static const char *const lines[] = { "C0644 123 a b\n", "D0755 0 d\n", "T1 0 2 0\n", "\001words\n" };
	struct scp_piece piece;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		for (size_t cut = 0; cut < strlen(lines[i]); cut++) {
			struct scp_wire *w = scp_wire_new(true);

			TAKE(w, "\0", SCP_YES);
			assert_int_equal(scp_next(w, lines[i], cut, &piece), ERR_SHORT);
			assert_int_equal(scp_turn(w), SCP_SOURCE);
			assert_int_equal(scp_next(w, lines[i], strlen(lines[i]), &piece), 0);
			assert_int_equal(piece.n, strlen(lines[i]));
			scp_wire_free(w);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_file),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_start),
		cmocka_unit_test(test_hostile_source),
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_pieces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
