/* SPDX-License-Identifier: Apache-2.0 */
/*
 * way: which targets a session may open, as the parent re-checks it: the one that was asked for when it began, if policy lets
 * this identity reach it as that login, and those that the configuration leads through on the way there. Pure.
 */
#ifndef BASTION_WAY_H
#define BASTION_WAY_H

#include <stdbool.h>

struct conf;
struct conf_target;
struct subject;

/* What was asked for when the session began, and by whom. Pointers stay the caller's. */
struct way {
	const struct conf	*conf;
	const struct subject	*who;
	const char		*target, *login;	/* NULL: the bastion itself */
};

/*
 * The target of this name, if the session may open it as this login. NULL and *whyp: one static line; otherwise *whyp is
 * NULL. What is on the way needs no rule of its own, but exactly the login that the configuration says.
 */
const struct conf_target *way_check(const struct way *, const char *target, const char *login, const char **whyp);
/* Of one that way_check let pass: whether it is only on the way, where nothing but connections is opened. */
bool	way_is_hop(const struct way *, const char *target, const char *login);

#endif
