/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reccheck: compare recordings with what the log says of them. Feed it the records in order; a recording is read
 * when its sealing record comes by, those never sealed at the end.
 */
#ifndef AUDIT_RECCHECK_H
#define AUDIT_RECCHECK_H

#include <stdint.h>

struct json_t;
struct reccheck;
struct strvec;

typedef void	(*reccheck_fn)(const char *line, void *arg);

/* dirfd stays the caller's. only: the one recording to look at, or NULL for all (kept by pointer). */
struct reccheck	*reccheck_new(int dirfd, const char *only, reccheck_fn problem, void *arg);
void		 reccheck_free(struct reccheck *);	/* NULL is fine */
void		 reccheck_record(struct reccheck *, const struct json_t *record, uint64_t seq);
/*
 * After the last record. names: the files of the folder, each of which must be some record's; NULL = not to be
 * judged.
 */
void		 reccheck_end(struct reccheck *, const struct strvec *names);
void		 reccheck_counts(const struct reccheck *, uint64_t *sealed, uint64_t *open, uint64_t *bytes);

#endif
