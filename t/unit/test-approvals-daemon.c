/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real sallyport-approvald, with this program in the places of its parent, the audit process and the sessions. The
 * audit log acknowledges by itself unless a test holds it back.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/msgio.h"
#include "bastion/base/spawn.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"

#define PATIENCE_MS	20000
#define SECRET		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PYTHON		"/usr/bin/python3"

enum { AUDIT_RECORD = 206, AUDIT_RECORDED = 207 };

struct world {
	char		 dir[64];
	pid_t		 pid;
	struct msgio	*parent, *audit;
	struct strvec	 events;	/* "approval.ask {...}" */
	bool		 hold;		/* the audit log does not acknowledge */
	uint32_t	 held_id;
	unsigned	 nsessions;
	int64_t		 ttl_ms, grant_ms;
	uint8_t		 policy;
	char		*url;		/* of a webhook, or NULL */
};

static void
record(struct world *w, struct msg *m)
{
	char *event, *json;
	struct buf *b;

	assert_int_equal(m->type, AUDIT_RECORD);
	assert_int_equal(buf_get_cstring(m->body, &event), 0);
	assert_int_equal(buf_get_cstring(m->body, &json), 0);
	strvec_pushf(&w->events, "%s %s", event, json);
	free(event);
	free(json);
	w->held_id = m->id;
	if (w->hold)
		return;
	b = buf_new(16);
	assert_int_equal(buf_put_u64(b, w->events.n), 0);
	(void)msgio_send(w->audit, AUDIT_RECORDED, m->id, b, -1);
	buf_free(b);
}

/* Acknowledge what was held back. */
static void
let_go(struct world *w)
{
	struct buf *b = buf_new(16);

	w->hold = false;
	assert_int_equal(buf_put_u64(b, w->events.n), 0);
	assert_int_equal(msgio_send(w->audit, AUDIT_RECORDED, w->held_id, b, -1), 0);
	buf_free(b);
}

/* The next message on io, the audit log being served meanwhile. ERR_EOF and the like when the link is over. */
static int
next(struct world *w, struct msgio *io, struct msg *m)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	for (;;) {
		struct pollfd pfd[2] = { { .fd = msgio_fd(io), .events = POLLIN },
		    { .fd = w->audit == NULL ? -1 : msgio_fd(w->audit), .events = POLLIN } };
		struct msg a;
		int r;

		while (w->audit != NULL && io != w->audit && msgio_next(w->audit, &a) == 0)
			record(w, &a);
		if ((r = msgio_next(io, m)) != ERR_AGAIN)
			return r;
		if (clock_mono_ms() > until)
			return ERR_AGAIN;
		(void)poll(pfd, 2, PATIENCE_MS);
		if (pfd[1].revents != 0 && io != w->audit)
			(void)msgio_read(w->audit);
		if (pfd[0].revents != 0 && (r = msgio_read(io)) != 0 && r != ERR_AGAIN && msgio_next(io, m) != 0)
			return r;
	}
}

static struct msg
expect(struct world *w, struct msgio *io, uint16_t type, uint32_t id)
{
	struct msg m;
	int r = next(w, io, &m);

	if (r != 0)
		fail_msg("message %u did not come: %s", type, err_text(r));
	assert_int_equal(m.type, type);
	assert_int_equal(m.id, id);
	return m;
}

/* Wait until the audit log has been told an event of this name and this text. */
static void
expect_event(struct world *w, const char *name, const char *text)
{
	for (;;) {
		struct msg m;

		for (size_t i = 0; i < w->events.n; i++)
			if (strncmp(w->events.v[i], name, strlen(name)) == 0 && strstr(w->events.v[i], text) != NULL)
				return;
		if (next(w, w->audit, &m) != 0)
			fail_msg("no %s with %s", name, text);
		record(w, &m);
	}
}

static void
send_conf(struct world *w)
{
	struct buf *b = buf_new(65536);
	uint8_t policy[32];

	memset(policy, w->policy, sizeof(policy));
	(void)buf_put_string(b, policy, sizeof(policy));
	(void)buf_put_u64(b, (uint64_t)w->ttl_ms);
	(void)buf_put_u64(b, (uint64_t)w->grant_ms);
	(void)buf_put_u32(b, 3);
	(void)buf_put_cstring(b, "one");
	(void)buf_put_u32(b, 1);
	(void)buf_put_u32(b, 2);
	(void)buf_put_cstring(b, "*");
	(void)buf_put_cstring(b, "group:ops");
	(void)buf_put_cstring(b, "two");
	(void)buf_put_u32(b, 2);
	(void)buf_put_u32(b, 1);
	(void)buf_put_cstring(b, "*");
	(void)buf_put_cstring(b, "nobody");
	(void)buf_put_u32(b, 1);
	(void)buf_put_u32(b, 0);
	(void)buf_put_u32(b, w->url != NULL);
	if (w->url != NULL) {
		(void)buf_put_cstring(b, w->url);
		(void)buf_put_cstring(b, SECRET);
	}
	assert_int_equal(msgio_send(w->parent, APPROVALS_CONF, 0, b, -1), 0);
	buf_free(b);
}

static char *
program(void)
{
	const char *named = getenv("SALLYPORT_APPROVALD");

	return xstrdup(named != NULL ? named : BUILDDIR "/sallyport-approvald");
}

static void
start(struct world *w)
{
	char *path = program(), *argv[] = { path, NULL };
	char *env[] = { (char *)(uintptr_t)"LC_ALL=C.UTF-8", (char *)(uintptr_t)"ASAN_OPTIONS=detect_leaks=0", NULL };
	int link[2], audit[2];
	struct spawn_params sp = { .path = path, .argv = argv, .envp = env, .nfds = 4, .die_with_parent = 1 };
	struct buf *b = buf_new(4096);
	struct msg m;
	uint8_t ok;

	assert_int_equal(msgio_pair(link), 0);
	assert_int_equal(msgio_pair(audit), 0);
	sp.fds[0] = -1;
	sp.fds[1] = -1;
	sp.fds[2] = getenv("VERBOSE") != NULL ? 2 : -1;
	sp.fds[3] = link[1];
	w->pid = spawn(&sp);
	assert_true(w->pid > 0);
	close(link[1]);
	w->parent = msgio_new(link[0]);
	w->audit = msgio_new(audit[0]);
	(void)buf_put_cstring(b, w->dir);
	(void)buf_put_cstring(b, "");
	assert_int_equal(msgio_send(w->parent, APPROVALS_START, 1, b, audit[1]), 0);
	m = expect(w, w->parent, APPROVALS_STARTED, 1);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(ok, 1);
	send_conf(w);
	buf_free(b);
	free(path);
}

static int
reaped(struct world *w)
{
	int status;

	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	msgio_free(w->parent);
	msgio_free(w->audit);
	w->parent = w->audit = NULL;
	w->pid = 0;
	return status;
}

/* Without its store it says why and ends. */
static void
test_start_without_a_place_is_refused(void **state)
{
	struct world *w = *state, other = { .dir = "/nonexistent/sallyport" };
	struct buf *b = buf_new(4096);
	char *path = program(), *argv[] = { path, NULL }, *error;
	struct spawn_params sp = { .path = path, .argv = argv, .fds = { -1, -1, -1, -1 }, .nfds = 4,
	    .die_with_parent = 1 };
	int link[2], audit[2], status;
	struct msg m;
	uint8_t ok;

	assert_int_equal(msgio_pair(link), 0);
	assert_int_equal(msgio_pair(audit), 0);
	sp.fds[3] = link[1];
	assert_true((other.pid = spawn(&sp)) > 0);
	close(link[1]);
	other.parent = msgio_new(link[0]);
	other.audit = msgio_new(audit[0]);
	(void)buf_put_cstring(b, other.dir);
	(void)buf_put_cstring(b, "");
	assert_int_equal(msgio_send(other.parent, APPROVALS_START, 1, b, audit[1]), 0);
	m = expect(&other, other.parent, APPROVALS_STARTED, 1);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(ok, 0);
	assert_int_equal(buf_get_cstring(m.body, &error), 0);
	assert_non_null(strstr(error, "/nonexistent/sallyport/approvals.db"));
	status = reaped(&other);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_true(w->pid != 0);
	free(error);
	free(path);
	buf_free(b);
}

static struct msgio *
session(struct world *w, const char *identity, const char *owner, const char *group, bool may_decide)
{
	struct buf *b = buf_new(4096);
	char *id = xasprintf("S-%010u", ++w->nsessions);
	int sv[2];

	assert_int_equal(msgio_pair(sv), 0);
	(void)buf_put_cstring(b, id);
	assert_int_equal(msgio_send(w->parent, APPROVALS_SESSION, 0, b, sv[1]), 0);
	(void)buf_put_cstring(b, identity);
	(void)buf_put_cstring(b, owner);
	(void)buf_put_u32(b, group != NULL);
	if (group != NULL)
		(void)buf_put_cstring(b, group);
	(void)buf_put_u8(b, may_decide);
	assert_int_equal(msgio_send(w->parent, APPROVALS_IDENTITY, 0, b, -1), 0);
	buf_free(b);
	free(id);
	return msgio_new(sv[0]);
}

/* An administrator's answer says that everything the parent sent before has been read. */
static void
settle(struct world *w)
{
	struct buf *b = buf_new(4096);

	(void)buf_put_cstring(b, "host/test");
	(void)buf_put_u32(b, 1);
	(void)buf_put_cstring(b, "pending");
	(void)buf_put_cstring(b, "json");
	assert_int_equal(msgio_send(w->parent, APPROVALS_ADMIN, 77, b, -1), 0);
	(void)expect(w, w->parent, APPROVALS_ADMIN_DONE, 77);
	buf_free(b);
}

static void
ask_text(struct msgio *io, uint32_t id, uint8_t digest, uint8_t policy, const char *rule, const char *text)
{
	struct buf *b = buf_new(256 * 1024);
	uint8_t d[32], p[32];

	memset(d, digest, sizeof(d));
	memset(p, policy, sizeof(p));
	(void)buf_put_cstring(b, "exec");
	(void)buf_put_cstring(b, "web1");
	(void)buf_put_cstring(b, "deploy");
	(void)buf_put_cstring(b, rule);
	(void)buf_put_cstring(b, "production needs a second pair of eyes");
	(void)buf_put_cstring(b, text);
	(void)buf_put_string(b, d, sizeof(d));
	(void)buf_put_string(b, p, sizeof(p));
	assert_int_equal(msgio_send(io, APPROVALS_ASK, id, b, -1), 0);
	buf_free(b);
}

/* The request's id (the caller frees) and the verdict so far; "" when refused, with the error in *errorp if wanted. */
static char *
asked(struct world *w, struct msgio *io, uint32_t id, enum approval_verdict *vp, char **errorp)
{
	struct msg m = expect(w, io, APPROVALS_ASKED, id);
	char *req, *error;
	uint64_t deadline;
	uint8_t v;

	assert_int_equal(buf_get_cstring(m.body, &req), 0);
	assert_int_equal(buf_get_u64(m.body, &deadline), 0);
	assert_int_equal(buf_get_u8(m.body, &v), 0);
	assert_int_equal(buf_get_cstring(m.body, &error), 0);
	assert_int_equal(buf_end(m.body), 0);
	assert_true(req[0] != '\0' || error[0] != '\0');
	assert_true(req[0] == '\0' || error[0] == '\0' || v == APPROVAL_DENIED);	/* then it is who denied it, and why */
	if (vp != NULL)
		*vp = v;
	if (errorp != NULL)
		*errorp = error;
	else
		free(error);
	return req;
}

static char *
ask(struct world *w, struct msgio *io, uint8_t digest, const char *rule)
{
	enum approval_verdict v;
	char *req;

	ask_text(io, 9, digest, w->policy, rule, "make deploy\n");
	req = asked(w, io, 9, &v, NULL);
	assert_true(id_is(req, "REQ-", REQUEST_ID_LEN));
	assert_int_equal(v, APPROVAL_PENDING);
	return req;
}

static void
send_verb(struct msgio *io, uint32_t id, const char *line)
{
	struct buf *b = buf_new(8192);
	char *copy = xstrdup(line), *rest = copy, *word;
	uint32_t n = 1;

	for (const char *c = line; *c != '\0'; c++)
		n += *c == ' ';
	(void)buf_put_u32(b, n);
	while ((word = strsep(&rest, " ")) != NULL)
		(void)buf_put_cstring(b, word);
	(void)buf_put_cstring(b, "text");
	assert_int_equal(msgio_send(io, APPROVALS_VERB, id, b, -1), 0);
	buf_free(b);
	free(copy);
}

/* The exit status; what it prints must hold text. */
static int
verb(struct world *w, struct msgio *io, const char *text, const char *fmt, const char *req)
{
	char *line = xmalloc(512), *out, *err;
	struct msg m;
	uint8_t status;
	int n = strstr(fmt, "REQ") == NULL ? snprintf(line, 512, "%s", fmt) :
	    snprintf(line, 512, "%.*s%s%s", (int)(strstr(fmt, "REQ") - fmt), fmt, req, strstr(fmt, "REQ") + 3);

	assert_true(n > 0 && n < 512);
	send_verb(io, 5, line);
	m = expect(w, io, APPROVALS_VERB_DONE, 5);
	assert_int_equal(buf_get_u8(m.body, &status), 0);
	assert_int_equal(buf_get_cstring(m.body, &out), 0);
	assert_int_equal(buf_get_cstring(m.body, &err), 0);
	if (strstr(out, text) == NULL && strstr(err, text) == NULL)
		fail_msg("%s: \"%s\" is neither in \"%s\" nor in \"%s\"", line, text, out, err);
	free(line);
	free(out);
	free(err);
	return status;
}

static void
expect_decision(struct world *w, struct msgio *io, const char *req, enum approval_verdict verdict, const char *by,
    const char *reason)
{
	struct msg m = expect(w, io, APPROVALS_DECISION, 0);
	char *got_req, *got_by, *got_reason;
	uint8_t v;

	assert_int_equal(buf_get_cstring(m.body, &got_req), 0);
	assert_int_equal(buf_get_u8(m.body, &v), 0);
	assert_int_equal(buf_get_cstring(m.body, &got_by), 0);
	assert_int_equal(buf_get_cstring(m.body, &got_reason), 0);
	assert_string_equal(got_req, req);
	assert_int_equal(v, verdict);
	assert_string_equal(got_by, by);
	assert_string_equal(got_reason, reason);
	free(got_req);
	free(got_by);
	free(got_reason);
}

static void
send_use(struct msgio *io, uint32_t id, const char *req, uint8_t digest)
{
	struct buf *b = buf_new(256);
	uint8_t d[32];

	memset(d, digest, sizeof(d));
	(void)buf_put_cstring(b, req);
	(void)buf_put_string(b, d, sizeof(d));
	assert_int_equal(msgio_send(io, APPROVALS_USE, id, b, -1), 0);
	buf_free(b);
}

static bool
used(struct world *w, struct msgio *io, const char *req, uint8_t digest, const char *why)
{
	struct msg m;
	char *error;
	uint8_t ok;

	send_use(io, 6, req, digest);
	m = expect(w, io, APPROVALS_USED, 6);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(buf_get_cstring(m.body, &error), 0);
	if (why != NULL && strstr(error, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, error);
	free(error);
	return ok;
}

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/sp-approvald-XXXXXX");
	if (mkdtemp(w->dir) == NULL)
		return -1;
	w->ttl_ms = w->grant_ms = 600000;
	w->policy = 3;
	strvec_init(&w->events);
	*state = w;
	start(w);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const files[] = { "approvals.db", "approvals.db-wal", "approvals.db-shm", "secret", "port",
	    "out/000.json", "out/001.json", "out/000.bad", "out/001.bad" };
	struct world *w = *state;
	int status = 0;

	if (w->pid != 0) {
		(void)msgio_send(w->parent, APPROVALS_STOP, 0, NULL, -1);
		status = reaped(w);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = xasprintf("%s/%s", w->dir, files[i]);

		(void)unlink(path);
		free(path);
	}
	{
		char *out = xasprintf("%s/out", w->dir);

		(void)rmdir(out);
		free(out);
	}
	(void)rmdir(w->dir);
	strvec_release(&w->events);
	free(w->url);
	free(w);
	return status;
}

/* Agent asks; agent, its owner and the owner's other identity cannot approve; another human can; used once. */
static void
test_ask_approve_use_once(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false);
	struct msgio *alice = session(w, "alice", "", NULL, true), *laptop = session(w, "alice-2", "alice", NULL, true);
	struct msgio *bob = session(w, "bob", "", NULL, true);
	struct msg m;
	char *req, *s;

	settle(w);
	req = ask(w, agent, 1, "one");
	assert_int_equal(verb(w, agent, "yourself; another human must decide", "approve REQ", req), 77);
	assert_int_equal(verb(w, alice, "your own agent asked", "approve REQ", req), 77);
	assert_int_equal(verb(w, laptop, "same human as you", "approve REQ", req), 77);
	assert_int_equal(verb(w, bob, "no such request", "approve REQ", "REQ-000000"), 1);
	assert_int_equal(verb(w, bob, "usage", "deny REQ", req), 2);
	assert_false(used(w, agent, req, 1, "not approved"));
	assert_int_equal(verb(w, bob, "decide", "pending", NULL), 0);
	assert_int_equal(verb(w, agent, "own", "pending", NULL), 0);
	assert_int_equal(verb(w, bob, "\n  | make deploy\n", "show REQ", req), 0);
	assert_int_equal(verb(w, bob, "0101010101010101", "show REQ", req), 0);
	assert_int_equal(verb(w, bob, "approved by bob", "approve REQ --reason looks fine", req), 0);
	expect_decision(w, agent, req, APPROVAL_APPROVED, "bob", "");
	assert_int_equal(verb(w, bob, "approved already, by bob", "approve REQ", req), 1);
	assert_false(used(w, bob, req, 1, "another identity"));
	assert_false(used(w, agent, req, 2, "not what was approved"));
	assert_true(used(w, agent, req, 1, ""));
	m = expect(w, w->parent, APPROVALS_GRANTED, 0);
	assert_int_equal(buf_get_cstring(m.body, &s), 0);
	assert_string_equal(s, "S-0000000001");
	free(s);
	assert_int_equal(buf_get_cstring(m.body, &s), 0);
	assert_string_equal(s, req);
	free(s);
	assert_false(used(w, agent, req, 1, "has been used"));
	assert_int_equal(verb(w, agent, "used", "status REQ", req), 0);
	expect_event(w, "approval.ask", req);
	expect_event(w, "approval.refused", "\"by\":\"alice\"");
	expect_event(w, "approval.approve", "\"reason\":\"looks fine\"");
	expect_event(w, "approval.use", req);
	free(req);
	msgio_free(agent);
	msgio_free(alice);
	msgio_free(laptop);
	msgio_free(bob);
}

static void
test_two_humans_are_two(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	struct msgio *phone = session(w, "bob-phone", "bob", NULL, true), *carol = session(w, "carol", "", NULL, true);
	struct msgio *other = session(w, "agent/x", "dave", NULL, true);
	char *req;

	settle(w);
	req = ask(w, agent, 1, "two");
	assert_int_equal(verb(w, other, "an agent never decides", "approve REQ", req), 77);
	assert_int_equal(verb(w, bob, "1 of 2", "approve REQ", req), 0);
	assert_int_equal(verb(w, bob, "already", "approve REQ", req), 77);
	assert_int_equal(verb(w, phone, "already", "approve REQ", req), 77);
	assert_false(used(w, agent, req, 1, "not approved"));
	assert_int_equal(verb(w, carol, "approved by bob, carol", "approve REQ", req), 0);
	expect_decision(w, agent, req, APPROVAL_APPROVED, "bob, carol", "");
	free(req);
	msgio_free(agent);
	msgio_free(bob);
	msgio_free(phone);
	msgio_free(carol);
	msgio_free(other);
}

static void
test_deny_with_reason_stands(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	enum approval_verdict v;
	char *req, *again, *by;

	settle(w);
	req = ask(w, agent, 1, "one");
	assert_int_equal(verb(w, bob, "denied by bob: use the staging host",
	    "deny REQ --reason use the staging host", req), 0);
	expect_decision(w, agent, req, APPROVAL_DENIED, "bob", "use the staging host");
	assert_int_equal(verb(w, bob, "too late", "approve REQ", req), 1);
	ask_text(agent, 10, 1, w->policy, "one", "make deploy\n");
	again = asked(w, agent, 10, &v, &by);
	assert_string_equal(again, req);
	assert_int_equal(v, APPROVAL_DENIED);
	assert_string_equal(by, "bob: use the staging host");
	expect_decision(w, agent, req, APPROVAL_DENIED, "bob", "use the staging host");
	free(by);
	free(req);
	free(again);
	msgio_free(agent);
	msgio_free(bob);
}

static void
test_expiry_of_request_and_of_approval(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	char *req;

	w->ttl_ms = 1;
	send_conf(w);
	settle(w);
	req = ask(w, agent, 1, "one");
	expect_decision(w, agent, req, APPROVAL_EXPIRED, "", "nobody decided in time");
	assert_int_equal(verb(w, bob, "too late: it is expired", "approve REQ", req), 1);
	free(req);
	w->ttl_ms = 600000;
	w->grant_ms = 1;
	send_conf(w);
	settle(w);
	req = ask(w, agent, 2, "one");
	assert_int_equal(verb(w, bob, "approved", "approve REQ", req), 0);
	expect_event(w, "approval.expire", "the approval was not used in time");
	expect_decision(w, agent, req, APPROVAL_APPROVED, "bob", "");
	assert_false(used(w, agent, req, 2, "in time"));
	free(req);
	msgio_free(agent);
	msgio_free(bob);
}

static void
test_joining_and_early_approval(void **state)
{
	struct world *w = *state;
	struct msgio *a = session(w, "agent/ci", "alice", NULL, false);
	struct msgio *b = session(w, "agent/ci", "alice", NULL, false);
	struct msgio *other = session(w, "agent/x", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	enum approval_verdict v;
	char *req, *same;
	struct msg m;
	uint8_t ok;

	settle(w);
	w->hold = true;	/* both ask before either is recorded */
	ask_text(a, 1, 1, w->policy, "one", "make deploy\n");
	ask_text(b, 2, 1, w->policy, "one", "make deploy\n");
	assert_int_equal(verb(w, a, "nothing is pending", "pending", NULL), 0);
	assert_int_equal(verb(w, b, "nothing is pending", "pending", NULL), 0);
	let_go(w);
	req = asked(w, a, 1, NULL, NULL);
	same = asked(w, b, 2, NULL, NULL);
	assert_string_equal(req, same);
	free(same);
	same = ask(w, other, 1, "one");
	assert_string_not_equal(req, same);	/* another identity's is another request */
	assert_int_equal(verb(w, bob, "approved", "approve REQ", req), 0);
	expect_decision(w, a, req, APPROVAL_APPROVED, "bob", "");
	expect_decision(w, b, req, APPROVAL_APPROVED, "bob", "");
	free(same);
	ask_text(b, 3, 1, w->policy, "one", "make deploy\n");
	same = asked(w, b, 3, &v, NULL);
	assert_string_equal(req, same);
	assert_int_equal(v, APPROVAL_APPROVED);
	w->hold = true;	/* both use it before either use is recorded */
	send_use(b, 6, req, 1);
	assert_int_equal(verb(w, b, "used", "status REQ", req), 0);
	send_use(a, 7, req, 1);
	assert_int_equal(verb(w, a, "used", "status REQ", req), 0);
	assert_int_equal(msgio_next(b, &m), ERR_AGAIN);
	let_go(w);
	m = expect(w, b, APPROVALS_USED, 6);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(ok, 1);
	m = expect(w, a, APPROVALS_USED, 7);
	assert_int_equal(buf_get_u8(m.body, &ok), 0);
	assert_int_equal(ok, 0);
	free(req);
	free(same);
	msgio_free(a);
	msgio_free(b);
	msgio_free(other);
	msgio_free(bob);
}

static void
test_policy_change_voids(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	char *approved, *pending, *req, *error;

	settle(w);
	approved = ask(w, agent, 1, "one");
	assert_int_equal(verb(w, bob, "approved", "approve REQ", approved), 0);
	expect_decision(w, agent, approved, APPROVAL_APPROVED, "bob", "");
	pending = ask(w, agent, 2, "one");
	w->policy = 4;
	send_conf(w);
	expect_decision(w, agent, pending, APPROVAL_EXPIRED, "", "the policy has changed; ask again");
	assert_false(used(w, agent, approved, 1, NULL));
	ask_text(agent, 3, 1, 3, "one", "make deploy\n");
	free(asked(w, agent, 3, NULL, &error));
	assert_non_null(strstr(error, "policy has changed"));
	free(error);
	req = ask(w, agent, 1, "one");
	assert_string_not_equal(req, approved);
	free(req);
	free(approved);
	free(pending);
	msgio_free(agent);
	msgio_free(bob);
}

/* Nothing is answered before its record is durable; without an audit log the process ends. */
static void
test_recorded_before_answered(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	struct msg m;
	char *req, *line;
	int status;

	settle(w);
	w->hold = true;
	ask_text(agent, 1, 1, w->policy, "one", "make deploy\n");
	assert_int_equal(verb(w, agent, "nothing is pending", "pending", NULL), 0);	/* overtakes the answer */
	expect_event(w, "approval.ask", "make deploy");
	let_go(w);
	req = asked(w, agent, 1, NULL, NULL);
	w->hold = true;
	line = xasprintf("approve %s", req);
	send_verb(bob, 8, line);
	expect_event(w, "approval.approve", req);
	assert_int_equal(verb(w, bob, "0 of 1", "status REQ", req), 0);
	(void)msgio_read(agent);
	assert_int_equal(msgio_next(agent, &m), ERR_AGAIN);
	msgio_free(w->audit);
	w->audit = NULL;
	status = reaped(w);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	free(line);
	free(req);
	msgio_free(agent);
	msgio_free(bob);
}

static void
test_kill_keeps_pending(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	enum approval_verdict v;
	char *req, *again;

	settle(w);
	req = ask(w, agent, 1, "two");
	assert_int_equal(verb(w, bob, "1 of 2", "approve REQ", req), 0);
	(void)kill(w->pid, SIGKILL);
	(void)reaped(w);
	msgio_free(agent);
	msgio_free(bob);
	start(w);
	agent = session(w, "agent/ci", "alice", NULL, false);
	bob = session(w, "bob", "", NULL, true);
	settle(w);
	ask_text(agent, 4, 1, w->policy, "two", "make deploy\n");
	again = asked(w, agent, 4, &v, NULL);
	assert_string_equal(again, req);
	assert_int_equal(v, APPROVAL_PENDING);
	assert_int_equal(verb(w, bob, "already", "approve REQ", req), 77);
	free(req);
	free(again);
	msgio_free(agent);
	msgio_free(bob);
}

static void
test_limits(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false);
	char *error, *text = xmalloc(APPROVAL_TEXT_MAX + 2);

	settle(w);
	for (uint8_t i = 0; i < 20; i++)
		free(ask(w, agent, i, "one"));
	ask_text(agent, 1, 99, w->policy, "one", "make deploy\n");
	free(asked(w, agent, 1, NULL, &error));
	assert_non_null(strstr(error, "20 requests"));
	free(error);
	ask_text(agent, 1, 99, w->policy, "nobody", "make deploy\n");
	free(asked(w, agent, 1, NULL, &error));
	assert_non_null(strstr(error, "nobody who could approve"));
	free(error);
	ask_text(agent, 1, 99, w->policy, "no-such-rule", "make deploy\n");
	free(asked(w, agent, 1, NULL, &error));
	assert_non_null(strstr(error, "no such rule"));
	free(error);
	memset(text, 'x', APPROVAL_TEXT_MAX + 1);
	text[APPROVAL_TEXT_MAX + 1] = '\0';
	ask_text(agent, 1, 99, w->policy, "one", text);
	free(asked(w, agent, 1, NULL, &error));
	assert_non_null(strstr(error, "too long"));
	free(error);
	free(text);
	msgio_free(agent);
}

/* A hostile session costs its own link and nothing else. */
static void
test_hostile_sessions_are_cut(void **state)
{
	static const uint16_t types[] = { APPROVALS_START, APPROVALS_IDENTITY, APPROVALS_ADMIN, APPROVALS_STOP, 9999,
	    APPROVALS_ASK, APPROVALS_USE, APPROVALS_VERB, APPROVALS_WATCH };
	struct world *w = *state;
	struct msgio *bob = session(w, "bob", "", NULL, true);
	struct msg m;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct msgio *bad = session(w, "agent/bad", "", NULL, false);
		struct buf *junk = buf_new(64);

		settle(w);
		(void)buf_put_u32(junk, 0xffffffff);
		assert_int_equal(msgio_send(bad, types[i], 1, junk, -1), 0);
		assert_int_equal(next(w, bad, &m), ERR_EOF);
		msgio_free(bad);
		buf_free(junk);
	}
	assert_int_equal(verb(w, bob, "nothing is pending", "pending", NULL), 0);
	msgio_free(bob);
}

/* What a session sends before the parent has said who it is waits; a session that goes before that is forgotten. */
static void
test_early_words_wait(void **state)
{
	struct world *w = *state;
	struct msgio *early;
	struct buf *b = buf_new(256);
	int sv[2], gone[2];

	assert_int_equal(msgio_pair(sv), 0);
	assert_int_equal(msgio_pair(gone), 0);
	early = msgio_new(sv[0]);
	send_verb(early, 5, "pending");
	(void)buf_put_cstring(b, "S-EARLY");
	assert_int_equal(msgio_send(w->parent, APPROVALS_SESSION, 0, b, sv[1]), 0);
	buf_clear(b);
	(void)buf_put_cstring(b, "S-GONE");
	assert_int_equal(msgio_send(w->parent, APPROVALS_SESSION, 0, b, gone[1]), 0);
	close(gone[0]);
	settle(w);
	settle(w);
	for (int i = 0; i < 2; i++) {
		buf_clear(b);
		(void)buf_put_cstring(b, i == 0 ? "S-GONE" : "S-EARLY");
		(void)buf_put_cstring(b, "bob");
		(void)buf_put_cstring(b, "");
		(void)buf_put_u32(b, 0);
		(void)buf_put_u8(b, 1);
		assert_int_equal(msgio_send(w->parent, APPROVALS_IDENTITY, 0, b, -1), 0);
	}
	(void)expect(w, early, APPROVALS_VERB_DONE, 5);
	buf_free(b);
	msgio_free(early);
}

static void
test_watch_is_for_own_requests(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false), *bob = session(w, "bob", "", NULL, true);
	struct msgio *later = session(w, "agent/ci", "alice", NULL, false);
	struct msgio *spy = session(w, "agent/x", "", NULL, false);
	struct buf *b = buf_new(256);
	char *req;

	settle(w);
	req = ask(w, agent, 1, "one");
	msgio_free(agent);
	(void)buf_put_cstring(b, req);
	assert_int_equal(msgio_send(later, APPROVALS_WATCH, 0, b, -1), 0);
	assert_int_equal(msgio_send(spy, APPROVALS_WATCH, 0, b, -1), 0);
	expect_decision(w, spy, req, APPROVAL_EXPIRED, "", "there is no such request of yours");
	assert_int_equal(verb(w, spy, "no such request", "show REQ", req), 1);
	assert_int_equal(verb(w, later, "pending", "status REQ", req), 0);
	assert_int_equal(verb(w, bob, "approved", "approve REQ", req), 0);
	expect_decision(w, later, req, APPROVAL_APPROVED, "bob", "");
	buf_free(b);
	free(req);
	msgio_free(bob);
	msgio_free(later);
	msgio_free(spy);
}

static void
test_host_administrator_is_break_glass(void **state)
{
	struct world *w = *state;
	struct msgio *agent = session(w, "agent/ci", "alice", NULL, false);
	struct buf *b = buf_new(4096);
	struct msg m;
	uint8_t status;
	char *req;

	settle(w);
	req = ask(w, agent, 1, "one");
	(void)buf_put_cstring(b, "host/root");
	(void)buf_put_u32(b, 2);
	(void)buf_put_cstring(b, "approve");
	(void)buf_put_cstring(b, req);
	(void)buf_put_cstring(b, "text");
	assert_int_equal(msgio_send(w->parent, APPROVALS_ADMIN, 3, b, -1), 0);
	m = expect(w, w->parent, APPROVALS_ADMIN_DONE, 3);
	assert_int_equal(buf_get_u8(m.body, &status), 0);
	assert_int_equal(status, 0);
	expect_event(w, "approval.approve", "\"break_glass\":true");
	expect_decision(w, agent, req, APPROVAL_APPROVED, "host/root", "");
	buf_free(b);
	free(req);
	msgio_free(agent);
}

/* Start the receiver; returns its pid, and w->url is where it listens. */
static pid_t
start_sink(struct world *w, const char *fail_first)
{
	char *secret = xasprintf("%s/secret", w->dir), *port = xasprintf("%s/port", w->dir);
	char *out = xasprintf("%s/out", w->dir), text[32] = "";
	char *argv[] = { (char *)(uintptr_t)PYTHON, (char *)(uintptr_t)SRCDIR "/t/helper/webhook-sink.py",
	    (char *)(uintptr_t)"--secret-file", secret, (char *)(uintptr_t)"--port-file", port,
	    (char *)(uintptr_t)"--out", out, (char *)(uintptr_t)"--fail", (char *)(uintptr_t)fail_first, NULL };
	struct spawn_params sp = { .path = PYTHON, .argv = argv, .nfds = 3, .die_with_parent = 1 };
	pid_t pid;
	FILE *f;

	assert_non_null(f = fopen(secret, "w"));
	(void)fputs(SECRET "\n", f);
	(void)fclose(f);
	assert_int_equal(mkfifo(port, 0600), 0);
	assert_int_equal(mkdir(out, 0700), 0);
	sp.fds[0] = sp.fds[1] = -1;
	sp.fds[2] = 2;
	assert_true((pid = spawn(&sp)) > 0);
	assert_non_null(f = fopen(port, "r"));
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	text[strcspn(text, "\n")] = '\0';
	w->url = xasprintf("http://127.0.0.1:%s/hook?token=x", text);
	free(secret);
	free(port);
	free(out);
	return pid;
}

/* Wait until out/NAME is there, serving the audit log; its JSON. */
static json_t *
delivered(struct world *w, int inotify, const char *name)
{
	char *path = xasprintf("%s/out/%s", w->dir, name), events[4096];
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	json_t *j;

	while (access(path, F_OK) == -1 && clock_mono_ms() < until) {
		struct pollfd pfd = { .fd = inotify, .events = POLLIN };

		(void)poll(&pfd, 1, PATIENCE_MS);
		if (pfd.revents != 0)
			(void)!read(inotify, events, sizeof(events));
	}
	j = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (j == NULL)
		fail_msg("%s was not delivered, or not verified", name);
	free(path);
	return j;
}

static void
test_webhook_is_delivered_and_verified(void **state)
{
	struct world *w = *state;
	struct msgio *agent, *bob;
	char *req, *out = xasprintf("%s/out", w->dir);
	int inotify = inotify_init1(IN_CLOEXEC), status;
	pid_t sink;
	json_t *j;

	if (access(PYTHON, X_OK) == -1)
		skip();
	sink = start_sink(w, "1");	/* the first try fails: it must come again */
	assert_true(inotify_add_watch(inotify, out, IN_MOVED_TO) != -1);
	send_conf(w);
	agent = session(w, "agent/ci", "alice", NULL, false);
	bob = session(w, "bob", "", NULL, true);
	settle(w);
	req = ask(w, agent, 1, "one");
	j = delivered(w, inotify, "000.json");
	assert_string_equal(json_string_value(json_object_get(j, "type")), "sallyport.approval.requested");
	assert_string_equal(json_string_value(json_object_get(j, "subject")), req);
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "data"), "text")), "make deploy\n");
	json_decref(j);
	assert_int_equal(verb(w, bob, "approved", "approve REQ", req), 0);
	j = delivered(w, inotify, "001.json");
	assert_string_equal(json_string_value(json_object_get(j, "type")), "sallyport.approval.decided");
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "data"), "state")), "approved");
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "data"), "by")), "bob");
	json_decref(j);
	(void)kill(sink, SIGTERM);
	assert_int_equal(waitpid(sink, &status, 0), sink);
	close(inotify);
	free(req);
	free(out);
	msgio_free(agent);
	msgio_free(bob);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_without_a_place_is_refused),
		TEST(test_ask_approve_use_once),
		TEST(test_two_humans_are_two),
		TEST(test_deny_with_reason_stands),
		TEST(test_expiry_of_request_and_of_approval),
		TEST(test_joining_and_early_approval),
		TEST(test_policy_change_voids),
		TEST(test_recorded_before_answered),
		TEST(test_kill_keeps_pending),
		TEST(test_limits),
		TEST(test_hostile_sessions_are_cut),
		TEST(test_early_words_wait),
		TEST(test_watch_is_for_own_requests),
		TEST(test_host_administrator_is_break_glass),
		TEST(test_webhook_is_delivered_and_verified),
	};

	if (sodium_init() == -1)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
