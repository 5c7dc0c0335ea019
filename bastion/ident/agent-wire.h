/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent-wire: what a client says to an SSH agent (draft-miller-ssh-agent), as far as an agent with one key needs it, and
 * the one thing that such a key ever signs: a login by public key (RFC 4252 section 7). Parsers only: no I/O, no keys.
 */
#ifndef IDENT_AGENT_WIRE_H
#define IDENT_AGENT_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define AGENT_FRAME_MAX		(16 * 1024)	/* one message: a login with an RSA key of 8192 bits is 3 KiB */
#define AGENT_ALGORITHM_MAX	64

struct buf;

enum agent_ask { AGENT_LIST, AGENT_SIGN, AGENT_OTHER };

/* One request. Pointers are borrowed from the buffer that it was read from. */
struct agent_request {
	enum agent_ask	 what;
	/* AGENT_SIGN */
	const uint8_t	*key, *data;
	size_t		 keylen, datalen;
	uint32_t	 flags;
};

/*
 * Read one whole frame (u32 length and the message) from in. 0; ERR_AGAIN when it is not all there, and then nothing was
 * consumed; ERR_FORMAT; ERR_TOOBIG. A message of a kind that we do not serve is AGENT_OTHER.
 */
int	agent_read(struct buf *in, struct agent_request *);

/*
 * Whether these bytes are what a client signs to log in: session identifier, SSH_MSG_USERAUTH_REQUEST, this login, service
 * ssh-connection, method publickey with a signature, an algorithm, and this very key; and nothing after. 0 and the
 * algorithm's name; ERR_FORMAT; ERR_DENIED when it is a login, but not this one.
 */
int	agent_login_check(const uint8_t *data, size_t n, const char *login, const uint8_t *key, size_t keylen,
	    char algorithm[AGENT_ALGORITHM_MAX]);

/* Append a whole frame: the refusal, the list of exactly one key, a signature blob. 0 or ERR_TOOBIG. */
int	agent_put_failure(struct buf *out);
int	agent_put_list(struct buf *out, const uint8_t *key, size_t keylen, const char *comment);
int	agent_put_signature(struct buf *out, const uint8_t *sig, size_t siglen);

#endif
