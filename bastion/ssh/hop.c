/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/hop.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/bridge.h"
#include "bastion/ssh/leg.h"
#include "bastion/ssh/session_int.h"

struct hop {
	struct session		*session;
	const struct conf_target *to;
	enum hop_state		 state;
	struct leg		*leg;
	struct sshchan		*ch;
	struct bridge		*bridge;
	int			 fd;		/* the near end, until it is taken */
	char			*why;
};

static void
hop_die(struct hop *h, const char *why)
{
	if (h->state == HOP_DEAD)
		return;
	h->state = HOP_DEAD;
	h->why = xasprintf("on the way to it: %s", why);
	h->session->moved = true;
}

struct hop *
hop_new(struct session *s, const struct conf_target *to, int64_t now_us)
{
	struct hop *h = xcalloc(1, sizeof(*h));

	h->session = s;
	h->to = to;
	h->fd = -1;
	h->leg = leg_new(s, to->via, to->via_login, now_us);
	return h;
}

void
hop_free(struct hop *h)
{
	if (h == NULL)
		return;
	leg_release(h->leg, h->ch);
	bridge_free(h->bridge);
	leg_free(h->leg);
	if (h->fd != -1)
		close(h->fd);
	free(h->why);
	free(h);
}

static void
hop_begin(struct hop *h)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		hop_die(h, "no descriptors");
		return;
	}
	h->fd = sv[1];
	if ((h->bridge = bridge_new(h->session->loop, sv[0], &h->session->moved)) == NULL ||
	    (h->ch = leg_channel(h->leg, bridge_ops(), h->bridge)) == NULL)
		hop_die(h, "no channel");
}

static void
hop_start(struct hop *h)
{
	int r = sshchan_start_forward(h->ch, h->to->host, h->to->port);
	char *why;

	if (r == 0) {
		h->state = HOP_OPEN;
		h->session->moved = true;
	} else if (r == ERR_AGAIN)
		h->session->soon = true;
	else {
		why = xasprintf("target %s does not connect to %s port %u for its login %s (down, or AllowTcpForwarding there)",
		    h->to->via, h->to->host, h->to->port, h->to->via_login);
		hop_die(h, why);
		free(why);
	}
}

enum hop_state
hop_step(struct hop *h, int64_t now_us)
{
	enum leg_state st = leg_step(h->leg, now_us);

	if (h->state == HOP_DEAD)
		return h->state;
	if (st == LEG_DEAD)
		hop_die(h, leg_why(h->leg));
	else if (st == LEG_UP && h->ch == NULL)
		hop_begin(h);
	if (h->state == HOP_OPENING && h->ch != NULL)
		hop_start(h);
	if (h->state == HOP_OPEN && !bridge_step(h->bridge, h->ch))
		hop_die(h, "the connection through it has ended");
	return h->state;
}

int
hop_take_fd(struct hop *h)
{
	int fd = h->fd;

	h->fd = -1;
	return fd;
}

const char *
hop_why(const struct hop *h)
{
	return h->why == NULL ? "" : h->why;
}

bool
hop_is_hopeless(const struct hop *h)
{
	return leg_is_hopeless(h->leg);
}
