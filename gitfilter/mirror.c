/* SPDX-License-Identifier: Apache-2.0 */
/* How a mirror is kept: entering it, comparing it with the upstream, fetching, clearing away. Pushing is mirror-push.c. */
#include "gitfilter/mirror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/gitchild.h"
#include "gitfilter/gitrepo.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/mirror_int.h"
#include "gitfilter/remote.h"

#define NAME_MAX_BYTES	240	/* a file's name is 255 bytes at most */
#define FETCH_IDLE_MS	120000	/* silence of a fetch, which tells how far it is */
#define SSH_SETTINGS	2	/* so many of them are not about HTTP */
#define PACKS_MAX	50	/* beyond it the packs are gathered into fewer */

int
mirror_enter(const char *upstream_dir, const char *name, char *why, size_t size)
{
	char file[NAME_MAX_BYTES + 8], *path;
	int r = 0;

	if (!name_is_safe(name, NAME_MAX_BYTES)) {
		(void)snprintf(why, size, "this is not the name of a repository, or it is too long");
		return ERR_FORMAT;
	}
	(void)snprintf(file, sizeof(file), "%s.git", name);
	for (char *s = file; (s = strchr(s, '/')) != NULL; )
		*s = '%';
	path = xasprintf("%s/%s", upstream_dir, file);
	(void)mkdir(upstream_dir, 0700);
	if ((mkdir(path, 0700) == -1 && errno != EEXIST) || chdir(path) == -1) {
		(void)snprintf(why, size, "the mirror's folder cannot be entered: %s", strerror(errno));
		r = ERR_SYSTEM;
	}
	free(path);
	return r;
}

int
mirror_open_repo(struct gitrepo **repop, char *why, size_t size)
{
	int r = 0;

	if (access("HEAD", F_OK) == -1 || access("refs", F_OK) == -1 || access("objects", F_OK) == -1 || access("config", F_OK) == -1)
		r = gitrepo_make(why, size);
	return r != 0 ? r : gitrepo_open(repop, why, size);
}

static bool
is_mirrored(const struct remote_place *place, const char *name)
{
	for (size_t i = 0; i < place->refs.n; i++)
		if (strncmp(name, place->refs.v[i], strlen(place->refs.v[i]) - 1) == 0)
			return true;
	return false;
}

struct comparison {
	const struct remote		*remote;
	size_t				 here;
};

static int
compare_ref(const char *name, const char *oid, void *arg)
{
	struct comparison *c = arg;

	c->here++;
	return strcmp(remote_oid(c->remote, name), oid) == 0 ? 0 : 1;
}

/* Whether the mirror has exactly the upstream's references, as far as they are mirrored. */
static bool
mirror_is_fresh(struct gitrepo *repo, const struct remote_place *place, const struct remote *remote)
{
	struct comparison c = { .remote = remote };
	const struct push_ref *refs;
	size_t n, there = 0;

	refs = remote_refs(remote, &n);
	for (size_t i = 0; i < n; i++)
		there += is_mirrored(place, refs[i].name);
	for (size_t i = 0; i < place->refs.n; i++)
		if (gitrepo_each_ref(repo, place->refs.v[i], compare_ref, &c) != 0)
			return false;
	return c.here == there;
}

void
mirror_remove_incoming(const char *dir)
{
	static const char *const inside[] = { "/pack", "" };

	for (size_t i = 0; i < 2; i++) {
		char *path = xasprintf("%s%s", dir, inside[i]);
		DIR *d = opendir(path);
		struct dirent *e;

		while (d != NULL && (e = readdir(d)) != NULL)
			if (e->d_name[0] != '.')
				(void)unlinkat(dirfd(d), e->d_name, 0);
		if (d != NULL)
			(void)closedir(d);
		(void)rmdir(path);
		free(path);
	}
}

/* What processes that were killed have left: a push's objects, whose folder nobody holds any more, and halves of packs. */
static void
mirror_clear(void)
{
	DIR *d = opendir("."), *packs = opendir("objects/pack");
	struct dirent *e;
	int fd;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, INCOMING, strlen(INCOMING)) != 0 || (fd = open(e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			mirror_remove_incoming(e->d_name);
		close(fd);
	}
	while (packs != NULL && (e = readdir(packs)) != NULL)
		if (strncmp(e->d_name, "tmp_", 4) == 0)
			(void)unlinkat(dirfd(packs), e->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
	if (packs != NULL)
		(void)closedir(packs);
}

/* Run git with these words to its end. 0, or ERR_DENIED, ERR_EXPIRED, ERR_SYSTEM with the last of what it said. */
static int
mirror_git(const struct strvec *argv, const struct strvec *env, int extra, int idle_ms, char words[REASON_MAX])
{
	const struct gitpass pass = { .spool_fd = -1, .idle_ms = idle_ms };
	struct gitchild c = GITCHILD_INIT;
	int r, status;

	words[0] = '\0';
	if ((r = gitchild_start_with(&c, GIT_PROGRAM, argv->v, env->v, extra)) == 0) {
		r = gitchild_pass(&c, &pass);
		status = gitchild_end(&c, r != 0);
		gitchild_complaint(&c, words, REASON_MAX);
		if (r == 0 && status != 0)
			r = ERR_DENIED;
	}
	gitchild_release(&c);
	return r;
}

/* What git's credential helper will say, in a pipe that only that git inherits. -1 = no descriptors. */
static int
mirror_secret(const struct webplace *w)
{
	char *line = xasprintf("username=%s\npassword=%s\n", w->user, w->password);
	int fd[2] = { -1, -1 };

	if (pipe2(fd, O_CLOEXEC) == 0) {
		(void)file_write_all(fd[1], line, strlen(line));	/* far less than a pipe holds */
		close(fd[1]);
	}
	freezero(line, strlen(line));
	return fd[0];
}

static int
mirror_fetch(const struct remote_place *place, char *why, size_t size)
{
	static const char *const words[] = { "git", "fetch", "--progress", "--no-tags", "--prune", "--force", "--no-write-fetch-head",
		"--no-auto-maintenance", "--no-recurse-submodules", "--" };
	const struct webplace *w = &place->web;
	const struct gitsetting settings[] = {
		{ "protocol.version", "2" }, { "transfer.fsckObjects", "false" }, { "http.followRedirects", "false" },
		{ "credential.username", w->user }, { "credential.helper", "" }, { "credential.helper", "!f() { cat <&3; }; f" },
		{ "http.proxy", w->proxy }, { w->ca != NULL && w->ca[0] != '\0' ? "http.sslCAInfo" : "http.x", w->ca },
	};
	struct strvec argv = STRVEC_INIT, env = STRVEC_INIT;
	char *ssh = NULL, said[REASON_MAX];
	int r, secret = -1;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		strvec_push(&argv, words[i]);
	if (w->url != NULL)
		strvec_push(&argv, w->url);
	else
		strvec_pushf(&argv, "ssh://%s@upstream/%s", place->login, place->path + (place->path[0] == '/'));
	for (size_t i = 0; i < place->refs.n; i++)
		strvec_pushf(&argv, "+%s:%s", place->refs.v[i], place->refs.v[i]);
	gitrun_env(&env, settings, w->url != NULL ? sizeof(settings) / sizeof(settings[0]) : SSH_SETTINGS);
	if (w->url != NULL) {
		secret = mirror_secret(w);
		strvec_push(&env, "GIT_ALLOW_PROTOCOL=http:https");
	} else {
		ssh = remote_ssh_command(place);
		strvec_pushf(&env, "GIT_SSH_COMMAND=%s", ssh);
		strvec_push(&env, "GIT_SSH_VARIANT=ssh");
		strvec_push(&env, "GIT_ALLOW_PROTOCOL=ssh");
	}
	if ((r = mirror_git(&argv, &env, secret, FETCH_IDLE_MS, said)) == ERR_EXPIRED)
		(void)snprintf(why, size, "the upstream cannot be reached: the fetch from it came to a halt");
	else if (r != 0)
		(void)snprintf(why, size, "the mirror could not be brought up to date: %.100s", said[0] == '\0' ? "git fetch failed" : said);
	if (secret != -1)
		close(secret);
	strvec_release(&argv);
	strvec_release(&env);
	free(ssh);
	return r;
}

static unsigned
count_packs(void)
{
	DIR *d = opendir("objects/pack");
	struct dirent *e;
	unsigned n = 0;
	size_t len;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += (len = strlen(e->d_name)) > 5 && strcmp(e->d_name + len - 5, ".pack") == 0;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

/* Each push leaves a pack. Now and then they become fewer: the small ones into larger, which costs what the small ones weigh. */
static void
mirror_tidy(void)
{
	static const char *const words[] = { "git", "repack", "-d", "-q", "--geometric=2" };
	struct strvec argv = STRVEC_INIT, env = STRVEC_INIT;
	char said[REASON_MAX];

	if (count_packs() <= PACKS_MAX)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		strvec_push(&argv, words[i]);
	gitrun_env(&env, NULL, 0);
	(void)mirror_git(&argv, &env, -1, -1, said);
	strvec_release(&argv);
	strvec_release(&env);
}

int
mirror_follow(struct gitrepo *repo, const struct remote_place *place, struct remote *remote, char *why, size_t size)
{
	int r = 0, lock;

	if (remote_head(remote) != NULL)
		(void)gitrepo_set_head(repo, remote_head(remote));
	if (mirror_is_fresh(repo, place, remote))
		return 0;
	if ((lock = open("update.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1 || flock(lock, LOCK_EX) == -1) {
		(void)snprintf(why, size, "the mirror cannot be locked: %s", strerror(errno));
		r = ERR_SYSTEM;
	} else if (!mirror_is_fresh(repo, place, remote)) {	/* whoever held the lock may have done it */
		mirror_clear();
		if ((r = mirror_fetch(place, why, size)) == 0)
			mirror_tidy();
	}
	if (lock != -1)
		close(lock);
	return r;
}
