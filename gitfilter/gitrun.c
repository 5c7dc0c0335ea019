/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/gitrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "gitfilter/fsck.h"
#include "gitfilter/gitchild.h"
#include "gitfilter/limits.h"
#include "gitfilter/pktline.h"
#include "gitfilter/shelf.h"

#define UPLOAD_TIMEOUT	"3600"		/* seconds of silence: the client's, or a human's who is asked */

/* Over the repository's own configuration, whoever wrote it. */
static const struct gitsetting always[] = {
	{ "safe.directory", "*" },		/* which repositories are served is decided before */
	{ "core.hooksPath", "/dev/null" },
	{ "core.fsmonitor", "false" },
	{ "protocol.version", "0" },
	{ "gc.auto", "0" },
	{ "maintenance.auto", "false" },
	{ "receive.autogc", "false" },
	{ "receive.fsckObjects", "true" },
	{ "receive.denyDeleteCurrent", "refuse" },
	{ "receive.denyCurrentBranch", "refuse" },
	{ "receive.shallowUpdate", "false" },
	{ "receive.advertisePushOptions", "false" },
	{ "receive.keepAlive", "0" },
	{ "uploadpack.allowTipSHA1InWant", "false" },
	{ "uploadpack.allowReachableSHA1InWant", "false" },
	{ "uploadpack.allowAnySHA1InWant", "false" },
	{ "uploadpack.allowFilter", "false" },
	{ "uploadpack.allowRefInWant", "false" },
	{ "uploadpack.hideRefs", SHELF_REFS "kept" },	/* what the bastion keeps is hidden from git's own programs as well */
	{ "uploadpack.hideRefs", SHELF_REFS "parked" },
	{ "receive.hideRefs", SHELF_REFS "kept" },
	{ "receive.hideRefs", SHELF_REFS "parked" },
};

static void
env_setting(struct strvec *env, size_t *np, const char *key, const char *value)
{
	strvec_pushf(env, "GIT_CONFIG_KEY_%zu=%s", *np, key);
	strvec_pushf(env, "GIT_CONFIG_VALUE_%zu=%s", (*np)++, value);
}

static void
env_plain(struct strvec *env)
{
	static const char *const plain[] = {
		"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1",
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		strvec_push(env, plain[i]);
}

void
gitrun_env(struct strvec *env, const struct gitsetting *more, size_t n)
{
	size_t count = 0;

	env_plain(env);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		env_setting(env, &count, always[i].key, always[i].value);
	for (size_t i = 0; i < n; i++)
		env_setting(env, &count, more[i].key, more[i].value);
	strvec_pushf(env, "GIT_CONFIG_COUNT=%zu", count);
}

void
gitrun_become_upload(bool reviews)
{
	static char word_git[] = "git", word_upload[] = "upload-pack", word_strict[] = "--strict",
	    word_timeout[] = "--timeout=" UPLOAD_TIMEOUT, word_here[] = ".";
	char *const argv[] = { word_git, word_upload, word_strict, word_timeout, word_here, NULL };
	const struct gitsetting hide[] = { { "uploadpack.hideRefs", SHELF_REFS "review" } };
	struct strvec env = STRVEC_INIT;

	gitrun_env(&env, hide, !reviews);
	if (close_range(3, ~0U, 0) == 0)
		execve(GIT_PROGRAM, argv, env.v);
	strvec_release(&env);
}

/* A short program of git on the current folder, with this on its standard input. 0, or ERR_DENIED or ERR_SYSTEM; its last words. */
static int
gitrun_short(char *const argv[], const struct buf *input, char words[REASON_MAX])
{
	const struct gitpass pass = { .head = input, .spool_fd = -1, .idle_ms = -1 };
	struct gitchild c = GITCHILD_INIT;
	struct strvec env = STRVEC_INIT;
	int r, status;

	words[0] = '\0';
	gitrun_env(&env, NULL, 0);
	if ((r = gitchild_start(&c, GIT_PROGRAM, argv, env.v)) == 0) {
		r = gitchild_pass(&c, &pass);
		status = gitchild_end(&c, r != 0);
		gitchild_last_words(&c, words, REASON_MAX);
		if (r == 0 && status != 0)
			r = ERR_DENIED;
	}
	gitchild_release(&c);
	strvec_release(&env);
	return r;
}

int
gitrun_update_refs(const struct buf *lines, char *why, size_t size)
{
	static char word_git[] = "git", word_update[] = "update-ref", word_stdin[] = "--stdin", word_deref[] = "--no-deref";
	char *const argv[] = { word_git, word_update, word_deref, word_stdin, NULL };
	char words[REASON_MAX];
	int r = gitrun_short(argv, lines, words);

	(void)snprintf(why, size, "%s", words[0] == '\0' ? "git update-ref cannot be run" : words);
	return r;
}

int
gitrun_pack_refs(void)
{
	static char word_git[] = "git", word_pack[] = "pack-refs", word_all[] = "--all";
	char *const argv[] = { word_git, word_pack, word_all, NULL };
	char words[REASON_MAX];

	return gitrun_short(argv, NULL, words) == 0 ? 0 : ERR_DENIED;
}

/* The answer of receive-pack: its advertisement, which is not needed, and its report. */
struct answer {
	struct pktline_reader	*ads;		/* owned */
	bool			 advertised;
	struct buf		*report;	/* borrowed */
};

static int
answer_take(const uint8_t *p, size_t n, void *arg)
{
	struct answer *a = arg;
	struct pktline line;
	size_t used;
	int r;

	while (n > 0 && !a->advertised) {
		if ((r = pktline_feed(a->ads, p, n, &used, &line)) != 0)
			return r == ERR_SHORT ? 0 : r;
		p += used;
		n -= used;
		a->advertised = line.type == PKTLINE_FLUSH;
	}
	return buf_put(a->report, p, n);
}

bool
gitrun_is_whole_report(const struct buf *report)
{
	size_t n = buf_len(report);

	return n >= 4 && memcmp(buf_ptr(report) + n - 4, "0000", 4) == 0;
}

#define FAULT_KEY	48	/* "receive.fsck." and the longest of their names */

/* Whether "NAME " is in the list, as a word. */
static bool
is_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; (at = strstr(at, name)) != NULL; at += n)
		if ((at == list || at[-1] == ' ') && at[n] == ' ')
			return true;
	return false;
}

/* Our own fsck has looked at the same bytes: what is no error there need not be one here. How many settings. */
static size_t
pass_over(const char *list, char keys[FSCK_IDS][FAULT_KEY], struct gitsetting *settings)
{
	size_t n = 0;

	for (int id = 0; list != NULL && id < FSCK_IDS; id++)
		if (fsck_is_gits((enum fsck_id)id) && is_listed(list, fsck_name((enum fsck_id)id))) {
			(void)snprintf(keys[n], FAULT_KEY, "receive.fsck.%s", fsck_name((enum fsck_id)id));
			settings[n] = (struct gitsetting){ keys[n], "ignore" };
			n++;
		}
	return n;
}

int
gitrun_store(const struct gitstore_params *params, struct buf *report, char *why, size_t size)
{
	static char word_git[] = "git", word_receive[] = "receive-pack", word_here[] = ".";
	char *const argv[] = { word_git, word_receive, word_here, NULL };
	struct answer a = { .ads = pktline_reader_new(PKTLINE_MAX - 4), .report = report };
	struct gitpass pass = { .head = params->order, .spool_fd = params->spool_fd,
	    .offset = params->order == NULL ? 0 : (off_t)params->pack_at, .end = (off_t)params->length, .take = answer_take, .arg = &a,
	    .idle_ms = -1 };
	struct gitsetting rights[3 + FSCK_IDS] = {
		{ "receive.denyNonFastForwards", params->allow_non_fast_forward ? "false" : "true" },
		{ "receive.denyDeletes", params->allow_deletes ? "false" : "true" },
		{ "receive.hideRefs", SHELF_REFS "review" },
	};
	size_t nrights = 3 - params->parked;
	char keys[FSCK_IDS][FAULT_KEY];
	struct gitchild c = GITCHILD_INIT;
	struct strvec env = STRVEC_INIT;
	char words[REASON_MAX];
	int status, r = ERR_NOMEM;

	why[0] = '\0';
	nrights += pass_over(params->faults, keys, rights + nrights);
	gitrun_env(&env, rights, nrights);
	if (a.ads != NULL && (r = gitchild_start(&c, GIT_PROGRAM, argv, env.v)) == 0) {
		r = gitchild_pass(&c, &pass);
		status = gitchild_end(&c, r != 0);
		gitchild_last_words(&c, words, sizeof(words));
		if (r == 0 && (status != 0 || !gitrun_is_whole_report(report))) {
			if (words[0] != '\0')
				(void)snprintf(why, size, "git receive-pack: %s", words);
			else
				(void)snprintf(why, size, "git receive-pack ended with status %d and no report", status);
			r = ERR_DENIED;
		}
	}
	if (r != 0 && why[0] == '\0')
		(void)snprintf(why, size, "git receive-pack: %s", err_text(r));
	gitchild_release(&c);
	strvec_release(&env);
	pktline_reader_free(a.ads);
	return r;
}
