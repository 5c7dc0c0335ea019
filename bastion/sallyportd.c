/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyportd: the parent process. Reads the configuration, opens what has to be opened, gives up root, starts the key, audit
 * and approvals processes, and only then lets the first connection in.
 */
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/digest.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/conf_warn.h"
#include "bastion/daemon.h"
#include "bastion/shelfjob.h"
#include "bastion/hostscan.h"
#include "bastion/ident/krl.h"
#include "bastion/pool.h"
#include "bastion/proxy.h"
#include "bastion/ssh/sshconn.h"
#include "secretscan/secretscan.h"

#define CALLS_MAX	8192
#define BACKLOG		4096	/* the kernel has its own ceiling, somaxconn */
#define DESCRIPTORS_EXTRA 256
#define FINGERPRINT_KEY	32
#define CUT_SECONDS	5	/* for each helper process to finish once it has been asked to */

static void
usage(void)
{
	fprintf(stderr, "usage: sallyportd [-D] [-t | -T] [-v] -f FILE\n"
	    "  -D  stay in front      -t  check the configuration      -T  print it as it takes effect      -v  say more\n");
	exit(2);
}

/* Set-up */

static struct conf_ref *
load_conf(const char *path)
{
	struct conf_ref *r;
	struct conf *c = NULL;
	char *error = NULL;

	if (conf_load(path, &c, &error) != 0) {
		log_error("%s", error == NULL ? "configuration cannot be read" : error);
		free(error);
		return NULL;
	}
	r = xcalloc(1, sizeof(*r));
	r->conf = c;
	r->users = 1;
	return r;
}

/* The port may be root's alone; all else is read and written as the user, to whom the state directory belongs. */
static void
give_up_root(const struct conf *c)
{
	int r = sandbox_drop(c->user);

	if (r != 0)
		fatal("user %s: %s", c->user, r == ERR_NOTFOUND ? "no such user" : err_text(r));
}

/* The state directory holds keys and evidence: nobody else may write in it or read it. */
static void
check_state(const struct conf *c)
{
	static const char *const need[] = { "keys", "audit", "recordings", "spool", "run", "mirrors" };
	struct stat st;

	if (stat(c->state_dir, &st) == -1)
		fatal("%s: %s; make it with: sallyport init %s", c->state_dir, err_text(ERR_SYSTEM), c->state_dir);
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 077) != 0)
		fatal("%s: must be a directory that only its owner can enter: chmod 700 %s", c->state_dir, c->state_dir);
	if (st.st_uid != geteuid())
		fatal("%s: belongs to somebody else; it must be of the user that the daemon runs as, with all that is in it: "
		    "chown -R", c->state_dir);
	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		char *path = file_join(c->state_dir, need[i]);

		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			fatal("%s: %s", path, err_text(ERR_SYSTEM));
		free(path);
	}
}

/* Two daemons on one state directory would write one log. */
static void
lock_state(const struct conf *c)
{
	char *path = file_join(c->state_dir, "run/lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1)
		fatal("%s: %s", path, err_text(ERR_SYSTEM));
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		fatal("%s: another sallyportd runs on this state directory", c->state_dir);
	free(path);	/* the descriptor stays open, and the lock with it */
}

static void
load_scanner(struct daemon *d)
{
	char *path = file_join(d->conf->conf->state_dir, "keys/fingerprint.key"), *error = NULL;
	struct buf *b = buf_new(FINGERPRINT_KEY);
	int r;

	if (b == NULL)
		fatal("out of memory");
	if ((r = file_read_private(path, b)) != 0 || buf_len(b) != FINGERPRINT_KEY)
		fatal("%s: %s", path, r == ERR_DENIED ? "must be ours and readable by its owner alone" : r != 0 ? err_text(r) :
		    "must hold 32 bytes");
	if ((d->scanner = secretscan_new(NULL, buf_ptr(b), &error)) == NULL)
		fatal("secret rules: %s", error == NULL ? "cannot be compiled" : error);
	/* Before the fork: the sessions share them, and their sandbox lets nobody make code. */
	if ((r = secretscan_prepare(d->scanner)) != 0)
		fatal("secret rules: %s", secretscan_strerror(r));
	buf_free(b);
	free(path);
}

static void
open_listener(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *ai = NULL;
	char port[8];
	int one = 1, r;

	snprintf(port, sizeof(port), "%u", c->listen_port);
	if ((r = getaddrinfo(c->listen_host, port, &hints, &ai)) != 0)
		fatal("listen %s:%s: %s", c->listen_host, port, gai_strerror(r));
	d->listen_fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->listen_fd == -1 || setsockopt(d->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(d->listen_fd, ai->ai_addr, ai->ai_addrlen) == -1)
		fatal("listen %s:%s: %s", c->listen_host, port, err_text(ERR_SYSTEM));
	freeaddrinfo(ai);
}

/* Running */

void
daemon_listen(struct daemon *d, bool on)
{
	if (d->listen_ev == NULL)
		return;
	if (on ? event_add(d->listen_ev, NULL) == -1 : event_del(d->listen_ev) == -1)
		fatal("no event for the listener");
}

void
daemon_is_up(struct daemon *d)
{
	const struct conf *c = d->conf->conf;
	char hex[DIGEST_HEX];

	if (d->stopping)
		return;
	digest_to_hex(c->hash, hex);
	(void)daemon_record(d, d->said_up ? "daemon.restart" : "daemon.start", json_pack("{s:s, s:s, s:i, s:s, s:s}", "version",
	    PACKAGE_VERSION, "listen", c->listen_host, "port", (int)c->listen_port, "policy", hex, "host_key", d->host_keys.v[0]), NULL, NULL);
	daemon_listen(d, true);
	control_listen(d);
	if (!d->said_up && geteuid() == 0)
		log_warn("the daemon runs as root, with all its processes; name a user in the configuration (user:)");
	log_info("%s on %s port %u", d->said_up ? "ready again" : "ready", c->listen_host, c->listen_port);
	d->said_up = true;
	shelf_watch(d);
	d->no_room = false;
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	pid_t pid;
	int status;

	(void)sig;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!helper_ended(d, pid, status) && !peer_ended(d, pid, status) && !hostscan_ended(d, pid) && !proxy_ended(d, pid, status) &&
		    !shelfjob_ended(d, pid, status) && !pool_ended(d, pid))
			(void)gitjob_ended(d, pid);
	if (d->stopping)
		daemon_peer_gone(d);
}

/* A wrong new configuration changes nothing; a right one is for the sessions that begin from now on. */
bool
daemon_reload(struct daemon *d)
{
	struct conf_ref *r = load_conf(d->conf_path);
	const struct conf *old = d->conf->conf;
	char hex[DIGEST_HEX], *error = NULL;

	if (r != NULL && !hostkey_load(d, r->conf, &error)) {
		log_error("%s", error);
		free(error);
		conf_ref_drop(r);
		r = NULL;
	}
	if (r == NULL) {
		log_error("reload: the old configuration stays");
		(void)daemon_record(d, "daemon.reload", json_pack("{s:b}", "accepted", 0), NULL, NULL);
		return false;
	}
	if (strcmp(old->listen_host, r->conf->listen_host) != 0 || old->listen_port != r->conf->listen_port ||
	    strcmp(old->state_dir, r->conf->state_dir) != 0)
		log_warn("reload: listen and state_dir take effect at the next start only");
	conf_ref_drop(d->conf);
	d->conf = r;
	digest_to_hex(r->conf->hash, hex);
	(void)daemon_record(d, "daemon.reload", json_pack("{s:b, s:s, s:s}", "accepted", 1, "policy", hex, "host_key",
	    d->host_keys.v[0]), NULL, NULL);
	if (d->helper[HELPER_APPROVALD].up)
		helper_configure_approvals(d);
	log_info("configuration loaded again");
	return true;
}

static void
on_hangup(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)daemon_reload(arg);
}

/* A helper that was asked to finish and does not. */
static void
on_cut_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct timeval tv = { .tv_sec = CUT_SECONDS };

	(void)fd;
	(void)what;
	for (int k = HELPERS - 1; k >= 0; k--)
		if (d->helper[k].pid > 0 && d->helper[k].stopping) {
			log_error("a helper process did not end in time and is killed");
			(void)kill(d->helper[k].pid, SIGKILL);
			break;
		}
	(void)evtimer_add(d->cut_ev, &tv);
}

/* The order of the end: sessions, then approvals, then (with everything recorded) audit, then keys. */
void
daemon_peer_gone(struct daemon *d)
{
	if (!d->stopping || d->peers != NULL || d->orphans != NULL)
		return;
	if (d->cut_ev == NULL) {	/* whoever hangs now is ended */
		struct timeval tv = { .tv_sec = CUT_SECONDS };

		d->cut_ev = evtimer_new(d->base, on_cut_deadline, d);
		if (d->cut_ev == NULL || evtimer_add(d->cut_ev, &tv) == -1)
			fatal("no timer");
	}
	if (d->helper[HELPER_APPROVALD].pid > 0)
		helper_stop(d, HELPER_APPROVALD);
	else if (d->helper[HELPER_AUDITD].pid > 0)
		helper_stop(d, HELPER_AUDITD);
	else if (d->helper[HELPER_KEYD].pid > 0)
		helper_stop(d, HELPER_KEYD);
	else
		(void)event_base_loopbreak(d->base);
}

static void
on_stop_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		peer_stop(p, "the bastion is stopping", MONITOR_STOP_NOW);
}

static void
on_terminate(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	int64_t ms = d->conf->conf->stop_grace_ms;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)what;
	if (d->stopping) {	/* asked twice: no more waiting */
		on_stop_deadline(-1, 0, d);
		return;
	}
	log_info("signal %d: no new connections; %u running", (int)sig, d->npeers);
	d->stopping = true;
	daemon_listen(d, false);
	close(d->listen_fd);
	door_close(d);
	(void)daemon_record(d, "daemon.stop", json_pack("{s:i, s:i}", "signal", (int)sig, "sessions", (int)d->npeers), NULL, NULL);
	for (struct peer *p = d->peers; p != NULL; p = p->next)
		peer_stop(p, "the bastion is stopping", MONITOR_STOP_AFTER);
	d->stop_ev = evtimer_new(d->base, on_stop_deadline, d);
	if (d->stop_ev == NULL || evtimer_add(d->stop_ev, &tv) == -1)
		fatal("no timer");
	daemon_peer_gone(d);
}

static void
watch_signals(struct daemon *d)
{
	static const struct {
		int			sig;
		event_callback_fn	fn;
	} table[] = {
		{ SIGCHLD, on_child }, { SIGHUP, on_hangup }, { SIGTERM, on_terminate }, { SIGINT, on_terminate },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct event *ev = evsignal_new(d->base, table[i].sig, table[i].fn, d);

		if (ev == NULL || evsignal_add(ev, NULL) == -1)
			fatal("no event for signal %d", table[i].sig);
	}
}

static void
run(struct daemon *d)
{
	if ((d->base = event_base_new()) == NULL)
		fatal("no event loop");
	d->calls = calls_new(CALLS_MAX);
	watch_signals(d);
	door_open(d);
	d->listen_ev = event_new(d->base, d->listen_fd, EV_READ | EV_PERSIST, door_on_connection, d);
	if (d->listen_ev == NULL)
		fatal("no event");
	control_open(d);
	if (listen(d->listen_fd, BACKLOG) == -1)	/* who can connect finds everything there */
		fatal("listen: %s", err_text(ERR_SYSTEM));
	helper_raise(d);
	(void)event_base_dispatch(d->base);
	proxy_kill_all(d);
	pool_kill_all(d);
	control_close(d);
	log_info("stopped");
}

/* What the parent may have open at most: a link a session, a guest at the door, three links a push, and some of its own. */
static void
raise_descriptors(const struct conf *c)
{
	const rlim_t need = c->max_sessions + DOOR_GUESTS_MAX + 3 * GITJOBS_MAX + DESCRIPTORS_EXTRA;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_max != RLIM_INFINITY && rl.rlim_max < need)
		log_warn("%llu descriptors may be open, limits.max_sessions: %u can take %llu; raise the limit (LimitNOFILE=, "
		    "ulimit -n)", (unsigned long long)rl.rlim_max, c->max_sessions, (unsigned long long)need);
}

/* Into the background, once everything that can be wrong with the command line and the files has been said in front. */
static void
go_back(void)
{
	pid_t pid = fork();
	int null;

	if (pid == -1)
		fatal("fork: %s", err_text(ERR_SYSTEM));
	if (pid > 0)
		_exit(0);
	if (setsid() == -1 || (null = open("/dev/null", O_RDWR)) == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		fatal("background: %s", err_text(ERR_SYSTEM));
	if (null > 2)
		close(null);
}

static void
print_warning(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "sallyportd: warning: %s\n", line);
}

int
main(int argc, char **argv)
{
	struct daemon d = { .listen_fd = -1, .control_fd = -1 };
	bool front = false, check = false, print = false;
	char *error = NULL;
	enum log_level level = LOG_LEVEL_INFO;
	int c;

	while ((c = getopt(argc, argv, "Df:tTv")) != -1)
		switch (c) {
		case 'D':
			front = true;
			break;
		case 'f':
			d.conf_path = optarg;
			break;
		case 't':
			check = true;
			break;
		case 'T':
			print = true;
			break;
		case 'v':
			level = LOG_LEVEL_DEBUG;
			break;
		default:
			usage();
		}
	if (d.conf_path == NULL || optind != argc)
		usage();
	log_init("sallyportd", level);
	sandbox_prepare();
	if (sodium_init() == -1)
		fatal("libsodium cannot start");
	if ((d.conf = load_conf(d.conf_path)) == NULL)
		return 1;
	if (print)
		conf_print(d.conf->conf, stdout);
	if (check)
		(void)conf_warn(d.conf->conf, print_warning, NULL);
	if (print || check)
		return 0;
	raise_descriptors(d.conf->conf);
	open_listener(&d);
	give_up_root(d.conf->conf);
	check_state(d.conf->conf);
	if (!hostkey_load(&d, d.conf->conf, &error))
		fatal("%s", error);
	sshserver_warm(d.server);
	load_scanner(&d);
	lock_state(d.conf->conf);
	if (!front)
		go_back();
	run(&d);
	return 0;
}
