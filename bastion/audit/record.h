/* SPDX-License-Identifier: Apache-2.0 */
/* record: one line of the audit log, made and taken apart. Members and events: bastion/audit/FORMAT. */
#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_VERSION	1

struct buf;
struct json_t;

/* What the audit process itself knows about a record. NULL and "" leave a member out. */
struct record_stamp {
	uint64_t	 seq;
	int64_t		 wall_ms;
	const char	*event;
	const char	*session, *identity, *owner, *source;
	const char	*daemon;	/* who says so, when it is not a session */
};

enum record_sender {
	RECORD_SESSION,	/* may set none of the members of a stamp */
	RECORD_DAEMON,	/* may say which session, identity, owner and source it speaks of, where the stamp is silent */
};

/*
 * Append the line, LF included. members is an object of further members and stays the caller's (NULL = none).
 * 0, ERR_DENIED (a member that the sender may not set), ERR_FORMAT (a bad event name or member), ERR_TOOBIG, ERR_NOMEM.
 */
int	record_line(const struct record_stamp *, enum record_sender, struct json_t *members, struct buf *out);
/* "exec.start": 1..48 letters, digits, '_' and '.', starting with a letter. */
bool	record_event_is_valid(const char *event);
/* The number after {"v":1,"seq": at the front of a line. 0 or ERR_FORMAT. */
int	record_seq(const char *line, size_t n, uint64_t *seqp);
/* Whether the line's event starts with prefix, without parsing the line. */
bool	record_event_starts(const char *line, size_t n, const char *prefix);

#endif
