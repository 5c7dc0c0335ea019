/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/gitchild.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/remote.h"

#define PARENT_FD	3
#define LOAN_FD		4
#define ARGS_MIN	9	/* program, master, six words, one key */
#define PIECE		4096
#define DRAIN_MS	1000	/* for ssh's last words, once it has ended */

struct master {
	struct link	*parent;	/* owned */
	struct gitchild	 ssh;
	char		*socket, *agent, *hosts;	/* names in the folder, owned */
	int		 listener, client, loan;	/* -1 = not there */
	int		 notify, end;	/* a new name in the folder; the end of ssh, whose outputs do not tell it */
	bool		 up, gone;
};

/* What stands in the pool's folder under our number, from us or from one before us. */
static void
master_unlink(const struct master *m)
{
	(void)unlink(m->socket);
	(void)unlink(m->agent);
	(void)unlink(m->hosts);
}

static void
master_enter(const char *dir)
{
	static const struct sandbox_path paths[] = {
		{ ".", SANDBOX_WRITE }, { "/usr", SANDBOX_READ }, { "/bin", SANDBOX_READ }, { "/lib", SANDBOX_READ },
		{ "/lib64", SANDBOX_READ }, { "/etc", SANDBOX_READ }, { "/opt", SANDBOX_READ }, { "/run/systemd/resolve", SANDBOX_READ },
		{ "/dev/null", SANDBOX_WRITE }, { "/dev/urandom", SANDBOX_READ },
	};

	if (chdir(dir) == -1)
		fatal("%s: %s", dir, strerror(errno));
	if (sandbox_paths(paths, sizeof(paths) / sizeof(paths[0])) != 0)
		fatal("the connection's process cannot enter its sandbox");
}

/* The pinned keys, under a name that no address can be mistaken for. */
static int
master_write_hosts(const struct master *m, char **keys, int n)
{
	struct buf *b = buf_new(128 * 1024);
	int r = b == NULL ? ERR_NOMEM : 0;

	for (int i = 0; i < n && r == 0; i++)
		r = buf_putf(b, "upstream %s\n", keys[i]);
	if (r == 0)
		r = file_write(m->hosts, buf_ptr(b), buf_len(b), 0600);
	buf_free(b);
	return r;
}

static int
master_listen(struct master *m)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", m->agent);
	if ((m->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(m->listener, (struct sockaddr *)&a, sizeof(a)) == -1 || listen(m->listener, 4) == -1)
		return ERR_SYSTEM;
	return 0;
}

static int
master_start_ssh(struct master *m, char **argv)
{
	static const char *const words[] = { "ssh", "-F", "none", "-M", "-N", "-T", "-x", "-a", "-o", "BatchMode=yes", "-o",
		"StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none", "-o", "HostKeyAlias=upstream", "-o", "CheckHostIP=no", "-o",
		"UpdateHostKeys=no", "-o", "ControlPersist=no", "-o", "IdentityFile=none", "-o", "PubkeyAuthentication=unbound", "-o",
		"PreferredAuthentications=publickey", "-o", "ConnectionAttempts=1", "-o", "ServerAliveInterval=15", "-o",
		"ServerAliveCountMax=3", "-o", "ForwardAgent=no", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no", "-o",
		"LogLevel=ERROR" };
	struct strvec v = STRVEC_INIT, env = STRVEC_INIT;
	int r;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		strvec_push(&v, words[i]);
	strvec_pushf(&v, "-oUserKnownHostsFile=%s", m->hosts);
	strvec_pushf(&v, "-oIdentityAgent=./%s", m->agent);
	strvec_pushf(&v, "-oConnectTimeout=%s", argv[7]);
	strvec_pushf(&v, "-oControlPath=./%s", m->socket);
	strvec_pushf(&v, "-p%s", argv[6]);
	strvec_pushf(&v, "-l%s", argv[4]);
	strvec_push(&v, "--");
	strvec_push(&v, argv[5]);
	gitrun_env(&env, NULL, 0);
	r = gitchild_start(&m->ssh, SSH_PROGRAM, v.v, env.v);
	if (r == 0 && (m->end = (int)syscall(SYS_pidfd_open, m->ssh.pid, 0)) == -1)
		r = ERR_SYSTEM;
	strvec_release(&v);
	strvec_release(&env);
	return r;
}

static void
master_say(struct master *m, uint16_t type, const char *text)
{
	struct buf *b = buf_new(REASON_MAX + 16);

	if (b != NULL && buf_put_cstring(b, text) == 0)
		(void)link_send(m->parent, type, 0, b, -1);
	buf_free(b);
}

static void
master_close(int *fdp)
{
	if (*fdp != -1)
		close(*fdp);
	*fdp = -1;
}

/* One way of the talk between ssh and the key process. False when it is over. */
static bool
master_relay(int from, int to)
{
	uint8_t piece[PIECE];
	ssize_t n = read(from, piece, sizeof(piece));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	return n > 0 && file_write_all(to, piece, (size_t)n) == 0;
}

/* The socket is made last: from now on legs may use it, and nobody is to log in any more. */
static void
master_look(struct master *m)
{
	uint8_t piece[PIECE];

	(void)!read(m->notify, piece, sizeof(piece));
	if (m->up || access(m->socket, F_OK) == -1)
		return;
	m->up = true;
	master_close(&m->listener);
	master_close(&m->client);
	master_close(&m->loan);
	(void)unlink(m->agent);
	master_say(m, MASTER_UP, "");
}

static void
master_serve_agent(struct master *m, const struct pollfd *pfd)
{
	bool ok = true;

	if (pfd[0].revents != 0 && m->client == -1)
		m->client = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
	if (pfd[1].revents != 0)
		ok = master_relay(m->client, m->loan);
	if (ok && pfd[2].revents != 0)
		ok = m->client != -1 && master_relay(m->loan, m->client);
	if (!ok) {
		master_close(&m->client);
		master_close(&m->loan);
	}
}

/* ssh has ended: the way up has failed, or what was up is over. */
static void
master_ended(struct master *m)
{
	const struct gitpass drain = { .spool_fd = -1, .idle_ms = DRAIN_MS };	/* both outputs are at their end already */
	char words[REASON_MAX], why[REASON_MAX];

	(void)gitchild_pass(&m->ssh, &drain);
	(void)gitchild_end(&m->ssh, true);
	gitchild_last_words(&m->ssh, words, sizeof(words));
	if (words[0] != '\0' && !m->up)
		log_warn("ssh: %s", words);
	remote_explain(words, why, sizeof(why));
	master_say(m, MASTER_DOWN, why);
	m->gone = true;
}

static void
master_turn(struct master *m)
{
	struct pollfd pfd[6] = {
		{ .fd = m->client == -1 ? m->listener : -1, .events = POLLIN },
		{ .fd = m->client, .events = POLLIN },
		{ .fd = m->client == -1 ? -1 : m->loan, .events = POLLIN },
		{ .fd = m->notify, .events = POLLIN },
		{ .fd = m->end, .events = POLLIN },
		{ .fd = link_fd(m->parent), .events = (short)(POLLIN | (link_queued(m->parent) > 0 ? POLLOUT : 0)) },
	};

	if (poll(pfd, 6, -1) == -1) {
		m->gone = errno != EINTR;
		return;
	}
	master_serve_agent(m, pfd);
	if (pfd[3].revents != 0)
		master_look(m);
	if (pfd[4].revents != 0)
		master_ended(m);
	if (pfd[5].revents != 0)
		(void)link_pump(m->parent);
}

static void
master_lost(struct link *l, int r, void *arg)
{
	struct master *m = arg;

	(void)l;
	(void)r;
	m->gone = true;
}

static const struct link_row parent_rows[] = {
	{ 0, NULL, 0, NULL }
};

int
master_run(int argc, char **argv)
{
	struct master m = { .ssh = GITCHILD_INIT, .listener = -1, .client = -1, .loan = LOAN_FD, .notify = -1, .end = -1 };
	const struct link_params lp = { .fd = PARENT_FD, .name = "parent", .rows = parent_rows, .gone = master_lost, .arg = &m };

	if (argc < ARGS_MIN)
		return 2;
	(void)umask(077);
	master_enter(argv[2]);
	m.socket = xasprintf("%s.sock", argv[3]);
	m.agent = xasprintf("%s.agent", argv[3]);
	m.hosts = xasprintf("%s.hosts", argv[3]);
	master_unlink(&m);
	if ((m.parent = link_new(&lp)) == NULL)
		fatal("descriptor %d is no link", PARENT_FD);
	if ((m.notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1 || inotify_add_watch(m.notify, ".", IN_CREATE | IN_MOVED_TO) == -1 ||
	    fcntl(LOAN_FD, F_SETFD, FD_CLOEXEC) == -1 || master_write_hosts(&m, argv + 8, argc - 8) != 0 || master_listen(&m) != 0 ||
	    master_start_ssh(&m, argv) != 0) {
		log_error("the connection cannot be opened: %s", strerror(errno));
		master_say(&m, MASTER_DOWN, "the bastion cannot open a connection");
		m.gone = true;
	}
	while (!m.gone)
		master_turn(&m);
	while (link_queued(m.parent) > 0 && link_pump(m.parent) == 0)
		;
	gitchild_release(&m.ssh);
	link_free(m.parent);
	return 0;
}
