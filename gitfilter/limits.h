/* SPDX-License-Identifier: Apache-2.0 */
/* limits: the ceilings of this folder, each with its reason. Those that an operator may set are in inspect_params. */
#ifndef GITFILTER_LIMITS_H
#define GITFILTER_LIMITS_H

#define PKTLINE_MAX		65520	/* the format's own: four digits of length and 65516 bytes */
#define CLIENT_LINE_MAX		4096	/* a line from a client: two ids, a name of REF_NAME_MAX, capabilities */
#define OPTION_MAX		1024	/* one push option: a ticket and a sentence of reason */
#define SHALLOWS_MAX		1000	/* commits at which a shallow clone is cut: one a branch that was fetched */
#define OPTIONS_HEARD_MAX	64	/* push options: the session takes 16 */
#define COMMANDS_MAX		256	/* more would not fit one message between processes (MSG_MAX) at full name length */
#define FETCH_LINES_MAX		1000000	/* haves of a client with a long history: stock git sends them all, 16 at a time and up */
#define FETCH_REFS_MAX		50000	/* half a kilobyte each in the session; beyond, references must be filtered first */
#define REPORT_MAX		(128 * 1024)	/* the answer of git-receive-pack for COMMANDS_MAX references */

#define ENTRY_HEAD_MAX		40	/* a pack entry's type, size and base: 10 bytes and 20 or 10 */
#define BASE_CACHE_BYTES	(32 * 1024 * 1024)	/* measured: 32 MiB costs nothing against keeping all bases */
#define WORK_FACTOR		8	/* bytes inflated and copied at all, against those resolved: a hostile order of
					 * deltas makes every base a miss */
#define SMALL_ENTRY		(64 * 1024)	/* at most this is inflated whole from memory as it arrives */

#define TREE_ENTRIES_MAX	1000000	/* one folder; the largest known real ones have some tens of thousands */
#define TREE_DEPTH_MAX		128	/* folders in folders; file systems end at PATH_LEN_MAX anyhow */
#define NAME_LEN_MAX		1024	/* one component; file systems end at 255, fsck at nothing */
#define PATHS_FREE		200000	/* in one commit, whatever they are made of */
#define PATHS_AN_OBJECT		100	/* above that; the most in known repositories is about ten */
#define PATH_LEN_MAX		4096	/* PATH_MAX of the hosts that check it out */
#define COMMIT_PARENTS_MAX	256	/* the largest known octopus has 66 */
#define HEADER_TEXT_MAX		(1024 * 1024)	/* a commit's or tag's whole bytes: signatures and mergetags included */
#define OUTSIDE_MAX		1024	/* commits outside the pack: 44 bytes each in one message */
#define NEEDS_MAX		1000000	/* objects that a push refers to and does not bring: 20 bytes each, told and looked for */
#define NEEDS_PIECE		6000	/* of them in one message */
#define CHANGES_MAX		200000	/* distinct paths that one push changes; the largest known trees have 100,000 files */
#define CHANGES_BYTES		(16 * 1024 * 1024)	/* of their names */
#define COMPARE_WORK		(4ULL * 1024 * 1024 * 1024)	/* bytes of folders compared: ten seconds or so */
#define OUTSIDE_BYTES		(32 * 1024 * 1024)	/* folders and commits of the repository, held to compare with */
#define OBJECT_PIECE		(128 * 1024)	/* of such an object in one message */
#define FINDINGS_SENT_MAX	100	/* enough for a reader; the count goes on */
#define FINDINGS_KEPT_MAX	1000	/* kept until their path is known */
#define NOTICES_KEPT_MAX	100	/* of what is no secret, such as encrypted files; the session judges the others unseen */
#define RULES_MET_MAX		2048	/* more than a policy has rules */
#define LFS_POINTER_MAX		1024	/* clients look no further for a pointer */
#define LFS_LINE_MAX		1024	/* a line of a client: an object, a size and what means nothing */
#define LFS_ARGUMENTS_MAX	64	/* of one request; the specification has a handful */
#define LFS_BATCH_MAX		1000	/* objects in one batch; stock clients send 100 */
#define LFS_NAMED_MAX		100000	/* pointers in one push: 44 bytes each */
#define LFS_ASKED_MAX		4000	/* of them in one message */
#define LFS_WHOLE_MAX		((uint64_t)1024 * 1024 * 1024)	/* mapped and scanned whole; a larger one as a stream */
#define LFS_HELD_FILES		10000	/* objects that wait, of one identity for one repository: a folder that is read whole */
#define REASON_MAX		160	/* one line of an `ng` */
#define TICK_MS			250	/* how often a busy inspector looks at its links and tells how far it is */
#define FINISH_MS		10000	/* how long the result may wait for a slow reader */

#endif
