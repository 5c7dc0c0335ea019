/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judged: what policy has said to the facts of one push. This folder knows no policy: the owner of the inspector gives it a
 * judge, which runs in the inspector's own process on what the inspector itself has read, so that nobody in between need be
 * believed. Here it is gathered for the parent (which rules were met) and for the session (by which commits).
 */
#ifndef GITFILTER_JUDGED_H
#define GITFILTER_JUDGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct content;
struct judged;

/* In the order of strictness. */
enum fact_word { FACT_ALLOWED, FACT_ASKED, FACT_PARKED, FACT_DENIED };

struct fact_verdict {
	enum fact_word	 word;
	const char	*rule;		/* outlives the judge's call, as a policy's own names do */
	char		 detail[256];	/* one line: what was met and what to do; may quote the pusher */
};

enum fact_kind { FACT_COMMIT, FACT_CHANGE, FACT_FINDING };

/* One fact; all borrowed for the call. */
struct fact {
	enum fact_kind	 kind;
	const uint8_t	*text;		/* commit: its bytes */
	size_t		 ntext;
	bool		 first;		/* commit: the repository has no reference yet */
	bool		 veiled;	/* commit: there is a secret in it, so it is not to be quoted */
	unsigned	 op;		/* change: enum change_op */
	bool		 plain;		/* change: a file, no link and no submodule */
	const struct content *content;	/* change: changes.h; NULL: not known, or none */
	const char	*path;		/* change, finding; NULL: some path */
	const char	*rule;		/* finding: the scanner's */
	const char	*fingerprint;	/* finding: keyed; NULL: of none in particular */
	bool		 notice;	/* finding: no secret but a word about the content */
};

typedef void	(*judge_fn)(const struct fact *, struct fact_verdict *, void *arg);

#define JUDGED_COMMITS_MAX	300	/* named to the session: with 400 bytes each in one message */

struct judged	*judged_new(void);	/* NULL = no memory */
void		 judged_free(struct judged *);
/* Keep it, unless it allows. 0, ERR_NOMEM, ERR_TOOBIG (more rules than any policy has). */
int		 judged_add(struct judged *, const struct fact_verdict *);
/* The same for a commit. Those that are denied, and the first of each rule, are kept before others. */
int		 judged_add_commit(struct judged *, const uint8_t oid[20], const struct fact_verdict *);
/* The bodies of INSPECT_VERDICTS and INSPECT_JUDGED. 0 or ERR_TOOBIG. */
int		 judged_put_rules(const struct judged *, struct buf *);
int		 judged_put_commits(const struct judged *, struct buf *);

#endif
