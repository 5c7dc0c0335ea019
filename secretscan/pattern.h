/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: what can be told of an expression by reading it. */
#ifndef SECRETSCAN_PATTERN_H
#define SECRETSCAN_PATTERN_H

#include <stdbool.h>

struct byteset;

/*
 * Fill *set with bytes of which at least all those are that a text matched by the pattern can hold. What is not
 * understood, however rare, means every byte.
 */
void	pattern_bytes(const char *pattern, bool caseless, struct byteset *set);

#endif
