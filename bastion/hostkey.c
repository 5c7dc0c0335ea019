/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostkey: the bastion's own host key, and the one that comes after it, whose private half is not used yet: clients are
 * told of both, so that the day it becomes the present one is a day like any other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/ssh/sshconn.h"

#define HOST_KEY_MAX	(64 * 1024)

/* NULL, or why it cannot be used; *absentp when this process may not read it, or it is not there. */
static const char *
check_private(const char *path, bool *absentp)
{
	struct buf *b = buf_new(HOST_KEY_MAX);
	int r = b == NULL ? ERR_NOMEM : file_read_private(path, b);

	*absentp = r == ERR_SYSTEM && (errno == ENOENT || errno == EACCES);
	buf_free(b);
	return r == 0 ? NULL : r == ERR_DENIED ? "must be ours and readable by its owner alone" : err_text(r);
}

/* The next key's public half; no key there is no error. */
static bool
load_next(const char *path, struct strvec *keys, char **errorp)
{
	const char *why;
	bool absent;
	char *line;

	if ((why = check_private(path, &absent)) != NULL) {
		if (absent)
			return true;
		*errorp = xasprintf("%s: %s", path, why);
		return false;
	}
	if ((line = sshserver_public_key(path)) == NULL) {
		*errorp = xasprintf("%s: not a usable host key", path);
		return false;
	}
	strvec_take(keys, line);
	return true;
}

bool
hostkey_load(struct daemon *d, const struct conf *c, char **errorp)
{
	bool same = d->server != NULL && strcmp(d->conf->conf->host_key, c->host_key) == 0, absent;
	struct strvec keys = STRVEC_INIT;
	struct sshserver *server = NULL;
	const char *why;
	char *line;

	if ((why = check_private(c->host_key, &absent)) != NULL && absent && same) {
		log_warn("%s: cannot be read again as this user: the present key stays", c->host_key);
		strvec_push(&keys, d->host_keys.v[0]);
	} else if (why != NULL || (server = sshserver_new(c->host_key, &why)) == NULL ||
	    (line = sshserver_public_key(c->host_key)) == NULL) {
		*errorp = xasprintf("%s: %s", c->host_key, why == NULL ? "not a usable host key" : why);
		sshserver_free(server);
		return false;
	} else
		strvec_take(&keys, line);
	if (!load_next(c->next_host_key, &keys, errorp)) {
		sshserver_free(server);
		strvec_release(&keys);
		return false;
	}
	if (server != NULL) {
		sshserver_free(d->server);
		d->server = server;
	}
	strvec_release(&d->host_keys);
	d->host_keys = keys;
	return true;
}
