/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/way.h"

#include <string.h>

#include "bastion/base/match.h"
#include "bastion/conf.h"
#include "bastion/policy/decide.h"

static bool
is_its_end(const struct way *w, const char *target, const char *login)
{
	return strcmp(w->target, target) == 0 && strcmp(w->login, login) == 0;
}

/* The target that the way to t leads through as this login, or NULL. */
static const struct conf_target *
hop_of(const struct conf *c, const struct conf_target *t, const char *target, const char *login)
{
	for (; t != NULL && t->via != NULL; t = conf_target(c, t->via))
		if (strcmp(t->via, target) == 0 && strcmp(t->via_login, login) == 0)
			return conf_target(c, t->via);
	return NULL;
}

const struct conf_target *
way_check(const struct way *w, const char *target, const char *login, const char **whyp)
{
	const struct conf_target *t = w->target == NULL || w->login == NULL ? NULL : conf_target(w->conf, w->target);

	*whyp = NULL;
	if (t == NULL)
		*whyp = "no such target";
	else if (!match_any(&t->logins, w->login))
		*whyp = "this login is not offered on it";
	else if (!policy_reaches(w->conf->policy, w->who, w->target, w->login))
		*whyp = "no rule lets you reach it";
	else if (!is_its_end(w, target, login) && (t = hop_of(w->conf, t, target, login)) == NULL)
		*whyp = "not the target that was asked for when the session began";
	return *whyp == NULL ? t : NULL;
}

bool
way_is_hop(const struct way *w, const char *target, const char *login)
{
	return !is_its_end(w, target, login) && hop_of(w->conf, conf_target(w->conf, w->target), target, login) != NULL;
}
