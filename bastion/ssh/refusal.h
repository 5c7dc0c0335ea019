/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: forwards, listens and channels that are denied as they are asked for. Each is on record; an agent that asks without
 * end gets one record with their number for those over a rate, so that it fills neither log nor disk.
 */
#ifndef SSH_REFUSAL_H
#define SSH_REFUSAL_H

#include <stdint.h>

struct session;
struct verdict;

/* Of one session. */
struct refusals {
	int64_t		 since_us;
	unsigned	 told, untold;	/* since then; not told so far */
};

/* what was asked for in words; to where, or NULL. May be called from handlers. */
void	refusal_record(struct session *, const char *what, const char *to, const struct verdict *);
/* Once a turn, and at the end: what was not told one by one. */
void	refusal_sum_up(struct session *, int64_t now_us);

#endif
