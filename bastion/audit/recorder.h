/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder: the recordings that are being written: a channel of a session each, from the durable record that
 * opens it to the durable record that seals it. A recording outlives its session until it is sealed.
 *
 *	OPENING (recording.open is on its way) -> LIVE -> SEALING (its last record is on its way) -> gone
 */
#ifndef AUDIT_RECORDER_H
#define AUDIT_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/audit/record.h"

#define RECORDER_CHANNELS	64	/* recordings of one session that are not sealed yet */

struct commit;
struct quota;
struct recorder;
struct recording;

/* What a session is told. None of them may free the owner. */
struct recorder_events {
	void	(*opened)(void *arg, uint32_t id, bool ok, const char *text);	/* text: recording id, or why not */
	void	(*written)(void *arg, uint32_t channel, uint64_t bytes);
	void	(*closed)(void *arg, uint32_t id, uint32_t channel, uint64_t seq);
	void	(*failed)(void *arg, const char *why);	/* this session must stop */
};

/* A session; embedded by whoever keeps it. stamp and arg are set by him, the rest starts as zero. */
struct rec_owner {
	const struct record_stamp	*stamp;
	void				*arg;
	struct recording		*first;
	unsigned			 live;		/* not sealed yet */
	unsigned			 numbered;	/* the N of the last SESSION.N */
	bool				 failed;	/* has been told so: what it sent before it heard is dropped */
};

/* dirfd (state_dir/recordings), commit and quota stay the caller's. quota NULL: identities have none. */
struct recorder	*recorder_new(int dirfd, struct commit *, struct quota *, const struct recorder_events *);
void		 recorder_free(struct recorder *);	/* NULL is fine */

/* Anything but 0 is the fault of the sender: his link ends. id is that of his message. */
int	recorder_open(struct recorder *, struct rec_owner *, uint32_t channel, uint32_t id, const void *header,
    size_t n);
int	recorder_data(struct rec_owner *, uint32_t channel, const void *lines, size_t n);
int	recorder_close(struct rec_owner *, uint32_t channel, uint32_t id);
/* The session is no more: seal what it left as recording.cut with this reason; nobody is told. */
void	recorder_cut(struct rec_owner *, const char *reason);
/* Once a turn of the loop: tell how much has been written. */
void	recorder_flush(struct recorder *);
/* At start: seal a recording that an earlier process left open. identity: whose it counts as, or "". */
int	recorder_recover(struct recorder *, const char *recording, const char *identity);

#endif
