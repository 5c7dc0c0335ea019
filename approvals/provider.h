/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider: somebody to whom requests are announced. A provider copies what it keeps; it never decides, never blocks
 * and never fails loudly: a request that nobody heard of is still listed by `pending`.
 */
#ifndef APPROVALS_PROVIDER_H
#define APPROVALS_PROVIDER_H

struct provider;
struct request;

struct provider_ops {
	const char	*name;
	/* A request is pending (again after a restart: the receiver must be able to tell repetitions). */
	void		(*requested)(struct provider *, const struct request *);
	/* It is not pending any more: stop asking, and say so. */
	void		(*decided)(struct provider *, const struct request *);
	void		(*free)(struct provider *);
};

/* The first member of every provider. */
struct provider {
	const struct provider_ops	*ops;
};

#endif
