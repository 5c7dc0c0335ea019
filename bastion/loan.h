/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loan: one secret of the key process at work for one session on one target, over one descriptor that the session got from
 * the parent. A key is an SSH agent with exactly that key, which signs nothing but one login as that login, and never
 * leaves. A password goes out once, as u32 length and bytes. The use is on record before it has effect; with it the loan is
 * over, and without it after a minute.
 */
#ifndef BASTION_LOAN_H
#define BASTION_LOAN_H

#include <stdbool.h>

struct buf;
struct event_base;
struct loan;
struct privkey;

#define LOAN_SECONDS	60

struct loan_params {
	struct event_base *base;
	int		 fd;		/* taken over, also on failure */
	const char	*login;
	const char	*name;		/* of the secret */
	struct privkey	*key;		/* taken over; or */
	struct buf	*cert;		/* with key: the certificate on it, which is offered in its place; taken over */
	struct buf	*password;	/* taken over */
	/* Have this use recorded; loan_recorded() says when it is. False: that cannot be. */
	bool		(*use)(struct loan *, void *arg);
	/* Over: the loan frees itself after this. */
	void		(*gone)(struct loan *, void *arg);
	void		*arg;
};

/* NULL = no memory or descriptors; then all that was to be taken over is gone. May call use() before it returns. */
struct loan	*loan_new(const struct loan_params *);
/* The record that use() asked for is durable, or is not to be had: then nothing is signed or given. May end the loan. */
void		 loan_recorded(struct loan *, bool ok);
/* gone() is not called. NULL is fine. */
void		 loan_free(struct loan *);

#endif
