/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request that is about names, from the agent's packet to the answer:
 *
 *	RESOLVE	where the names lead on the target; then, where it matters, what is there (LOOK)
 *	DECIDE	on the names as asked for and as resolved
 *	RECORD	until the record of it is durable, when it changes anything or opens a file
 *	ASK	the target, by the resolved names
 *
 * and of one about an open file, whose names are resolved already.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/calls.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/path.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp_int.h"
#include "bastion/ssh/tape.h"

#define MODE_TYPE	0170000
#define MODE_FOLDER	0040000
#define MODE_LINK	0120000
#define EMPTY_READS	64	/* READDIR answers without a usable name, in a row */

#define OP(x)		(1u << (x))

/* What a request asks of policy. */
struct row {
	enum sftp_type	 type;
	enum sftp_ext	 ext;
	bool		 follow;	/* a link at the end of the first name is followed */
	bool		 two;		/* names */
	bool		 changes;	/* recorded */
	unsigned	 ops;		/* on each name */
};

static const struct row rows[] = {
	{ SFTP_OPEN, SFTP_EXT_UNKNOWN, true, false, true, 0 },	/* by its flags */
	{ SFTP_OPENDIR, SFTP_EXT_UNKNOWN, true, false, false, OP(FILE_LIST) },
	{ SFTP_STAT, SFTP_EXT_UNKNOWN, true, false, false, OP(FILE_STAT) },
	{ SFTP_LSTAT, SFTP_EXT_UNKNOWN, false, false, false, OP(FILE_STAT) },
	{ SFTP_READLINK, SFTP_EXT_UNKNOWN, false, false, false, OP(FILE_STAT) },
	{ SFTP_REALPATH, SFTP_EXT_UNKNOWN, true, false, false, OP(FILE_STAT) },
	{ SFTP_SETSTAT, SFTP_EXT_UNKNOWN, true, false, true, OP(FILE_SETSTAT) },
	{ SFTP_REMOVE, SFTP_EXT_UNKNOWN, false, false, true, OP(FILE_REMOVE) },
	{ SFTP_MKDIR, SFTP_EXT_UNKNOWN, false, false, true, OP(FILE_MKDIR) },
	{ SFTP_RMDIR, SFTP_EXT_UNKNOWN, false, false, true, OP(FILE_RMDIR) },
	{ SFTP_RENAME, SFTP_EXT_UNKNOWN, false, true, true, OP(FILE_RENAME) },
	{ SFTP_SYMLINK, SFTP_EXT_UNKNOWN, true, true, true, OP(FILE_LINK) },
	{ SFTP_FSTAT, SFTP_EXT_UNKNOWN, false, false, false, 0 },
	{ SFTP_FSETSTAT, SFTP_EXT_UNKNOWN, false, false, true, OP(FILE_SETSTAT) },
	{ SFTP_READDIR, SFTP_EXT_UNKNOWN, false, false, false, 0 },
	{ SFTP_EXTENDED, SFTP_EXT_POSIX_RENAME, false, true, true, OP(FILE_RENAME) },
	{ SFTP_EXTENDED, SFTP_EXT_HARDLINK, false, true, true, OP(FILE_LINK) },
	{ SFTP_EXTENDED, SFTP_EXT_STATVFS, true, false, false, OP(FILE_STAT) },
	{ SFTP_EXTENDED, SFTP_EXT_FSTATVFS, false, false, false, 0 },
	{ SFTP_EXTENDED, SFTP_EXT_FSYNC, false, false, false, 0 },
	{ SFTP_EXTENDED, SFTP_EXT_LSETSTAT, false, false, true, OP(FILE_SETSTAT) },
	{ SFTP_EXTENDED, SFTP_EXT_EXPAND_PATH, true, false, false, OP(FILE_STAT) },
	{ SFTP_EXTENDED, SFTP_EXT_USERS_GROUPS, false, false, false, 0 },
};

enum job_step { JOB_RESOLVE, JOB_LOOK, JOB_DECIDE, JOB_RECORD, JOB_ASK, JOB_DONE };

struct sftp_job {
	struct sftp_job		*next;
	struct sftp		*x;
	const struct row	*row;
	struct sftp_packet	 k;
	struct buf		*bytes;		/* what k borrows */
	enum job_step		 step;
	unsigned		 waiting;	/* answers of the target */
	bool			 recording, durable;
	struct sftp_place	 a, b;
	bool			 a_by_folder;	/* its last part is not there: resolved by the folder it would be in */
	uint32_t		 trouble;	/* the target's status for a name that cannot be resolved */
	bool			 tree;		/* a is a folder */
	bool			 loose_link;	/* a's last part is a link that leads nowhere */
	bool			 makes;		/* OPEN: there was no such file before */
	struct sftp_file	*file;		/* what it is about */
	unsigned		 empty;
	bool			 asked, answered;	/* OPEN of a file to be read: the answer waits for the record */
	struct sftp_packet	 answer;
	struct buf		*answer_bytes;
};

static const struct row *
row_of(const struct sftp_packet *k)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == k->type && (k->type != SFTP_EXTENDED || rows[i].ext == k->ext))
			return &rows[i];
	return NULL;
}

static void
job_enter(struct sftp_job *j, enum job_step step)
{
	j->step = step;
	j->x->moved = true;
}

static void
job_answer(struct sftp_job *j, uint32_t status, const char *text)
{
	sftp_reply_status(j->x, j->k.id, status, text);
	job_enter(j, JOB_DONE);
}

/* Names */

/* Absolute, by text alone. NULL: no name that could be meant. */
static char *
job_canon(const char *cwd, struct sftp_bytes b, const char **whyp)
{
	char *name, *path;

	*whyp = b.n > SFTP_PATH_MAX ? "the path is too long" : memchr(b.p, '\0', b.n) != NULL ? "the path holds a NUL" : NULL;
	if (*whyp != NULL)
		return NULL;
	name = xstrndup(b.n == 0 ? "." : (const char *)b.p, b.n == 0 ? 1 : b.n);
	path = path_canon(cwd, name, false);
	free(name);
	if (path == NULL || strlen(path) > SFTP_PATH_MAX)
		*whyp = "the path is too long";
	return path;
}

/* The folder of an absolute path; the caller frees. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* folder and the last part of path. */
static char *
joined(const char *folder, const char *path)
{
	const char *last = strrchr(path, '/') + 1;

	return strcmp(folder, "/") == 0 ? xasprintf("/%s", last) : xasprintf("%s/%s", folder, last);
}

/* expand-path: "~" and "~/x" are known here; other people's homes are not. */
static struct sftp_bytes
job_expand(struct sftp_job *j, struct sftp_bytes b, char **freep)
{
	char *rest;

	*freep = NULL;
	if (j->k.type != SFTP_EXTENDED || j->k.ext != SFTP_EXT_EXPAND_PATH || b.n == 0 || b.p[0] != '~' || b.n > SFTP_PATH_MAX)
		return b;
	if (b.n > 1 && b.p[1] != '/')
		return b;
	rest = xstrndup((const char *)b.p + 1, b.n - 1);
	*freep = xasprintf("%s%s", j->x->home, rest);
	free(rest);
	return sftp_text(*freep);
}

static bool
job_read_first(struct sftp_job *j, const char *folder)
{
	const char *why;
	char *expanded;

	j->a.asked = job_canon(folder, job_expand(j, j->k.path, &expanded), &why);
	j->a.follow = j->row->follow;
	free(expanded);
	if (j->a.asked == NULL)
		job_answer(j, SFTP_FAILURE, why);
	return j->a.asked != NULL;
}

/* What a link holds counts from the folder that the link is really in: it is read when that is known. */
static bool
job_read_names(struct sftp_job *j)
{
	const char *why;

	if (j->row->two && (j->b.asked = job_canon(j->x->home, j->k.path2, &why)) == NULL) {
		job_answer(j, SFTP_FAILURE, why);
		return false;
	}
	return j->k.type == SFTP_SYMLINK || job_read_first(j, j->x->home);
}

/* Resolve */

static void job_resolve_folder(struct sftp_job *, struct sftp_place *);

/* The target's absolute, clean name in a NAME packet, or NULL. */
static char *
resolved_name(const struct sftp_packet *k)
{
	struct sftp_bytes rest = k->rest;
	struct sftp_name n;
	char *raw, *clean;

	if (k->type != SFTP_NAME || k->count != 1 || sftp_name_next(&rest, &n) != 0 || n.name.n == 0 ||
	    n.name.n > SFTP_PATH_MAX || n.name.p[0] != '/' || memchr(n.name.p, '\0', n.name.n) != NULL)
		return NULL;
	raw = xstrndup((const char *)n.name.p, n.name.n);
	clean = path_canon("/", raw, false);
	free(raw);
	return clean;
}

static int
job_resolved(struct sftp_job *j, struct sftp_place *pl, const struct sftp_packet *k, bool by_folder)
{
	char *name = resolved_name(k);

	j->waiting--;
	j->x->moved = true;
	if (name == NULL && k->type != SFTP_STATUS)
		return ERR_FORMAT;
	if (name != NULL) {
		pl->real = by_folder ? joined(name, pl->asked) : xstrdup(name);
		free(name);
		return 0;
	}
	if (k->status == SFTP_OK)
		return ERR_FORMAT;
	/* Not there: it may be about to be made, in a folder that is. */
	if (!by_folder && strcmp(pl->asked, "/") != 0) {
		j->a_by_folder |= pl == &j->a;
		job_resolve_folder(j, pl);
	} else
		j->trouble = k->status;
	return 0;
}

static int
on_real_a(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_job *j = arg;

	(void)x;
	return job_resolved(j, &j->a, k, false);
}

static int
on_folder_a(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_job *j = arg;

	(void)x;
	return job_resolved(j, &j->a, k, true);
}

static int
on_folder_b(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_job *j = arg;

	(void)x;
	return job_resolved(j, &j->b, k, true);
}

static void
job_resolve_folder(struct sftp_job *j, struct sftp_place *pl)
{
	char *folder = folder_of(pl->asked);
	struct sftp_packet k = { .type = SFTP_REALPATH, .path = sftp_text(folder) };

	sftp_ask(j->x, &k, pl == &j->a ? on_folder_a : on_folder_b, j);
	j->waiting++;
	free(folder);
}

static void
job_resolve_first(struct sftp_job *j)
{
	struct sftp_packet k = { .type = SFTP_REALPATH, .path = sftp_text(j->a.asked) };

	if (strcmp(j->a.asked, "/") == 0)
		j->a.real = xstrdup("/");
	else if (j->a.follow) {
		sftp_ask(j->x, &k, on_real_a, j);
		j->waiting++;
	} else
		job_resolve_folder(j, &j->a);
}

static void
job_resolve(struct sftp_job *j)
{
	if (j->a.asked != NULL)
		job_resolve_first(j);
	if (j->row->two && strcmp(j->b.asked, "/") == 0)
		j->b.real = xstrdup("/");
	else if (j->row->two)
		job_resolve_folder(j, &j->b);
}

/* Whether a path goes up behind a name: where that leads is not in the text when the name is a link. */
static bool
goes_up_late(struct sftp_bytes b)
{
	bool named = false;

	for (size_t i = 0, n; i < b.n; i += n + 1) {
		const uint8_t *slash = memchr(b.p + i, '/', b.n - i);

		n = slash == NULL ? b.n - i : (size_t)(slash - b.p) - i;
		if (n == 2 && memcmp(b.p + i, "..", 2) == 0 && named)
			return true;
		named |= n > 2 || (n == 2 && memcmp(b.p + i, "..", 2) != 0) || (n == 1 && b.p[i] != '.');
	}
	return false;
}

/* SYMLINK: where the link will be is known, so what it holds can be. */
static void
job_resolve_link(struct sftp_job *j)
{
	char *folder = folder_of(j->b.real != NULL ? j->b.real : j->b.asked);
	const struct verdict v = { .rule = "unresolved", .because = "the link would go up behind a name",
	    .detail = "write it without that" };

	if (goes_up_late(j->k.path)) {
		sftp_refuse(j->x, j->k.id, sftp_type_word(&j->k), &j->b, &v);
		job_enter(j, JOB_DONE);
	} else if (job_read_first(j, folder))
		job_resolve_first(j);
	free(folder);
	j->x->moved = true;
}

/* Look: what is at the place */

static int
on_look(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_job *j = arg;
	uint32_t type = k->attrs.mode & MODE_TYPE;

	j->waiting--;
	x->moved = true;
	if (k->type != SFTP_ATTRS && k->type != SFTP_STATUS)
		return ERR_FORMAT;
	/* What is not known to be something else may be a folder. */
	if (k->type == SFTP_ATTRS) {
		j->tree = (k->attrs.flags & SFTP_ATTR_MODE) == 0 || type == MODE_FOLDER;
		j->loose_link = j->a_by_folder && ((k->attrs.flags & SFTP_ATTR_MODE) == 0 || type == MODE_LINK);
	} else if (k->status == SFTP_NO_SUCH_FILE)
		j->makes = true;
	return 0;
}

/*
 * A folder takes along what is in it. A link that leads nowhere would have the file made where it points to. And what an
 * upload made may be emptied again when it holds a secret, which what was there before may not.
 */
static void
job_look(struct sftp_job *j)
{
	bool moves = j->row->two && j->k.type != SFTP_SYMLINK;
	bool creates = j->k.type == SFTP_OPEN && (j->k.flags & SFTP_CREATE) != 0;
	struct sftp_packet k = { .type = SFTP_LSTAT };

	j->makes = creates && (j->k.flags & (SFTP_TRUNCATE | SFTP_EXCLUSIVE)) != 0;
	if (j->a.real == NULL || (!moves && !(creates && (j->a_by_folder || !j->makes)))) {
		job_enter(j, JOB_DECIDE);
		return;
	}
	k.path = sftp_text(j->a.real);
	sftp_ask(j->x, &k, on_look, j);
	j->waiting++;
	job_enter(j, JOB_LOOK);
}

/* Decide */

static unsigned
job_ops(const struct sftp_job *j)
{
	unsigned ops = j->row->ops;

	if (j->k.type == SFTP_OPEN) {
		if ((j->k.flags & (SFTP_FOR_WRITE | SFTP_APPEND | SFTP_CREATE | SFTP_TRUNCATE)) != 0)
			ops |= OP(FILE_WRITE);
		if ((j->k.flags & SFTP_FOR_READ) != 0 || ops == 0)
			ops |= OP(FILE_READ);
	}
	/* To cut a file short, or to fill it with nothing, is to write it. */
	if ((ops & OP(FILE_SETSTAT)) != 0 && (j->k.attrs.flags & SFTP_ATTR_SIZE) != 0)
		ops |= OP(FILE_WRITE);
	return ops;
}

static bool
job_refused(struct sftp_job *j)
{
	bool moves = j->row->two && j->k.type != SFTP_SYMLINK, links = j->k.ext == SFTP_EXT_HARDLINK;
	const struct sftp_place *at = &j->a;
	struct verdict v;

	if (!sftp_may(j->x, &j->a, job_ops(j), j->tree, &v))
		;
	else if (j->row->two && !sftp_may(j->x, &j->b, job_ops(j), j->tree, &v))
		at = &j->b;
	else if (moves && !sftp_may_rename(j->x, &j->a, &j->b, j->tree, links, &v))
		;
	else if (j->loose_link && !j->row->two)
		v = (struct verdict){ .rule = "unresolved", .because = "a link that leads nowhere",
		    .detail = "remove it first" };
	else
		return false;
	sftp_refuse(j->x, j->k.id, sftp_type_word(&j->k), at, &v);
	job_enter(j, JOB_DONE);
	return true;
}

static void
answer_name(struct sftp *x, uint32_t id, const char *path)
{
	struct sftp_packet k = { .type = SFTP_NAME, .id = id, .count = 1 };
	struct sftp_name n = { .name = sftp_text(path), .longname = sftp_text(path) };
	struct buf *b = buf_new(4 * SFTP_PATH_MAX);

	if (b == NULL || sftp_name_put(b, &n) != 0)
		fatal("out of memory");
	k.rest = (struct sftp_bytes){ buf_ptr(b), buf_len(b) };
	sftp_reply(x, &k);
	buf_free(b);
}

/* REALPATH is how clients learn where they are: the home folder is told to everybody, all else like what stat tells. */
static void
job_answer_path(struct sftp_job *j)
{
	j->x->looks++;
	if (j->a.real != NULL)
		answer_name(j->x, j->k.id, j->a.real);
	else if (strcmp(j->a.asked, j->x->home) == 0)
		answer_name(j->x, j->k.id, j->a.asked);
	else
		sftp_reply_status(j->x, j->k.id, j->trouble, NULL);
	job_enter(j, JOB_DONE);
}

static int
on_durable(struct msg *m, void *arg)
{
	struct sftp_job *j = arg;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	j->recording = false;
	j->durable = true;
	j->x->s->moved = true;
	return 0;
}

static void
job_record(struct sftp_job *j)
{
	struct sftp *x = j->x;
	bool opens = j->k.type == SFTP_OPEN;
	char *path = sftp_shown(x, j->a.asked), *real = sftp_shown(x, j->a.real);
	unsigned ops = job_ops(j);
	const char *op = !opens ? sftp_type_word(&j->k) : (ops & OP(FILE_WRITE)) == 0 ? "read" :
	    (ops & OP(FILE_READ)) == 0 ? "write" : "read and write";
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "request", x->p.request, "op", op, "target", x->s->target,
	    "login", x->s->login, "path", path, "resolved", real, "verdict", "allow");

	if (o == NULL)
		fatal("out of memory for a record");
	if (j->row->two) {
		char *to = sftp_shown(x, j->b.asked), *to_real = sftp_shown(x, j->b.real);

		(void)json_object_set_new(o, "path2", json_string(to));
		(void)json_object_set_new(o, "resolved2", json_string(to_real));
		tape_notef(x->p.tape, "%s %s %s", op, path, to);
		free(to);
		free(to_real);
	} else
		tape_notef(x->p.tape, "%s %s", op, path);
	j->recording = true;	/* for good, where it cannot be: then nothing comes of it */
	(void)session_record(x->s, opens ? "file.open" : "file.op", o, on_durable, j);
	free(path);
	free(real);
}

static void job_ask(struct sftp_job *);

/* Two handles could each write what is no secret by itself. */
static bool
job_writes_twice(const struct sftp_job *j)
{
	const struct sftp *x = j->x;

	if (j->k.type != SFTP_OPEN || (job_ops(j) & OP(FILE_WRITE)) == 0)
		return false;
	for (unsigned i = 0; i < SFTP_FILES_MAX; i++)
		if (x->files[i] != NULL && !x->files[i]->is_dir && strcmp(x->files[i]->place.real, j->a.real) == 0 &&
		    (x->files[i]->flags & (SFTP_FOR_WRITE | SFTP_APPEND | SFTP_CREATE | SFTP_TRUNCATE)) != 0)
			return true;
	for (const struct sftp_job *o = x->jobs; o != NULL; o = o->next)
		if (o != j && o->k.type == SFTP_OPEN && (o->step == JOB_RECORD || o->step == JOB_ASK) &&
		    (job_ops(o) & OP(FILE_WRITE)) != 0 && strcmp(o->a.real, j->a.real) == 0)
			return true;
	return false;
}

static void
job_decide(struct sftp_job *j)
{
	bool asks_path = j->k.type == SFTP_REALPATH || (j->k.type == SFTP_EXTENDED && j->k.ext == SFTP_EXT_EXPAND_PATH);

	if (!(asks_path && strcmp(j->a.asked, j->x->home) == 0) && job_refused(j))
		return;
	if (asks_path) {
		job_answer_path(j);
		return;
	}
	if (j->a.real == NULL || (j->row->two && j->b.real == NULL)) {
		job_answer(j, j->trouble, NULL);
		return;
	}
	if (job_writes_twice(j)) {
		job_answer(j, SFTP_FAILURE, "it is open for writing in this connection already; close it first");
		return;
	}
	if (!j->row->changes) {
		j->x->looks++;
		job_ask(j);
		return;
	}
	job_record(j);
	job_enter(j, JOB_RECORD);
	/* To open for reading changes nothing: meanwhile the target may be asked. The answer waits. */
	if (j->k.type == SFTP_OPEN && (job_ops(j) & OP(FILE_WRITE)) == 0)
		job_ask(j);
}

/* Ask and answer */

static char *
printable_line(struct sftp_bytes b)
{
	char *s = xstrndup((const char *)b.p, b.n);

	for (char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return s;
}

/* A folder's names, as a client may take them: one that is no plain name could lead it anywhere. */
static int
job_answer_names(struct sftp_job *j, const struct sftp_packet *k)
{
	struct sftp_packet out = { .type = SFTP_NAME, .id = j->k.id };
	struct sftp_bytes rest = k->rest;
	struct buf *b = buf_new(SFTP_PACKET_MAX);
	struct sftp_name n;
	char *line;
	int r = b == NULL ? ERR_NOMEM : 0;

	for (uint32_t i = 0; r == 0 && i < k->count; i++) {
		if ((r = sftp_name_next(&rest, &n)) != 0)
			break;
		if (n.name.n == 0 || memchr(n.name.p, '/', n.name.n) != NULL || memchr(n.name.p, '\0', n.name.n) != NULL)
			continue;
		line = printable_line(n.longname);
		n.longname = sftp_text(line);
		r = sftp_name_put(b, &n);
		out.count++;
		free(line);
	}
	if (r == 0 && rest.n > 0)
		r = ERR_FORMAT;
	if (r == 0 && out.count == 0 && ++j->empty < EMPTY_READS)
		job_ask(j);	/* none that could be shown: the next ones */
	else if (r == 0 && out.count == 0)
		job_answer(j, SFTP_EOF, NULL);
	else if (r == 0) {
		out.rest = (struct sftp_bytes){ buf_ptr(b), buf_len(b) };
		sftp_reply(j->x, &out);
		job_enter(j, JOB_DONE);
	}
	buf_free(b);
	return r;
}

static int
job_answer_handle(struct sftp_job *j, const struct sftp_packet *k)
{
	struct sftp_packet out = { .type = SFTP_HANDLE, .id = j->k.id };
	struct sftp_file *f;
	uint8_t handle[8];

	f = sftp_file_new(j->x, &j->a, k, j->k.flags, j->k.type == SFTP_OPENDIR);
	f->made = j->makes || (j->k.flags & SFTP_TRUNCATE) != 0;
	sftp_file_handle(f, handle);
	out.handle = (struct sftp_bytes){ handle, sizeof(handle) };
	sftp_reply(j->x, &out);
	job_enter(j, JOB_DONE);
	return 0;
}

/* READLINK: one name, which is text to whoever reads it. */
static int
job_answer_link(struct sftp_job *j, const struct sftp_packet *k)
{
	struct sftp_bytes rest = k->rest;
	struct sftp_name n;
	char *name;

	if (k->count != 1 || sftp_name_next(&rest, &n) != 0 || n.name.n > SFTP_PATH_MAX || memchr(n.name.p, '\0', n.name.n) != NULL)
		return ERR_FORMAT;
	name = xstrndup((const char *)n.name.p, n.name.n);
	answer_name(j->x, j->k.id, name);
	free(name);
	job_enter(j, JOB_DONE);
	return 0;
}

/* The answer must be of the kind that was asked for. */
static int
job_relay(struct sftp_job *j, const struct sftp_packet *k)
{
	struct sftp_packet out = *k;
	bool stats = j->k.type == SFTP_STAT || j->k.type == SFTP_LSTAT || j->k.type == SFTP_FSTAT;
	bool tells = j->k.type == SFTP_EXTENDED && (j->k.ext == SFTP_EXT_STATVFS || j->k.ext == SFTP_EXT_FSTATVFS ||
	    j->k.ext == SFTP_EXT_USERS_GROUPS);

	if (k->type == SFTP_STATUS) {
		sftp_relay_status(j->x, j->k.id, k);
		job_enter(j, JOB_DONE);
		return 0;
	}
	if (k->type == SFTP_HANDLE && (j->k.type == SFTP_OPEN || j->k.type == SFTP_OPENDIR))
		return job_answer_handle(j, k);
	if (k->type == SFTP_NAME && j->k.type == SFTP_READDIR)
		return job_answer_names(j, k);
	if (k->type == SFTP_NAME && j->k.type == SFTP_READLINK)
		return job_answer_link(j, k);
	if (!(k->type == SFTP_ATTRS && stats) && !(k->type == SFTP_EXTENDED_REPLY && tells))
		return ERR_FORMAT;
	out.id = j->k.id;
	sftp_reply(j->x, &out);
	job_enter(j, JOB_DONE);
	return 0;
}

static int
on_answer(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_job *j = arg;

	(void)x;
	j->waiting--;
	if (j->file != NULL)
		j->file->pending--;
	j->x->moved = true;
	if (!j->recording)
		return job_relay(j, k);
	/* The record is not durable yet: only OPEN comes here, whose answers are short. */
	j->answer = *k;
	j->answered = true;
	j->answer_bytes = buf_new(SFTP_PACKET_MAX);
	if (j->answer_bytes == NULL || buf_put(j->answer_bytes, k->type == SFTP_HANDLE ? k->handle.p : k->text.p,
	    k->type == SFTP_HANDLE ? k->handle.n : k->text.n) != 0)
		fatal("out of memory");
	j->answer.handle = j->answer.text = (struct sftp_bytes){ buf_ptr(j->answer_bytes), buf_len(j->answer_bytes) };
	return 0;
}

static void
job_ask(struct sftp_job *j)
{
	struct sftp_packet k = j->k;

	if (j->file != NULL) {
		k.handle = sftp_file_target(j->file);
		j->file->pending++;
	} else if (j->k.type == SFTP_SYMLINK) {
		k.path2 = sftp_text(j->b.real);	/* what the link holds stays as it is */
	} else if (j->a.real != NULL) {
		k.path = sftp_text(j->a.real);
		if (j->row->two)
			k.path2 = sftp_text(j->b.real);
	}
	sftp_ask(j->x, &k, on_answer, j);
	j->waiting++;
	j->asked = true;
	if (j->step != JOB_RECORD || j->durable)
		job_enter(j, JOB_ASK);
}

static int
job_recorded(struct sftp_job *j)
{
	if (!j->asked)
		job_ask(j);
	if (!j->answered) {
		job_enter(j, JOB_ASK);
		return 0;
	}
	return job_relay(j, &j->answer);
}

static void
job_step(struct sftp_job *j)
{
	int r = 0;

	switch (j->step) {
	case JOB_RESOLVE:
		if (j->waiting == 0 && j->a.asked == NULL)
			job_resolve_link(j);
		else if (j->waiting == 0)
			job_look(j);
		break;
	case JOB_LOOK:
		if (j->waiting == 0)
			job_enter(j, JOB_DECIDE);
		break;
	case JOB_DECIDE:
		job_decide(j);
		break;
	case JOB_RECORD:
		if (j->durable)
			r = job_recorded(j);
		break;
	case JOB_ASK:
	case JOB_DONE:
		break;
	}
	if (r != 0)
		sftp_break(j->x, EXIT_UNREACHED, "stopped %s: what the target says is no answer to what it was asked; tell whoever runs the "
		    "target", j->x->p.request);
}

/* Begin and end */

static struct sftp_job *
job_new(struct sftp *x, const struct sftp_packet *k)
{
	struct sftp_job *j = xcalloc(1, sizeof(*j));

	j->x = x;
	j->row = row_of(k);
	j->next = x->jobs;
	x->jobs = j;
	x->njobs++;
	/* Written anew by the same layout, the bytes are ours. */
	if ((j->bytes = buf_new(SFTP_PACKET_MAX + 4)) == NULL || (j->row != NULL && (sftp_put(j->bytes, k) != 0 ||
	    sftp_parse(buf_ptr(j->bytes) + 4, buf_len(j->bytes) - 4, &j->k) != 0)))
		fatal("out of memory, or a request that cannot be written");
	x->moved = true;
	return j;
}

void
sftp_job_begin(struct sftp *x, const struct sftp_packet *k)
{
	struct sftp_job *j;

	if (row_of(k) == NULL) {
		sftp_reply_status(x, k->id, SFTP_OP_UNSUPPORTED, NULL);
		return;
	}
	if ((k->type == SFTP_OPEN || k->type == SFTP_OPENDIR) && x->nfiles + x->njobs >= SFTP_FILES_MAX) {
		sftp_reply_status(x, k->id, SFTP_FAILURE, "too many open files; close some");
		return;
	}
	if (k->type == SFTP_OPEN && (k->flags & ~(uint32_t)SFTP_OPEN_ALL) != 0) {
		sftp_reply_status(x, k->id, SFTP_OP_UNSUPPORTED, "the bastion does not know these flags");
		return;
	}
	j = job_new(x, k);
	if (k->type == SFTP_EXTENDED && k->ext == SFTP_EXT_USERS_GROUPS)
		job_ask(j);
	else if (job_read_names(j))
		job_resolve(j);
}

void
sftp_job_begin_on(struct sftp *x, const struct sftp_packet *k, struct sftp_file *f)
{
	const char *text;
	struct sftp_job *j;

	if ((k->type == SFTP_READDIR) != f->is_dir && k->type != SFTP_FSTAT && k->type != SFTP_FSETSTAT) {
		sftp_reply_status(x, k->id, SFTP_FAILURE, "the handle is of another kind");
		return;
	}
	sftp_file_flush(f);
	/* Where a secret was found clients tidy up by the handle, with sizes that would undo what was done about it. */
	if (k->type != SFTP_FSTAT && f->writer != NULL && sftp_writer_error(f->writer, &text) == SFTP_PERMISSION_DENIED &&
	    text != NULL) {
		sftp_reply_status(x, k->id, SFTP_PERMISSION_DENIED, text);
		return;
	}
	j = job_new(x, k);
	j->file = f;
	if (j->row->ops == 0) {
		x->looks++;
		job_ask(j);
		return;
	}
	j->a = (struct sftp_place){ .asked = xstrdup(f->place.asked), .real = xstrdup(f->place.real) };
	j->step = JOB_DECIDE;
	f->pending++;	/* until it is decided and asked, the file must stay */
}

static void
job_free(struct sftp_job *j)
{
	calls_cancel(j->x->s->calls, j);
	free(j->a.asked);
	free(j->a.real);
	free(j->b.asked);
	free(j->b.real);
	buf_free(j->bytes);
	buf_free(j->answer_bytes);
	free(j);
}

void
sftp_jobs_step(struct sftp *x)
{
	for (struct sftp_job **jp = &x->jobs; *jp != NULL && x->why == NULL;) {
		struct sftp_job *j = *jp;

		job_step(j);
		/* A break may leave answers awaited; whoever is done waits for none. */
		if (j->step != JOB_DONE || j->waiting > 0) {
			jp = &j->next;
			continue;
		}
		*jp = j->next;
		x->njobs--;
		if (j->file != NULL && j->row->ops != 0)
			j->file->pending--;
		job_free(j);
	}
}

void
sftp_jobs_free(struct sftp *x)
{
	struct sftp_job *next;

	for (struct sftp_job *j = x->jobs; j != NULL; j = next) {
		next = j->next;
		job_free(j);
	}
	x->jobs = NULL;
	x->njobs = 0;
}
