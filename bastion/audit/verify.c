/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/audit/checkpoint.h"
#include "bastion/audit/logread.h"
#include "bastion/audit/merkle.h"
#include "bastion/audit/reccheck.h"
#include "bastion/audit/record.h"
#include "bastion/audit/tile.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"

struct verify {
	verify_fn		 problem;
	void			*arg;
	struct verify_report	*report;
	char			*audit_dir;
	int			 rec_dirfd;
	struct checkpoint	 cp;
	int			 has_cp;
	struct merkle		*lines;		/* over the lines as they are */
	struct merkle		*tiles;		/* over the leaves that the tiles hold */
	int			 tiles_ok;	/* every tile so far could be read */
	uint8_t			 tile[MERKLE_TILE][MERKLE_LEN];
	uint64_t		 differs;	/* first record that is not what its tile says, or UINT64_MAX */
	int			 seq_ok;
	struct reccheck		*recs;
};

static void __attribute__((format(printf, 2, 3)))
say(struct verify *v, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		text = NULL;
	va_end(ap);
	v->report->problems++;
	v->problem(text == NULL ? "out of memory" : text, v->arg);
	free(text);
}

static void
say_line(const char *line, void *arg)
{
	struct verify *v = arg;

	v->report->problems++;
	v->problem(line, v->arg);
}

static int
read_file(const char *dir, const char *name, struct buf *b, char **whyp)
{
	char *path = file_join(dir, name);
	int r = file_read(path, b);

	if (r != 0)
		*whyp = xasprintf("%s: %s", path, err_text(r));
	free(path);
	return r;
}

/* The checkpoint and its signature. A missing one is a problem only when there are records. */
static int
load_checkpoint(struct verify *v, const char *state_dir, char **whyp)
{
	struct buf *note = buf_new(CHECKPOINT_MAX), *pub = buf_new(CHECKPOINT_MAX);
	struct audit_key key;
	int r = ERR_NOMEM;

	if (note == NULL || pub == NULL || (r = read_file(state_dir, "keys/audit.pub", pub, whyp)) != 0)
		goto out;
	if ((r = audit_key_parse(buf_ptr(pub), buf_len(pub), &key)) != 0) {
		*whyp = xasprintf("%s/keys/audit.pub: not a verifier key line NAME+HASH+BASE64", state_dir);
		goto out;
	}
	if ((r = read_file(v->audit_dir, "checkpoint", note, whyp)) == ERR_SYSTEM && errno == ENOENT) {
		free(*whyp);
		*whyp = NULL;
		r = 0;
		goto out;
	}
	if (r != 0)
		goto out;
	v->has_cp = 1;
	if (checkpoint_verify(buf_ptr(note), buf_len(note), &key, &v->cp) != 0) {
		say(v, "checkpoint: not signed by the audit key: it has been altered");
		v->has_cp = -1;
	}
out:
	buf_free(note);
	buf_free(pub);
	return r;
}

/* Compare a record with the leaf that its tile holds, while the tiles can be read. */
static void
check_tile(struct verify *v, uint64_t at, const uint8_t leaf[MERKLE_LEN])
{
	uint64_t index = at / MERKLE_TILE;
	unsigned width = v->cp.size / MERKLE_TILE == index ? (unsigned)(v->cp.size % MERKLE_TILE) : MERKLE_TILE;

	if (!v->tiles_ok || at >= v->cp.size)
		return;
	if (at % MERKLE_TILE == 0 && tile_read(v->audit_dir, 0, index, width, v->tile[0]) != 0) {
		v->tiles_ok = 0;
		return;
	}
	(void)merkle_append(v->tiles, v->tile[at % MERKLE_TILE]);
	if (v->differs == UINT64_MAX && memcmp(v->tile[at % MERKLE_TILE], leaf, MERKLE_LEN) != 0)
		v->differs = at;
}

static void
check_line(struct verify *v, const char *p, size_t n)
{
	uint64_t at = merkle_size(v->lines), seq;
	uint8_t leaf[MERKLE_LEN];
	json_error_t je;
	json_t *rec = json_loadb(p, n, JSON_REJECT_DUPLICATES, &je);

	merkle_leaf(v->lines, p, n, leaf);
	check_tile(v, at, leaf);
	(void)merkle_append(v->lines, leaf);
	if (rec == NULL)
		say(v, "log.jsonl record %" PRIu64 " (line %" PRIu64 "): not JSON: %s", at, at + 1, je.text);
	if (v->seq_ok && (record_seq(p, n, &seq) != 0 || seq != at)) {
		v->seq_ok = 0;
		if (record_seq(p, n, &seq) != 0)
			say(v, "log.jsonl line %" PRIu64 ": does not start as a record", at + 1);
		else
			say(v, "log.jsonl line %" PRIu64 ": is record %" PRIu64 " where record %" PRIu64 " should be",
			    at + 1, seq, at);
	}
	if (rec != NULL)
		reccheck_record(v->recs, rec, at);
	json_decref(rec);
	if (v->has_cp == 1 && at + 1 == v->cp.size) {
		uint8_t root[MERKLE_LEN], by_tiles[MERKLE_LEN];

		merkle_root(v->lines, root);
		merkle_root(v->tiles, by_tiles);
		if (memcmp(root, v->cp.root, sizeof(root)) == 0)
			return;
		if (v->tiles_ok && v->differs != UINT64_MAX && memcmp(by_tiles, v->cp.root, sizeof(root)) == 0)
			say(v, "log.jsonl record %" PRIu64 " (line %" PRIu64 "): is not what was signed", v->differs,
			    v->differs + 1);
		else
			say(v, "log.jsonl: the first %" PRIu64 " records are not what was signed, nor are the tiles: "
			    "the first that differs cannot be named", v->cp.size);
	}
}

/* The log ends before its checkpoint: what is there may differ as well. */
static void
check_short(struct verify *v)
{
	uint64_t have = merkle_size(v->lines);

	if (v->differs != UINT64_MAX)
		say(v, "log.jsonl record %" PRIu64 " (line %" PRIu64 "): is not what its tile says", v->differs,
		    v->differs + 1);
	say(v, "log.jsonl: ends after %" PRIu64 " records, %" PRIu64 " were signed", have, v->cp.size);
}

static int
check_log(struct verify *v, char **whyp)
{
	char *path = file_join(v->audit_dir, "log.jsonl");
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = ERR_SYSTEM;
	struct logread *lr = fd == -1 ? NULL : logread_new(fd);
	const char *p;
	size_t n;

	if (lr == NULL && (fd != -1 || errno != ENOENT)) {
		*whyp = xasprintf("%s: %s", path, err_text(ERR_SYSTEM));
		goto out;
	}
	while (lr != NULL && (r = logread_next(lr, &p, &n)) == 0)
		check_line(v, p, n);
	if (lr == NULL)
		say(v, "log.jsonl: missing");
	else if (r == ERR_TOOBIG)
		say(v, "log.jsonl line %" PRIu64 ": longer than a record can be", merkle_size(v->lines) + 1);
	else if (r == ERR_SYSTEM) {
		*whyp = xasprintf("%s: %s", path, err_text(r));
		goto out;
	}
	r = 0;	/* an unfinished last line was never acknowledged, or is being written this moment */
	v->report->records = merkle_size(v->lines);
	v->report->signed_records = v->has_cp == 1 ? v->cp.size : 0;
	if (v->has_cp == 1 && v->report->records < v->cp.size)
		check_short(v);
	if (v->has_cp == 0 && v->report->records > 0)
		say(v, "checkpoint: missing, and there are %" PRIu64 " records", v->report->records);
out:
	logread_free(lr);
	free(path);
	return r;
}

/* Names in recordings/ before the log is read: a recording's record is durable before its file is made. */
static void
list_recordings(int dirfd, struct strvec *names)
{
	int fd = dup(dirfd);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			strvec_push(names, e->d_name);
	closedir(d);
}

int
audit_verify(const char *state_dir, verify_fn problem, void *arg, struct verify_report *report, char **whyp)
{
	struct verify *v = xcalloc(1, sizeof(*v));
	struct strvec names = STRVEC_INIT;
	char *rec_dir = file_join(state_dir, "recordings");
	int r = ERR_SYSTEM;

	memset(report, 0, sizeof(*report));
	*whyp = NULL;
	v->problem = problem;
	v->arg = arg;
	v->report = report;
	v->audit_dir = file_join(state_dir, "audit");
	v->lines = merkle_new(NULL, NULL);
	v->tiles = merkle_new(NULL, NULL);
	v->tiles_ok = v->seq_ok = 1;
	v->differs = UINT64_MAX;
	if ((v->rec_dirfd = open(rec_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		*whyp = xasprintf("%s: %s", rec_dir, err_text(r));
		goto out;
	}
	v->recs = reccheck_new(v->rec_dirfd, NULL, say_line, v);
	list_recordings(v->rec_dirfd, &names);
	if ((r = load_checkpoint(v, state_dir, whyp)) != 0 || (r = check_log(v, whyp)) != 0)
		goto out;
	reccheck_end(v->recs, &names);
	reccheck_counts(v->recs, &report->recordings, &report->open_recordings, &report->bytes);
	r = report->problems > 0 ? ERR_CRYPTO : 0;
out:
	reccheck_free(v->recs);
	if (v->rec_dirfd != -1)
		close(v->rec_dirfd);
	merkle_free(v->lines);
	merkle_free(v->tiles);
	strvec_release(&names);
	free(v->audit_dir);
	free(rec_dir);
	free(v);
	return r;
}
