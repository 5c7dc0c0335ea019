/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-approvald: the approvals process. Descriptor 3 is the link to the parent, which says who everybody is; the
 * audit process is told everything before it takes effect. Without either of the two it ends.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "approvals/approvals_msg.h"
#include "approvals/desk.h"
#include "approvals/http.h"
#include "approvals/limits.h"
#include "approvals/settings.h"
#include "approvals/store.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/xmalloc.h"

#define PARENT_FD	3
#define STORE_NAME	"approvals.db"

/* From the audit process's messages; this folder does not include from bastion/ but its ground floor. */
enum { AUDIT_RECORDED = 207, AUDIT_FAILED = 215 };

struct approvald {
	struct event_base	*base;
	struct link		*parent, *audit;
	struct store		*store;
	struct http		*http;
	struct desk		*desk;
};

static int
audit_recorded(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;
	uint64_t seq;
	int r;

	(void)l;
	if ((r = buf_get_u64(m->body, &seq)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	return desk_recorded(a->desk, m->id);
}

static int
audit_failed(struct link *l, struct msg *m, void *arg)
{
	(void)l;
	(void)m;
	(void)arg;
	fatal("the audit log cannot be written; nothing can be approved");
}

static const struct link_row audit_rows[] = {
	{ AUDIT_RECORDED, "recorded", LINK_PERMIT, audit_recorded },
	{ AUDIT_FAILED, "failed", LINK_PERMIT, audit_failed },
	{ 0, NULL, 0, NULL }
};

static void
audit_gone(struct link *l, int r, void *arg)
{
	(void)l;
	(void)arg;
	fatal("the audit process is gone: %s", err_text(r));
}

/*
 * Of the state directory the store alone, which lies in it beside keys and evidence; and what name look-ups and TLS read.
 */
static int
approvald_enter_sandbox(const char *state_dir, const char *store)
{
	char *log = xasprintf("%s-wal", store), *journal = xasprintf("%s-journal", store);
	const struct sandbox_path paths[] = {
		{ state_dir, SANDBOX_NAMES }, { store, SANDBOX_WRITE }, { log, SANDBOX_WRITE }, { journal, SANDBOX_WRITE },
		{ "/etc", SANDBOX_READ }, { "/usr", SANDBOX_READ }, { "/lib", SANDBOX_READ }, { "/lib64", SANDBOX_READ },
		{ "/run", SANDBOX_READ }, { "/dev/null", SANDBOX_WRITE }, { "/dev/urandom", SANDBOX_READ },
	};
	int r = sandbox_paths(paths, sizeof(paths) / sizeof(paths[0]));

	free(log);
	free(journal);
	return r != 0 ? r : sandbox_enter(SANDBOX_NETWORK);
}

/* Everything that must be there before the first question. *errorp is one line for the operator. */
static int
approvald_open(struct approvald *a, const char *state_dir, const char *user, int audit_fd, char **errorp)
{
	struct link_params lp = { .base = a->base, .fd = audit_fd, .name = "audit", .rows = audit_rows,
	    .gone = audit_gone, .arg = a };
	struct desk_params dp;
	char *path = file_join(state_dir, STORE_NAME);
	int r;

	*errorp = NULL;
	if ((a->audit = link_new(&lp)) == NULL) {
		close(audit_fd);
		r = ERR_NOMEM;
		goto out;
	}
	if ((r = sandbox_drop(user[0] == '\0' ? NULL : user)) != 0 || (r = store_open(path, &a->store, errorp)) != 0 ||
	    (r = store_prune(a->store, clock_wall_ms() - REQUEST_KEEP_MS)) != 0)
		goto out;
	r = ERR_NOMEM;
	if ((a->http = http_new(a->base)) == NULL)
		goto out;
	dp = (struct desk_params){ .base = a->base, .parent = a->parent, .audit = a->audit, .store = a->store,
	    .http = a->http };
	if ((a->desk = desk_new(&dp)) == NULL)
		goto out;
	r = approvald_enter_sandbox(state_dir, path);
out:
	if (r != 0 && *errorp == NULL)
		*errorp = xasprintf("%s: %s", path, err_text(r));
	free(path);
	return r;
}

static int
parent_start(struct link *l, struct msg *m, void *arg)
{
	static const uint16_t then[] = { APPROVALS_CONF, APPROVALS_SESSION, APPROVALS_IDENTITY, APPROVALS_ADMIN,
	    APPROVALS_RETURN };
	struct approvald *a = arg;
	struct buf *b = NULL;
	char *dir = NULL, *user = NULL, *error = NULL;
	int r, ok;

	if ((r = buf_get_cstring(m->body, &dir)) != 0 || (r = buf_get_cstring(m->body, &user)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (m->fd == -1) {
		r = ERR_FORMAT;
		goto out;
	}
	ok = approvald_open(a, dir, user, msg_take_fd(m), &error) == 0;
	if ((b = buf_new(MSG_MAX)) == NULL || (r = buf_put_u8(b, (uint8_t)ok)) != 0 ||
	    (r = buf_put_cstring(b, error)) != 0 || (r = link_send(l, APPROVALS_STARTED, m->id, b, -1)) != 0)
		fatal("cannot answer the parent");
	if (!ok)
		fatal("cannot start: %s", error);
	for (size_t i = 0; i < sizeof(then) / sizeof(then[0]); i++)
		link_permit(l, then[i]);
out:
	buf_free(b);
	free(error);
	free(user);
	free(dir);
	return r;
}

static int
parent_conf(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;
	struct settings *s = NULL;
	int r;

	(void)l;
	if ((r = settings_parse(m->body, &s)) != 0)
		return r;
	desk_configure(a->desk, s);
	return 0;
}

static int
parent_session(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;
	char *session = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &session)) == 0 && (r = buf_end(m->body)) == 0 &&
	    (m->fd == -1 || session[0] == '\0' || strlen(session) > FIELD_MAX))
		r = ERR_FORMAT;
	if (r == 0 && (r = desk_add_session(a->desk, session, m->fd)) == 0)
		(void)msg_take_fd(m);
	free(session);
	return r;
}

static int
get_groups(struct buf *b, struct strvec *groups)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > GROUPS_MAX)
		return ERR_TOOBIG;
	for (; n > 0; n--) {
		char *g;

		if ((r = buf_get_cstring(b, &g)) != 0)
			return r;
		strvec_take(groups, g);
	}
	return 0;
}

static int
parent_identity(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;
	char *session = NULL, *identity = NULL, *owner = NULL;
	struct person *who = NULL;
	uint8_t may_decide;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &session)) != 0 || (r = buf_get_cstring(m->body, &identity)) != 0 ||
	    (r = buf_get_cstring(m->body, &owner)) != 0)
		goto out;
	who = person_new(identity, owner);
	if ((r = get_groups(m->body, &who->groups)) != 0 || (r = buf_get_u8(m->body, &may_decide)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (identity[0] == '\0' || strlen(identity) > FIELD_MAX || strlen(owner) > FIELD_MAX || may_decide > 1) {
		r = ERR_FORMAT;
		goto out;
	}
	who->may_decide = may_decide == 1;
	r = desk_set_identity(a->desk, session, who);
	who = NULL;
	if (r == ERR_NOTFOUND)
		r = 0;	/* it went while the parent was telling us */
out:
	person_free(who);
	free(session);
	free(identity);
	free(owner);
	return r;
}

static int
parent_admin(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;
	char *who = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &who)) == 0 && (who[0] == '\0' || strlen(who) > FIELD_MAX))
		r = ERR_FORMAT;
	if (r == 0)
		r = desk_admin(a->desk, m->id, who, m->body);
	free(who);
	return r;
}

static int
parent_return(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;
	char *session = NULL, *req = NULL;
	const uint8_t *digest;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &session)) != 0 || (r = buf_get_cstring(m->body, &req)) != 0 ||
	    (r = buf_peek_string(m->body, &digest, &n)) != 0 || (r = buf_end(m->body)) != 0 ||
	    (r = n != APPROVAL_DIGEST_LEN ? ERR_FORMAT : 0) != 0)
		goto out;
	desk_return(a->desk, session, req, digest);
	req = NULL;
out:
	free(session);
	free(req);
	return r;
}

static int
parent_stop(struct link *l, struct msg *m, void *arg)
{
	struct approvald *a = arg;

	(void)l;
	(void)event_base_loopbreak(a->base);
	return buf_end(m->body);
}

static const struct link_row parent_rows[] = {
	{ APPROVALS_START, "start", LINK_PERMIT | LINK_ONCE, parent_start },
	{ APPROVALS_CONF, "conf", 0, parent_conf },
	{ APPROVALS_SESSION, "session", 0, parent_session },
	{ APPROVALS_IDENTITY, "identity", 0, parent_identity },
	{ APPROVALS_ADMIN, "admin", 0, parent_admin },
	{ APPROVALS_RETURN, "return", 0, parent_return },
	{ APPROVALS_STOP, "stop", LINK_PERMIT | LINK_ONCE, parent_stop },
	{ 0, NULL, 0, NULL }
};

static void
parent_gone(struct link *l, int r, void *arg)
{
	(void)l;
	(void)arg;
	fatal("the parent is gone: %s", err_text(r));
}

int
main(int argc, char **argv)
{
	struct approvald a = { 0 };
	struct link_params lp = { .fd = PARENT_FD, .name = "parent", .rows = parent_rows, .gone = parent_gone,
	    .arg = &a };
	struct stat st;

	(void)argv;
	log_init("sallyport-approvald", LOG_LEVEL_INFO);
	sandbox_prepare();
	(void)umask(077);
	/* A terminal's ^C and a service manager's stop reach the parent, which ends us when its sessions have. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	if (argc != 1 || fstat(PARENT_FD, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		(void)fprintf(stderr, "sallyport-approvald: is started by sallyportd, with descriptor 3\n");
		return 2;
	}
	if (sodium_init() == -1 || http_init() != 0 || (a.base = event_base_new()) == NULL)
		fatal("libraries: cannot be set up");
	lp.base = a.base;
	if ((a.parent = link_new(&lp)) == NULL)
		fatal("parent link: %s", strerror(errno));
	if (event_base_dispatch(a.base) == -1)
		fatal("event loop: %s", strerror(errno));
	desk_free(a.desk);
	http_free(a.http);
	store_close(a.store);
	link_free(a.audit);
	link_free(a.parent);
	event_base_free(a.base);
	return 0;
}
