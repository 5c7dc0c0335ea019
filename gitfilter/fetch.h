/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: both directions of a git fetch (upload-pack, protocol v0) as far as they must be judged: bytes in, bytes out, no
 * I/O, no policy. The owner relays between the client and a stock `git upload-pack`:
 *
 *	server's bytes -> fetch_feed_server -> out -> client	until fetch_is_advertised(); then as they are
 *	client's bytes -> fetch_feed_client -> out -> server	always
 *
 * The client's direction passes only lines that are well formed and expected, and a `want` only when the owner's function
 * says so (every want is an object handed out; stock servers are not the gate). Lines that were judged good leave in out
 * at once; on a failure nothing of the bad line is in out, and fetch_refuse() makes the line that tells the client.
 */
#ifndef GITFILTER_FETCH_H
#define GITFILTER_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/push.h"	/* struct push_ref, OID_HEX */

struct buf;
struct fetch;

/* May this object (40 lower-case hexadecimal digits) be given to this client? */
typedef bool	(*fetch_want_fn)(const char *oid, void *arg);

/* want NULL: what the advertisement named, and nothing else (fetch_is_tip). NULL = no memory. */
struct fetch	*fetch_new(fetch_want_fn want, void *arg);
void		 fetch_free(struct fetch *);

/*
 * The server's advertisement, up to its flush: collects the references and puts the same lines into out, with the
 * capability list edited (nothing that leads around the gate: allow-tip-sha1-in-want, allow-reachable-sha1-in-want,
 * filter and session-id go, agent is ours). *usedp says how many bytes were taken: all of them, unless the advertisement
 * has ended; what follows belongs to the owner, who passes it on as it is. 0, ERR_FORMAT, ERR_TOOBIG, ERR_NOMEM,
 * ERR_DENIED (the server refused with an ERR line: fetch_why has its words).
 */
int	fetch_feed_server(struct fetch *, const uint8_t *p, size_t n, size_t *usedp, struct buf *out);
bool	fetch_is_advertised(const struct fetch *);
/* What was advertised, HEAD and peeled tags ("refs/tags/v1^{}") included, in the server's order. */
const struct push_ref	*fetch_refs(const struct fetch *, size_t *np);
/* Whether the object was named in the advertisement. Valid once fetch_is_advertised(). */
bool	fetch_is_tip(const struct fetch *, const char *oid);

/*
 * The client's bytes, all of which are taken. 0, ERR_FORMAT, ERR_TOOBIG, ERR_NOMEM, ERR_DENIED; fetch_why() has the line.
 * Before the advertisement is over nothing is expected: ERR_DENIED.
 */
int	fetch_feed_client(struct fetch *, const uint8_t *p, size_t n, struct buf *out);
/* Whether the client has said all (`done`, or a flush without any want): nothing more is taken. */
bool	fetch_is_asked(const struct fetch *);
/* Counts for the record. */
size_t	fetch_nwants(const struct fetch *);
size_t	fetch_nhaves(const struct fetch *);
/* "clone" when nothing was had, else "fetch"; "list" when nothing was wanted. */
const char	*fetch_kind(const struct fetch *);
const char	*fetch_why(const struct fetch *);
/* An ERR line for the client, before any pack has begun: "fatal: remote error: TEXT". NULL = fetch_why(). */
int	fetch_refuse(const struct fetch *, const char *text, struct buf *out);

#endif
