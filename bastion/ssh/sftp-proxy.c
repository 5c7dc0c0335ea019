/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of both sides. A request of the agent's goes one of three ways:
 *
 *	about names (open, stat, rename ..)	sftp-job.c: resolve, decide (sftp-access.c), record, ask the target
 *	about what is open			sftp-file.c, and for content sftp-read.c and sftp-write.c
 *	about us (init, limits ..)		answered here
 *
 * Work is begun only while what it may lead to has room, so a side that does not read stops the other one.
 */
#include "bastion/ssh/sftp-proxy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp_int.h"
#include "bastion/ssh/tape.h"
#include "bastion/ssh/transfer.h"

#define PACKETS_A_TURN	128
#define FROM_MAX	(512 * 1024)	/* of the target's, unread: a packet and more */
#define TEXT_MAX	256		/* of the target's words in a STATUS */
#define LINK_PROBE	"/proc/self"	/* a link on every Linux */

static const char *const status_words[] = { "Success", "End of file", "No such file", "Permission denied", "Failure",
	"Bad message", "No connection", "Connection lost", "Operation unsupported" };

/* What goes out */

void
sftp_break(struct sftp *x, int status, const char *fmt, ...)
{
	va_list ap;

	if (x->why != NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&x->why, fmt, ap) == -1)
		fatal("out of memory formatting a reason");
	va_end(ap);
	x->status = status;
	x->moved = true;
}

void
sftp_reply(struct sftp *x, const struct sftp_packet *k)
{
	if (sftp_put(x->to_agent, k) != 0)
		sftp_break(x, EXIT_LATER, "stopped %s: an answer of SFTP is over its ceiling; ask for less at once", x->p.request);
	x->moved = true;
}

void
sftp_reply_status(struct sftp *x, uint32_t id, uint32_t status, const char *text)
{
	struct sftp_packet k = { .type = SFTP_STATUS, .id = id, .status = status };

	if (text == NULL)
		text = status_words[status < sizeof(status_words) / sizeof(status_words[0]) ? status : SFTP_FAILURE];
	k.text = sftp_text(text);
	sftp_reply(x, &k);
}

void
sftp_relay_status(struct sftp *x, uint32_t id, const struct sftp_packet *k)
{
	char *words = text_printable(k->text.p, k->text.n < TEXT_MAX ? k->text.n : TEXT_MAX);

	sftp_reply_status(x, id, k->status, *words == '\0' ? NULL : words);
	free(words);
}

void
sftp_ask(struct sftp *x, struct sftp_packet *k, sftp_answer_fn fn, void *arg)
{
	struct sftp_call *c;

	do
		c = &x->calls[++x->last_id % SFTP_CALLS_MAX];
	while (c->fn != NULL && x->ncalls < SFTP_CALLS_MAX);
	k->id = x->last_id;
	if (x->ncalls == SFTP_CALLS_MAX || sftp_put(x->to_up, k) != 0)
		fatal("SFTP: too much is asked of the target at once");
	*c = (struct sftp_call){ .id = k->id, .fn = fn, .arg = arg };
	x->ncalls++;
	x->moved = true;
}

bool
sftp_is_busy(const struct sftp *x)
{
	return x->ncalls >= SFTP_CALLS_HIGH || x->njobs >= SFTP_JOBS_MAX || buf_len(x->to_up) >= SFTP_OUT_HIGH ||
	    buf_len(x->to_agent) >= SFTP_OUT_HIGH || !transfer_may_begin(x->s) || !tape_has_room(x->p.tape);
}

bool
sftp_may_fetch(const struct sftp *x)
{
	return x->ncalls < SFTP_CALLS_HIGH && buf_len(x->to_up) < SFTP_OUT_HIGH;
}

char *
sftp_shown(struct sftp *x, const char *path)
{
	return session_mask(x->s, path, strlen(path));
}

void
sftp_tell_refusal(struct sftp *x, const char *line)
{
	x->refusals++;
	tape_notef(x->p.tape, "%s", line);
	if (x->refusals <= SFTP_LINES)
		channel_sayf(x->p.channel, "%s", line);
	if (x->refusals == SFTP_LINES)
		channel_sayf(x->p.channel, "more refusals in this session are recorded, but not told here");
	if (x->refusals == SFTP_REFUSALS)
		sftp_break(x, EXIT_DENIED, "denied %s rule=limit: %d operations of one SFTP session were refused; see: ssh BASTION "
		    "policy", x->p.request, SFTP_REFUSALS);
}

/* The target's side */

static void
hello_take_exts(struct sftp *x, struct sftp_bytes rest)
{
	struct sftp_bytes name, value;

	while (rest.n > 0 && sftp_pair_next(&rest, &name, &value) == 0) {
		enum sftp_ext e = sftp_ext_find(name);

		if (e != SFTP_EXT_UNKNOWN && sftp_bytes_are(value, sftp_ext_version(e)))
			x->exts |= 1u << e;
	}
}

static void
home_answered(struct sftp *x)
{
	x->moved = true;
	if (--x->asking > 0)
		return;
	if (x->home == NULL)
		sftp_break(x, EXIT_UNREACHED, "unreachable %s: the target's SFTP does not tell the home folder; nothing was done; tell "
		    "whoever runs the target", x->p.request);
	else if (x->has_links && x->plain_names)
		sftp_break(x, EXIT_UNREACHED, "unreachable %s: the target's SFTP server does not resolve links, so no path can be decided "
		    "there; tell whoever runs the target: it needs OpenSSH's", x->p.request);
	else
		x->state = PROXY_OPEN;
}

/* The one name in a packet, as a C string: NULL when there is not exactly one that can be used. The caller frees. */
static char *
only_name(const struct sftp_packet *k)
{
	struct sftp_bytes rest = k->rest;
	struct sftp_name n;

	if (k->type != SFTP_NAME || k->count != 1 || sftp_name_next(&rest, &n) != 0 || n.name.n == 0 ||
	    n.name.n > SFTP_PATH_MAX || memchr(n.name.p, '\0', n.name.n) != NULL)
		return NULL;
	return xstrndup((const char *)n.name.p, n.name.n);
}

static int
on_home(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	(void)arg;
	free(x->home);
	x->home = only_name(k);
	if (x->home != NULL && x->home[0] != '/') {
		free(x->home);
		x->home = NULL;
	}
	home_answered(x);
	return 0;
}

static int
on_probe_link(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	(void)arg;
	x->has_links = k->type == SFTP_NAME;
	home_answered(x);
	return 0;
}

static int
on_probe_path(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	char *name = only_name(k);

	(void)arg;
	x->plain_names = name != NULL && strcmp(name, LINK_PROBE) == 0;
	free(name);
	home_answered(x);
	return 0;
}

/* A server that answers REALPATH by text alone would let links lead around the rules. */
static int
take_hello(struct sftp *x, const struct sftp_packet *k)
{
	struct sftp_packet home = { .type = SFTP_REALPATH, .path = sftp_text(".") };
	struct sftp_packet path = { .type = SFTP_REALPATH, .path = sftp_text(LINK_PROBE) };
	struct sftp_packet link = { .type = SFTP_READLINK, .path = sftp_text(LINK_PROBE) };

	if (k->type != SFTP_HELLO || k->id != SFTP_VERSION)
		return ERR_FORMAT;
	hello_take_exts(x, k->rest);
	x->state = PROXY_HOME;
	x->asking = 3;
	sftp_ask(x, &home, on_home, NULL);
	sftp_ask(x, &path, on_probe_path, NULL);
	sftp_ask(x, &link, on_probe_link, NULL);
	return 0;
}

static int
take_answer(struct sftp *x, const struct sftp_packet *k)
{
	struct sftp_call *c = &x->calls[k->id % SFTP_CALLS_MAX], had = *c;

	if (x->state == PROXY_HELLO)
		return take_hello(x, k);
	if (k->type < SFTP_STATUS || k->type == SFTP_EXTENDED || had.fn == NULL || had.id != k->id)
		return ERR_FORMAT;
	c->fn = NULL;
	x->ncalls--;
	return had.fn(x, k, had.arg);
}

static void
read_target(struct sftp *x)
{
	struct sftp_packet k;
	size_t len;
	int r = 0;

	for (int i = 0; x->why == NULL && i < PACKETS_A_TURN && buf_len(x->to_agent) < SFTP_OUT_HIGH; i++) {
		if ((r = sftp_frame(buf_ptr(x->from), buf_len(x->from), &len)) != 0)
			break;
		if ((r = sftp_parse(buf_ptr(x->from) + 4, len - 4, &k)) == 0)
			r = take_answer(x, &k);
		if (r != 0)
			break;
		(void)buf_consume(x->from, len);
		x->moved = true;
	}
	if (r != 0 && r != ERR_SHORT)
		sftp_break(x, EXIT_UNREACHED, "stopped %s: what the target says is not SFTP version %d (%s); a login file that prints does that; "
		    "tell whoever runs the target", x->p.request, SFTP_VERSION, err_text(r));
}

/* The agent's side */

static void
answer_init(struct sftp *x)
{
	struct sftp_packet k = { .type = SFTP_HELLO, .id = SFTP_VERSION };
	struct buf *b = buf_new(4096);
	int r = b == NULL ? ERR_NOMEM : 0;

	for (int e = 0; r == 0 && e < SFTP_EXTS; e++)
		if ((x->exts & 1u << e) != 0 && (r = buf_put_cstring(b, sftp_ext_name((enum sftp_ext)e))) == 0)
			r = buf_put_cstring(b, sftp_ext_version((enum sftp_ext)e));
	if (r != 0)
		fatal("out of memory");
	k.rest = (struct sftp_bytes){ buf_ptr(b), buf_len(b) };
	sftp_reply(x, &k);
	buf_free(b);
	x->greeted = true;
}

static void
answer_limits(struct sftp *x, uint32_t id)
{
	struct sftp_packet k = { .type = SFTP_EXTENDED_REPLY, .id = id };
	struct buf *b = buf_new(64);

	if (b == NULL || buf_put_u64(b, SFTP_PACKET_MAX) != 0 || buf_put_u64(b, SFTP_PIECE) != 0 ||
	    buf_put_u64(b, SFTP_PIECE) != 0 || buf_put_u64(b, SFTP_FILES_MAX) != 0)
		fatal("out of memory");
	k.rest = (struct sftp_bytes){ buf_ptr(b), buf_len(b) };
	sftp_reply(x, &k);
	buf_free(b);
}

static void
answer_home(struct sftp *x, const struct sftp_packet *q)
{
	struct sftp_packet k = { .type = SFTP_NAME, .id = q->id, .count = 1 };
	struct sftp_name n = { .name = sftp_text(x->home), .longname = sftp_text(x->home) };
	struct buf *b = buf_new(4 * SFTP_PATH_MAX);

	if (q->path.n != 0 && !sftp_bytes_are(q->path, x->s->login)) {
		sftp_reply_status(x, q->id, SFTP_FAILURE, "only your own login's home folder is told");
		buf_free(b);
		return;
	}
	if (b == NULL || sftp_name_put(b, &n) != 0)
		fatal("out of memory");
	k.rest = (struct sftp_bytes){ buf_ptr(b), buf_len(b) };
	sftp_reply(x, &k);
	buf_free(b);
}

static void
answer_unknown(struct sftp *x, const struct sftp_packet *k)
{
	char *name = text_printable(k->ext_name.p, k->ext_name.n < 64 ? k->ext_name.n : 64);

	tape_notef(x->p.tape, "unknown request %u %s", (unsigned)k->type, name);
	free(name);
	sftp_reply_status(x, k->id, SFTP_OP_UNSUPPORTED, "the bastion does not know this request");
}

/* False: not now, with what is under way. */
static bool
take_on_file(struct sftp *x, const struct sftp_packet *k)
{
	struct sftp_file *f = sftp_file_find(x, k->handle);

	if (f == NULL)
		sftp_reply_status(x, k->id, SFTP_FAILURE, "no such handle");
	else if (k->type == SFTP_READ || k->type == SFTP_WRITE || k->type == SFTP_CLOSE)
		return sftp_file_take(f, k);
	else
		sftp_job_begin_on(x, k, f);
	return true;
}

static bool
take_request(struct sftp *x, const struct sftp_packet *k)
{
	switch (k->type) {
	case SFTP_READ:
	case SFTP_WRITE:
	case SFTP_CLOSE:
	case SFTP_FSTAT:
	case SFTP_FSETSTAT:
	case SFTP_READDIR:
		return take_on_file(x, k);
	case SFTP_EXTENDED:
		if (k->ext == SFTP_EXT_LIMITS)
			answer_limits(x, k->id);
		else if (k->ext == SFTP_EXT_HOME)
			answer_home(x, k);
		else if (k->ext == SFTP_EXT_UNKNOWN || (x->exts & 1u << k->ext) == 0)
			answer_unknown(x, k);
		else if (k->ext == SFTP_EXT_FSYNC || k->ext == SFTP_EXT_FSTATVFS)
			return take_on_file(x, k);
		else
			sftp_job_begin(x, k);
		return true;
	default:
		sftp_job_begin(x, k);
		return true;
	}
}

static int
take_packet(struct sftp *x, const uint8_t *p, size_t n, bool *takenp)
{
	struct sftp_packet k;
	int r = sftp_parse(p, n, &k);

	*takenp = true;
	if (!x->greeted) {
		if (r != 0 || k.type != SFTP_INIT || k.id < SFTP_VERSION)
			return ERR_FORMAT;
		answer_init(x);
		return 0;
	}
	if (r == ERR_NOTFOUND) {
		answer_unknown(x, &k);
		return 0;
	}
	if (r != 0 || k.type == SFTP_INIT || k.type == SFTP_HELLO || (k.type >= SFTP_STATUS && k.type != SFTP_EXTENDED))
		return ERR_FORMAT;
	*takenp = take_request(x, &k);
	return 0;
}

static void
read_agent(struct sftp *x)
{
	struct buf *in = x->p.channel->in;
	bool taken = true;
	size_t len;
	int r = 0;

	for (int i = 0; x->why == NULL && taken && !sftp_is_busy(x) && i < PACKETS_A_TURN; i++) {
		if ((r = sftp_frame(buf_ptr(in), buf_len(in), &len)) != 0)
			break;
		if ((r = take_packet(x, buf_ptr(in) + 4, len - 4, &taken)) != 0)
			break;
		if (taken) {
			(void)buf_consume(in, len);
			x->moved = true;
		}
	}
	if (r != 0 && r != ERR_SHORT)
		sftp_break(x, EXIT_DENIED, "denied %s rule=malformed: what your client says is not SFTP version %d (%s); use sftp or scp "
		    "of OpenSSH", x->p.request, SFTP_VERSION, err_text(r));
}

static void
drop_files(struct sftp *x, const char *result)
{
	for (size_t i = 0; i < SFTP_FILES_MAX; i++) {
		sftp_file_drop(x->files[i], result);
		x->files[i] = NULL;
	}
	x->nfiles = 0;
}

/* Nothing of the target is heard any more. */
static void
cut_off(struct sftp *x)
{
	x->ended = true;
	memset(x->calls, 0, sizeof(x->calls));
	x->ncalls = 0;
	sftp_jobs_free(x);
	drop_files(x, "cut off");
	buf_clear(x->from);
	buf_clear(x->to_up);
	x->moved = true;
}

/* The agent has said all that it will: what it left open is settled, then the target hears of it. */
static void
leave(struct sftp *x)
{
	struct channel *c = x->p.channel;
	size_t len;

	if (!c->in_eof || sshchan_has_unread(c->ssh) || x->state != PROXY_OPEN || x->njobs > 0)
		return;
	if (sftp_frame(buf_ptr(c->in), buf_len(c->in), &len) == 0)
		return;	/* whole requests are still to be answered */
	for (size_t i = 0; i < SFTP_FILES_MAX; i++)
		if (x->files[i] != NULL) {
			sftp_file_flush(x->files[i]);
			if (!sftp_file_is_idle(x->files[i]) || !sftp_file_is_checked(x->files[i]))
				return;
		}
	drop_files(x, "not closed");
	if (!sshchan_flush(x->up, SSHCHAN_OUT, x->to_up, &x->moved))
		return;
	(void)sshchan_send_eof(x->up);
	x->state = PROXY_LEAVING;
	x->moved = true;
}

/* The dialogue */

static struct sftp *
sftp_of(struct dialogue *d)
{
	return (struct sftp *)d;
}

static size_t
proxy_take(struct dialogue *d, const void *p, size_t n)
{
	struct sftp *x = sftp_of(d);
	size_t room = buf_room(x->from);

	if (n > room)
		n = room;
	return buf_put(x->from, p, n) == 0 ? n : 0;
}

static bool
proxy_has_room(const struct dialogue *d)
{
	return buf_room(((const struct sftp *)d)->from) > 0;
}

static void
greet_target(struct sftp *x, struct sshchan *up)
{
	struct sftp_packet k = { .type = SFTP_INIT, .id = SFTP_VERSION };

	x->up = up;
	if (sftp_put(x->to_up, &k) != 0)
		fatal("out of memory");
	x->state = PROXY_HELLO;
	x->moved = true;
}

static int
proxy_step(struct dialogue *d, struct sshchan *up, int64_t now_us)
{
	struct sftp *x = sftp_of(d);
	size_t len;

	(void)now_us;
	x->moved = false;
	if (x->state == PROXY_NEW && up != NULL)
		greet_target(x, up);
	x->up = up;
	read_target(x);
	if (x->state == PROXY_OPEN && !x->ended)
		read_agent(x);
	sftp_jobs_step(x);
	for (size_t i = 0; i < SFTP_FILES_MAX && x->nfiles > 0; i++)
		if (x->files[i] != NULL && !sftp_file_step(x->files[i])) {
			x->files[i] = NULL;
			x->nfiles--;
		}
	if (x->ending && !x->ended && sftp_frame(buf_ptr(x->from), buf_len(x->from), &len) != 0)
		cut_off(x);
	if (up != NULL && !x->ended) {
		(void)sshchan_flush(up, SSHCHAN_OUT, x->to_up, &x->moved);
		leave(x);
	}
	(void)sshchan_flush(x->p.channel->ssh, SSHCHAN_OUT, x->to_agent, &x->moved);
	return x->why != NULL ? ERR_DENIED : x->moved;
}

static void
proxy_end(struct dialogue *d)
{
	sftp_of(d)->ending = true;
}

static bool
proxy_is_done(const struct dialogue *d)
{
	const struct sftp *x = (const struct sftp *)d;

	return x->ended && buf_len(x->to_agent) == 0;
}

static bool
proxy_is_waiting(const struct dialogue *d)
{
	const struct sftp *x = (const struct sftp *)d;

	return x->ncalls > 0 || x->njobs > 0 || buf_len(x->to_agent) > 0 || buf_len(x->to_up) > 0 || buf_len(x->from) > 0 ||
	    x->state < PROXY_OPEN;
}

static const char *
proxy_why(const struct dialogue *d, int *statusp)
{
	const struct sftp *x = (const struct sftp *)d;

	*statusp = x->status;
	return x->why;
}

static void
proxy_stop(struct dialogue *d, const char *why)
{
	struct sftp *x = sftp_of(d);

	(void)why;
	if (!x->ended)
		cut_off(x);
	buf_clear(x->to_agent);
}

static void
proxy_report(const struct dialogue *d, json_t *o)
{
	const struct sftp *x = (const struct sftp *)d;

	(void)json_object_set_new(o, "files", json_integer((json_int_t)x->transfers));
	(void)json_object_set_new(o, "looks", json_integer((json_int_t)x->looks));
	(void)json_object_set_new(o, "refusals", json_integer((json_int_t)x->refusals));
	(void)json_object_set_new(o, "bytes_in", json_integer((json_int_t)x->bytes_in));
	(void)json_object_set_new(o, "bytes_out", json_integer((json_int_t)x->bytes_out));
}

static void
proxy_free(struct dialogue *d)
{
	struct sftp *x = sftp_of(d);

	cut_off(x);
	buf_free(x->from);
	buf_free(x->to_up);
	buf_free(x->to_agent);
	free(x->home);
	free(x->why);
	free(x);
}

static const struct dialogue_ops proxy_ops = {
	.take = proxy_take,
	.has_room = proxy_has_room,
	.step = proxy_step,
	.end = proxy_end,
	.is_done = proxy_is_done,
	.is_waiting = proxy_is_waiting,
	.why = proxy_why,
	.stop = proxy_stop,
	.report = proxy_report,
	.free = proxy_free,
};

struct dialogue *
sftp_proxy_new(const struct dialogue_params *p)
{
	struct sftp *x = xcalloc(1, sizeof(*x));

	x->d.ops = &proxy_ops;
	x->p = *p;
	x->s = p->channel->session;
	x->from = buf_new(FROM_MAX);
	x->to_up = buf_new(SFTP_OUT_MAX);
	x->to_agent = buf_new(SFTP_OUT_MAX);
	if (x->from == NULL || x->to_up == NULL || x->to_agent == NULL)
		fatal("out of memory");
	p->channel->in_max = CHANNEL_IN_APPROVAL;	/* a whole packet must fit, and some more */
	return &x->d;
}
