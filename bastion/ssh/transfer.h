/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: the content of one file on its way through, in either direction: counted, hashed, scanned for secrets, and
 * recorded once, at its end. It holds no content: the owner keeps what is not known to be clean yet, and lets the rest go.
 *
 *	t = transfer_new(&params);
 *	if (transfer_feed(t, p, n) != 0) ..		a secret: transfer_why() is the line for the agent; nothing more passes
 *	.. pass on what lies before transfer_clean(t) ..
 *	if (transfer_settle(t) != 0) ..			the file's end: what was held back is clean as well, or it is not
 *	transfer_end(t, "done");			one record, file.transfer
 *
 * A secret always ends the transfer: nobody can be asked in the middle of a file.
 *
 * The bytes are scanned as they come. Of a file that is read or written from its beginning on a copy is kept as well, up to
 * TRANSFER_WHOLE, and scanned at its end like a pushed file: archives opened, encodings peeled off. Nothing of a file
 * that fits into what the owner can hold passes before that.
 */
#ifndef SSH_TRANSFER_H
#define SSH_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct transfer;

#define TRANSFER_WHOLE	(4 * 1024 * 1024)	/* of one file */

struct transfer_params {
	struct session	*session;	/* borrowed, must outlive it */
	const char	*request;	/* "REQ-..", the decision that this file came under; copied */
	const char	*how;		/* "sftp", "scp", "rsync"; static */
	bool		 to_target;
	const char	*path;		/* as the agent named it; copied */
	const char	*resolved;	/* as the target knows it, or NULL; copied */
	bool		 file;		/* the bytes are those of the file, not of a protocol */
	size_t		 hold;		/* so many bytes that are not clean the owner can keep */
};

struct transfer	*transfer_new(const struct transfer_params *);

/* The next bytes, in order. 0, or ERR_DENIED: a secret, or it cannot be scanned. Once denied it stays so. */
int		 transfer_feed(struct transfer *, const void *p, size_t n);
/* How many of the bytes fed since the start, or since the last seek, are known to be clean: those may pass. */
uint64_t	 transfer_clean(const struct transfer *);
/*
 * No more bytes for now: everything that was fed is clean (0), or ERR_DENIED. More may be fed afterwards; a secret that
 * goes on there is still found, but what came before of it has passed.
 */
int		 transfer_settle(struct transfer *);
/* The next bytes are those at this offset: what follows is scanned anew, and there will be no hash. */
void		 transfer_seek(struct transfer *, uint64_t offset);
/* The refusal, one line for the agent as channel_sayf() takes it; "" unless denied. Never the secret. */
const char	*transfer_why(const struct transfer *);

/*
 * Where not all that was fed went through, or more than once: so many bytes did. whole: they are the whole file, in order or
 * not; without that there is no hash in the record.
 */
void		 transfer_passed(struct transfer *, uint64_t bytes, bool whole);

/*
 * Records file.transfer and frees. result: "done", or what ended it early; a denied transfer is recorded as "denied"
 * whatever is said here. The record counts against the session's unanswered calls (transfer_may_begin).
 */
void		 transfer_end(struct transfer *, const char *result);
/* False while so many records wait to be durable that the next file should wait too. */
bool		 transfer_may_begin(const struct session *);

#endif
