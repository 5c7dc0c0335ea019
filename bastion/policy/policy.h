/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: the rules of one policy file, read by rule.c and walked by decide.c. FORMAT says what a file looks like.
 * A loaded policy never changes.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "bastion/policy/decide.h"

struct commit_cond;
struct freeze;
struct profile_rule;
struct tree;
struct tree_error;

#define POLICY_MAX_RULES	2000
#define POLICY_MAX_WORDS	512	/* in one list of a rule */
#define FILE_OPS_ALL		((1u << FILE_OPS) - 1)

/* What one entry of an exec rule asks of one simple command. Empty lists ask nothing. */
struct exec_cond {
	struct strvec	 program;	/* globs; of the base name, or of the path when they hold a '/' */
	struct strvec	 args;		/* globs for the words after the program */
	struct strvec	 flags;		/* any of these, without dashes */
	struct strvec	 all_flags;	/* each of these */
	struct strvec	 not_flags;	/* none of these */
	struct strvec	 operands;	/* path patterns: all operands for allow, any for ask and deny */
	struct strvec	 write;		/* path patterns of files that a redirection writes */
	bool		 any;		/* every command and every write */
	bool		 unresolved;	/* what could not be resolved */
};

struct rule {
	char			*id;
	unsigned		 line;
	enum request_kind	 kind;
	enum decision		 what;
	char			*because;
	struct strvec		 who, on, login;	/* login empty = any */
	struct exec_cond	*conds;			/* exec: any of them */
	size_t			 nconds;
	struct strvec		 names;		/* subsystem names, HOST:PORT patterns, repositories, scanner rules */
	struct strvec		 refs;		/* push: references; empty = any */
	struct strvec		 not_refs;	/* push, fetch: but not these */
	struct strvec		 paths;		/* finding, sftp, change: paths; empty = any */
	struct strvec		 not_paths;	/* sftp, change: but not these */
	struct commit_cond	*commit;	/* commit-rule.h; owned */
	int64_t			 larger;	/* change: files of more bytes; -1 = of any */
	unsigned		 types;		/* change: bits 1 << enum filetype; 0 = any */
	struct push_extent	 over;		/* push: more than this of one of them; 0 = of any */
	bool			 guards;	/* change: the paths of preset "protected" as well (change-rule.c) */
	unsigned		 ops;		/* push: bits 1 << enum ref_op; sftp: 1 << enum file_op; change: 1 << enum path_op */
	struct strvec		 match, not_match;	/* examples, checked at load */
	struct approver_rule	 approvers;	/* ask alone */
};

struct policy {
	char			*path;
	struct rule		*rules;
	size_t			 nrules;
	struct profile_rule	*profiles;	/* profile.h */
	size_t			 nprofiles;
	struct freeze		*freezes;	/* freeze.h */
	size_t			 nfreezes;
	struct masking_rule	*maskings;	/* masking.h */
	size_t			 nmaskings;
	const struct approver_rule **asks;	/* of the rules and freezes that ask */
	size_t			 nasks;
};

/* Read, check, and try every example. 0, or ERR_FORMAT with the error noted. The caller frees. */
int	policy_load(const char *file, const void *p, size_t n, struct policy **, struct tree_error *);
void	policy_free(struct policy *);	/* NULL is fine */
/* Where it was read from; moved in, borrowed out. */
void	policy_take_path(struct policy *, char *path);
const char	*policy_path(const struct policy *);

/* What every rule has: id, who, on, login, do, because, approvers, examples. what: "a rule". 0 or ERR_FORMAT. */
int	rule_read_head(const struct tree *, const char *what, struct rule *, struct tree_error *);
/* Patterns of identities and groups (and owners, if so) alone. 0 or ERR_FORMAT. */
int	rule_check_who(const struct strvec *, unsigned line, const char *what, bool owner, struct tree_error *);
void	policy_rule_release(struct rule *);	/* what it holds, not itself */
/* Whether a rule is of the request's kind, and its who, on and login fit. */
bool	rule_applies(const struct rule *, const struct subject *, const struct request *);
/* Whether this one rule meets the request of its kind, with who, on and login left aside. For examples. */
bool	rule_meets(const struct rule *, const struct request *);
/* The same for a rule on what pushes change (change-rule.c). */
bool	change_rule_meets(const struct rule *, const struct request *);
/* Read what is special to its map, once its lists are there. 0 or ERR_FORMAT. */
int	change_rule_read(const struct tree *, struct rule *, struct tree_error *);
/* Whether each example meets the rule, or none does (example.c). 0 or ERR_FORMAT with the error noted. */
int	rule_try_examples(const struct rule *, const struct strvec *examples, bool want, struct tree_error *);
/* The same for a rule on files (file-rule.c). */
bool	file_rule_meets(const struct rule *, const struct request *);

#endif
