/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide: the one decision point. Every exec, shell, subsystem, forward, reference update, fetch and command of the
 * bastion's own goes through decide(); there is no second way. Pure: no I/O, no clock, no memory kept.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/filetype.h"
#include "bastion/base/strvec.h"

struct commit_text;
struct policy;

/*
 * In order of strictness: the strictest matching rule wins; nothing matching is DECISION_DENY by rule "default". To park is for
 * what comes with a push alone: it lands beside the references that it was meant for, and a human releases it.
 */
enum decision { DECISION_ALLOW, DECISION_ASK, DECISION_PARK, DECISION_DENY };

enum request_kind {
	REQUEST_EXEC,		/* command */
	REQUEST_SHELL,		/* interactive, or a shell without a command */
	REQUEST_SUBSYSTEM,	/* detail = its name, "sftp" */
	REQUEST_FORWARD,	/* detail = "HOST:PORT" */
	REQUEST_LISTEN,		/* the target is to listen for the agent; detail = "ADDRESS:PORT" */
	REQUEST_SFTP,		/* target, login, file_op, path, home, tree: one operation on one path of a target */
	REQUEST_FETCH,		/* target = upstream, repo; ref = "" or one wanted reference */
	REQUEST_PUSH,		/* target = upstream, repo, ref, op; one reference update */
	REQUEST_FINDING,	/* a secret found in a push: target, repo, ref, detail = scanner rule, path; or, repo NULL, in a file */
	REQUEST_COMMIT,		/* a commit that a push brings: target, repo, commit, signer, first, veiled */
	REQUEST_CHANGE,		/* a path that a push changes: target, repo, path, change_op; tree: a link or submodule stands there */
	REQUEST_APPROVE,	/* may this identity decide on requests? detail = rule id of the request */
};

enum ref_op { REF_CREATE, REF_UPDATE, REF_DELETE, REF_FORCE };

/* What a commit does to a path. */
enum path_op { PATH_CREATE, PATH_MODIFY, PATH_DELETE };
#define PATH_OPS	3

/* What is done to a file of a target, by SFTP or by a copying program. */
enum file_op { FILE_READ, FILE_WRITE, FILE_LIST, FILE_STAT, FILE_REMOVE, FILE_RENAME, FILE_MKDIR, FILE_RMDIR, FILE_SETSTAT,
	FILE_LINK,
	FILE_SYNC };		/* rsync into it, which links can lead elsewhere: no rule means it unless it says so */
#define FILE_OPS	11

/* Who asks. Borrowed pointers; owner may be NULL. */
struct subject {
	const char		*identity;	/* "agent/ci" */
	const char		*owner;		/* "human/eva", the human who answers for the agent */
	const struct strvec	*groups;
	const char		*session;	/* the id that its certificate was issued for, or NULL */
};

/* How much one push brings. */
struct push_extent {
	uint32_t	commits, files;		/* files: paths changed; UINT32_MAX = not counted */
	uint64_t	bytes;			/* of files, each version once */
};

struct request {
	enum request_kind	 kind;
	const char		*target;	/* target or upstream by name */
	const char		*login;		/* exec, shell, subsystem, forward */
	const uint8_t		*command;	/* exec: the exact bytes */
	size_t			 command_len;
	bool			 pty;		/* a terminal was asked for */
	const char		*detail;
	bool			 notice;	/* finding: no secret but a word about the content, such as that it is encrypted */
	const char		*repo;		/* path below the upstream, without .git */
	const char		*ref;		/* full name, refs/heads/main */
	enum ref_op		 op;
	enum file_op		 file_op;
	enum path_op		 path_op;
	const char		*path;		/* sftp: absolute, without "." and ".."; change: below the repository's root */
	const char		*home;		/* sftp: the login's home folder, where it is known: "~" of the rules */
	bool			 tree;		/* sftp: it is a folder, and what is below it is meant too */
	/* exec: exactly one scp or rsync server (transfer-command.h) without a terminal: each file is decided too */
	bool			 copies;
	/* change: a file stands there whose content the push brings, and this is it */
	bool			 sized;
	enum filetype		 type;
	uint64_t		 size;
	const struct push_extent *extent;	/* push: of all of it; NULL: not known yet */
	const struct commit_text *commit;	/* commit-text.h; NULL: some commit that is not known yet */
	const char		*signer;	/* commit: "SHA256:..", the key of its SSH signature when that is valid, or NULL */
	bool			 first;		/* commit: the repository has no history yet */
	bool			 veiled;	/* commit: nothing of it may be quoted, as there is a secret in it */
	const struct subject	*who;		/* set by decide() */
	int64_t			 now;		/* wall clock, seconds since 1970: freezes need it, and refuse without */
};

struct verdict {
	enum decision	 what;
	const char	*rule;		/* id; "default" when nothing matched. Belongs to the policy, or is static */
	const char	*because;	/* the rule's reason; never NULL */
	/* One line: which part of the request the rule met and what to do next. ASCII, printable, bounded. */
	char		 detail[256];
};

void	decide(const struct policy *, const struct subject *, const struct request *, struct verdict *out);

/*
 * Whether any rule but a denial could let this subject do anything at all on the target, with this login if not NULL. Rules
 * on repositories open no target, however wide their "on" is.
 */
bool	policy_reaches(const struct policy *, const struct subject *, const char *target, const char *login);
/* The same of an upstream and its repositories. */
bool	policy_reaches_upstream(const struct policy *, const struct subject *, const char *upstream);

/* Whether any rule but a denial is about connections forwarded from there: what a certificate for it must permit. */
bool	policy_may_forward(const struct policy *, const struct subject *, const char *target, const char *login);

/*
 * Whether any rule but a denial is about pushes to this very repository for this subject, whatever the references: what
 * must hold before its references are shown.
 */
bool	policy_may_push(const struct policy *, const struct subject *, const char *upstream, const char *repo);

/*
 * Whether any rule is about paths that this subject's pushes to the repository change, or about how many: else they need not be
 * found out.
 */
bool	policy_judges_changes(const struct policy *, const struct subject *, const char *upstream, const char *repo);

/*
 * Whether this subject may fetch the references of parked pushes: a rule that allows it names them, refs/sallyport/review/..; one
 * for any reference does not mean them.
 */
bool	policy_reads_reviews(const struct policy *, const struct subject *, const char *upstream, const char *repo);

/* Whether any rule or freeze could have a human asked about this subject's pushes to the upstream. */
bool	policy_may_ask(const struct policy *, const struct subject *, const char *upstream);
/* Whether any rule is about the commits of this subject's pushes to the repository. */
bool	policy_judges_commits(const struct policy *, const struct subject *, const char *upstream, const char *repo);
/* What the rule of this id says, when it was met elsewhere by the same policy. false: there is no such rule. */
bool	policy_verdict_of(const struct policy *, const char *rule, struct verdict *out);

/* Whether two rules that ask, by id, name the same approvers: one answer can be for both. */
bool	policy_same_approvers(const struct policy *, const char *a, const char *b);

/*
 * Who may approve what rule id asks about: patterns of identities ("human/..", "group:NAME"), and how many distinct
 * humans it takes. NULL when there is no such rule. Belongs to the policy.
 */
struct approver_rule {
	const char	*rule;
	struct strvec	 who;
	unsigned	 quorum;	/* at least 1 */
};
const struct approver_rule *policy_approvers(const struct policy *, size_t i);	/* NULL past the last */

/* Whether patterns name this subject: a glob on the identity, or "group:GLOB" on one of its groups. */
bool	subject_matches(const struct strvec *patterns, const struct subject *);

/* What a subject may do, in plain words, one line a rule, for `ssh bastion policy`. The caller frees. */
char	*policy_describe(const struct policy *, const struct subject *);

const char	*decision_word(enum decision);		/* "allow", "ask", "park", "deny" */
const char	*request_kind_word(enum request_kind);	/* "exec", "push", .. */
const char	*ref_op_word(enum ref_op);		/* "create", .. */
const char	*path_op_word(enum path_op);		/* "create", .. */
const char	*file_op_word(enum file_op);		/* "read", .. */

#endif
