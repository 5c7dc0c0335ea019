/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent has open on the target. The agent knows it by a handle of ours, 8 bytes: its place and its number. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp_int.h"

struct sftp_file *
sftp_file_new(struct sftp *x, struct sftp_place *place, const struct sftp_packet *k, uint32_t flags, bool is_dir)
{
	struct sftp_file *f = xcalloc(1, sizeof(*f));

	while (f->slot < SFTP_FILES_MAX && x->files[f->slot] != NULL)
		f->slot++;
	if (f->slot == SFTP_FILES_MAX || k->handle.n > sizeof(f->handle))
		fatal("SFTP: more files are open than were counted");
	f->x = x;
	f->number = ++x->last_file;
	f->place = *place;
	*place = (struct sftp_place){ .asked = NULL };
	memcpy(f->handle, k->handle.p, k->handle.n);
	f->nhandle = k->handle.n;
	f->is_dir = is_dir;
	f->flags = flags;
	x->files[f->slot] = f;
	x->nfiles++;
	return f;
}

static void
put_u32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (24 - 8 * i));
}

void
sftp_file_handle(const struct sftp_file *f, uint8_t out[8])
{
	put_u32(out, f->slot);
	put_u32(out + 4, f->number);
}

struct sftp_file *
sftp_file_find(struct sftp *x, struct sftp_bytes handle)
{
	uint8_t want[8];

	if (handle.n != sizeof(want))
		return NULL;
	for (size_t i = 0; i < SFTP_FILES_MAX; i++) {
		if (x->files[i] == NULL || x->files[i]->closing)
			continue;
		sftp_file_handle(x->files[i], want);
		if (memcmp(handle.p, want, sizeof(want)) == 0)
			return x->files[i];
	}
	return NULL;
}

struct sftp_bytes
sftp_file_target(const struct sftp_file *f)
{
	return (struct sftp_bytes){ f->handle, f->nhandle };
}

bool
sftp_file_take(struct sftp_file *f, const struct sftp_packet *k)
{
	struct sftp *x = f->x;
	bool writes = (f->flags & (SFTP_FOR_WRITE | SFTP_APPEND)) != 0;

	if (k->type == SFTP_CLOSE) {
		f->closing = true;
		f->close_id = k->id;
		return true;
	}
	if (f->is_dir || (k->type == SFTP_WRITE && !writes)) {
		sftp_reply_status(x, k->id, SFTP_FAILURE, "the handle is of another kind");
		return true;
	}
	if (k->type == SFTP_READ) {
		if (f->writer != NULL)
			sftp_writer_flush(f->writer);
		if (f->reader == NULL)
			f->reader = sftp_reader_new(f);
		return sftp_reader_ask(f->reader, k->id, k->offset, k->len);
	}
	if (f->writer == NULL)
		f->writer = sftp_writer_new(f);
	sftp_writer_write(f->writer, k->id, k->offset, k->data);
	if (f->reader != NULL)
		sftp_reader_forget(f->reader);
	return true;
}

void
sftp_file_flush(struct sftp_file *f)
{
	if (f->writer != NULL)
		sftp_writer_flush(f->writer);
}

bool
sftp_file_is_idle(const struct sftp_file *f)
{
	return f->pending == 0 && (f->reader == NULL || sftp_reader_is_idle(f->reader)) &&
	    (f->writer == NULL || sftp_writer_is_idle(f->writer));
}

bool
sftp_file_is_checked(struct sftp_file *f)
{
	return (f->writer == NULL || sftp_writer_check(f->writer)) && f->pending == 0;
}

static void
file_free(struct sftp_file *f)
{
	free(f->place.asked);
	free(f->place.real);
	free(f);
}

void
sftp_file_drop(struct sftp_file *f, const char *result)
{
	if (f == NULL)
		return;
	sftp_reader_end(f->reader, result);
	sftp_writer_end(f->writer, result);
	file_free(f);
}

/* The target's word on CLOSE; what went wrong before has precedence, for nobody was told yet. */
static int
on_closed(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_file *f = arg;
	const char *text = NULL;
	uint32_t error = f->writer == NULL ? SFTP_OK : sftp_writer_error(f->writer, &text);

	f->pending--;
	if (k->type != SFTP_STATUS)
		return ERR_FORMAT;
	if (error != SFTP_OK)
		sftp_reply_status(x, f->close_id, error, text);
	else
		sftp_relay_status(x, f->close_id, k);
	sftp_reader_end(f->reader, "done");
	sftp_writer_end(f->writer, error == SFTP_OK && k->status == SFTP_OK ? "done" : "failed");
	f->reader = NULL;
	f->writer = NULL;
	x->moved = true;
	return 0;
}

static int
on_measured(struct sftp *x, const struct sftp_packet *k, void *arg)
{
	struct sftp_file *f = arg;

	(void)x;
	f->pending--;
	if (f->writer != NULL && k->type == SFTP_ATTRS && (k->attrs.flags & SFTP_ATTR_SIZE) != 0)
		sftp_writer_measure(f->writer, k->attrs.size);
	return k->type == SFTP_ATTRS || k->type == SFTP_STATUS ? 0 : ERR_FORMAT;
}

bool
sftp_file_step(struct sftp_file *f)
{
	struct sftp_packet k = { .type = SFTP_CLOSE, .handle = sftp_file_target(f) };
	struct sftp_packet size = { .type = SFTP_FSTAT, .handle = sftp_file_target(f) };

	if (f->reader != NULL)
		sftp_reader_step(f->reader);
	if (!f->closing)
		return true;
	if (f->close_sent) {
		if (f->pending > 0)
			return true;
		file_free(f);
		return false;
	}
	if (!sftp_may_fetch(f->x))	/* many may close at once, and what each held goes to the target now */
		return true;
	if (f->made && f->writer == NULL)
		f->writer = sftp_writer_new(f);	/* an empty file has its record too */
	sftp_file_flush(f);
	if (!sftp_file_is_idle(f) || !sftp_may_fetch(f->x) || !sftp_file_is_checked(f))
		return true;
	if (f->writer != NULL) {	/* whether what was written is all of the file, and its hash the file's */
		sftp_ask(f->x, &size, on_measured, f);
		f->pending++;
	}
	sftp_ask(f->x, &k, on_closed, f);
	f->pending++;
	f->close_sent = true;
	return true;
}
