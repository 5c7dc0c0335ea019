/* SPDX-License-Identifier: Apache-2.0 */
/* Fields shared by the sftp files; nobody else includes it. sftp-proxy.c says where to start. */
#ifndef SSH_SFTP_INT_H
#define SSH_SFTP_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/policy/decide.h"
#include "bastion/ssh/dialogue.h"
#include "bastion/ssh/sftp-wire.h"

#define SFTP_FILES_MAX	128		/* open at a time; a window each bounds what one channel may cost */
#define SFTP_HOLD	(48 * 1024)	/* a file that is no larger passes when all of it was scanned */
#define SFTP_JOBS_MAX	64		/* requests under way, reads and writes aside */
#define SFTP_CALLS_MAX	512		/* unanswered by the target */
#define SFTP_CALLS_HIGH	384		/* no further request of the agent is begun; what is under way needs some more */
#define SFTP_OUT_HIGH	(512 * 1024)	/* to be sent to one side; beyond it nothing new is made for that side */
#define SFTP_OUT_MAX	(2 * 1024 * 1024)
#define SFTP_PATH_MAX	4096
#define SFTP_PIECE	32768		/* of content, in one request to the target; every server takes as much */
#define SFTP_REFUSALS	1000		/* of one channel; then it ends */
#define SFTP_LINES	100		/* of them told on stderr */

struct sftp;
struct sftp_file;
struct sftp_job;
struct sftp_reader;
struct sftp_writer;
struct transfer;

/* The target's answer to one request. ERR_FORMAT when it is none. */
typedef int	(*sftp_answer_fn)(struct sftp *, const struct sftp_packet *, void *arg);

struct sftp_call {
	uint32_t	 id;
	sftp_answer_fn	 fn;		/* NULL: free */
	void		*arg;
};

enum sftp_state { PROXY_NEW, PROXY_HELLO, PROXY_HOME, PROXY_OPEN, PROXY_LEAVING };

struct sftp {
	struct dialogue		 d;
	struct dialogue_params	 p;
	struct session		*s;
	struct sshchan		*up;
	enum sftp_state		 state;
	bool			 greeted;	/* the agent has said INIT */
	bool			 ending, ended;	/* the target says nothing more; and all that it said is done with */
	unsigned		 asking;	/* HOME: answers awaited */
	bool			 has_links, plain_names;	/* HOME: what is known of how the target resolves names */
	char			*home;
	uint32_t		 exts;		/* bits of enum sftp_ext that the target offers */
	struct buf		*from;		/* the target's, to be read */
	struct buf		*to_up, *to_agent;
	struct sftp_call	 calls[SFTP_CALLS_MAX];
	unsigned		 ncalls;
	uint32_t		 last_id;
	struct sftp_job		*jobs;
	unsigned		 njobs;
	struct sftp_file	*files[SFTP_FILES_MAX];
	unsigned		 nfiles, nreaders;
	uint32_t		 last_file;
	bool			 moved;
	char			*why;		/* it cannot go on */
	int			 status;
	unsigned		 refusals;
	uint64_t		 transfers, looks;	/* for exec.end */
	uint64_t		 bytes_in, bytes_out;
};

/* sftp-proxy.c */

/* Queue a packet for the agent; one that does not fit ends the dialogue. */
void	sftp_reply(struct sftp *, const struct sftp_packet *);
/* A STATUS, with words of ours; NULL takes the usual ones. */
void	sftp_reply_status(struct sftp *, uint32_t id, uint32_t status, const char *text);
/* Pass the target's STATUS on. */
void	sftp_relay_status(struct sftp *, uint32_t id, const struct sftp_packet *);
/* Ask the target; id is set here. The callers keep below SFTP_CALLS_MAX by sftp_is_busy. */
void	sftp_ask(struct sftp *, struct sftp_packet *, sftp_answer_fn, void *arg);
/* No new request of the agent should be begun. */
bool	sftp_is_busy(const struct sftp *);
/* Whether the target may be asked for more content now. */
bool	sftp_may_fetch(const struct sftp *);
/* It cannot go on: a line for the agent and the exit status. */
void	sftp_break(struct sftp *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line to stderr and a marker in the recording, for a refusal; counts it. */
void	sftp_tell_refusal(struct sftp *, const char *line);
/* Text for people: bytes masked and printable. The caller frees. */
char	*sftp_shown(struct sftp *, const char *path);

/* sftp-job.c: one request that is about names, from the agent's packet to the answer */

/* Takes the packet (its bytes are copied). */
void	sftp_job_begin(struct sftp *, const struct sftp_packet *);
/* The same for one about an open file: FSTAT, FSETSTAT, READDIR, fsync, fstatvfs. */
void	sftp_job_begin_on(struct sftp *, const struct sftp_packet *, struct sftp_file *);
void	sftp_jobs_step(struct sftp *);
void	sftp_jobs_free(struct sftp *);

/* sftp-access.c: what decide() says of one name, and of the one it leads to */
struct sftp_place {
	char	*asked;		/* absolute, without ".." */
	char	*real;		/* as the target resolves it; NULL where it cannot */
	bool	 follow;	/* a link at the end is followed */
};

/* Whether all these operations (bits 1 << enum file_op) are allowed; else *v says which is not, by which rule. */
bool	sftp_may(struct sftp *, const struct sftp_place *, unsigned ops, bool tree, struct verdict *v);
/* Whether a second name at b for what is at a would open what a keeps shut, or the other way round. */
bool	sftp_may_rename(struct sftp *, const struct sftp_place *a, const struct sftp_place *b, bool tree, bool both_stay,
	    struct verdict *v);
/* The refusal: recorded, told, and answered. */
void	sftp_refuse(struct sftp *, uint32_t id, const char *op, const struct sftp_place *, const struct verdict *);

/* sftp-file.c: what the agent has open, by handles of ours */
struct sftp_file {
	struct sftp		*x;
	uint32_t		 slot, number;
	struct sftp_place	 place;
	uint8_t			 handle[SFTP_HANDLE_MAX];	/* the target's */
	size_t			 nhandle;
	bool			 is_dir;
	uint32_t		 flags;		/* of OPEN */
	bool			 made;		/* nothing was in it when it was opened */
	unsigned		 pending;	/* requests to the target that name it */
	bool			 closing, close_sent;
	uint32_t		 close_id;
	struct sftp_reader	*reader;
	struct sftp_writer	*writer;
};

/* place is taken over. NULL: the target's handle is too long. */
struct sftp_file *sftp_file_new(struct sftp *, struct sftp_place *, const struct sftp_packet *handle, uint32_t flags, bool is_dir);
struct sftp_file *sftp_file_find(struct sftp *, struct sftp_bytes handle);
/* Our handle for it: 8 bytes. */
void	sftp_file_handle(const struct sftp_file *, uint8_t out[8]);
struct sftp_bytes sftp_file_target(const struct sftp_file *);
/* READ, WRITE, CLOSE of the agent's. False: not now, offer it again. */
bool	sftp_file_take(struct sftp_file *, const struct sftp_packet *);
/* Once a turn; false when it is closed and gone. */
bool	sftp_file_step(struct sftp_file *);
/* Write out what is held, as far as it is clean. */
void	sftp_file_flush(struct sftp_file *);
/* Nothing is under way for it. */
bool	sftp_file_is_idle(const struct sftp_file *);
/* What was written out of order has been looked at as a whole; begins to do so. */
bool	sftp_file_is_checked(struct sftp_file *);
/* Without a CLOSE: what it carried is recorded with this result. */
void	sftp_file_drop(struct sftp_file *, const char *result);	/* and frees; NULL is fine */

/* sftp-read.c, sftp-write.c: the content of one open file, one direction each */
struct sftp_reader *sftp_reader_new(struct sftp_file *);
bool	sftp_reader_ask(struct sftp_reader *, uint32_t id, uint64_t offset, uint32_t len);	/* false: not now */
void	sftp_reader_step(struct sftp_reader *);
bool	sftp_reader_is_idle(const struct sftp_reader *);
/* What was written by the same handle makes stale what was read ahead. */
void	sftp_reader_forget(struct sftp_reader *);
void	sftp_reader_end(struct sftp_reader *, const char *result);	/* records and frees; NULL is fine */

struct sftp_writer *sftp_writer_new(struct sftp_file *);
void	sftp_writer_write(struct sftp_writer *, uint32_t id, uint64_t offset, struct sftp_bytes);
void	sftp_writer_flush(struct sftp_writer *);
bool	sftp_writer_is_idle(const struct sftp_writer *);
/*
 * Before the close: a new file that was written out of order is read back and scanned as a whole. True when that is done,
 * or not needed.
 */
bool	sftp_writer_check(struct sftp_writer *);
/* How large the file is at its end, by the target's word. */
void	sftp_writer_measure(struct sftp_writer *, uint64_t size);
/* A write that was answered already failed on the target, or a secret was found: what CLOSE must say; SFTP_OK for neither. */
uint32_t sftp_writer_error(const struct sftp_writer *, const char **textp);
void	sftp_writer_end(struct sftp_writer *, const char *result);	/* records and frees; NULL is fine */

#endif
