/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secretscan/alloc.h"

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
	char *fallback = NULL;
	uint8_t more;
	int fd = -1;

	*errorp = NULL;
	*nonep = false;
	memset(key, 0, KEYFILE_LEN);
	if (path == NULL)
		path = getenv("SECRETSCAN_KEY_FILE");
	if (path == NULL)
		path = fallback = default_path();
	if (path == NULL || ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 && fallback != NULL && errno == ENOENT))
		*nonep = true;
	else if (fd == -1)
		*errorp = xasprintf("%s: %s", path, strerror(errno));
	else if (read(fd, key, KEYFILE_LEN) != KEYFILE_LEN || read(fd, &more, 1) != 0)
		*errorp = xasprintf("%s: a key file holds exactly 32 bytes", path);
	if (fd != -1)
		close(fd);
	free(fallback);
	return *errorp == NULL ? 0 : -1;
}
