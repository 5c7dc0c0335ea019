/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"

#define ENV_NAMES_MAX	128
#define TERM_MAX	64
#define SIZE_MAX_CELLS	10000	/* columns or rows; more is a joke or an attack */

/* What agents say of themselves in their environment: recorded as claimed, never passed on, never trusted. */
static const char *const claim_names[] = {
	"AI_AGENT", "AGENT", "AGENT_SESSION_ID", "CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "CURSOR_TRACE_ID",
	"SALLYPORT_SESSION", "SALLYPORT_REASON",
};

/* What comes from the agent: only noted here. */

static size_t
in_data(enum sshchan_stream st, const void *p, size_t n, void *arg)
{
	struct channel *c = arg;
	size_t room = c->in_max > buf_len(c->in) ? c->in_max - buf_len(c->in) : 0;

	(void)st;	/* an agent has no stderr */
	if (n > room)
		n = room;
	if (n > 0)
		c->session->moved = true;
	return buf_put(c->in, p, n) == 0 ? n : 0;
}

static void
in_eof(void *arg)
{
	struct channel *c = arg;

	c->in_eof = true;
	c->session->moved = true;
}

static void
in_closed(void *arg)
{
	struct channel *c = arg;

	c->gone = true;
	c->session->moved = true;
}

static bool
in_request(struct channel *c, char *command, char *subsystem)
{
	if (c->type != NULL || c->state != CHANNEL_NEW || c->session->state == SESSION_ENDING) {
		free(command);
		free(subsystem);
		return false;
	}
	c->command = command;
	c->subsystem = subsystem;
	c->state = CHANNEL_RUN;
	c->session->moved = true;
	return true;
}

static bool
in_exec(const char *command, void *arg)
{
	struct channel *c = arg;

	if (strlen(command) <= CHANNEL_COMMAND_MAX)
		return in_request(c, xstrdup(command), NULL);
	c->too_long = true;
	return in_request(c, xstrdup(""), NULL);
}

static bool
in_shell(void *arg)
{
	return in_request(arg, NULL, NULL);
}

static bool
in_subsystem(const char *name, void *arg)
{
	return in_request(arg, NULL, text_printable(name, strnlen(name, 64)));	/* it goes into records and lines */
}

/* Whether there may be one is decided with the request that it is for: a refusal here is ssh's own 255, without a reason. */
static bool
in_pty(const char *term, unsigned cols, unsigned rows, void *arg)
{
	struct channel *c = arg;

	if (c->pty || c->state != CHANNEL_NEW || strlen(term) > TERM_MAX ||
	    cols > SIZE_MAX_CELLS || rows > SIZE_MAX_CELLS)
		return false;
	c->pty = true;
	c->term = text_printable(term, strlen(term));
	c->cols = cols == 0 ? 80 : cols;
	c->rows = rows == 0 ? 24 : rows;
	return true;
}

static bool
in_resize(unsigned cols, unsigned rows, void *arg)
{
	struct channel *c = arg;

	if (!c->pty || cols > SIZE_MAX_CELLS || rows > SIZE_MAX_CELLS)
		return false;
	c->cols = cols == 0 ? 80 : cols;
	c->rows = rows == 0 ? 24 : rows;
	c->resized = true;
	return true;
}

static bool
in_env(const char *name, const char *value, void *arg)
{
	struct channel *c = arg;

	c->env_bytes += strlen(name) + strlen(value) + 2;
	if (c->state != CHANNEL_NEW || c->env_bytes > CHANNEL_ENV_MAX || c->env.n + c->claims.n >= ENV_NAMES_MAX ||
	    *name == '\0' || strchr(name, '=') != NULL)
		return false;
	if (strcmp(name, "SALLYPORT_FORMAT") == 0) {
		c->json = strcmp(value, "json") == 0;
		return true;
	}
	if (strcmp(name, "SALLYPORT_WAIT") == 0) {
		c->no_wait = strcmp(value, "0") == 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(claim_names) / sizeof(claim_names[0]); i++)
		if (strcmp(name, claim_names[i]) == 0) {
			strvec_pushf(&c->claims, "%s=%s", name, value);
			return true;
		}
	if (!match_any(&c->session->p->conf->accept_env, name))
		return false;
	strvec_pushf(&c->env, "%s=%s", name, value);
	return true;
}

static void
in_signal(const char *name, void *arg)
{
	struct channel *c = arg;

	free(c->signal);
	c->signal = text_printable(name, strnlen(name, 32));
	c->session->moved = true;
}

static void
in_unwanted(const char *what, void *arg)
{
	struct channel *c = arg;

	channel_sayf(c, "denied rule=default: %s is not offered here; run the command without it", what);
}

static const struct sshchan_ops agent_ops = {
	.data = in_data,
	.eof = in_eof,
	.closed = in_closed,
	.exec = in_exec,
	.shell = in_shell,
	.subsystem = in_subsystem,
	.pty = in_pty,
	.env = in_env,
	.resize = in_resize,
	.signal = in_signal,
	.unwanted = in_unwanted,
};

static const struct sshchan_ops forward_ops = { .data = in_data, .eof = in_eof, .closed = in_closed };

static bool
channel_may_open(const struct session *s)
{
	return s->state != SESSION_ENDING && !s->stopping && s->nchannels < s->p->conf->max_channels;
}

static struct channel *
channel_new(struct session *s, struct sshchan *ssh)
{
	struct channel *c = xcalloc(1, sizeof(*c));

	c->session = s;
	c->number = ++s->last_channel;
	c->ssh = ssh;
	c->in = buf_new(CHANNEL_IN_APPROVAL);
	c->out = buf_new(CHANNEL_TEXT_MAX);
	c->say = buf_new(CHANNEL_TEXT_MAX);
	if (c->in == NULL || c->out == NULL || c->say == NULL)
		fatal("out of memory");
	c->in_max = CHANNEL_IN_MAX;
	c->next = s->channels;
	s->channels = c;
	s->nchannels++;
	return c;
}

bool
channel_open(struct session *s, struct sshchan *ssh, const struct sshchan_ops **opsp, void **argp)
{
	if (!channel_may_open(s))
		return false;
	*opsp = &agent_ops;
	*argp = channel_new(s, ssh);
	return true;
}

struct channel *
channel_back(struct session *s, char *forward)
{
	struct channel *c = channel_may_open(s) ? channel_new(s, NULL) : NULL;

	if (c == NULL || (c->ssh = sshchan_new(s->agent, &forward_ops, c)) == NULL) {
		free(forward);
		if (c != NULL)
			channel_free(c);
		return NULL;
	}
	c->forward = forward;
	c->state = CHANNEL_RUN;
	return c;
}

bool
channel_forward(struct session *s, struct sshchan *ssh, const char *host, unsigned port, const struct sshchan_ops **opsp,
    void **argp)
{
	struct channel *c;
	char *forward;

	if (!channel_may_open(s) || !forward_admit(s, host, port, &forward))
		return false;
	c = channel_new(s, ssh);
	c->forward = forward;
	c->state = CHANNEL_RUN;
	*opsp = &forward_ops;
	*argp = c;
	s->moved = true;
	return true;
}

void
channel_free(struct channel *c)
{
	struct session *s = c->session;

	for (struct channel **cp = &s->channels; *cp != NULL; cp = &(*cp)->next)
		if (*cp == c) {
			*cp = c->next;
			s->nchannels--;
			break;
		}
	if (c->type != NULL)
		c->type->free(c);
	calls_cancel(s->calls, c);
	sshchan_free(c->ssh);
	strvec_release(&c->env);
	strvec_release(&c->claims);
	buf_free(c->in);
	buf_free(c->out);
	buf_free(c->say);
	free(c->command);
	free(c->subsystem);
	free(c->forward);
	free(c->term);
	free(c->signal);
	free(c->exit_signal);
	free(c);
}

struct channel *
channel_find(struct session *s, uint32_t number)
{
	for (struct channel *c = s->channels; c != NULL; c = c->next)
		if (c->number == number)
			return c;
	return NULL;
}

/* What we say */

void
channel_sayf(struct channel *c, const char *fmt, ...)
{
	char *text = NULL, *safe;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		fatal("out of memory formatting a line");
	va_end(ap);
	safe = text_printable(text, strlen(text));
	if (c->forward != NULL || c->out_ended) {	/* nobody to say it to: ssh -L and -W have no stderr of ours */
		log_info("%s: %s%s: %s", c->session->p->id, c->forward != NULL ? "forward to " : "a command without output",
		    c->forward != NULL ? c->forward : "", safe);
		free(safe);
		free(text);
		return;
	}
	/* With a terminal the agent's side is in raw mode: a bare LF would step down the screen. */
	(void)buf_putf(c->say, "sallyport: %s%s", safe, c->pty ? "\r\n" : "\n");
	free(safe);
	free(text);
	c->session->moved = true;
}

void
channel_deny(struct channel *c, const char *request, const char *rule, const char *because, const char *hint)
{
	channel_sayf(c, "denied %s rule=%s: %s%s%s", request, rule, because, *hint != '\0' ? "; " : "", hint);
	channel_end(c, EXIT_DENIED);
}

void
channel_end(struct channel *c, int status)
{
	if (c->state == CHANNEL_CLOSED || c->state == CHANNEL_FLUSH)
		return;
	c->status = status;
	c->state = CHANNEL_FLUSH;
	c->session->moved = true;
}

void
channel_flush(struct channel *c)
{
	(void)sshchan_flush(c->ssh, SSHCHAN_ERR, c->say, &c->session->moved);
	(void)sshchan_flush(c->ssh, SSHCHAN_OUT, c->out, &c->session->moved);
}

void
channel_send_eof(struct channel *c)
{
	channel_flush(c);
	if (c->out_ended || buf_len(c->say) > 0 || buf_len(c->out) > 0)
		return;
	c->out_ended = true;
	(void)sshchan_send_eof(c->ssh);
	c->session->moved = true;
}

json_t *
channel_claims(const struct channel *c)
{
	json_t *o;

	if (c->claims.n == 0)
		return NULL;
	o = json_object();
	for (size_t i = 0; i < c->claims.n; i++) {
		char *name = xstrndup(c->claims.v[i], strcspn(c->claims.v[i], "="));
		char *value = session_mask(c->session, c->claims.v[i] + strlen(name) + 1,
		    strnlen(c->claims.v[i] + strlen(name) + 1, 1024));

		(void)json_object_set_new(o, name, json_string(value));
		free(name);
		free(value);
	}
	return o;
}

/* Once a turn */

/* Which kind of work this request is; the decision itself is the type's. */
static const struct channel_type *
channel_type_of(const struct channel *c)
{
	enum git_service service;
	const char *error;
	char *up = NULL, *repo = NULL;
	bool git;

	if (c->forward != NULL)
		return &channel_forward_type;
	if (c->session->target != NULL)
		return &channel_exec_type;
	if (c->command == NULL)
		return &channel_verb_type;
	git = git_command_parse(c->command, &service, &up, &repo, &error);
	free(up);
	free(repo);
	if (!git)
		return &channel_verb_type;
	if (service == GIT_LFS_UPLOAD || service == GIT_LFS_DOWNLOAD)
		return &channel_lfs_type;
	return service == GIT_PUSH ? &channel_push_type : &channel_fetch_type;
}

static void
channel_finish(struct channel *c)
{
	channel_flush(c);
	if (!c->gone && (buf_len(c->say) > 0 || buf_len(c->out) > 0))
		return;
	if (!c->status_sent && !c->gone) {
		if (c->forward != NULL)
			;	/* a session's alone */
		else if (c->exit_signal != NULL)
			(void)sshchan_send_exit_signal(c->ssh, c->exit_signal, false);
		else
			(void)sshchan_send_exit_status(c->ssh, c->status);
		c->status_sent = true;
		(void)sshchan_send_eof(c->ssh);
	}
	sshchan_close(c->ssh);
	c->state = CHANNEL_CLOSED;
	c->session->moved = true;
}

void
channel_step(struct channel *c, int64_t now_us)
{
	struct session *s = c->session;

	if (c->gone && c->type == NULL)
		c->state = CHANNEL_CLOSED;
	if (c->state == CHANNEL_RUN && c->type == NULL && s->state == SESSION_REFUSED) {
		channel_sayf(c, "not let in: %s", s->stop_why);
		channel_end(c, EXIT_LATER);
	}
	/* Nothing is done for a request before the parent has vouched for the identity. */
	if (c->state == CHANNEL_RUN && c->type == NULL && s->state == SESSION_OPEN) {
		if (c->too_long) {
			channel_sayf(c, "denied rule=malformed: the command is over %d bytes; put it into a file and run that",
			    CHANNEL_COMMAND_MAX);
			channel_end(c, EXIT_DENIED);
			return;
		}
		c->type = channel_type_of(c);
		c->type->start(c);
	}
	if (c->type != NULL)
		c->type->step(c, now_us);
	if (c->gone && c->state == CHANNEL_RUN && c->type != NULL)
		c->type->stop(c, "the agent closed the channel");
	if (c->state == CHANNEL_RUN || c->state == CHANNEL_NEW)
		channel_flush(c);
	if (c->state == CHANNEL_FLUSH)
		channel_finish(c);
	if (c->state == CHANNEL_CLOSED) {	/* what still comes is dropped, or the peer could not finish */
		buf_clear(c->in);
		c->in_max = CHANNEL_IN_MAX;
	}
	if (buf_len(c->in) < c->in_max)
		sshchan_pull(c->ssh);
}

void
channel_stop(struct channel *c, const char *why)
{
	if (c->type != NULL && c->state == CHANNEL_RUN)
		c->type->stop(c, why);
	else if (c->state == CHANNEL_NEW || c->state == CHANNEL_RUN) {
		channel_sayf(c, "stopped: %s; nothing has run", why);
		channel_end(c, c->session->cut_status);
	}
}

bool
channel_is_over(const struct channel *c)
{
	if (c->state != CHANNEL_CLOSED || (c->type != NULL && !c->type->settled(c)))
		return false;
	/* Ours is closed; the agent's CLOSE frees the number on its side too. */
	return c->gone || !sshchan_is_open(c->ssh);
}
