/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxyproto: the header that a load balancer puts before a connection to say where it came from (PROXY protocol,
 * version 1 in text, version 2 in binary). No I/O: bytes are fed as they come, and none behind the header is taken.
 *
 *	struct proxyproto h = { 0 };
 *	while ((r = proxyproto_feed(&h, p, n, &took)) == ERR_AGAIN) .. take took bytes, wait for more
 *	if (r == 0) source = proxyproto_source(&h);
 */
#ifndef BASTION_PROXYPROTO_H
#define BASTION_PROXYPROTO_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define PROXYPROTO_V1_MAX	107	/* the longest line that the protocol knows, with its CR LF */
#define PROXYPROTO_MAX		536	/* version 2, with room for what balancers add */

/* All zero to begin with; owns nothing. */
struct proxyproto {
	uint8_t	 buf[PROXYPROTO_MAX];
	size_t	 len;
	char	 source[INET6_ADDRSTRLEN];
};

/*
 * The next n bytes of the stream; *tookp of them belong to the header. 0: it is complete. ERR_AGAIN: it is not yet, and
 * all n were taken. ERR_FORMAT or ERR_TOOBIG: this is no header, and the connection is worth nothing.
 */
int	proxyproto_feed(struct proxyproto *, const uint8_t *p, size_t n, size_t *tookp);
/* Of a complete header: the client's numeric address, or NULL when it speaks of the balancer's own connection. */
const char *proxyproto_source(const struct proxyproto *);

#endif
