/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/gitrun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "gitfilter/limits.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"

#define STDERR_MAX	4096		/* the rest of what git says is dropped */
#define READ_SIZE	(64 * 1024)
#define UPLOAD_TIMEOUT	"3600"		/* seconds of silence: the client's, or a human's who is asked */

/* Over the repository's own configuration, whoever wrote it. */
static const struct {
	const char	*key, *value;
} always[] = {
	{ "safe.directory", "*" },		/* which repositories are served is decided before */
	{ "core.hooksPath", "/dev/null" },
	{ "core.fsmonitor", "false" },
	{ "protocol.version", "0" },
	{ "gc.auto", "0" },
	{ "maintenance.auto", "false" },
	{ "receive.autogc", "false" },
	{ "receive.fsckObjects", "true" },
	{ "receive.denyDeleteCurrent", "refuse" },
	{ "receive.denyCurrentBranch", "refuse" },
	{ "receive.shallowUpdate", "false" },
	{ "receive.advertisePushOptions", "false" },
	{ "receive.keepAlive", "0" },
	{ "uploadpack.allowTipSHA1InWant", "false" },
	{ "uploadpack.allowReachableSHA1InWant", "false" },
	{ "uploadpack.allowAnySHA1InWant", "false" },
	{ "uploadpack.allowFilter", "false" },
	{ "uploadpack.allowRefInWant", "false" },
	{ "uploadpack.hideRefs", "refs/sallyport" },	/* shelf.h */
	{ "receive.hideRefs", "refs/sallyport" },
};

static void
env_setting(struct strvec *env, size_t *np, const char *key, const char *value)
{
	strvec_pushf(env, "GIT_CONFIG_KEY_%zu=%s", *np, key);
	strvec_pushf(env, "GIT_CONFIG_VALUE_%zu=%s", (*np)++, value);
}

static void
env_build(struct strvec *env, const struct gitstore_params *p)
{
	static const char *const plain[] = {
		"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1",
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		strvec_push(env, plain[i]);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		env_setting(env, &n, always[i].key, always[i].value);
	if (p != NULL) {
		env_setting(env, &n, "receive.denyNonFastForwards", p->allow_non_fast_forward ? "false" : "true");
		env_setting(env, &n, "receive.denyDeletes", p->allow_deletes ? "false" : "true");
	}
	strvec_pushf(env, "GIT_CONFIG_COUNT=%zu", n);
}

void
gitrun_become_upload(void)
{
	static char word_git[] = "git", word_upload[] = "upload-pack", word_strict[] = "--strict",
	    word_timeout[] = "--timeout=" UPLOAD_TIMEOUT, word_here[] = ".";
	char *const argv[] = { word_git, word_upload, word_strict, word_timeout, word_here, NULL };
	struct strvec env = STRVEC_INIT;

	env_build(&env, NULL);
	if (close_range(3, ~0U, 0) == 0)
		execve(GIT_PROGRAM, argv, env.v);
	strvec_release(&env);
}

/* The last line of n bytes that a program said. */
static void
last_line(const char *p, size_t n, char *out, size_t size)
{
	size_t from;

	while (n > 0 && p[n - 1] == '\n')
		n--;
	for (from = n; from > 0 && p[from - 1] != '\n'; from--)
		;
	text_clean(out, size, p == NULL ? "" : p + from, n - from);
}

/* A short program of git on the current folder: input from a file, its errors into one. Its exit status, or -1. */
static int
run_short(char *const argv[], int in, int err)
{
	struct spawn_params p = { .path = GIT_PROGRAM, .argv = argv, .chdir = ".", .nfds = 3, .die_with_parent = 1 };
	struct strvec env = STRVEC_INIT;
	int status = -1;
	pid_t pid;

	env_build(&env, NULL);
	p.envp = env.v;
	p.fds[0] = in;
	p.fds[1] = -1;
	p.fds[2] = err;
	pid = spawn(&p);
	strvec_release(&env);
	if (pid <= 0)
		return -1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
gitrun_update_refs(const struct buf *lines, char *why, size_t size)
{
	static char word_git[] = "git", word_update[] = "update-ref", word_stdin[] = "--stdin", word_deref[] = "--no-deref";
	char *const argv[] = { word_git, word_update, word_deref, word_stdin, NULL };
	int in = memfd_create("lines", MFD_CLOEXEC), err = memfd_create("errors", MFD_CLOEXEC), r = ERR_SYSTEM;
	char said[STDERR_MAX];
	ssize_t n;

	(void)snprintf(why, size, "git update-ref cannot be run");
	if (in != -1 && err != -1 && file_write_all(in, buf_ptr(lines), buf_len(lines)) == 0 && lseek(in, 0, SEEK_SET) == 0) {
		r = run_short(argv, in, err) == 0 ? 0 : ERR_DENIED;
		n = r == 0 ? 0 : pread(err, said, sizeof(said), 0);
		if (n > 0)
			last_line(said, (size_t)n, why, size);
	}
	if (in != -1)
		close(in);
	if (err != -1)
		close(err);
	return r;
}

int
gitrun_pack_refs(void)
{
	static char word_git[] = "git", word_pack[] = "pack-refs", word_all[] = "--all";
	char *const argv[] = { word_git, word_pack, word_all, NULL };

	return run_short(argv, -1, -1) == 0 ? 0 : ERR_DENIED;
}

/* The running program and what passes between it and us. */
struct store {
	const struct gitstore_params	*params;
	pid_t				 pid;
	int				 in, out, err;	/* our ends; -1 = closed */
	off_t				 sent;
	struct pktline_reader		*ads;		/* owned: reads the advertisement, which is not needed */
	bool				 advertised;
	struct buf			*report;	/* borrowed */
	struct buf			*text;		/* owned: git's stderr */
};

static void
store_close(int *fdp)
{
	if (*fdp != -1)
		close(*fdp);
	*fdp = -1;
}

static int
store_start(struct store *s)
{
	static char word_git[] = "git", word_receive[] = "receive-pack", word_here[] = ".";
	char *const argv[] = { word_git, word_receive, word_here, NULL };
	struct strvec env = STRVEC_INIT;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, r = ERR_SYSTEM;
	struct spawn_params p = { .path = GIT_PROGRAM, .argv = argv, .chdir = ".", .nfds = 3, .die_with_parent = 1 };

	env_build(&env, s->params);
	p.envp = env.v;
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
	    fcntl(in[1], F_SETFL, O_NONBLOCK) == 0) {
		p.fds[0] = in[0];
		p.fds[1] = out[1];
		p.fds[2] = err[1];
		if ((s->pid = spawn(&p)) > 0) {
			s->in = in[1];
			s->out = out[0];
			s->err = err[0];
			in[1] = out[0] = err[0] = -1;
			r = 0;
		}
	}
	strvec_release(&env);
	for (int i = 0; i < 2; i++) {
		store_close(&in[i]);
		store_close(&out[i]);
		store_close(&err[i]);
	}
	return r;
}

/* More of the spool into git. When git has stopped reading, its report says why. */
static int
store_send(struct store *s)
{
	size_t left = (size_t)(s->params->length - (uint64_t)s->sent);
	ssize_t n = left == 0 ? 0 : sendfile(s->in, s->params->spool_fd, &s->sent, left);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1 && errno == EPIPE) {
		store_close(&s->in);
		return 0;
	}
	if (n == -1 || (n == 0 && left > 0))
		return ERR_SYSTEM;	/* the spool is shorter than it was said to be */
	if ((uint64_t)s->sent == s->params->length)
		store_close(&s->in);
	return 0;
}

static int
store_take_out(struct store *s, const uint8_t *p, size_t n)
{
	struct pktline line;
	size_t used;
	int r = 0;

	while (n > 0 && !s->advertised) {
		if ((r = pktline_feed(s->ads, p, n, &used, &line)) != 0)
			return r == ERR_SHORT ? 0 : r;
		p += used;
		n -= used;
		s->advertised = line.type == PKTLINE_FLUSH;
	}
	return buf_put(s->report, p, n);
}

static int
store_read(struct store *s, int *fdp)
{
	uint8_t piece[READ_SIZE];
	ssize_t n = read(*fdp, piece, sizeof(piece));
	size_t keep;

	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 0 : ERR_SYSTEM;
	if (n == 0) {
		store_close(fdp);
		return 0;
	}
	if (fdp == &s->out)
		return store_take_out(s, piece, (size_t)n);
	keep = (size_t)n < buf_room(s->text) ? (size_t)n : buf_room(s->text);
	return buf_put(s->text, piece, keep);
}

static int
store_pass(struct store *s)
{
	int r = 0;

	while (r == 0 && (s->out != -1 || s->err != -1)) {
		struct pollfd pfd[3] = {
			{ .fd = s->in, .events = POLLOUT },
			{ .fd = s->out, .events = POLLIN },
			{ .fd = s->err, .events = POLLIN },
		};

		if (poll(pfd, 3, -1) == -1) {
			r = errno == EINTR ? 0 : ERR_SYSTEM;
			continue;
		}
		if (pfd[0].revents != 0)
			r = store_send(s);
		if (r == 0 && pfd[1].revents != 0)
			r = store_read(s, &s->out);
		if (r == 0 && pfd[2].revents != 0)
			r = store_read(s, &s->err);
	}
	return r;
}

/* Whether the report ends in a flush, as a whole one does. */
static bool
is_whole_report(const struct buf *report)
{
	size_t n = buf_len(report);

	return n >= 4 && memcmp(buf_ptr(report) + n - 4, "0000", 4) == 0;
}

/* One line out of what git has said on stderr: its last. */
static void
store_explain(const struct store *s, int status, char *why, size_t size)
{
	char clean[REASON_MAX];

	last_line((const char *)buf_ptr(s->text), buf_len(s->text), clean, sizeof(clean));
	if (clean[0] != '\0')
		(void)snprintf(why, size, "git receive-pack: %s", clean);
	else
		(void)snprintf(why, size, "git receive-pack ended with status %d and no report", status);
}

int
gitrun_store(const struct gitstore_params *params, struct buf *report, char *why, size_t size)
{
	struct store s = { .params = params, .pid = -1, .in = -1, .out = -1, .err = -1, .report = report };
	int status = -1, r = ERR_NOMEM;

	why[0] = '\0';
	s.ads = pktline_reader_new(PKTLINE_MAX - 4);
	s.text = buf_new(STDERR_MAX);
	if (s.ads == NULL || s.text == NULL)
		goto out;
	if ((r = store_start(&s)) != 0)
		goto out;
	r = store_pass(&s);
	store_close(&s.in);
	store_close(&s.out);
	store_close(&s.err);
	while (waitpid(s.pid, &status, 0) == -1 && errno == EINTR)
		;
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !is_whole_report(report))) {
		store_explain(&s, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), why, size);
		r = ERR_DENIED;
	}
out:
	if (r != 0 && why[0] == '\0')
		(void)snprintf(why, size, "git receive-pack: %s", err_text(r));
	pktline_reader_free(s.ads);
	buf_free(s.text);
	return r;
}
