/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota: how much room the recordings of each identity take, and whether that is more than one identity may have.
 *
 * The log is where it is known from: it is read at every start, so no state is kept beside it. Recordings that somebody has
 * taken away no longer count; that is looked at when an identity is over, and only now and then.
 *
 *	quota_new; quota_keep for every sealed recording of the log; then for each new one
 *	quota_is_over -> quota_grow .. -> quota_seal
 */
#ifndef AUDIT_QUOTA_H
#define AUDIT_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota;
struct quota_user;	/* an identity; lives as long as its quota */

/* max in bytes. Dies without memory. */
struct quota		*quota_new(uint64_t max);
void			 quota_free(struct quota *);	/* NULL is fine */
/* The same for the same name; NULL for no quota, which all of the following take: nothing is counted, nobody is over. */
struct quota_user	*quota_user(struct quota *, const char *identity);

/* So many bytes more are in a recording that is being written. */
void	quota_grow(struct quota_user *, uint64_t bytes);
/* A recording "SESSION.N" of so many bytes that all went by quota_grow is there, and grows no more. */
void	quota_seal(struct quota_user *, const char *recording, uint64_t bytes);
/* The same of one that was written before this process began. */
void	quota_keep(struct quota_user *, const char *recording, uint64_t bytes);
/* dirfd: where the files RECORDING.cast are. now in monotonic milliseconds. */
bool	quota_is_over(struct quota_user *, int dirfd, int64_t now_ms);

#endif
