/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls: who waits for which answer. Pairs request numbers with a function and with the one kind of answer, from the one
 * peer, that may come: an answer of another type, or from another peer, is not taken for it. Bounded.
 */
#ifndef BASE_CALLS_H
#define BASE_CALLS_H

#include <stddef.h>
#include <stdint.h>

struct calls;
struct msg;

/* The answer has come; m is NULL when it will not, because the peer has gone. Anything but 0 ends the link. */
typedef int	(*call_fn)(struct msg *m, void *arg);

struct call_params {
	const void	*peer;		/* whom it was sent to; compared, never used */
	uint16_t	 answer;	/* message type that answers it */
	call_fn		 fn;		/* NULL: the answer is of no interest */
	void		*arg;
};

struct calls	*calls_new(size_t max);	/* at most so many unanswered */
void		 calls_free(struct calls *);
/* A number for a new request, or 0 when too many are unanswered. */
uint32_t	 calls_add(struct calls *, const struct call_params *);
/* The request could not be sent after all; fn is not called. */
void		 calls_take_back(struct calls *, uint32_t id);
/* Hand an answer on. ERR_NOTFOUND: nobody waits for this number. ERR_FORMAT: not the answer, or not the peer. */
int		 calls_answer(struct calls *, const void *peer, struct msg *m);
/* The peer has gone: whoever waits for it is told so. */
void		 calls_lost(struct calls *, const void *peer);
/* Nobody with this arg waits any more; their answers are taken and dropped. */
void		 calls_cancel(struct calls *, const void *arg);
size_t		 calls_waiting(const struct calls *);

#endif
