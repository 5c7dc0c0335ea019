/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd-host-key: the bastion's own host key and its successor. OpenSSH's own announcement of new host keys cannot be
 * sent with libssh, so clients learn of the next key from the present one in words: `join` and `host-keys` name both.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/cmd.h"
#include "bastion/conf.h"
#include "bastion/ctl.h"
#include "bastion/ident/keystore.h"
#include "bastion/ident/sshkey.h"

/* A key file, its public half, and what they are called when another takes their place. */
struct key_files {
	char	*private, *public;
};

static struct key_files
files_of(const char *path, const char *suffix)
{
	return (struct key_files){ xasprintf("%s%s", path, suffix), xasprintf("%s%s.pub", path, suffix) };
}

static void
files_free(struct key_files *k)
{
	free(k->private);
	free(k->public);
}

static int
fail(const char *path, const char *why)
{
	fprintf(stderr, "sallyport: %s: %s\n", path, why);
	return 1;
}

static bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

char *
cmd_public_key(const char *private_path)
{
	char *path = xasprintf("%s.pub", private_path), *line = NULL;
	struct buf *b = buf_new(SSHKEY_LINE_MAX);
	uint8_t *blob = NULL;
	size_t n;

	if (b != NULL && file_read(path, b) == 0 && sshkey_from_line(buf_ptr(b), buf_len(b), &blob, &n) == 0)
		line = sshkey_to_line(blob, n, NULL);
	free(blob);
	buf_free(b);
	free(path);
	return line;
}

static void
show_one(const char *what, const char *path)
{
	char *line = cmd_public_key(path);

	if (line != NULL)
		printf("%-8s %s\n", what, line);
	free(line);
}

static int
show(const struct conf *c)
{
	char *line = cmd_public_key(c->host_key);

	if (line == NULL) {
		free(line);
		return fail(c->host_key, "its .pub file cannot be read");
	}
	free(line);
	show_one("present", c->host_key);
	show_one("next", c->next_host_key);
	return 0;
}

/* Whoever runs this, the daemon must be able to read what it makes. */
static int
give_to_owner(const char *path, const struct stat *like)
{
	return geteuid() == 0 && lchown(path, like->st_uid, like->st_gid) == -1 ? fail(path, strerror(errno)) : 0;
}

static int
next(const struct conf *c)
{
	struct key_files k = files_of(c->next_host_key, "");
	struct stat like;
	int status = 1, r;

	if (exists(k.private))
		(void)fail(k.private, "is made already; clients are told of it until: sallyport host-key rotate");
	else if (stat(c->host_key, &like) == -1)
		(void)fail(c->host_key, strerror(errno));
	else if ((r = keystore_create_host_key(c->next_host_key)) != 0)
		(void)fail(k.private, err_text(r));
	else
		status = give_to_owner(k.private, &like) | give_to_owner(k.public, &like);
	if (status == 0)
		printf("Made %s. Clients learn of it by `ssh BASTION join --refresh | sh`; when all have: sallyport "
		    "host-key rotate\n",
		    k.private);
	files_free(&k);
	return status;
}

static int
move(const char *from, const char *to)
{
	return rename(from, to) == -1 ? fail(from, strerror(errno)) : 0;
}

/* The present key is kept beside as .old, its place is never empty: a crash in between leaves one key or the other. */
static int
rotate(const struct conf *c)
{
	struct key_files now = files_of(c->host_key, ""), next_key = files_of(c->next_host_key, ""),
	    old = files_of(c->host_key, ".old");
	int status = 1;

	if (!exists(next_key.private))
		(void)fail(next_key.private, "there is no next key; make it with: sallyport host-key next");
	else if ((unlink(old.private) == -1 && errno != ENOENT) || link(now.private, old.private) == -1)
		(void)fail(old.private, strerror(errno));
	else if ((unlink(old.public) == -1 && errno != ENOENT) || (exists(now.public) && link(now.public,
	    old.public) == -1))
		(void)fail(old.public, strerror(errno));
	else
		status = move(next_key.public, now.public) != 0 || move(next_key.private, now.private) != 0;
	if (status == 0)
		printf("%s is the former next key now; the former one is kept in %s\n", now.private, old.private);
	files_free(&now);
	files_free(&next_key);
	files_free(&old);
	return status;
}

/* A running daemon takes it up at once; live sessions go on. */
static int
tell_daemon(const struct conf *c)
{
	struct strvec words = STRVEC_INIT;
	char *path = file_join(c->state_dir, CTL_SOCKET);
	int status = 0;

	strvec_push(&words, "reload");
	if (exists(path))
		status = ctl_run(c->state_dir, &words, NULL);
	else
		printf("No daemon runs; it takes effect when one is started.\n");
	strvec_release(&words);
	free(path);
	return status;
}

int
cmd_host_key(int argc, char **argv, const struct cmd_env *env)
{
	struct conf *c = NULL;
	char *error = NULL;
	int status = 1;

	if (argc != 2 || (strcmp(argv[1], "show") != 0 && strcmp(argv[1], "next") != 0 && strcmp(argv[1],
	    "rotate") != 0))
		return CMD_USAGE;
	if (conf_load(env->conf_path, &c, &error) != 0)
		fprintf(stderr, "sallyport: %s\n", error);
	else if (strcmp(argv[1], "show") == 0)
		status = show(c);
	else if ((status = strcmp(argv[1], "next") == 0 ? next(c) : rotate(c)) == 0)
		status = tell_daemon(c);
	conf_free(c);
	free(error);
	return status;
}
