/* SPDX-License-Identifier: Apache-2.0 */
/* The real key process, with this test as its parent, as an audit process, and as an attacker in their place. */
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/msgio.h"
#include "bastion/base/spawn.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/ident/keystore.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/note.h"
#include "bastion/ident/secrets.h"
#include "bastion/ident/sshkey.h"
#include "bastion/loan.h"
#include "t/unit/test-cert-keygen.h"

#define WAIT_MS	20000
#define LINE	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICIvcok9RGSofkyNyOTs8oCgrlMinCH9BxI/oI5kGNKc me\n"

struct keyd {
	char		*dir;
	pid_t		 pid;
	struct msgio	*io;
};

static void
keyd_spawn(struct keyd *k)
{
	char *path = spawn_helper_path("sallyport-keyd"), word[] = "sallyport-keyd";
	/* The sandbox forbids ptrace, with which a sanitizer looks for leaks at the end. */
	char locale[] = "LC_ALL=C.UTF-8", no_leaks[] = "LSAN_OPTIONS=detect_leaks=0";
	char *argv[] = { word, NULL }, *envp[] = { locale, no_leaks, NULL };
	int sv[2];
	struct spawn_params p = { .path = path, .argv = argv, .envp = envp, .fds = { -1, 1, 2, -1 }, .nfds = 4,
		.die_with_parent = 1 };

	assert_int_equal(msgio_pair(sv), 0);
	p.fds[3] = sv[1];
	k->pid = spawn(&p);
	assert_true(k->pid > 0);
	close(sv[1]);
	k->io = msgio_new(sv[0]);
	assert_non_null(k->io);
	free(path);
}

static void
send_msg(struct msgio *io, uint16_t type, struct buf *b, int fd)
{
	assert_int_equal(msgio_send(io, type, 5, b, fd), 0);
	buf_free(b);
}

static struct buf *
start_body(const char *dir, const char *user)
{
	struct buf *b = buf_new(MSG_MAX);

	buf_put_cstring(b, dir);
	buf_put_cstring(b, "");
	buf_put_cstring(b, user);
	buf_put_u64(b, 3600 * 1000);
	return b;
}

static void
keyd_start_as(struct keyd *k, const char *user)
{
	struct msg m;

	keyd_spawn(k);
	send_msg(k->io, KEYD_START, start_body(k->dir, user), -1);
	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_STARTED);
}

static void
keyd_start(struct keyd *k)
{
	keyd_start_as(k, "");
}

/* The process's end, after the link was closed. */
static int
keyd_end(struct keyd *k)
{
	int status;

	msgio_free(k->io);
	k->io = NULL;
	assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
setup(void **state)
{
	struct keyd *k = xcalloc(1, sizeof(*k));
	char *keys, *ca;

	k->dir = keygen_dir_make();
	keys = file_join(k->dir, "keys");
	ca = file_join(k->dir, "ca");
	if (mkdir(keys, 0700) == -1 || mkdir(ca, 0700) == -1 || keystore_create(keys, NULL, "host/log") != 0)
		return -1;
	free(keys);
	free(ca);
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct keyd *k = *state;

	keygen_dir_remove(k->dir);
	free(k);
	return 0;
}

static struct buf *
admin_body(const char *words, const char *in)
{
	struct buf *b = buf_new(MSG_MAX);
	char *copy = xstrdup(words), *rest = copy, *word;
	uint32_t n = 1;

	for (const char *s = words; *s != '\0'; s++)
		n += *s == ' ';
	buf_put_cstring(b, "host/root");
	buf_put_u32(b, n);
	while ((word = strsep(&rest, " ")) != NULL)
		buf_put_cstring(b, word);
	buf_put_cstring(b, in);
	free(copy);
	return b;
}

/* An administrator's verb: its status, and its standard output, which the caller frees. */
static int
admin(struct keyd *k, const char *words, const char *in, char **outp)
{
	char *err, *event;
	uint8_t status;
	struct msg m;

	send_msg(k->io, KEYD_ADMIN, admin_body(words, in), -1);
	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_ADMIN_DONE);
	assert_int_equal(buf_get_u8(m.body, &status), 0);
	assert_int_equal(buf_get_cstring(m.body, outp), 0);
	assert_int_equal(buf_get_cstring(m.body, &err), 0);
	assert_int_equal(buf_get_cstring(m.body, &event), 0);
	assert_int_equal(buf_end(m.body), 0);
	free(err);
	free(event);
	return status;
}

static struct cert *
issued(struct keyd *k)
{
	struct cert *c;
	uint8_t *blob;
	char *line, *path = file_join(k->dir, "issued.pub");
	size_t n;

	assert_int_equal(admin(k, "cert issue --identity agent/ci --key -", LINE, &line), 0);
	assert_int_equal(file_write(path, line, strlen(line), 0600), 0);
	assert_int_equal(keygen(k->dir, "-L -f issued.pub"), 0);
	free(path);
	assert_int_equal(sshkey_from_line(line, strlen(line), &blob, &n), 0);
	assert_int_equal(cert_parse(blob, n, &c), 0);
	free(blob);
	free(line);
	return c;
}

static void
a_revocation_reaches_the_parent(void **state)
{
	struct keyd *k = *state;
	struct cert *c;
	struct krl *krl;
	const uint8_t *p;
	struct msg m;
	char *out;
	size_t n;

	keyd_start(k);
	c = issued(k);
	assert_int_equal(keygen(k->dir, "-Q -f ca/krl issued.pub"), 0);
	assert_int_equal(admin(k, "cert revoke 1", "", &out), 0);
	free(out);
	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_KRL);
	assert_int_equal(buf_peek_string(m.body, &p, &n), 0);
	assert_int_equal(krl_parse(p, n, &krl), 0);
	assert_true(krl_is_revoked(krl, c));
	/* What targets read says the same. */
	assert_int_equal(keygen(k->dir, "-Q -f ca/krl issued.pub"), 1);
	krl_free(krl);
	cert_free(c);
	assert_int_equal(keyd_end(k), 0);
}

static void
killed_it_comes_back_and_counts_on(void **state)
{
	struct keyd *k = *state;
	uint64_t last = 0;

	for (int i = 0; i < 3; i++) {
		struct cert *c;
		int status;

		keyd_start(k);
		c = issued(k);
		assert_true(c->serial > last);
		last = c->serial;
		cert_free(c);
		assert_int_equal(kill(k->pid, SIGKILL), 0);
		assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
		msgio_free(k->io);
	}
}

static void
minting_is_answered_either_way(void **state)
{
	struct keyd *k = *state;
	struct buf *b = buf_new(MSG_MAX);
	struct cert *c;
	const uint8_t *p;
	uint8_t *key, ok;
	struct msg m;
	size_t n;

	keyd_start(k);
	assert_int_equal(sshkey_from_line(LINE, strlen(LINE), &key, &n), 0);
	for (int good = 1; good >= 0; good--) {
		b = b == NULL ? buf_new(MSG_MAX) : b;
		buf_put_cstring(b, "agent/ci");
		buf_put_cstring(b, "S-0123456789");
		buf_put_cstring(b, "web1");
		buf_put_cstring(b, good ? "deploy" : "agent/ci");
		buf_put_string(b, key, n);
		buf_put_u64(b, 60000);
		buf_put_u8(b, 0);
		send_msg(k->io, KEYD_MINT, b, -1);
		b = NULL;
		assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
		assert_int_equal(m.type, KEYD_MINTED);
		assert_int_equal(m.id, 5);
		assert_int_equal(buf_get_u8(m.body, &ok), 0);
		assert_int_equal(ok, good);
		assert_int_equal(buf_peek_string(m.body, &p, &n), 0);
		if (good) {
			assert_int_equal(cert_parse(p, n, &c), 0);
			cert_free(c);
		}
		n = 51;	/* of the key again */
	}
	free(key);
	assert_int_equal(keyd_end(k), 0);
}

static struct msgio *
audit_link(struct keyd *k)
{
	struct buf *b = buf_new(16);
	int sv[2];

	assert_int_equal(msgio_pair(sv), 0);
	buf_put_u32(b, 0);
	send_msg(k->io, KEYD_AUDIT_LINK, b, sv[1]);
	return msgio_new(sv[0]);
}

/* Ask for a signature: whether it was given. */
static bool
asked_to_sign(struct msgio *audit, const char *text)
{
	struct buf *b = buf_new(1024);
	uint8_t ok;
	struct msg m;

	buf_put_cstring(b, text);
	send_msg(audit, KEYD_SIGN, b, -1);
	assert_int_equal(msgio_wait(audit, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_SIGNED);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	return ok == 1;
}

#define ROOT	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
a_new_audit_process_takes_over(void **state)
{
	struct keyd *k = *state;
	struct msgio *one, *two;
	struct msg m;

	keyd_start(k);
	one = audit_link(k);
	assert_true(asked_to_sign(one, "host/log\n5\n" ROOT "\n"));
	assert_false(asked_to_sign(one, "host/log\n4\n" ROOT "\n"));
	assert_false(asked_to_sign(one, "ssh-ed25519-cert-v01@openssh.com"));
	two = audit_link(k);
	assert_true(asked_to_sign(two, "host/log\n6\n" ROOT "\n"));
	assert_int_equal(msgio_wait(one, &m, WAIT_MS), ERR_EOF);
	/* It may sign, and nothing else: the link ends, the process does not. */
	send_msg(two, KEYD_ADMIN, admin_body("ca show", ""), -1);
	assert_int_equal(msgio_wait(two, &m, WAIT_MS), ERR_EOF);
	msgio_free(one);
	msgio_free(two);
	one = audit_link(k);
	assert_true(asked_to_sign(one, "host/log\n7\n" ROOT "\n"));
	msgio_free(one);
	assert_int_equal(keyd_end(k), 0);
}

/* What a parent may not send: each ends the process. */
static void
a_wrong_message_ends_the_link(void **state)
{
	struct keyd *k = *state;
	struct buf *b;
	struct msg m;

	for (int n = 0; n < 5; n++) {
		if (n < 2)
			keyd_spawn(k);
		else
			keyd_start(k);
		b = start_body(k->dir, "");
		if (n == 0) {				/* before the start */
			buf_free(b);
			b = admin_body("ca show", "");
		} else if (n == 1) {			/* one byte too many */
			buf_put_u8(b, 0);
		} else if (n == 3) {			/* cut short */
			buf_free(b);
			b = admin_body("ca show", "");
			buf_trim(b, 3);
		} else if (n == 4) {			/* more words than there are */
			buf_free(b);
			b = buf_new(64);
			buf_put_cstring(b, "host/root");
			buf_put_u32(b, UINT32_MAX);
		}
		send_msg(k->io, n == 0 || n > 2 ? KEYD_ADMIN : KEYD_START, b, -1);
		assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), ERR_EOF);
		(void)keyd_end(k);
	}
}

static void
keys_that_others_may_read_stop_it(void **state)
{
	struct keyd *k = *state;
	char *master = file_join(k->dir, "keys/master");
	struct msg m;

	assert_int_equal(chmod(master, 0644), 0);
	keyd_spawn(k);
	send_msg(k->io, KEYD_START, start_body(k->dir, ""), -1);
	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), ERR_EOF);
	assert_int_equal(keyd_end(k), 1);
	free(master);
}

/* The folder above is root's alone; the process has left root behind and still finds its own. */
static void
as_root_it_becomes_another_user(void **state)
{
	struct keyd *k = *state;
	char *ca = file_join(k->dir, "ca"), *status = NULL, *out;
	struct buf *b = buf_new(65536);
	struct stat st;

	if (geteuid() != 0) {
		free(ca);
		free(status);
		buf_free(b);
		skip();
	}
	for (int i = 0; i < 2; i++) {		/* the second time it finds files of that user */
		keyd_start_as(k, "nobody");
		cert_free(issued(k));
		assert_int_equal(admin(k, "cert revoke 1", "", &out), 0);
		free(out);
		free(status);
		status = xasprintf("/proc/%d/status", (int)k->pid);
		buf_clear(b);
		assert_int_equal(file_read(status, b), 0);
		buf_put_u8(b, 0);
		assert_null(strstr((const char *)buf_ptr(b), "Uid:\t0"));
		assert_int_equal(keyd_end(k), 0);
	}
	assert_int_equal(stat(ca, &st), 0);
	assert_int_not_equal(st.st_uid, 0);
	free(ca);
	free(status);
	buf_free(b);
}

/* secret put, the secret in a file in memory. */
static void
secret_put(struct keyd *k, const char *words, const void *p, size_t n)
{
	int fd = memfd_create("secret", MFD_CLOEXEC);
	uint8_t status;
	struct msg m;

	assert_int_equal(file_write_all(fd, p, n), 0);
	send_msg(k->io, KEYD_ADMIN, admin_body(words, ""), fd);
	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_ADMIN_DONE);
	assert_int_equal(buf_get_u8(m.body, &status), 0);
	assert_int_equal(status, 0);
}

/* A loan for login "deploy": the session's end, or -1 when it was refused. */
static int
lend(struct keyd *k, const char *name, enum secret_kind kind)
{
	struct buf *b = buf_new(1024);
	struct timeval tv = { .tv_sec = WAIT_MS / 1000 };
	uint8_t ok;
	struct msg m;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	(void)setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	buf_put_cstring(b, "S-0123456789");
	buf_put_cstring(b, "web1");
	buf_put_cstring(b, "deploy");
	buf_put_cstring(b, name);
	buf_put_u8(b, (uint8_t)kind);
	send_msg(k->io, KEYD_LEND, b, sv[1]);
	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_LENT);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	if (ok)
		return sv[0];
	close(sv[0]);
	return -1;
}

/* The next message must be a use of this secret; it is answered. */
static void
let_use(struct keyd *k, const char *name, bool ok)
{
	struct buf *b = buf_new(16);
	char *s = NULL;
	struct msg m;

	assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
	assert_int_equal(m.type, KEYD_USE);
	for (int i = 0; i < 4; i++) {
		free(s);
		assert_int_equal(buf_get_cstring(m.body, &s), 0);
	}
	assert_string_equal(s, name);
	free(s);
	buf_put_u8(b, ok);
	assert_int_equal(msgio_send(k->io, KEYD_USED, m.id, b, -1), 0);
	buf_free(b);
}

/* What a client would sign for this user, or, without one, any other text. */
static void
ask_signature(int fd, const uint8_t *key, size_t n, const char *user)
{
	static const uint8_t id[32];
	struct buf *data = buf_new(4096), *b = buf_new(8192), *frame = buf_new(8192);

	if (user == NULL)
		buf_put_cstring(data, "a checkpoint, a certificate, or whatever else");
	else {
		buf_put_string(data, id, sizeof(id));
		buf_put_u8(data, 50);
		buf_put_cstring(data, user);
		buf_put_cstring(data, "ssh-connection");
		buf_put_cstring(data, "publickey");
		buf_put_u8(data, 1);
		buf_put_cstring(data, "ssh-ed25519");
		buf_put_string(data, key, n);
	}
	buf_put_u8(b, 13);
	buf_put_string(b, key, n);
	buf_put_string(b, buf_ptr(data), buf_len(data));
	buf_put_u32(b, 0);
	buf_put_string(frame, buf_ptr(b), buf_len(b));
	assert_int_equal(file_write_all(fd, buf_ptr(frame), buf_len(frame)), 0);
	buf_free(data);
	buf_free(b);
	buf_free(frame);
}

/* Type of the agent's answer, 0 when it hung up. */
static int
agent_answer(int fd)
{
	uint8_t head[4], body[4096];
	size_t n;

	if (recv(fd, head, 4, MSG_WAITALL) != 4)
		return 0;
	n = (size_t)head[2] << 8 | head[3];
	assert_true(n > 0 && n <= sizeof(body) && head[0] == 0 && head[1] == 0);
	assert_int_equal(recv(fd, body, n, MSG_WAITALL), (ssize_t)n);
	return body[0];
}

static void
a_lent_key_signs_its_login_and_nothing_else(void **state)
{
	struct keyd *k = *state;
	char *path = file_join(k->dir, "held");
	struct buf *text = buf_new(16384);
	uint8_t *key;
	size_t n;
	int fd;

	assert_int_equal(keygen(k->dir, "-q -t ed25519 -N ~ -f held"), 0);
	assert_int_equal(file_read(path, text), 0);
	key = keygen_blob(k->dir, "held.pub", &n);
	keyd_start(k);
	secret_put(k, "secret put one --key", buf_ptr(text), buf_len(text));
	assert_int_equal(lend(k, "none", SECRET_KEY), -1);
	assert_int_equal(lend(k, "one", SECRET_PASSWORD), -1);
	assert_true((fd = lend(k, "one", SECRET_KEY)) >= 0);
	assert_int_equal(file_write_all(fd, "\0\0\0\1\13", 5), 0);
	assert_int_equal(agent_answer(fd), 12);
	ask_signature(fd, key, n, NULL);
	assert_int_equal(agent_answer(fd), 5);
	ask_signature(fd, key, n, "root");
	assert_int_equal(agent_answer(fd), 5);
	ask_signature(fd, key, n - 1, "deploy");
	assert_int_equal(agent_answer(fd), 5);
	/* None of these was a use. The record comes first, and without it there is no signature. */
	ask_signature(fd, key, n, "deploy");
	let_use(k, "one", false);
	assert_int_equal(agent_answer(fd), 5);
	ask_signature(fd, key, n, "deploy");
	let_use(k, "one", true);
	assert_int_equal(agent_answer(fd), 14);
	/* With the signature the loan is over. */
	assert_int_equal(agent_answer(fd), 0);
	close(fd);
	/* A message that is none ends a loan, and the process goes on. */
	assert_true((fd = lend(k, "one", SECRET_KEY)) >= 0);
	assert_int_equal(file_write_all(fd, "\377\377\377\377\377", 5), 0);
	assert_int_equal(agent_answer(fd), 0);
	close(fd);
	assert_true((fd = lend(k, "one", SECRET_KEY)) >= 0);
	close(fd);
	free(key);
	free(path);
	buf_free(text);
	assert_int_equal(keyd_end(k), 0);
}

static void
a_lent_password_goes_out_once_and_recorded(void **state)
{
	struct keyd *k = *state;
	uint8_t got[64];
	int fd;

	keyd_start(k);
	secret_put(k, "secret put pw --password", "a password", 10);
	for (int ok = 1; ok >= 0; ok--) {
		struct buf *b = buf_new(1024);
		struct msg m;
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		fd = sv[0];
		buf_put_cstring(b, "S-0123456789");
		buf_put_cstring(b, "web1");
		buf_put_cstring(b, "deploy");
		buf_put_cstring(b, "pw");
		buf_put_u8(b, SECRET_PASSWORD);
		send_msg(k->io, KEYD_LEND, b, sv[1]);
		let_use(k, "pw", ok);
		assert_int_equal(msgio_wait(k->io, &m, WAIT_MS), 0);
		assert_int_equal(m.type, KEYD_LENT);
		assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), ok ? 14 : 0);
		if (ok)
			assert_memory_equal(got, "\0\0\0\12a password", 14);
		close(fd);
	}
	assert_int_equal(keyd_end(k), 0);
}

#define WITH(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_revocation_reaches_the_parent),
		WITH(killed_it_comes_back_and_counts_on),
		WITH(minting_is_answered_either_way),
		WITH(a_new_audit_process_takes_over),
		WITH(a_wrong_message_ends_the_link),
		WITH(keys_that_others_may_read_stop_it),
		WITH(a_lent_key_signs_its_login_and_nothing_else),
		WITH(a_lent_password_goes_out_once_and_recorded),
		WITH(as_root_it_becomes_another_user),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
