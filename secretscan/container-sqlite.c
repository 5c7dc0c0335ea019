/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite databases: all cells of all tables, as lines "COLUMN: VALUE". Deleted rows stand in free pages and are found
 * where the file itself is scanned. The file is hostile: it is opened from memory, read-only, without virtual tables,
 * views, triggers and functions (an authorizer says no), and a statement runs so many steps and no more.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/container_int.h"
#include "secretscan/digest.h"
#include "secretscan/limits.h"
#include "secretscan/secretscan.h"

#define STEPS_AT_ONCE	10000

struct database {
	const struct inside	*in;
	sqlite3			*db;
	struct pour		 m;
	unsigned		 turns;		/* of STEPS_AT_ONCE steps that are left */
};

static int
on_progress(void *arg)
{
	struct database *d = arg;

	return d->turns == 0 || d->turns-- == 0;
}

/* Reading tables, and nothing else. */
static int
on_action(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)arg, (void)b, (void)c, (void)d;
	if (action == SQLITE_PRAGMA)
		return strcmp(a, "table_info") == 0 ? SQLITE_OK : SQLITE_DENY;
	return action == SQLITE_SELECT || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

static int
set_up(struct database *d, uint8_t *copy, size_t n)
{
	static const int off[] = { SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
	    SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER,
	    SQLITE_DBCONFIG_TRUSTED_SCHEMA };
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(":memory:", &d->db, flags, NULL) != SQLITE_OK)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		(void)sqlite3_db_config(d->db, off[i], 0, NULL);
	(void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, SS_CELL_MAX);
	(void)sqlite3_limit(d->db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64);
	(void)sqlite3_exec(d->db, "PRAGMA cell_size_check = on", NULL, NULL, NULL);
	/* The next one is an ATTACH within, so what forbids that comes after it. */
	if (sqlite3_deserialize(d->db, "main", copy, (sqlite3_int64)n, (sqlite3_int64)n, SQLITE_DESERIALIZE_READONLY) !=
	    SQLITE_OK)
		return SECRETSCAN_NOMEM;
	sqlite3_progress_handler(d->db, STEPS_AT_ONCE, on_progress, d);
	(void)sqlite3_limit(d->db, SQLITE_LIMIT_ATTACHED, 0);
	if (sqlite3_set_authorizer(d->db, on_action, NULL) != SQLITE_OK)
		return SECRETSCAN_NOMEM;
	return 0;
}

static int
tell_trouble(const struct database *d, int r, const char *table)
{
	if (r == SQLITE_NOMEM)
		return SECRETSCAN_NOMEM;
	return inside_tell(d->in, CONTAINER_IS_CUT, table, "SQLite: %s", r == SQLITE_INTERRUPT ? "too much to read" :
	    sqlite3_errstr(r));
}

/* A value that is a container by itself is given alone: its neighbours would hide it. */
static int
read_cell(struct database *d, sqlite3_stmt *st, int column)
{
	const char *name = sqlite3_column_name(st, column);
	const uint8_t *p = sqlite3_column_blob(st, column);
	int n = sqlite3_column_bytes(st, column), e;

	if (n <= 0)
		return 0;
	if (p == NULL || name == NULL)
		return SECRETSCAN_NOMEM;
	if (container_guess(p, (size_t)n) != 0) {
		struct pour alone = { .in = d->in };

		if ((e = pour_begin(&alone, name)) == 0 && (e = pour_add(&alone, p, (size_t)n)) == 0)
			e = pour_end(&alone);
		pour_release(&alone);
		return e;
	}
	if ((e = pour_text(&d->m, name)) != 0 || (e = pour_text(&d->m, ": ")) != 0 ||
	    (e = pour_add(&d->m, p, (size_t)n)) != 0)
		return e;
	return pour_text(&d->m, "\n");
}

static int
read_rows(struct database *d, sqlite3_stmt *st, const char *table)
{
	int r, e, columns = sqlite3_column_count(st);

	if ((e = pour_begin(&d->m, table)) != 0)
		return e;
	while ((r = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++) {
			int type = sqlite3_column_type(st, i);

			if ((type == SQLITE_TEXT || type == SQLITE_BLOB) && (e = read_cell(d, st, i)) != 0)
				return e;
		}
	}
	if ((e = pour_end(&d->m)) != 0 || r == SQLITE_DONE)
		return e;
	return tell_trouble(d, r, table);
}

/*
 * The columns that are stored, without those that an expression of the file would make: "a", "b". An expression can
 * take for ever in one step.
 */
static int
list_columns(struct database *d, const char *table, sqlite3_str *sql)
{
	char *question = sqlite3_mprintf("PRAGMA main.table_info(%Q)", table);
	sqlite3_stmt *st = NULL;
	bool first = true;
	int r;

	if (question == NULL)
		return SQLITE_NOMEM;
	r = sqlite3_prepare_v2(d->db, question, -1, &st, NULL);
	while (r == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		sqlite3_str_appendf(sql, "%s\"%w\"", first ? "" : ", ", (const char *)sqlite3_column_text(st, 1));
		first = false;
	}
	if (r == SQLITE_OK)
		r = sqlite3_finalize(st);
	sqlite3_free(question);
	return r == SQLITE_OK && first ? SQLITE_CORRUPT : r;
}

static int
read_table(struct database *d, const char *table)
{
	sqlite3_str *text = sqlite3_str_new(d->db);
	sqlite3_stmt *st = NULL;
	char *sql;
	int r, e;

	sqlite3_str_appendall(text, "SELECT ");
	r = list_columns(d, table, text);
	sqlite3_str_appendf(text, " FROM main.\"%w\"", table);
	if (r == SQLITE_OK)
		r = sqlite3_str_errcode(text);
	sql = sqlite3_str_finish(text);
	if (r == SQLITE_OK && (r = sqlite3_prepare_v2(d->db, sql, -1, &st, NULL)) == SQLITE_OK)
		e = read_rows(d, st, table);
	else
		e = tell_trouble(d, r, table);
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return e;
}

/* A virtual table has no page of its own; its contents are in tables beside it. */
static int
read_tables(struct database *d)
{
	static const char sql[] = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND rootpage > 0";
	sqlite3_stmt *st = NULL;
	const char *table;
	int r, e = 0;

	r = sqlite3_prepare_v2(d->db, sql, -1, &st, NULL);
	while (r == SQLITE_OK && e == 0 && (r = sqlite3_step(st)) == SQLITE_ROW) {
		r = SQLITE_OK;
		if ((table = (const char *)sqlite3_column_text(st, 0)) != NULL)
			e = read_table(d, table);
	}
	if (e == 0 && r != SQLITE_DONE)
		e = tell_trouble(d, r, "");
	sqlite3_finalize(st);
	return e;
}

int
sqlite_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct database d = { .in = in, .m = { .in = in }, .turns = SS_SQLITE_STEPS / STEPS_AT_ONCE };
	uint8_t *copy = NULL;
	int e;

	if (n < 512)
		return 0;
	if (n > SS_SQLITE_MAX)
		return inside_tell(in, CONTAINER_IS_CUT, "", "SQLite: %zu bytes", n);
	if ((copy = malloc(n)) == NULL)
		return SECRETSCAN_NOMEM;
	memcpy(copy, p, n);
	/* One with a write-ahead log is opened from memory only if it says that it has none (file format 1.3.3). */
	copy[18] = copy[19] = 1;
	if ((e = set_up(&d, copy, n)) == 0)
		e = read_tables(&d);
	sqlite3_close(d.db);
	digest_wipe(copy, n);
	free(copy);
	pour_release(&d.m);
	return e;
}
