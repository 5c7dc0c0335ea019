/* SPDX-License-Identifier: Apache-2.0 */
/*
 * penalty: sources whose connections come to nothing are kept out for a while. Each such connection adds seconds; they
 * run down by themselves. When they reach the threshold the source is refused until they have all run down. Whoever shows
 * a good certificate is forgiven. A table of fixed size: a place that is needed is taken from whom it costs least.
 */
#ifndef BASTION_PENALTY_H
#define BASTION_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

struct penalties;
struct source;

enum penalty {
	PENALTY_NOTHING,	/* left, or was no SSH, before it had tried to authenticate */
	PENALTY_REFUSED,	/* tried, and was not let in */
	PENALTY_GRACE,		/* held its place until the login grace was over */
	PENALTY_CRASH,		/* its session process crashed before anybody was let in */
};

struct penalties *penalties_new(void);
void	penalties_free(struct penalties *);
/* start_ms: the threshold, 0 = no penalties at all; max_ms: no more than this adds up. */
void	penalties_add(struct penalties *, const struct source *, enum penalty, int64_t start_ms, int64_t max_ms, int64_t now_ms);
void	penalties_forgive(struct penalties *, const struct source *);
/* Milliseconds until this source is welcome again; 0 = it is. */
int64_t	penalties_left(const struct penalties *, const struct source *, int64_t now_ms);
/* Whether it is worth a record that this source was refused: once a minute, and not for everybody in a crowd. */
bool	penalties_worth_telling(struct penalties *, const struct source *, int64_t now_ms);

#endif
