/* SPDX-License-Identifier: Apache-2.0 */
/* calls: who waits for which answer. Pairs request numbers with a function, bounded, each answered at most once. */
#ifndef BASE_CALLS_H
#define BASE_CALLS_H

#include <stddef.h>
#include <stdint.h>

struct calls;
struct msg;

/* The answer has come. Its result is the handler's result: anything but 0 ends the link. */
typedef int	(*call_fn)(struct msg *m, void *arg);

struct calls	*calls_new(size_t max);	/* at most so many unanswered */
void		 calls_free(struct calls *);
/* A number for a new request, or 0 when too many are unanswered. fn may be NULL: the answer is of no interest. */
uint32_t	 calls_add(struct calls *, call_fn fn, void *arg);
/* Hand an answer on. ERR_NOTFOUND for a number nobody waits for. */
int		 calls_answer(struct calls *, struct msg *m);
/* Nobody with this arg waits any more; their answers are taken and dropped. */
void		 calls_cancel(struct calls *, const void *arg);
size_t		 calls_waiting(const struct calls *);

#endif
