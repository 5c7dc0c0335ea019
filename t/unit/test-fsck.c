/* SPDX-License-Identifier: Apache-2.0 */
/* Each fault by itself, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/err.h"
#include "gitfilter/fsck.h"
#include "gitfilter/object.h"

#define TREE	"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
#define AUTHOR	"author A <a@b> 1 +0000\n"
#define COMMITTER "committer A <a@b> 1 +0000\n"
#define OBJECT	"object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\ntag v1\n"

struct seen {
	char	names[512];
};

static int
see(enum fsck_id id, void *arg)
{
	struct seen *s = arg;
	size_t n = strlen(s->names);

	(void)snprintf(s->names + n, sizeof(s->names) - n, "%s%s", n > 0 ? " " : "", fsck_name(id));
	return 0;
}

#define COMMIT(text)	text, sizeof(text) - 1

static void
test_commits(void **state)
{
	static const struct { const char *p; size_t n; const char *faults; } rows[] = {
		{ COMMIT(TREE AUTHOR COMMITTER "\nx\n"), "" },
		{ COMMIT(TREE AUTHOR COMMITTER), "" },
		{ COMMIT(TREE AUTHOR COMMITTER "encoding latin1\ngpgsig ---\n x\n\nx\n"), "" },
		{ COMMIT(TREE AUTHOR COMMITTER "x-own header\n\nx\n"), "extraHeaderEntry" },
		{ COMMIT(TREE COMMITTER "\nx\n"), "missingAuthor" },
		{ COMMIT(TREE AUTHOR "\nx\n"), "missingCommitter" },
		{ COMMIT(TREE AUTHOR AUTHOR COMMITTER "\nx\n"), "multipleAuthors" },
		{ COMMIT(TREE AUTHOR COMMITTER "\nx\0y\n"), "nulInCommit" },
		{ COMMIT(TREE AUTHOR "committer A\0 <a@b> 1 +0000\n\nx\n"), "nulInHeader" },
		{ COMMIT(TREE AUTHOR "committer A <a@b> 1 +0000"), "unterminatedHeader missingCommitter" },
		{ COMMIT(TREE "author <a@b> 1 +0000\n" COMMITTER "\n"), "missingNameBeforeEmail" },
		{ COMMIT(TREE "author A>B <a@b> 1 +0000\n" COMMITTER "\n"), "badName" },
		{ COMMIT(TREE "author A 1 +0000\n" COMMITTER "\n"), "missingEmail" },
		{ COMMIT(TREE "author A<a@b> 1 +0000\n" COMMITTER "\n"), "missingSpaceBeforeEmail" },
		{ COMMIT(TREE "author A <a@b 1 +0000\n" COMMITTER "\n"), "badEmail" },
		{ COMMIT(TREE "author A <a<@b> 1 +0000\n" COMMITTER "\n"), "badEmail" },
		{ COMMIT(TREE "author A <a@b>1 +0000\n" COMMITTER "\n"), "missingSpaceBeforeDate" },
		{ COMMIT(TREE "author A <a@b> +0000\n" COMMITTER "\n"), "badDate" },
		{ COMMIT(TREE "author A <a@b> 01 +0000\n" COMMITTER "\n"), "zeroPaddedDate" },
		{ COMMIT(TREE "author A <a@b> 99999999999999999999 +0000\n" COMMITTER "\n"), "badDateOverflow" },
		{ COMMIT(TREE "author A <a@b> 1 +000\n" COMMITTER "\n"), "badTimezone" },
		{ COMMIT(TREE "author A <a@b> 1 00000\n" COMMITTER "\n"), "badTimezone" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *exact = malloc(rows[i].n);
		struct seen s = { "" };

		memcpy(exact, rows[i].p, rows[i].n);
		assert_int_equal(fsck_commit(exact, rows[i].n, see, &s), 0);
		assert_string_equal(s.names, rows[i].faults);
		free(exact);
	}
}

static void
test_tags(void **state)
{
	static const struct { const char *p; size_t n; const char *faults; } rows[] = {
		{ COMMIT(OBJECT "tagger A <a@b> 1 +0000\n\nx\n"), "" },
		{ COMMIT(OBJECT "\nx\n"), "missingTaggerEntry" },
		{ COMMIT(OBJECT "tagger A <a@b> x\n\nx\n"), "badDate" },
		{ COMMIT(OBJECT "tagger A <a@b> 1 +0000\n\nx\0\n"), "nulInTag" },
		{ COMMIT("object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\ntag a..b\ntagger A <a@b> 1 +0000\n\n"),
		    "badTagName" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seen s = { "" };

		assert_int_equal(fsck_tag((const uint8_t *)rows[i].p, rows[i].n, see, &s), 0);
		assert_string_equal(s.names, rows[i].faults);
	}
}

static void
test_entries(void **state)
{
	static const struct { const char *mode, *name, *faults; } rows[] = {
		{ "100644", "README", "" }, { "100644", ".gitignore", "" }, { "100644", "a\\x2db.slice", "" },
		{ "100644", "..a", "" }, { "100644", "git", "" }, { "100644", ".github", "" }, { "40000", ".gitlab", "" },
		{ "100644", "Gr\xc3\xbc\xc3\x9f" "e", "" }, { "120000", "link", "" }, { "160000", "sub", "" },
		{ "100644", "", "emptyName" }, { "100644", ".", "hasDot" }, { "40000", "..", "hasDotdot" },
		{ "100644", "a/b", "fullPathname" }, { "100644", "a\\..\\b", "hasDotdot" }, { "40000", ".git", "hasDotgit" },
		{ "40000", ".GiT", "hasDotgit" }, { "40000", ".git. ", "hasDotgit" }, { "100644", ".git::$INDEX_ALLOCATION", "hasDotgit" },
		{ "40000", "GIT~1", "hasDotgit" }, { "40000", ".g\xe2\x80\x8cit", "hasDotgit" }, { "40000", "\xef\xbb\xbf.git", "hasDotgit" },
		{ "100644", "a\\.git\\config", "hasDotgit" }, { "100644", "a\nb", "controlCharInName" },
		{ "100644", "a\x1b[31m", "controlCharInName" }, { "100664", "old", "" }, { "100600", "x", "badFilemode" },
		{ "040000", "d", "zeroPaddedFilemode" }, { "120000", ".gitmodules", "gitmodulesSymlink" },
		{ "120000", "GITMOD~1", "gitmodulesSymlink" }, { "120000", "gi7eba~9", "gitmodulesSymlink" },
		{ "120000", ".gitmodules .", "gitmodulesSymlink" }, { "120000", ".g\xe2\x80\x8citmodules", "gitmodulesSymlink" },
		{ "40000", ".gitmodules", "gitmodulesBlob" }, { "120000", ".gitattributes", "gitattributesSymlink" },
		{ "120000", ".gitignore", "gitignoreSymlink" }, { "120000", ".mailmap", "mailmapSymlink" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tree_cursor c;
		struct tree_entry e;
		struct seen s = { "" };
		const char *why;
		uint8_t tree[128];
		int n = snprintf((char *)tree, sizeof(tree), "%s %s", rows[i].mode, rows[i].name);

		memset(tree + n + 1, 1, 20);
		tree_begin(&c, tree, (size_t)n + 21);
		assert_int_equal(tree_next(&c, &e, &why), 0);
		assert_int_equal(fsck_entry(&e, see, &s), 0);
		assert_string_equal(s.names, rows[i].faults);
	}
}

/* Entries "MODE NAME" one after another. */
static void
order(const char *const *rows, const char *faults)
{
	struct fsck_order *o = fsck_order_new();
	struct tree_cursor c;
	struct tree_entry e;
	struct seen s = { "" };
	uint8_t tree[512];
	const char *why;
	size_t n = 0;

	for (; *rows != NULL; rows++) {
		n += (size_t)snprintf((char *)tree + n, 64, "%s", *rows) + 1;
		memset(tree + n, 1, 20);
		n += 20;
	}
	tree_begin(&c, tree, n);
	fsck_order_begin(o);
	while (tree_next(&c, &e, &why) == 0)
		assert_int_equal(fsck_order(o, &e, see, &s), 0);
	assert_string_equal(s.names, faults);
	fsck_order_free(o);
}

static void
test_order(void **state)
{
	(void)state;
	order((const char *const[]){ "100644 a", "100644 a.b", "40000 ab", "100644 ac", NULL }, "");
	order((const char *const[]){ "100644 a-b", "40000 a", "100644 a0", NULL }, "");
	order((const char *const[]){ "100644 b", "100644 a", NULL }, "treeNotSorted");
	order((const char *const[]){ "40000 a", "100644 a-b", NULL }, "treeNotSorted");
	order((const char *const[]){ "100644 a", "100644 a", NULL }, "duplicateEntries");
	order((const char *const[]){ "100644 a", "40000 a", NULL }, "duplicateEntries");
	/* The same name twice, far apart: files come before "a-", folders after. */
	order((const char *const[]){ "100644 a", "100644 a-b", "100644 a.c", "40000 a", NULL }, "duplicateEntries");
	order((const char *const[]){ "100644 a", "100644 a-", "100644 a-b", "40000 a-", "40000 b", NULL }, "duplicateEntries");
}

static void
test_content(void **state)
{
	static const struct { const char *text, *faults; } rows[] = {
		{ "", "" }, { "# nothing\n\n", "" },
		{ "[submodule \"a\"]\n\tpath = a\n\turl = https://example.com/a.git\n\tbranch = .\n", "" },
		{ "[submodule \"a b\"]\n\tpath = \"a b\" # so\n\turl = git@example.com:a.git\n\tupdate = none\n", "" },
		{ "[submodule \"a\"]\n\turl = ../a.git\n\tshallow\n", "" }, { "[core]\n\turl = -x\n", "" },
		{ "[submodule \"a\"]\r\n\tpath = a\r\n\turl = ./a\r\n", "" },
		{ "[submodule \"../a\"]\n", "gitmodulesName" }, { "[submodule \"\"]\n", "gitmodulesName" },
		{ "[submodule \"a\\\\..\\\\b\"]\n", "gitmodulesName" }, { "[submodule.a/../b]\n", "gitmodulesName" },
		{ "[submodule \"a\"]\n\turl = -u./x\n", "gitmodulesUrl" }, { "[SubModule \"a\"]\n\tURL=\"--x\"\n", "gitmodulesUrl" },
		{ "[submodule \"a\"]\n\turl = \"https://a/b\\nc\"\n", "gitmodulesUrl" },
		{ "[submodule \"a\"]\n\turl = https://a/b%0ac\n", "gitmodulesUrl" },
		{ "[submodule \"a\"]\n\turl = https:///x\n", "gitmodulesUrl" }, { "[submodule \"a\"]\n\turl = https://:80/\n", "gitmodulesUrl" },
		{ "[submodule \"a\"]\n\turl = http::ftp\n", "gitmodulesUrl" }, { "[submodule \"a\"]\n\turl = ../:x\n", "gitmodulesUrl" },
		{ "[submodule \"a\"]\n\turl = ext::sh -c x\n", "gitmodulesUrl" }, { "[submodule \"a\"]\n\turl = \n", "gitmodulesUrl" },
		{ "[submodule \"a\"]\n\tpath = -x\n", "gitmodulesPath" }, { "[submodule \"a\"]\n\tpath = a/../b\n", "gitmodulesPath" },
		{ "[submodule \"a\"]\n\tpath = \"a\r\"\n", "gitmodulesPath" },
		{ "[submodule \"a\"]\n\tupdate = !rm -rf /\n", "gitmodulesUpdate" },
		{ "[submodule \"a\"]\n\turl = a\\\n/b\n\tupdate = \\\n!x\n", "gitmodulesUpdate" },
		{ "[submodule \"a\n", "gitmodulesParse" }, { "[submodule \"a\"\n", "gitmodulesParse" }, { "= x\n", "gitmodulesParse" },
		{ "[submodule \"a\"]\n\turl = \"x\n", "gitmodulesParse" }, { "[submodule \"a\"]\n\turl = \\q\n", "gitmodulesParse" },
	};
	char *long_line = calloc(1, 3000), *large = calloc(1, FSCK_FILE_MAX + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		uint8_t *exact = malloc(n + 1);
		struct seen s = { "" };

		memcpy(exact, rows[i].text, n);
		assert_int_equal(fsck_content(FSCK_FILE_MODULES, exact, n, see, &s), 0);
		assert_string_equal(s.names, rows[i].faults);
		free(exact);
	}
	memset(long_line, 'a', 2999);
	struct seen a = { "" }, b = { "" };
	assert_int_equal(fsck_content(FSCK_FILE_ATTRIBUTES, (const uint8_t *)long_line, 2999, see, &a), 0);
	assert_string_equal(a.names, "gitattributesLineLength");
	assert_int_equal(fsck_content(FSCK_FILE_MODULES, (const uint8_t *)large, FSCK_FILE_MAX + 1, see, &b), 0);
	assert_string_equal(b.names, "gitmodulesLarge");
	free(long_line);
	free(large);
}

static int
stop(enum fsck_id id, void *arg)
{
	*(enum fsck_id *)arg = id;
	return ERR_FORMAT;
}

/* What the function says ends it, and is what comes back. */
static void
test_the_first_may_be_the_last(void **state)
{
	static const char text[] = "[submodule \"../a\"]\n\turl = -x\n";
	enum fsck_id id = FSCK_IDS;

	(void)state;
	assert_int_equal(fsck_content(FSCK_FILE_MODULES, (const uint8_t *)text, sizeof(text) - 1, stop, &id), ERR_FORMAT);
	assert_int_equal(id, FSCK_GITMODULES_NAME);
	assert_int_equal(fsck_commit((const uint8_t *)TREE "\nx\n", sizeof(TREE "\nx\n") - 1, stop, &id), ERR_FORMAT);
	assert_int_equal(id, FSCK_MISSING_AUTHOR);
}

static void
test_severities(void **state)
{
	struct fsck f;

	(void)state;
	fsck_init(&f);
	for (int i = 0; i < FSCK_IDS; i++) {
		assert_non_null(fsck_name((enum fsck_id)i));
		assert_int_equal(f.severity[i], fsck_default((enum fsck_id)i));
	}
	assert_int_equal(fsck_set(&f, "badTimezone", FSCK_ERROR), 0);
	assert_int_equal(f.severity[FSCK_BAD_TIMEZONE], FSCK_ERROR);
	assert_int_equal(fsck_set(&f, "badtimezone", FSCK_ERROR), ERR_NOTFOUND);
	assert_int_equal(fsck_set(&f, "hasDotgit", FSCK_WARN), ERR_DENIED);
	assert_int_equal(f.severity[FSCK_HAS_DOTGIT], FSCK_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commits),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_the_first_may_be_the_last),
		cmocka_unit_test(test_severities),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fsck", tests, NULL, NULL);
}
