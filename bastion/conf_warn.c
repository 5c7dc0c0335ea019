/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/conf_warn.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/log.h"
#include "bastion/base/match.h"
#include "bastion/base/strvec.h"
#include "bastion/conf.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/profile.h"

struct warner {
	const struct conf	*conf;
	void			(*say)(const char *line, void *arg);
	void			*arg;
	unsigned		 n;
};

static void __attribute__((format(printf, 2, 3)))
warn(struct warner *w, const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) == -1)
		fatal("out of memory formatting a line");
	va_end(ap);
	w->say(line, w->arg);
	w->n++;
	free(line);
}

/* Whether a pattern of a rule's "on" means any place that there is. */
static bool
pattern_is_met(const struct conf *c, const char *pattern)
{
	for (size_t i = 0; i < c->ntargets; i++)
		if (match_glob(pattern, c->targets[i].name))
			return true;
	for (size_t i = 0; i < c->nupstreams; i++)
		if (match_glob(pattern, c->upstreams[i].name))
			return true;
	return strcmp(pattern, "*") == 0;
}

static void
warn_of_rules(struct warner *w)
{
	const struct policy *p = w->conf->policy;

	for (size_t i = 0; i < p->nrules; i++)
		for (size_t k = 0; k < p->rules[i].on.n; k++)
			if (!pattern_is_met(w->conf, p->rules[i].on.v[k]))
				warn(w, "%s:%u: rule %s is about '%s', and no target or upstream is named so", policy_path(p),
				    p->rules[i].line, p->rules[i].id, p->rules[i].on.v[k]);
}

/* The first profile that names somebody counts: one all of whose patterns stand further up already says nothing. */
static void
warn_of_profiles(struct warner *w)
{
	const struct policy *p = w->conf->policy;

	for (size_t i = 1; i < p->nprofiles; i++) {
		size_t met = 0;

		for (size_t k = 0; k < p->profiles[i].who.n; k++)
			for (size_t j = 0; j < i; j++)
				if (strvec_has(&p->profiles[j].who, p->profiles[i].who.v[k]) || strvec_has(&p->profiles[j].who, "*")) {
					met++;
					break;
				}
		if (met == p->profiles[i].who.n)
			warn(w, "%s: profile %zu (%s for %s) is never used: one before it names the same identities", policy_path(p),
			    i + 1, profile_word(p->profiles[i].use), p->profiles[i].who.v[0]);
	}
}

static void
warn_of_places(struct warner *w)
{
	const struct conf *c = w->conf;

	for (size_t i = 0; i < c->nupstreams; i++)
		if (c->upstreams[i].kind == UPSTREAM_HOSTED && access(c->upstreams[i].path, X_OK) == -1)
			warn(w, "upstream %s: there is no folder %s that can be entered", c->upstreams[i].name, c->upstreams[i].path);
	for (size_t i = 0; i < c->ntargets; i++) {
		const struct conf_target *via = c->targets[i].via == NULL ? NULL : conf_target(c, c->targets[i].via);

		if (via != NULL && via->auth != CONF_AUTH_CERTIFICATE)
			warn(w, "target %s is reached via %s, which a held %s opens: unlike a certificate it cannot be bound to "
			    "connections alone", c->targets[i].name, via->name, via->auth == CONF_AUTH_KEY ? "key" : "password");
	}
}

unsigned
conf_warn(const struct conf *c, void (*say)(const char *line, void *arg), void *arg)
{
	struct warner w = { .conf = c, .say = say, .arg = arg };

	if (c->user != NULL && *c->user != '\0' && getpwnam(c->user) == NULL)
		warn(&w, "user: there is no user %s on this host", c->user);
	warn_of_places(&w);
	if (c->policy != NULL) {
		warn_of_rules(&w);
		warn_of_profiles(&w);
	}
	return w.n;
}
