/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The git leg (sallyport-gitleg): one process for one repository and one push or fetch. It alone runs git's own programs.
 *
 *	sallyport-gitleg receive  UPSTREAM_DIR REPO.git	descriptor 3 = link to the session, 4 = link to the parent
 *	sallyport-gitleg upload   UPSTREAM_DIR REPO.git	descriptors 0, 1 = the stream to the session, 2 = stderr for the client
 *	sallyport-gitleg upload-reviews ..		the same, with the references of parked pushes
 *	sallyport-gitleg restore  UPSTREAM_DIR REQ REQ2	undo push REQ, wherever it was; REQ2 undoes that; see gitleg-shelf.c
 *	sallyport-gitleg sweep    UPSTREAM_DIR S1 S2	drop what was kept longer than S1 seconds, or parked longer than S2
 *	sallyport-gitleg parked   UPSTREAM_DIR		list what is parked
 *	sallyport-gitleg note     UPSTREAM_DIR REQ	"repository PATH", and the note of a parked push (shelf.h)
 *	sallyport-gitleg release  UPSTREAM_DIR REQ 0|1	move its references; 1 = keep what they were
 *	sallyport-gitleg drop     UPSTREAM_DIR REQ
 *
 *	sallyport-gitleg receive|upload MIRRORS/UPSTREAM REPO ssh LOGIN PATH SOCKET REFS..	the same for a mirror of an
 *	sallyport-gitleg receive|upload MIRRORS/UPSTREAM REPO https URL USER CA PROXY APP_URL REFS..	upstream's repository; by HTTPS the
 *									next descriptor (5, or 3) is the end of a loan of a password
 *	sallyport-gitleg master ..			descriptor 3 = link to the parent, 4 = end of a loan of the key process
 *
 * REPO.git is opened below UPSTREAM_DIR without following a link out of it. `upload` becomes git-upload-pack (protocol v0,
 * no hidden wants). `receive` answers questions about the repository and stores when the parent says so.
 */
#ifndef GITFILTER_GITLEG_MSG_H
#define GITFILTER_GITLEG_MSG_H

/* How a store went: nothing was stored; the report says it for each reference; it is not known. */
enum gitleg_stored { GITLEG_NOT_STORED = 0, GITLEG_ANSWERED = 1, GITLEG_NOT_KNOWN = 2 };

enum gitleg_msg {
	/* leg -> session, first, unasked: u8 ok, s error line, u32 n, n * (s oid, s reference name), HEAD not included */
	GITLEG_REFS = 501,
	/* session -> leg: s old oid, u32 n, n * s oid: is old an ancestor of, or the same as, one of these? */
	GITLEG_ANCESTOR = 502,
	/* same id: u8 yes */
	GITLEG_ANCESTOR_ANSWER = 503,
	/*
	 * parent -> leg, once: u64 spool length, u8 1 = non-fast-forward allowed, u8 1 = deletes allowed, s request id under which
	 * old tips are kept (shelf.h) or "", u64 seconds since 1970, s the socket of the connection to the upstream or "" for a
	 * hosted repository, u8 1 = park it under that id instead, s lines about it and s text for approvers, of a push that is
	 * parked, s the faults (fsck.h) that git's own fsck passes over, each with a space behind it; descriptor: the spool. The leg feeds exactly that many bytes from offset 0 to `git receive-pack`, fsck on, no
	 * hooks; or to the upstream. To park is to store the same pack with its tips below refs/sallyport.
	 */
	GITLEG_STORE = 504,
	/* session -> leg: s oid, u64 offset: a commit's or folder's content from there on, to compare a push with */
	GITLEG_OBJECT = 508,
	/* s oid, u64 its size (0: it is not there, or of another kind), s at most OBJECT_PIECE bytes from the offset */
	GITLEG_OBJECT_ANSWER = 509,
	/*
	 * session -> leg: u8 1 = the last of these messages, s names of objects, 20 bytes each: do this repository's references,
	 * those that clients are shown, lead to all of them?
	 */
	GITLEG_NEEDS = 520,
	/* leg -> session and parent: u8 yes, s the first one that they do not lead to (40 hex; "" = yes), s SHA-256 over all names */
	GITLEG_NEEDS_ANSWER = 521,
	/* leg -> session: s what the upstream's hooks say to whoever pushes */
	GITLEG_SAID = 510,
	/* leg -> parent: it no longer uses the connection to the upstream until GITLEG_STORE names one */
	GITLEG_RELEASED = 513,
	/* parent -> leg, in place of GITLEG_STORE: s why the upstream cannot be reached. It answers with that. */
	GITLEG_CANNOT = 514,
	/* master -> parent, once: s "". The connection is there. */
	MASTER_UP = 511,
	/* master -> parent, once: s why there is none, or none any more */
	MASTER_DOWN = 512,
	/* leg -> session and parent: u8 enum gitleg_stored, s error line, s git-receive-pack's report-status answer (pkt-lines), u32 old tips kept */
	GITLEG_STORED = 507,
};

#endif
