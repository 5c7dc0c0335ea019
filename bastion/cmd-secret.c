/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport secret: what opens targets that know no CA. It goes to the key process, and never comes back. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/ctl.h"
#include "bastion/ctl_msg.h"

/* All of standard input, or of a file that others must not read. 0, or -1 after saying why. */
static int
secret_read(const char *path, struct buf *in)
{
	int r;

	if (path == NULL || strcmp(path, "-") == 0) {
		while ((r = buf_read(in, STDIN_FILENO, 4096)) == 0)
			;
		r = r == ERR_EOF ? 0 : r;
		path = "standard input";
	} else
		r = file_read_private(path, in);
	if (r != 0)
		fprintf(stderr, "sallyport: %s: %s\n", path, r == ERR_DENIED ? "others may read it, or it is not yours; "
		    "chmod 600 it" : err_text(r));
	return r == 0 ? 0 : -1;
}

/* A password is one line; its end is not part of it. */
static void
line_end_drop(struct buf *in)
{
	if (buf_len(in) > 0 && buf_ptr(in)[buf_len(in) - 1] == '\n')
		buf_trim(in, 1);
}

static int
put(int argc, char **argv, const struct cmd_env *env)
{
	bool key = argc == 5 && strcmp(argv[3], "--key") == 0, password = argc == 4 && strcmp(argv[3], "--password-stdin") == 0;
	struct buf *in = buf_new(CTL_STDIN_MAX);
	struct strvec words = STRVEC_INIT;
	int r = 1;

	if (!key && !password) {
		buf_free(in);
		return CMD_USAGE;
	}
	strvec_push(&words, argv[0]);
	strvec_push(&words, argv[1]);
	strvec_push(&words, argv[2]);
	strvec_push(&words, key ? "--key" : "--password");
	if (in != NULL && secret_read(key ? argv[4] : NULL, in) == 0) {
		if (password)
			line_end_drop(in);
		r = ctl_ask_hidden(env, &words, in);
	}
	strvec_release(&words);
	buf_free(in);
	return r;
}

int
cmd_secret(int argc, char **argv, const struct cmd_env *env)
{
	struct strvec words = STRVEC_INIT;
	int r;

	if (argc >= 2 && strcmp(argv[1], "put") == 0)
		return put(argc, argv, env);
	if (!(argc == 2 && strcmp(argv[1], "list") == 0) && !(argc == 3 && strcmp(argv[1], "remove") == 0))
		return CMD_USAGE;
	for (int i = 0; i < argc; i++)
		strvec_push(&words, argv[i]);
	r = ctl_ask(env, &words, NULL);
	strvec_release(&words);
	return r;
}
