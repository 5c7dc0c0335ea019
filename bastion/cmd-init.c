/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport init DIR: a state directory with all keys, a configuration and a first policy. Never touches what exists.
 */
#include <dirent.h>
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
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"
#include "bastion/cmd.h"
#include "bastion/conf_template.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/keystore.h"
#include "bastion/ident/sshkey.h"

#define NAME_RANDOM	8	/* characters that tell two logs of one host apart */
#define HOST_MAX	64

/* One line on stderr; -1 for the caller to hand on. */
static int
fail(const char *path, const char *why)
{
	fprintf(stderr, "sallyport: init: %s: %s\n", path, why);
	return -1;
}

/* Whether a folder holds nothing. 1, 0, or -1 with errno. */
static int
dir_is_empty(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	int empty = 1;

	if (d == NULL)
		return -1;
	while (empty && (e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(d);
	return empty;
}

/* Make the folder, or take one that exists and is empty. */
static int
dir_take(const char *path)
{
	char *conf = file_join(path, "sallyport.yaml");
	bool ours = access(conf, F_OK) == 0;
	int empty;

	free(conf);
	if (ours)
		return fail(path, "exists and is a state directory already; nothing was changed");
	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return fail(path, strerror(errno));
	if ((empty = dir_is_empty(path)) == -1)
		return fail(path, strerror(errno));
	if (!empty)
		return fail(path, "is not empty; give a new directory");
	return chmod(path, 0700) == -1 ? fail(path, strerror(errno)) : 0;
}

static int
dirs_make(const char *dir)
{
	static const char *const names[] = { "keys", "ca", "audit", "recordings", "spool", "repos", "run" };
	char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		path = file_join(dir, names[i]);
		if (mkdir(path, 0700) == -1)
			r = fail(path, strerror(errno));
		free(path);
	}
	return r;
}

/* The name of this bastion's audit log, for good: the host, and something that no other log of it has. */
static char *
audit_name(void)
{
	char host[HOST_MAX + 1] = "", tail[ID_TEXT];

	if (gethostname(host, sizeof(host) - 1) == -1 || !name_is_safe(host, HOST_MAX) || strpbrk(host, "+/@") != NULL)
		(void)snprintf(host, sizeof(host), "bastion");
	id_make("", NAME_RANDOM, tail);
	return xasprintf("%s/sallyport-%s", host, tail);
}

static int
keys_make(const char *dir)
{
	char *keys = file_join(dir, "keys"), *name = audit_name();
	int r = keystore_create(keys, NULL, name);

	if (r != 0)
		r = fail(keys, err_text(r));
	free(name);
	free(keys);
	return r;
}

static int
text_write(const char *dir, const char *name, const char *text)
{
	char *path = file_join(dir, name);
	int r = file_write(path, text, strlen(text), 0600);

	if (r != 0)
		r = fail(path, err_text(r));
	free(path);
	return r;
}

/* "WHAT FINGERPRINT (PATH)" of a public key that was just made. */
static void
print_key(const char *dir, const char *what, const char *name)
{
	char *path = file_join(dir, name), *fingerprint = NULL;
	struct buf *b = buf_new(SSHKEY_LINE_MAX);
	uint8_t *blob = NULL;
	size_t n;

	if (b != NULL && file_read(path, b) == 0 && sshkey_from_line(buf_ptr(b), buf_len(b), &blob, &n) == 0)
		fingerprint = key_fingerprint(blob, n);
	printf("  %-10s %s (%s)\n", what, fingerprint == NULL ? "?" : fingerprint, path);
	free(fingerprint);
	free(blob);
	buf_free(b);
	free(path);
}

static void
print_next(const char *dir)
{
	printf("Made %s\n", dir);
	print_key(dir, "user CA", "keys/user_ca.pub");
	print_key(dir, "host key", "keys/host_ed25519.pub");
	printf("\nNext:\n"
	    "  1. Let each target trust the CA: copy %s/keys/user_ca.pub to it as\n"
	    "     /etc/ssh/sallyport_ca.pub, put into its sshd_config\n"
	    "         TrustedUserCAKeys /etc/ssh/sallyport_ca.pub\n"
	    "     and name it under targets: in %s/sallyport.yaml\n", dir, dir);
	printf("  2. Read %s/policy.yaml: what it does not allow is denied.\n", dir);
	printf("  3. Check, then start:\n"
	    "         sallyportd -t -f %s/sallyport.yaml\n"
	    "         sallyportd -f %s/sallyport.yaml\n", dir, dir);
	printf("  4. Give an agent its first certificate, and let it look around:\n"
	    "         ssh-keygen -q -t ed25519 -N '' -f id_agent\n"
	    "         sallyport -f %s/sallyport.yaml cert issue --identity agent/ci \\\n"
	    "             --owner human/you --key id_agent.pub >id_agent-cert.pub\n"
	    "         ssh -p 2222 -i id_agent localhost whoami\n"
	    "     Its machine is behind the bastion after: ssh -p 2222 -i id_agent BASTION join | sh\n", dir);
	printf("Keep %s/keys/master apart from backups of the rest: it opens them.\n", dir);
}

int
cmd_init(int argc, char **argv, const struct cmd_env *env)
{
	char *dir;
	int r;

	(void)env;
	if (argc != 2 || argv[1][0] == '\0' || argv[1][0] == '-')
		return CMD_USAGE;
	(void)umask(077);
	if (dir_take(argv[1]) != 0)
		return 1;
	if ((dir = realpath(argv[1], NULL)) == NULL) {
		(void)fail(argv[1], strerror(errno));
		return 1;
	}
	/* The configuration comes last: where it is, all the rest is. */
	r = dirs_make(dir);
	if (r == 0)
		r = keys_make(dir);
	if (r == 0)
		r = text_write(dir, "policy.yaml", conf_template_policy());
	if (r == 0)
		r = text_write(dir, "sallyport.yaml", conf_template_main());
	if (r == 0)
		print_next(dir);
	free(dir);
	return r == 0 ? 0 : 1;
}
