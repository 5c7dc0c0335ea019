/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: where long tokens stand. Most secrets that a keyword tells are long runs of token bytes, and text holds few of those, so
 * keywords need to be looked for only around them.
 */
#ifndef SECRETSCAN_TOKENS_H
#define SECRETSCAN_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byteset;

/* [A-Za-z0-9_+/=.~-] */
extern const struct byteset	tokens_set;

/* A run of at least SS_TOKEN_MIN token bytes, or one of any length at either end of p. */
typedef void	(*tokens_fn)(size_t start, size_t end, void *arg);
void	tokens_each(const uint8_t *p, size_t n, tokens_fn fn, void *arg);

#endif
