/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/store.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

#define STORE_VERSION	2
#define STORE_APP_ID	0x53504150

/* From version 1 to 2. */
#define SCHEMA_MEMORY \
    "CREATE TABLE memory (rule TEXT NOT NULL, fingerprint TEXT NOT NULL, target TEXT NOT NULL, repo TEXT NOT NULL," \
    " choice TEXT NOT NULL, by TEXT NOT NULL, request TEXT NOT NULL, at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL," \
    " PRIMARY KEY (rule, fingerprint, target, repo)) STRICT;" \
    "PRAGMA user_version = 2;"

static const char schema_more[] = "BEGIN IMMEDIATE;" SCHEMA_MEMORY "COMMIT;";
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE requests (id TEXT PRIMARY KEY, identity TEXT NOT NULL, owner TEXT NOT NULL, session TEXT NOT NULL,"
    " kind TEXT NOT NULL, target TEXT NOT NULL, login TEXT NOT NULL, rule TEXT NOT NULL, because TEXT NOT NULL,"
    " text BLOB NOT NULL, digest BLOB NOT NULL, policy BLOB NOT NULL, quorum INTEGER NOT NULL, approvers TEXT NOT NULL,"
    " asked_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, state INTEGER NOT NULL, decided_ms INTEGER NOT NULL,"
    " why TEXT NOT NULL) STRICT;"
    "CREATE INDEX requests_state ON requests (state);"
    "CREATE INDEX requests_digest ON requests (digest);"
    "CREATE TABLE votes (request TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE, identity TEXT NOT NULL,"
    " owner TEXT NOT NULL, host INTEGER NOT NULL, approve INTEGER NOT NULL, reason TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY (request, identity, approve)) STRICT;"
    "CREATE TABLE grants (request TEXT PRIMARY KEY REFERENCES requests (id) ON DELETE CASCADE,"
    " until_ms INTEGER NOT NULL, used_ms INTEGER, used_session TEXT) STRICT;"
    "PRAGMA application_id = 1397768528;"
    SCHEMA_MEMORY
    "COMMIT;";

#define REQUEST_COLUMNS	"r.id, r.identity, r.owner, r.session, r.kind, r.target, r.login, r.rule, r.because, r.text," \
	" r.digest, r.policy, r.quorum, r.approvers, r.asked_ms, r.deadline_ms, r.state, r.decided_ms, r.why," \
	" coalesce(g.until_ms, 0), coalesce(g.used_ms, 0)"
#define REQUEST_FROM	" FROM requests r LEFT JOIN grants g ON g.request = r.id "

enum stmt {
	ST_BEGIN, ST_COMMIT, ST_ROLLBACK, ST_INSERT, ST_STATE, ST_VOTE, ST_GRANT, ST_USE_GRANT, ST_USE_REQUEST, ST_BACK_GRANT,
	ST_BACK_REQUEST, ST_FIND,
	ST_DENIED, ST_OPEN, ST_VOTES, ST_PRUNE, ST_REMEMBER, ST_MEMORIES, ST_OVER, ST_FORGET, ST_MAX
};

static const char *const stmt_sql[ST_MAX] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_INSERT] = "INSERT INTO requests VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,"
	    "?19)",
	[ST_STATE] = "UPDATE requests SET state = ?2, decided_ms = ?3, why = ?4 WHERE id = ?1",
	[ST_VOTE] = "INSERT INTO votes VALUES (?1,?2,?3,?4,?5,?6,?7)",
	[ST_GRANT] = "INSERT INTO grants VALUES (?1,?2,NULL,NULL)",
	[ST_USE_GRANT] = "UPDATE grants SET used_ms = ?2, used_session = ?3 WHERE request = ?1 AND used_ms IS NULL"
	    " AND until_ms > ?2",
	[ST_USE_REQUEST] = "UPDATE requests SET state = 4 WHERE id = ?1 AND state = 1",
	[ST_BACK_GRANT] = "UPDATE grants SET used_ms = NULL, used_session = NULL WHERE request = ?1 AND used_ms IS NOT NULL"
	    " AND used_session = ?3 AND until_ms > ?2",
	[ST_BACK_REQUEST] = "UPDATE requests SET state = 1 WHERE id = ?1 AND state = 4",
	[ST_FIND] = "SELECT " REQUEST_COLUMNS REQUEST_FROM "WHERE r.id = ?1",
	[ST_DENIED] = "SELECT " REQUEST_COLUMNS REQUEST_FROM "WHERE r.digest = ?1 AND r.identity = ?2 AND r.policy = ?3"
	    " AND r.state = 2 AND r.decided_ms > ?4 ORDER BY r.decided_ms DESC LIMIT 1",
	[ST_OPEN] = "SELECT " REQUEST_COLUMNS REQUEST_FROM "WHERE r.state IN (0, 1) ORDER BY r.asked_ms",
	[ST_VOTES] = "SELECT identity, owner, host, approve, reason, at_ms FROM votes WHERE request = ?1"
	    " ORDER BY at_ms",
	[ST_PRUNE] = "DELETE FROM requests WHERE state NOT IN (0, 1) AND asked_ms < ?1",
	[ST_REMEMBER] = "INSERT OR REPLACE INTO memory VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[ST_MEMORIES] = "SELECT rule, fingerprint, target, repo, choice, by, request, at_ms, until_ms FROM memory"
	    " ORDER BY at_ms, rule, fingerprint",
	[ST_OVER] = "DELETE FROM memory WHERE until_ms <= ?1",
	[ST_FORGET] = "DELETE FROM memory WHERE fingerprint = ?1",
};

struct store {
	sqlite3		*db;
	sqlite3_stmt	*st[ST_MAX];
};

const char *
store_error(const struct store *s)
{
	return sqlite3_errmsg(s->db);
}

static int
pragma_int(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* Ours and of this version, or empty and now so. */
static int
store_settle(sqlite3 *db, char **errorp)
{
	int version, app;

	if (sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;", NULL, NULL, NULL) != SQLITE_OK)
		return ERR_SYSTEM;
	version = pragma_int(db, "PRAGMA user_version");
	app = pragma_int(db, "PRAGMA application_id");
	if (version == 0 && app == 0 && pragma_int(db, "SELECT count(*) FROM sqlite_schema") == 0)
		return sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK ? 0 : ERR_SYSTEM;
	if (version == -1 || app == -1)
		return ERR_SYSTEM;
	if (app == STORE_APP_ID && version == STORE_VERSION)
		return 0;
	if (app == STORE_APP_ID && version == 1)
		return sqlite3_exec(db, schema_more, NULL, NULL, NULL) == SQLITE_OK ? 0 : ERR_SYSTEM;
	*errorp = xasprintf("approvals database has version %d, this program writes version %d", version,
	    STORE_VERSION);
	return ERR_FORMAT;
}

int
store_open(const char *path, struct store **sp, char **errorp)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int r = ERR_SYSTEM;

	*errorp = NULL;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		goto out;
	(void)sqlite3_busy_timeout(s->db, 2000);
	if ((r = store_settle(s->db, errorp)) != 0)
		goto out;
	for (int i = 0; i < ST_MAX; i++)
		if (sqlite3_prepare_v3(s->db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->st[i], NULL) !=
		    SQLITE_OK) {
			r = ERR_SYSTEM;
			goto out;
		}
	*sp = s;
	s = NULL;
out:
	if (s != NULL && *errorp == NULL)
		*errorp = xasprintf("%s: %s", path, s->db == NULL ? "no memory" : sqlite3_errmsg(s->db));
	store_close(s);
	return r;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < ST_MAX; i++)
		sqlite3_finalize(s->st[i]);
	sqlite3_close(s->db);
	free(s);
}

/* Take a statement for use: old bindings gone. */
static sqlite3_stmt *
stmt_take(struct store *s, enum stmt which)
{
	sqlite3_reset(s->st[which]);
	sqlite3_clear_bindings(s->st[which]);
	return s->st[which];
}

static void
bind_text(sqlite3_stmt *st, int i, const char *v)
{
	(void)sqlite3_bind_text(st, i, v, -1, SQLITE_STATIC);
}

static void
bind_blob(sqlite3_stmt *st, int i, const void *v, size_t n)
{
	(void)sqlite3_bind_blob64(st, i, n == 0 ? "" : v, n, SQLITE_STATIC);
}

/*
 * Run a statement that returns no rows. A bind that found no memory left NULL behind, which NOT NULL and the WHERE
 * clauses refuse.
 */
static int
stmt_run(sqlite3_stmt *st)
{
	int r = sqlite3_step(st);

	sqlite3_reset(st);
	return r == SQLITE_DONE ? 0 : ERR_SYSTEM;
}

static int
store_begin(struct store *s)
{
	return stmt_run(stmt_take(s, ST_BEGIN));
}

/* Commit when all went well, otherwise undo. */
static int
store_end(struct store *s, int r)
{
	if (r == 0 && (r = stmt_run(stmt_take(s, ST_COMMIT))) == 0)
		return 0;
	(void)stmt_run(stmt_take(s, ST_ROLLBACK));
	return r;
}

int
store_insert(struct store *s, const struct request *r)
{
	sqlite3_stmt *st = stmt_take(s, ST_INSERT);
	const char *words[] = { r->id, r->identity, r->owner, r->session, r->kind, r->target, r->login, r->rule,
	    r->because };
	char *approvers = r->approvers.n == 0 ? xstrdup("") : strvec_join(&r->approvers, "\n");
	int e;

	for (int i = 0; i < 9; i++)
		bind_text(st, i + 1, words[i]);
	bind_blob(st, 10, r->text, r->text_len);
	bind_blob(st, 11, r->digest, sizeof(r->digest));
	bind_blob(st, 12, r->policy, sizeof(r->policy));
	(void)sqlite3_bind_int64(st, 13, r->quorum);
	bind_text(st, 14, approvers);
	(void)sqlite3_bind_int64(st, 15, r->asked_ms);
	(void)sqlite3_bind_int64(st, 16, r->deadline_ms);
	(void)sqlite3_bind_int(st, 17, r->state);
	(void)sqlite3_bind_int64(st, 18, r->decided_ms);
	bind_text(st, 19, r->why);
	e = stmt_run(st);
	free(approvers);
	return e;
}

int
store_state(struct store *s, const struct request *r)
{
	sqlite3_stmt *st = stmt_take(s, ST_STATE);

	bind_text(st, 1, r->id);
	(void)sqlite3_bind_int(st, 2, r->state);
	(void)sqlite3_bind_int64(st, 3, r->decided_ms);
	bind_text(st, 4, r->why);
	return stmt_run(st);
}

static int
insert_vote(struct store *s, const char *id, const struct vote *v)
{
	sqlite3_stmt *st = stmt_take(s, ST_VOTE);

	bind_text(st, 1, id);
	bind_text(st, 2, v->identity);
	bind_text(st, 3, v->owner);
	(void)sqlite3_bind_int(st, 4, v->host);
	(void)sqlite3_bind_int(st, 5, v->approve);
	bind_text(st, 6, v->reason);
	(void)sqlite3_bind_int64(st, 7, v->at_ms);
	return stmt_run(st);
}

static int
insert_grant(struct store *s, const struct request *r)
{
	sqlite3_stmt *st = stmt_take(s, ST_GRANT);

	bind_text(st, 1, r->id);
	(void)sqlite3_bind_int64(st, 2, r->grant_until_ms);
	return stmt_run(st);
}

int
store_vote(struct store *s, const struct request *r)
{
	int e;

	if (r->nvotes == 0)
		return ERR_FORMAT;
	if ((e = store_begin(s)) != 0)
		return e;
	e = insert_vote(s, r->id, &r->votes[r->nvotes - 1]);
	if (e == 0)
		e = store_state(s, r);
	if (e == 0 && r->state == APPROVAL_APPROVED)
		e = insert_grant(s, r);
	return store_end(s, e);
}

/* The statements check for themselves: what memory believes does not matter here. */
static int
store_turn(struct store *s, enum stmt grant, enum stmt request, const char *id, const char *session, int64_t now_ms)
{
	sqlite3_stmt *st;
	int e;

	if ((e = store_begin(s)) != 0)
		return e;
	st = stmt_take(s, grant);
	bind_text(st, 1, id);
	(void)sqlite3_bind_int64(st, 2, now_ms);
	bind_text(st, 3, session);
	e = stmt_run(st);
	if (e == 0 && sqlite3_changes(s->db) != 1)
		e = ERR_DENIED;
	st = stmt_take(s, request);
	bind_text(st, 1, id);
	if (e == 0)
		e = stmt_run(st);
	if (e == 0 && sqlite3_changes(s->db) != 1)
		e = ERR_DENIED;
	return store_end(s, e);
}

int
store_use(struct store *s, const char *id, const char *session, int64_t now_ms)
{
	return store_turn(s, ST_USE_GRANT, ST_USE_REQUEST, id, session, now_ms);
}

int
store_return(struct store *s, const char *id, const char *session, int64_t now_ms)
{
	return store_turn(s, ST_BACK_GRANT, ST_BACK_REQUEST, id, session, now_ms);
}

static void
set_column(char **field, sqlite3_stmt *st, int i)
{
	const unsigned char *v = sqlite3_column_text(st, i);

	request_set(field, v == NULL ? "" : (const char *)v);
}

/* 32 bytes, or zeros, which match nothing. */
static void
get_hash(uint8_t out[APPROVAL_DIGEST_LEN], sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);

	if (p != NULL && sqlite3_column_bytes(st, i) == APPROVAL_DIGEST_LEN)
		memcpy(out, p, APPROVAL_DIGEST_LEN);
}

static void
split_lines(struct strvec *v, char *lines)
{
	char *line;

	while ((line = strsep(&lines, "\n")) != NULL)
		if (line[0] != '\0')
			strvec_push(v, line);
}

static int
load_votes(struct store *s, struct request *r)
{
	sqlite3_stmt *st = stmt_take(s, ST_VOTES);
	int step;

	bind_text(st, 1, r->id);
	while ((step = sqlite3_step(st)) == SQLITE_ROW && r->nvotes < VOTES_MAX) {
		struct vote *v;

		r->votes = xreallocarray(r->votes, r->nvotes + 1, sizeof(*r->votes));
		v = &r->votes[r->nvotes++];
		*v = (struct vote){ NULL, NULL, NULL, sqlite3_column_int(st, 2) != 0, sqlite3_column_int(st, 3) != 0,
		    sqlite3_column_int64(st, 5) };
		request_set(&v->identity, "");
		request_set(&v->owner, "");
		request_set(&v->reason, "");
		set_column(&v->identity, st, 0);
		set_column(&v->owner, st, 1);
		set_column(&v->reason, st, 4);
	}
	sqlite3_reset(st);
	return step == SQLITE_DONE ? 0 : ERR_SYSTEM;
}

/* A request from the row that st is at; votes come by load_votes. */
static struct request *
load_row(sqlite3_stmt *st)
{
	struct request *r = request_new();
	char **words[] = { &r->identity, &r->owner, &r->session, &r->kind, &r->target, &r->login, &r->rule,
	    &r->because };
	char *approvers = xstrdup("");
	const void *text;

	(void)snprintf(r->id, sizeof(r->id), "%s", (const char *)sqlite3_column_text(st, 0));
	for (int i = 0; i < 8; i++)
		set_column(words[i], st, i + 1);
	r->text_len = (size_t)sqlite3_column_bytes(st, 9);
	r->text = xmalloc(r->text_len + 1);
	if ((text = sqlite3_column_blob(st, 9)) != NULL)
		memcpy(r->text, text, r->text_len);
	get_hash(r->digest, st, 10);
	get_hash(r->policy, st, 11);
	r->quorum = (unsigned)sqlite3_column_int(st, 12);
	set_column(&approvers, st, 13);
	split_lines(&r->approvers, approvers);
	r->asked_ms = sqlite3_column_int64(st, 14);
	r->deadline_ms = sqlite3_column_int64(st, 15);
	r->state = (enum approval_verdict)sqlite3_column_int(st, 16);
	r->decided_ms = sqlite3_column_int64(st, 17);
	set_column(&r->why, st, 18);
	r->grant_until_ms = sqlite3_column_int64(st, 19);
	r->used_ms = sqlite3_column_int64(st, 20);
	free(approvers);
	return r;
}

/* The one row of a prepared and bound query. */
static int
find_one(struct store *s, sqlite3_stmt *st, struct request **rp)
{
	struct request *r = NULL;
	int step = sqlite3_step(st), e = ERR_NOTFOUND;

	if (step == SQLITE_ROW)
		r = load_row(st);
	else if (step != SQLITE_DONE)
		e = ERR_SYSTEM;
	sqlite3_reset(st);
	if (r == NULL)
		return e;
	if ((e = load_votes(s, r)) != 0) {
		request_free(r);
		return e;
	}
	*rp = r;
	return 0;
}

int
store_find(struct store *s, const char *id, struct request **rp)
{
	sqlite3_stmt *st = stmt_take(s, ST_FIND);

	bind_text(st, 1, id);
	return find_one(s, st, rp);
}

int
store_find_denied(struct store *s, const char *identity, const uint8_t *digest, const uint8_t *policy,
    int64_t since_ms, struct request **rp)
{
	sqlite3_stmt *st = stmt_take(s, ST_DENIED);

	bind_blob(st, 1, digest, APPROVAL_DIGEST_LEN);
	bind_text(st, 2, identity);
	bind_blob(st, 3, policy, APPROVAL_DIGEST_LEN);
	(void)sqlite3_bind_int64(st, 4, since_ms);
	return find_one(s, st, rp);
}

int
store_each_open(struct store *s, void (*take)(struct request *, void *arg), void *arg)
{
	sqlite3_stmt *st = stmt_take(s, ST_OPEN);
	int step, e = 0;

	while (e == 0 && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct request *r = load_row(st);

		if ((e = load_votes(s, r)) == 0)
			take(r, arg);
		else
			request_free(r);
	}
	sqlite3_reset(st);
	return e != 0 ? e : step == SQLITE_DONE ? 0 : ERR_SYSTEM;
}

int
store_prune(struct store *s, int64_t before_ms)
{
	sqlite3_stmt *st = stmt_take(s, ST_PRUNE);

	(void)sqlite3_bind_int64(st, 1, before_ms);
	return stmt_run(st);
}

static int
insert_memory(struct store *s, const struct memory *m)
{
	sqlite3_stmt *st = stmt_take(s, ST_REMEMBER);
	const char *words[] = { m->rule, m->fingerprint, m->target, m->repo, m->choice, m->by, m->request };

	for (int i = 0; i < 7; i++)
		bind_text(st, i + 1, words[i]);
	(void)sqlite3_bind_int64(st, 8, m->at_ms);
	(void)sqlite3_bind_int64(st, 9, m->until_ms);
	return stmt_run(st);
}

int
store_remember(struct store *s, const struct memory *m, size_t n)
{
	int e = store_begin(s);

	if (e != 0)
		return e;
	for (size_t i = 0; e == 0 && i < n; i++)
		e = insert_memory(s, &m[i]);
	return store_end(s, e);
}

int
store_each_memory(struct store *s, int64_t now_ms, void (*take)(const struct memory *, void *arg), void *arg)
{
	sqlite3_stmt *st = stmt_take(s, ST_OVER);
	int step, e;

	(void)sqlite3_bind_int64(st, 1, now_ms);
	if ((e = stmt_run(st)) != 0)
		return e;
	st = stmt_take(s, ST_MEMORIES);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct memory m = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, sqlite3_column_int64(st, 7),
		    sqlite3_column_int64(st, 8) };
		char **words[] = { &m.rule, &m.fingerprint, &m.target, &m.repo, &m.choice, &m.by, &m.request };

		for (int i = 0; i < 7; i++) {
			request_set(words[i], "");
			set_column(words[i], st, i);
		}
		take(&m, arg);
		memory_release(&m);
	}
	sqlite3_reset(st);
	return step == SQLITE_DONE ? 0 : ERR_SYSTEM;
}

int
store_forget(struct store *s, const char *fingerprint, unsigned *np)
{
	sqlite3_stmt *st = stmt_take(s, ST_FORGET);
	int e;

	bind_text(st, 1, fingerprint);
	e = stmt_run(st);
	*np = e == 0 ? (unsigned)sqlite3_changes(s->db) : 0;
	return e;
}
