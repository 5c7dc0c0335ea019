/* SPDX-License-Identifier: Apache-2.0 */
/* channel-push: what the files of one push share: its state, how it speaks, who it hears, how it is judged. */
#ifndef SSH_CHANNEL_PUSH_H
#define SSH_CHANNEL_PUSH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bastion/base/digest.h"
#include "bastion/base/link.h"
#include "bastion/policy/decide.h"
#include "bastion/ssh/channel-git.h"

struct buf;
struct consent;
struct push;

#define PUSH_REFUSAL_MAX	140		/* in the parenthesis of `! [remote rejected]` */
#define PUSH_FINDINGS_SHOWN	20
#define PUSH_ALIVE_US		5000000
#define PUSH_TEXT_MAX		(60 * 1024)	/* below APPROVAL_TEXT_MAX */

enum push_step { STEP_RECORD_OPEN, STEP_OPEN, STEP_REFS, STEP_COMMANDS, STEP_INSPECT, STEP_ANCESTRY, STEP_JUDGE, STEP_ASK, STEP_RECORD,
	STEP_STORE, STEP_REPORT, STEP_OVER };

/* Lines for a human, bounded; what did not fit is counted. */
struct push_list {
	struct buf	*text;		/* NULL = none yet */
	uint32_t	 n, left_out;
	uint32_t	 ops[PATH_OPS];	/* of files: by what is done to them */
};

struct push_call {
	struct git_door		 door;		/* first */
	enum push_step		 step;
	struct push		*git;
	struct link		*leg, *inspector;
	bool			 leg_gone, inspector_gone;
	bool			 refs_in, has_refs;
	/* inspection */
	uint64_t		 fed, taken;
	bool			 fed_eof, have_result;
	uint8_t			 status;
	char			*reason;
	uint64_t		 objects, pack_bytes;
	uint32_t		 nfindings, nshown, nknown;	/* known: remembered, so they may pass; not shown */
	struct push_extent	 extent;
	enum ref_op		*ops;		/* per command */
	bool			*unsure;	/* per command: the repository must say whether it is a forward */
	char			**outside;	/* commits for ancestry */
	size_t			 noutside;
	size_t			 asking;	/* command whose ancestry is being asked, +1 */
	bool			 ancestry_busy;
	bool			 needs_busy;	/* the repository looks for the objects that the push builds on */
	char			*missing;	/* the first one that it does not show; NULL = none */
	/* decision */
	struct verdict		 verdict;	/* the strictest of all */
	struct verdict		 finding;	/* the strictest about findings */
	uint32_t		 nchanges;	/* paths that a rule names */
	uint32_t		 njudged;	/* commits that a rule names */
	struct verdict		 content;	/* the first denial about them, or about a notice; rule NULL: none */
	struct buf		*text;		/* what a human would be shown */
	bool			 text_bad;	/* not all of it fitted */
	struct push_list	 commits, files;
	char			*two_rules;	/* two rules ask, for different approvers: cannot be one question */
	uint8_t			 digest[DIGEST_LEN];
	uint8_t			 met[DIGEST_LEN];	/* by the inspector, over what policy does not simply allow */
	struct consent		*consent;
	int64_t			 wait_until_us, alive_us, spoke_us;
	bool			 durable, recorded;
	/* storing */
	bool			 asked_store, stored;
	char			*store_error;
	bool			 given_back;	/* an upstream took nothing, so the parent gives the approval back */
	uint32_t		 kept;		/* old tips that can be restored */
};

/* Speaking (channel-push.c). A line to the client, on band 2 or on stderr. */
void	push_say(struct push_call *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A reason for every reference that has none yet. */
void	push_refuse_all(struct push_call *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Hearing (channel-push-hear.c). The links to the git leg and to the inspector; NULL: could not be made. */
struct link	*push_link_leg(struct push_call *, int fd);
struct link	*push_link_inspector(struct push_call *, int fd);
/* Descriptors may leave the loop only outside its handlers. */
void		 push_drop_link(struct push_call *, struct link **);

/* Judging (channel-push-judge.c): rows of the inspector's link, and the whole once its result is in. */
int	push_on_finding(struct link *, struct msg *, void *);
int	push_on_notices(struct link *, struct msg *, void *);
int	push_on_changes(struct link *, struct msg *, void *);
int	push_on_judged(struct link *, struct msg *, void *);
/* Showing (channel-push-show.c): rows of the inspector's link, and all that they brought, into p->text. */
int	push_on_commits(struct link *, struct msg *, void *);
void	push_show_file(struct push_call *, enum path_op, const char *commit, const char *path);
int	push_show_content(struct push_call *);
void	push_list_release(struct push_list *);
/* Claims of the pusher (channel-push-option.c). False: an option was refused, and each reference has its reason. */
bool	push_options_stand(struct push_call *);
/* Into p->text. 0 or ERR_TOOBIG. */
int	push_show_options(struct push_call *);
/* For a record, with what else the channel's client claims; NULL = nothing. */
json_t	*push_claims(const struct push_call *);
/* Sets verdict and digest, says every refusal, and gives each reference its reason. */
void	push_judge(struct push_call *);

#endif
