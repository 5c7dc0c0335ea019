/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: which kinds of request an identity may make at all, before any rule is looked at, and how long and how often it
 * may be here. The `profiles` list of a policy file; the first entry whose who fits counts. Where none fits, a human
 * ("human/..") is shell-audited and everyone else exec-gated.
 *
 *	exec-gated	commands, subsystems and Git, as the rules say; no terminal, no shell, no forwarding
 *	shell-audited	everything, as the rules say
 *	transfer-only	files and Git alone: SFTP, scp, rsync, fetch, push
 */
#ifndef POLICY_PROFILE_H
#define POLICY_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

struct policy;
struct request;
struct subject;
struct tree;
struct tree_error;
struct verdict;

enum profile { PROFILE_EXEC_GATED, PROFILE_SHELL_AUDITED, PROFILE_TRANSFER_ONLY, PROFILES };

/* Of one connection; 0 = no limit. */
struct session_limits {
	int64_t	 max_session_ms;	/* from authentication to the end */
	int64_t	 idle_ms;		/* nothing runs and nothing comes */
	int64_t	 idle_command_ms;	/* something runs, and is silent both ways */
	int64_t	 per_identity;		/* connections of one identity at the same time */
};

struct profile_rule {
	struct strvec		 who;
	enum profile		 use;
	struct session_limits	 limits;	/* -1 = not said here */
};

enum profile	 policy_profile(const struct policy *, const struct subject *);
const char	*profile_word(enum profile);		/* "exec-gated" */
const char	*profile_text(enum profile);		/* what it lets through, a line for people; static */
/* Replace those limits that the subject's entry in the list names. */
void		 policy_limits(const struct policy *, const struct subject *, struct session_limits *);
/* Whether a profile lets requests of this kind and shape reach the rules. If not, *out is the denial. */
bool		 profile_permits(enum profile, const struct request *, struct verdict *out);

/* Read the list. 0 or ERR_FORMAT with the error noted; what was read is there in both cases. */
int	profiles_read(const struct tree *, struct profile_rule **, size_t *np, struct tree_error *);
void	profiles_free(struct profile_rule *, size_t n);

#endif
