/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/channel-git.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/session_int.h"

#define REPO_PATH_MAX	256

static const struct {
	const char		*word;
	enum git_service	 service;
} services[] = {
	{ "git-upload-pack ", GIT_FETCH },
	{ "git upload-pack ", GIT_FETCH },
	{ "git-receive-pack ", GIT_PUSH },
	{ "git receive-pack ", GIT_PUSH },
	{ "git-upload-archive ", GIT_OTHER },
	{ "git upload-archive ", GIT_OTHER },
	{ "git-lfs-authenticate ", GIT_OTHER },
	{ "git-lfs-transfer ", GIT_OTHER },
};

/*
 * git quotes the path for a shell: 'it'\''s'. Undo exactly that; anything else a shell would do is refused. NULL = not one
 * plain word. The caller frees.
 */
static char *
unquote(const char *s)
{
	char *out = xmalloc(strlen(s) + 1), *d = out;

	while (*s != '\0') {
		if (*s == '\'') {
			const char *end = strchr(s + 1, '\'');

			if (end == NULL)
				break;
			memcpy(d, s + 1, (size_t)(end - s - 1));
			d += end - s - 1;
			s = end + 1;
		} else if (*s == '\\' && (s[1] == '\'' || s[1] == '!')) {
			*d++ = s[1];
			s += 2;
		} else if (strchr(" \t\n\"$`\\;&|<>()*?[#~", *s) == NULL)
			*d++ = *s++;
		else
			break;
	}
	*d = '\0';
	if (*s == '\0')
		return out;
	free(out);
	return NULL;
}

/* "/UPSTREAM/path/repo.git" into its two parts. NULL or an error line. */
static const char *
split_path(const char *path, char **upstreamp, char **repop)
{
	const char *slash;
	size_t n;

	while (*path == '/')
		path++;
	n = strlen(path);
	if (n > REPO_PATH_MAX)
		return "repository path is over 256 bytes";
	if (!name_is_safe(path, REPO_PATH_MAX))
		return "repository path has '..', '//' or a character that is not a letter, digit or one of . _ - + @ /";
	slash = strchr(path, '/');
	if (slash == NULL || slash[1] == '\0')
		return "repository path must be UPSTREAM/REPOSITORY";
	*upstreamp = xstrndup(path, (size_t)(slash - path));
	n = strlen(slash + 1);
	if (n > 4 && strcmp(slash + 1 + n - 4, ".git") == 0)
		n -= 4;
	*repop = xstrndup(slash + 1, n);
	return NULL;
}

bool
git_command_parse(const char *command, enum git_service *servicep, char **upstreamp, char **repop, const char **errorp)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		size_t n = strlen(services[i].word);
		char *path;

		if (strncmp(command, services[i].word, n) != 0)
			continue;
		*servicep = services[i].service;
		*errorp = NULL;
		if (services[i].service == GIT_OTHER) {
			*errorp = "only git fetch and push are offered, not archives or LFS transfers";
			return true;
		}
		if ((path = unquote(command + n)) == NULL)
			*errorp = "repository path is not one plainly quoted word";
		else
			*errorp = split_path(path, upstreamp, repop);
		free(path);
		return true;
	}
	return false;
}

bool
git_door_init(struct git_door *d, struct channel *c)
{
	enum git_service service;
	const char *error = NULL;
	char *masked;

	d->channel = c;
	for (size_t i = 0; i < sizeof(d->fd) / sizeof(d->fd[0]); i++)
		d->fd[i] = -1;
	id_make("REQ-", REQUEST_ID_LEN, d->request);
	(void)git_command_parse(c->command, &service, &d->upstream, &d->repo, &error);
	if (error == NULL && conf_upstream(c->session->p->conf, d->upstream) == NULL)
		error = "no upstream of this name; ssh BASTION policy lists what you may reach";
	if (error == NULL)
		return true;
	masked = session_mask(c->session, c->command, strlen(c->command));
	(void)session_record(c->session, "git.refused", json_pack("{s:s, s:s, s:s}", "request", d->request, "command", masked,
	    "reason", error), NULL, NULL);
	free(masked);
	channel_sayf(c, "denied %s rule=default: %s", d->request, error);
	channel_end(c, EXIT_DENIED);
	return false;
}

void
git_door_release(struct git_door *d)
{
	struct session *s = d->channel->session;
	struct buf *b = buf_new(16);

	for (size_t i = 0; i < sizeof(d->fd) / sizeof(d->fd[0]); i++)
		if (d->fd[i] != -1)
			close(d->fd[i]);
	if (b != NULL && buf_put_u32(b, d->channel->number) == 0)
		(void)link_send(s->monitor, MON_GIT_END, 0, b, -1);
	buf_free(b);
	free(d->upstream);
	free(d->repo);
	free(d->failed);
}

void
git_door_open(struct git_door *d, enum monitor_git service)
{
	struct session *s = d->channel->session;
	struct buf *b = buf_new(1024);

	if (b == NULL || buf_put_cstring(b, d->upstream) != 0 || buf_put_cstring(b, d->repo) != 0 ||
	    buf_put_u8(b, (uint8_t)service) != 0 || link_send(s->monitor, MON_GIT, d->channel->number, b, -1) != 0)
		session_break(s, "the parent does not answer");
	buf_free(b);
}

int
git_door_take(struct git_door *d, enum monitor_git_fd which)
{
	int fd = d->fd[which];

	d->fd[which] = -1;
	return fd;
}

/* The request number is the channel's number. */
int
git_on_fd(struct link *l, struct msg *m, void *arg)
{
	struct session *s = arg;
	struct channel *c = channel_find(s, m->id);
	struct git_door *d = c == NULL ? NULL : c->own;
	char *error = NULL;
	uint8_t which;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &which)) != 0)
		return r;
	if (which == MONITOR_FD_FAILED && (r = buf_get_cstring(m->body, &error)) != 0)
		return r;
	if ((r = buf_end(m->body)) != 0 || which > MONITOR_FD_INSPECTOR || d == NULL ||
	    (c->type != &channel_fetch_type && c->type != &channel_push_type)) {
		free(error);
		return r;	/* the channel is over: the descriptor is closed by the link */
	}
	if (which == MONITOR_FD_FAILED) {
		free(d->failed);
		d->failed = error;
	} else if (which == MONITOR_FD_DONE)
		d->complete = true;
	else if (m->fd != -1 && d->fd[which] == -1)
		d->fd[which] = msg_take_fd(m);
	s->moved = true;
	return 0;
}
