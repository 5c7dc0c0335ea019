/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper of LFS objects: one process for one repository and one upload, download or push, forked by the parent so that
 * it has the compiled rules. It alone touches the files; it sees the repository's lfs folder and the folder in which the
 * objects of this identity for this repository are held, and nothing else.
 *
 *	upload		its owner is a session: objects come, are hashed, scanned and held
 *	download	its owner is a session: stored objects are handed out
 *	push		its owner is the inspector of a push with pointers in it, which asks what they name; the parent, once the push
 *			may be stored, has what was asked about moved into the repository
 *
 * OBJECT in what follows: 32 bytes and u64 size.
 */
#ifndef GITFILTER_LFSKEEP_MSG_H
#define GITFILTER_LFSKEEP_MSG_H

enum lfskeep_msg {
	/* owner -> keeper: u32 n (at most LFS_ASKED_MAX), n * OBJECT */
	LFSKEEP_ASK = 450,
	/* u32 n, n * u8 enum lfs_state, in the same order */
	LFSKEEP_STATES = 451,
	/* session -> keeper, for an upload: OBJECT */
	LFSKEEP_PUT = 452,
	/* s bytes; the session keeps at most LFSKEEP_WINDOW unacknowledged */
	LFSKEEP_DATA = 454,
	/* u64 bytes of this object taken so far */
	LFSKEEP_TAKEN = 455,
	/* session -> keeper: the client says that this is all */
	LFSKEEP_END = 456,
	/* keeper -> session: s rule, s description, u32 line, s masked, s fingerprint, s member, s decoded, u8 1 = a notice; at
	 * most FINDINGS_SENT_MAX for an object */
	LFSKEEP_FINDING = 457,
	/* keeper -> session, once for each put: s why it cannot be held, or "", u32 findings, notices among them. In the first case all is over. */
	LFSKEEP_SCANNED = 459,
	/* session -> keeper: u8 1 = hold it, 0 = it is refused */
	LFSKEEP_KEEP = 460,
	/* s why it could not be held, or "" */
	LFSKEEP_KEPT = 461,
	/* owner -> keeper: OBJECT. Of a download: one that is stored, its size does not count; of a push: one that is held */
	LFSKEEP_GET = 462,
	/* u8 1 = it is there, u64 its size; descriptor, to read only */
	LFSKEEP_OBJECT = 463,
	/* parent -> keeper: what the inspector asked about and was told to be held belongs into the repository */
	LFSKEEP_PROMOTE = 464,
	/* u8 ok, u32 objects moved */
	LFSKEEP_PROMOTED = 465,
};

#define LFSKEEP_WINDOW	(1024 * 1024)

#endif
