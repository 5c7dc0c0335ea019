/* SPDX-License-Identifier: Apache-2.0 */
/* cidr: lists of networks, "10.0.0.0/8,2001:db8::/32,192.0.2.7", as the source-address option of a certificate has. */
#ifndef IDENT_CIDR_H
#define IDENT_CIDR_H

#include <stdbool.h>

/* At least one network, all well-formed, no host bits set. */
bool	cidr_list_is_valid(const char *list);
/*
 * Whether a numeric address is in one of them. An IPv4 address inside IPv6 is IPv4. False when anything is malformed.
 */
bool	cidr_list_has(const char *list, const char *address);

#endif
