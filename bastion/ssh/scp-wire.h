/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scp-wire: the protocol of scp -t and scp -f as seen by somebody between the two ends. One end, the source, sends files
 * and folders as messages; the other, the sink, answers each with one. Strictly in turns: scp_turn() says whose bytes come
 * next, scp_next() reads the next piece of them. No I/O; the owner passes on what it reads, or refuses it.
 *
 *	SCP_TIMES, SCP_FILE, SCP_FOLDER, SCP_LEAVE	the source's messages; each is answered
 *	SCP_DATA, SCP_DATA_END				bytes of the last file that was accepted; then the source's word on them
 *	SCP_NOTE					words of the source's, not answered
 *	SCP_YES, SCP_NO, SCP_STOP			the sink's answer: go on; not this one; no more at all
 *
 * Names are checked here: one component, no "." and "..", whatever the other end makes of them (CVE-2026-0964 and others).
 */
#ifndef SSH_SCP_WIRE_H
#define SSH_SCP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCP_LINE_MAX	8192	/* one message; a path and some words fit */
#define SCP_NAME_MAX	255
#define SCP_DEPTH_MAX	256	/* folders in folders */

enum scp_kind {
	SCP_TIMES, SCP_FILE, SCP_FOLDER, SCP_LEAVE, SCP_DATA, SCP_DATA_END, SCP_NOTE, SCP_YES, SCP_NO, SCP_STOP,
};

struct scp_piece {
	enum scp_kind	 kind;
	size_t		 n;		/* so many bytes of the input, to be passed on as they are */
	uint64_t	 size;		/* FILE */
	unsigned	 mode;		/* FILE, FOLDER */
	enum scp_kind	 answers;	/* YES, NO, STOP: to this; itself = the first word of all */
	const char	*text;		/* NOTE, NO, STOP, DATA_END with a complaint: words, borrowed from the input; else NULL */
	size_t		 text_len;
};

enum scp_turn { SCP_SOURCE, SCP_SINK, SCP_NOBODY };

struct scp_wire;

/* recursive: folders may come. */
struct scp_wire	*scp_wire_new(bool recursive);
void		 scp_wire_free(struct scp_wire *);	/* NULL is fine */

enum scp_turn	 scp_turn(const struct scp_wire *);
/*
 * Read the next piece of what the end whose turn it is has sent. 0; ERR_SHORT: more of it is needed; ERR_FORMAT: it is not
 * the protocol, scp_why() says what is wrong. The state is then that after the piece.
 */
int		 scp_next(struct scp_wire *, const void *p, size_t n, struct scp_piece *);
const char	*scp_why(const struct scp_wire *);
/* FILE and FOLDER: its name, of 1 to SCP_NAME_MAX bytes; valid until the next message. */
const char	*scp_name(const struct scp_wire *);
/* The folders that the last message was about or in, '/' between them and at the end; "" at the top. */
const char	*scp_folder(const struct scp_wire *);
/* How many bytes of the file are still to come. */
uint64_t	 scp_left(const struct scp_wire *);
/* The owner answers in place of the sink: no to what was just read (FILE, FOLDER, DATA_END), or yes to a FILE. */
void		 scp_refuse(struct scp_wire *);
void		 scp_accept(struct scp_wire *);
/* Between two files, with every folder left: a good place to end. */
bool		 scp_is_at_rest(const struct scp_wire *);

#endif
