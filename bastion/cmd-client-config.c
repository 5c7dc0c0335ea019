/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-client-config: what `ssh BASTION join` and `leave` print, for whoever prepares an agent's machine beforehand. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/strvec.h"
#include "bastion/cmd.h"
#include "bastion/conf.h"
#include "bastion/policy/decide.h"
#include "bastion/ssh/client-script.h"

/* What the command line says; the words that client_options knows are passed on to it. */
struct call {
	struct strvec		 words, groups;
	struct subject		 who;
	enum client_form	 form;
};

static void
read_words(struct call *k, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--script") == 0)
			k->form = CLIENT_JOIN;
		else if (strcmp(argv[i], "--leave") == 0)
			k->form = CLIENT_LEAVE;
		else if (strcmp(argv[i], "--as") == 0 && value != NULL)
			k->who.identity = argv[++i];
		else if (strcmp(argv[i], "--owner") == 0 && value != NULL)
			k->who.owner = argv[++i];
		else if (strcmp(argv[i], "--group") == 0 && value != NULL)
			strvec_push(&k->groups, argv[++i]);
		else
			strvec_push(&k->words, argv[i]);
	}
}

static int
print(const struct client_facts *f, enum client_form form)
{
	struct buf *b = buf_new(CLIENT_SCRIPT_MAX);
	int r;

	if (b == NULL)
		fatal("out of memory");
	if ((r = client_script(f, form, b)) == ERR_FORMAT)
		fprintf(stderr, "sallyport: agents do not reach the bastion as it listens; add --address HOST:PORT, "
		    "or set public_address\n");
	else if (r != 0)
		fprintf(stderr, "sallyport: %s\n", err_text(r));
	else
		(void)fwrite(buf_ptr(b), 1, buf_len(b), stdout);
	buf_free(b);
	return r == 0 ? 0 : 1;
}

static bool
take_keys(const struct conf *c, struct strvec *keys)
{
	char *line = cmd_public_key(c->host_key);

	if (line == NULL) {
		fprintf(stderr, "sallyport: %s.pub: cannot be read\n", c->host_key);
		return false;
	}
	strvec_take(keys, line);
	if ((line = cmd_public_key(c->next_host_key)) != NULL)
		strvec_take(keys, line);
	return true;
}

int
cmd_client_config(int argc, char **argv, const struct cmd_env *env)
{
	struct call k = { .form = CLIENT_PRINT };
	struct strvec keys = STRVEC_INIT;
	struct client_facts f = { .host_keys = &keys };
	struct conf *c = NULL;
	char *error = NULL;
	const char *wrong;
	int status = 1;

	k.who.groups = &k.groups;
	read_words(&k, argc, argv);
	if (k.who.identity != NULL)
		f.who = &k.who;
	if ((wrong = client_options(&k.words, 0, &f, &k.form)) != NULL) {
		fprintf(stderr, "sallyport: %s\n", wrong);
		status = CMD_USAGE;
	} else if (conf_load(env->conf_path, &c, &error) != 0)
		fprintf(stderr, "sallyport: %s\n", error);
	else if (take_keys(c, &keys)) {
		f.conf = c;
		status = print(&f, k.form);
	}
	conf_free(c);
	free(error);
	strvec_release(&keys);
	strvec_release(&k.words);
	strvec_release(&k.groups);
	return status;
}
