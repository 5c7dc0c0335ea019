/* SPDX-License-Identifier: Apache-2.0 */
/*
 * destination: where a forwarded connection wants to go, as "HOST:PORT" in one spelling, and patterns on it. The name is
 * looked up on the target, so a name that leads to a local address is not seen here; a spelled address is.
 */
#ifndef POLICY_DESTINATION_H
#define POLICY_DESTINATION_H

#include <stdbool.h>

#include "bastion/base/strvec.h"

/*
 * One spelling: lower case, no final dot; any way of writing an IPv4 address that inet_aton(3) takes ("127.1", "0x7f000001")
 * as four numbers, also inside IPv6; IPv6 in brackets. NULL for what is no host name or no port (1 to 65535). The caller
 * frees.
 */
char	*destination_make(const char *host, unsigned port);

/*
 * Whether any "HOST:PORT" pattern (* and ?) matches. Two things no wildcard gives away: loopback, unspecified, link-local and
 * cloud metadata addresses need a pattern that spells the host, and port 22 (a shell that nobody sees, end to end) one that
 * spells the port. strict = false, for denials: wildcards match everything.
 */
bool	destination_matches(const struct strvec *patterns, const char *destination, bool strict);

#endif
