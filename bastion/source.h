/* SPDX-License-Identifier: Apache-2.0 */
/* source: what counts as one place that connections come from: an IPv4 address, or an IPv6 network of 64 bits. */
#ifndef BASTION_SOURCE_H
#define BASTION_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct source {
	uint8_t	 bytes[17];	/* 4 or 6, and the address or network; the rest zero */
};

/* From a numeric address, with or without "%zone". An IPv4 address inside IPv6 is IPv4. False: it is none. */
bool	source_parse(const char *address, struct source *);
bool	source_is_equal(const struct source *, const struct source *);
/* An order, for sorting. */
int	source_compare(const struct source *, const struct source *);

#endif
