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
#include "bastion/ssh/consent.h"
#include "bastion/ssh/git_digest.h"
#include "bastion/ssh/session_int.h"

#define REPO_PATH_MAX	256
#define ALIVE_US	5000000

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
	{ "git-lfs-authenticate ", GIT_LFS },
	{ "git-lfs-transfer ", GIT_LFS },
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

/* "PATH upload": what is to be done is taken off the end. NULL or an error line. */
static const char *
split_lfs(char *words, enum git_service *servicep)
{
	char *space = strrchr(words, ' ');

	if (space != NULL && strcmp(space, " upload") == 0)
		*servicep = GIT_LFS_UPLOAD;
	else if (space != NULL && strcmp(space, " download") == 0)
		*servicep = GIT_LFS_DOWNLOAD;
	else
		return "LFS transfers are offered for upload and download";
	*space = '\0';
	return NULL;
}

bool
git_command_parse(const char *command, enum git_service *servicep, char **upstreamp, char **repop, const char **errorp)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		size_t n = strlen(services[i].word);
		char *path, *words;

		if (strncmp(command, services[i].word, n) != 0)
			continue;
		*servicep = services[i].service;
		*errorp = NULL;
		if (services[i].service == GIT_OTHER) {
			*errorp = "only git fetch and push and LFS transfers are offered, not archives";
			return true;
		}
		words = xstrdup(command + n);
		if (services[i].service == GIT_LFS)
			*errorp = split_lfs(words, servicep);
		path = *errorp != NULL ? NULL : unquote(words);
		if (*errorp == NULL && path == NULL)
			*errorp = "repository path is not one plainly quoted word";
		else if (*errorp == NULL)
			*errorp = split_path(path, upstreamp, repop);
		free(words);
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
	    (c->type != &channel_fetch_type && c->type != &channel_push_type && c->type != &channel_lfs_type)) {
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

static struct consent *
ask(struct git_door *d, const struct verdict *v, const char *what)
{
	struct session *s = d->channel->session;
	struct consent_params p = { .kind = "fetch", .target = d->upstream, .login = d->repo, .rule = v->rule,
	    .because = v->because };
	char *text = xasprintf("%s %s/%s", what, d->upstream, d->repo);
	struct consent *consent;

	fetch_content_digest(s->who.identity, d->upstream, d->repo, p.digest);
	p.text = text;
	consent = consent_new(s, &p);
	free(text);
	return consent;
}

enum git_asked
git_door_ask(struct git_door *d, struct git_asking *a, const struct verdict *v, const char *what, int64_t now_us)
{
	struct channel *c = d->channel;

	if (a->consent == NULL) {
		a->consent = ask(d, v, what);
		a->wait_until_us = now_us + (c->no_wait ? 0 : c->session->p->conf->approval_wait_ms * 1000);
	}
	switch (consent_state(a->consent)) {
	case CONSENT_GIVEN:
		consent_use(a->consent);
		return GIT_ASKED_WAIT;
	case CONSENT_USED:
		return GIT_ASKED_YES;
	case CONSENT_REFUSED:
		channel_sayf(c, "denied %s rule=%s: %s", consent_id(a->consent), v->rule, consent_why(a->consent));
		channel_end(c, EXIT_DENIED);
		return GIT_ASKED_OVER;
	case CONSENT_PENDING:
		if (now_us < a->wait_until_us) {
			if (now_us >= a->alive_us) {
				channel_sayf(c, "pending %s rule=%s: a human has been asked, waiting", consent_id(a->consent), v->rule);
				a->alive_us = now_us + ALIVE_US;
			}
			return GIT_ASKED_WAIT;
		}
		break;
	case CONSENT_LATER:
		break;
	case CONSENT_ASKING:
	case CONSENT_USING:
		return GIT_ASKED_WAIT;
	}
	channel_sayf(c, "pending %s: not decided yet; run the same command again later", consent_id(a->consent));
	channel_end(c, EXIT_LATER);
	return GIT_ASKED_OVER;
}
