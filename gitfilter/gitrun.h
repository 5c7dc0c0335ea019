/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gitrun: how git's own programs are started: a fresh environment in which nothing but the repository's own configuration
 * and our words over it count, no hooks, no prompts, protocol v0. The current folder is the repository.
 */
#ifndef GITFILTER_GITRUN_H
#define GITFILTER_GITRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct strvec;

/* A line of configuration, over whatever a repository itself says. */
struct gitsetting {
	const char	*key, *value;
};

struct gitstore_params {
	int		 spool_fd;	/* order and pack, from offset 0 */
	uint64_t	 length;
	const struct buf *order;	/* instead of the spool's own order, which ends at pack_at; NULL: the spool's */
	uint64_t	 pack_at;
	bool		 parked;	/* where pushes are parked may be written, and nothing of the bastion's otherwise */
	bool		 allow_non_fast_forward, allow_deletes;
	const char	*faults;	/* names of those that git's own fsck passes over, each with a space behind it; NULL: none */
};

/*
 * Feed the spool to `git receive-pack`, fsck on. Its report-status answer goes to report. 0 when there is a whole report
 * (which may refuse references), else ERR_DENIED or ERR_SYSTEM with one line in why; then nothing may be assumed stored.
 */
int	gitrun_store(const struct gitstore_params *, struct buf *report, char *why, size_t size);

/*
 * One transaction of `git update-ref --stdin`, whose lines these are: all of it or nothing. 0, or ERR_DENIED or ERR_SYSTEM with
 * one line in why.
 */
int	gitrun_update_refs(const struct buf *lines, char *why, size_t size);
/* Gather loose references into one file. 0 or ERR_DENIED. */
int	gitrun_pack_refs(void);
/* Whether a report ends in a flush, as a whole one does. */
bool	gitrun_is_whole_report(const struct buf *);

/* Append the environment in which a program of git is started, with these settings over ours. */
void	gitrun_env(struct strvec *env, const struct gitsetting *, size_t n);

/* Become `git upload-pack` on descriptors 0, 1 and 2; reviews: parked pushes may be fetched. Comes back only on failure, with errno. */
void	gitrun_become_upload(bool reviews);

#endif
