/* SPDX-License-Identifier: Apache-2.0 */
/* The real sallyport-gitleg on repositories that the real git makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/msgio.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/pktline.h"
#include "t/unit/gitbox.h"

#define ZERO	"0000000000000000000000000000000000000000"

struct leg {
	struct msgio	*session, *parent;
	pid_t		 pid;
	uint8_t		 ok;
	char		*error, *oid, *name;	/* of the first reference */
	uint32_t	 nrefs;
};

static void
leg_start(struct leg *g, const char *repo)
{
	char *path = spawn_helper_path("sallyport-gitleg"), *dir = xasprintf("%s/up", gitbox_path());
	char *const argv[] = { path, (char *)(uintptr_t)"receive", dir, (char *)(uintptr_t)repo, NULL };
	struct spawn_params p = { .path = path, .argv = argv, .nfds = 5 };
	struct msg m;
	char *oid, *name;
	int s[2], q[2];

	memset(g, 0, sizeof(*g));
	assert_int_equal(msgio_pair(s), 0);
	assert_int_equal(msgio_pair(q), 0);
	p.fds[0] = -1;
	p.fds[1] = p.fds[2] = 2;
	p.fds[3] = s[1];
	p.fds[4] = q[1];
	assert_true((g->pid = spawn(&p)) > 0);
	close(s[1]);
	close(q[1]);
	g->session = msgio_new(s[0]);
	g->parent = msgio_new(q[0]);
	assert_int_equal(msgio_wait(g->session, &m, 20000), 0);
	assert_int_equal(m.type, GITLEG_REFS);
	assert_int_equal(buf_get_u8(m.body, &g->ok), 0);
	assert_int_equal(buf_get_cstring(m.body, &g->error), 0);
	assert_int_equal(buf_get_u32(m.body, &g->nrefs), 0);
	for (uint32_t i = 0; i < g->nrefs; i++) {
		assert_int_equal(buf_get_cstring(m.body, &oid), 0);
		assert_int_equal(buf_get_cstring(m.body, &name), 0);
		if (i == 0) {
			g->oid = oid;
			g->name = name;
		} else {
			free(oid);
			free(name);
		}
	}
	assert_int_equal(buf_end(m.body), 0);
	free(path);
	free(dir);
}

static void
leg_end(struct leg *g)
{
	int status;

	msgio_free(g->session);
	msgio_free(g->parent);
	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	assert_true(WIFEXITED(status));
	free(g->error);
	free(g->oid);
	free(g->name);
}

/* Has the leg store an order of one line and the pack of these revisions; the report's text, or the error. */
static char *
leg_store(struct leg *g, const char *line, const char *revs, bool non_ff)
{
	struct buf *spool = buf_new(1 << 20), *b = buf_new(64);
	int fd = memfd_create("spool", MFD_CLOEXEC);
	char *error, *report;
	struct msg m;
	uint8_t ok, *p;
	size_t n;

	assert_int_equal(pktline_putf(spool, "%s%c report-status", line, '\0'), 0);
	assert_int_equal(pktline_flush(spool), 0);
	if (revs != NULL)
		gitbox_git_bytes(spool, revs, "-C", "work", "pack-objects", "--revs", "--stdout", "-q", NULL);
	assert_int_equal(file_write_all(fd, buf_ptr(spool), buf_len(spool)), 0);
	assert_int_equal(buf_put_u64(b, buf_len(spool)), 0);
	assert_int_equal(buf_put_u8(b, non_ff), 0);
	assert_int_equal(buf_put_u8(b, 0), 0);
	assert_int_equal(buf_put_cstring(b, "REQ-0123AB"), 0);
	assert_int_equal(buf_put_u64(b, 1750000000), 0);
	assert_int_equal(buf_put_cstring(b, ""), 0);	/* hosted: no connection */
	assert_int_equal(buf_put_u8(b, 0) | buf_put_cstring(b, "") | buf_put_cstring(b, "") | buf_put_cstring(b, "badTimezone "), 0);
	assert_int_equal(msgio_send(g->parent, GITLEG_STORE, 7, b, fd), 0);
	assert_int_equal(msgio_wait(g->parent, &m, 20000), 0);
	assert_int_equal(m.type, GITLEG_STORED);
	assert_int_equal(m.id, 7);
	assert_int_equal(msgio_wait(g->session, &m, 20000), 0);
	assert_int_equal(m.type, GITLEG_STORED);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(buf_get_cstring(m.body, &error), 0);
	assert_int_equal(buf_get_string(m.body, &p, &n), 0);
	report = ok ? (char *)p : error;
	free(ok ? error : (char *)p);
	buf_free(spool);
	buf_free(b);
	return report;
}

static int
setup(void **state)
{
	(void)state;
	gitbox_begin();
	free(gitbox_git(NULL, "init", "-q", "-b", "main", "work", NULL));
	free(gitbox_git(NULL, "init", "-q", "-b", "main", "--bare", "up/team/app.git", NULL));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	gitbox_end();
	return 0;
}

static char *
tip_of(const char *ref)
{
	return gitbox_git(NULL, "-C", "up/team/app.git", "rev-parse", ref, NULL);
}

static void
test_pushes_are_stored_and_ancestry_known(void **state)
{
	struct leg g;
	char *one, *two, *line, *report, *revs, *now;
	struct buf *b = buf_new(256);
	struct msg m;
	uint8_t yes = 9;

	(void)state;
	one = gitbox_commit("work", "a", "one\n", "one");
	leg_start(&g, "team/app");
	assert_int_equal(g.ok, 1);
	assert_int_equal(g.nrefs, 0);
	line = xasprintf("%s %s refs/heads/main", ZERO, one);
	report = leg_store(&g, line, one, false);
	assert_string_equal(report, "000eunpack ok\n0017ok refs/heads/main\n0000");
	free(report);
	leg_end(&g);
	now = tip_of("refs/heads/main");
	assert_string_equal(now, one);
	free(now);
	free(line);

	two = gitbox_commit("work", "a", "two\n", "two");
	leg_start(&g, "team/app.git");
	assert_int_equal(g.nrefs, 1);
	assert_string_equal(g.oid, one);
	assert_string_equal(g.name, "refs/heads/main");
	assert_int_equal(buf_put_cstring(b, one), 0);
	assert_int_equal(buf_put_u32(b, 2), 0);
	assert_int_equal(buf_put_cstring(b, two), 0);	/* not there yet */
	assert_int_equal(buf_put_cstring(b, one), 0);
	assert_int_equal(msgio_send(g.session, GITLEG_ANCESTOR, 5, b, -1), 0);
	assert_int_equal(msgio_wait(g.session, &m, 20000), 0);
	assert_int_equal(m.id, 5);
	assert_int_equal(buf_get_u8(m.body, &yes), 0);
	assert_int_equal(yes, 1);
	line = xasprintf("%s %s refs/heads/main", one, two);
	revs = xasprintf("%s\n^%s\n", two, one);
	report = leg_store(&g, line, revs, false);
	assert_string_equal(report, "000eunpack ok\n0017ok refs/heads/main\n0000");
	free(report);
	leg_end(&g);
	free(line);

	/* Back again is not a fast-forward; and the old value is compared. */
	line = xasprintf("%s %s refs/heads/main", two, one);
	leg_start(&g, "team/app");
	report = leg_store(&g, line, "", false);
	assert_non_null(strstr(report, "ng refs/heads/main"));
	free(report);
	leg_end(&g);
	leg_start(&g, "team/app");
	report = leg_store(&g, line, "", true);
	assert_non_null(strstr(report, "ok refs/heads/main"));
	free(report);
	leg_end(&g);
	leg_start(&g, "team/app");
	report = leg_store(&g, line, "", true);		/* main is no longer at two */
	assert_non_null(strstr(report, "ng refs/heads/main"));
	free(report);
	leg_end(&g);
	free(line);
	free(revs);
	free(one);
	free(two);
	buf_free(b);
}

static void
test_hooks_do_not_run_and_deletes_are_refused(void **state)
{
	static const char hook[] = "#!/bin/sh\ntouch ran\nexit 1\n";
	char *one, *line, *report, *path = xasprintf("%s/up/team/app.git/hooks/pre-receive", gitbox_path());
	struct leg g;

	(void)state;
	one = gitbox_commit("work", "a", "one\n", "one");
	assert_int_equal(file_mkdirs("up/team/app.git/hooks", 0755), 0);
	assert_int_equal(file_write(path, hook, sizeof(hook) - 1, 0755), 0);
	line = xasprintf("%s %s refs/heads/topic", ZERO, one);
	leg_start(&g, "team/app");
	report = leg_store(&g, line, one, false);
	assert_non_null(strstr(report, "ok refs/heads/topic"));
	assert_int_equal(access("up/team/app.git/ran", F_OK), -1);
	free(report);
	free(line);
	leg_end(&g);
	line = xasprintf("%s %s refs/heads/topic", one, ZERO);
	leg_start(&g, "team/app");
	report = leg_store(&g, line, NULL, false);
	assert_non_null(strstr(report, "ng refs/heads/topic"));
	free(report);
	free(line);
	leg_end(&g);
	free(path);
	free(one);
}

static void
test_names_that_lead_elsewhere(void **state)
{
	static const char *const bad[] = {
		"../work", "team/../../work", "/etc", "-x", "missing", "team", "link", "linked/app", "team/app.git/objects", "",
	};
	struct leg g;

	(void)state;
	free(gitbox_git(NULL, "init", "-q", "--bare", "outside/app.git", NULL));
	assert_int_equal(symlink("../outside/app.git", "up/link.git"), 0);
	assert_int_equal(symlink("../outside", "up/linked"), 0);
	assert_int_equal(symlink("team", "up/alias"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		leg_start(&g, bad[i]);
		if (g.ok)
			fail_msg("%s was opened", bad[i]);
		assert_string_not_equal(g.error, "");
		leg_end(&g);
	}
	leg_start(&g, "alias/app");	/* a link that stays inside */
	assert_int_equal(g.ok, 1);
	leg_end(&g);
}

static void
test_upload_advertises_v0_or_says_why_not(void **state)
{
	static const struct { const char *repo, *want; } cases[] = {
		{ "team/app", " HEAD" }, { "team/none", "ERR repository team/none does not exist here" },
	};
	char *path = spawn_helper_path("sallyport-gitleg"), *dir = xasprintf("%s/up", gitbox_path()), *one;
	char *const env[] = { (char *)(uintptr_t)"GIT_PROTOCOL=version=2", NULL };

	(void)state;
	one = gitbox_commit("work", "a", "one\n", "one");
	free(gitbox_git(NULL, "-C", "work", "push", "-q", "../up/team/app.git", "main", NULL));
	for (size_t i = 0; i < 2; i++) {
		char *const argv[] = { path, (char *)(uintptr_t)"upload", dir, (char *)(uintptr_t)cases[i].repo, NULL };
		struct spawn_params p = { .path = path, .argv = argv, .envp = env, .nfds = 3 };
		struct buf *b = buf_new(65536);
		int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC), status;
		pid_t pid;

		assert_int_equal(write(in, "0000", 4), 4);
		assert_int_equal(lseek(in, 0, SEEK_SET), 0);
		p.fds[0] = in;
		p.fds[1] = out;
		p.fds[2] = 2;
		assert_true((pid = spawn(&p)) > 0 && waitpid(pid, &status, 0) == pid);
		assert_int_equal(lseek(out, 0, SEEK_SET), 0);
		assert_int_equal(buf_read(b, out, 60000), 0);
		assert_non_null(memmem(buf_ptr(b), buf_len(b), cases[i].want, strlen(cases[i].want)));
		assert_null(memmem(buf_ptr(b), buf_len(b), "version 2", 9));
		buf_free(b);
		close(in);
		close(out);
	}
	free(path);
	free(dir);
	free(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pushes_are_stored_and_ancestry_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hooks_do_not_run_and_deletes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_that_lead_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upload_advertises_v0_or_says_why_not, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gitleg", tests, NULL, NULL);
}
