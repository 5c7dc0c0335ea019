/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/gitchild.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/spawn.h"
#include "gitfilter/refcmd.h"

#define STDERR_MAX	4096
#define READ_SIZE	(64 * 1024)

static void
child_close(int *fdp)
{
	if (*fdp != -1)
		close(*fdp);
	*fdp = -1;
}

int
gitchild_start(struct gitchild *c, const char *path, char *const *argv, char *const *envp)
{
	return gitchild_start_with(c, path, argv, envp, -1);
}

int
gitchild_start_with(struct gitchild *c, const char *path, char *const *argv, char *const *envp, int extra)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, r = ERR_SYSTEM;
	struct spawn_params p = { .path = path, .argv = argv, .envp = envp, .chdir = ".", .nfds = extra == -1 ? 3 : 4, .die_with_parent = 1 };

	p.fds[3] = extra;
	*c = (struct gitchild)GITCHILD_INIT;
	if ((c->text = buf_new(2 * STDERR_MAX)) == NULL)
		return ERR_NOMEM;
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
	    fcntl(in[1], F_SETFL, O_NONBLOCK) == 0) {
		p.fds[0] = in[0];
		p.fds[1] = out[1];
		p.fds[2] = err[1];
		if ((c->pid = spawn(&p)) > 0) {
			c->in = in[1];
			c->out = out[0];
			c->err = err[0];
			in[1] = out[0] = err[0] = -1;
			r = 0;
		} else
			c->pid = 0;
	}
	for (int i = 0; i < 2; i++) {
		child_close(&in[i]);
		child_close(&out[i]);
		child_close(&err[i]);
	}
	return r;
}

/* How far the passing is. */
struct passing {
	struct gitpass	 p;
	size_t		 head_sent;
	bool		 sent, enough;
};

static void
pass_sent(struct gitchild *c, struct passing *s)
{
	s->sent = true;
	if (!s->p.keep_in)
		child_close(&c->in);
}

/* More of what is to be sent. When the program has stopped reading, its answer says why. */
static int
pass_send(struct gitchild *c, struct passing *s)
{
	size_t head = s->p.head == NULL ? 0 : buf_len(s->p.head);
	ssize_t n;

	if (s->head_sent < head) {
		n = write(c->in, buf_ptr(s->p.head) + s->head_sent, head - s->head_sent);
		s->head_sent += n > 0 ? (size_t)n : 0;
	} else if (s->p.spool_fd != -1 && s->p.offset < s->p.end) {
		n = sendfile(c->in, s->p.spool_fd, &s->p.offset, (size_t)(s->p.end - s->p.offset));
		if (n == 0)
			return ERR_SYSTEM;	/* the spool is shorter than it was said to be */
	} else
		n = 0;
	if (n == -1 && errno == EPIPE) {
		if (s->p.stopped_reading != NULL)
			*s->p.stopped_reading = true;
		child_close(&c->in);
		s->sent = true;
		return 0;
	}
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return ERR_SYSTEM;
	if (s->head_sent == head && (s->p.spool_fd == -1 || s->p.offset >= s->p.end))
		pass_sent(c, s);
	return 0;
}

static int
pass_read_out(struct gitchild *c, struct passing *s)
{
	uint8_t piece[READ_SIZE];
	ssize_t n = read(c->out, piece, sizeof(piece));
	int r;

	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 0 : ERR_SYSTEM;
	if (n == 0) {
		child_close(&c->out);
		return 0;
	}
	if (s->p.take == NULL)
		return 0;
	if ((r = s->p.take(piece, (size_t)n, s->p.arg)) == 1)
		s->enough = true;
	return r == 1 ? 0 : r;
}

static int
child_read_err(struct gitchild *c)
{
	uint8_t piece[STDERR_MAX];
	ssize_t n = read(c->err, piece, sizeof(piece));

	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 0 : ERR_SYSTEM;
	if (n == 0) {
		child_close(&c->err);
		return 0;
	}
	if (buf_len(c->text) + (size_t)n > 2 * STDERR_MAX)
		(void)buf_consume(c->text, buf_len(c->text) + (size_t)n - 2 * STDERR_MAX);
	return buf_put(c->text, piece, (size_t)n);
}

int
gitchild_pass(struct gitchild *c, const struct gitpass *p)
{
	struct passing s = { .p = *p };
	int r = 0, n;

	if (p->head == NULL && p->spool_fd == -1)
		pass_sent(c, &s);
	while (r == 0 && !s.enough && (c->out != -1 || c->err != -1)) {
		struct pollfd pfd[3] = {
			{ .fd = s.sent ? -1 : c->in, .events = POLLOUT },
			{ .fd = c->out, .events = POLLIN },
			{ .fd = c->err, .events = POLLIN },
		};

		if ((n = poll(pfd, 3, p->idle_ms)) == 0)
			r = ERR_EXPIRED;
		else if (n == -1)
			r = errno == EINTR ? 0 : ERR_SYSTEM;
		if (n <= 0)
			continue;
		if (pfd[0].revents != 0)
			r = pass_send(c, &s);
		if (r == 0 && pfd[2].revents != 0)
			r = child_read_err(c);
		if (r == 0 && pfd[1].revents != 0)
			r = pass_read_out(c, &s);
	}
	return r;
}

int
gitchild_end(struct gitchild *c, bool kill_it)
{
	int status = -1;

	child_close(&c->in);
	child_close(&c->out);
	if (c->pid > 0) {
		if (kill_it)
			(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
			;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	c->pid = 0;
	child_close(&c->err);
	return status;
}

void
gitchild_release(struct gitchild *c)
{
	(void)gitchild_end(c, true);
	buf_free(c->text);
	c->text = NULL;
}

void
gitchild_last_words(const struct gitchild *c, char *out, size_t size)
{
	const char *p = c->text == NULL ? NULL : (const char *)buf_ptr(c->text);
	size_t n = p == NULL ? 0 : buf_len(c->text), from;

	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	for (from = n; from > 0 && p[from - 1] != '\n' && p[from - 1] != '\r'; from--)
		;
	text_clean(out, size, p == NULL ? "" : p + from, n - from);
}

void
gitchild_complaint(const struct gitchild *c, char *out, size_t size)
{
	static const char *const marks[] = { "fatal: ", "FATAL: ", "ERROR: " };
	const char *p = c->text == NULL ? NULL : (const char *)buf_ptr(c->text), *end = p == NULL ? NULL : p + buf_len(c->text), *lf;

	for (; p != NULL && p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			if ((size_t)(lf - p) > strlen(marks[i]) && memcmp(p, marks[i], strlen(marks[i])) == 0) {
				text_clean(out, size, p, (size_t)(lf - p));
				return;
			}
	}
	gitchild_last_words(c, out, size);
}
