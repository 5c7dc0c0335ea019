/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push: the server's side of a git push as far as the client sees it (gitprotocol-pack, "Pushing Data To a Server"), and
 * nothing else: bytes in, events and bytes out, no I/O, no policy. The session relays between the client, this object, the
 * inspector and the repository.
 *
 * States: ADVERTISE -> COMMANDS -> (OPTIONS) -> (PACK) -> JUDGED -> DONE. See gitfilter/README.
 */
#ifndef GITFILTER_PUSH_H
#define GITFILTER_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OID_HEX		40
#define REF_NAME_MAX	512

struct buf;
struct push;

struct push_ref {		/* one line of the advertisement */
	char	oid[OID_HEX + 1];
	char	name[REF_NAME_MAX];
};

struct push_command {		/* one reference update that the client asks for */
	char	old_oid[OID_HEX + 1];	/* forty zeros: does not exist */
	char	new_oid[OID_HEX + 1];	/* forty zeros: delete */
	char	name[REF_NAME_MAX];	/* checked: git-check-ref-format, under refs/ */
	char	error[160];		/* "" = ok; else the reason that goes into `ng` */
	char	landed[REF_NAME_MAX];	/* the reference that it was stored under instead, or "" */
};

struct push_limits {
	unsigned	max_commands;
	unsigned	max_options;
	uint64_t	max_pack_bytes;
};

enum push_state { PUSH_COMMANDS, PUSH_OPTIONS, PUSH_PACK, PUSH_JUDGED, PUSH_DONE };

struct push	*push_new(const struct push_limits *);
void		 push_free(struct push *);

/*
 * The advertisement for these references with our own capability line (report-status report-status-v2 delete-refs
 * side-band-64k quiet atomic ofs-delta no-thin push-options object-format=sha1 agent=sallyport/VERSION).
 */
int	push_advertise(struct push *, const struct push_ref *refs, size_t n, struct buf *out);

/*
 * Feed the client's bytes; *usedp says how many were taken. In PUSH_PACK it takes nothing: the owner hands those bytes
 * to the inspector itself (which finds the pack's end and refuses what follows). 0, ERR_FORMAT, ERR_TOOBIG,
 * ERR_DENIED (push certificate, unknown capability ..): push_why() has the line, and push_refuse() tells the client.
 */
int	push_feed(struct push *, const uint8_t *p, size_t n, size_t *usedp);
enum push_state	push_state(const struct push *);
/*
 * After a failure of push_feed, or when the owner ends it before the report: one line that stock git shows as
 * "fatal: remote error: TEXT" (text NULL = push_why()). The state is PUSH_DONE then.
 */
int	push_refuse(struct push *, const char *text, struct buf *out);
const char	*push_why(const struct push *);

/* Valid once PUSH_COMMANDS is over. All deletes = no pack follows. n = 0: the client had nothing to do. */
struct push_command	*push_commands(struct push *, size_t *np);
bool			 push_wants_pack(const struct push *);
bool			 push_is_atomic(const struct push *);
bool			 push_has_band(const struct push *);	/* text can be shown before the report */
const char		*push_option(const struct push *, const char *key);	/* "sallyport.reason"; NULL = not given */
size_t			 push_noptions(const struct push *);
const char		*push_option_at(const struct push *, size_t i);

/* Band-2 text (split in lines, cleaned of control characters); to stderr_out instead when the client has no side-band. */
int	push_progress(struct push *, const char *text, struct buf *out, struct buf *stderr_out);
/* An empty band-2 packet: a sign of life. Nothing without side-band. */
int	push_keepalive(struct push *, struct buf *out);
/*
 * The end: report-status(-v2) for all commands by their error field (unpack_error NULL = "ok"), final flushes. With an
 * atomic push one error makes every other command fail too ("atomic push failed").
 */
int	push_report(struct push *, const char *unpack_error, struct buf *out);
/* Whether the client can be told by report-status-v2 that a reference landed elsewhere. */
bool	push_hears_options(const struct push *);

/*
 * The bytes for a stock git-receive-pack's stdin before the pack: our command lines (only those without error), the
 * capabilities "report-status atomic? quiet object-format=sha1 agent", and a flush.
 */
int	push_order(struct push *, struct buf *out);
/* Read stock git-receive-pack's report-status answer (no side-band) into the commands' error fields. */
int	push_take_report(struct push *, const uint8_t *p, size_t n);

#endif
