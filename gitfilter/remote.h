/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote: one conversation with git-upload-pack or git-receive-pack of an upstream (protocol v0, gitprotocol-pack). It
 * goes over an SSH connection that somebody else has opened and authenticated (master.h): then this process holds no
 * credential; or by HTTPS (webtalk.h), where each request bears it. All that the upstream says is bounded, and its words are cleaned before they are shown.
 *
 *	remote_open(&place, "git-receive-pack", &r, why, sizeof(why))	its references, or why there are none
 *	remote_send(r, order, spool, from, to, &talk)			a push, once
 *	remote_close(r)
 */
#ifndef GITFILTER_REMOTE_H
#define GITFILTER_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bastion/base/strvec.h"
#include "gitfilter/push.h"
#include "gitfilter/webtalk.h"

struct buf;
struct remote;

/* Where the upstream's repository is: by SSH, or, when web.url is there, by HTTPS. */
struct remote_place {
	const char	*login, *path;
	char		*socket;	/* of the SSH connection, from the mirror's folder; owned by whoever made the place */
	struct webplace	 web;
	struct strvec	 refs;		/* patterns such as refs/heads/ *, of what is mirrored */
};

/*
 * Start the service and read what it advertises. 0 and *rp (the caller closes); ERR_DENIED (the upstream refuses: no such
 * repository, no right), ERR_NOTFOUND (it cannot be reached), ERR_FORMAT, ERR_TOOBIG, ERR_EXPIRED, each with one line in why.
 */
int	remote_open(const struct remote_place *, const char *service, struct remote **rp, char *why, size_t size);
void	remote_close(struct remote *);		/* NULL is fine */

/* The references but HEAD, sorted by name; they live as long as the conversation. */
const struct push_ref	*remote_refs(const struct remote *, size_t *np);
/* The id of a reference, or forty zeros. */
const char	*remote_oid(const struct remote *, const char *name);
/* The branch that HEAD stands for, or NULL when it does not say. */
const char	*remote_head(const struct remote *);
/* Whether it offers this capability. */
bool		 remote_offers(const struct remote *, const char *capability);
/* When it was opened, monotonic. */
int64_t		 remote_opened_ms(const struct remote *);

/* What comes back from a push. */
struct remote_talk {
	struct buf	*report;	/* report-status, pkt-lines */
	struct buf	*said;		/* what the upstream's hooks say to a human, as it comes; cut at the buffer's ceiling */
};

/*
 * Send the order (commands and capabilities) and the spool's bytes from..to (none when equal), and hear the answer to its
 * end. 0 when there is a whole report, else one line in why and ERR_EOF: whether it had effect is not known; or ERR_DENIED,
 * ERR_NOTFOUND: it had none.
 */
int	remote_send(struct remote *, const struct buf *order, int spool_fd, off_t from, off_t to, struct remote_talk *, char *why,
	    size_t size);

/* The line for GIT_SSH_COMMAND by which git itself uses the same connection; the caller frees. */
char	*remote_ssh_command(const struct remote_place *);
/* One clear line out of what ssh and the upstream's git say when they fail. */
void	remote_explain(const char *words, char *why, size_t size);

#endif
