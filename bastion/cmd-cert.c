/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport cert and sallyport ca: read the key file here, have the rest done by the daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/ctl.h"
#include "bastion/ctl_msg.h"

static bool
word_is(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

/* A public key file, or standard input for "-". 0, or -1 after saying why. */
static int
key_read(const char *path, struct buf *in)
{
	int r;

	if (strcmp(path, "-") == 0) {
		while ((r = buf_read(in, STDIN_FILENO, 4096)) == 0)
			;
		r = r == ERR_EOF ? 0 : r;
	} else {
		r = file_read(path, in);
	}
	if (r != 0)
		fprintf(stderr, "sallyport: %s: %s\n", path, err_text(r));
	else if (buf_len(in) >= 10 && memcmp(buf_ptr(in), "-----BEGIN", 10) == 0) {
		/* It stays here: a private key has nothing to do in the daemon. */
		fprintf(stderr, "sallyport: %s is a private key; give the public one, %s.pub\n", path, path);
		r = ERR_FORMAT;
	}
	return r == 0 ? 0 : -1;
}

/* cert issue: --key FILE becomes --key - and the file's text. */
static int
issue_words(int argc, char **argv, struct strvec *words, struct buf *in)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--key") == 0 && i + 1 < argc) {
			if (key_read(argv[++i], in) == -1)
				return 1;
			strvec_push(words, "--key");
			strvec_push(words, "-");
		} else {
			strvec_push(words, argv[i]);
		}
	}
	return 0;
}

/* cert revoke: an argument that is a file's name means the key or certificate in it. */
static int
revoke_words(int argc, char **argv, struct strvec *words, struct buf *in)
{
	struct stat st;

	if (argc != 3)
		return CMD_USAGE;
	if (strcmp(argv[2], "-") == 0 || (stat(argv[2], &st) == 0 && S_ISREG(st.st_mode))) {
		strvec_push(words, "-");
		return key_read(argv[2], in) == -1;
	}
	strvec_push(words, argv[2]);
	return 0;
}

static int
ask(int argc, char **argv, const struct cmd_env *env)
{
	struct strvec words = STRVEC_INIT;
	struct buf *in = buf_new(CTL_STDIN_MAX);
	int r = in == NULL || argc > CTL_ARGS_MAX;

	strvec_push(&words, argv[0]);
	strvec_push(&words, argv[1]);
	if (r == 0 && strcmp(argv[1], "issue") == 0)
		r = issue_words(argc, argv, &words, in);
	else if (r == 0 && strcmp(argv[1], "revoke") == 0)
		r = revoke_words(argc, argv, &words, in);
	else
		for (int i = 2; i < argc; i++)
			strvec_push(&words, argv[i]);
	if (r == 0)
		r = ctl_ask(env, &words, in);
	strvec_release(&words);
	buf_free(in);
	return r;
}

int
cmd_cert(int argc, char **argv, const struct cmd_env *env)
{
	static const char *const verbs[] = { "issue", "revoke", "list", NULL };

	return argc < 2 || !word_is(argv[1], verbs) ? CMD_USAGE : ask(argc, argv, env);
}

int
cmd_ca(int argc, char **argv, const struct cmd_env *env)
{
	static const char *const verbs[] = { "show", NULL };

	return argc != 2 || !word_is(argv[1], verbs) ? CMD_USAGE : ask(argc, argv, env);
}
