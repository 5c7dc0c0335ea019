/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-client-config: the lines that put an agent's machine behind the bastion: known_hosts, ssh_config, git. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/cmd.h"
#include "bastion/conf.h"

#define KEY_MAX		4096
#define HOST_MAX	253

/* The host key's line without its comment; the caller frees. NULL and a line on stderr when it cannot be read. */
static char *
host_key_line(const struct conf *c)
{
	char *path = malloc(strlen(c->host_key) + 5), *line = NULL;
	struct buf *b = buf_new(KEY_MAX);
	int r;

	if (path == NULL || b == NULL)
		goto out;
	snprintf(path, strlen(c->host_key) + 5, "%s.pub", c->host_key);
	if ((r = file_read(path, b)) != 0) {
		fprintf(stderr, "sallyport: %s: %s\n", path, err_text(r));
		goto out;
	}
	if ((line = calloc(1, buf_len(b) + 1)) != NULL) {
		char *space;

		memcpy(line, buf_ptr(b), buf_len(b));
		line[strcspn(line, "\r\n")] = '\0';
		if ((space = strchr(line, ' ')) != NULL && (space = strchr(space + 1, ' ')) != NULL)
			*space = '\0';
	}
 out:
	buf_free(b);
	free(path);
	return line;
}

static void
print_lines(const struct conf *c, const char *host, const char *key)
{
	printf("# known_hosts: the bastion's key\n[%s]:%u %s\n\n", host, c->listen_port, key);
	printf("# ssh_config: `ssh bastion help`, `ssh LOGIN@TARGET@bastion COMMAND`\n"
	    "Host bastion\n\tHostName %s\n\tPort %u\n\tIdentitiesOnly yes\n\tIdentityFile ~/.ssh/id_agent\n"
	    "\tCertificateFile ~/.ssh/id_agent-cert.pub\n\tBatchMode yes\n\n", host, c->listen_port);
	printf("# git: repositories through the bastion\n");
	for (size_t i = 0; i < c->nupstreams; i++)
		printf("git config --global url.\"ssh://git@%s:%u/%s/\".insteadOf %s:\n", host, c->listen_port,
		    c->upstreams[i].name, c->upstreams[i].name);
}

int
cmd_client_config(int argc, char **argv, const struct cmd_env *env)
{
	struct conf *c = NULL;
	char *error = NULL, *key = NULL;
	int status = 1;

	if (argc > 2 || (argc == 2 && (argv[1][0] == '-' || !name_is_safe(argv[1], HOST_MAX))))
		return CMD_USAGE;
	if (conf_load(env->conf_path, &c, &error) != 0)
		fprintf(stderr, "sallyport: %s\n", error);
	else if ((key = host_key_line(c)) != NULL) {
		print_lines(c, argc == 2 ? argv[1] : c->listen_host, key);
		status = 0;
	}
	conf_free(c);
	free(error);
	free(key);
	return status;
}
