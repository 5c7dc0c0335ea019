/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: the one set of failure codes. Functions that can fail return 0 or one of these; err_text() turns a code into
 * words for a log line. ERR_SYSTEM means "errno says".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_NONE = 0,
	ERR_NOMEM = -1,		/* out of memory */
	ERR_TOOBIG = -2,	/* over a ceiling of ours */
	ERR_SHORT = -3,		/* input ends too early, or more is needed */
	ERR_FORMAT = -4,	/* input is not what it must be */
	ERR_SYSTEM = -5,	/* errno has the reason */
	ERR_EOF = -6,		/* the peer has closed */
	ERR_AGAIN = -7,		/* would block */
	ERR_DENIED = -8,	/* understood, and refused */
	ERR_NOTFOUND = -9,	/* no such thing */
	ERR_EXISTS = -10,	/* there already */
	ERR_CRYPTO = -11,	/* a signature or a key is bad */
	ERR_EXPIRED = -12,	/* outside its time */
};

/* Words for a code; never NULL. For ERR_SYSTEM the words of the present errno. */
const char	*err_text(int r);

#endif
