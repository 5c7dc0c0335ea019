/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/recorder.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/audit/audit_msg.h"
#include "bastion/audit/commit.h"
#include "bastion/audit/quota.h"
#include "bastion/audit/recfile.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

#define CHUNK_ALWAYS	(16 * 1024 * 1024)	/* up to here every MiB has its chunk record */
#define CHUNK_EVERY_MS	500			/* from there they are at least so far apart */
#define REC_NAME	48	/* SESSION.N and its NUL */

enum rec_state { REC_OPENING, REC_LIVE, REC_SEALING };

struct recording {
	int64_t			 chunk_ms;	/* when its last chunk record was made, monotonic; 0 = none yet */
	struct recorder		*recorder;
	struct rec_owner	*owner;		/* NULL once the session is no more */
	struct recording	*next;		/* of the owner */
	struct recording	*next_dirty;
	bool			 dirty;
	enum rec_state		 state;
	uint32_t		 channel;
	char			 name[REC_NAME];
	char			*session, *identity, *whose, *source;
	char			*header;	/* until the file is there */
	size_t			 nheader;
	const char		*cut;		/* why it was cut while opening, or NULL */
	struct recfile		*file;
	struct quota_user	*user;		/* NULL: no quota */
};

struct recorder {
	int				 dirfd;
	struct commit			*commit;
	struct quota			*quota;
	const struct recorder_events	*events;
	struct recording		*dirty;
};

struct recorder *
recorder_new(int dirfd, struct commit *c, struct quota *q, const struct recorder_events *events)
{
	struct recorder *rc = xcalloc(1, sizeof(*rc));

	rc->dirfd = dirfd;
	rc->commit = c;
	rc->quota = q;
	rc->events = events;
	return rc;
}

void
recorder_free(struct recorder *rc)
{
	free(rc);
}

static struct recording *
rec_find(const struct rec_owner *o, uint32_t channel)
{
	struct recording *r;

	for (r = o->first; r != NULL; r = r->next)
		if (r->channel == channel && r->state != REC_SEALING)
			break;
	return r;
}

static void
rec_unlink(struct recording *r)
{
	struct recording **at;

	if (r->owner == NULL)
		return;
	for (at = &r->owner->first; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	r->owner->live--;
	r->owner = NULL;
}

static void
rec_free(struct recording *r)
{
	struct recording **at;

	if (r == NULL)
		return;
	if (r->dirty) {
		for (at = &r->recorder->dirty; *at != r; at = &(*at)->next_dirty)
			;
		*at = r->next_dirty;
	}
	rec_unlink(r);
	recfile_free(r->file);
	free(r->header);
	free(r->session);
	free(r->identity);
	free(r->whose);
	free(r->source);
	free(r);
}

/*
 * A record of ours about a recording; members is taken over. A record that cannot be made is an error of this
 * program.
 */
static void
rec_note(struct recording *r, const char *event, json_t *members, commit_fn done, uint32_t id)
{
	struct commit_params p = {
		.stamp = { .event = event, .session = r->session, .identity = r->identity, .owner = r->whose,
		    .source = r->source },
		.sender = RECORD_SESSION, .members = members, .done = done, .arg = r, .id = id,
	};
	int e = members == NULL ? ERR_NOMEM : commit_add(r->recorder->commit, &p);

	json_decref(members);
	if (e != 0)
		fatal("record %s of %s: %s", event, r->name, err_text(e));
}

static void
rec_chunk(void *arg, uint64_t bytes, const uint8_t digest[SHA256_LEN])
{
	struct recording *r = arg;
	int64_t now = clock_mono_ms();
	char hex[SHA256_HEX];

	/* Syncing the log makes the disk write the recording's dirty pages too: bulk output must not wait for that every MiB. */
	if (bytes > CHUNK_ALWAYS && now - r->chunk_ms < CHUNK_EVERY_MS)
		return;
	r->chunk_ms = now;
	sha256_hex(digest, hex);
	rec_note(r, "recording.chunk", json_pack("{s:s, s:I, s:s}", "recording", r->name, "bytes", (json_int_t)bytes,
	    "sha256", hex), NULL, 0);
}

static void
rec_sealed(void *arg, uint32_t id, uint64_t seq)
{
	struct recording *r = arg;

	if (r->owner != NULL)
		r->recorder->events->closed(r->owner->arg, id, r->channel, seq);
	rec_free(r);
}

/* The last record of a recording. reason NULL = closed as it should be. */
static void
rec_seal(struct recording *r, const char *reason, uint32_t id)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	json_t *members;

	if (recfile_seal(r->file, digest) != 0) {
		log_error("recording %s: %s", r->name, err_text(ERR_SYSTEM));
		reason = "the disk failed";
	}
	sha256_hex(digest, hex);
	members = json_pack("{s:s, s:I, s:I, s:s}", "recording", r->name, "channel", (json_int_t)r->channel, "bytes",
	    (json_int_t)recfile_bytes(r->file), "sha256", hex);
	if (members != NULL && reason != NULL)
		(void)json_object_set_new(members, "reason", json_string(reason));
	r->state = REC_SEALING;
	quota_seal(r->user, r->name, recfile_bytes(r->file));
	rec_note(r, reason == NULL ? "recording.close" : "recording.cut", members, rec_sealed, id);
}

/* Something of this session cannot be written: it must stop; what it has is kept. */
static void
rec_fail(struct recording *r, const char *why)
{
	struct rec_owner *o = r->owner;

	log_error("recording %s: %s", r->name, why);
	rec_seal(r, why, 0);
	if (o != NULL) {
		o->failed = true;
		r->recorder->events->failed(o->arg, why);
	}
}

static int
rec_begin(struct recording *r)
{
	char *name = xasprintf("%s.cast", r->name);
	int e = recfile_create(r->recorder->dirfd, name, rec_chunk, r, &r->file);

	if (e == 0 && ((e = recfile_append(r->file, r->header, r->nheader)) != 0 ||
	    (e = recfile_append(r->file, "\n", 1)) != 0))
		log_error("recordings/%s: %s", name, err_text(e));
	else if (e != 0)
		log_error("recordings/%s: cannot be made: %s", name, err_text(e));
	if (e == 0)
		quota_grow(r->user, r->nheader + 1);
	free(name);
	free(r->header);
	r->header = NULL;
	return e;
}

/* recording.open is durable: now there may be a file. */
static void
rec_opened(void *arg, uint32_t id, uint64_t seq)
{
	struct recording *r = arg;
	const struct recorder_events *events = r->recorder->events;
	int e = rec_begin(r);

	(void)seq;
	if (e != 0 && r->owner != NULL)
		events->opened(r->owner->arg, id, false, "the recording cannot be written");
	if (e != 0 && r->file == NULL) {
		rec_note(r, "recording.fail", json_pack("{s:s, s:s}", "recording", r->name, "reason", err_text(e)),
		    NULL, 0);
		if (r->owner != NULL)
			events->failed(r->owner->arg, "the recording cannot be written");
		rec_free(r);
		return;
	}
	r->state = REC_LIVE;
	if (e != 0)
		rec_fail(r, "the recording cannot be written");
	else if (r->owner == NULL)
		rec_seal(r, r->cut, 0);
	else
		events->opened(r->owner->arg, id, true, r->name);
}

static struct recording *
rec_new(struct recorder *rc, struct rec_owner *o, uint32_t channel)
{
	const struct record_stamp *st = o->stamp;
	struct recording *r = xcalloc(1, sizeof(*r));

	r->recorder = rc;
	r->owner = o;
	r->next = o->first;
	o->first = r;
	o->live++;
	r->channel = channel;
	r->session = xstrdup(st->session);
	r->identity = st->identity == NULL ? NULL : xstrdup(st->identity);
	r->whose = st->owner == NULL ? NULL : xstrdup(st->owner);
	r->source = st->source == NULL ? NULL : xstrdup(st->source);
	r->user = st->identity == NULL ? NULL : quota_user(rc->quota, st->identity);
	return r;
}

int
recorder_open(struct recorder *rc, struct rec_owner *o, uint32_t channel, uint32_t id, const void *header, size_t n)
{
	const char *h = header;
	struct recording *r;

	if (rec_find(o, channel) != NULL || n < 2 || n > AUDIT_RECORD_MAX || h[0] != '{' || h[n - 1] != '}' ||
	    memchr(h, '\n', n) != NULL)
		return ERR_FORMAT;
	if (o->live >= RECORDER_CHANNELS)
		return ERR_TOOBIG;
	if (recfile_room(rc->dirfd, RECFILE_FLOOR) != 0) {
		log_error("recordings: less than %d MiB free: refused to %s", RECFILE_FLOOR >> 20, o->stamp->session);
		rc->events->opened(o->arg, id, false, "no room for a recording: the disk is nearly full");
		return 0;
	}
	if (o->stamp->identity != NULL && quota_is_over(quota_user(rc->quota, o->stamp->identity), rc->dirfd, clock_mono_ms())) {
		log_error("recordings: %s has its recordings_per_identity: refused to %s", o->stamp->identity, o->stamp->session);
		rc->events->opened(o->arg, id, false, "this identity has all the room for recordings that it may have");
		return 0;
	}
	/* The client's channel number is not used for the name: clients use numbers again. */
	r = rec_new(rc, o, channel);
	(void)snprintf(r->name, sizeof(r->name), "%s.%u", r->session, ++o->numbered);
	r->header = xmalloc(n);
	memcpy(r->header, header, n);
	r->nheader = n;
	rec_note(r, "recording.open", json_pack("{s:s, s:I}", "recording", r->name, "channel", (json_int_t)channel),
	    rec_opened, id);
	return 0;
}

int
recorder_data(struct rec_owner *o, uint32_t channel, const void *lines, size_t n)
{
	struct recording *r = rec_find(o, channel);
	int e;

	if (n == 0 || n > AUDIT_DATA_MAX || ((const char *)lines)[n - 1] != '\n')
		return ERR_FORMAT;
	if (r == NULL || r->state != REC_LIVE)
		return o->failed ? 0 : ERR_DENIED;
	if ((e = recfile_append(r->file, lines, n)) != 0) {
		rec_fail(r, e == ERR_TOOBIG ? "the disk is nearly full" : "the recording cannot be written");
		return 0;
	}
	quota_grow(r->user, n);
	if (!r->dirty) {
		r->dirty = true;
		r->next_dirty = r->recorder->dirty;
		r->recorder->dirty = r;
	}
	return 0;
}

int
recorder_close(struct rec_owner *o, uint32_t channel, uint32_t id)
{
	struct recording *r = rec_find(o, channel);

	if (r == NULL || r->state != REC_LIVE)
		return o->failed ? 0 : ERR_DENIED;
	rec_seal(r, NULL, id);
	return 0;
}

void
recorder_cut(struct rec_owner *o, const char *reason)
{
	struct recording *r;

	while ((r = o->first) != NULL) {
		rec_unlink(r);
		if (r->state == REC_LIVE)
			rec_seal(r, reason, 0);
		else if (r->state == REC_OPENING)
			r->cut = reason;
	}
}

void
recorder_flush(struct recorder *rc)
{
	struct recording *r;

	while ((r = rc->dirty) != NULL) {
		rc->dirty = r->next_dirty;
		r->dirty = false;
		if (r->owner != NULL)
			rc->events->written(r->owner->arg, r->channel, recfile_bytes(r->file));
	}
}

int
recorder_recover(struct recorder *rc, const char *recording, const char *identity)
{
	char *name = xasprintf("%s.cast", recording), hex[SHA256_HEX], session[ID_TEXT];
	uint8_t digest[SHA256_LEN] = { 0 };
	struct commit_params p = { .stamp = { .event = "recording.recovered", .session = session },
	    .sender = RECORD_SESSION };
	uint64_t bytes;
	int r = strchr(recording, '/') != NULL ? ERR_FORMAT : recfile_digest(rc->dirfd, name, &bytes, digest);

	if (r == 0 && identity[0] != '\0')
		quota_keep(quota_user(rc->quota, identity), recording, bytes);
	(void)snprintf(session, sizeof(session), "%.*s", (int)strcspn(recording, "."), recording);
	sha256_hex(digest, hex);
	if (r == 0)
		p.members = json_pack("{s:s, s:I, s:s}", "recording", recording, "bytes", (json_int_t)bytes, "sha256",
		    hex);
	else	/* its record was durable, its file not yet */
		p.members = json_pack("{s:s, s:b, s:s}", "recording", recording, "missing", 1, "reason", err_text(r));
	r = p.members == NULL ? ERR_NOMEM : commit_add(rc->commit, &p);
	json_decref(p.members);
	free(name);
	return r;
}
