/* SPDX-License-Identifier: Apache-2.0 */
/* The real sallyport-auditd between a parent, a key process and sessions that are played here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/audit/audit_msg.h"
#include "bastion/audit/verify.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/msgio.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/cmd.h"
#include "bastion/ctl.h"
#include "bastion/ident/keyd_msg.h"
#include "t/unit/notekey.h"

#define ORIGIN		"bastion.example/test"
#define SESSION		"S-0123456789"
#define PATIENCE_MS	20000
#define HEADER		"{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},\"timestamp\":1700000000}"

struct world {
	char		 dir[64];
	char		*conf;
	struct notekey	 key;
	pid_t		 pid;
	struct msgio	*parent, *keyd;
	int		 unsigned_left;	/* how many signatures the key process still gives; -1 = all */
};

/* What verify said, one line after the other. */
static char said[8192];
static char killed[64];

/* The command's way to the daemon, which is not here. */
int
ctl_ask(const struct cmd_env *env, const struct strvec *argv, const struct buf *in)
{
	char *words = strvec_join(argv, " ");

	(void)env;
	(void)in;
	(void)snprintf(killed, sizeof(killed), "%s", words);
	free(words);
	return 0;
}

static void
keep(const char *line, void *arg)
{
	size_t n = strlen(said);

	(void)arg;
	(void)snprintf(said + n, sizeof(said) - n, "%s\n", line);
}

static int
verify(struct world *w, struct verify_report *rep)
{
	char *why;
	int r;

	said[0] = '\0';
	r = audit_verify(w->dir, keep, NULL, rep, &why);
	free(why);
	return r;
}

static char *
path_in(struct world *w, const char *name)
{
	return file_join(w->dir, name);
}

static void
put_file(struct world *w, const char *name, const char *text)
{
	char *path = path_in(w, name), *dir = file_dir(path);

	assert_int_equal(file_mkdirs(dir, 0700), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0600), 0);
	free(dir);
	free(path);
}

/* The whole of a file as a string; the caller frees. */
static char *
get_file(struct world *w, const char *name)
{
	struct buf *b = buf_new(16 * 1024 * 1024);
	char *path = path_in(w, name), *text = NULL;

	assert_int_equal(file_read(path, b), 0);
	text = xstrndup((const char *)(buf_len(b) > 0 ? buf_ptr(b) : (const uint8_t *)""), buf_len(b));
	buf_free(b);
	free(path);
	return text;
}

static void
flip(struct world *w, const char *name, off_t at)
{
	char *path = path_in(w, name), c;
	int fd = open(path, O_RDWR);

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
	free(path);
}

static struct msgio *
channel(int *theirs)
{
	int sv[2];

	assert_int_equal(msgio_pair(sv), 0);
	*theirs = sv[1];
	return msgio_new(sv[0]);
}

static void
sign(struct world *w, struct msg *m)
{
	struct buf *b = buf_new(1024);
	const uint8_t *text;
	char sig[512];
	size_t n;

	assert_int_equal(m->type, KEYD_SIGN);
	assert_int_equal(buf_peek_string(m->body, &text, &n), 0);
	if (w->unsigned_left == 0)
		goto out;
	if (w->unsigned_left > 0)
		w->unsigned_left--;
	notekey_sign(&w->key, text, n, sig);
	assert_int_equal(buf_put_u8(b, 1), 0);
	assert_int_equal(buf_put_cstring(b, sig), 0);
	assert_int_equal(msgio_send(w->keyd, KEYD_SIGNED, m->id, b, -1), 0);
out:
	buf_free(b);
}

/* Wait for this peer's next message (or its end: the code), signing meanwhile. */
static int
next(struct world *w, struct msgio *io, struct msg *m)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (clock_mono_ms() < until) {
		struct pollfd p[2] = { { .fd = msgio_fd(io), .events = POLLIN },
		    { .fd = w->keyd == NULL ? -1 : msgio_fd(w->keyd), .events = POLLIN } };
		struct msg k;
		int r = msgio_next(io, m);

		if (r != ERR_AGAIN)
			return r;
		(void)msgio_flush(io);
		if (poll(p, 2, 1000) == -1)
			continue;
		if (p[1].revents != 0 && msgio_read(w->keyd) == 0)
			while (msgio_next(w->keyd, &k) == 0)
				sign(w, &k);
		if (p[0].revents != 0 && (r = msgio_read(io)) != 0 && r != ERR_AGAIN)
			return r;
	}
	return ERR_EXPIRED;
}

/* The next message of this type; acknowledgements of recording bytes may come before it. */
static void
expect(struct world *w, struct msgio *io, uint16_t type, struct msg *m)
{
	int r;

	do
		r = next(w, io, m);
	while (r == 0 && m->type == AUDIT_REC_ACK && type != AUDIT_REC_ACK);
	assert_int_equal(r, 0);
	assert_int_equal(m->type, type);
}

/* Start the process; what it answers to AUDIT_START comes back. */
static int
start(struct world *w, uint64_t *recordsp, char **whyp)
{
	char *prog = realpath("sallyport-auditd", NULL);
	char *argv[] = { prog, NULL }, *envp[] = { xstrdup("ASAN_OPTIONS=detect_leaks=0"), NULL };
	struct spawn_params sp = { .path = prog, .argv = argv, .envp = envp, .fds = { -1, -1, 2, -1 }, .nfds = 4,
	    .die_with_parent = 1 };
	struct buf *b = buf_new(1024);
	struct msg m;
	uint8_t ok;
	int keyd;

	assert_non_null(prog);
	w->parent = channel(&sp.fds[3]);
	w->pid = spawn(&sp);
	assert_true(w->pid > 0);
	close(sp.fds[3]);
	w->keyd = channel(&keyd);
	assert_int_equal(buf_put_cstring(b, w->dir), 0);
	assert_int_equal(buf_put_cstring(b, ""), 0);
	assert_int_equal(buf_put_cstring(b, ORIGIN), 0);
	assert_int_equal(buf_put_u64(b, 0), 0);
	assert_int_equal(msgio_send(w->parent, AUDIT_START, 1, b, keyd), 0);
	expect(w, w->parent, AUDIT_STARTED, &m);
	assert_int_equal(buf_get_u64(m.body, recordsp), 0);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(buf_get_cstring(m.body, whyp), 0);
	buf_free(b);
	free(envp[0]);
	free(prog);
	return ok;
}

static void
start_well(struct world *w)
{
	uint64_t records;
	char *why;

	assert_int_equal(start(w, &records, &why), 1);
	free(why);
}

/* Reap the process: its wait status. */
static int
reap(struct world *w)
{
	int status;

	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	msgio_free(w->parent);
	msgio_free(w->keyd);
	w->parent = w->keyd = NULL;
	w->pid = -1;
	return status;
}

static void
stop_well(struct world *w)
{
	struct msg m;

	assert_int_equal(msgio_send(w->parent, AUDIT_STOP, 0, NULL, -1), 0);
	assert_int_equal(next(w, w->parent, &m), ERR_EOF);
	assert_int_equal(reap(w), 0);
}

static void
kill_hard(struct world *w)
{
	assert_int_equal(kill(w->pid, SIGKILL), 0);
	assert_true(WIFSIGNALED(reap(w)));
}

static struct msgio *
session(struct world *w, const char *id, const char *identity)
{
	struct buf *b = buf_new(1024);
	struct msgio *io;
	int fd;

	io = channel(&fd);
	assert_int_equal(buf_put_cstring(b, id), 0);
	assert_int_equal(buf_put_cstring(b, *id != '\0' ? "192.0.2.7" : "approvald"), 0);
	assert_int_equal(msgio_send(w->parent, AUDIT_SESSION, 0, b, fd), 0);
	buf_clear(b);
	if (identity != NULL) {
		assert_int_equal(buf_put_cstring(b, id), 0);
		assert_int_equal(buf_put_cstring(b, identity), 0);
		assert_int_equal(buf_put_cstring(b, "human/kim"), 0);
		assert_int_equal(msgio_send(w->parent, AUDIT_IDENTITY, 0, b, -1), 0);
	}
	buf_free(b);
	return io;
}

static void
say(struct msgio *io, uint32_t id, const char *event, const char *members)
{
	struct buf *b = buf_new(65536);

	assert_int_equal(buf_put_cstring(b, event), 0);
	assert_int_equal(buf_put_cstring(b, members), 0);
	assert_int_equal(msgio_send(io, AUDIT_RECORD, id, b, -1), 0);
	buf_free(b);
}

static void
rec_open(struct world *w, struct msgio *io, uint32_t chan, const char *want)
{
	struct buf *b = buf_new(1024);
	struct msg m;
	uint8_t ok;
	char *id;

	assert_int_equal(buf_put_u32(b, chan), 0);
	assert_int_equal(buf_put_cstring(b, HEADER), 0);
	assert_int_equal(msgio_send(io, AUDIT_REC_OPEN, 7, b, -1), 0);
	expect(w, io, AUDIT_REC_OPENED, &m);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(buf_get_cstring(m.body, &id), 0);
	assert_int_equal(ok, 1);
	assert_string_equal(id, want);
	free(id);
	buf_free(b);
}

/* Send n bytes of event lines and wait until the file has them all. */
static uint64_t
rec_data(struct world *w, struct msgio *io, uint32_t chan, size_t n, uint64_t before)
{
	static const char line[] = "[0.001, \"o\", \"0123456789012345678901234567890123456789\\r\\n\"]\n";
	struct buf *b = buf_new(AUDIT_DATA_MAX + 64), *lines = buf_new(AUDIT_DATA_MAX);
	uint64_t sent = before, there = before;
	struct msg m;
	uint32_t c;

	while (buf_room(lines) >= sizeof(line) - 1)
		assert_int_equal(buf_put(lines, line, sizeof(line) - 1), 0);
	while (sent - before < n) {
		buf_clear(b);
		assert_int_equal(buf_put_u32(b, chan), 0);
		assert_int_equal(buf_put_string(b, buf_ptr(lines), buf_len(lines)), 0);
		assert_int_equal(msgio_send(io, AUDIT_REC_DATA, 0, b, -1), 0);
		sent += buf_len(lines);
		while (sent - there > 512 * 1024 || (sent - before >= n && there < sent)) {
			expect(w, io, AUDIT_REC_ACK, &m);
			assert_int_equal(buf_get_u32(m.body, &c), 0);
			assert_int_equal(buf_get_u64(m.body, &there), 0);
			assert_int_equal(c, chan);
		}
	}
	buf_free(b);
	buf_free(lines);
	return there;
}

static void
rec_close(struct world *w, struct msgio *io, uint32_t chan)
{
	struct buf *b = buf_new(16);
	struct msg m;

	assert_int_equal(buf_put_u32(b, chan), 0);
	assert_int_equal(msgio_send(io, AUDIT_REC_CLOSE, 9, b, -1), 0);
	expect(w, io, AUDIT_REC_CLOSED, &m);
	buf_free(b);
}

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/unit-auditd-XXXXXX");
	if (sodium_init() == -1 || mkdtemp(w->dir) == NULL)
		return -1;
	notekey_make(&w->key, ORIGIN);
	w->pid = -1;
	w->unsigned_left = -1;
	put_file(w, "keys/audit.pub", w->key.line);
	w->conf = path_in(w, "sallyport.yaml");
	*state = w;
	return 0;
}

static void
remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char *sub = file_join(path, e->d_name);

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			if (e->d_type == DT_DIR)
				remove_tree(sub);
			(void)unlink(sub);
		}
		free(sub);
	}
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	if (w->pid > 0) {
		(void)kill(w->pid, SIGKILL);
		(void)waitpid(w->pid, NULL, 0);
	}
	msgio_free(w->parent);
	msgio_free(w->keyd);
	remove_tree(w->dir);
	free(w->conf);
	free(w);
	return 0;
}

static void
a_record_is_stamped_and_survives_kill_9(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io;
	struct msg m;
	uint64_t seq, records;
	char *log, *why;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	say(io, 42, "exec.start", "{\"command\":\"make test\"}");
	expect(w, io, AUDIT_RECORDED, &m);
	assert_int_equal(m.id, 42);
	assert_int_equal(buf_get_u64(m.body, &seq), 0);
	kill_hard(w);
	msgio_free(io);
	log = get_file(w, "audit/log.jsonl");
	assert_non_null(strstr(log, "\"event\":\"exec.start\",\"session\":\"" SESSION "\",\"identity\":\"agent/ci\","
	    "\"owner\":\"human/kim\",\"source\":\"192.0.2.7\",\"command\":\"make test\"}\n"));
	free(log);
	assert_int_equal(verify(w, &rep), 0);
	assert_true(rep.signed_records > seq);
	assert_int_equal(start(w, &records, &why), 1);
	assert_int_equal(records, seq + 1);
	free(why);
	stop_well(w);
	assert_int_equal(verify(w, &rep), 0);
	assert_int_equal(rep.records, rep.signed_records);
}

static void
nothing_is_acknowledged_before_it_is_signed(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io;
	struct msg m;
	struct pollfd p;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	w->unsigned_left = 0;
	say(io, 1, "exec.start", "{}");
	/* The key process has been asked by now, and keeps quiet. */
	p = (struct pollfd){ .fd = msgio_fd(w->keyd), .events = POLLIN };
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	p.fd = msgio_fd(io);
	assert_int_equal(poll(&p, 1, 50), 0);
	/*
	 * It goes: the session is told to stop, and the process ends; the record is kept and signed at the next
	 * start.
	 */
	msgio_free(w->keyd);
	w->keyd = NULL;
	expect(w, io, AUDIT_FAILED, &m);
	assert_int_equal(next(w, io, &m), ERR_EOF);
	assert_int_equal(WEXITSTATUS(reap(w)), 1);
	msgio_free(io);
	assert_int_equal(verify(w, &rep), 0);
	assert_int_equal(rep.records, rep.signed_records + 1);
	w->unsigned_left = -1;
	start_well(w);
	assert_int_equal(verify(w, &rep), 0);
	assert_int_equal(rep.records, rep.signed_records);
	stop_well(w);
}

static void
a_session_cannot_speak_for_another(void **state)
{
	static const struct {
		const char	*event, *members;
	} lies[] = {
		{ "exec.start", "{\"identity\":\"agent/root\"}" }, { "exec.start", "{\"session\":\"S-9999999999\"}" },
		{ "exec.start", "{\"seq\":1}" }, { "exec.start", "{\"daemon\":\"approvald\"}" }, { "Exec", "{}" },
		{ "exec.start", "[]" }, { "exec.start", "{\"a\":1,\"a\":2}" }, { "exec.start", "{\"a\":" },
		{ "", "{}" },
	};
	struct world *w = *state;
	struct verify_report rep;
	struct msg m;

	start_well(w);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct msgio *io = session(w, SESSION, "agent/ci");

		say(io, 1, lies[i].event, lies[i].members);
		assert_int_equal(next(w, io, &m), ERR_EOF);
		msgio_free(io);
	}
	stop_well(w);
	assert_int_equal(verify(w, &rep), 0);
}

static void
a_daemon_says_whom_it_speaks_of(void **state)
{
	struct world *w = *state;
	struct msgio *io;
	struct msg m;
	char *log;

	start_well(w);
	io = session(w, "", NULL);
	say(io, 5, "approval.grant", "{\"session\":\"" SESSION "\",\"request\":\"REQ-7F3K2Q\"}");
	expect(w, io, AUDIT_RECORDED, &m);
	log = get_file(w, "audit/log.jsonl");
	assert_non_null(strstr(log, "\"event\":\"approval.grant\",\"session\":\"" SESSION "\",\"daemon\":\"approvald\","
	    "\"request\":\"REQ-7F3K2Q\"}\n"));
	free(log);
	msgio_free(io);
	stop_well(w);
}

static void
a_recording_is_sealed_and_a_changed_byte_is_named(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io;
	uint64_t n;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	rec_open(w, io, 0, SESSION ".1");
	n = rec_data(w, io, 0, 3 * 1024 * 1024, sizeof(HEADER));
	rec_close(w, io, 0);
	/* The same channel number again is another recording. */
	rec_open(w, io, 0, SESSION ".2");
	(void)rec_data(w, io, 0, 1000, sizeof(HEADER));
	rec_close(w, io, 0);
	stop_well(w);
	msgio_free(io);
	assert_int_equal(verify(w, &rep), 0);
	assert_int_equal(rep.recordings, 2);
	assert_true(rep.bytes > n);
	flip(w, "recordings/" SESSION ".1.cast", 1500000);
	assert_int_equal(verify(w, &rep), ERR_CRYPTO);
	assert_string_equal(said, "recordings/" SESSION ".1.cast: bytes 1048576-2097151 differ from record 3\n");
	flip(w, "recordings/" SESSION ".1.cast", 1500000);
	flip(w, "recordings/" SESSION ".2.cast", 20);
	assert_int_equal(verify(w, &rep), ERR_CRYPTO);
	assert_non_null(strstr(said, SESSION ".2.cast: bytes 0-"));
	flip(w, "recordings/" SESSION ".2.cast", 20);
	put_file(w, "recordings/S-AAAAAAAAAA.1.cast", "made up");
	assert_int_equal(verify(w, &rep), ERR_CRYPTO);
	assert_string_equal(said, "recordings/S-AAAAAAAAAA.1.cast: no record speaks of it\n");
}

static void
a_session_that_goes_leaves_a_sealed_recording(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io, *other;
	struct msg m;
	char *log;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	rec_open(w, io, 3, SESSION ".1");
	(void)rec_data(w, io, 3, 1000, sizeof(HEADER));
	msgio_free(io);
	other = session(w, "S-1111111111", "agent/other");
	say(other, 1, "session.start", "{}");
	expect(w, other, AUDIT_RECORDED, &m);
	stop_well(w);
	msgio_free(other);
	log = get_file(w, "audit/log.jsonl");
	assert_non_null(strstr(log, "\"event\":\"recording.cut\",\"session\":\"" SESSION "\""));
	free(log);
	assert_int_equal(verify(w, &rep), 0);
	assert_int_equal(rep.recordings, 1);
}

static void
after_kill_9_recordings_and_torn_lines_are_recovered(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io;
	char *log, *path = path_in(w, "audit/log.jsonl");
	int fd;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	rec_open(w, io, 0, SESSION ".1");
	(void)rec_data(w, io, 0, 2000000, sizeof(HEADER));
	kill_hard(w);
	msgio_free(io);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(file_write_all(fd, "{\"v\":1,\"seq\":99,\"ti", 19), 0);
	close(fd);
	start_well(w);
	stop_well(w);
	assert_int_equal(verify(w, &rep), 0);
	assert_int_equal(rep.recordings, 1);
	assert_int_equal(rep.open_recordings, 0);
	log = get_file(w, "audit/log.jsonl");
	assert_non_null(strstr(log, "\"event\":\"recording.recovered\",\"session\":\"" SESSION "\""));
	assert_non_null(strstr(log, "\"torn_bytes\":19"));
	free(log);
	free(path);
}

static void
a_changed_record_is_named_and_the_log_is_not_continued(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io;
	struct msg m;
	uint64_t records;
	char *log, *why;
	off_t at;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	for (uint32_t i = 0; i < 300; i++) {
		say(io, i, "exec.start", "{\"command\":\"ls\"}");
		expect(w, io, AUDIT_RECORDED, &m);
	}
	stop_well(w);
	msgio_free(io);
	assert_int_equal(verify(w, &rep), 0);
	log = get_file(w, "audit/log.jsonl");
	at = strstr(strstr(log, "\"seq\":270,"), "ls\"}") - log;
	free(log);
	flip(w, "audit/log.jsonl", at);
	assert_int_equal(verify(w, &rep), ERR_CRYPTO);
	assert_string_equal(said, "log.jsonl record 270 (line 271): is not what was signed\n");
	assert_int_equal(start(w, &records, &why), 0);
	assert_non_null(strstr(why, "altered"));
	free(why);
	assert_int_equal(WEXITSTATUS(reap(w)), 1);
}

static void
a_shortened_log_is_seen(void **state)
{
	struct world *w = *state;
	struct verify_report rep;
	struct msgio *io;
	struct msg m;
	char *path = path_in(w, "audit/log.jsonl"), *log;

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	say(io, 1, "exec.start", "{}");
	expect(w, io, AUDIT_RECORDED, &m);
	stop_well(w);
	msgio_free(io);
	log = get_file(w, "audit/log.jsonl");
	assert_int_equal(truncate(path, strchr(log, '\n') + 1 - log), 0);
	free(log);
	free(path);
	assert_int_equal(verify(w, &rep), ERR_CRYPTO);
	assert_string_equal(said, "log.jsonl: ends after 1 records, 3 were signed\n");
}

static void
when_the_disk_is_full_every_session_is_told(void **state)
{
	struct world *w = *state;
	struct rlimit was, small;
	struct verify_report rep;
	struct msgio *io, *other;
	struct msg m;
	int r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 16384;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	start_well(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	io = session(w, SESSION, "agent/ci");
	other = session(w, "S-1111111111", "agent/other");
	say(other, 1, "session.start", "{}");
	expect(w, other, AUDIT_RECORDED, &m);
	for (uint32_t i = 0; i < 400; i++)
		say(io, i, "exec.start", "{\"command\":\"0123456789012345678901234567890123456789\"}");
	while ((r = next(w, io, &m)) == 0 && m.type == AUDIT_RECORDED)
		;
	assert_int_equal(r, 0);
	assert_int_equal(m.type, AUDIT_FAILED);
	expect(w, other, AUDIT_FAILED, &m);
	assert_int_equal(WEXITSTATUS(reap(w)), AUDITD_EXIT_DISK);
	msgio_free(io);
	msgio_free(other);
	start_well(w);
	stop_well(w);
	assert_int_equal(verify(w, &rep), 0);
}

/* Run a command with its output in a file; the text comes back, the caller frees. */
static char *
run(struct world *w, cmd_fn fn, int want, ...)
{
	const char *argv[8];
	char *path = path_in(w, "stdout");
	int argc = 0, status, pid;
	va_list ap;

	va_start(ap, want);
	while (argc < 8 && (argv[argc] = va_arg(ap, const char *)) != NULL)
		argc++;
	va_end(ap);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		struct cmd_env env = { .conf_path = w->conf };
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		(void)dup2(fd, STDOUT_FILENO);
		status = fn(argc, (char **)(uintptr_t)argv, &env);
		fflush(NULL);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), want);
	free(path);
	return get_file(w, "stdout");
}

static void
assert_said(char *text, const char *want)
{
	if (text == NULL || strstr(text, want) == NULL)
		fail_msg("\"%s\" is not in: %s", want, text == NULL ? "nothing" : text);
	free(text);
}

/* Debian's asciinema reads version 2 alone. */
static void
assert_asciinema_plays(struct world *w, const char *want)
{
	char *path = path_in(w, "v2.cast"), *out = path_in(w, "played");
	/* It wants a terminal of its own, which script(1) gives it. */
	char *argv[] = { xstrdup("script"), xstrdup("-qec"), xasprintf("/usr/bin/asciinema cat %s", path),
	    xstrdup("/dev/null"), NULL };
	char *envp[] = { xasprintf("HOME=%s", w->dir), xstrdup("PATH=/usr/bin:/bin"), xstrdup("LC_ALL=C.UTF-8"), NULL };
	struct spawn_params sp = { .path = "/usr/bin/script", .argv = argv, .envp = envp, .fds = { -1, -1, 2 },
	    .nfds = 3 };
	int status;
	pid_t pid;

	if (access(sp.path, X_OK) == 0 && access("/usr/bin/asciinema", X_OK) == 0) {
		sp.fds[1] = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_true((pid = spawn(&sp)) > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(sp.fds[1]);
		assert_int_equal(status, 0);
		assert_said(get_file(w, "played"), want);
	}
	for (int i = 0; i < 4; i++)
		free(argv[i]);
	for (int i = 0; i < 3; i++)
		free(envp[i]);
	free(path);
	free(out);
}

static void
the_commands_read_the_evidence(void **state)
{
	struct world *w = *state;
	struct msgio *io;
	struct msg m;
	char *path = path_in(w, "v2.cast"), *tiles = path_in(w, "tiles");

	start_well(w);
	io = session(w, SESSION, "agent/ci");
	rec_open(w, io, 0, SESSION ".1");
	(void)rec_data(w, io, 0, 1000, sizeof(HEADER));
	rec_close(w, io, 0);
	say(io, 1, "exec.decision", "{\"verdict\":\"deny\",\"rule\":\"no-root\",\"target\":\"web\\u001b1\"}");
	expect(w, io, AUDIT_RECORDED, &m);
	say(io, 2, "session.end", "{}");
	expect(w, io, AUDIT_RECORDED, &m);
	stop_well(w);
	msgio_free(io);
	assert_said(run(w, cmd_audit, 0, "audit", "verify", NULL), "ok: 6 records, 1 sealed recordings");
	assert_said(run(w, cmd_audit, 0, "audit", "search", "rule=no-*", NULL), "\"verdict\":\"deny\"");
	free(run(w, cmd_audit, 1, "audit", "search", "rule=other", NULL));
	assert_said(run(w, cmd_audit, 0, "audit", "export", "--jsonl", NULL), "\"event\":\"audit.start\"");
	free(run(w, cmd_audit, 0, "audit", "export", "--tiles", tiles, NULL));
	assert_said(get_file(w, "tiles/tile/entries/000.p/6"), "");
	free(run(w, cmd_audit, CMD_USAGE & 0xff, "audit", NULL));
	assert_said(run(w, cmd_sessions, 0, "sessions", "list", "--since", "1h", NULL), SESSION "  ");
	assert_said(run(w, cmd_sessions, 0, "sessions", "list", "--json", NULL), "\"refused\":1");
	assert_said(run(w, cmd_sessions, 0, "sessions", "show", SESSION, NULL),
	    "command judged  verdict=deny  rule=no-root  target=web\\x1b1");
	free(run(w, cmd_sessions, 1, "sessions", "show", "S-2222222222", NULL));
	assert_said(run(w, cmd_replay, 0, "replay", SESSION, NULL), "0123456789\n0123456789");
	free(run(w, cmd_replay, 1, "replay", "S-2222222222", NULL));
	assert_said(run(w, cmd_export, 0, "export", SESSION ".1", NULL), HEADER "\n[0.001");
	free(run(w, cmd_export, 0, "export", SESSION, "--v2", "-o", path, NULL));
	assert_asciinema_plays(w, "01234567890123456789");
	flip(w, "recordings/" SESSION ".1.cast", sizeof(HEADER) + 20);
	free(run(w, cmd_replay, 1, "replay", SESSION, NULL));
	assert_said(run(w, cmd_replay, 0, "replay", SESSION, "--force", NULL), "0123456789");
	assert_said(run(w, cmd_audit, 1, "audit", "verify", NULL), "ALTERED");
	free(path);
	free(tiles);
}

static void
kill_asks_the_daemon(void **state)
{
	struct world *w = *state;
	struct cmd_env env = { .conf_path = w->conf };
	char *argv[] = { xstrdup("sessions"), xstrdup("kill"), xstrdup(SESSION), NULL };

	assert_int_equal(cmd_sessions(3, argv, &env), 0);
	assert_string_equal(killed, "sessions kill " SESSION);
	for (int i = 0; i < 3; i++)
		free(argv[i]);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_record_is_stamped_and_survives_kill_9),
		T(nothing_is_acknowledged_before_it_is_signed),
		T(a_session_cannot_speak_for_another),
		T(a_daemon_says_whom_it_speaks_of),
		T(a_recording_is_sealed_and_a_changed_byte_is_named),
		T(a_session_that_goes_leaves_a_sealed_recording),
		T(after_kill_9_recordings_and_torn_lines_are_recovered),
		T(a_changed_record_is_named_and_the_log_is_not_continued),
		T(a_shortened_log_is_seen),
		T(when_the_disk_is_full_every_session_is_told),
		T(the_commands_read_the_evidence),
		T(kill_asks_the_daemon),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
