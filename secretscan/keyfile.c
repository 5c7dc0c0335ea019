/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/keyfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretscan/alloc.h"
#include "secretscan/given.h"

/* Caller frees; NULL when there is no such folder. */
static char *
default_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		return xasprintf("%s/secretscan/key", config);
	return home != NULL && home[0] == '/' ? xasprintf("%s/.config/secretscan/key", home) : NULL;
}

int
keyfile_read(const char *path, uint8_t key[KEYFILE_LEN], bool *nonep, char **errorp)
{
	const char *why = NULL;
	char *fallback = NULL;
	size_t got = 0;
	uint8_t more;
	ssize_t n = 0;
	int fd = -1;

	*errorp = NULL;
	*nonep = false;
	memset(key, 0, KEYFILE_LEN);
	if (path == NULL)
		path = getenv("SECRETSCAN_KEY_FILE");
	if (path == NULL)
		path = fallback = default_path();
	if (path == NULL || ((fd = given_open(path, &why)) == -1 && fallback != NULL && errno == ENOENT)) {
		*nonep = true;
		goto out;
	}
	if (fd == -1) {
		*errorp = xasprintf("%s: %s", path, why);
		goto out;
	}
	/* A pipe gives it in parts. */
	while (got < KEYFILE_LEN && (n = read(fd, key + got, KEYFILE_LEN - got)) > 0)
		got += (size_t)n;
	if (got != KEYFILE_LEN || read(fd, &more, 1) != 0)
		*errorp = xasprintf("%s: a key file holds exactly 32 bytes", path);
out:
	if (fd != -1)
		close(fd);
	free(fallback);
	return *errorp == NULL ? 0 : -1;
}
