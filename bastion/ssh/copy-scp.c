/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scp between its two ends, file by file. A message of the source's that names something waits here until the name is
 * resolved, decided and recorded; only then the sink hears of it. Where it is refused, both ends are told in scp's own way,
 * and the copy goes on with the next file.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/calls.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/copy_int.h"
#include "bastion/ssh/lookup.h"
#include "bastion/ssh/scp-wire.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"
#include "bastion/ssh/transfer.h"

#define ROUNDS		64		/* pieces in one turn */
#define DATA_PIECE	(32 * 1024)
#define TO_RESERVE	(2 * SCP_LINE_MAX)	/* room for messages is always kept */

enum phase {
	PHASE_RELAY,
	PHASE_RESOLVE,		/* of the name in `held` */
	PHASE_RECORD,		/* until its record is durable */
};

struct copy_scp {
	struct copy	*x;
	struct scp_wire	*wire;
	enum phase	 phase;
	struct buf	*held;		/* the message that names it, to be passed on */
	enum scp_kind	 kind;		/* FILE or FOLDER */
	char		*asked, *real;	/* where it will be, or is */
	bool		 durable;
	struct transfer	*file;		/* accepted, and not over */
	bool		 incomplete;	/* its source says so */
	size_t		 unclean;	/* bytes at the front of the source's buffer that have been fed to it */
	uint64_t	 passed;	/* of it */
};

struct copy_scp *
copy_scp_new(struct copy *x)
{
	struct copy_scp *s = xcalloc(1, sizeof(*s));

	s->x = x;
	s->wire = scp_wire_new(x->cmd.recursive);
	s->held = buf_new(SCP_LINE_MAX);
	if (s->held == NULL)
		fatal("out of memory");
	return s;
}

void
copy_scp_free(struct copy_scp *s)
{
	if (s == NULL)
		return;
	calls_cancel(s->x->s->calls, s);
	scp_wire_free(s->wire);
	buf_free(s->held);
	free(s->asked);
	free(s->real);
	free(s);
}

/* The file is over, one way or the other. */
static void
end_file(struct copy_scp *s, const char *result)
{
	if (s->file == NULL)
		return;
	copy_note(s->x, "scp %s %s: %llu bytes, %s", s->x->cmd.to_target ? "in" : "out", s->asked,
	    (unsigned long long)s->passed, *transfer_why(s->file) != '\0' ? "denied" : result);
	s->x->files++;
	s->x->bytes += s->passed;
	transfer_end(s->file, result);
	s->file = NULL;
	s->unclean = 0;
	s->passed = 0;
}

void
copy_scp_drop(struct copy_scp *s, const char *result)
{
	end_file(s, result);
}

/* Names */

/* A top-level name that the target sends must be one that was asked for; what is below a folder is that folder's. */
static bool
was_asked_for(const struct copy_scp *s)
{
	const struct copy_place *top = &s->x->places[0];

	if (s->x->cmd.to_target || *scp_folder(s->wire) != '\0')
		return true;
	if (top->glob)
		return fnmatch(top->name, scp_name(s->wire), FNM_PERIOD) == 0;
	return strcmp(top->name, scp_name(s->wire)) == 0;
}

static char *
joined(const char *folder, const char *rest)
{
	return *rest == '\0' ? xstrdup(folder) : xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, rest);
}

/* Where the name of the last message is, and the way there as far as it was resolved before. */
static void
place_name(struct copy_scp *s, char **askedp, char **wayp)
{
	const struct copy_place *top = &s->x->places[0];
	char *path = xasprintf("%s%s", scp_folder(s->wire), scp_name(s->wire)), *rest = path;
	bool is_in = s->x->cmd.to_target ? top->exists && top->is_folder : top->glob;

	/* The path of the command is the folder that names are in, or else it is the first of them. */
	if (!is_in)
		rest = strchr(path, '/') == NULL ? path + strlen(path) : strchr(path, '/') + 1;
	*askedp = joined(top->asked, rest);
	*wayp = joined(top->real, rest);
	free(path);
}

static void
begin_name(struct copy_scp *s, const struct scp_piece *piece, const void *p, int64_t now_us)
{
	char *way;

	if (!was_asked_for(s)) {
		way = copy_shown(s->x, scp_name(s->wire));
		copy_break(s->x, EXIT_UNREACHED, "stopped: the target sends %s, which was not asked for", way);
		free(way);
		return;
	}
	free(s->asked);
	free(s->real);
	s->real = NULL;
	place_name(s, &s->asked, &way);
	buf_clear(s->held);
	if (buf_put(s->held, p, piece->n) != 0)
		fatal("a message is longer than it can be");
	s->kind = piece->kind;
	s->phase = PHASE_RESOLVE;
	lookup_ask(s->x->lookup, way, now_us);
	free(way);
}

/* To the source: not this one. To the agent in words, which its scp prints. */
static void
refuse_name(struct copy_scp *s, enum file_op op, const struct verdict *v)
{
	char *line = copy_refuse(s->x, op, s->asked, s->real, v);

	if (buf_putf(s->x->to_agent, "\001sallyport: %s\n", line) != 0 ||
	    (!s->x->cmd.to_target && buf_putf(s->x->to_up, "\001refused\n") != 0))
		fatal("no room for a refusal");
	scp_refuse(s->wire);
	s->phase = PHASE_RELAY;
	s->x->moved = true;
	free(line);
}

static int
on_durable(struct msg *m, void *arg)
{
	struct copy_scp *s = arg;

	(void)m;
	s->durable = true;
	s->x->s->moved = true;
	return 0;
}

static void
decide_name(struct copy_scp *s)
{
	const struct lookup_place *found = lookup_place(s->x->lookup);
	enum file_op op = s->kind == SCP_FOLDER ? (s->x->cmd.to_target ? FILE_MKDIR : FILE_LIST) :
	    s->x->cmd.to_target ? FILE_WRITE : FILE_READ;
	struct transfer_params p = { .session = s->x->s, .request = s->x->p.request, .how = "scp",
	    .to_target = s->x->cmd.to_target, .path = s->asked };
	struct verdict v;

	if (found->real == NULL) {
		v = (struct verdict){ .what = DECISION_DENY, .rule = "unresolved", .because = "where it leads cannot be told" };
		refuse_name(s, op, &v);
		return;
	}
	s->real = xstrdup(found->real);
	if (!copy_may(s->x, op, s->asked, s->real, false, &v)) {
		refuse_name(s, op, &v);
		return;
	}
	s->durable = op == FILE_LIST;	/* looking is not recorded */
	if (!s->durable)
		copy_record(s->x, s->kind == SCP_FILE ? "file.open" : "file.op", op, s->asked, s->real, &v, on_durable, s);
	p.resolved = s->real;
	if (s->kind == SCP_FILE)
		s->file = transfer_new(&p);
	s->phase = PHASE_RECORD;
	s->x->moved = true;
}

static void
pass_name(struct copy_scp *s)
{
	struct buf *to = copy_to(s->x, !s->x->cmd.to_target);

	if (buf_put(to, buf_ptr(s->held), buf_len(s->held)) != 0)
		return;	/* when there is room */
	s->phase = PHASE_RELAY;
	s->x->moved = true;
}

static void
step_name(struct copy_scp *s, int64_t now_us)
{
	enum lookup_state state;

	if (s->phase == PHASE_RECORD) {
		if (s->durable)
			pass_name(s);
		return;
	}
	state = lookup_step(s->x->lookup, now_us);
	if (state == LOOKUP_DEAD)
		copy_break(s->x, EXIT_UNREACHED, "stopped: the target's paths cannot be resolved any more, %s",
		    lookup_why(s->x->lookup));
	else if (state == LOOKUP_READY && transfer_may_begin(s->x->s) && tape_has_room(s->x->p.tape))
		decide_name(s);
}

/* Content */

/* Let go what is clean. */
static void
pass_content(struct copy_scp *s)
{
	struct buf *from = copy_from(s->x, s->x->cmd.to_target), *to = copy_to(s->x, !s->x->cmd.to_target);
	uint64_t clean = transfer_clean(s->file) - s->passed;
	size_t n = clean < s->unclean ? (size_t)clean : s->unclean;

	if (buf_room(to) < TO_RESERVE)
		return;
	if (n > buf_room(to) - TO_RESERVE)
		n = buf_room(to) - TO_RESERVE;
	if (n == 0 || buf_put(to, buf_ptr(from), n) != 0)
		return;
	(void)buf_consume(from, n);
	s->unclean -= n;
	s->passed += n;
	s->x->moved = true;
}

static void
deny_content(struct copy_scp *s)
{
	if (s->passed > 0)
		copy_break(s->x, EXIT_DENIED, "%s; the %llu bytes before it have been copied", transfer_why(s->file),
		    (unsigned long long)s->passed);
	else
		copy_break(s->x, EXIT_DENIED, "%s", transfer_why(s->file));
}

/* Every byte of the file has been fed: what is held back is clean too, or not. False: not all of it is through yet. */
static bool
finish_content(struct copy_scp *s)
{
	if (s->unclean == 0)
		return true;
	if (transfer_settle(s->file) != 0) {
		deny_content(s);
		return false;
	}
	pass_content(s);
	return s->unclean == 0;
}

/* Pieces */

static void
take_answer(struct copy_scp *s, const struct scp_piece *piece)
{
	if (s->file == NULL)
		return;
	if (piece->answers == SCP_DATA_END)
		end_file(s, piece->kind == SCP_YES && !s->incomplete ? "done" : "failed");
	else if (piece->kind != SCP_YES)
		end_file(s, "not taken");
}

/* A short message, as it is; but words of the target's are masked like all that it prints, and recorded. */
static void
pass_message(struct copy_scp *s, const struct scp_piece *piece, bool agent)
{
	struct buf *from = copy_from(s->x, agent), *to = copy_to(s->x, !agent);
	char *words;

	if (piece->text == NULL || agent) {
		if (buf_put(to, buf_ptr(from), piece->n) != 0)
			fatal("no room where there was some");
	} else {
		words = session_mask(s->x->s, piece->text, piece->text_len);
		copy_note(s->x, "scp: %s", words);
		if (buf_putf(to, "%c%.*s\n", *buf_ptr(from), SCP_LINE_MAX - 2, words) != 0)
			fatal("no room where there was some");
		free(words);
	}
	(void)buf_consume(from, piece->n);
}

static bool
feed_content(struct copy_scp *s, const void *p, size_t n)
{
	s->unclean += n;
	if (transfer_feed(s->file, p, n) != 0) {
		deny_content(s);
		return false;
	}
	pass_content(s);
	return true;
}

/* One piece of the end whose turn it is. False: nothing more can be done now. */
static bool
relay_piece(struct copy_scp *s, int64_t now_us)
{
	bool source = scp_turn(s->wire) == SCP_SOURCE, agent = source == s->x->cmd.to_target;
	bool in_file = s->file != NULL && source;
	struct buf *from = copy_from(s->x, agent);
	struct scp_piece piece;
	size_t at, n;
	int r;

	if (buf_room(copy_to(s->x, !agent)) < TO_RESERVE || !tape_has_room(s->x->p.tape))
		return false;
	if (in_file && scp_left(s->wire) == 0 && !finish_content(s))
		return false;
	at = in_file ? s->unclean : 0;
	n = buf_len(from) - at;
	r = scp_next(s->wire, buf_ptr(from) + at, in_file && n > DATA_PIECE ? DATA_PIECE : n, &piece);
	if (r == ERR_SHORT) {
		/* What the other end has sent before its turn waits for it. */
		s->x->agent_is_through = agent || buf_len(copy_from(s->x, true)) == 0;
		s->x->target_is_through = true;
		return false;
	}
	if (r != 0) {
		copy_break(s->x, EXIT_UNREACHED, "stopped: what the %s sends is not scp's protocol: %s", agent ? "agent" : "target",
		    scp_why(s->wire));
		return false;
	}
	if (piece.kind == SCP_DATA)
		return feed_content(s, buf_ptr(from) + at, piece.n);
	if (piece.kind == SCP_FILE || piece.kind == SCP_FOLDER) {
		begin_name(s, &piece, buf_ptr(from), now_us);
		(void)buf_consume(from, piece.n);
		return true;
	}
	if (piece.kind == SCP_DATA_END)
		s->incomplete = piece.text != NULL;
	else if (!source)
		take_answer(s, &piece);
	pass_message(s, &piece, agent);
	return true;
}

void
copy_scp_step(struct copy_scp *s, int64_t now_us)
{
	struct copy *x = s->x;

	if (s->phase != PHASE_RELAY) {
		step_name(s, now_us);
		if (s->phase != PHASE_RELAY)
			return;
	}
	if (s->file != NULL && s->unclean > 0)
		pass_content(s);
	for (int i = 0; x->why == NULL && s->phase == PHASE_RELAY; i++) {
		if (scp_turn(s->wire) == SCP_NOBODY) {	/* what still comes has no meaning */
			buf_clear(copy_from(x, true));
			buf_clear(x->from);
			x->agent_is_through = x->target_is_through = true;
			return;
		}
		if (i == ROUNDS || !relay_piece(s, now_us))
			return;
		x->moved = true;
	}
}
