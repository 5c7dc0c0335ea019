/* SPDX-License-Identifier: Apache-2.0 */
/* limits: every ceiling of this folder, with its reason. Sizes of what an approval holds are in approvals_msg.h. */
#ifndef APPROVALS_LIMITS_H
#define APPROVALS_LIMITS_H

#define REQUESTS_PER_IDENTITY	20	/* pending at once: an agent cannot bury its approvers */
#define REQUESTS_OPEN_MAX	1024	/* all identities together: 64 MiB of text at the very worst */
#define REQUEST_KEEP_MS		(INT64_C(90) * 24 * 3600 * 1000)	/* finished ones, for show and status */
#define FIELD_MAX		512	/* kind, target, login or repository, rule id, names of people */
#define BECAUSE_MAX		1024	/* the rule's own words */
#define GROUPS_MAX		64	/* of one identity */
#define VOTES_MAX		64	/* on one request */
#define MEMORIES_MAX		2000	/* findings that are remembered at a time: all of them fit into one message */
#define MEMORIES_OF_ONE		100	/* of one request: an inspector names no more */
#define MEMORY_MS		(INT64_C(90) * 24 * 3600 * 1000)	/* unless the approver says how long */
#define MEMORY_LONGEST_MS	(INT64_C(366) * 24 * 3600 * 1000)
#define SHOWN_MAX		(224 * 1024)	/* one rendered request; has to fit into one message */
#define LINE_COLUMNS		100	/* text is broken there, so that no terminal breaks it elsewhere */

#define RULES_MAX		4096	/* in one policy */
#define PATTERNS_MAX		256	/* approvers of one rule */
#define QUORUM_MAX		32
#define HOOKS_MAX		16
#define URL_MAX			2048
#define TTL_MAX_MS		(INT64_C(30) * 24 * 3600 * 1000)

#define ARGS_MAX		256	/* words of one verb */
#define OPS_PER_PEER		32	/* unanswered messages of one session */
#define SUBS_PER_PEER		64	/* requests that one session waits on */

#define HOOK_TEXT_MAX		(8 * 1024)	/* of the text that a webhook carries; the rest is counted */
#define HOOK_DELIVERIES_MAX	256	/* under way to one receiver */
#define HOOK_TRIES_DECIDED	6	/* the word that something is decided is not repeated for ever */
#define HTTP_BODY_MAX		(128 * 1024)
#define HTTP_ANSWER_MAX		(16 * 1024)	/* read and thrown away */
#define HTTP_CONNECT_MS		5000
#define HTTP_TOTAL_MS		10000

#define AUDIT_TEXT_MAX		(4 * 1024)	/* of the text in an audit record; its digest covers the rest */

#endif
