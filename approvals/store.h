/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: requests that survive. The only user of SQLite; approvals/FORMAT is the page. A call that returns 0 has made
 * its change durable; any other result has changed nothing. One process at a time holds a store.
 */
#ifndef APPROVALS_STORE_H
#define APPROVALS_STORE_H

#include <stdint.h>

#include "approvals/memory.h"
#include "approvals/request.h"

struct store;

/* Open or create. 0, or ERR_FORMAT (another version, or not ours) or ERR_SYSTEM and *errorp, which the caller frees. */
int		 store_open(const char *path, struct store **, char **errorp);
void		 store_close(struct store *);
/* Words for the last failure. */
const char	*store_error(const struct store *);

int	store_insert(struct store *, const struct request *);
/* The request as it is after its last vote. */
int	store_vote(struct store *, const struct request *);
/* State and reason alone. */
int	store_state(struct store *, const struct request *);
/* 0 exactly once for an approval that is in time; ERR_DENIED ever after. */
int	store_use(struct store *, const char *id, const char *session, int64_t now_ms);

/* Take such a use back, by this session and while the approval is in time. 0, ERR_DENIED. */
int	store_return(struct store *, const char *id, const char *session, int64_t now_ms);

/* Whole, with votes. 0, ERR_NOTFOUND, ERR_SYSTEM. The caller frees. */
int	store_find(struct store *, const char *id, struct request **);
/* The latest denial of this very question, decided after since_ms. As store_find. */
int	store_find_denied(struct store *, const char *identity, const uint8_t *digest, const uint8_t *policy,
	    int64_t since_ms, struct request **);
/* Every pending request and unused approval, handed over to take(). */
int	store_each_open(struct store *, void (*take)(struct request *, void *arg), void *arg);
/* Remember these findings, in place of what was remembered of the same ones. */
int	store_remember(struct store *, const struct memory *, size_t n);
/* Each that is remembered at that time, the oldest first; borrowed for the call. Those that are over are dropped. */
int	store_each_memory(struct store *, int64_t now_ms, void (*take)(const struct memory *, void *arg), void *arg);
/* Forget a fingerprint everywhere; *np: how many there were. */
int	store_forget(struct store *, const char *fingerprint, unsigned *np);
/* Drop what is finished and was asked before then. */
int	store_prune(struct store *, int64_t before_ms);

#endif
