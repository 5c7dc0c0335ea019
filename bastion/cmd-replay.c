/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport replay and export: a recording, played or as a file; checked against its seal first. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/cmd.h"
#include "bastion/evidence.h"
#include "bastion/record/castread.h"
#include "bastion/record/inert.h"
#include "bastion/record/utf8.h"

#define OUT_MAX		(3 * CAST_LINE_MAX)	/* one event, every byte of it a U+FFFD */
#define SPEED_MAX	1000.0

struct options {
	const char	*name;		/* session or recording */
	const char	*file;		/* export: -o */
	double		 speed;		/* 0 = as fast as it goes */
	int64_t		 max_idle_us;	/* -1 = as it was */
	bool		 force, v2, stderr_only;
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* Seconds or a duration. */
static bool
read_idle(const char *s, int64_t *usp)
{
	int64_t ms;
	char *end;
	double sec = strtod(s, &end);

	if (*end == '\0' && end != s && sec >= 0 && sec < 86400) {
		*usp = (int64_t)(sec * 1e6);
		return true;
	}
	if (clock_parse_duration(s, &ms) != 0)
		return false;
	*usp = ms * 1000;
	return true;
}

static bool
read_speed(const char *s, double *speedp)
{
	char *end;

	*speedp = strtod(s, &end);
	return end != s && *end == '\0' && *speedp > 0 && *speedp <= SPEED_MAX;
}

static int
read_options(int argc, char **argv, struct options *o)
{
	*o = (struct options){ .speed = 1, .max_idle_us = -1 };
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(a, "--instant") == 0)
			o->speed = 0;
		else if (strcmp(a, "--force") == 0)
			o->force = true;
		else if (strcmp(a, "--v2") == 0)
			o->v2 = true;
		else if (strcmp(a, "--stderr-only") == 0)
			o->stderr_only = true;
		else if (strcmp(a, "--speed") == 0 && value != NULL && read_speed(value, &o->speed))
			i++;
		else if (strcmp(a, "--max-idle") == 0 && value != NULL && read_idle(value, &o->max_idle_us))
			i++;
		else if (strcmp(a, "-o") == 0 && value != NULL) {
			o->file = value;
			i++;
		} else if (a[0] == '-' || o->name != NULL)
			return CMD_USAGE;
		else
			o->name = a;
	}
	return o->name == NULL ? CMD_USAGE : 0;
}

/* Say what the seal is worth; an altered recording is shown only when that is asked for. */
static int
open_judged(const char *state_dir, const struct options *o, int *fdp)
{
	static const char *const words[] = {
		[EVIDENCE_NONE] = "has no record",
		[EVIDENCE_OPEN] = "is not sealed yet",
		[EVIDENCE_SEALED] = "is as it was sealed",
		[EVIDENCE_ALTERED] = "HAS BEEN ALTERED",
	};
	enum evidence_seal seal;
	char id[EVIDENCE_ID];

	if (evidence_recording(state_dir, o->name, id, &seal) != 0)
		return 1;
	fprintf(stderr, "sallyport: recording %s %s\n", id, words[seal]);
	if (seal == EVIDENCE_ALTERED && !o->force) {
		fprintf(stderr, "sallyport: not shown; --force shows it all the same\n");
		return 1;
	}
	return (*fdp = evidence_open(state_dir, id)) == -1;
}

static void
wait_us(int64_t us)
{
	struct timespec ts = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };

	while (us > 0 && !stop && nanosleep(&ts, &ts) == -1 && errno == EINTR)
		;
}

/* Bytes that are not UTF-8 could be control characters of an eight-bit terminal: they become U+FFFD. */
static int
put_safe(struct inert *filter, const uint8_t *p, size_t n, struct buf *out)
{
	int r = 0;

	while (n > 0 && r == 0) {
		size_t good = utf8_valid(p, n);

		r = inert_filter(filter, p, good, out);
		p += good;
		n -= good;
		if (n > 0 && r == 0) {
			r = inert_filter(filter, UTF8_REPLACEMENT, 3, out);
			p++;
			n--;
		}
	}
	return r;
}

static int
play(struct castread *c, const struct options *o, bool tty)
{
	struct inert *filter = inert_new(tty ? INERT_TERMINAL : INERT_PLAIN);
	struct buf *out = buf_new(OUT_MAX);
	struct cast_event e;
	int64_t last = 0;
	int r = ERR_NOMEM;

	while (filter != NULL && out != NULL && !stop && (r = castread_next(c, &e)) == 0) {
		int64_t idle = e.at_us - last;

		last = e.at_us;
		if (o->max_idle_us >= 0 && idle > o->max_idle_us)
			idle = o->max_idle_us;
		if (tty && o->speed > 0)
			wait_us((int64_t)((double)idle / o->speed));
		if (e.code != 'o' || (o->stderr_only && !e.from_stderr))
			continue;
		if ((r = put_safe(filter, e.data, e.ndata, out)) != 0 ||
		    (r = file_write_all(STDOUT_FILENO, buf_ptr(out), buf_len(out))) != 0)
			break;
		buf_clear(out);
	}
	/* Colours off, cursor on, main screen: whatever the recording ended in. */
	if (tty)
		(void)file_write_all(STDOUT_FILENO, "\033[?1049l\033[?25h\033[0m\r\n", 20);
	buf_free(out);
	inert_free(filter);
	return r == ERR_EOF || stop ? 0 : r;
}

int
cmd_replay(int argc, char **argv, const struct cmd_env *env)
{
	struct castread *c = NULL;
	struct sigaction sa = { .sa_handler = on_signal };
	struct options o;
	char *dir = NULL;
	int fd = -1, r, status = 1;

	if (read_options(argc, argv, &o) != 0 || o.v2 || o.file != NULL)
		return CMD_USAGE;
	if ((dir = evidence_state_dir(env)) == NULL || open_judged(dir, &o, &fd) != 0)
		goto out;
	if ((r = castread_open(fd, &c)) != 0) {
		fprintf(stderr, "sallyport: not a recording: %s\n", err_text(r));
		goto out;
	}
	(void)sigaction(SIGINT, &sa, NULL);
	if ((r = play(c, &o, isatty(STDOUT_FILENO))) != 0)
		fprintf(stderr, "sallyport: line %" PRIu64 ": %s\n", castread_line(c), err_text(r));
	else
		status = 0;
out:
	castread_free(c);
	free(dir);
	return status;
}

static int
v2_header(const struct cast_header *h, FILE *f)
{
	json_t *o = json_pack("{s:i, s:i, s:i, s:I}", "version", 2, "width", (int)h->cols, "height", (int)h->rows,
	    "timestamp", (json_int_t)h->timestamp);
	int r;

	if (o != NULL && h->title != NULL)
		(void)json_object_set_new(o, "title", json_string(h->title));
	if (o != NULL && h->command != NULL)
		(void)json_object_set_new(o, "command", json_string(h->command));
	if (o != NULL && h->session != NULL)
		(void)json_object_set_new(o, "env", json_pack("{s:s, s:s}", "TERM", h->term == NULL ? "dumb" : h->term,
		    "SALLYPORT_SESSION", h->session));
	r = o == NULL || json_dumpf(o, f, JSON_COMPACT) != 0 || fputc('\n', f) == EOF ? ERR_SYSTEM : 0;
	json_decref(o);
	return r;
}

static int
v2_event(const struct cast_event *e, char code, const void *p, size_t n, struct buf *text, FILE *f)
{
	const uint8_t *at = p;
	json_t *s;
	int r = 0;

	buf_clear(text);
	while (n > 0 && r == 0) {
		size_t good = utf8_valid(at, n);

		r = buf_put(text, at, good);
		if (good < n && r == 0)
			r = buf_put(text, UTF8_REPLACEMENT, 3);
		good += good < n;
		at += good;
		n -= good;
	}
	s = json_stringn(buf_len(text) > 0 ? (const char *)buf_ptr(text) : "", buf_len(text));
	if (r == 0 && (s == NULL || fprintf(f, "[%" PRId64 ".%06d, \"%c\", ", e->at_us / 1000000,
	    (int)(e->at_us % 1000000),
	    code) < 0 || json_dumpf(s, f, JSON_ENCODE_ANY) != 0 || fputs("]\n", f) == EOF))
		r = ERR_SYSTEM;
	json_decref(s);
	return r;
}

static int
export_v2(struct castread *c, const struct options *o, FILE *f)
{
	struct buf *text = buf_new(OUT_MAX);
	struct cast_event e;
	char status[64];
	int r = text == NULL ? ERR_NOMEM : v2_header(castread_header(c), f);

	while (r == 0 && (r = castread_next(c, &e)) == 0) {
		if (e.code == 'x') {
			(void)snprintf(status, sizeof(status), "exit: %.*s", e.ndata < 16 ? (int)e.ndata : 16,
			    (const char *)e.data);
			r = v2_event(&e, 'm', status, strlen(status), text, f);
		} else if (e.code == 'r' || e.code == 'm' || (e.code == 'o' && (!o->stderr_only || e.from_stderr)))
			r = v2_event(&e, e.code, e.data, e.ndata, text, f);
	}
	buf_free(text);
	return r == ERR_EOF ? 0 : r;
}

/* The file itself, byte for byte. */
static int
export_same(int fd, FILE *f)
{
	struct buf *b = buf_new(65536);
	int r = b == NULL ? ERR_NOMEM : 0;

	while (r == 0 && (r = buf_read(b, fd, 65536)) == 0) {
		if (fwrite(buf_ptr(b), 1, buf_len(b), f) != buf_len(b))
			r = ERR_SYSTEM;
		buf_clear(b);
	}
	buf_free(b);
	return r == ERR_EOF ? 0 : r;
}

static FILE *
open_output(const char *path)
{
	int fd = path == NULL ? dup(STDOUT_FILENO) :
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "w");

	if (f == NULL) {
		fprintf(stderr, "sallyport: %s: %s\n", path == NULL ? "standard output" : path, err_text(ERR_SYSTEM));
		if (fd != -1)
			close(fd);
	}
	return f;
}

int
cmd_export(int argc, char **argv, const struct cmd_env *env)
{
	struct castread *c = NULL;
	struct options o;
	FILE *f = NULL;
	char *dir = NULL;
	int fd = -1, r = 0, status = 1;

	if (read_options(argc, argv, &o) != 0 || (o.stderr_only && !o.v2))
		return CMD_USAGE;
	if ((dir = evidence_state_dir(env)) == NULL || open_judged(dir, &o, &fd) != 0 ||
	    (f = open_output(o.file)) == NULL)
		goto out;
	if (!o.v2)
		r = export_same(fd, f);
	else {
		r = castread_open(fd, &c);
		fd = -1;
		if (r == 0)
			r = export_v2(c, &o, f);
	}
	if (fclose(f) == EOF && r == 0)
		r = ERR_SYSTEM;
	if (r != 0)
		fprintf(stderr, "sallyport: export: %s\n", err_text(r));
	else
		status = 0;
out:
	castread_free(c);
	if (fd != -1)
		close(fd);
	free(dir);
	return status;
}
