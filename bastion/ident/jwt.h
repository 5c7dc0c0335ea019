/* SPDX-License-Identifier: Apache-2.0 */
/* jwt: the short statement, signed with an app's private key, for which a forge gives an installation token (RFC 7519, RS256). */
#ifndef IDENT_JWT_H
#define IDENT_JWT_H

#include <stdint.h>

struct buf;
struct privkey;

#define JWT_SECONDS	120	/* how long it is good for */
#define JWT_SKEW	60	/* it was made so much earlier, for clocks that differ */

/* Append HEADER.PAYLOAD.SIGNATURE by this issuer, made now (seconds since 1970). 0; ERR_DENIED: not an RSA key; ERR_CRYPTO, ERR_TOOBIG. */
int	jwt_make(const struct privkey *, const char *issuer, int64_t now, struct buf *out);

#endif
