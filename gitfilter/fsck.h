/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsck: what may be wrong with an object of a pack, each fault with a name of its own and a severity that can be set. The
 * names are those of git (git-fsck(1), "FSCK MESSAGES") where git has the check; controlCharInName, longName and nulInTag
 * are ours. Real histories have small faults, which are only told; what harms whoever checks it out is refused.
 */
#ifndef GITFILTER_FSCK_H
#define GITFILTER_FSCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_entry;

enum fsck_severity { FSCK_IGNORE, FSCK_WARN, FSCK_ERROR };

enum fsck_id {
	/* commits and tags */
	FSCK_BAD_DATE, FSCK_BAD_DATE_OVERFLOW, FSCK_BAD_EMAIL, FSCK_BAD_NAME, FSCK_BAD_TAG_NAME, FSCK_BAD_TIMEZONE,
	FSCK_EXTRA_HEADER, FSCK_MISSING_AUTHOR, FSCK_MISSING_COMMITTER, FSCK_MISSING_EMAIL, FSCK_MISSING_NAME,
	FSCK_MISSING_SPACE_BEFORE_DATE, FSCK_MISSING_SPACE_BEFORE_EMAIL, FSCK_MISSING_TAGGER, FSCK_MULTIPLE_AUTHORS,
	FSCK_NUL_IN_COMMIT, FSCK_NUL_IN_HEADER, FSCK_NUL_IN_TAG, FSCK_UNTERMINATED_HEADER, FSCK_ZERO_PADDED_DATE,
	/* folders */
	FSCK_BAD_FILEMODE, FSCK_CONTROL_CHAR_IN_NAME, FSCK_DUPLICATE_ENTRIES, FSCK_EMPTY_NAME, FSCK_FULL_PATHNAME, FSCK_HAS_DOT,
	FSCK_HAS_DOTDOT, FSCK_HAS_DOTGIT, FSCK_LONG_NAME, FSCK_NULL_SHA1, FSCK_TREE_NOT_SORTED, FSCK_ZERO_PADDED_FILEMODE,
	/* files that git itself reads */
	FSCK_GITATTRIBUTES_BLOB, FSCK_GITATTRIBUTES_LARGE, FSCK_GITATTRIBUTES_LINE_LENGTH, FSCK_GITATTRIBUTES_SYMLINK,
	FSCK_GITIGNORE_SYMLINK, FSCK_GITMODULES_BLOB, FSCK_GITMODULES_LARGE, FSCK_GITMODULES_NAME, FSCK_GITMODULES_PARSE,
	FSCK_GITMODULES_PATH, FSCK_GITMODULES_SYMLINK, FSCK_GITMODULES_UPDATE, FSCK_GITMODULES_URL, FSCK_MAILMAP_SYMLINK,
	FSCK_IDS
};

struct fsck {
	uint8_t	severity[FSCK_IDS];	/* enum fsck_severity */
};

void		 fsck_init(struct fsck *);	/* each as we think right */
/* 0, ERR_NOTFOUND (no such fault), ERR_DENIED (one that is always an error). */
int		 fsck_set(struct fsck *, const char *name, enum fsck_severity);
const char	*fsck_name(enum fsck_id);	/* "badTimezone" */
const char	*fsck_text(enum fsck_id);	/* what that means, in words that follow on "commit X: " */
enum fsck_severity	fsck_default(enum fsck_id);
bool		 fsck_is_gits(enum fsck_id);	/* git's own fsck knows it by this name, and lets it be set */

/* A fault is found. Not 0: stop looking, and return it. */
typedef int	(*fsck_fn)(enum fsck_id, void *arg);

/* All after the first lines, which commit_parse() and tag_parse() have read. */
int	fsck_commit(const uint8_t *p, size_t n, fsck_fn, void *arg);
int	fsck_tag(const uint8_t *p, size_t n, fsck_fn, void *arg);
/* One entry of a folder by itself. */
int	fsck_entry(const struct tree_entry *, fsck_fn, void *arg);

/* Which file that git reads itself an entry's name stands for, on any system. */
enum fsck_file { FSCK_FILE_NONE, FSCK_FILE_MODULES, FSCK_FILE_ATTRIBUTES };
enum fsck_file	fsck_file(const struct tree_entry *);
#define FSCK_FILE_MAX	(1024 * 1024)	/* a larger one is a fault, and is not looked into */
/* Its content. */
int	fsck_content(enum fsck_file, const uint8_t *p, size_t n, fsck_fn, void *arg);

/* The order of a folder's entries: each is shown in turn, beginning with fsck_order_begin. */
struct fsck_order;

struct fsck_order	*fsck_order_new(void);	/* NULL = no memory */
void	fsck_order_free(struct fsck_order *);
void	fsck_order_begin(struct fsck_order *);
/* The entry's name must stay where it is until the folder's end. */
int	fsck_order(struct fsck_order *, const struct tree_entry *, fsck_fn, void *arg);

#endif
