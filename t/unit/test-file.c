/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"

static int
into_tmp(void **state)
{
	char dir[] = "/tmp/unit-file-XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return -1;
	*state = strdup(dir);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
out_of_tmp(void **state)
{
	int r = chdir("/") == -1 ? -1 : nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return r;
}

static void
written_whole_and_read_whole(void **state)
{
	struct buf *b = buf_new(100);
	struct stat st;

	(void)state;
	assert_int_equal(file_write("f", "hello", 5, 0640), 0);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read("f", b), 0);
	assert_int_equal(buf_len(b), 5);
	assert_memory_equal(buf_ptr(b), "hello", 5);
	assert_int_equal(file_write("f", "x", 1, 0600), 0);
	buf_clear(b);
	assert_int_equal(file_read("f", b), 0);
	assert_int_equal(buf_len(b), 1);
	assert_int_equal(file_write("no/such/folder", "x", 1, 0600), ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	buf_free(b);
}

static void
the_ceiling_is_never_a_cut(void **state)
{
	struct buf *exact = buf_new(5), *small = buf_new(4), *proc = buf_new(8);

	(void)state;
	assert_int_equal(file_write("five", "12345", 5, 0600), 0);
	assert_int_equal(file_read("five", exact), 0);
	assert_int_equal(file_read("five", small), ERR_TOOBIG);
	/* A file whose size says 0 and which is longer than the ceiling all the same. */
	assert_int_equal(file_read("/proc/self/status", proc), ERR_TOOBIG);
	buf_free(exact);
	buf_free(small);
	buf_free(proc);
}

static void
only_regular_files(void **state)
{
	struct buf *b = buf_new(100);

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkfifo("p", 0600), 0);
	assert_int_equal(file_read("d", b), ERR_FORMAT);
	assert_int_equal(file_read("p", b), ERR_FORMAT);	/* and does not wait for a writer */
	assert_int_equal(file_read("missing", b), ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	buf_free(b);
}

static void
private_files_are_the_owners_alone(void **state)
{
	static const struct {
		mode_t	mode;
		int	r;
	} rows[] = {
		{ 0600, 0 }, { 0400, 0 }, { 0640, ERR_DENIED }, { 0604, ERR_DENIED }, { 0620, ERR_DENIED }, { 0601, ERR_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf *b = buf_new(100);

		assert_int_equal(file_write("key", "k", 1, 0600), 0);
		assert_int_equal(chmod("key", rows[i].mode), 0);
		assert_int_equal(file_read_private("key", b), rows[i].r);
		buf_free(b);
	}
}

static void
a_private_file_is_no_link(void **state)
{
	struct buf *b = buf_new(100);

	(void)state;
	assert_int_equal(file_write("real", "k", 1, 0600), 0);
	assert_int_equal(symlink("real", "link"), 0);
	assert_int_equal(file_read_private("link", b), ERR_SYSTEM);
	buf_free(b);
}

static void
folders_above_are_made(void **state)
{
	(void)state;
	assert_int_equal(file_mkdirs("x/y/z", 0700), 0);
	assert_int_equal(file_mkdirs("x/y/z", 0700), 0);
	assert_int_equal(access("x/y/z", F_OK), 0);
	assert_int_equal(file_write("x/file", "", 0, 0600), 0);
	assert_int_equal(file_mkdirs("x/file/below", 0700), ERR_SYSTEM);
	assert_int_equal(file_mkdirs("x/file", 0700), ERR_SYSTEM);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(file_mkdirs("", 0700), ERR_SYSTEM);
}

static void
names_are_joined(void **state)
{
	static const struct {
		const char	*path, *dir;
	} rows[] = { { "a", "." }, { "/a", "/" }, { "a/b", "a" }, { "/a/b", "/a" } };
	char *s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s = file_dir(rows[i].path);
		assert_string_equal(s, rows[i].dir);
		free(s);
	}
	s = file_join("/a", "b");
	assert_string_equal(s, "/a/b");
	free(s);
	s = file_join("/a", "/b");
	assert_string_equal(s, "/b");
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_whole_and_read_whole),
		cmocka_unit_test(the_ceiling_is_never_a_cut),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(private_files_are_the_owners_alone),
		cmocka_unit_test(a_private_file_is_no_link),
		cmocka_unit_test(folders_above_are_made),
		cmocka_unit_test(names_are_joined),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, into_tmp, out_of_tmp);
}
