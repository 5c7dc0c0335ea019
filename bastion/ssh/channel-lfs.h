/* SPDX-License-Identifier: Apache-2.0 */
/* channel-lfs: what the files of one LFS transfer share: its state, what the keeper says, how an upload is judged. */
#ifndef SSH_CHANNEL_LFS_H
#define SSH_CHANNEL_LFS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bastion/base/link.h"
#include "bastion/policy/decide.h"
#include "bastion/ssh/channel-git.h"
#include "gitfilter/lfs.h"

struct channel;

enum lfs_step { LFS_STEP_REFUSE, LFS_STEP_ASK, LFS_STEP_RECORD, LFS_STEP_OPEN, LFS_STEP_TALK, LFS_STEP_END, LFS_STEP_OVER };

/* What the answer to the client's request waits for. */
enum lfs_wait {
	LFS_WAIT_NONE,
	LFS_WAIT_STATES,	/* the keeper on what is there */
	LFS_WAIT_SCANNED,	/* the keeper on an object that came */
	LFS_WAIT_PUT_RECORD,	/* the record of the decision on it */
	LFS_WAIT_KEPT,		/* the keeper to hold it, or to drop it */
	LFS_WAIT_OBJECT,	/* the keeper to hand one out */
	LFS_WAIT_GET_RECORD,	/* the record that it is handed out */
	LFS_WAIT_CONTENT,	/* the client to take it */
};

struct lfs_call {
	struct git_door		 door;		/* first */
	bool			 upload;
	bool			 by_http;	/* asked for, which is never given */
	enum lfs_step		 step;
	struct verdict		 verdict;	/* on the whole */
	struct git_asking	 asking;
	bool			 durable;
	struct lfs		*lfs;
	struct link		*keeper;
	bool			 keeper_gone;
	enum lfs_wait		 wait;
	bool			 answered;	/* the keeper has said what was waited for */
	struct lfs_request	 request;	/* that is under way; its batch is the reader's */
	uint8_t			*states;	/* owned: one for each object that was asked about */
	/* an object that comes */
	char			*refused;	/* why not, or NULL */
	bool			 dropped;	/* by the keeper itself */
	uint64_t		 sent, taken;
	uint32_t		 findings;
	struct verdict		 finding;	/* the strictest on them; rule NULL: none */
	/* one that goes */
	int			 fd;		/* -1 = none */
	uint64_t		 left;
	/* in all */
	uint64_t		 objects, bytes;
};

/* Hearing and judging (channel-lfs-put.c): the link to the keeper, NULL when it cannot be made. */
struct link	*lfs_link(struct lfs_call *, int fd);
/* An upload of one object: begun, some of it, all of it; then what is next, once the keeper or the log has answered. */
void	lfs_put_begin(struct lfs_call *);
void	lfs_put_take(struct lfs_call *, const uint8_t *p, size_t n);
void	lfs_put_whole(struct lfs_call *);
void	lfs_put_scanned(struct lfs_call *);
void	lfs_put_decided(struct lfs_call *);
void	lfs_put_kept(struct lfs_call *);

/* channel-lfs.c: a record, whose becoming durable sets durable; obj is taken over. */
void	lfs_record(struct lfs_call *, const char *event, json_t *obj);
/* The answer to the request under way. text NULL: none. */
void	lfs_answer(struct lfs_call *, unsigned status, const char *text);
/* A question about these objects to the keeper, or about one: LFSKEEP_ASK, LFSKEEP_PUT, LFSKEEP_GET. */
void	lfs_ask_keeper(struct lfs_call *, uint16_t type, const struct lfs_object *, size_t n);

#define LFS_STATUS_REFUSED	422	/* clients try neither again nor elsewhere */
#define LFS_STATUS_NOT_HERE	404
#define LFS_STATUS_NOT_OFFERED	501

#endif
