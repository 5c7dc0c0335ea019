/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"

#define BLOCK		1024		/* serials reserved by one write */
#define SERIAL_MAX	(UINT64_MAX / 2)
#define ENTRY_MAX	(16 * 1024)	/* one line */

struct ledger {
	int	 dirfd;
	int	 fd;		/* issued.jsonl, append */
	char	*dir;
	uint64_t next, end;	/* serials next..end-1 are reserved and free */
};

/* ca/serial: digits and LF. */
static int
serial_parse(struct buf *b, uint64_t *vp)
{
	const uint8_t *p = buf_ptr(b);
	size_t n = buf_len(b);
	uint64_t v = 0;

	if (n < 2 || n > 20 || p[n - 1] != '\n')
		return ERR_FORMAT;
	for (size_t i = 0; i < n - 1; i++) {
		if (p[i] < '0' || p[i] > '9')
			return ERR_FORMAT;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	if (v == 0 || v > SERIAL_MAX)
		return ERR_FORMAT;
	*vp = v;
	return 0;
}

static int
serial_read(struct ledger *l)
{
	char *path = file_join(l->dir, "serial");
	struct buf *b = buf_new(64);
	struct stat st;
	int r = b == NULL ? ERR_NOMEM : file_read(path, b);

	if (r == 0) {
		r = serial_parse(b, &l->next);
	} else if (r == ERR_SYSTEM && errno == ENOENT) {
		/* A list without its counter: starting again at 1 would use serials twice. */
		r = fstat(l->fd, &st) == 0 && st.st_size == 0 ? 0 : ERR_FORMAT;
		l->next = 1;
	}
	l->end = l->next;
	buf_free(b);
	free(path);
	return r;
}

/* End a last line that a crash cut short, so that the next one stands alone. */
static int
issued_mend(int fd)
{
	struct stat st;
	char last;

	if (fstat(fd, &st) == -1)
		return ERR_SYSTEM;
	if (st.st_size == 0)
		return 0;
	if (pread(fd, &last, 1, st.st_size - 1) != 1)
		return ERR_SYSTEM;
	return last == '\n' ? 0 : file_write_all(fd, "\n", 1);
}

int
ledger_open(const char *dir, struct ledger **lp)
{
	struct ledger *l = xcalloc(1, sizeof(*l));
	int r = ERR_SYSTEM;

	l->dir = xstrdup(dir);
	l->fd = -1;
	l->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dirfd != -1)
		l->fd = openat(l->dirfd, "issued.jsonl", O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->fd != -1 && (r = issued_mend(l->fd)) == 0 && (r = serial_read(l)) == 0) {
		*lp = l;
		return 0;
	}
	ledger_free(l);
	return r;
}

void
ledger_free(struct ledger *l)
{
	int saved = errno;

	if (l == NULL)
		return;
	if (l->fd != -1)
		close(l->fd);
	if (l->dirfd != -1)
		close(l->dirfd);
	free(l->dir);
	free(l);
	errno = saved;
}

/* The new end is on the disk, name and all, before a number below it is used. */
static int
serial_reserve(struct ledger *l)
{
	char text[32], *path = file_join(l->dir, "serial");
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", l->end + BLOCK), r;

	r = l->end > SERIAL_MAX - BLOCK ? ERR_TOOBIG : file_write(path, text, (size_t)n, 0600);
	if (r == 0 && fsync(l->dirfd) == -1)
		r = ERR_SYSTEM;
	if (r == 0)
		l->end += BLOCK;
	free(path);
	return r;
}

int
ledger_serial(struct ledger *l, uint64_t *serialp)
{
	int r;

	if (l->next == l->end && (r = serial_reserve(l)) != 0)
		return r;
	*serialp = l->next++;
	return 0;
}

bool
ledger_may_have(const struct ledger *l, uint64_t serial)
{
	return serial >= 1 && serial < l->end;
}

static json_t *
entry_json(const struct ledger_entry *e, int64_t now_ms)
{
	char when[CLOCK_TEXT];
	json_t *groups = NULL;

	clock_format(now_ms, when);
	if (e->groups != NULL && e->groups->n > 0) {
		groups = json_array();
		for (size_t i = 0; i < e->groups->n; i++)
			(void)json_array_append_new(groups, json_string(e->groups->v[i]));
	}
	return json_pack("{s:i, s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:s, s:s*, s:o*, s:s*, s:s*}", "v", 1, "time",
	    when, "kind", e->kind == LEDGER_IDENTITY ? "identity" : "target", "serial", (json_int_t)e->serial, "key_id",
	    e->key_id, "principal", e->principal, "key", e->fingerprint, "after", (json_int_t)e->after, "before",
	    (json_int_t)e->before, "by", e->by, "owner", e->owner, "group", groups, "session", e->session,
	    "source_address", e->source_address);
}

int
ledger_add(struct ledger *l, const struct ledger_entry *e, int64_t now_ms, enum ledger_sync how)
{
	json_t *o = entry_json(e, now_ms);
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT), *line = NULL;
	int r = ERR_NOMEM;

	if (text == NULL)
		goto out;
	line = xasprintf("%s\n", text);
	r = strlen(line) > ENTRY_MAX ? ERR_TOOBIG : file_write_all(l->fd, line, strlen(line));
	if (r == 0 && how == LEDGER_DURABLE && fdatasync(l->fd) == -1)
		r = ERR_SYSTEM;
out:
	free(line);
	free(text);
	json_decref(o);
	return r;
}

/* One line, LF cut off. Lines that hold no JSON object were cut by a crash. */
static int
line_visit(char *line, const char *needle, ledger_fn fn, void *arg)
{
	json_t *o;
	int r = 0;

	if (strstr(line, needle) == NULL)
		return 0;
	o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(o))
		r = fn(o, arg);
	json_decref(o);
	return r;
}

int
ledger_walk(struct ledger *l, const char *needle, ledger_fn fn, void *arg)
{
	int fd = openat(l->dirfd, "issued.jsonl", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (f == NULL) {
		if (fd != -1)
			close(fd);
		return ERR_SYSTEM;
	}
	while (r == 0 && (n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		r = line_visit(line, needle, fn, arg);
	}
	if (r == 0 && ferror(f))
		r = ERR_SYSTEM;
	free(line);
	(void)fclose(f);
	return r;
}
