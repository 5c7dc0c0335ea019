/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: jobs done by several threads, handed back in the order in which they were put.
 *
 *	pool_put(pool, job, weight)	...	work(job) on some thread	...	done(job) on the caller's thread
 *
 * What waits and runs is bounded by number and by weight, so pool_put may wait; done is called from within pool_put,
 * pool_put_here and pool_end.
 */
#ifndef SECRETSCAN_POOL_H
#define SECRETSCAN_POOL_H

#include <stddef.h>

struct pool;

struct pool_ops {
	/* thread: 0 up to and including the number of threads, never the same at one time. */
	void	(*work)(void *job, unsigned thread, void *arg);
	void	(*done)(void *job, void *arg);
	/* Called every fifth of a second while the caller waits; may be NULL. */
	void	(*tick)(void *arg);
	void	*arg;
};

/* threads: 0 for one on each processor. NULL when no thread can be started. */
struct pool	*pool_new(unsigned threads, const struct pool_ops *);
unsigned	 pool_threads(const struct pool *);
void		 pool_put(struct pool *, void *job, size_t weight);
/* A job that only the caller's thread can do. */
void		 pool_put_here(struct pool *, void *job);
/* Wait for all; also frees. */
void		 pool_end(struct pool *);

#endif
