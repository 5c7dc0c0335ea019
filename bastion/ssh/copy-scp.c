/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scp between its two ends, file by file. A message of the source's that names something waits here until the name is
 * resolved, decided and recorded; only then the sink hears of it. Where it is refused, both ends are told in scp's own way,
 * and the copy goes on with the next file. A small file is taken in whole and scanned before the sink hears of it; of a large
 * one what is clean has passed when a secret is found, and then all ends.
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
#define EARLY_MAX	(128 * 1024)	/* a small file; it waits in the source's buffer */
#define TO_RESERVE	(2 * SCP_LINE_MAX)	/* room for messages is always kept */

enum phase {
	PHASE_RELAY,
	PHASE_RESOLVE,		/* of the name in `held` */
	PHASE_RECORD,		/* until its record is durable */
};

/* A small file's way. */
enum early {
	EARLY_NOT,		/* a large one, or all of it has passed */
	EARLY_GATHER,		/* its source was answered in the sink's place */
	EARLY_OFFER,		/* it is clean: the sink has been told its name, and answers */
};

struct copy_scp {
	struct copy	*x;
	struct scp_wire	*wire;
	enum phase	 phase;
	struct buf	*held;		/* the message that names it, to be passed on */
	enum scp_kind	 kind;		/* FILE or FOLDER */
	uint64_t	 size;
	enum early	 early;
	bool		 denied;	/* GATHER: its content is */
	size_t		 end_len;	/* OFFER: of the source's word on it, after the content in its buffer */
	struct buf	*end;		/* the same, as the sink will have it */
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
	s->end = buf_new(SCP_LINE_MAX);
	if (s->held == NULL || s->end == NULL)
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
	buf_free(s->end);
	free(s->asked);
	free(s->real);
	free(s);
}

/* The file is over, one way or the other. */
static void
end_file(struct copy_scp *s, const char *result)
{
	char *shown;

	if (s->file == NULL)
		return;
	shown = copy_shown(s->x, s->asked);
	tape_notef(s->x->p.tape, "scp %s %s: %llu bytes, %s", s->x->cmd.to_target ? "in" : "out", shown,
	    (unsigned long long)s->passed, *transfer_why(s->file) != '\0' ? "denied" : result);
	free(shown);
	s->x->files++;
	s->x->bytes += s->passed;
	transfer_end(s->file, result);
	s->file = NULL;
	s->unclean = 0;
	s->passed = 0;
	s->early = EARLY_NOT;
	s->denied = false;
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
		copy_break(s->x, EXIT_UNREACHED, "stopped %s: the target sends %s, which was not asked for; name that file, or tell whoever runs the "
		    "target", s->x->p.request, way);
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
	s->size = piece->size;
	s->phase = PHASE_RESOLVE;
	lookup_ask(s->x->lookup, way, now_us);
	free(way);
}

/* To the source: not this one. To the agent in words, which its scp prints. */
static void
tell_refusal(struct copy_scp *s, const char *line)
{
	if (buf_putf(s->x->to_agent, "\001sallyport: %s\n", line) != 0 ||
	    (!s->x->cmd.to_target && buf_putf(s->x->to_up, "\001refused\n") != 0))
		fatal("no room for a refusal");
	scp_refuse(s->wire);
	s->x->moved = true;
}

static void
refuse_name(struct copy_scp *s, enum file_op op, const struct verdict *v)
{
	char *line = copy_refuse(s->x, op, s->asked, s->real, v);

	tell_refusal(s, line);
	s->phase = PHASE_RELAY;
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
	    .to_target = s->x->cmd.to_target, .path = s->asked, .file = true, .hold = EARLY_MAX };
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
	bool small = s->kind == SCP_FILE && s->size > 0 && s->size <= EARLY_MAX;

	if (small ? buf_put_u8(copy_to(s->x, s->x->cmd.to_target), '\0') != 0 :
	    buf_put(copy_to(s->x, !s->x->cmd.to_target), buf_ptr(s->held), buf_len(s->held)) != 0)
		return;	/* when there is room */
	if (small) {
		scp_accept(s->wire);
		s->early = EARLY_GATHER;
	}
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
		copy_break(s->x, EXIT_UNREACHED, "stopped %s: the target's paths cannot be resolved any more, %s; copy again", s->x->p.request,
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
put_message(struct copy_scp *s, const struct scp_piece *piece, const void *p, bool agent, struct buf *to)
{
	char *words;
	int r;

	if (piece->text == NULL || agent)
		r = buf_put(to, p, piece->n);
	else {
		words = session_mask(s->x->s, piece->text, piece->text_len);
		tape_notef(s->x->p.tape, "scp: %s", words);
		r = buf_putf(to, "%c%.*s\n", *(const char *)p, SCP_LINE_MAX - 2, words);
		free(words);
	}
	if (r != 0)
		fatal("no room where there was some");
}

/* A small file is here as a whole: the sink hears of it, or the source that it is refused. */
static void
end_gathering(struct copy_scp *s, const struct scp_piece *piece, const void *p, bool agent)
{
	struct buf *from = copy_from(s->x, agent);

	if (s->denied || transfer_settle(s->file) != 0) {
		tape_notef(s->x->p.tape, "%s", transfer_why(s->file));
		s->x->refusals++;
		tell_refusal(s, transfer_why(s->file));
		(void)buf_consume(from, s->unclean + piece->n);
		end_file(s, "denied");
		return;
	}
	s->end_len = piece->n;
	buf_clear(s->end);
	put_message(s, piece, p, agent, s->end);
	if (buf_put(copy_to(s->x, !agent), buf_ptr(s->held), buf_len(s->held)) != 0)
		fatal("no room where there was some");
	s->early = EARLY_OFFER;
}

/* The sink's answer to its name: yes, and it gets the content; otherwise that is the answer for the file as a whole. */
static bool
take_offer_answer(struct copy_scp *s, bool agent)
{
	struct buf *answer = copy_from(s->x, agent), *from = copy_from(s->x, !agent), *to = copy_to(s->x, agent);

	if (buf_len(answer) == 0 || buf_room(to) < s->unclean + TO_RESERVE)
		return false;
	if (*buf_ptr(answer) == '\0') {
		(void)buf_consume(answer, 1);
		if (buf_put(to, buf_ptr(from), s->unclean) != 0 || buf_put(to, buf_ptr(s->end), buf_len(s->end)) != 0)
			fatal("no room where there was some");
		s->passed = s->unclean;
	}
	(void)buf_consume(from, s->unclean + s->end_len);
	s->unclean = 0;
	s->early = EARLY_NOT;
	return true;
}

static bool
feed_content(struct copy_scp *s, const void *p, size_t n)
{
	s->unclean += n;
	if (transfer_feed(s->file, p, n) != 0)
		s->denied = true;
	if (s->denied && s->early == EARLY_NOT) {
		deny_content(s);
		return false;
	}
	if (s->early == EARLY_NOT)
		pass_content(s);
	return true;
}

/* Anything but content. */
static void
take_message(struct copy_scp *s, const struct scp_piece *piece, const void *p, bool agent, int64_t now_us)
{
	if (piece->kind == SCP_FILE || piece->kind == SCP_FOLDER)
		begin_name(s, piece, p, now_us);
	else if (piece->kind == SCP_DATA_END) {
		s->incomplete = piece->text != NULL;
		if (s->early == EARLY_GATHER) {
			end_gathering(s, piece, p, agent);
			return;
		}
		put_message(s, piece, p, agent, copy_to(s->x, !agent));
	} else {
		take_answer(s, piece);
		put_message(s, piece, p, agent, copy_to(s->x, !agent));
	}
	(void)buf_consume(copy_from(s->x, agent), piece->n);
}

/* Nothing more comes for now from the end whose turn it is; what the other one sent before its turn waits for it. */
static bool
wait_for(struct copy_scp *s, bool agent)
{
	s->x->agent_is_through = agent || buf_len(copy_from(s->x, true)) == 0;
	s->x->target_is_through = true;
	return false;
}

/* One piece of the end whose turn it is. False: nothing more can be done now. */
static bool
relay_piece(struct copy_scp *s, int64_t now_us)
{
	bool source = scp_turn(s->wire) == SCP_SOURCE, agent = source == s->x->cmd.to_target, in_file = s->file != NULL && source;
	struct buf *from = copy_from(s->x, agent);
	struct scp_piece piece;
	size_t at, n;
	int r;

	if (buf_room(copy_to(s->x, !agent)) < TO_RESERVE || !tape_has_room(s->x->p.tape))
		return false;
	if (s->early == EARLY_OFFER)
		return take_offer_answer(s, agent) || (buf_len(from) == 0 && wait_for(s, agent));
	if (in_file && s->early == EARLY_NOT && scp_left(s->wire) == 0 && !finish_content(s))
		return false;
	at = in_file ? s->unclean : 0;
	n = buf_len(from) - at;
	r = scp_next(s->wire, buf_ptr(from) + at, in_file && n > DATA_PIECE ? DATA_PIECE : n, &piece);
	if (r == ERR_SHORT)
		return wait_for(s, agent);
	if (r != 0) {
		copy_break(s->x, EXIT_UNREACHED, "stopped %s: what the %s sends is not scp's protocol: %s; use scp of OpenSSH, without -O",
		    s->x->p.request, agent ? "agent" : "target",
		    scp_why(s->wire));
		return false;
	}
	if (piece.kind == SCP_DATA)
		return feed_content(s, buf_ptr(from) + at, piece.n);
	take_message(s, &piece, buf_ptr(from) + at, agent, now_us);
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
	if (s->file != NULL && s->unclean > 0 && s->early == EARLY_NOT)
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
