/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "secretscan/alloc.h"

#define SLOTS		128		/* jobs put and not handed back */
#define WEIGHT		(4u << 20)	/* bytes that may wait, for each thread */
#define THREADS_MAX	64
#define TICK_NS		200000000

enum slot_state {
	SLOT_WAITING,
	SLOT_RUNNING,
	SLOT_DONE,
};

struct slot {
	void		*job;
	size_t		 weight;
	enum slot_state	 state;
};

struct worker {
	struct pool	*pool;
	pthread_t	 thread;
	unsigned	 number;
};

struct pool {
	struct pool_ops	 ops;
	pthread_mutex_t	 lock;
	pthread_cond_t	 work;		/* something waits, or the end */
	pthread_cond_t	 done;		/* a job was finished */
	struct slot	 slots[SLOTS];
	size_t		 head;		/* the oldest that was not handed back; these only grow */
	size_t		 next;		/* the next to be worked on */
	size_t		 tail;		/* the next free one */
	size_t		 weight;
	bool		 ending;
	struct worker	*workers;
	unsigned	 nworkers;
};

static void *
worker_main(void *arg)
{
	const struct worker *w = arg;
	struct pool *p = w->pool;
	struct slot *s;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->next < p->tail && p->slots[p->next % SLOTS].state != SLOT_WAITING)
			p->next++;
		if (p->next == p->tail) {
			if (p->ending)
				break;
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		s = &p->slots[p->next++ % SLOTS];
		s->state = SLOT_RUNNING;
		pthread_mutex_unlock(&p->lock);
		p->ops.work(s->job, w->number, p->ops.arg);
		pthread_mutex_lock(&p->lock);
		s->state = SLOT_DONE;
		pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *
pool_new(unsigned threads, const struct pool_ops *ops)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct pool *p = xcalloc(1, sizeof(*p));

	p->ops = *ops;
	if (threads == 0)
		threads = processors > 0 ? (unsigned)processors : 1;
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	p->workers = xcalloc(threads, sizeof(*p->workers));
	for (unsigned i = 0; i < threads; i++) {
		p->workers[i] = (struct worker){ .pool = p, .number = i };
		if (pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]) != 0)
			break;
		p->nworkers++;
	}
	if (p->nworkers > 0)
		return p;
	pool_end(p);
	return NULL;
}

unsigned
pool_threads(const struct pool *p)
{
	return p->nworkers;
}

/* Hand back what is finished, in order. Locked before and after. */
static void
deliver(struct pool *p)
{
	struct slot s;

	while (p->head < p->tail && p->slots[p->head % SLOTS].state == SLOT_DONE) {
		s = p->slots[p->head++ % SLOTS];
		p->weight -= s.weight;
		pthread_mutex_unlock(&p->lock);
		p->ops.done(s.job, p->ops.arg);
		pthread_mutex_lock(&p->lock);
	}
}

static void
wait_done(struct pool *p)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&p->done, &p->lock, &until);
	if (p->ops.tick == NULL)
		return;
	pthread_mutex_unlock(&p->lock);
	p->ops.tick(p->ops.arg);
	pthread_mutex_lock(&p->lock);
}

static struct slot *
take_slot(struct pool *p, void *job, size_t weight, enum slot_state state)
{
	struct slot *s;

	deliver(p);
	while (p->tail - p->head == SLOTS || (p->tail > p->head && p->weight + weight > (size_t)WEIGHT * p->nworkers)) {
		wait_done(p);
		deliver(p);
	}
	s = &p->slots[p->tail++ % SLOTS];
	*s = (struct slot){ job, weight, state };
	p->weight += weight;
	return s;
}

void
pool_put(struct pool *p, void *job, size_t weight)
{
	pthread_mutex_lock(&p->lock);
	take_slot(p, job, weight, SLOT_WAITING);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

void
pool_put_here(struct pool *p, void *job)
{
	struct slot *s;

	pthread_mutex_lock(&p->lock);
	s = take_slot(p, job, 0, SLOT_RUNNING);
	pthread_mutex_unlock(&p->lock);
	p->ops.work(job, p->nworkers, p->ops.arg);
	pthread_mutex_lock(&p->lock);
	s->state = SLOT_DONE;
	deliver(p);
	pthread_mutex_unlock(&p->lock);
}

void
pool_end(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	deliver(p);
	while (p->head < p->tail) {
		wait_done(p);
		deliver(p);
	}
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->nworkers; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p->workers);
	free(p);
}
