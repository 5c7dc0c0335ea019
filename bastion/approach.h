/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approach: all that a session needs to reach a target: for one that is known by a CA, the keys in its host certificates;
 * and then the connected socket, or the end of one that its proxy_command serves.
 */
#ifndef BASTION_APPROACH_H
#define BASTION_APPROACH_H

#include <stdbool.h>

struct conf_target;
struct peer;
struct strvec;

struct approach_end {
	int			 fd;	/* the receiver's; -1: why says why there is none */
	const char		*why;
	const struct strvec	*host_keys;	/* of a target with host_ca: the keys it may show. Otherwise none */
};
/* The peer may have gone meanwhile: look it up. */
typedef void (*approach_fn)(const struct approach_end *, void *arg);

/* fresh: a host certificate that is kept will not do. fn is called once, perhaps before this returns. */
void	approach_start(struct peer *, const struct conf_target *, const char *login, bool fresh, approach_fn, void *arg);

#endif
