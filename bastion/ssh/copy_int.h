/* SPDX-License-Identifier: Apache-2.0 */
/* Fields shared by the copy files; nobody else includes it. copy.c is the dialogue, and says when the others have a turn. */
#ifndef SSH_COPY_INT_H
#define SSH_COPY_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/policy/decide.h"
#include "bastion/policy/transfer-command.h"
#include "bastion/ssh/dialogue.h"

#define COPY_FROM_MAX	(256 * 1024)	/* of the target's, that wait to be read; more than a scanner can hold back */
#define COPY_TO_MAX	(256 * 1024)	/* to be sent to one side */
#define COPY_REFUSALS	1000		/* of one channel; then it ends */

struct copy_rsync;
struct copy_scp;
struct lookup;
struct msg;

/* One path of the command. */
struct copy_place {
	char	*asked;		/* absolute, without ".."; as text alone */
	char	*real;		/* as the target resolves it */
	char	*name;		/* scp out: what its last part must be; a pattern when glob */
	bool	 glob;		/* asked and real are the folder that the pattern is looked for in */
	bool	 exists, is_folder;
};

enum copy_state { COPY_OPEN, COPY_PATHS, COPY_RUN };

struct copy {
	struct dialogue		 d;
	struct dialogue_params	 p;
	struct session		*s;
	struct sshchan		*up;
	struct transfer_command	 cmd;
	enum copy_state		 state;
	struct lookup		*lookup;
	bool			 asking;	/* PATHS: places[nplaces] is being looked up */
	struct copy_place	 places[TRANSFER_PATHS_MAX];
	size_t			 nplaces;
	struct buf		*from;		/* the target's, to be read */
	struct buf		*to_up, *to_agent;
	bool			 ended;		/* the target says nothing more */
	bool			 eof_sent;
	bool			 moved;		/* in this turn */
	bool			 agent_is_through, target_is_through;	/* of what it has sent so far nothing more can pass */
	struct copy_scp		*scp;
	struct copy_rsync	*rsync;
	char			*why;		/* it cannot go on */
	int			 status;
	unsigned		 refusals;
	uint64_t		 files, bytes;	/* for exec.end */
};

/* copy.c */

/* It cannot go on: a line for the agent and the exit status. The first reason stays. */
void	copy_break(struct copy *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What the agent has sent, and the target. */
struct buf	*copy_from(struct copy *, bool agent);
/* What goes to the target, and to the agent. */
struct buf	*copy_to(struct copy *, bool agent);
/* The agent will send nothing more. */
bool	copy_agent_is_silent(const struct copy *);
/* Text for people: bytes masked and printable. The caller frees. */
char	*copy_shown(const struct copy *, const char *path);

/* copy-access.c: what decide() says of one name, and of the one it leads to */

/* Whether the operation is allowed on both; *v is the stricter verdict. real may be NULL. tree: and on all that is below. */
bool	copy_may(struct copy *, enum file_op, const char *asked, const char *real, bool tree, struct verdict *v);
/* Whether it is allowed on whatever may be below a folder: at any depth, or in it alone. */
bool	copy_may_below(struct copy *, enum file_op, const char *asked, const char *real, bool deep, struct verdict *v);
/* A record of a name that was decided: event is file.open or file.op. fn is called once it is durable; NULL = nobody waits. */
void	copy_record(struct copy *, const char *event, enum file_op, const char *asked, const char *real,
	    const struct verdict *, int (*fn)(struct msg *, void *), void *arg);
/* The refusal: recorded, counted; the line for the agent, the caller frees. */
char	*copy_refuse(struct copy *, enum file_op, const char *asked, const char *real, const struct verdict *);

/* copy-scp.c */
struct copy_scp	*copy_scp_new(struct copy *);
void	copy_scp_free(struct copy_scp *);	/* NULL is fine */
void	copy_scp_step(struct copy_scp *, int64_t now_us);
/* What is under way is recorded with this result. */
void	copy_scp_drop(struct copy_scp *, const char *result);

/* copy-rsync.c */
struct copy_rsync *copy_rsync_new(struct copy *);
void	copy_rsync_free(struct copy_rsync *);
void	copy_rsync_step(struct copy_rsync *, int64_t now_us);
void	copy_rsync_drop(struct copy_rsync *, const char *result);
/* Whether all that it may do on a path of the command is allowed; breaks the copy if not. */
bool	copy_rsync_may(struct copy *, const struct copy_place *);

#endif
