/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/approach.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/clock.h"
#include "bastion/base/log.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/daemon.h"
#include "bastion/hostscan.h"
#include "bastion/ident/hostcert.h"
#include "bastion/proxy.h"

struct approach {
	struct daemon		*daemon;
	struct conf_ref		*conf;		/* keeps the target where it is */
	const struct conf_target *target;
	char			 session[ID_TEXT];
	char			*login;
	struct strvec		 host_keys;
	approach_fn		 fn;
	void			*arg;
};

static void
approach_finish(int fd, const char *why, void *arg)
{
	struct approach *a = arg;
	const struct approach_end end = { .fd = fd, .why = why, .host_keys = &a->host_keys };

	a->fn(&end, a->arg);
	conf_ref_drop(a->conf);
	strvec_release(&a->host_keys);
	free(a->login);
	free(a);
}

static void
approach_connect(struct approach *a, dial_fn fn)
{
	const char *why;
	int fd;

	if (a->target->proxy_command.n > 0) {
		fd = proxy_start(a->daemon, a->session, a->target, a->login, &why);
		fn(fd, why, a);
		return;
	}
	(void)dial_start(a->daemon, a->target->host, a->target->port, a->conf->conf->dial_timeout_ms, fn, a);
}

static void
approach_refuse(struct approach *a, const char *why)
{
	log_warn("%s: target %s: %s", a->session, a->target->name, why);
	(void)daemon_record(a->daemon, "target.hostcert", json_pack("{s:s, s:s, s:s}", "session", a->session, "target",
	    a->target->name, "reason", why), NULL, NULL);
	approach_finish(-1, why, a);
}

/* It showed no certificate: because it has none, or because it cannot be reached at all? */
static void
approach_tried(int fd, const char *why, void *arg)
{
	struct approach *a = arg;

	if (fd == -1)
		approach_finish(fd, why, a);
	else {
		close(fd);
		approach_refuse(a, "it shows no host certificate; nothing was sent");
	}
}

/* Its certificates, fresh or kept, are judged at each use: time goes on, and certificates are revoked. */
static void
approach_scanned(const struct strvec *lines, const char *why, void *arg)
{
	struct approach *a = arg;
	const struct conf_target *t = a->target;
	struct hostcert_check check = { .ca = &t->host_ca, .principal = t->host_principal, .krl = a->daemon->krl,
	    .now = (uint64_t)clock_wall_ms() / 1000 };
	const char *bad;
	char *text;

	if (lines->n == 0) {
		log_info("%s: target %s: %s", a->session, t->name, why);
		approach_connect(a, approach_tried);
	} else if (hostcert_keys(lines, &check, &a->host_keys, &bad) == 0)
		approach_connect(a, approach_finish);
	else {
		text = xasprintf("its host %s; nothing was sent", bad);
		approach_refuse(a, text);
		free(text);
	}
}

void
approach_start(struct peer *p, const struct conf_target *t, const char *login, bool fresh, approach_fn fn, void *arg)
{
	struct approach *a = xcalloc(1, sizeof(*a));

	a->daemon = p->daemon;
	a->conf = conf_ref_take(p->conf);
	a->target = t;
	a->login = xstrdup(login);
	memcpy(a->session, p->id, sizeof(a->session));
	a->fn = fn;
	a->arg = arg;
	if (t->host_ca.n > 0)
		hostscan_start(a->daemon, t, a->conf->conf->dial_timeout_ms, fresh, approach_scanned, a);
	else
		approach_connect(a, approach_finish);
}
