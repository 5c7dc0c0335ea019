/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/sshconn_int.h"
#include "bastion/ssh/sshread.h"

#define READS	(SSHREAD_FDS * SSHREAD_AHEAD / 4096)	/* of libssh, for all that can have been read ahead */

struct watch {
	int		 fd;
	short		 events;
	sshloop_fd_fn	 fn;
	void		*arg;
};

struct sshloop *
sshloop_new(void)
{
	struct sshloop *l = xcalloc(1, sizeof(*l));

	if ((l->event = ssh_event_new()) == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
sshloop_free(struct sshloop *l)
{
	if (l == NULL)
		return;
	while (l->nwatches > 0)
		sshloop_forget(l, l->watches[0]->fd);
	ssh_event_free(l->event);
	free(l);
}

static int
loop_ready(socket_t fd, int revents, void *arg)
{
	struct watch *w = arg;

	(void)fd;
	w->fn(revents, w->arg);
	return 0;
}

int
sshloop_watch(struct sshloop *l, int fd, short events, sshloop_fd_fn fn, void *arg)
{
	struct watch *w;

	if (events == 0) {	/* poll would still report a hang-up, without end */
		sshloop_forget(l, fd);
		return 0;
	}
	for (size_t i = 0; i < l->nwatches; i++)
		if (l->watches[i]->fd == fd) {
			if (l->watches[i]->events == events)
				return 0;
			sshloop_forget(l, fd);
			break;
		}
	if (l->nwatches == LOOP_FDS)
		return ERR_NOMEM;
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->events = events;
	w->fn = fn;
	w->arg = arg;
	if (ssh_event_add_fd(l->event, fd, events, loop_ready, w) != SSH_OK) {
		free(w);
		return ERR_NOMEM;
	}
	l->watches[l->nwatches++] = w;
	return 0;
}

void
sshloop_forget(struct sshloop *l, int fd)
{
	for (size_t i = 0; i < l->nwatches; i++)
		if (l->watches[i]->fd == fd) {
			(void)ssh_event_remove_fd(l->event, fd);
			free(l->watches[i]);
			l->watches[i] = l->watches[--l->nwatches];
			return;
		}
}

int
sshloop_turn(struct sshloop *l, int ms)
{
	/* An error of one session shows in its own state; the loop itself has no other failure worth ending for. */
	(void)ssh_event_dopoll(l->event, ms);
	for (int i = 0; i < READS && sshread_waits(); i++)
		(void)ssh_event_dopoll(l->event, 0);
	return 0;
}
