/* SPDX-License-Identifier: Apache-2.0 */
/* LFS: what is a pointer, how content is scanned, what lies where. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bastion/base/err.h"
#include "gitfilter/lfspointer.h"
#include "gitfilter/lfsscan.h"
#include "gitfilter/lfsstore.h"
#include "gitfilter/limits.h"

#define OID	"4c47b3e816fbe7d40cef9f665ba8f0be1ae68b5e8e7ed70f5b6bab7f70528e8f"
#define V1	"version https://git-lfs.github.com/spec/v1\n"

static void
pointers(void **state)
{
	static const struct {
		const char		*text;
		enum lfs_pointer	 what;
	} table[] = {
		{ V1 "oid sha256:" OID "\nsize 6\n", LFS_POINTER_GOOD },
		{ V1 "oid sha256:" OID "\nsize 6", LFS_POINTER_GOOD },
		{ " \t\r\n\v\xc2\xa0" V1 "oid sha256:" OID "\r\n\r\nsize 6 \r\n", LFS_POINTER_GOOD },
		{ V1 "ext-0-a sha256:" OID "\next-1-b sha256:00\noid sha256:" OID "\nsize 6\n", LFS_POINTER_GOOD },
		{ "version https://hawser.github.com/spec/v1\noid sha256:" OID "\nsize 6\n", LFS_POINTER_GOOD },
		{ "version http://git-media.io/v/2\noid sha256:" OID "\nsize 6\n", LFS_POINTER_GOOD },
		{ V1 "oid sha256:" OID "0\nsize 6\n", LFS_POINTER_BAD },
		{ V1 "oid sha256:4C47\nsize 6\n", LFS_POINTER_BAD },
		{ V1 "oid md5:" OID "\nsize 6\n", LFS_POINTER_BAD },
		{ V1 "oid sha256:" OID "\n", LFS_POINTER_BAD },
		{ V1 "oid sha256:" OID "\nsize -6\n", LFS_POINTER_BAD },
		{ V1 "oid sha256:" OID "\nsize 9223372036854775808\n", LFS_POINTER_BAD },
		{ "", LFS_POINTER_NONE },
		{ V1, LFS_POINTER_NONE },
		{ V1 "This page tells of pointers.\n", LFS_POINTER_NONE },
		{ "A pointer:\n" V1 "oid sha256:" OID "\nsize 6\n", LFS_POINTER_NONE },
		{ "version 3\noid sha256:" OID "\nsize 6\n", LFS_POINTER_NONE },
	};
	struct lfs_object o;
	char hex[LFS_OID_HEX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memset(&o, 0, sizeof(o));
		if (lfs_pointer_read((const uint8_t *)table[i].text, strlen(table[i].text), &o) != table[i].what)
			fail_msg("row %zu: %s", i, table[i].text);
		lfs_oid_format(o.oid, hex);
		if (table[i].what == LFS_POINTER_GOOD && (o.size != 6 || strcmp(hex, OID) != 0))
			fail_msg("row %zu: %s %llu", i, hex, (unsigned long long)o.size);
	}
}

/* What stands behind the bytes that clients look at changes nothing. */
static void
long_pointer(void **state)
{
	static const char text[] = V1 "oid sha256:" OID "\nsize 6\n";
	uint8_t page[4096];
	struct lfs_object o;

	(void)state;
	memset(page, ' ', sizeof(page));
	memcpy(page, text, strlen(text));
	memcpy(page + 2000, "anything", 8);
	assert_int_equal(lfs_pointer_read(page, sizeof(page), &o), LFS_POINTER_GOOD);
	memset(page, ' ', sizeof(page));
	memcpy(page + LFS_POINTER_MAX, text, strlen(text));
	assert_int_equal(lfs_pointer_read(page, sizeof(page), &o), LFS_POINTER_NONE);
}

struct found {
	unsigned	n, notices;
	size_t		line;
};

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct found *found = arg;

	if (f->notice)
		assert_string_equal(f->rule, "not-fully-scanned");
	if (f->notice)
		found->notices++;
	else
		found->n++;
	found->line = f->line;
	return 0;
}

static void
scans(void **state)
{
	static const char text[] = "one\ntwo EXAMPLE-SECRET\n", poison[] = "UNSCANNABLE";
	struct secretscan *scanner = secretscan_new(NULL, NULL, NULL);
	char name[] = "test-lfs.XXXXXX";
	int fd = mkstemp(name);
	struct found found = { .n = 0 };

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(lfs_scan(scanner, fd, 0, on_finding, &found), 0);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
	assert_int_equal(lfs_scan(scanner, fd, strlen(text), on_finding, &found), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.line, 2);
	/* Beyond what is mapped: found all the same, and said that it was a stream. */
	assert_int_equal(pwrite(fd, text, strlen(text), (off_t)LFS_WHOLE_MAX), strlen(text));
	found.n = 0;
	assert_int_equal(lfs_scan(scanner, fd, LFS_WHOLE_MAX + strlen(text), on_finding, &found), 0);
	assert_int_equal(found.n, 2);
	assert_int_equal(found.notices, 1);
	/* Shorter than it should be, and what cannot be scanned. */
	assert_int_equal(lfs_scan(scanner, fd, LFS_WHOLE_MAX + 4096, on_finding, &found), ERR_SYSTEM);
	assert_int_equal(pwrite(fd, poison, strlen(poison), 0), strlen(poison));
	assert_int_equal(lfs_scan(scanner, fd, strlen(text), on_finding, &found), SECRETSCAN_LIMIT);
	close(fd);
	secretscan_free(scanner);
}

struct box {
	char			 dir[32];
	struct lfs_store	 store;
};

static int
open_dir(const char *dir, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	(void)snprintf(b->dir, sizeof(b->dir), "test-lfs.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->store = (struct lfs_store){ .objects = open_dir(b->dir, "objects"), .held = open_dir(b->dir, "held"),
	    .rules = "0123456789abcdef" };
	*state = b;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st;
	(void)what;
	(void)at;
	return remove(path);
}

static int
teardown(void **state)
{
	struct box *b = *state;

	close(b->store.objects);
	close(b->store.held);
	assert_int_equal(nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(b);
	return 0;
}

/* An object of this size whose name is all this byte. */
static struct lfs_object
hold(const struct lfs_store *s, uint8_t byte, uint64_t size, bool clean)
{
	struct lfs_object o = { .size = size };
	char name[LFS_PART_NAME];
	int fd;

	memset(o.oid, byte, sizeof(o.oid));
	assert_int_equal(lfs_held_begin(s, size, 1000, &fd, name), 0);
	assert_int_equal(lfs_held_keep(s, name, &o, clean), 0);
	close(fd);
	return o;
}

static void
stores(void **state)
{
	struct box *b = *state;
	struct lfs_store *s = &b->store;
	struct lfs_object clean = hold(s, 1, 10, true), found = hold(s, 2, 20, false), other = clean, read = { .size = 0 };
	int fd;

	other.size = 11;
	assert_int_equal(lfs_store_state(s, &clean), LFS_HELD);
	assert_int_equal(lfs_store_state(s, &found), LFS_HELD_FOUND);
	assert_int_equal(lfs_store_state(s, &other), LFS_ABSENT);
	assert_int_equal(lfs_store_promote(s, &other), ERR_NOTFOUND);
	assert_int_equal(lfs_store_open(s, &clean), -1);
	/* Other rules have not seen it; that there was something in it does not depend on them. */
	s->rules[0] = 'f';
	assert_int_equal(lfs_store_state(s, &clean), LFS_ABSENT);
	assert_int_equal(lfs_store_state(s, &found), LFS_HELD_FOUND);
	s->rules[0] = '0';
	assert_int_equal(lfs_store_promote(s, &clean), 0);
	assert_int_equal(lfs_store_promote(s, &found), 0);
	assert_int_equal(lfs_store_promote(s, &found), 0);
	assert_int_equal(lfs_store_state(s, &clean), LFS_STORED);
	assert_int_equal(lfs_store_state(s, &found), LFS_STORED);
	assert_int_equal(lfs_held_open(s, &clean), -1);
	memcpy(read.oid, clean.oid, sizeof(read.oid));
	assert_int_not_equal(fd = lfs_store_open(s, &read), -1);
	assert_int_equal(read.size, 10);
	close(fd);
	assert_int_equal(faccessat(s->objects, "01/01/0101010101010101010101010101010101010101010101010101010101010101", F_OK, 0), 0);
}

/* What is on its way counts from the start. */
static void
budget(void **state)
{
	struct box *b = *state;
	struct lfs_store *s = &b->store;
	char name[LFS_PART_NAME], second[LFS_PART_NAME];
	int fd, other;

	assert_int_equal(lfs_held_begin(s, 1001, 1000, &fd, name), ERR_TOOBIG);
	assert_int_equal(lfs_held_begin(s, 600, 1000, &fd, name), 0);
	assert_int_equal(lfs_held_begin(s, 401, 1000, &other, second), ERR_TOOBIG);
	assert_int_equal(lfs_held_begin(s, 400, 1000, &other, second), 0);
	assert_string_not_equal(name, second);
	lfs_held_drop(s, name);
	close(fd);
	assert_int_equal(lfs_held_begin(s, 600, 1000, &fd, name), 0);
	close(fd);
	close(other);
	lfs_held_sweep(b->dir, INT64_MAX / 2);
	assert_int_equal(lfs_held_begin(s, 1000, 1000, &fd, name), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers),
		cmocka_unit_test(long_pointer),
		cmocka_unit_test(scans),
		cmocka_unit_test_setup_teardown(stores, setup, teardown),
		cmocka_unit_test_setup_teardown(budget, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lfs", tests, NULL, NULL);
}
