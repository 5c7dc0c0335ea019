/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/gitleg-shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "gitfilter/gitdir.h"
#include "gitfilter/gitrepo.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/shelf.h"

#define FOLDERS_DEPTH	16		/* of folders in folders above a repository */
#define LINES_MAX	(SHELF_NOTE_MAX * 2)
#define KEPT_LOOSE_MAX	64		/* references kept in one repository until they are gathered into one file */

struct job {
	const struct job_mode	*mode;
	char			**argv;		/* the mode's own words */
	struct buf		*out;
	enum gitleg_shelf_status status;
	bool			 over;		/* no other repository is looked at */
};

struct job_mode {
	const char	*word;
	int		 nargs;
	bool		(*check)(char **argv);
	void		(*visit)(struct job *, struct gitrepo *, const char *path);
};

/* The folder's repositories, and their paths below it; a repository is not searched for others. Links are not followed. */
static void
visit_folder(struct job *j, int dir, const char *path, unsigned depth)
{
	DIR *d = fdopendir(dir);
	const struct dirent *e;
	struct gitrepo *repo;
	char why[REASON_MAX], *below;
	int fd;

	while (d != NULL && !j->over && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || (fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
			continue;
		below = path[0] == '\0' ? strdup(e->d_name) : file_join(path, e->d_name);
		if (below == NULL)
			fatal("out of memory");
		if (gitdir_is_bare(fd) && fchdir(fd) == 0 && gitrepo_open(&repo, why, sizeof(why)) == 0) {
			j->mode->visit(j, repo, below);
			gitrepo_close(repo);
			close(fd);
		} else if (depth > 0 && !gitdir_is_bare(fd))
			visit_folder(j, fd, below, depth - 1);
		else
			close(fd);
		free(below);
	}
	if (d != NULL)
		(void)closedir(d);
	else
		close(dir);
}

static void
restore_visit(struct job *j, struct gitrepo *repo, const char *path)
{
	struct shelf_item item;

	if (shelf_find(repo, SHELF_KEPT, j->argv[0], &item) != 0)
		return;
	(void)buf_putf(j->out, "repository %s\n", path);
	j->status = shelf_restore(repo, &item, j->argv[1], (int64_t)time(NULL), j->out) == 0 ? GITLEG_SHELF_DONE :
	    GITLEG_SHELF_REFUSED;
	j->over = true;
	shelf_release(&item);
}

static bool
restore_check_words(char **argv)
{
	return id_is(argv[0], "REQ-", REQUEST_ID_LEN) && id_is(argv[1], "REQ-", REQUEST_ID_LEN);
}

static int
count_ref(const char *name, const char *oid, void *arg)
{
	unsigned *np = arg;

	(void)name;
	(void)oid;
	(*np)++;
	return 0;
}

static bool
is_seconds(const char *s)
{
	return strspn(s, "0123456789") == strlen(s) && s[0] != '\0' && strlen(s) < 12;
}

static bool
sweep_check_words(char **argv)
{
	return is_seconds(argv[0]) && is_seconds(argv[1]);
}

/* The value of "KEY VALUE" in a note, cut at 100 bytes; "" when there is none. */
static void
note_value(const struct buf *note, const char *key, char out[101])
{
	const char *p = (const char *)buf_ptr(note), *end;
	size_t n = buf_len(note), nkey = strlen(key), len;

	out[0] = '\0';
	for (; n > 0 && *p != '\n' && (end = memchr(p, '\n', n)) != NULL; n -= (size_t)(end - p) + 1, p = end + 1)
		if ((len = (size_t)(end - p)) > nkey && memcmp(p, key, nkey) == 0 && p[nkey] == ' ') {
			text_clean(out, 101, p + nkey + 1, len - nkey - 1);
			return;
		}
}

struct listing {
	struct job	*job;
	const char	*path;
};

static void
list_take(const struct shelf_item *item, void *arg)
{
	const struct listing *l = arg;
	char identity[101], owner[101], rule[101], at[32] = "?";
	time_t when = (time_t)item->at;
	struct tm tm;

	note_value(item->note, "identity", identity);
	note_value(item->note, "owner", owner);
	note_value(item->note, "rule", rule);
	if (gmtime_r(&when, &tm) != NULL)
		(void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (buf_putf(l->job->out, "%s %s %s owner=%s rule=%s repository=%s", item->request, at, identity, owner[0] != '\0' ? owner : "-",
	    rule, l->path) == 0)
		for (size_t i = 0; i < item->n; i++)
			(void)buf_putf(l->job->out, " %s", item->cmds[i].name);
	(void)buf_putf(l->job->out, "\n");
}

static void
list_visit(struct job *j, struct gitrepo *repo, const char *path)
{
	struct listing l = { j, path };

	j->status = GITLEG_SHELF_DONE;
	if (shelf_each_parked(repo, list_take, &l) != 0)
		log_warn("%s: what is parked cannot be read", path);
}

static bool
no_words(char **argv)
{
	(void)argv;
	return true;
}

static bool
request_word(char **argv)
{
	return id_is(argv[0], "REQ-", REQUEST_ID_LEN);
}

static bool
release_words(char **argv)
{
	return request_word(argv) && (strcmp(argv[1], "0") == 0 || strcmp(argv[1], "1") == 0);
}

static void
note_visit(struct job *j, struct gitrepo *repo, const char *path)
{
	struct shelf_item item;

	if (shelf_parked(repo, j->argv[0], &item) != 0)
		return;
	j->over = true;
	j->status = buf_putf(j->out, "repository %s\n", path) == 0 &&
	    buf_put(j->out, buf_ptr(item.note), buf_len(item.note)) == 0 ? GITLEG_SHELF_DONE : GITLEG_SHELF_REFUSED;
	shelf_release(&item);
}

static void
release_visit(struct job *j, struct gitrepo *repo, const char *path)
{
	struct shelf_item item;

	if (shelf_parked(repo, j->argv[0], &item) != 0)
		return;
	(void)buf_putf(j->out, "repository %s\n", path);
	j->over = true;
	j->status = shelf_land(repo, &item, j->argv[1][0] == '1', (int64_t)time(NULL), j->out) == 0 ? GITLEG_SHELF_DONE :
	    GITLEG_SHELF_REFUSED;
	shelf_release(&item);
}

static void
drop_visit(struct job *j, struct gitrepo *repo, const char *path)
{
	struct shelf_item item;

	if (shelf_parked(repo, j->argv[0], &item) != 0)
		return;
	(void)buf_putf(j->out, "repository %s\n", path);
	j->over = true;
	j->status = shelf_drop(repo, &item, j->out) == 0 ? GITLEG_SHELF_DONE : GITLEG_SHELF_REFUSED;
	shelf_release(&item);
}

struct old_parked {
	struct job	*job;
	struct gitrepo	*repo;
	int64_t		 before;
};

static void
sweep_parked(const struct shelf_item *item, void *arg)
{
	const struct old_parked *o = arg;

	if (item->at < o->before)
		(void)shelf_drop(o->repo, item, o->job->out);
}

static void
sweep_visit(struct job *j, struct gitrepo *repo, const char *path)
{
	int n = shelf_expire(repo, SHELF_KEPT, (int64_t)time(NULL) - atoll(j->argv[0]));
	struct old_parked parked = { j, repo, (int64_t)time(NULL) - atoll(j->argv[1]) };
	unsigned left = 0;

	j->status = GITLEG_SHELF_DONE;
	(void)shelf_each_parked(repo, sweep_parked, &parked);
	if (n < 0)
		log_warn("%s: what was kept too long cannot be dropped: %s", path, err_text(n));
	else if (n > 0)
		(void)buf_putf(j->out, "%s: %d\n", path, n);
	if (gitrepo_each_ref(repo, SHELF_REFS "*", count_ref, &left) == 0 && left > KEPT_LOOSE_MAX)
		(void)gitrun_pack_refs();
}

static const struct job_mode modes[] = {
	{ "restore", 2, restore_check_words, restore_visit },
	{ "sweep", 2, sweep_check_words, sweep_visit },
	{ "parked", 0, no_words, list_visit },
	{ "note", 1, request_word, note_visit },
	{ "release", 2, release_words, release_visit },
	{ "drop", 1, request_word, drop_visit },
};

/* From here on the folder with all its repositories, and the programs and libraries that git is made of. */
static int
shelf_enter(const char *dir)
{
	static const struct sandbox_path paths[] = {
		{ ".", SANDBOX_WRITE }, { "/usr", SANDBOX_READ }, { "/bin", SANDBOX_READ }, { "/lib", SANDBOX_READ },
		{ "/lib64", SANDBOX_READ }, { "/etc", SANDBOX_READ }, { "/opt", SANDBOX_READ }, { "/dev/null", SANDBOX_WRITE },
		{ "/dev/urandom", SANDBOX_READ },
	};
	int fd;

	if (chdir(dir) == -1 || sandbox_paths(paths, sizeof(paths) / sizeof(paths[0])) != 0 ||
	    (fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	return fd;
}

int
gitleg_shelf(int argc, char **argv)
{
	struct job j = { .argv = argv + 2, .status = GITLEG_SHELF_NOT_HERE };
	int fd;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[0], modes[i].word) == 0 && argc == modes[i].nargs + 2 && modes[i].check(argv + 2))
			j.mode = &modes[i];
	if (j.mode == NULL || (j.out = buf_new(LINES_MAX)) == NULL)
		return GITLEG_SHELF_USAGE;
	if ((fd = shelf_enter(argv[1])) == -1) {
		(void)buf_putf(j.out, "the folder of repositories cannot be entered\n");
		j.status = GITLEG_SHELF_REFUSED;
	} else
		visit_folder(&j, fd, "", FOLDERS_DEPTH);
	if (file_write_all(STDOUT_FILENO, buf_ptr(j.out), buf_len(j.out)) != 0)
		log_error("nobody reads what was done");
	buf_free(j.out);
	return (int)j.status;
}
