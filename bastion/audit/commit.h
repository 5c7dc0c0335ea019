/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit: group commit of audit records. Records wait while the batch before them is on its way; then all of them are
 * appended by one write and one sync, put under one signed checkpoint, and acknowledged together. The owner turns the
 * wheel: commit_start() when its loop has a quiet moment, commit_signed() when the key process has answered.
 */
#ifndef AUDIT_COMMIT_H
#define AUDIT_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/audit/record.h"

#define COMMIT_WAIT_MAX	(64 * 1024 * 1024)	/* bytes of records that wait, all senders together */

struct auditlog;
struct buf;
struct commit;
struct json_t;

/* The record is durable and under a signed checkpoint. */
typedef void	(*commit_fn)(void *arg, uint32_t id, uint64_t seq);

/* log stays the caller's. NULL = no memory. */
struct commit	*commit_new(struct auditlog *log);
void		 commit_free(struct commit *);	/* NULL is fine */

struct commit_params {
	struct record_stamp	 stamp;		/* seq and wall_ms are set by commit_add */
	enum record_sender	 sender;
	struct json_t		*members;	/* stays the caller's */
	commit_fn		 done;		/* may be NULL */
	void			*arg;
	uint32_t		 id;		/* handed to done */
};

/* 0, or what record_line says: then nothing has been added. */
int	commit_add(struct commit *, const struct commit_params *);
/* arg is about to be freed: whatever waits for it is committed all the same, but nobody is told. */
void	commit_forget(struct commit *, const void *arg);

bool	commit_is_idle(const struct commit *);	/* nothing waits, nothing is on its way */
bool	commit_is_signing(const struct commit *);
/*
 * Append what waits, when no batch is on its way. 0 and *bodyp = the text to be signed (valid until commit_signed), or
 * NULL when there is nothing to do. Any failure is final: the log cannot be written.
 */
int	commit_start(struct commit *, const struct buf **bodyp);
/* The signature lines for that text: publish, then call every done. Failures as above. */
int	commit_signed(struct commit *, const void *sigs, size_t n);

#endif
