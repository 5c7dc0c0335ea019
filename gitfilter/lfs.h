/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfs: the server's side of what a git-lfs client speaks over SSH (`git-lfs-transfer PATH upload|download`, git-lfs,
 * docs/proposals/ssh_adapter.md, version 1): bytes in, requests out, and the writers of answers. No I/O, no policy.
 *
 *	while ((r = lfs_feed(lfs, p, n, &used, &event)) == 0) { p += used; n -= used; switch (event.what) .. }
 *
 * Requests come one after the other; the owner answers one before it feeds what follows.
 */
#ifndef GITFILTER_LFS_H
#define GITFILTER_LFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/lfspointer.h"

struct buf;
struct lfs;

enum lfs_kind { LFS_VERSION, LFS_BATCH, LFS_PUT, LFS_VERIFY, LFS_GET, LFS_LOCKS, LFS_QUIT, LFS_OTHER };

struct lfs_request {
	enum lfs_kind		 kind;
	bool			 good_version;		/* version: it is ours */
	struct lfs_object	 object;		/* put, verify, get */
	bool			 has_size;		/* of it; get has none */
	const struct lfs_object	*batch;			/* borrowed */
	size_t			 nbatch;
};

enum lfs_what {
	LFS_HEAD,	/* of a put: its content follows */
	LFS_CONTENT,	/* some of that */
	LFS_WHOLE,	/* a request is complete: answer it */
};

struct lfs_event {
	enum lfs_what			 what;
	const struct lfs_request	*request;	/* borrowed until the next request begins */
	const uint8_t			*content;	/* borrowed until the next feed */
	size_t				 n;
};

struct lfs	*lfs_new(void);			/* NULL = no memory */
void		 lfs_free(struct lfs *);
/*
 * Take bytes; *usedp says how many. 0: *event is set. ERR_SHORT: all were taken and more are needed. ERR_FORMAT, ERR_TOOBIG,
 * ERR_NOMEM: the client speaks something else, and lfs_why() says what; nothing more is read.
 */
int		 lfs_feed(struct lfs *, const uint8_t *p, size_t n, size_t *usedp, struct lfs_event *event);
const char	*lfs_why(const struct lfs *);

/* Writers: 0, or what buf says. What is said first, unasked. */
int	lfs_put_capabilities(struct buf *out);
/* A status (as in HTTP), and one line for people if it is not NULL. */
int	lfs_put_status(struct buf *out, unsigned status, const char *text);
/* The answer to a batch: its head, then a line for each object ("upload", "download", "noop"), then lfs_put_end. */
int	lfs_put_batch(struct buf *out);
int	lfs_put_action(struct buf *out, const struct lfs_object *, const char *action);
/* The answer to a get: its head, then the content in pieces of at most LFS_PIECE, then lfs_put_end. */
int	lfs_put_object(struct buf *out, uint64_t size);
int	lfs_put_content(struct buf *out, const void *p, size_t n);
int	lfs_put_end(struct buf *out);

#define LFS_PIECE	(32 * 1024)

#endif
