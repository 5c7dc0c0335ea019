/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog: state_dir/audit as its one writer sees it: recover, append durably, publish checkpoints. Example:
 *
 *	auditlog_open(&params, &log, &why);
 *	auditlog_append(log, lines, n);		durable, but not yet acknowledged
 *	auditlog_body(log, body);		has it signed elsewhere
 *	auditlog_publish(log, body, sigs);	now every record is under a signed checkpoint
 */
#ifndef AUDIT_AUDITLOG_H
#define AUDIT_AUDITLOG_H

#include <stddef.h>
#include <stdint.h>

struct auditlog;
struct buf;

struct auditlog_params {
	const char	*dir;		/* state_dir/audit; made when missing */
	const char	*key_file;	/* keys/audit.pub, needed only when there is a checkpoint already */
	const char	*origin;
	/* Called for every record found, in order. */
	void		(*found)(const char *line, size_t n, void *arg);
	void		*arg;
};

struct auditlog_recovery {
	uint64_t	records;	/* whole lines found */
	uint64_t	signed_records;	/* of these, under the last checkpoint */
	uint64_t	torn_bytes;	/* of an unfinished last line, moved to torn-TIME */
};

/*
 * 0 and *logp, or a code and *whyp, one line for the operator (the caller frees): a log that is shorter than its
 * checkpoint or differs from it is not opened.
 */
int	auditlog_open(const struct auditlog_params *, struct auditlog **logp, struct auditlog_recovery *, char **whyp);
void	auditlog_free(struct auditlog *);	/* NULL is fine */
uint64_t auditlog_size(const struct auditlog *);

/*
 * Append whole lines by one write and one fdatasync, and grow the tree. After any failure the log must not be used
 * again.
 */
int	auditlog_append(struct auditlog *, const void *lines, size_t n);
/* The checkpoint text for what has been appended. */
int	auditlog_body(struct auditlog *, struct buf *out);
/* Write the edge's tiles and the checkpoint: body as signed, and its signature lines. 0, ERR_FORMAT, ERR_SYSTEM. */
int	auditlog_publish(struct auditlog *, const struct buf *body, const void *sigs, size_t nsigs);

#endif
