/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsync is relayed, not read. What it may touch is decided by the paths of its command and all that is below them: without
 * the options that follow links (transfer-command.c knows none of them) it stays in there. Each direction is one stream,
 * counted, hashed and scanned as it comes.
 */
#include <stdlib.h>

#include "bastion/base/buf.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/copy_int.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"
#include "bastion/ssh/transfer.h"

#define ROUNDS		32		/* pieces in one turn and direction */
#define PIECE		(32 * 1024)
#define QUIET_US	20000		/* what the scanner holds back goes when nothing has followed it for so long */

struct stream {
	bool		 agent;		/* from it */
	struct transfer	*content;	/* NULL: over */
	size_t		 unclean;	/* bytes at the front of the source's buffer that have been fed */
	uint64_t	 passed;
	int64_t		 quiet_us;	/* since when nothing new has come, or 0 */
};

struct copy_rsync {
	struct copy	*x;
	struct stream	 streams[2];
};

static void
open_stream(struct copy_rsync *r, struct stream *st, bool agent)
{
	struct copy *x = r->x;
	struct transfer_params p = { .session = x->s, .request = x->p.request, .how = "rsync", .to_target = agent,
	    .path = x->places[0].asked, .resolved = x->places[0].real };

	*st = (struct stream){ .agent = agent, .content = transfer_new(&p) };
}

struct copy_rsync *
copy_rsync_new(struct copy *x)
{
	struct copy_rsync *r = xcalloc(1, sizeof(*r));

	r->x = x;
	open_stream(r, &r->streams[0], true);
	open_stream(r, &r->streams[1], false);
	return r;
}

void
copy_rsync_drop(struct copy_rsync *r, const char *result)
{
	for (int i = 0; i < 2; i++) {
		struct stream *st = &r->streams[i];
		char *shown;

		if (st->content == NULL)
			continue;
		shown = copy_shown(r->x, r->x->places[0].asked);
		tape_notef(r->x->p.tape, "rsync %s %s: %llu bytes of its protocol", st->agent ? "in" : "out", shown,
		    (unsigned long long)st->passed);
		free(shown);
		r->x->bytes += st->passed;
		transfer_end(st->content, result);
		st->content = NULL;
	}
}

void
copy_rsync_free(struct copy_rsync *r)
{
	free(r);
}

/* Decided */

/* The operations that a run with these options may come to, as bits. */
static unsigned
rsync_ops(const struct transfer_command *cmd)
{
	unsigned ops = 1u << FILE_STAT | 1u << FILE_LIST;

	if (!cmd->to_target)
		return ops | 1u << FILE_READ;
	ops |= 1u << FILE_SYNC | 1u << FILE_WRITE | 1u << FILE_MKDIR | 1u << FILE_SETSTAT;
	if (cmd->links)
		ops |= 1u << FILE_LINK;
	if (cmd->deletes)
		ops |= 1u << FILE_REMOVE | 1u << FILE_RMDIR;
	return ops;
}

bool
copy_rsync_may(struct copy *x, const struct copy_place *place)
{
	unsigned ops = rsync_ops(&x->cmd);
	/* What is not there yet may become a file or a folder. */
	bool itself = !(place->exists && place->is_folder), below = !place->exists || place->is_folder || place->glob;

	for (int op = 0; op < FILE_OPS; op++) {
		struct verdict v;
		char *line;

		if ((ops & 1u << op) == 0 || ((!itself || copy_may(x, (enum file_op)op, place->asked, place->real, false, &v)) &&
		    (!below || copy_may_below(x, (enum file_op)op, place->asked, place->real, x->cmd.recursive, &v))))
			continue;
		line = copy_refuse(x, (enum file_op)op, place->asked, place->real, &v);
		if (op == FILE_SYNC)
			copy_break(x, EXIT_DENIED, "%s (rsync that writes can be led away by links, so it needs a rule with the op sync; scp and "
			    "sftp do not)", line);
		else
			copy_break(x, EXIT_DENIED, "%s%s", line, below ? " (rsync needs rules that cover PATH itself and all below it, PATH/**)" : "");
		free(line);
		return false;
	}
	return true;
}

/* Relayed */

static void
pass_clean(struct copy_rsync *r, struct stream *st)
{
	struct buf *from = copy_from(r->x, st->agent), *to = copy_to(r->x, !st->agent);
	uint64_t clean = transfer_clean(st->content) - st->passed;
	size_t n = clean < st->unclean ? (size_t)clean : st->unclean;

	if (n > buf_room(to))
		n = buf_room(to);
	if (n == 0 || buf_put(to, buf_ptr(from), n) != 0)
		return;
	(void)buf_consume(from, n);
	st->unclean -= n;
	st->passed += n;
	r->x->moved = true;
}

/* The peer may wait for just the bytes that look like the beginning of a secret: they go when nothing follows. */
static void
wait_or_settle(struct copy_rsync *r, struct stream *st, int64_t now_us)
{
	bool last = st->agent ? copy_agent_is_silent(r->x) : r->x->ended;

	if (st->unclean == 0) {
		st->quiet_us = 0;
		return;
	}
	if (st->quiet_us == 0)
		st->quiet_us = now_us;
	r->x->s->soon = true;
	if (!last && now_us - st->quiet_us < QUIET_US)
		return;
	if (transfer_settle(st->content) != 0)
		copy_break(r->x, EXIT_DENIED, "%s", transfer_why(st->content));
	else
		pass_clean(r, st);
}

/* True when there is nothing to be done before more comes. */
static bool
step_stream(struct copy_rsync *r, struct stream *st, int64_t now_us)
{
	struct buf *from = copy_from(r->x, st->agent);

	pass_clean(r, st);
	for (int i = 0; i < ROUNDS && buf_len(from) > st->unclean && buf_room(copy_to(r->x, !st->agent)) > 0; i++) {
		size_t n = buf_len(from) - st->unclean;

		if (n > PIECE)
			n = PIECE;
		st->quiet_us = 0;
		if (transfer_feed(st->content, buf_ptr(from) + st->unclean, n) != 0) {
			copy_break(r->x, EXIT_DENIED, "%s", transfer_why(st->content));
			return false;
		}
		st->unclean += n;
		pass_clean(r, st);
	}
	if (buf_len(from) == st->unclean)
		wait_or_settle(r, st, now_us);
	return buf_len(from) == 0;
}

void
copy_rsync_step(struct copy_rsync *r, int64_t now_us)
{
	bool out;

	if (r->streams[0].content == NULL) {
		r->x->target_is_through = true;
		return;
	}
	r->x->agent_is_through = step_stream(r, &r->streams[0], now_us);
	out = r->x->why == NULL && step_stream(r, &r->streams[1], now_us);
	if (r->x->ended && out) {	/* what the agent still sends is for nobody */
		r->x->target_is_through = true;
		copy_rsync_drop(r, "done");
	}
}
