/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-auditd: the audit process. Descriptor 3 is the link to the parent. It has the audit log and the recordings,
 * no network and no keys: checkpoints are signed by the key process over a link of their own.
 *
 * It never limps: when the log cannot be written or the key process is gone, every session is told AUDIT_FAILED and the
 * process ends; the parent starts another, which recovers: at once, or again and again until there is room on the disk.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/audit/audit_msg.h"
#include "bastion/audit/auditlog.h"
#include "bastion/audit/checkpoint.h"
#include "bastion/audit/commit.h"
#include "bastion/audit/quota.h"
#include "bastion/audit/recorder.h"
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/keyd_msg.h"

#define PARENT_FD	3
#define PEER_RECORDS	4096	/* records of one session that wait for their acknowledgement */
#define NAME_MAX_LEN	256

enum auditd_state { AUDITD_NEW, AUDITD_OPENING, AUDITD_RUNNING, AUDITD_STOPPING };

struct auditd {
	enum auditd_state	 state;
	struct event_base	*base;
	struct event		*tick;	/* runs once after whatever else this turn of the loop has for us */
	struct link		*parent, *keyd;
	uint32_t		 start_id;
	char			*log_dir, *rec_dir;
	int			 rec_dirfd;
	struct auditlog		*log;
	struct commit		*commit;
	struct recorder		*recorder;
	struct quota		*quota;		/* NULL: identities have none */
	struct peer		*peers;
	struct peer		*self;	/* the parent, as a sender of records */
	json_t			*unsealed;	/* at start: recordings that nobody sealed, each with its identity or "" */
	uint64_t		 found;
};

/* Whoever sends records: a session, a daemon, the parent. */
struct peer {
	struct auditd		*ad;
	struct peer		*next, **prevp;
	struct link		*link;
	struct record_stamp	 stamp;		/* its strings are ours */
	struct rec_owner	 recs;
	unsigned		 waiting;	/* records not yet acknowledged */
};

static void	auditd_tick(evutil_socket_t, short, void *);

static void
auditd_wake(struct auditd *ad)
{
	event_active(ad->tick, EV_TIMEOUT, 0);
}

/* Tell every session, and end with this status. What was not acknowledged is as if it had not been sent. */
static void __attribute__((noreturn))
auditd_fail(struct auditd *ad, const char *why, int status)
{
	struct buf *b = buf_new(1024);

	if (b != NULL && buf_put_cstring(b, why) == 0)
		for (struct peer *p = ad->peers; p != NULL; p = p->next)
			if (p != ad->self)
				(void)link_send(p->link, AUDIT_FAILED, 0, b, -1);
	log_error("%s", why);
	exit(status);
}

static struct peer *
peer_new(struct auditd *ad, const char *session, const char *name)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->ad = ad;
	if (*session != '\0') {
		p->stamp.session = xstrdup(session);
		p->stamp.source = xstrdup(name);
	} else
		p->stamp.daemon = xstrdup(name);
	p->recs.stamp = &p->stamp;
	p->recs.arg = p;
	p->next = ad->peers;
	p->prevp = &ad->peers;
	if (p->next != NULL)
		p->next->prevp = &p->next;
	ad->peers = p;
	return p;
}

static void
stamp_release(struct record_stamp *st)
{
	free((char *)(uintptr_t)st->session);
	free((char *)(uintptr_t)st->identity);
	free((char *)(uintptr_t)st->owner);
	free((char *)(uintptr_t)st->source);
	free((char *)(uintptr_t)st->daemon);
}

static void
peer_free(struct peer *p)
{
	recorder_cut(&p->recs, "the session went away");
	commit_forget(p->ad->commit, p);
	*p->prevp = p->next;
	if (p->next != NULL)
		p->next->prevp = p->prevp;
	if (p->link != NULL)
		link_free(p->link);
	stamp_release(&p->stamp);
	free(p);
}

static void
peer_gone(struct link *l, int r, void *arg)
{
	struct peer *p = arg;

	(void)l;
	if (r != ERR_EOF)
		log_warn("%s: link ended: %s", p->stamp.session != NULL ? p->stamp.session : p->stamp.daemon,
		    err_text(r));
	auditd_wake(p->ad);
	peer_free(p);
}

/* Send a small message; a link that cannot take it ends by itself. */
static void
peer_tell(struct peer *p, uint16_t type, uint32_t id, struct buf *b)
{
	if (b != NULL && p->link != NULL)
		(void)link_send(p->link, type, id, b, -1);
	buf_free(b);
}

static void
record_done(void *arg, uint32_t id, uint64_t seq)
{
	struct peer *p = arg;
	struct buf *b = buf_new(16);

	p->waiting--;
	if (b != NULL)
		(void)buf_put_u64(b, seq);
	peer_tell(p, AUDIT_RECORDED, id, b);
}

static int
on_record(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	struct commit_params c = { .sender = p->stamp.session != NULL ? RECORD_SESSION : RECORD_DAEMON,
	    .done = record_done, .arg = p, .id = m->id };
	const uint8_t *text;
	char *event = NULL;
	json_t *members = NULL;
	size_t n;
	int r;

	(void)l;
	/* The parent says who this is before the session can speak, but on another socket: look there first. */
	if (p->stamp.session != NULL && p->stamp.identity == NULL)
		(void)link_pump(p->ad->parent);
	if ((r = buf_get_cstring(m->body, &event)) != 0 || (r = buf_peek_string(m->body, &text, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	r = n > AUDIT_RECORD_MAX || p->waiting >= PEER_RECORDS ? ERR_TOOBIG : 0;
	if (r == 0 && (members = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		r = ERR_FORMAT;
	if (r != 0)
		goto out;
	c.stamp = p->stamp;
	c.stamp.event = event;
	c.members = members;
	if ((r = commit_add(p->ad->commit, &c)) != 0)
		goto out;
	p->waiting++;
	auditd_wake(p->ad);
out:
	json_decref(members);
	free(event);
	return r;
}

static int
on_rec_open(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	const uint8_t *header;
	uint32_t channel;
	size_t n;
	int r;

	(void)l;
	if (p->stamp.identity == NULL)
		(void)link_pump(p->ad->parent);
	if ((r = buf_get_u32(m->body, &channel)) != 0 || (r = buf_peek_string(m->body, &header, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		return r;
	auditd_wake(p->ad);
	return recorder_open(p->ad->recorder, &p->recs, channel, m->id, header, n);
}

static int
on_rec_data(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	const uint8_t *lines;
	uint32_t channel;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &channel)) != 0 || (r = buf_peek_string(m->body, &lines, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		return r;
	auditd_wake(p->ad);
	return recorder_data(&p->recs, channel, lines, n);
}

static int
on_rec_close(struct link *l, struct msg *m, void *arg)
{
	struct peer *p = arg;
	uint32_t channel;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &channel)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	auditd_wake(p->ad);
	return recorder_close(&p->recs, channel, m->id);
}

static void
tell_opened(void *arg, uint32_t id, bool ok, const char *text)
{
	struct buf *b = buf_new(1024);

	if (b != NULL) {
		(void)buf_put_u8(b, ok);
		(void)buf_put_cstring(b, text);
	}
	peer_tell(arg, AUDIT_REC_OPENED, id, b);
}

static void
tell_written(void *arg, uint32_t channel, uint64_t bytes)
{
	struct buf *b = buf_new(16);

	if (b != NULL) {
		(void)buf_put_u32(b, channel);
		(void)buf_put_u64(b, bytes);
	}
	peer_tell(arg, AUDIT_REC_ACK, 0, b);
}

static void
tell_closed(void *arg, uint32_t id, uint32_t channel, uint64_t seq)
{
	struct buf *b = buf_new(16);

	if (b != NULL) {
		(void)buf_put_u32(b, channel);
		(void)buf_put_u64(b, seq);
	}
	peer_tell(arg, AUDIT_REC_CLOSED, id, b);
}

static void
tell_failed(void *arg, const char *why)
{
	struct buf *b = buf_new(1024);

	if (b != NULL)
		(void)buf_put_cstring(b, why);
	peer_tell(arg, AUDIT_FAILED, 0, b);
}

static const struct recorder_events recorder_events = { tell_opened, tell_written, tell_closed, tell_failed };

static const struct link_row session_rows[] = {
	{ AUDIT_RECORD, "record", LINK_PERMIT, on_record },
	{ AUDIT_REC_OPEN, "rec-open", LINK_PERMIT, on_rec_open },
	{ AUDIT_REC_DATA, "rec-data", LINK_PERMIT, on_rec_data },
	{ AUDIT_REC_CLOSE, "rec-close", LINK_PERMIT, on_rec_close },
	{ 0, NULL, 0, NULL }
};

static const struct link_row daemon_rows[] = {
	{ AUDIT_RECORD, "record", LINK_PERMIT, on_record },
	{ 0, NULL, 0, NULL }
};

static struct peer *
peer_find(const struct auditd *ad, const char *session)
{
	struct peer *p;

	for (p = ad->peers; p != NULL; p = p->next)
		if (p->stamp.session != NULL && strcmp(p->stamp.session, session) == 0)
			break;
	return p;
}

static int
on_session(struct link *l, struct msg *m, void *arg)
{
	struct auditd *ad = ((struct peer *)arg)->ad;
	struct link_params lp = { .base = ad->base, .gone = peer_gone };
	char *session = NULL, *name = NULL;
	struct peer *p;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &session)) != 0 || (r = buf_get_cstring(m->body, &name)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	r = ERR_FORMAT;
	if (m->fd == -1 || strlen(name) > NAME_MAX_LEN ||
	    (*session == '\0' ? *name == '\0' :
	    !id_is(session, "S-", SESSION_ID_LEN) || peer_find(ad, session) != NULL))
		goto out;
	p = peer_new(ad, session, name);
	lp.fd = msg_take_fd(m);
	lp.name = *session != '\0' ? p->stamp.session : p->stamp.daemon;
	lp.rows = *session != '\0' ? session_rows : daemon_rows;
	lp.arg = p;
	if ((p->link = link_new(&lp)) == NULL) {
		close(lp.fd);
		peer_free(p);
	}
	r = 0;
out:
	free(session);
	free(name);
	return r;
}

static int
on_identity(struct link *l, struct msg *m, void *arg)
{
	struct auditd *ad = ((struct peer *)arg)->ad;
	char *session = NULL, *identity = NULL, *owner = NULL;
	struct peer *p;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &session)) != 0 || (r = buf_get_cstring(m->body, &identity)) != 0 ||
	    (r = buf_get_cstring(m->body, &owner)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	/* A session that has just gone is nobody's fault; an identity is set once. */
	if ((p = peer_find(ad, session)) == NULL)
		goto out;
	if (p->stamp.identity != NULL || *identity == '\0' || strlen(identity) > NAME_MAX_LEN ||
	    strlen(owner) > NAME_MAX_LEN) {
		r = ERR_DENIED;
		goto out;
	}
	p->stamp.identity = identity;
	identity = NULL;
	if (*owner != '\0') {
		p->stamp.owner = owner;
		owner = NULL;
	}
out:
	free(session);
	free(identity);
	free(owner);
	return r;
}

/* A record of our own. */
static void
auditd_note(struct auditd *ad, const char *event, json_t *members)
{
	struct commit_params c = { .stamp = { .event = event, .daemon = "auditd" }, .sender = RECORD_SESSION,
	    .members = members };
	int r = members == NULL ? ERR_NOMEM : commit_add(ad->commit, &c);

	json_decref(members);
	if (r != 0)
		fatal("record %s: %s", event, err_text(r));
	auditd_wake(ad);
}

static void
auditd_stop(struct auditd *ad)
{
	if (ad->state == AUDITD_STOPPING)
		return;
	if (ad->state != AUDITD_RUNNING)
		exit(0);
	ad->state = AUDITD_STOPPING;
	for (struct peer *p = ad->peers; p != NULL; p = p->next)
		recorder_cut(&p->recs, "the audit process stopped");
	auditd_note(ad, "audit.stop", json_object());
}

static int
on_stop(struct link *l, struct msg *m, void *arg)
{
	(void)l;
	auditd_stop(((struct peer *)arg)->ad);
	return buf_end(m->body);
}

static void
started(struct auditd *ad, bool ok, const char *why, int status)
{
	struct buf *b = buf_new(8192);

	if (b == NULL)
		fatal("out of memory");
	(void)buf_put_u64(b, ad->found);
	(void)buf_put_u8(b, ok);
	(void)buf_put_cstring(b, why);
	peer_tell(ad->self, AUDIT_STARTED, ad->start_id, b);
	if (ok)
		return;
	log_error("%s", why);
	exit(status);
}

static int
on_signed(struct link *l, struct msg *m, void *arg)
{
	struct auditd *ad = arg;
	const uint8_t *sigs;
	uint8_t ok;
	size_t n;
	int r;

	link_forbid(l, KEYD_SIGNED);
	if ((r = buf_get_u8(m->body, &ok)) != 0 || (r = buf_peek_string(m->body, &sigs, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		return r;
	if (!ok) {
		log_error("the key process says: %.*s", (int)(n < 512 ? n : 512), (const char *)sigs);
		auditd_fail(ad, "the key process does not sign the audit log's checkpoint", EXIT_FAILURE);
	}
	if (commit_signed(ad->commit, sigs, n) != 0)
		auditd_fail(ad, "the audit log's checkpoint cannot be written", AUDITD_EXIT_DISK);
	if (ad->state == AUDITD_OPENING && commit_is_idle(ad->commit)) {
		ad->state = AUDITD_RUNNING;
		started(ad, true, "", EXIT_SUCCESS);
	}
	auditd_wake(ad);
	return 0;
}

static void
keyd_gone(struct link *l, int r, void *arg)
{
	(void)l;
	(void)r;
	auditd_fail(arg, "the key process is gone: the audit log cannot be signed", EXIT_FAILURE);
}

static const struct link_row keyd_rows[] = {
	{ KEYD_SIGNED, "signed", 0, on_signed },
	{ 0, NULL, 0, NULL }
};

static void
auditd_tick(evutil_socket_t fd, short what, void *arg)
{
	struct auditd *ad = arg;
	const struct buf *body;
	struct buf *ask;

	(void)fd;
	(void)what;
	if (ad->commit == NULL)
		return;
	recorder_flush(ad->recorder);
	if (commit_start(ad->commit, &body) != 0)
		auditd_fail(ad, "the audit log cannot be written", AUDITD_EXIT_DISK);
	if (body != NULL) {
		if ((ask = buf_new(CHECKPOINT_MAX + 4)) == NULL ||
		    buf_put_string(ask, buf_ptr(body), buf_len(body)) != 0 ||
		    link_send(ad->keyd, KEYD_SIGN, link_next_id(ad->keyd), ask, -1) != 0)
			auditd_fail(ad, "the key process cannot be asked", EXIT_FAILURE);
		link_permit(ad->keyd, KEYD_SIGNED);
		buf_free(ask);
	}
	if (ad->state == AUDITD_STOPPING && commit_is_idle(ad->commit))
		(void)event_base_loopbreak(ad->base);
}

/* While the log is read: which recordings did nobody seal? */
static void
found_record(const char *line, size_t n, void *arg)
{
	struct auditd *ad = arg;
	json_int_t bytes;
	json_t *rec;
	const char *id, *event, *identity;

	if (!record_event_starts(line, n, "recording.") || record_event_starts(line, n, "recording.chunk"))
		return;
	rec = json_loadb(line, n, 0, NULL);
	id = json_string_value(json_object_get(rec, "recording"));
	event = json_string_value(json_object_get(rec, "event"));
	identity = json_string_value(json_object_get(rec, "identity"));
	bytes = json_integer_value(json_object_get(rec, "bytes"));
	if (id != NULL && strcmp(event, "recording.open") == 0)
		(void)json_object_set_new(ad->unsealed, id, json_string(identity == NULL ? "" : identity));
	else if (id != NULL) {
		identity = json_string_value(json_object_get(ad->unsealed, id));
		if (identity != NULL && identity[0] != '\0')
			quota_keep(quota_user(ad->quota, identity), id, bytes > 0 ? (uint64_t)bytes : 0);
		(void)json_object_del(ad->unsealed, id);
	}
	json_decref(rec);
}

static void
auditd_recovered(struct auditd *ad, const struct auditlog_recovery *found)
{
	const char *id;
	json_t *v;

	ad->found = found->records;
	if (found->torn_bytes > 0 || found->records > found->signed_records)
		auditd_note(ad, "log.recovered", json_pack("{s:I, s:I, s:I}", "records", (json_int_t)found->records,
		    "signed_records", (json_int_t)found->signed_records, "torn_bytes", (json_int_t)found->torn_bytes));
	json_object_foreach(ad->unsealed, id, v)
		if (recorder_recover(ad->recorder, id, json_string_value(v)) != 0)
			fatal("recording %s: cannot be recovered", id);
	json_decref(ad->unsealed);
	ad->unsealed = NULL;
	auditd_note(ad, "audit.start", json_pack("{s:I, s:s}", "records", (json_int_t)found->records, "version",
	    PACKAGE_VERSION));
}

static void
auditd_open(struct auditd *ad, const char *state_dir, const char *origin)
{
	char *key = file_join(state_dir, "keys/audit.pub"), *why = NULL;
	struct auditlog_params p = { .key_file = key, .origin = origin, .found = found_record, .arg = ad };
	struct auditlog_recovery found;
	int r;

	ad->unsealed = json_object();
	p.dir = ad->log_dir = file_join(state_dir, "audit");
	ad->rec_dir = file_join(state_dir, "recordings");
	if ((r = auditlog_open(&p, &ad->log, &found, &why)) != 0)
		started(ad, false, why, r == ERR_SYSTEM ? AUDITD_EXIT_DISK : EXIT_FAILURE);
	if (file_mkdirs(ad->rec_dir, 0700) != 0 ||
	    (ad->rec_dirfd = open(ad->rec_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		started(ad, false, "the recordings folder cannot be opened", AUDITD_EXIT_DISK);
	if ((ad->commit = commit_new(ad->log)) == NULL)
		fatal("out of memory");
	ad->recorder = recorder_new(ad->rec_dirfd, ad->commit, ad->quota, &recorder_events);
	ad->state = AUDITD_OPENING;
	auditd_recovered(ad, &found);
	free(why);
	free(key);
}

/* The log and the recordings, and nothing else of the file system. */
static bool
auditd_enter_sandbox(const struct auditd *ad)
{
	const struct sandbox_path paths[] = { { ad->log_dir, SANDBOX_WRITE }, { ad->rec_dir, SANDBOX_WRITE } };

	return sandbox_paths(paths, 2) == 0 && sandbox_enter(SANDBOX_STORE) == 0;
}

static int
on_start(struct link *l, struct msg *m, void *arg)
{
	struct auditd *ad = ((struct peer *)arg)->ad;
	char *state_dir = NULL, *user = NULL, *origin = NULL;
	uint64_t quota;
	struct link_params lp = { .base = ad->base, .name = "keyd", .rows = keyd_rows, .gone = keyd_gone, .arg = ad };
	int r;

	ad->start_id = m->id;
	if ((r = buf_get_cstring(m->body, &state_dir)) != 0 || (r = buf_get_cstring(m->body, &user)) != 0 ||
	    (r = buf_get_cstring(m->body, &origin)) != 0 || (r = buf_get_u64(m->body, &quota)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	if (m->fd == -1 || *state_dir != '/') {
		r = ERR_FORMAT;
		goto out;
	}
	lp.fd = msg_take_fd(m);
	if ((ad->keyd = link_new(&lp)) == NULL || (r = sandbox_drop(*user != '\0' ? user : NULL)) != 0)
		started(ad, false, "the audit process cannot become its user", EXIT_FAILURE);
	ad->quota = quota > 0 ? quota_new(quota) : NULL;
	auditd_open(ad, state_dir, origin);
	if (!auditd_enter_sandbox(ad))
		started(ad, false, "the audit process cannot enter its sandbox", EXIT_FAILURE);
	link_permit(l, AUDIT_SESSION);
	link_permit(l, AUDIT_IDENTITY);
	link_permit(l, AUDIT_RECORD);
	link_permit(l, AUDIT_STOP);
out:
	free(state_dir);
	free(user);
	free(origin);
	return r;
}

static const struct link_row parent_rows[] = {
	{ AUDIT_START, "start", LINK_PERMIT | LINK_ONCE, on_start },
	{ AUDIT_SESSION, "session", 0, on_session },
	{ AUDIT_IDENTITY, "identity", 0, on_identity },
	{ AUDIT_RECORD, "record", 0, on_record },
	{ AUDIT_STOP, "stop", 0, on_stop },
	{ 0, NULL, 0, NULL }
};

/* Without the parent there is nobody to serve: finish in order. */
static void
parent_gone(struct link *l, int r, void *arg)
{
	(void)l;
	if (r != ERR_EOF)
		log_warn("the parent's link ended: %s", err_text(r));
	auditd_stop(((struct peer *)arg)->ad);
}

int
main(void)
{
	struct auditd ad = { .state = AUDITD_NEW, .rec_dirfd = -1 };
	struct link_params lp = { .fd = PARENT_FD, .name = "parent", .rows = parent_rows, .gone = parent_gone };

	log_init("sallyport-auditd", LOG_LEVEL_INFO);
	sandbox_prepare();
	(void)signal(SIGXFSZ, SIG_IGN);		/* a write over a file size limit is an error like a full disk */
	(void)umask(077);
	if ((ad.base = event_base_new()) == NULL ||
	    (ad.tick = event_new(ad.base, -1, EV_PERSIST, auditd_tick, &ad)) == NULL)
		fatal("no event loop");
	ad.self = peer_new(&ad, "", "sallyportd");
	lp.base = ad.base;
	lp.arg = ad.self;
	if ((ad.parent = ad.self->link = link_new(&lp)) == NULL)
		fatal("descriptor %d is not a link: %s", PARENT_FD, strerror(errno));
	if (event_base_dispatch(ad.base) == -1)
		fatal("the event loop failed");
	while (ad.peers != NULL)
		peer_free(ad.peers);
	link_free(ad.keyd);
	recorder_free(ad.recorder);
	quota_free(ad.quota);
	commit_free(ad.commit);
	auditlog_free(ad.log);
	free(ad.log_dir);
	free(ad.rec_dir);
	if (ad.rec_dirfd != -1)
		close(ad.rec_dirfd);
	event_free(ad.tick);
	event_base_free(ad.base);
	return 0;
}
