/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: what its files share. inspect.c is the course of an inspection and its messages in; the others are named below. */
#ifndef GITFILTER_INSPECT_INT_H
#define GITFILTER_INSPECT_INT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/inspect.h"
#include "gitfilter/judged.h"
#include "gitfilter/pack.h"
#include "gitfilter/refcmd.h"
#include "secretscan/secretscan.h"

struct buf;
struct changes;
struct contents;
struct lfsnames;
struct link;
struct walk;

#define WHY_MAX		400	/* a sentence with a path in it; what does not fit into an `ng` is said before */

enum inspect_phase { PHASE_BEGIN, PHASE_RECEIVE, PHASE_WALK, PHASE_LFS, PHASE_COMPARE, PHASE_TELL, PHASE_OVER };

struct kept {			/* a finding, until its place is known */
	const char	*kind;
	const char	*rule, *description;	/* the scanner's */
	uint32_t	 index;			/* object; PACK_NONE: commit and path are set */
	uint32_t	 line;
	char		*path;			/* owned, or NULL */
	char		*member, *decoded;	/* owned: where in a container, in which encodings; or NULL */
	bool		 notice;
	uint64_t	 start, end;		/* in its content */
	char		*excerpt;		/* owned, or NULL */
	size_t		 half;			/* number among pairs */
	char		 commit[OID_HEX + 1];
	char		 fingerprint[SECRETSCAN_FINGERPRINT + 1];
	char		 masked[SECRETSCAN_MASKED];
};

struct inspect {
	const struct inspect_params	*params;
	struct link		*session, *parent;	/* owned */
	enum inspect_phase	 phase;
	bool			 gone, eof, said;	/* said: the result is on its way */
	struct push_command	*commands;		/* owned */
	size_t			 n;
	struct pack		*pack;			/* owned */
	struct walk		*walk;			/* owned */
	struct lfsnames		*lfs;			/* owned: what the pointers in the pack name */
	unsigned		 tell;			/* enum inspect_tell */
	size_t			 commits_told;
	struct changes		*changes;		/* owned */
	struct buf		*object;		/* owned: the part that is there of the object that is wanted, or NULL */
	size_t			 told;			/* changes */
	size_t			 needs_told;
	unsigned		 options;		/* heard */
	uint64_t		 met[4];		/* the sum of SHA-256 over each fact that is not simply allowed */
	EVP_MD_CTX		*digest;		/* owned: SHA-256 over the spool */
	uint64_t		 spooled, taken;
	struct kept		*kept;			/* owned */
	size_t			 nkept;
	struct secretscan_pairs	*pairs;			/* owned: which halves of credentials go together */
	uint32_t		 findings, notices, kept_notices;
	struct judged		*judged;		/* owned */
	struct contents		*contents;		/* owned: of the blobs */
	uint32_t		 commits;		/* read so far */
	int64_t			 told_ms;		/* when the last progress was sent */
	/* What is being scanned now. */
	const char		*kind, *commit, *path;
	uint32_t		 index;
	char			 why[WHY_MAX];
};

/* inspect.c. The first reason stays; r comes back. */
int	inspect_fail(struct inspect *x, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A fact that is not simply allowed: an approval is for the sum of them. */
int	inspect_met(struct inspect *x, const struct fact *f, const struct fact_verdict *v);
/* What policy says to a fact; all is allowed where nobody judges. */
struct fact_verdict	inspect_judge(const struct inspect *x, const struct fact *f);

/* inspect-order.c: what the session says is to be done, and that git will be told the same. */
int	inspect_take_commands(struct inspect *x, struct buf *body);
int	inspect_check_order(const struct inspect *x, const uint8_t *p, size_t n);

/* inspect-findings.c: contents scanned, what was found kept until its place is known, judged and told. */
int	inspect_scan(struct inspect *x, const void *p, size_t n);
/* For a scan that is not inspect_scan(): arg is the inspection. */
int	inspect_on_finding(const struct secretscan_finding *, void *arg);
/* A name that is itself a secret, or lies below one, is not repeated in clear. */
bool	inspect_is_secret_name(const struct inspect *x, const char *path);
int	inspect_send_findings(struct inspect *x);

/* inspect-tell.c: all else that session and parent are told, each list in messages of bounded size. */
bool	inspect_has_needs(const struct inspect *x);
int	inspect_tell_needs(struct inspect *x);
bool	inspect_has_commits(const struct inspect *x);
int	inspect_tell_commits(struct inspect *x);
bool	inspect_has_changes(const struct inspect *x);
int	inspect_tell_changes(struct inspect *x);
int	inspect_tell_warnings(struct inspect *x);
int	inspect_send_judged(struct inspect *x);
int	inspect_put_result(struct inspect *x, enum inspect_status status, struct buf *b);

#endif
