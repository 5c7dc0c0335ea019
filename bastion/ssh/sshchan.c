/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/sshconn_int.h"

#define OPEN_AGAIN	(-100)	/* sshchan_start: this step waits for its answer */

/* What comes from the peer */

static int
on_data(ssh_session s, ssh_channel lch, void *p, uint32_t n, int is_stderr, void *arg)
{
	struct sshchan *ch = arg;
	enum sshchan_stream st = is_stderr ? SSHCHAN_ERR : SSHCHAN_OUT;
	size_t took = 0;

	(void)s;
	(void)lch;
	if (n > SSHCHAN_UNREAD_MAX) {	/* guard B: the peer writes past its window */
		sshconn_die(ch->conn, "peer sent more than its window allows");
		return (int)n;
	}
	if (ch->ops.data == NULL)
		return (int)n;
	if (ch->spill[st] == NULL || buf_len(ch->spill[st]) == 0)
		took = ch->ops.data(st, p, n, ch->arg);
	ch->unread[st] = n - took;
	ch->moved += took;
	return (int)took;
}

static void
on_eof(ssh_session s, ssh_channel lch, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	if (ch->ops.eof != NULL)
		ch->ops.eof(ch->arg);
}

static void
on_close(ssh_session s, ssh_channel lch, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	if (ch->ops.closed != NULL)
		ch->ops.closed(ch->arg);
}

static void
on_signal(ssh_session s, ssh_channel lch, const char *name, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	if (ch->ops.signal != NULL)
		ch->ops.signal(name, ch->arg);
}

static void
on_exit_status(ssh_session s, ssh_channel lch, int status, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	if (ch->ops.exit_status != NULL)
		ch->ops.exit_status(status, ch->arg);
}

static void
on_exit_signal(ssh_session s, ssh_channel lch, const char *name, int core, const char *text, const char *lang, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	(void)text;
	(void)lang;
	if (ch->ops.exit_signal != NULL)
		ch->ops.exit_signal(name, core != 0, ch->arg);
}

static int
on_pty(ssh_session s, ssh_channel lch, const char *term, int cols, int rows, int px, int py, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	(void)px;
	(void)py;
	return ch->ops.pty != NULL && ch->ops.pty(term, (unsigned)cols, (unsigned)rows, ch->arg) ? 0 : -1;
}

static int
on_resize(ssh_session s, ssh_channel lch, int cols, int rows, int px, int py, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	(void)px;
	(void)py;
	return ch->ops.resize != NULL && ch->ops.resize((unsigned)cols, (unsigned)rows, ch->arg) ? 0 : -1;
}

/* libssh wants 0 = granted, 1 = refused for shell and exec. */
static int
on_shell(ssh_session s, ssh_channel lch, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	return ch->ops.shell != NULL && ch->ops.shell(ch->arg) ? 0 : 1;
}

static int
on_exec(ssh_session s, ssh_channel lch, const char *command, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	return ch->ops.exec != NULL && ch->ops.exec(command, ch->arg) ? 0 : 1;
}

static int
on_env(ssh_session s, ssh_channel lch, const char *name, const char *value, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	return ch->ops.env != NULL && ch->ops.env(name, value, ch->arg) ? 0 : 1;
}

static int
on_subsystem(ssh_session s, ssh_channel lch, const char *name, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	return ch->ops.subsystem != NULL && ch->ops.subsystem(name, ch->arg) ? 0 : 1;
}

static void
on_agent(ssh_session s, ssh_channel lch, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	if (ch->ops.unwanted != NULL)
		ch->ops.unwanted("agent forwarding", ch->arg);
}

static void
on_x11(ssh_session s, ssh_channel lch, int single, const char *proto, const char *cookie, uint32_t screen, void *arg)
{
	struct sshchan *ch = arg;

	(void)s;
	(void)lch;
	(void)single;
	(void)proto;
	(void)cookie;
	(void)screen;
	if (ch->ops.unwanted != NULL)
		ch->ops.unwanted("X11 forwarding", ch->arg);
}

static void
chan_hook(struct sshchan *ch)
{
	ch->cb.userdata = ch;
	ch->cb.channel_data_function = on_data;
	ch->cb.channel_eof_function = on_eof;
	ch->cb.channel_close_function = on_close;
	ch->cb.channel_signal_function = on_signal;
	ch->cb.channel_exit_status_function = on_exit_status;
	ch->cb.channel_exit_signal_function = on_exit_signal;
	if (ch->conn->is_server) {
		ch->cb.channel_pty_request_function = on_pty;
		ch->cb.channel_pty_window_change_function = on_resize;
		ch->cb.channel_shell_request_function = on_shell;
		ch->cb.channel_exec_request_function = on_exec;
		ch->cb.channel_env_request_function = on_env;
		ch->cb.channel_subsystem_request_function = on_subsystem;
		ch->cb.channel_auth_agent_req_function = on_agent;
		ch->cb.channel_x11_req_function = on_x11;
	}
	ssh_callbacks_init(&ch->cb);
	if (ssh_set_channel_callbacks(ch->ch, &ch->cb) != SSH_OK)
		fatal("libssh: no channel callbacks");
}

struct sshchan *
sshchan_offered(struct sshconn *c, ssh_channel lch)
{
	struct sshchan *ch = xcalloc(1, sizeof(*ch));

	ch->conn = c;
	ch->ch = lch;
	ch->step = START_DONE;
	return ch;
}

void
sshchan_taken(struct sshchan *ch, const struct sshchan_ops *ops)
{
	ch->ops = *ops;
	chan_hook(ch);
}

/* What we do */

struct sshchan *
sshchan_new(struct sshconn *c, const struct sshchan_ops *ops, void *arg)
{
	struct sshchan *ch;

	if (c->state != SSHCONN_UP)
		return NULL;
	ch = xcalloc(1, sizeof(*ch));
	ch->conn = c;
	ch->ops = *ops;
	ch->arg = arg;
	if ((ch->ch = ssh_channel_new(c->ssh)) == NULL) {
		free(ch);
		return NULL;
	}
	chan_hook(ch);
	return ch;
}

/* One environment variable; the target's refusal (AcceptEnv) is its own affair and not an error. */
static int
start_env(struct sshchan *ch, const char *pair)
{
	char *name = xstrndup(pair, strcspn(pair, "="));
	const char *value = strchr(pair, '=');
	int r = ssh_channel_request_env(ch->ch, name, value == NULL ? "" : value + 1);

	free(name);
	return r == SSH_AGAIN ? OPEN_AGAIN : 0;
}

static int
start_step(struct sshchan *ch, const struct sshchan_request *q)
{
	int r = SSH_OK;

	switch (ch->step) {
	case START_OPEN:
		r = ssh_channel_open_session(ch->ch);
		break;
	case START_ENV:
		if (q->env != NULL && ch->env_at < q->env->n) {
			if ((r = start_env(ch, q->env->v[ch->env_at])) == OPEN_AGAIN)
				return r;
			ch->env_at++;
			return 0;	/* the same step again, with the next */
		}
		break;
	case START_PTY:
		if (q->pty)
			r = ssh_channel_request_pty_size(ch->ch, q->term, (int)q->cols, (int)q->rows);
		break;
	case START_RUN:
		r = q->command != NULL ? ssh_channel_request_exec(ch->ch, q->command) :
		    q->subsystem != NULL ? ssh_channel_request_subsystem(ch->ch, q->subsystem) :
		    ssh_channel_request_shell(ch->ch);
		break;
	case START_DONE:
		return 0;
	}
	if (r == SSH_AGAIN)
		return OPEN_AGAIN;
	if (r != SSH_OK)
		return ch->step == START_OPEN && ssh_is_connected(ch->conn->ssh) ? ERR_TOOBIG : ERR_DENIED;
	ch->step++;
	return 0;
}

int
sshchan_start(struct sshchan *ch, const struct sshchan_request *q)
{
	int r = 0;

	while (ch->step != START_DONE && r == 0)
		r = start_step(ch, q);
	return r == OPEN_AGAIN ? ERR_AGAIN : r;
}

/* One call that opens a channel: 0, ERR_AGAIN or ERR_DENIED. */
static int
start_result(struct sshchan *ch, int r)
{
	if (r == SSH_AGAIN)
		return ERR_AGAIN;
	if (r != SSH_OK)
		return ERR_DENIED;
	ch->step = START_DONE;
	return 0;
}

int
sshchan_start_forward(struct sshchan *ch, const char *host, unsigned port)
{
	return ch->step == START_DONE ? 0 : start_result(ch, ssh_channel_open_forward(ch->ch, host, (int)port, "127.0.0.1", 0));
}

int
sshchan_start_reverse(struct sshchan *ch, const char *host, unsigned port, const char *from, unsigned from_port)
{
	return ch->step == START_DONE ? 0 : start_result(ch, ssh_channel_open_reverse_forward(ch->ch, host, (int)port, from,
	    (int)from_port));
}

/* Guard C: libssh would queue without end for a peer that advertises a huge window and does not read. */
static size_t
conn_room(struct sshconn *c)
{
	if (c->held > 0 && c->in.out_bytes - c->held_from < c->held)
		return 0;
	c->held = 0;
	if ((ssh_get_poll_flags(c->ssh) & SSH_WRITE_PENDING) == 0)
		c->unsent = 0;
	return c->unsent >= SSHCONN_UNSENT_MAX ? 0 : SSHCONN_UNSENT_MAX - c->unsent;
}

size_t
sshchan_room(struct sshchan *ch)
{
	size_t window, room;

	if (ch->conn->state != SSHCONN_UP || !ssh_channel_is_open(ch->ch))
		return 0;
	window = ssh_channel_window_size(ch->ch);
	room = conn_room(ch->conn);
	return window < room ? window : room;
}

/*
 * Guard E again: the write may run handlers that move or grow the very buffer the caller points into, so libssh gets a copy
 * of one piece, and the caller looks again before the next.
 */
ssize_t
sshchan_write(struct sshchan *ch, enum sshchan_stream st, const void *data, size_t n)
{
	uint8_t piece[SSHCHAN_PIECE] SSHCHAN_UNCLEARED;
	size_t room = sshchan_room(ch);
	uint64_t before;
	int r;

	if (ch->conn->state != SSHCONN_UP || !ssh_channel_is_open(ch->ch))
		return ERR_EOF;
	if (n > room)
		n = room;
	if (n > sizeof(piece))
		n = sizeof(piece);
	if (n == 0)
		return 0;
	memcpy(piece, data, n);
	before = ch->conn->in.out_bytes;
	r = st == SSHCHAN_ERR ? ssh_channel_write_stderr(ch->ch, piece, (uint32_t)n) :
	    ssh_channel_write(ch->ch, piece, (uint32_t)n);
	if (r < 0)
		return ERR_EOF;
	ch->conn->unsent += (size_t)r;
	/* While keys are exchanged libssh takes everything and keeps it; what was not made into packets lies there. */
	if (ch->conn->in.out_bytes - before < (size_t)r) {
		ch->conn->held = (size_t)r;
		ch->conn->held_from = ch->conn->in.out_bytes;
	}
	ch->moved += (uint64_t)r;
	return r;	/* 0: a key exchange is under way */
}

bool
sshchan_flush(struct sshchan *ch, enum sshchan_stream st, struct buf *b, bool *movedp)
{
	while (buf_len(b) > 0) {
		ssize_t n = sshchan_write(ch, st, buf_ptr(b), buf_len(b));

		if (n == 0)
			return false;
		if (n < 0)
			buf_clear(b);
		else
			(void)buf_consume(b, (size_t)n);
		*movedp = true;
	}
	return true;
}

/* Offer what lies in the spill. True when it is empty now. */
static bool
chan_offer_spill(struct sshchan *ch, enum sshchan_stream st)
{
	struct buf *b = ch->spill[st];
	size_t took;

	if (b == NULL || buf_len(b) == 0)
		return true;
	took = ch->ops.data(st, buf_ptr(b), buf_len(b), ch->arg);
	(void)buf_consume(b, took);
	ch->moved += took;
	return buf_len(b) == 0;
}

/*
 * Guard A: libssh's read calls refill the window whatever is still unread, so the whole of libssh's buffer is taken in
 * one go, and only when nothing of ours is left.
 */
void
sshchan_pull(struct sshchan *ch)
{
	for (int st = SSHCHAN_OUT; st <= SSHCHAN_ERR; st++) {
		uint8_t *p;
		size_t n = ch->unread[st];
		int got;

		if (!chan_offer_spill(ch, st) || n == 0)
			continue;
		if (ch->spill[st] == NULL && (ch->spill[st] = buf_new(SSHCHAN_UNREAD_MAX)) == NULL)
			fatal("out of memory");
		if (buf_reserve(ch->spill[st], n, &p) != 0)
			fatal("out of memory");
		ch->unread[st] = 0;
		got = ssh_channel_read_nonblocking(ch->ch, p, (uint32_t)n, st == SSHCHAN_ERR);
		buf_trim(ch->spill[st], n - (got > 0 ? (size_t)got : 0));
		(void)chan_offer_spill(ch, st);
	}
}

uint64_t
sshchan_moved(const struct sshchan *ch)
{
	return ch->moved;
}

bool
sshchan_has_unread(const struct sshchan *ch)
{
	for (int st = SSHCHAN_OUT; st <= SSHCHAN_ERR; st++)
		if (ch->unread[st] > 0 || (ch->spill[st] != NULL && buf_len(ch->spill[st]) > 0))
			return true;
	return false;
}

static int
chan_result(int r)
{
	return r == SSH_OK ? 0 : r == SSH_AGAIN ? ERR_AGAIN : ERR_EOF;
}

/* Before the peer has confirmed the channel there is no number to send anything to. */
static bool
chan_is_confirmed(const struct sshchan *ch)
{
	return ch->step != START_OPEN;
}

int
sshchan_send_eof(struct sshchan *ch)
{
	if (!chan_is_confirmed(ch))
		return ERR_AGAIN;
	return chan_result(ssh_channel_send_eof(ch->ch));
}

int
sshchan_send_exit_status(struct sshchan *ch, int status)
{
	return chan_result(ssh_channel_request_send_exit_status(ch->ch, status));
}

int
sshchan_send_exit_signal(struct sshchan *ch, const char *name, bool core)
{
	return chan_result(ssh_channel_request_send_exit_signal(ch->ch, name, core, "", ""));
}

int
sshchan_send_signal(struct sshchan *ch, const char *name)
{
	if (!chan_is_confirmed(ch))
		return ERR_AGAIN;
	return chan_result(ssh_channel_request_send_signal(ch->ch, name));
}

int
sshchan_resize(struct sshchan *ch, unsigned cols, unsigned rows)
{
	if (!chan_is_confirmed(ch))
		return ERR_AGAIN;
	return chan_result(ssh_channel_change_pty_size(ch->ch, (int)cols, (int)rows));
}

void
sshchan_close(struct sshchan *ch)
{
	if (ch->conn->state == SSHCONN_UP && chan_is_confirmed(ch))
		(void)ssh_channel_close(ch->ch);
}

bool
sshchan_is_open(const struct sshchan *ch)
{
	return ch->conn->state == SSHCONN_UP && ssh_channel_is_open(ch->ch);
}

void
sshchan_free(struct sshchan *ch)
{
	if (ch == NULL)
		return;
	(void)ssh_remove_channel_callbacks(ch->ch, &ch->cb);
	ssh_channel_free(ch->ch);
	buf_free(ch->spill[0]);
	buf_free(ch->spill[1]);
	free(ch);
}
