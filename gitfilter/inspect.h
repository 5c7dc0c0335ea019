/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: the pack inspector. It runs in a process of its own (forked by the parent, so that the compiled rules are
 * shared), jailed, with exactly three descriptors: the link to the session, the link to the parent, and the spool (an
 * unlinked file that the parent opened). It writes the order (what a stock git-receive-pack will read) and the pack to the
 * spool, reads every object, has every byte scanned, and says what it found to both. What it has written is what is later
 * stored, byte for byte.
 */
#ifndef GITFILTER_INSPECT_H
#define GITFILTER_INSPECT_H

#include <stdint.h>

#include "gitfilter/judged.h"

struct fsck;
struct secretscan;

enum inspect_msg {
	/* session -> inspector: s order (the bytes of push_order: commands, capabilities, flush), u32 n,
	 * n * (s old, s new, s reference name), u8 a pack follows, u8 what is to be told (enum inspect_tell, ored) */
	INSPECT_BEGIN = 400,
	/* session -> inspector, before INSPECT_BEGIN, once for each: s a push option, to be scanned */
	INSPECT_OPTION = 434,
	/* session -> inspector: s bytes as the client sent them. Acknowledged by count, for back-pressure. */
	INSPECT_PACK = 402,
	/* u64 bytes taken so far. The session keeps at most INSPECT_WINDOW unacknowledged. */
	INSPECT_TAKEN = 403,
	/* session -> inspector: the client has closed before the pack's end */
	INSPECT_EOF = 404,
	/* inspector -> session: u8 phase (0 receiving, 1 inspecting), u64 objects so far, u64 of how many */
	INSPECT_PROGRESS = 405,
	/* inspector -> session: s rule, s description, s kind ("blob", "commit", "tag", "path", "reference", "option",
	 * "LFS object": of the pointer at the path),
	 * s commit (40 hex or ""), s path or "", u32 line, s masked, s fingerprint, s member of a container or "", s encodings
	 * or "", s rule and s path of the other half when it is half of a credential, or "" twice,
	 * s what is remembered of it, so that it may pass, or "", s the line that it stands in, masked, or "", u8 1 = no secret but a notice (encrypted-container, opaque-data), which is not counted as a finding */
	INSPECT_FINDING = 407,
	/* inspector -> session, when there are more notices than are sent: u32 how many in all */
	INSPECT_NOTICES = 415,
	/* inspector -> session: s oid (40 hex), u64 offset: a commit or folder of the repository, to compare with. One at a time. */
	INSPECT_WANT = 411,
	/* session -> inspector, once for each of these: s oid, u64 its size, 0 when it cannot be had, s bytes from the offset */
	INSPECT_OBJECT = 412,
	/* inspector -> session, when asked for: u32 n, n * (u8 op (enum change_op), u8 1 = a file, 0 = a link or
	 * submodule, s commit (40 hex), s path, u8 1 = its content is in the push, then u8 enum filetype, u32 size (contents.h)) */
	INSPECT_CHANGES = 413,
	/*
	 * inspector -> session, when asked for, each commit of the push once, parents first: u32 n, n * (s oid, u32 parents,
	 * author, committer, u8 signature, s subject, s trailers, s message, u8 cut); commitfacts.h has it in full
	 */
	INSPECT_COMMITS = 417,
	/* inspector -> session, when there are any: commits that rules name: u32 n, n * (s rule, s oid, s detail), u32 how many
	 * more of them there are */
	INSPECT_JUDGED = 419,
	/* inspector -> parent, before the result: every rule that content of the push has met and that does not allow it:
	 * u32 n, n * (u8 enum fact_word, s rule) */
	INSPECT_VERDICTS = 421,
	/*
	 * inspector -> session, when the push refers to objects that it does not bring: u8 1 = the last of these messages,
	 * s their names, 20 bytes each. The repository is asked whether its references lead to all of them (GITLEG_NEEDS).
	 */
	INSPECT_NEEDS = 431,
	/* inspector -> parent, once: there are LFS pointers in the push; a keeper (lfskeep_msg.h) has to say what they name */
	INSPECT_KEEPER_WANTED = 440,
	/* parent -> inspector: s why there is none, or ""; descriptor: the link to it */
	INSPECT_KEEPER = 441,
	/* inspector -> session: u32 how many objects, s "tree OID: zeroPaddedFilemode: a file mode ..", the first one: told, let pass */
	INSPECT_WARNING = 433,
	/*
	 * inspector -> session and -> parent, last: u8 status (enum inspect_status), s reason, u64 objects, u64 pack bytes,
	 * u32 findings, u32 commits, u32 paths that they change (UINT32_MAX: not counted), u64 bytes of files,
	 * s digest (32 bytes: SHA-256 over order and pack as spooled), u64 spool length,
	 * s digest of what it needs (SHA-256 over the names of all INSPECT_NEEDS; empty: nothing),
	 * s digest of what policy asks about or denies in it (32 bytes, whatever the order in which it was found),
	 * u32 n, n * (s reference name, u8 op (enum inspect_op), s old, s new),
	 * u32 m, m * s oid: commits outside the pack that the new tips descend from (for ancestry)
	 */
	INSPECT_RESULT = 409,
};

#define INSPECT_WINDOW	(1024 * 1024)

/* What INSPECT_BEGIN asks for besides findings, and that the repository has references already. */
enum inspect_tell { INSPECT_TELL_CHANGES = 1, INSPECT_TELL_COMMITS = 2, INSPECT_OLD_REPOSITORY = 4 };

enum inspect_status {
	INSPECT_CLEAN,		/* complete, nothing found */
	INSPECT_FOUND,		/* complete, findings were sent */
	INSPECT_BAD,		/* malformed, over a limit, objects reachable from no reference, scan not finished .. */
};

/* What can be said about an update from the pack alone. */
enum inspect_op {
	INSPECT_CREATE,
	INSPECT_DELETE,
	INSPECT_FORWARD,	/* the old tip is an ancestor, seen inside the pack */
	INSPECT_UNSURE,		/* ask the repository: is old an ancestor of one of the outside commits? */
};

struct inspect_params {
	int			 session_fd, parent_fd, spool_fd;
	const struct secretscan	*scanner;
	const struct fsck	*fsck;		/* which faults of objects count */
	uint64_t		 max_pack_bytes, max_object_bytes, max_resolved_bytes;
	unsigned		 max_objects, max_depth;
	/*
	 * What policy says to findings and, where judges says so (INSPECT_TELL_.. ored), to changed paths and commits, whatever
	 * the session asks to be told. NULL: nothing is judged here.
	 */
	judge_fn		 judge;
	void			*judge_arg;
	unsigned		 judges;
};

/* Runs until the result is out or a link goes; returns the process's exit status. Enters no sandbox: the caller has. */
int	inspect_run(const struct inspect_params *);

#endif
